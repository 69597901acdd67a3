//! `organisation.yaml`: nodes and persons in one file.
//!
//! ```yaml
//! nodes:
//!   - {code: G, level: group, name: 示例集团}
//! persons:
//!   - {code: P1, name: 甲, roles: [gm@B1], deputy: P2, absences: [2026-12-01~2026-12-05]}
//! ```

use saphyr_parser::{Event, Parser, Span};

use super::{
    FileError, Reading, nodes, persons,
    sheet::{Column, Row, field_of},
};

/// Reads the file; its keys are the columns of the two lists.
///
/// # Errors
/// Text that is no YAML, or of another shape.
pub fn organisation_yaml(file: &str, text: &str) -> Result<Reading, FileError> {
    let mut reading = Reading::default();
    for (section, line, entries) in sections(file, text)? {
        let columns = match section.as_str() {
            "nodes" => nodes::COLUMNS,
            "persons" => persons::COLUMNS,
            _ => {
                return Err(shape(file, line, format!("`{section}`: only `nodes` and `persons` stand here")));
            }
        };
        for entry in entries {
            let row = row(file, &entry, columns)?;
            match section.as_str() {
                "nodes" => nodes::take(&row, &mut reading),
                _ => persons::take(&row, &mut reading),
            }
        }
    }
    Ok(reading)
}

/// A mapping with its line: keys and their scalars (lists joined).
struct Entry {
    line: usize,
    pairs: Vec<(String, String)>,
}

fn row(file: &str, entry: &Entry, columns: &[Column]) -> Result<Row, FileError> {
    let mut row = Row { place: format!("{file}:{}", entry.line), ..Row::default() };
    for (key, value) in &entry.pairs {
        let Some(field) = field_of(key, columns) else {
            let known = columns.iter().map(|column| column.field).collect::<Vec<_>>().join(", ");
            return Err(shape(file, entry.line, format!("there is no `{key}` here; there are: {known}")));
        };
        if row.cells.contains_key(field) {
            return Err(shape(file, entry.line, format!("`{key}` comes twice")));
        }
        let value = value.trim();
        if !value.is_empty() {
            row.cells.insert(field, value.to_owned());
        }
    }
    Ok(row)
}

fn shape(file: &str, line: usize, why: String) -> FileError {
    FileError::Shape { file: file.to_owned(), line, why }
}

type Section = (String, usize, Vec<Entry>);

/// Events of exactly one shape: mapping of lists of mappings of scalars or
/// lists of scalars. Scalars stay as they are written: `007` is a code.
fn sections(file: &str, text: &str) -> Result<Vec<Section>, FileError> {
    let mut walk = Walk { file, parser: Parser::new_from_str(text) };
    match walk.next()? {
        (Event::MappingStart(..), _) => {}
        (Event::StreamEnd, _) => return Ok(Vec::new()),
        (_, line) => return Err(walk.unexpected(line)),
    }
    let mut sections = Vec::new();
    loop {
        match walk.next()? {
            (Event::Scalar(name, ..), line) => sections.push((name.into_owned(), line, walk.entries()?)),
            (Event::MappingEnd, _) => break,
            (_, line) => return Err(walk.unexpected(line)),
        }
    }
    // A second document would be left out without a word.
    match walk.next()? {
        (Event::StreamEnd, _) => Ok(sections),
        (_, line) => Err(walk.unexpected(line)),
    }
}

struct Walk<'t> {
    file: &'t str,
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
}

impl<'t> Walk<'t> {
    /// The next event that says something, with its line.
    fn next(&mut self) -> Result<(Event<'t>, usize), FileError> {
        loop {
            match self.parser.next_event() {
                Some(Ok((
                    Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing,
                    _,
                ))) => {}
                Some(Ok((event, span))) => return Ok((event, line(span))),
                Some(Err(error)) => {
                    return Err(shape(self.file, error.marker().line(), error.info().to_owned()));
                }
                None => return Ok((Event::StreamEnd, 0)),
            }
        }
    }

    fn unexpected(&self, line: usize) -> FileError {
        shape(self.file, line, "expected `nodes:` and `persons:`, each a list of `{key: value}`".to_owned())
    }

    fn entries(&mut self) -> Result<Vec<Entry>, FileError> {
        match self.next()? {
            (Event::SequenceStart(..), _) => {}
            (Event::Scalar(text, ..), _) if text.is_empty() || text == "~" => return Ok(Vec::new()),
            (_, line) => return Err(self.unexpected(line)),
        }
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                (Event::MappingStart(..), line) => entries.push(Entry { line, pairs: self.pairs()? }),
                (Event::SequenceEnd, _) => return Ok(entries),
                (_, line) => return Err(self.unexpected(line)),
            }
        }
    }

    fn pairs(&mut self) -> Result<Vec<(String, String)>, FileError> {
        let mut pairs = Vec::new();
        loop {
            match self.next()? {
                (Event::Scalar(key, ..), _) => pairs.push((key.into_owned(), self.value()?)),
                (Event::MappingEnd, _) => return Ok(pairs),
                (_, line) => return Err(self.unexpected(line)),
            }
        }
    }

    fn value(&mut self) -> Result<String, FileError> {
        match self.next()? {
            (Event::Scalar(text, ..), _) => Ok(if text == "~" { String::new() } else { text.into_owned() }),
            (Event::SequenceStart(..), _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::Scalar(text, ..), _) => items.push(text.into_owned()),
                        (Event::SequenceEnd, _) => return Ok(items.join("; ")),
                        (_, line) => return Err(self.unexpected(line)),
                    }
                }
            }
            (_, line) => Err(self.unexpected(line)),
        }
    }
}

fn line(span: Span) -> usize {
    span.start.line()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lists_stand_in_one_file() {
        let text = "# an organisation\nnodes:\n  - {code: G, level: group, name: 示例集团}\n  - code: 007\n    上级: G\n    level: 门店\n    name: 店\n\
            persons:\n  - {code: P1, name: 甲, roles: [gm@007, crisis-team@007], disabled: no}\n";
        let reading = organisation_yaml("o.yaml", text).unwrap();
        let shop = reading.nodes[1].node.as_ref().unwrap();
        assert_eq!((shop.code.as_str(), shop.parent.as_str(), shop.level.as_str()), ("007", "G", "branch"));
        assert_eq!((reading.nodes[1].place.as_str(), reading.persons[0].roles.len()), ("o.yaml:4", 2));
    }

    #[test]
    fn another_shape_is_refused_with_its_line() {
        let why = |text: &str| match organisation_yaml("o.yaml", text) {
            Err(FileError::Shape { line, why, .. }) => (line, why),
            other => panic!("{other:?}"),
        };
        assert_eq!(why("nodes:\n  - {code: G, colour: red}\n").0, 2);
        assert_eq!(why("nodes:\n  - just a word\n").0, 2);
        assert_eq!(why("branches:\n  - {code: G}\n").0, 1);
        assert_eq!(why("nodes:\n  - {code: G, code: H}\n").0, 2);
        assert!(why("nodes: [\n").0 >= 1);
        assert_eq!(
            why("nodes: []\n---\nnodes:\n  - {code: G}\n").0,
            3,
            "a second document is not left out silently"
        );
        assert!(organisation_yaml("o.yaml", "nodes:\npersons:\n").unwrap().nodes.is_empty());
    }
}
