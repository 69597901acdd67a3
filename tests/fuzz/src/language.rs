//! What analysts write: rule books, conditions, calendars, limits, scenarios.

use std::sync::LazyLock;

use calendar::{Calendar, CalendarSource, Limit};
use jiff::{SignedDuration, Timestamp};
use playbook::{Condition, Facts, Kind, Lang, Playbook, Value};

use crate::{PARTING, ground::CHINA, said, text};

/// More findings than this nobody reads.
const MOST_FOUND: usize = 1_001;

pub const PLAYBOOK_WORDS: &[&str] = &[
    "- ",
    "[",
    "{a: ",
    "? ",
    "a:\n",
    "x: {zh: 甲, en: a}\n",
    "\"",
    "&a ",
    "*a",
    "!!t ",
    "# ",
    ": ",
    "types:\n",
    "  ",
];

/// The files of a rule book: refused with places, or loaded; then checked, shown and exported.
pub fn playbook(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let files: Vec<(&str, &str)> =
        ["a.yaml", "b.yaml", "c.yaml"].into_iter().zip(text.split(PARTING)).collect();
    match Playbook::load(&files) {
        Err(found) => {
            assert!(!found.is_empty() && found.len() <= MOST_FOUND, "{} findings", found.len());
            found.iter().for_each(|found| said::diagnostic(found, &files));
        }
        Ok(book) => {
            let found = [book.check(), book.unsupported()].concat();
            found.iter().for_each(|found| said::diagnostic(found, &files));
            assert!([Lang::Zh, Lang::En].iter().all(|lang| !book.show(*lang).is_empty()));
            let again = Playbook::load(&files).expect("the same text");
            assert_eq!(again.to_json(), book.to_json());
            assert!(book.roles_needed().len() <= text.len());
        }
    }
}

pub const CONDITION_WORDS: &[&str] = &[
    "!",
    "(",
    "[",
    "-",
    "flag",
    "count",
    "amount",
    "brand",
    "tags",
    "day",
    "known(",
    "any(tags, ['a'])",
    " && ",
    " || ",
    " ? ",
    " : ",
    " in ",
    " == ",
    " + ",
    " * ",
    " / ",
    "money('5000.50')",
    "date('2026-01-31')",
    "9223372036854775807",
    "'a'",
    "\"",
    "\\u{110000}",
    "r'",
    "b'",
    ".",
    "{",
    "0x",
    "1e999",
];

const FACTS: &[(&str, Kind)] = &[
    ("flag", Kind::Bool),
    ("count", Kind::Int),
    ("brand", Kind::Code),
    ("amount", Kind::Money),
    ("day", Kind::Date),
    ("at", Kind::Instant),
    ("tags", Kind::Codes),
];

/// Facts at their ends, and none.
static KNOWN: LazyLock<Vec<Facts>> = LazyLock::new(|| {
    let full = |number: i64, day: &str| {
        Facts::new()
            .with("flag", Value::Bool(number > 0))
            .with("count", Value::Int(number))
            .with("brand", Value::code("a"))
            .with("amount", Value::money("CNY", number))
            .with("day", Value::Date(day.parse().expect("a date")))
            .with("at", Value::Instant(number))
            .with("tags", Value::Codes(vec!["a".into(), "b".into()]))
    };
    vec![Facts::new(), full(i64::MIN, "-009999-01-01"), full(i64::MAX, "9999-12-31"), full(1, "2026-02-28")]
});

/// A condition: refused with a place, or compiled; then it holds or not, whatever the facts.
pub fn condition(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match Condition::parse(text, "CNY", FACTS) {
        Err(found) => found.iter().for_each(|found| said::diagnostic(found, &[("", text)])),
        Ok(condition) => {
            let again = Condition::parse(&condition.source, "CNY", FACTS).expect("as it was kept");
            assert_eq!(again, condition);
            assert!(condition.reads().iter().all(|name| FACTS.iter().any(|(known, _)| known == name)));
            for facts in KNOWN.iter() {
                assert_eq!(again.holds(facts), condition.holds(facts));
            }
        }
    }
}

pub const CALENDAR_WORDS: &[&str] = &[
    "- ",
    "[",
    "{a: ",
    "? ",
    "week:\n",
    "observes: [春节]\n",
    "  - {date: 1970-01-01, until: 2199-12-31, closed: true}\n",
    "  daily: [\"00:00-24:00\"]\n",
    "\"22:00-06:00\"",
    "zone: Asia/Shanghai\n",
    "extends: china\n",
    "&a ",
    "*a",
    "!!t ",
];

