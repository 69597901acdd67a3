//! Rows that cannot be taken in: where, and why, in both languages.

use std::path::Path;

use crate::import::table::Table;

/// One reason. `column` is as the table names it; empty: the row as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub column: String,
    pub zh: String,
    pub en: String,
}

impl Wrong {
    pub fn new(column: &str, zh: impl Into<String>, en: impl Into<String>) -> Wrong {
        Wrong { column: column.to_owned(), zh: zh.into(), en: en.into() }
    }
}

/// A row with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// As the file counts, from 1; the heading is line 1.
    pub line: u64,
    pub wrong: Vec<Wrong>,
}

impl Bad {
    fn joined(&self, text: fn(&Wrong) -> &str) -> String {
        self.wrong.iter().map(text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

const OURS: [&str; 4] = ["import_line", "import_column", "import_reason_zh", "import_reason_en"];

/// Writes bad rows with their reasons in front of what stood in them: put right, the file can be
/// imported with the same mapping. UTF-8 with BOM, so that it opens in Excel.
pub fn write(path: &Path, table: &Table, bad: &[Bad]) -> Result<(), csv::Error> {
    std::fs::write(path, as_csv(table, bad)?)?;
    Ok(())
}

/// The same as bytes.
pub fn as_csv(table: &Table, bad: &[Bad]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(b"\xef\xbb\xbf".to_vec());
    writer.write_record(OURS.into_iter().chain(table.headings.iter().map(String::as_str)))?;
    for row in bad {
        let ours = [
            row.line.to_string(),
            row.joined(|wrong| &wrong.column),
            row.joined(|wrong| &wrong.zh),
            row.joined(|wrong| &wrong.en),
        ];
        let place = table.lines.binary_search_by_key(&row.line, |line| line.number);
        let fields = place.map_or(&[][..], |place| &table.lines[place].fields);
        writer.write_record(ours.iter().chain(fields))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::mapping::Encoding;

    #[test]
    fn what_was_wrong_is_read_back_with_the_row() {
        let table =
            Table::parse("门店,内容\nB1,异响\nB9,\"漏油,很多\"\n".as_bytes(), Encoding::Auto, b',').unwrap();
        let wrong =
            vec![Wrong::new("门店", "没有门店 B9。", "There is no branch B9."), Wrong::new("", "甲", "A")];
        let text = String::from_utf8(as_csv(&table, &[Bad { line: 3, wrong }]).unwrap()).unwrap();
        let again = Table::parse(text.as_bytes(), Encoding::Auto, b',').unwrap();
        assert_eq!(again.headings[4..], ["门店", "内容"]);
        let expected = ["3", "门店", "没有门店 B9。; 甲", "There is no branch B9.; A", "B9", "漏油,很多"];
        assert_eq!(again.lines[0].fields, expected);
    }
}
