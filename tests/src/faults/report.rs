//! What came of it, for people and for programs.

use std::{collections::BTreeMap, time::Duration};

use comfy_table::{CellAlignment, Table, presets};
use hotline::bench::measure::percentile;
use serde_json::{Value, json};

use crate::faults::{plan::Strike, rest::Rest, strike::Outcome};

/// One kind's record.
#[derive(Default)]
struct Record {
    times: usize,
    bad: usize,
    owned: Vec<u64>,
    whole: Vec<u64>,
}

/// Everything that is told at the end.
#[derive(Default)]
pub struct Report {
    pub seed: u64,
    pub profile: String,
    records: BTreeMap<&'static str, Record>,
    skipped: BTreeMap<&'static str, String>,
    pub killed: usize,
    pub accepted: usize,
    pub repeats: u64,
    pub tries: u64,
    pub longest: Duration,
    pub openings: usize,
    /// The most that each process held at any time.
    pub memory_kb: BTreeMap<String, u64>,
    pub verdicts: Vec<String>,
    pub breaches: Vec<String>,
    pub took: Duration,
}

impl Report {
    pub fn new(seed: u64, profile: &str) -> Report {
        Report { seed, profile: profile.to_owned(), ..Report::default() }
    }

    pub fn skip(&mut self, kind: &'static str, why: String) {
        self.skipped.insert(kind, why);
    }

    pub fn struck(&mut self, strike: &Strike, outcome: &Outcome) {
        let record = self.records.entry(strike.kind.name()).or_default();
        record.times += 1;
        record.bad += usize::from(!outcome.breaches.is_empty());
        record.owned.extend(outcome.owned.map(millis));
        record.whole.extend(outcome.whole.map(millis));
        self.killed += outcome.killed;
        let named =
            outcome.breaches.iter().map(|why| format!("strike {} ({}): {why}", strike.number, strike.kind));
        self.breaches.extend(named);
    }

    pub fn rested(&mut self, rest: &Rest) {
        self.openings += rest.openings;
        self.verdicts.push(rest.verdict.clone());
        self.breaches.extend(rest.breaches.iter().cloned());
    }

    pub fn is_clean(&self) -> bool {
        self.breaches.is_empty()
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["fault", "times", "result", "owner p50 s", "max s", "whole p50 s", "max s"]);
        for (kind, record) in &self.records {
            let result = match record.bad {
                0 => "ok".to_owned(),
                bad => format!("{bad} BREACHED"),
            };
            let mut row = vec![(*kind).to_owned(), record.times.to_string(), result];
            for values in [&record.owned, &record.whole] {
                row.extend(
                    [share(values, 0.5), share(values, 1.0)].map(|value| value.map_or("-".into(), seconds)),
                );
            }
            table.add_row(row);
        }
        for (kind, why) in &self.skipped {
            table.add_row([*kind, "0", &format!("skipped: {why}")]);
        }
        for place in [1, 3, 4, 5, 6] {
            if let Some(column) = table.column_mut(place) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }

    /// Who held the most, in megabytes.
    fn largest(&self) -> String {
        let most = self.memory_kb.iter().max_by_key(|(_, held)| **held);
        most.map_or_else(|| "unknown".to_owned(), |(who, held)| format!("{who} with {} MB", held >> 10))
    }

    /// What a rig's processes held; another rig's do not take it away.
    pub fn held(&mut self, most: impl IntoIterator<Item = (String, u64)>) {
        for (who, held) in most {
            let before = self.memory_kb.entry(who).or_default();
            *before = held.max(*before);
        }
    }

    /// As it is printed and kept.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}\n\nseed {}, {}, {:.0} s: {} kills; {} cases accepted after {} calls (longest wait {:.1} s), {} asked again and \
             answered alike; {} openings on record; largest process {}\n{}\n",
            self.table(),
            self.seed,
            self.profile,
            self.took.as_secs_f64(),
            self.killed,
            self.accepted,
            self.tries,
            self.longest.as_secs_f64(),
            self.repeats,
            self.openings,
            self.largest(),
            self.verdicts.join("\n"),
        );
        for breach in &self.breaches {
            text.push_str(&format!("BREACH: {breach}\n"));
        }
        text
    }

    pub fn json(&self) -> Value {
        let kinds: Vec<Value> = self
            .records
            .iter()
            .map(|(kind, record)| {
                json!({
                    "kind": kind, "times": record.times, "breached": record.bad,
                    "owner_ms": { "p50": share(&record.owned, 0.5), "max": share(&record.owned, 1.0) },
                    "whole_ms": { "p50": share(&record.whole, 0.5), "max": share(&record.whole, 1.0) },
                })
            })
            .collect();
        json!({
            "seed": self.seed, "profile": self.profile, "seconds": self.took.as_secs(), "kills": self.killed,
            "accepted": self.accepted, "calls": self.tries, "asked_again": self.repeats,
            "longest_wait_ms": millis(self.longest), "openings": self.openings,
            "memory_kb": self.memory_kb, "verdicts": self.verdicts, "breaches": self.breaches,
            "kinds": kinds, "skipped": self.skipped,
        })
    }
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}

fn share(values: &[u64], share: f64) -> Option<u64> {
    (!values.is_empty()).then(|| percentile(&mut values.to_vec(), share))
}

fn seconds(millis: u64) -> String {
    format!("{:.1}", millis as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::plan::{Kind, schedule};

    #[test]
    fn a_breach_is_counted_named_and_fails_the_run() {
        let strikes = schedule(1, Duration::from_secs(60), &[Kind::KillOwner]);
        let mut report = Report::default();
        let good = Outcome { owned: Some(Duration::from_millis(1_500)), killed: 1, ..Outcome::default() };
        report.struck(&strikes[0], &good);
        assert!(report.is_clean());
        report.struck(&strikes[1], &Outcome { breaches: vec!["too late".into()], ..good });
        assert!(!report.is_clean());
        let text = report.text();
        assert!(
            text.contains("1 BREACHED") && text.contains("BREACH: strike 2 (kill-owner): too late"),
            "{text}"
        );
        assert_eq!(report.json()["kinds"][0]["owner_ms"]["max"], 1_500);
        assert_eq!(report.json()["kills"], 2);
    }
}
