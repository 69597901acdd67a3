//! What is wrong with a playbook: every finding with a code, a place, an excerpt and a hint, in both languages.
//!
//! Codes are stable: `PB00..` shape of the text, `PB01..` names, `PB02..` conditions, `PB03..` tables, `PB04..`
//! matrices, `PB05..` steps and ends, `PB06..` clocks, `PB07..` messages, `PB08..` the organisation, `PB09..` parts
//! that the services do not carry out yet.

use std::fmt::Write as _;

use serde::Serialize;

use crate::text::{Lang, Text};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// The playbook is refused.
    Error,
    /// The playbook works, but somebody should look.
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub code: &'static str,
    pub gravity: Gravity,
    pub file: String,
    /// From 1; 0 when the finding is about a whole file or playbook.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// Characters marked in the excerpt.
    pub length: u32,
    /// The line of the file.
    pub excerpt: String,
    pub message: Text,
    pub hint: Option<Text>,
}

impl Diagnostic {
    /// For a terminal: message, place, the line with the place marked, the hint.
    pub fn render(&self, lang: Lang) -> String {
        let mut out = String::new();
        let word = match (self.gravity, lang) {
            (Gravity::Error, Lang::En) => "error",
            (Gravity::Error, Lang::Zh) => "错误",
            (Gravity::Warning, Lang::En) => "warning",
            (Gravity::Warning, Lang::Zh) => "警告",
        };
        let _ = writeln!(out, "{word}[{}]: {}", self.code, self.message.get(lang));
        if self.line > 0 {
            self.render_place(&mut out);
        } else if !self.file.is_empty() {
            let _ = writeln!(out, "  --> {}", self.file);
        }
        if let Some(hint) = &self.hint {
            let word = match lang {
                Lang::En => "hint: ",
                Lang::Zh => "提示：",
            };
            let _ = writeln!(out, "   = {word}{}", hint.get(lang));
        }
        out
    }

    fn render_place(&self, out: &mut String) {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let before: String = self.excerpt.chars().take(self.column.saturating_sub(1) as usize).collect();
        let marked: String = self
            .excerpt
            .chars()
            .skip(self.column.saturating_sub(1) as usize)
            .take(self.length as usize)
            .collect();
        let _ = writeln!(out, "{margin} --> {}:{}:{}", self.file, self.line, self.column);
        let _ = writeln!(out, "{margin} |");
        let _ = writeln!(out, "{number} | {}", self.excerpt);
        let _ =
            writeln!(out, "{margin} | {}{}", " ".repeat(width(&before)), "^".repeat(width(&marked).max(1)));
    }

    pub fn is_error(&self) -> bool {
        self.gravity == Gravity::Error
    }
}

/// Several diagnostics as one text, in the order of the files.
pub fn render_all(diagnostics: &[Diagnostic], lang: Lang) -> String {
    diagnostics.iter().map(|d| d.render(lang)).collect::<Vec<_>>().join("\n")
}

/// Columns a terminal needs: Chinese characters and full-width forms take two.
fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f
        | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x20000..=0x3fffd)
}

/// The known name closest to a mistyped one, if it is close at all.
pub(crate) fn closest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (wrong.chars().count() / 3).max(1);
    known.into_iter().map(|k| (distance(wrong, k), k)).filter(|(d, _)| *d <= most).min().map(|(_, k)| k)
}

/// Edits (insert, delete, replace) between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
