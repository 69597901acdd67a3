//! The day's cases: read with a mapping or invented (invented.rs), opened each at its own time.

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use futures::{StreamExt, stream};
use jiff::{Timestamp, tz::TimeZone};
use proto::Time;

use crate::{
    client::{Connection, explain},
    demo::{
        cast::Cast,
        clock::{Clock, MORNING},
        invented::Invented,
        people::Staff,
    },
    import::{
        Bad, Mapping,
        row::{self, Branch, Case, Ground},
        send::{Sender, Sent},
        table::Table,
    },
};

const SAMPLE: &str = include_str!("../../../../deploy/demo/complaints.csv");
const MAPPINGS: [(&str, &str); 2] = [
    ("demo-day.yaml", include_str!("../../../../deploy/imports/demo-day.yaml")),
    ("car-complaints.yaml", include_str!("../../../../deploy/imports/car-complaints.yaml")),
];
/// The column that says when somebody called.
const TIME_COLUMN: &str = "时间";
/// Without it calls come evenly over so long a day.
pub const SPREAD: i64 = 10 * Time::HOUR;
const AT_ONCE: usize = 32;

/// Where the day's cases come from.
pub enum Source {
    Rows(Rows),
    Invented(Invented),
}

/// A table and how it is read.
pub struct Rows {
    table: Table,
    mapping: Arc<Mapping>,
    rows: usize,
}

/// A case with its time of day, counted from the beginning of the day that is played.
#[derive(Clone, Debug)]
pub struct Coming {
    pub after: i64,
    pub case: Case,
    /// Of which rule book and type it is.
    pub mapping: Arc<Mapping>,
}

impl Source {
    pub fn is_empty(&self) -> bool {
        match self {
            Source::Rows(rows) => rows.rows == 0,
            Source::Invented(invented) => invented.is_empty(),
        }
    }

    /// The day's cases in the order of their calls.
    pub fn comings(&self, staff: &Staff, monday: Time, at: Timestamp) -> (Vec<Coming>, Vec<Bad>) {
        match self {
            Source::Rows(rows) => rows.comings(&staff.branches, monday, at),
            Source::Invented(invented) => (invented.comings(staff, monday), Vec::new()),
        }
    }

    /// A new run is a new source of requests: what an earlier one opened stays as it is. In a rehearsal it is only asked
    /// whether a case would be opened.
    pub fn sender(&self, connection: &Connection, at: Timestamp, rehearsal: bool) -> Sender {
        let (mapping, source) = match self {
            Source::Rows(rows) => (rows.mapping.clone(), rows.source()),
            Source::Invented(invented) => (invented.mapping(), invented.source()),
        };
        Sender::new(connection, &mapping, &source, at, rehearsal)
    }
}

impl Rows {
    pub fn read(input: Option<&Path>, mapping: Option<&Path>, most: Option<usize>) -> anyhow::Result<Rows> {
        let candidates: Vec<Mapping> = match mapping {
            Some(path) => vec![Mapping::read(path)?],
            None => MAPPINGS
                .iter()
                .map(|(name, text)| Mapping::parse(Path::new(name), text))
                .collect::<Result<_, _>>()?,
        };
        let mut misfit = None;
        for mapping in candidates {
            let table = match input {
                Some(path) => Table::read(path, mapping.encoding, mapping.delimiter)?,
                None => Table::parse(SAMPLE.as_bytes(), mapping.encoding, mapping.delimiter)?,
            };
            match table.must_have(&mapping.columns()) {
                Ok(()) => {
                    let rows = table.lines.len().min(most.unwrap_or(usize::MAX));
                    return Ok(Rows { table, mapping: Arc::new(mapping), rows });
                }
                Err(error) => misfit = Some(error),
            }
        }
        Err(misfit.map_or_else(|| anyhow::anyhow!("no mapping"), anyhow::Error::from))
            .context("no mapping fits the table; name one with --mapping")
    }

