//! Files that offices send: organisations, tables of complaints with their mappings, recorded requests.

use std::path::Path;

use directory::files;
use hotline::import::{Mapping, bad, mapping::Encoding, row, table::Table};
use proto::directory::v1::BadRecord;

use crate::{PARTING, ground, headed, said, text};

pub const ORGANISATION_WORDS: &[&str] = &[
    ",",
    "\"",
    "\r",
    "\n",
    "\r\n",
    "\t",
    ";",
    "；",
    "@",
    "2026-12-01~2026-12-05",
    "代码",
    "- {",
    "nodes:\n",
    "\u{feff}",
    "021-5133 0126/55550122",
    "persons:\n",
    "&a ",
    "\n---\n",
];

/// A file's name on the first line, then its bytes, in any encoding.
pub fn organisation(data: &[u8]) {
    let Some((file, bytes)) = headed(data) else { return };
    match files::read(file, bytes, "G") {
        Err(error) => {
            said::both(&error.zh(), &error.to_string());
            assert!(error.to_string().contains(file) && error.zh().contains(file));
        }
        Ok(reading) => {
            let lines = bytes.len() + 2;
            reading.bad.iter().chain(&reading.warnings).for_each(|bad| record(bad, file, lines));
            let places = reading.nodes.iter().map(|node| &node.place);
            places.chain(reading.persons.iter().map(|person| &person.place)).for_each(|it| {
                place(it, file, lines);
            });
            let phones = reading.nodes.iter().map(|node| node.phone.as_str());
            assert!(phones.filter(|phone| !phone.is_empty()).all(files::phones::is_phone));
        }
    }
}

fn record(bad: &BadRecord, file: &str, lines: usize) {
    said::both(&bad.reason_zh, &bad.reason_en);
    assert!(!bad.field.is_empty());
    place(&bad.place, file, lines);
}

fn place(place: &str, file: &str, lines: usize) {
    let line = place.strip_prefix(file).and_then(|rest| rest.strip_prefix(':'));
    let line = line.and_then(|rest| rest.split('#').next()?.parse::<usize>().ok());
    assert!(line.is_some_and(|line| (1..=lines).contains(&line)), "no line in {place:?}");
}

pub const COMPLAINTS_WORDS: &[&str] = &[
    "{ column: a, ",
    "first: [",
    "join: [",
    "choices: { ",
    "words: [",
    "date: '%Y-%m-%d'",
    "window: { days_later: 9223372036854775807 }",
    "take: 18446744073709551615",
    "delimiter: 'é'\n",
    "encoding: gb18030\n",
    "\n=====\n",
    "\"",
    "\r",
    ",",
    "- ",
    "[",
    "{a: ",
    "occurred_at: { column: at, format: '%s' }\n",
    "%Q",
    "18:00-20:00",
];

/// A mapping, then a table: refused with a reason, or rows read, bad ones written with their reasons and read again.
pub fn complaints(data: &[u8]) {
    let Some(parting) = data.windows(PARTING.len()).position(|bytes| bytes == PARTING.as_bytes()) else {
        return;
    };
    let (mapping, bytes) = (&data[..parting], &data[parting + PARTING.len()..]);
    let Some(mapping) = text(mapping).and_then(|text| Mapping::parse(Path::new("m.yaml"), text).ok()) else {
        return;
    };
    let Ok(table) = Table::parse(bytes, mapping.encoding, mapping.delimiter) else { return };
    let numbers: Vec<u64> = table.lines.iter().map(|line| line.number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "lines are counted: {numbers:?}");
    if table.must_have(&mapping.columns()).is_err() {
        return;
    }
    let (cases, wrong) = row::read_all(&table, usize::MAX, &mapping, &ground::imports("s"));
    assert_eq!(cases.len() + wrong.len(), table.lines.len(), "every row is a case or bad");
    for bad in wrong.iter().flat_map(|bad| &bad.wrong) {
        said::both(&bad.zh, &bad.en);
    }
    let written = bad::as_csv(&table, &wrong).expect("bad rows are written");
    let again = Table::parse(&written, Encoding::Auto, b',');
    if let Ok(again) = again {
        let reasons: Vec<_> = again.lines.iter().filter(|line| line.fields.len() > 3).collect();
        assert!(reasons.len() >= wrong.len(), "{} reasons of {}", reasons.len(), wrong.len());
    }
}

pub const RECORDED_WORDS: &[&str] = &[
    "case: a\n",
    "type: { fixed: request }\n",
    "zone: UTC\n",
    "events:\n",
    "%Y",
    "- ",
    "[",
    "{a: ",
    "\n=====\n",
    ",",
];

/// A mapping of recorded requests, then a table.
pub fn recorded(data: &[u8]) {
    let Some((mapping, table)) = text(data).and_then(|text| text.split_once(PARTING)) else { return };
    let mapping = match trial::Mapping::parse("m.yaml", mapping) {
        Ok(mapping) => mapping,
        Err(error) => return said::both(&error.zh(), &error.to_string()),
    };
    let mut lines = table.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let headings = lines.next().unwrap_or_default();
    let rows = lines.zip(2..).map(|(fields, line)| trial::recorded::SheetRow { line, fields }).collect();
    match trial::recorded::read(&mapping, &trial::Sheet { headings, rows }) {
        Err(skipped) => said::both(&skipped.zh, &skipped.en),
        Ok(reading) => reading.skipped.iter().for_each(|skipped| said::both(&skipped.zh, &skipped.en)),
    }
}
