//! Whether the learned limits give the recorded targets again, and why where they do not.

use std::collections::BTreeMap;

use calendar::{Calendar, Limit};
use jiff::tz::TimeZone;

use super::{Given, Learnt, candidates};

/// Why a target is not reproduced. The first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Nothing was learned about this kind.
    Unknown,
    /// The target lies before the request.
    Backwards,
    /// Most of the kind's rows from here on have one other limit.
    Changed,
    /// Most of this queue's rows of the kind have one other limit.
    Queue,
    /// Some other limit would give it.
    Other,
    /// No limit that can be written gives it.
    None,
}

impl Cause {
    pub const ALL: [Cause; 6] =
        [Cause::Unknown, Cause::Backwards, Cause::Changed, Cause::Queue, Cause::Other, Cause::None];

    pub fn zh(self) -> &'static str {
        match self {
            Cause::Unknown => "学习部分没有这一类",
            Cause::Backwards => "目标时间早于受理时间",
            Cause::Changed => "该类时限后来改了",
            Cause::Queue => "另一队列时限不同",
            Cause::Other => "个别另定时限",
            Cause::None => "没有时限能得出它",
        }
    }

    pub fn en(self) -> &'static str {
        match self {
            Cause::Unknown => "kind not seen while learning",
            Cause::Backwards => "target before the request",
            Cause::Changed => "limit of the kind changed later",
            Cause::Queue => "another queue has another limit",
            Cause::Other => "another limit for this one",
            Cause::None => "no limit gives it",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    pub line: u64,
    pub kind: String,
    pub cause: Cause,
    /// What would give it.
    pub instead: Option<Limit>,
    /// Recorded target less the one computed, in seconds.
    pub off_by: Option<i64>,
}

/// How the second half came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reproduction {
    pub rows: usize,
    pub reproduced: usize,
    pub misses: Vec<Miss>,
}

impl Reproduction {
    /// Reproduced rows in hundredths of a per cent, rounded down.
    pub fn share(&self) -> usize {
        (self.reproduced * 10_000).checked_div(self.rows).unwrap_or(0)
    }

    pub fn by_cause(&self) -> BTreeMap<Cause, usize> {
        let mut count = BTreeMap::new();
        for miss in &self.misses {
            *count.entry(miss.cause).or_default() += 1;
        }
        count
    }

    /// The kinds with the most misses first.
    pub fn by_kind(&self) -> Vec<(&str, BTreeMap<Cause, usize>)> {
        let mut kinds: BTreeMap<&str, BTreeMap<Cause, usize>> = BTreeMap::new();
        for miss in &self.misses {
            *kinds.entry(&miss.kind).or_default().entry(miss.cause).or_default() += 1;
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(kind, causes)| (std::cmp::Reverse(causes.values().sum::<usize>()), *kind));
        kinds
    }
}

/// Computes every row's target by the limits learned from others.
pub fn reproduce(calendar: &Calendar, learnt: &BTreeMap<String, Learnt>, rows: &[&Given]) -> Reproduction {
    let zone = TimeZone::get(calendar.zone()).unwrap_or(TimeZone::UTC);
    let missed: Vec<(&Given, Vec<Limit>)> = rows
        .iter()
        .filter(|row| !learnt.get(&row.kind).is_some_and(|found| row.fits(calendar, &found.limit)))
        .map(|row| (*row, candidates::fitting(calendar, &zone, row)))
        .collect();
    let usual = Usual::of(rows, &missed);
    let misses: Vec<Miss> =
        missed.iter().map(|(row, fitting)| miss(calendar, learnt, &usual, row, fitting)).collect();
    Reproduction { rows: rows.len(), reproduced: rows.len() - misses.len(), misses }
}

fn miss(
    calendar: &Calendar,
    learnt: &BTreeMap<String, Learnt>,
    usual: &Usual<'_>,
    row: &Given,
    fitting: &[Limit],
) -> Miss {
    let found = learnt.get(&row.kind);
    let of_kind = usual.kinds.get(row.kind.as_str()).filter(|limit| fitting.contains(limit));
    let of_queue =
        usual.queues.get(&(row.kind.as_str(), row.queue.as_str())).filter(|limit| fitting.contains(limit));
    let cause = match found {
        None => Cause::Unknown,
        Some(_) if row.target < row.opened => Cause::Backwards,
        Some(_) if of_kind.is_some() => Cause::Changed,
        Some(_) if of_queue.is_some() => Cause::Queue,
        Some(_) if !fitting.is_empty() => Cause::Other,
        Some(_) => Cause::None,
    };
    let due = found.and_then(|found| calendar.deadline(row.opened, &found.limit, &[]).due);
    Miss {
        line: row.line,
        kind: row.kind.clone(),
        cause,
        instead: of_kind.or(of_queue).cloned().or_else(|| fitting.first().cloned()),
        off_by: due.map(|due| row.target.duration_since(due).as_secs()),
    }
}

/// Another limit that explains more than half of a kind's rows, or of a queue's rows of the kind.
struct Usual<'r> {
    kinds: BTreeMap<&'r str, Limit>,
    queues: BTreeMap<(&'r str, &'r str), Limit>,
}

impl<'r> Usual<'r> {
    fn of(rows: &[&'r Given], missed: &[(&'r Given, Vec<Limit>)]) -> Usual<'r> {
        let kind = |row: &'r Given| row.kind.as_str();
        let queue = |row: &'r Given| (row.kind.as_str(), row.queue.as_str());
        Usual { kinds: most(rows, missed, kind), queues: most(rows, missed, queue) }
    }
}

fn most<'r, K: Ord + Copy>(
    rows: &[&'r Given],
    missed: &[(&'r Given, Vec<Limit>)],
    key: impl Fn(&'r Given) -> K,
) -> BTreeMap<K, Limit> {
    let mut total: BTreeMap<K, usize> = BTreeMap::new();
    for row in rows {
        *total.entry(key(row)).or_default() += 1;
    }
    let mut votes: BTreeMap<K, Vec<(&Limit, usize)>> = BTreeMap::new();
    for (row, fitting) in missed {
        let votes = votes.entry(key(row)).or_default();
        for limit in fitting {
            match votes.iter_mut().find(|(known, _)| *known == limit) {
                Some((_, count)) => *count += 1,
                None => votes.push((limit, 1)),
            }
        }
    }
    let usual = |(key, votes): (K, Vec<(&Limit, usize)>)| {
        let (limit, count) = votes.into_iter().rev().max_by_key(|(_, count)| *count)?;
        // One row alone is no usage.
        (count > 1 && count * 2 > total[&key]).then(|| (key, limit.clone()))
    };
    votes.into_iter().filter_map(usual).collect()
}
