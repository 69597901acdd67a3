//! The limit of each kind of request.

use std::collections::BTreeMap;

use calendar::{Calendar, Limit};
use jiff::{Timestamp, tz::TimeZone};

use super::{Given, candidates};

/// So many of the newest rows say which limit is in force. More would outvote a limit that was changed lately, fewer
/// would take a few odd rows for a change.
const IN_FORCE: usize = 20;

/// What a kind is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learnt {
    pub limit: Limit,
    /// Rows it was learned from, and those of them that it explains.
    pub rows: usize,
    pub explained: usize,
    /// The limit that most of the older rows had, if it was another one, and the last row that had it.
    pub before: Option<(Limit, Timestamp)>,
}

/// Learns the limit of each kind. Kinds of which no row can be explained by any limit are left out.
pub fn learn(calendar: &Calendar, rows: &[&Given]) -> BTreeMap<String, Learnt> {
    let zone = TimeZone::get(calendar.zone()).unwrap_or(TimeZone::UTC);
    let mut kinds: BTreeMap<&str, Vec<(&Given, Vec<Limit>)>> = BTreeMap::new();
    for row in rows {
        kinds.entry(&row.kind).or_default().push((row, candidates::fitting(calendar, &zone, row)));
    }
    let learnt = |(kind, rows): (&str, Vec<(&Given, Vec<Limit>)>)| Some((kind.to_owned(), of_kind(&rows)?));
    kinds.into_iter().filter_map(learnt).collect()
}

fn of_kind(rows: &[(&Given, Vec<Limit>)]) -> Option<Learnt> {
    let newest = &rows[rows.len().saturating_sub(IN_FORCE)..];
    let overall = votes(rows);
    let (limit, ..) = best(&votes(newest), &overall)?;
    let explained = rows.iter().filter(|(_, fitting)| fitting.contains(&limit)).count();
    let before = best(&overall, &overall).filter(|(most, count)| *most != limit && *count > explained);
    let before = before.and_then(|(most, _)| {
        let last = rows.iter().rev().find(|(_, fitting)| fitting.contains(&most))?;
        Some((most, last.0.opened))
    });
    Some(Learnt { limit, rows: rows.len(), explained, before })
}

/// Rows that each limit explains, with its place among the limits of the row that named it first.
type Votes = Vec<(Limit, usize, usize)>;

fn votes(rows: &[(&Given, Vec<Limit>)]) -> Votes {
    let mut votes: Votes = Vec::new();
    for (_, fitting) in rows {
        for (place, limit) in fitting.iter().enumerate() {
            match votes.iter_mut().find(|(known, ..)| known == limit) {
                Some((_, count, plain)) => (*count, *plain) = (*count + 1, (*plain).min(place)),
                None => votes.push((limit.clone(), 1, place)),
            }
        }
    }
    votes
}

/// The most votes; then the most of all rows; then the plainest.
fn best(votes: &Votes, overall: &Votes) -> Option<(Limit, usize)> {
    let of_all = |limit: &Limit| overall.iter().find(|(known, ..)| known == limit).map_or(0, |(_, n, _)| *n);
    let rank =
        |(limit, count, place): &(Limit, usize, usize)| (*count, of_all(limit), std::cmp::Reverse(*place));
    // The first of equals, so that the same file gives the same limits.
    let mut best: Option<&(Limit, usize, usize)> = None;
    for vote in votes {
        if best.is_none_or(|best| rank(vote) > rank(best)) {
            best = Some(vote);
        }
    }
    best.map(|(limit, count, _)| (limit.clone(), *count))
}

#[cfg(test)]
mod tests {
    use calendar::CalendarSource;

    use super::*;

    fn row(day: u32, hours: u32) -> Given {
        let opened: Timestamp =
            format!("2015-{:02}-{:02}T10:00:00Z", 1 + day / 28, 1 + day % 28).parse().expect("an instant");
        let target = opened + jiff::SignedDuration::from_hours(hours.into());
        Given { line: 2, kind: "k".into(), queue: String::new(), opened, target }
    }

    #[test]
    fn the_limit_in_force_last_counts_and_the_one_before_is_named() {
        let text = "{id: desk, version: 1, zone: UTC, week: {daily: ['00:00-24:00']}}";
        let calendar =
            Calendar::compile(&CalendarSource::from_yaml(text).expect("readable"), &[]).expect("sound");
        let mut rows: Vec<Given> = (0..60).map(|day| row(day, 30)).collect();
        rows.extend((60..85).map(|day| row(day, 50)));
        rows.push(row(86, 7));
        let learnt = learn(&calendar, &rows.iter().collect::<Vec<_>>());
        let found = &learnt["k"];
        assert_eq!((found.limit.to_string().as_str(), found.rows, found.explained), ("50h", 86, 25));
        let (before, last) = found.before.as_ref().expect("it was changed");
        assert_eq!((before.to_string().as_str(), *last), ("30h", rows[59].opened));
    }
}