/// A calendar's file: every problem with its line; or written and read again, compiled and asked for deadlines.
pub fn calendar(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let source = match CalendarSource::from_yaml(text) {
        Ok(source) => source,
        Err(problems) => {
            let lines = said::lines(text);
            assert!(problems.iter().all(|it| it.line <= lines && !it.message.is_empty()), "{problems:?}");
            return;
        }
    };
    let written = source.to_yaml();
    assert_eq!(CalendarSource::from_yaml(&written).as_ref(), Ok(&source), "{written}");
    match Calendar::compile(&source, &CHINA_SOURCE) {
        Err(problems) => {
            assert!(problems.len() <= 2 * text.len() + 300, "{} problems", problems.len());
            problems.iter().for_each(|problem| said::both(&problem.zh(), &problem.to_string()));
        }
        Ok(calendar) => ask(&calendar),
    }
}

static CHINA_SOURCE: LazyLock<Vec<CalendarSource>> =
    LazyLock::new(|| vec![CalendarSource::from_yaml(CHINA).expect("the sample calendar")]);

const LIMITS: &[&str] = &[
    "15m",
    "7 days",
    "4 working hours",
    "half a working day",
    "end of shift",
    "day 31 of next month 24:00",
    "next monday 10:00",
];

fn ask(calendar: &Calendar) {
    for at in ["1970-01-01T00:00:00Z", "2026-02-16T15:59:59.999999Z", "2199-06-30T23:59:59Z"] {
        let at: Timestamp = at.parse().expect("a moment");
        for limit in LIMITS {
            let due = calendar.deadline(at, &Limit::parse(limit).expect("a limit"), &[]).due;
            assert!(due.is_none_or(|due| due >= at), "{limit} from {at} is due {due:?}");
        }
        let later = calendar.add_working(at, SignedDuration::from_mins(90));
        assert!(later >= at);
    }
}

pub const LIMIT_WORDS: &[&str] = &[
    "24h",
    "15m",
    "1h30m",
    " working ",
    "hours",
    "days",
    "half a working day",
    "end of shift",
    "next monday ",
    "10:00",
    "24:00",
    "day 5 of next month",
    " before appointment",
    " until midnight",
    "4294967295",
    ".5",
    "1.0",
    "K",
];

/// A limit: refused in both languages, or written and read as the same; and it leads somewhere.
pub fn limit(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match Limit::parse(text) {
        Err(error) => said::both(&error.zh(), &error.to_string()),
        Ok(limit) => {
            assert_eq!(Limit::parse(&limit.to_string()).as_ref(), Ok(&limit), "{limit}");
            assert!(!limit.zh().is_empty());
            let start: Timestamp = "2026-02-16T07:00:00Z".parse().expect("a moment");
            let due = SHOP.deadline(start, &limit, &[]).due;
            let back = matches!(limit, Limit::Before { .. });
            assert!(due.is_none_or(|due| back || due >= start), "{limit} is due {due:?}");
            let warned = SHOP.share(start, &limit, 80, &[]).due;
            assert!(back || warned.zip(due).is_none_or(|(warned, due)| warned <= due), "{limit}");
        }
    }
}

static SHOP: LazyLock<Calendar> = LazyLock::new(|| {
    let text = "id: shop\nversion: 1\nextends: china\nweek:\n  daily: [\"08:30-12:00\", \"13:00-17:30\"]\nobserves: [春节]\n";
    let source = CalendarSource::from_yaml(text).expect("a calendar");
    Calendar::compile(&source, &CHINA_SOURCE).expect("a shop's calendar")
});

pub const SCENARIO_WORDS: &[&str] =
    &["---\n", "- ", "[", "{a: ", "given:\n", "when:\n", "then:\n", "do: open\n", "&a ", "*a"];

/// A scenario file: refused by name in both languages, or read.
pub fn scenario(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match trial::scenario::read("s.test.yaml", text) {
        Err(error) => said::both(&error.zh(), &error.to_string()),
        Ok(scenarios) => assert!(scenarios.iter().all(|scenario| scenario.file == "s.test.yaml")),
    }
}
