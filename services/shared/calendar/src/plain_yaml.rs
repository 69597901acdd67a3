//! What every YAML file of ours must be before a tree is made of it: shallow, and without aliases.
//!
//! Trees are read and dropped by functions that call themselves, so a file of a hundred thousand `- ` would end the
//! process; and an alias copies what it stands for, so a small file could fill the memory.

use saphyr_parser::{Event, Parser, Span};

use crate::yaml::YamlProblem;

/// The deepest nesting of any file: calendars, rule books, scenarios, mappings. None of them needs a dozen.
pub const DEEPEST_YAML: usize = 64;

/// Looks at the text without making anything of it. What is no YAML passes: loading it says what is wrong.
///
/// # Errors
/// The first place that nests too deep or is an alias.
pub fn check_plain_yaml(text: &str) -> Result<(), YamlProblem> {
    let mut depth = 0;
    let mut parser = Parser::new_from_str(text);
    while let Some(Ok((event, span))) = parser.next_event() {
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) if depth == DEEPEST_YAML => {
                return Err(problem(span, format!("more than {DEEPEST_YAML} levels deep")));
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth -= 1,
            Event::Alias(_) => return Err(problem(span, "aliases have no place here".to_owned())),
            _ => {}
        }
    }
    Ok(())
}

fn problem(span: Span, message: String) -> YamlProblem {
    YamlProblem { line: span.start.line(), column: span.start.col() + 1, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_in_every_style() {
        for (open, close) in [("- ", ""), ("[", "]"), ("{a: ", "}"), ("? ", ""), ("- ? ", "")] {
            let levels = if open.len() == 4 && open.starts_with('-') { 2 } else { 1 };
            let nested = |times: usize| format!("{}1{}", open.repeat(times), close.repeat(times));
            let most = DEEPEST_YAML / levels;
            assert_eq!(check_plain_yaml(&nested(most)), Ok(()), "{open}");
            let refused = check_plain_yaml(&nested(most + 1)).unwrap_err();
            assert!(refused.message.contains("levels deep") && refused.line == 1, "{open}: {refused}");
            assert!(check_plain_yaml(&nested(100_000)).is_err() || open == "[" || open == "{a: ", "{open}");
        }
    }

    #[test]
    fn aliases_are_refused_where_they_stand() {
        let refused = check_plain_yaml("a: &a [1]\nb: [*a, *a]\n").unwrap_err();
        assert_eq!((refused.line, refused.column), (2, 5));
        assert_eq!(check_plain_yaml("a: [\n"), Ok(()), "what is no YAML is for the reader to say");
    }
}
