//! Statutory holidays and make-up working days from a published table.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::interval::Interval;
use crate::source::{CalendarSource, Change, DayKey, Name, Override, StatutoryYears, Weekday};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("the first line is not date,name,is_off_day,file_year")]
    Header,
    #[error("line {line}: `{row}` is not a date, a name, 0 or 1, and a year")]
    Row { line: usize, row: String },
    #[error("line {line}: {date} is listed twice")]
    Duplicate { line: usize, date: Date },
    #[error("the table has no rows")]
    NoRows,
}

struct Row {
    name: String,
    off: bool,
    year: i16,
}

/// Makes the statutory calendar of China from a table `date,name,is_off_day,file_year`, where
/// `file_year` is the year of the notice. Days off close; make-up days (`is_off_day` 0) open with
/// the hours of a Monday, since the notices do not say which day of the week is made up.
///
/// # Errors
/// The first line that is not such a row.
pub fn import_holidays(table: &str, version: u32) -> Result<CalendarSource, ImportError> {
    let rows = rows(table)?;
    let years = || rows.values().map(|row| row.year);
    let from = years().min().ok_or(ImportError::NoRows)?;
    let to = years().max().ok_or(ImportError::NoRows)?;
    let office = ["08:30-12:00", "13:00-17:30"].map(|hours| hours.parse::<Interval>());
    let office = office.into_iter().flatten().collect();
    Ok(CalendarSource {
        id: "china".to_owned(),
        version,
        name: Some(Name {
            zh: "中国法定工作日".to_owned(), en: "Statutory working days, China".to_owned()
        }),
        extends: None,
        zone: Some("Asia/Shanghai".to_owned()),
        shifts: None,
        statutory: Some(StatutoryYears { from, to }),
        observes: None,
        week: BTreeMap::from([(DayKey::Weekdays, office)]),
        overrides: overrides(rows),
    })
}

fn rows(table: &str) -> Result<BTreeMap<Date, Row>, ImportError> {
    let table = table.strip_prefix('\u{feff}').unwrap_or(table);
    let mut lines = table.lines().map(str::trim).enumerate();
    if lines.next().is_none_or(|(_, header)| header != "date,name,is_off_day,file_year") {
        return Err(ImportError::Header);
    }
    let mut rows = BTreeMap::new();
    for (at, text) in lines.filter(|(_, text)| !text.is_empty()) {
        let line = at + 1;
        let (date, row) = row(text).ok_or_else(|| ImportError::Row { line, row: text.to_owned() })?;
        if rows.insert(date, row).is_some() {
            return Err(ImportError::Duplicate { line, date });
        }
    }
    Ok(rows)
}

fn row(text: &str) -> Option<(Date, Row)> {
    let [date, name, off, year] = text.split(',').collect::<Vec<_>>().try_into().ok()?;
    let off = match off {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    let name = holiday(name);
    Some((date.parse().ok()?, Row { name, off, year: year.parse().ok()? }))
}

/// The early notices call two holidays by their dates; `observes` should find them in every year.
fn holiday(name: &str) -> String {
    match name {
        name if name.contains("五一") => "劳动节".to_owned(),
        name if name.contains("十一") => "国庆节".to_owned(),
        name => name.to_owned(),
    }
}

/// Neighbouring days off of one holiday become one entry.
fn overrides(rows: BTreeMap<Date, Row>) -> Vec<Override> {
    let mut overrides: Vec<Override> = Vec::new();
    for (date, row) in rows {
        let change = if row.off { Change::Closed } else { Change::As(Weekday::Monday) };
        match overrides.last_mut() {
            Some(last) if continues(last, date, &row.name, &change) => last.until = Some(date),
            _ => overrides.push(Override { date, until: None, change, name: Some(row.name), note: None }),
        }
    }
    overrides
}

fn continues(last: &Override, date: Date, name: &str, change: &Change) -> bool {
    let next = last.until.unwrap_or(last.date).tomorrow().ok();
    next == Some(date) && last.change == *change && last.name.as_deref() == Some(name)
}
