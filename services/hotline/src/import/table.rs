//! A table as it lies on disk: CSV, plain or gzipped, in UTF-8, UTF-16 or GB18030.

use std::{
    collections::HashSet,
    io::Read,
    path::{Path, PathBuf},
};

use encoding_rs::{DecoderResult, GB18030, UTF_8, UTF_16BE, UTF_16LE};
use thiserror::Error;

use crate::import::mapping::Encoding;

/// Unpacked, a table may have this many bytes; a packed one could hide more.
const LARGEST: u64 = 1 << 30;

#[derive(Debug, Error)]
pub enum TableError {
    #[error("{path} cannot be read")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the table is larger than 1 GiB: split it")]
    TooLarge,
    #[error("line {line} is not {declared}: {hint_en} / 第 {line} 行不是 {declared} 编码：{hint_zh}")]
    Encoding { line: u64, declared: &'static str, hint_zh: &'static str, hint_en: &'static str },
    #[error("line {line} cannot be read as CSV")]
    Csv { line: u64, source: csv::Error },
    #[error("the table is empty: a first line with the names of the columns is expected")]
    Empty,
    #[error("two columns are named `{0}`")]
    Twice(String),
    #[error(
        "the mapping names columns that the table does not have: {missing}. It has: {found}. If these look garbled, state the `encoding` in the mapping"
    )]
    Columns { missing: String, found: String },
}

/// A row; fields in the order of the headings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1; the headings stand on line 1.
    pub number: u64,
    pub fields: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub headings: Vec<String>,
    pub lines: Vec<Line>,
    /// Identifies the content.
    pub digest: String,
}

impl Table {
    /// A file; one whose name ends in `.gz` is unpacked.
    pub fn read(path: &Path, encoding: Encoding, delimiter: u8) -> Result<Table, TableError> {
        let read = |source| TableError::Read { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(read)?;
        let mut bytes = Vec::new();
        let packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        let reader: Box<dyn Read> =
            if packed { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
        reader.take(LARGEST + 1).read_to_end(&mut bytes).map_err(read)?;
        if bytes.len() as u64 > LARGEST {
            return Err(TableError::TooLarge);
        }
        Table::parse(&bytes, encoding, delimiter)
    }

    pub fn parse(bytes: &[u8], encoding: Encoding, delimiter: u8) -> Result<Table, TableError> {
        let text = decode(bytes, encoding)?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(text.as_bytes());
        let mut headings: Option<Vec<String>> = None;
        let mut lines = Vec::new();
        let (mut last, mut counted) = (1, 0);
        for record in reader.records() {
            let record = record.map_err(|source| TableError::Csv { line: last, source })?;
            let begins = record.position().map_or(counted, |place| begin(text.as_bytes(), place));
            last += line_ends(&text.as_bytes()[counted..begins]);
            counted = begins;
            let fields: Vec<String> = record.iter().map(|field| field.trim().to_owned()).collect();
            match headings {
                None => headings = Some(fields),
                Some(_) => lines.push(Line { number: last, fields }),
            }
        }
        let headings = headings.ok_or(TableError::Empty)?;
        let mut seen = HashSet::new();
        if let Some(twice) = headings.iter().find(|name| !name.is_empty() && !seen.insert(name.as_str())) {
            return Err(TableError::Twice(twice.clone()));
        }
        Ok(Table { headings, lines, digest: blake3::hash(bytes).to_hex()[..16].to_owned() })
    }

    /// A mapping's columns are all there, else nothing is imported.
    pub fn must_have(&self, columns: &[&str]) -> Result<(), TableError> {
        let missing: Vec<&str> = columns
            .iter()
            .copied()
            .filter(|column| self.headings.iter().all(|have| have != column))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(TableError::Columns { missing: missing.join(", "), found: self.headings.join(", ") })
    }

    /// A field by its column's name.
    pub fn field<'a>(&self, line: &'a Line, column: &str) -> &'a str {
        let place = self.headings.iter().position(|name| name == column);
        place.and_then(|place| line.fields.get(place)).map_or("", String::as_str)
    }
}