    fn comings(&self, branches: &[(String, String)], monday: Time, at: Timestamp) -> (Vec<Coming>, Vec<Bad>) {
        let branches =
            branches.iter().map(|(code, name)| Branch { code: code.clone(), name: name.clone() }).collect();
        let day = monday.to_timestamp().to_zoned(TimeZone::fixed(jiff::tz::offset(8))).date();
        let ground = Ground { branches, day, at, source: self.source() };
        let (cases, bad) = row::read_all(&self.table, self.rows, &self.mapping, &ground);
        let total = cases.len().max(1) as i64;
        let mut comings: Vec<Coming> = (0i64..)
            .zip(cases)
            .map(|(place, mut case)| {
                // It is said now, in the time of the day that is played.
                case.occurred_at = 0;
                let after = self.minute_of(case.line).unwrap_or(SPREAD * place / total);
                Coming { after, case, mapping: self.mapping.clone() }
            })
            .collect();
        comings.sort_by_key(|coming| coming.after);
        (comings, bad)
    }

    /// `08:02`, counted from eight.
    fn minute_of(&self, number: u64) -> Option<i64> {
        let line = self.table.lines.iter().find(|line| line.number == number)?;
        let (hours, minutes) = self.table.field(line, TIME_COLUMN).split_once(':')?;
        let at = hours.parse::<i64>().ok()? * Time::HOUR + minutes.parse::<i64>().ok()? * Time::MINUTE;
        Some((at - MORNING).max(0))
    }

    fn source(&self) -> String {
        self.mapping.source.clone().unwrap_or_else(|| self.table.digest.clone())
    }
}

/// Opens every case at its time. Returns how many were opened, and what was refused.
pub async fn open(
    comings: Vec<Coming>,
    monday: Time,
    clock: &Clock,
    sender: &Sender,
    cast: &Arc<Cast>,
) -> anyhow::Result<(usize, Vec<Bad>)> {
    let mut opening = stream::iter(comings)
        .then(|coming| async move {
            clock.until(monday.plus(coming.after)).await;
            coming
        })
        .map(|Coming { case, mapping, .. }| {
            let (sender, taken) = (sender.by(&mapping), cast.opening());
            async move {
                let sent = sender.send(&case).await;
                drop(taken);
                (case, sent)
            }
        })
        .buffer_unordered(AT_ONCE)
        .boxed();
    let (mut opened, mut bad) = (0, Vec::new());
    while let Some((case, sent)) = opening.next().await {
        match sent {
            // A contact: settled on the spot.
            Sent::Opened(answer) if answer.ticket_id.is_empty() => {}
            Sent::Opened(answer) => {
                cast.came_from(answer.ticket_id, case.identity);
                opened += 1;
            }
            Sent::Fits => {}
            Sent::Bad(wrong) => bad.push(Bad { line: case.line, wrong }),
            Sent::Down(status) => bail!("line {} cannot be opened: {}", case.line, explain(&status)),
        }
    }
    cast.all_opened();
    Ok((opened, bad))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_day_comes_in_its_own_order() {
        let source = Rows::read(None, None, Some(20)).unwrap();
        let branches: Vec<(String, String)> = (1..=6)
            .flat_map(|number| {
                ["SF-E", "SF-N", "NP-S", "NP-W"].map(|area| (format!("{area}0{number}"), String::new()))
            })
            .collect();
        let monday = Time(1_773_014_400_000_000);
        let (comings, bad) =
            source.comings(&branches, monday, Timestamp::from_second(1_773_014_400).unwrap());
        assert!(bad.is_empty(), "{bad:?}");
        assert_eq!(comings.len(), 20);
        assert_eq!(comings[0].after, 2 * Time::MINUTE);
        assert!(comings.iter().all(|coming| coming.case.occurred_at == 0));
        assert!(comings.is_sorted_by_key(|coming| coming.after));
    }
}
