//! A table with named columns: CSV with commas, semicolons or tabs.

use std::collections::BTreeMap;

use super::FileError;

/// A column by our name and the names that people give it.
pub(super) struct Column {
    pub field: &'static str,
    pub aliases: &'static [&'static str],
    pub required: bool,
}

pub(super) const fn column(field: &'static str, required: bool, aliases: &'static [&'static str]) -> Column {
    Column { field, aliases, required }
}

/// One row by our column names; cells are trimmed, empty ones absent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// `nodes.csv:17`
    pub place: String,
    pub cells: BTreeMap<&'static str, String>,
}

impl Row {
    pub fn get(&self, field: &str) -> &str {
        self.cells.get(field).map_or("", String::as_str)
    }

    pub fn owned(&self, field: &str) -> String {
        self.get(field).to_owned()
    }
}

/// Which of our columns a heading means.
pub(super) fn field_of(heading: &str, columns: &[Column]) -> Option<&'static str> {
    let heading = tidy(heading).to_lowercase();
    let meant =
        columns.iter().find(|column| column.field == heading || column.aliases.contains(&heading.as_str()));
    meant.map(|column| column.field)
}

/// Whether a first line names one of these columns.
pub(super) fn names(header: &str, wanted: &[&str]) -> bool {
    let separator = separator(header);
    header
        .split(char::from(separator))
        .any(|name| wanted.contains(&tidy(name.trim_matches('"')).to_lowercase().as_str()))
}

pub(super) fn rows(file: &str, text: &str, columns: &[Column]) -> Result<Vec<Row>, FileError> {
    // The reader counts line feeds, and takes a carriage return for the end of a record as well.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let header = text.lines().next().unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator(header))
        .flexible(true)
        .has_headers(true)
        .from_reader(text.as_bytes());
    let shape = |line, why: String| FileError::Shape { file: file.to_owned(), line, why };
    let headings = reader.headers().map_err(|error| shape(1, error.to_string()))?.clone();
    let fields = fields(file, &headings, columns)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, |position| position.line() as usize);
            shape(line, error.to_string())
        })?;
        let line = record.position().map_or(0, |position| position.line() as usize);
        if record.iter().all(|cell| tidy(cell).is_empty()) {
            continue;
        }
        if record.len() > fields.len() {
            return Err(shape(line, format!("{} cells for {} columns", record.len(), fields.len())));
        }
        let cells = fields.iter().zip(record.iter()).map(|(field, cell)| (*field, tidy(cell).to_owned()));
        rows.push(Row {
            place: format!("{file}:{line}"),
            cells: cells.filter(|(_, cell)| !cell.is_empty()).collect(),
        });
    }
    Ok(rows)
}

fn fields(
    file: &str,
    headings: &csv::StringRecord,
    columns: &[Column],
) -> Result<Vec<&'static str>, FileError> {
    let file = || file.to_owned();
    let mut fields = Vec::new();
    for heading in headings {
        let Some(field) = field_of(heading, columns) else {
            let known = columns.iter().map(|c| c.field).collect::<Vec<_>>().join(", ");
            return Err(FileError::UnknownColumn { file: file(), column: tidy(heading).to_owned(), known });
        };
        if fields.contains(&field) {
            return Err(FileError::DoubleColumn { file: file(), column: field.to_owned() });
        }
        fields.push(field);
    }
    match columns.iter().find(|column| column.required && !fields.contains(&column.field)) {
        Some(missing) => Err(FileError::MissingColumn { file: file(), column: missing.field.to_owned() }),
        None => Ok(fields),
    }
}

fn separator(header: &str) -> u8 {
    let count = |c: char| header.matches(c).count();
    [b'\t', b';'].into_iter().find(|c| count(char::from(*c)) > count(',')).unwrap_or(b',')
}

/// Without spaces around it, full-width ones too.
fn tidy(cell: &str) -> &str {
    cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{3000}' || c == '\u{feff}' || c == '\u{a0}')
}

/// Items of a cell: `gm@B1; cr-manager@B1`.
pub(super) fn items(cell: &str) -> impl Iterator<Item = &str> {
    cell.split([';', '；', '、', '\n']).map(tidy).filter(|item| !item.is_empty())
}

/// `None` for what is neither yes nor no; empty is no.
pub(super) fn yes(cell: &str) -> Option<bool> {
    match cell.to_lowercase().as_str() {
        "是" | "yes" | "true" | "1" | "y" => Some(true),
        "" | "否" | "no" | "false" | "0" | "n" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[column("code", true, &["代码"]), column("name", false, &["名称"])];

    fn cells(text: &str) -> Vec<(String, String, String)> {
        let rows = rows("f.csv", text, COLUMNS).expect("a table");
        rows.iter().map(|row| (row.place.clone(), row.owned("code"), row.owned("name"))).collect()
    }

    fn row(line: usize, code: &str, name: &str) -> (String, String, String) {
        (format!("f.csv:{line}"), code.into(), name.into())
    }

    #[test]
    fn columns_have_chinese_and_english_names_in_any_order() {
        assert_eq!(cells("名称,代码\n上海,A1\n"), [row(2, "A1", "上海")]);
        assert_eq!(cells("Code;NAME\n A1 ;\u{3000}上海\n"), [row(2, "A1", "上海")]);
        assert_eq!(cells("code\tname\nA1\t\"a\tb\"\n"), [row(2, "A1", "a\tb")]);
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        assert_eq!(
            cells("code,name\r\nA1,\"two\r\nlines\"\r\n\r\n,\r\nA2,x\r\n"),
            [row(2, "A1", "two\nlines"), row(6, "A2", "x")]
        );
    }

    #[test]
    fn a_table_that_does_not_fit_says_why() {
        let error = |text: &str| rows("f.csv", text, COLUMNS).unwrap_err();
        assert!(
            matches!(error("code,colour\n"), FileError::UnknownColumn { column, .. } if column == "colour")
        );
        assert!(matches!(error("code,代码\n"), FileError::DoubleColumn { column, .. } if column == "code"));
        assert!(matches!(error("name\n"), FileError::MissingColumn { column, .. } if column == "code"));
        assert!(matches!(error("code,name\nA1,x,y\n"), FileError::Shape { line: 2, .. }));
        assert!(error("code,colour\n").zh().contains("colour"));
    }

    #[test]
    fn yes_and_no_are_read_in_both_languages() {
        assert_eq!(["是", "No", "", "也许"].map(yes), [Some(true), Some(false), Some(false), None]);
    }
}