/// The reader's position may lie before blank lines that it skips.
fn begin(text: &[u8], place: &csv::Position) -> usize {
    let from = (place.byte() as usize).min(text.len());
    from + text[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count()
}

/// A carriage return alone ends a line too (as old spreadsheets write them): the reader parts records there, but counts
/// line feeds only.
fn line_ends(text: &[u8]) -> u64 {
    let ends = |at: usize| match text[at] {
        b'\n' => true,
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    (0..text.len()).filter(|at| ends(*at)).count() as u64
}

/// Exactly as declared: a byte that does not fit is an error, never a replacement character.
fn decode(bytes: &[u8], encoding: Encoding) -> Result<String, TableError> {
    if let Some((of_bom, _)) = encoding_rs::Encoding::for_bom(bytes)
        && encoding != Encoding::Gb18030
    {
        return strictly(bytes, of_bom);
    }
    match encoding {
        Encoding::Utf8 => strictly(bytes, UTF_8),
        Encoding::Gb18030 => strictly(bytes, GB18030),
        // Almost no text in GB18030 is valid UTF-8 by chance, so UTF-8 comes first.
        Encoding::Auto => strictly(bytes, UTF_8).or_else(|error| strictly(bytes, GB18030).map_err(|_| error)),
    }
}

fn strictly(bytes: &[u8], encoding: &'static encoding_rs::Encoding) -> Result<String, TableError> {
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).ok_or(TableError::TooLarge)?;
    let mut text = String::with_capacity(room);
    match decoder.decode_to_string_without_replacement(bytes, &mut text, true) {
        (DecoderResult::InputEmpty, _) => Ok(text),
        (DecoderResult::Malformed(..) | DecoderResult::OutputFull, _) => {
            let (hint_zh, hint_en) = hint(encoding);
            // Not of the bytes: in UTF-16 half of a character may look like a line feed.
            let line = 1 + line_ends(text.as_bytes());
            Err(TableError::Encoding { line, declared: encoding.name(), hint_zh, hint_en })
        }
    }
}

/// What to do about it, in Chinese and English.
fn hint(encoding: &'static encoding_rs::Encoding) -> (&'static str, &'static str) {
    if encoding == UTF_8 {
        (
            "若出自较早的中文软件，请在映射中写 `encoding: gb18030`，或另存为 UTF-8",
            "state `encoding: gb18030` in the mapping if it comes from an older Chinese program, or save it as UTF-8",
        )
    } else if encoding == GB18030 {
        (
            "请在映射中写 `encoding: utf-8`，或另存为 UTF-8",
            "state `encoding: utf-8` in the mapping, or save it as UTF-8",
        )
    } else if encoding == UTF_16LE || encoding == UTF_16BE {
        (
            "文件带有 UTF-16 标记，但此处已损坏，请另存为 UTF-8",
            "it begins with the mark of UTF-16, yet is damaged here; save it as UTF-8",
        )
    } else {
        ("请另存为 UTF-8", "save it as UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &str = "门店,内容\nB1,发动机异响\nB2,\"漏油，\n很多\"\n\nB3,态度差\n";

    fn numbers(table: &Table) -> Vec<u64> {
        table.lines.iter().map(|line| line.number).collect()
    }

    #[test]
    fn every_usual_encoding_gives_the_same_table() {
        let gb = GB18030.encode(TEXT).0.into_owned();
        let bom = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(TEXT.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for (bytes, encoding) in [
            (TEXT.as_bytes(), Encoding::Auto),
            (TEXT.as_bytes(), Encoding::Utf8),
            (&bom, Encoding::Auto),
            (&gb, Encoding::Auto),
            (&gb, Encoding::Gb18030),
            (&utf16, Encoding::Auto),
        ] {
            let table = Table::parse(bytes, encoding, b',').unwrap();
            assert_eq!(table.headings, ["门店", "内容"], "{encoding:?}");
            assert_eq!(table.field(&table.lines[0], "内容"), "发动机异响");
            assert_eq!(numbers(&table), [2, 3, 6], "line numbers are the file's");
        }
    }

    #[test]
    fn a_wrong_encoding_is_refused_with_its_line() {
        let gb = GB18030.encode(TEXT).0.into_owned();
        let error = Table::parse(&gb, Encoding::Utf8, b',').unwrap_err();
        assert!(matches!(error, TableError::Encoding { line: 1, declared: "UTF-8", .. }), "{error}");
        let mut damaged = TEXT.as_bytes().to_vec();
        let third = TEXT.find("B3").unwrap();
        damaged.splice(third + 3..third + 6, [0xff, 0xff, 0xff]);
        let error = Table::parse(&damaged, Encoding::Auto, b',').unwrap_err();
        assert!(error.to_string().starts_with("line 6 is not UTF-8"), "{error}");
        assert!(error.to_string().contains("gb18030"), "{error}");
    }

    #[test]
    fn lines_are_counted_however_they_end() {
        for end in ["\n", "\r\n", "\r"] {
            let text = TEXT.replace('\n', end);
            let table = Table::parse(text.as_bytes(), Encoding::Auto, b',').unwrap();
            assert_eq!(numbers(&table), [2, 3, 6], "{end:?}");
        }
    }

    #[test]
    fn a_damaged_utf16_table_is_refused_with_its_line() {
        // 上 is 0x4E0A: its low byte looks like a line feed.
        let units = "门店,内容\nB1,上上上\nB2,".encode_utf16().chain([0xdc00]);
        let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(units.flat_map(u16::to_le_bytes)).collect();
        let error = Table::parse(&bytes, Encoding::Auto, b',').unwrap_err();
        assert!(matches!(error, TableError::Encoding { line: 3, .. }), "{error}");
    }

    #[test]
    fn columns_that_are_not_there_are_named() {
        let table = Table::parse(TEXT.as_bytes(), Encoding::Auto, b',').unwrap();
        assert!(table.must_have(&["门店"]).is_ok());
        let error = table.must_have(&["门店", "电话"]).unwrap_err().to_string();
        assert!(error.contains("电话") && error.contains("内容"), "{error}");
        assert!(matches!(Table::parse(b"", Encoding::Auto, b','), Err(TableError::Empty)));
        assert!(matches!(Table::parse(b"a,b,a\n", Encoding::Auto, b','), Err(TableError::Twice(_))));
    }

    #[test]
    fn a_gzipped_table_is_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv.gz");
        let mut packed =
            flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
        packed.write_all(TEXT.as_bytes()).unwrap();
        packed.finish().unwrap();
        assert_eq!(Table::read(&path, Encoding::Auto, b',').unwrap().lines.len(), 3);
        std::fs::write(&path, TEXT).unwrap();
        assert!(
            matches!(Table::read(&path, Encoding::Auto, b','), Err(TableError::Read { .. })),
            "not packed"
        );
    }
}
