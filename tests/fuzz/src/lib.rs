//! What meets the outside, as functions that take any bytes: nothing may make them panic, and what they accept must
//! mean one thing only.
//!
//! ```text
//! corpus/<target>/ --+--> tests/short.rs: the corpus, changed and grown (mutate.rs), with every `cargo xtask test`
//!                    '--> libfuzzer/: the same functions, driven by coverage: `cargo xtask fuzz`
//! ```
//!
//! Invariants
//! * A target is a function of its bytes: no clock that matters, no file, no network.
//! * Besides "does not panic" each states what must hold of what was accepted (it is written and read again as the same)
//!   and of what was refused (in both languages, naming the field or line).
//! * Seeds are invented.

pub mod access;
pub mod contracts;
pub mod ground;
pub mod language;
pub mod mutate;
pub mod said;
pub mod tables;
pub mod typed;

/// A parser with its properties.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Pieces of its language: thrown in by chance, and repeated until they are long.
    pub words: &'static [&'static str],
}

/// All of them; a folder of the corpus each.
pub const TARGETS: &[Target] = &[
    Target { name: "event", run: contracts::event, words: contracts::EVENT_WORDS },
    Target { name: "header", run: contracts::header, words: contracts::HEADER_WORDS },
    Target { name: "request", run: contracts::request, words: contracts::REQUEST_WORDS },
    Target { name: "command", run: contracts::command, words: contracts::COMMAND_WORDS },
    Target { name: "name", run: contracts::name, words: contracts::NAME_WORDS },
    Target { name: "playbook", run: language::playbook, words: language::PLAYBOOK_WORDS },
    Target { name: "condition", run: language::condition, words: language::CONDITION_WORDS },
    Target { name: "calendar", run: language::calendar, words: language::CALENDAR_WORDS },
    Target { name: "limit", run: language::limit, words: language::LIMIT_WORDS },
    Target { name: "scenario", run: language::scenario, words: language::SCENARIO_WORDS },
    Target { name: "organisation", run: tables::organisation, words: tables::ORGANISATION_WORDS },
    Target { name: "complaints", run: tables::complaints, words: tables::COMPLAINTS_WORDS },
    Target { name: "recorded", run: tables::recorded, words: tables::RECORDED_WORDS },
    Target { name: "token", run: access::token, words: access::TOKEN_WORDS },
    Target { name: "configuration", run: access::configuration, words: access::CONFIGURATION_WORDS },
    Target { name: "phone", run: typed::phone, words: typed::PHONE_WORDS },
    Target { name: "plate", run: typed::plate, words: typed::PLATE_WORDS },
    Target { name: "vin", run: typed::vin, words: typed::VIN_WORDS },
    Target { name: "person", run: typed::person, words: typed::PERSON_WORDS },
    Target { name: "query", run: typed::query, words: typed::QUERY_WORDS },
    Target { name: "mask", run: typed::mask, words: typed::PHONE_WORDS },
    Target { name: "field", run: typed::field, words: typed::FIELD_WORDS },
];

/// A target by its name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// A target with several inputs takes them one after the other, between lines of this.
pub const PARTING: &str = "\n=====\n";

/// Text, if it is any.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// The first line, and the bytes after it.
fn headed(data: &[u8]) -> Option<(&str, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    Some((text(&data[..end])?, &data[end + 1..]))
}
