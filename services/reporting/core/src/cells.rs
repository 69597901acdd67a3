//! How values stand in cells: readable, and never a formula.

use crate::figures::{Line, Unit};

/// `26:03:09`, hours without limit: a spreadsheet reads it as a duration.
pub(crate) fn duration(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A value in the words of its unit.
pub(crate) fn value(unit: Unit, value: i64) -> String {
    match unit {
        Unit::Count => value.to_string(),
        Unit::Rate => format!("{}.{}%", value / 10, value % 10),
        Unit::Duration => duration(value),
        Unit::Score => format!("{}.{:02}", value / 100, value % 100),
    }
}

/// A line's value; a dash where there was no case to judge.
pub(crate) fn line_value(line: &Line) -> String {
    line.unit.shown(line.value, line.cases)
}

impl Unit {
    /// A value as documents have it, of so many cases.
    pub fn shown(self, value: i64, cases: u64) -> String {
        if cases == 0 && self != Unit::Count { "-".to_owned() } else { self::value(self, value) }
    }
}

impl Line {
    /// The value as documents have it: `12`, `95.5%`, `26:03:09`, `4.33`; a dash where there was no case to judge.
    pub fn shown(&self) -> String {
        line_value(self)
    }
}

/// What spreadsheets would run is shown as text: a leading `=`, `+`, `-`, `@`,
/// tab or line break gets an apostrophe before it.
pub(crate) fn harmless(cell: &str) -> String {
    let alone = matches!(cell, "" | "-");
    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if runs && !alone { format!("'{cell}") } else { cell.to_owned() }
}

/// One line of CSV (RFC 4180).
pub(crate) fn csv_line(cells: &[String]) -> String {
    let quoted = cells.iter().map(|cell| {
        let cell = harmless(cell);
        if cell.contains([',', '"', '\r', '\n']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    });
    let mut line = quoted.collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// Columns that a terminal needs: Chinese characters and full-width forms take two.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f
        | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x20000..=0x3fffd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_in_their_units() {
        assert_eq!(value(Unit::Count, 12), "12");
        assert_eq!(value(Unit::Rate, 955), "95.5%");
        assert_eq!(value(Unit::Rate, 1000), "100.0%");
        assert_eq!(value(Unit::Duration, 26 * 3600 + 189), "26:03:09");
        assert_eq!(value(Unit::Score, 433), "4.33");
    }

    #[test]
    fn nothing_in_a_cell_can_be_run() {
        for evil in ["=1+1", "+86", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert!(harmless(evil).starts_with('\''), "{evil:?}");
        }
        for fine in ["95.5%", "上海", "A-1", "", "-"] {
            assert_eq!(harmless(fine), fine);
        }
    }

    #[test]
    fn commas_and_quotes_stay_inside_their_cell() {
        let cells = ["a,b".to_owned(), "say \"x\"".to_owned(), "=cmd,1".to_owned()];
        assert_eq!(csv_line(&cells), "\"a,b\",\"say \"\"x\"\"\",\"'=cmd,1\"\r\n");
    }

    #[test]
    fn chinese_takes_two_columns() {
        assert_eq!(width("上海A1"), 6);
    }
}
