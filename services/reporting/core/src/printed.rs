//! Tables for a terminal, aligned for Chinese and Latin text alike.

use crate::cells::width;

/// Sections one below the other, a blank line between them.
pub(crate) fn tables(sections: &[Vec<Vec<String>>]) -> String {
    sections.iter().map(|rows| table(rows)).collect::<Vec<_>>().join("\n")
}

fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    // A title of one cell must not widen the first column.
    let measured = || rows.iter().filter(|row| row.len() > 1);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            measured()
                .filter_map(|row| row.get(column))
                .map(|cell| width(&plain(cell)))
                .max()
                .unwrap_or_default()
        })
        .collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut out = String::new();
    for (cell, wide) in row.iter().zip(widths) {
        let cell = plain(cell);
        out.push_str(&cell);
        out.push_str(&" ".repeat(wide.saturating_sub(width(&cell)) + 2));
    }
    let mut out = out.trim_end().to_owned();
    out.push('\n');
    out
}

/// What would move the cursor is shown as a space.
fn plain(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows =
            [["门店", "n"], ["A1", "12"], ["\u{1b}[2J", "3"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "门店  n\nA1    12\n [2J  3\n");
    }
}
