//! Search words: what is kept of a phone, a plate, a VIN or a name so that it can be found again.
//! They leave here as keyed, truncated tokens; the words themselves are never stored.

use chassis::Vault;
use intake_core::number;

use crate::{name, phone, plate, vin};

/// What kind of word found a ticket, as the contract says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Phone,
    PhonePrefix,
    PhoneSuffix,
    Plate,
    PlateTail,
    Vin,
    VinTail,
    Name,
    NamePrefix,
    NameInitials,
}

impl Kind {
    /// The kind that a token is keyed with.
    pub fn token(self) -> &'static str {
        match self {
            Kind::Phone => "phone",
            Kind::PhonePrefix => "phone-prefix",
            Kind::PhoneSuffix => "phone-suffix",
            Kind::Plate => "plate",
            Kind::PlateTail => "plate-tail",
            Kind::Vin => "vin",
            Kind::VinTail => "vin-tail",
            Kind::Name => "name",
            Kind::NamePrefix => "name-prefix",
            Kind::NameInitials => "name-initials",
        }
    }

    /// `FoundTicket.found_by`
    pub fn found_by(self) -> &'static str {
        match self {
            Kind::Phone => "phone",
            Kind::PhonePrefix => "phone_prefix",
            Kind::PhoneSuffix => "phone_suffix",
            Kind::Plate | Kind::PlateTail => "plate",
            Kind::Vin | Kind::VinTail => "vin",
            Kind::Name | Kind::NamePrefix | Kind::NameInitials => "name",
        }
    }
}

/// A word and its kind, in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub kind: Kind,
    pub text: String,
}

impl Word {
    fn new(kind: Kind, text: impl Into<String>) -> Word {
        Word { kind, text: text.into() }
    }

    pub fn token(&self, vault: &Vault) -> String {
        vault.token(self.kind.token(), &self.text)
    }
}

/// How many digits of a phone people remember.
const PREFIX: usize = 7;
const SUFFIX: usize = 4;

/// Of a normalised phone.
pub fn of_phone(e164: &str) -> Vec<Word> {
    let national = phone::national(e164);
    let mut words = vec![Word::new(Kind::Phone, e164)];
    if national.len() > PREFIX {
        words.push(Word::new(Kind::PhonePrefix, &national[..PREFIX]));
        words.push(Word::new(Kind::PhoneSuffix, &national[national.len() - SUFFIX..]));
    }
    words
}

/// Of a normalised plate.
pub fn of_plate(plate: &str) -> Vec<Word> {
    let mut words = vec![Word::new(Kind::Plate, plate)];
    words.extend(plate::tail(plate).map(|tail| Word::new(Kind::PlateTail, tail)));
    words
}

/// Of a normalised VIN.
pub fn of_vin(vin: &str) -> Vec<Word> {
    vec![Word::new(Kind::Vin, vin), Word::new(Kind::VinTail, &vin[vin::LENGTH - 6..])]
}

/// Of a name as written.
pub fn of_name(text: &str) -> Vec<Word> {
    let name = name::normalise(text);
    if name.is_empty() {
        return Vec::new();
    }
    let mut words: Vec<Word> =
        name::prefixes(&name).into_iter().map(|prefix| Word::new(Kind::NamePrefix, prefix)).collect();
    words.extend(name::initials(&name).map(|initials| Word::new(Kind::NameInitials, initials)));
    words.push(Word::new(Kind::Name, name));
    words
}

/// What somebody typed into the search box. It may be both: every tenth mobile phone is also
/// written like a ticket's number, with the right check digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// As a ticket's number.
    pub number: Option<String>,
    /// As any of these.
    pub words: Vec<Word>,
}

impl Query {
    /// Nothing that could be searched for.
    pub fn is_empty(&self) -> bool {
        self.number.is_none() && self.words.is_empty()
    }
}

/// Reads a query; every kind that it could be is tried.
pub fn read(text: &str) -> Query {
    let mut words = Vec::new();
    words.extend(phone::normalise(text).ok().map(|phone| Word::new(Kind::Phone, phone)));
    words.extend(digits(text));
    words.extend(plate::normalise(text).ok().map(|plate| Word::new(Kind::Plate, plate)));
    words.extend(plate::normalise_tail(text).map(|tail| Word::new(Kind::PlateTail, tail)));
    words.extend(vin::normalise(text).ok().map(|vin| Word::new(Kind::Vin, vin)));
    words.extend(vin::normalise_tail(text).map(|tail| Word::new(Kind::VinTail, tail)));
    words.extend(named(text));
    Query { number: number::parse(text), words }
}

fn digits(text: &str) -> Option<Word> {
    let digits: String =
        text.trim().chars().map(phone::half_width).filter(|c| !matches!(c, ' ' | '-')).collect();
    let kind = match digits.len() {
        PREFIX => Kind::PhonePrefix,
        SUFFIX => Kind::PhoneSuffix,
        _ => return None,
    };
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| Word::new(kind, digits))
}

fn named(text: &str) -> Vec<Word> {
    let name = name::normalise(text);
    if name.is_empty() || !name.chars().all(char::is_alphabetic) || (name.is_ascii() && name.len() < 2) {
        return Vec::new();
    }
    let mut words = vec![Word::new(Kind::Name, &name), Word::new(Kind::NamePrefix, &name)];
    if name.is_ascii() {
        words.push(Word::new(Kind::NameInitials, name));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(query: &str) -> Vec<Kind> {
        read(query).words.into_iter().map(|word| word.kind).collect()
    }

    fn finds(query: &str, kept: &[Word]) -> bool {
        read(query).words.iter().any(|word| kept.contains(word))
    }

    #[test]
    fn a_phone_is_found_whole_by_its_first_seven_and_last_four() {
        let kept = of_phone("+8613812345678");
        for query in ["138 1234 5678", "+8613812345678", "1381234", "5678"] {
            assert!(finds(query, &kept), "{query}");
        }
        assert!(!finds("1234", &kept));
    }

    #[test]
    fn a_plate_is_found_with_and_without_its_province() {
        let kept = of_plate("沪A12345");
        assert!(finds("沪a·12345", &kept) && finds("a12345", &kept));
        assert!(!finds("京A12345", &kept));
    }

    #[test]
    fn a_vin_is_found_whole_and_by_its_last_six() {
        let kept = of_vin("1M8GDM9AXKP042788");
        assert!(finds("1m8gdm9axkp042788", &kept) && finds("042788", &kept));
    }

    #[test]
    fn a_name_is_found_by_beginning_and_initials() {
        let kept = of_name("李小明");
        for query in ["李小明", "李", "李小", "lxm", "LXM"] {
            assert!(finds(query, &kept), "{query}");
        }
        assert!(!finds("小明", &kept) && !finds("lx", &kept));
    }

    #[test]
    fn a_ticket_number_is_nothing_else() {
        let number = intake_core::number::format(proto::Shard::new(7).expect("a shard"), 123);
        assert_eq!(read(&number.replace('-', "")), Query { number: Some(number), words: Vec::new() });
    }

    #[test]
    fn a_phone_that_reads_like_a_number_is_a_phone_too() {
        let query = read("13900000012");
        assert_eq!(query.number.as_deref(), Some("13-90000001-2"));
        assert!(query.words.contains(&Word::new(Kind::Phone, "+8613900000012")));
    }

    #[test]
    fn nothing_finds_nothing() {
        for query in ["", " ", "%", "'; drop table", "a"] {
            assert!(kinds(query).is_empty(), "{query}");
        }
    }
}
