//! What people type: telephones, plates, VINs, names, what they search for, the fields of forms.

use std::{collections::BTreeMap, sync::LazyLock};

use chassis::mask;
use intake::{name, phone as phones, plate as plates, search, vin as vins};
use intake_core::{
    form::{MAX_TEXT, Place, Reading, parse_field},
    number,
};
use jiff::tz::TimeZone;
use playbook::{Field, Playbook};

use crate::{ground::RULE_BOOK, headed, said, text};

pub const PHONE_WORDS: &[&str] =
    &["+86", "0086", "138", "0571-", "１", "—", "(", " ", "+", "00", "12345678", "/", "ext", ";"];

/// Refused in both languages, or one normal form that is dialled and found.
pub fn phone(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match phones::normalise(text) {
        Err(error) => said::both(error.zh(), error.en()),
        Ok(phone) => {
            assert_eq!(phones::normalise(&phone).as_ref(), Ok(&phone), "{text:?}");
            let digits = phone.strip_prefix('+').expect("E.164 begins with +");
            assert!(
                digits.bytes().all(|b| b.is_ascii_digit()) && (5..=17).contains(&digits.len()),
                "{phone}"
            );
            let words = search::of_phone(&phone);
            assert!(
                words.iter().all(|word| search::read(&word.text).words.contains(word)),
                "{phone}: {words:?}"
            );
            hidden(&mask::phone(&phone), &phone, 7);
        }
    }
}

pub const PLATE_WORDS: &[&str] = &["沪", "A", "12345", "·", "Ａ", "使", "挂", "D", "ß", "ŉ", "-"];

pub fn plate(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match plates::normalise(text) {
        Err(error) => said::both(error.zh(), error.en()),
        Ok(plate) => {
            assert_eq!(plates::normalise(&plate).as_ref(), Ok(&plate), "{text:?}");
            let words = search::of_plate(&plate);
            assert!(
                words.iter().all(|word| search::read(&word.text).words.contains(word)),
                "{plate}: {words:?}"
            );
            hidden(&mask::plate(&plate), &plate, 3);
        }
    }
    if let Some(tail) = plates::normalise_tail(text) {
        assert_eq!(plates::normalise_tail(&tail).as_ref(), Some(&tail));
    }
}

pub const VIN_WORDS: &[&str] = &["1M8GDM9AXKP042788", "ſ", "Ｉ", "0", "Z", "-", " ", "ﬀ"];

pub fn vin(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match vins::normalise(text) {
        Err(error) => said::both(error.zh(), error.en()),
        Ok(vin) => {
            assert_eq!(vins::normalise(&vin).as_ref(), Ok(&vin), "{text:?}");
            let words = search::of_vin(&vin);
            assert!(
                words.iter().all(|word| search::read(&word.text).words.contains(word)),
                "{vin}: {words:?}"
            );
        }
    }
    let _ = vins::checks(text);
}

pub const PERSON_WORDS: &[&str] =
    &["李", "小", "明", "John", "·", "İ", "ß", "\u{301}", "\u{200d}", "Ａ", "\u{3000}"];

pub fn person(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let normal = name::normalise(text);
    assert_eq!(name::normalise(&normal), normal, "{text:?}");
    assert!(
        name::prefixes(&normal)
            .iter()
            .all(|prefix| normal.starts_with(prefix) && prefix.len() < normal.len())
    );
    let words = search::of_name(text);
    assert_eq!(words.is_empty(), normal.is_empty());
    hidden(&mask::name(text), text, 1);
}

pub const QUERY_WORDS: &[&str] =
    &["07-00123-8", "№", "138", "沪A", "李", "lxm", "０", "-", " ", "18446744073709551615"];

/// Whatever is typed is searched for by what it could be, each in normal form.
pub fn query(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let query = search::read(text);
    if let Some(number) = &query.number {
        assert_eq!(number::parse(number).as_ref(), Some(number), "{text:?}");
    }
    for word in &query.words {
        assert!(!word.text.is_empty() && search::read(&word.text).words.contains(word), "{text:?}: {word:?}");
    }
    assert_eq!(query.is_empty(), query.number.is_none() && query.words.is_empty());
}

/// What is shown instead of a personal text, whatever the text and the field.
pub fn mask(data: &[u8]) {
    let Some(text) = text(data) else { return };
    for field in FIELDS.values().filter(|field| field.personal) {
        let shown = intake::mask::field(Some(field), text);
        assert!(shown.chars().count() <= 24, "{shown}");
    }
    assert_eq!(intake::mask::field(None, text), format!("[{}]", text.chars().count()));
    assert!(mask::phone(text).chars().filter(char::is_ascii_digit).count() <= 7);
}

pub const FIELD_WORDS: &[&str] = &[
    "content\n",
    "phone\n",
    "claimed_amount\n",
    "preferred_call_time\n",
    "2026-03-01T09:00/2026-03-01T11:00",
    "1234.56",
    "¥",
    "元",
    ",",
    "9999-12-31",
    "T24:00",
    "+08:00",
    "[Asia/Shanghai]",
    "true",
    "-",
    "9223372036854775807",
    "\u{0}",
    "、",
];

/// A field's name on the first line, then what was typed into it: intake's form and dispatch's report.
pub fn field(data: &[u8]) {
    let Some((field, typed)) = headed(data) else { return };
    let (Some(field), Some(text)) = (FIELDS.get(field), text(typed)) else { return };
    let (book, zone) = (&*BOOK, "Asia/Shanghai");
    if !text.trim().is_empty() {
        let place = Place { currency: book.currency.clone(), zone: TimeZone::get(zone).expect("a zone") };
        match parse_field(field, text, &place) {
            Err(violation) => said::violation(&violation),
            Ok(Reading::Personal(kept)) => assert!(kept == text.trim() && kept.chars().count() <= MAX_TEXT),
            Ok(Reading::Facts(facts)) => {
                assert!(!field.personal && facts.iter().all(|(_, value)| field.accepts(value)), "{facts:?}");
            }
        }
    }
    match dispatch_core::read_field(field, text, &book.currency, Some(zone)) {
        Err(violation) => said::violation(&violation),
        Ok(facts) => assert!(facts.iter().all(|(_, value)| field.accepts(value)), "{facts:?}"),
    }
    answers(text);
}

/// The same typed as the answer to every question of a call-back.
fn answers(text: &str) {
    for rule in &BOOK.follow_ups {
        let given = rule.questions.iter().map(|question| (question.id.clone(), text.to_owned())).collect();
        match follow_up_core::answers::read(rule, &given) {
            Err(refusal) => said::refusal(&refusal),
            Ok(facts) => assert!(facts.len() <= rule.questions.len()),
        }
    }
}

static BOOK: LazyLock<Playbook> =
    LazyLock::new(|| Playbook::load(&[("playbook.yaml", RULE_BOOK)]).expect("the sample rule book loads"));

/// Every field of the rule book's forms and steps.
static FIELDS: LazyLock<BTreeMap<String, Field>> = LazyLock::new(|| {
    let types = BOOK.types.values();
    let fields = types.flat_map(|it| it.form.iter().chain(it.steps.iter().flat_map(|step| &step.fields)));
    fields.map(|field| (field.name.clone(), field.clone())).collect()
});

/// A mask shows so many of the characters at most, and never the whole.
fn hidden(shown: &str, whole: &str, most: usize) {
    let clear = shown.chars().filter(|c| *c != '*').count();
    assert!(
        clear <= most && (shown != whole || whole.chars().count() <= 1 || whole.contains('*')),
        "{shown} of {whole}"
    );
}
