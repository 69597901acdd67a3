//! How far every service has come with what the others say, and whether
//! verdicts are late. The numbers of journals are no case's business: they are
//! read with the console's own token; clocks are read with the viewer's.

use std::collections::BTreeMap;

use futures::future::join_all;
use proto::{
    Service, Time,
    journal::v1::{Head, HeadsRequest, ListKnownRequest},
    sla_watchdog::v1::ListDueRequest,
};

use crate::{peers::Peers, shown, trouble::Trouble, visitor::Visitor};

/// Overdue clocks that are counted one by one.
const COUNTED: u32 = 500;

/// One service as a reader of all others.
pub struct Reader {
    pub service: &'static str,
    /// Entries not applied yet, over all sources; `None`: it does not answer.
    pub behind: Option<u64>,
    /// The source that it is furthest behind, and by how much.
    pub furthest: String,
}

/// By shard: epoch and number.
type Heads = BTreeMap<u32, (u32, u64)>;

fn by_shard(heads: Vec<Head>) -> Heads {
    heads.into_iter().map(|head| (head.shard, (head.epoch, head.seq))).collect()
}

/// Entries of a source that its reader has not applied. Numbers go on over epochs.
fn behind(heads: &Heads, known: &Heads) -> u64 {
    let gap = |(shard, (_, seq)): (&u32, &(u32, u64))| {
        known.get(shard).map_or(0, |(_, known)| seq.saturating_sub(*known))
    };
    heads.iter().map(gap).sum()
}

pub async fn readers(peers: &Peers) -> Vec<Reader> {
    let heads = join_all(Service::ALL.iter().map(|service| heads(peers, *service))).await;
    let heads: BTreeMap<Service, Heads> = Service::ALL
        .iter()
        .copied()
        .zip(heads)
        .filter_map(|(service, heads)| Some((service, heads?)))
        .collect();
    join_all(Service::ALL.iter().map(|reader| read_by(peers, *reader, &heads))).await
}

async fn heads(peers: &Peers, service: Service) -> Option<Heads> {
    let mut journal = peers.journal(service).ok()?;
    Some(by_shard(journal.heads(HeadsRequest {}).await.ok()?.into_inner().heads))
}

async fn read_by(peers: &Peers, reader: Service, heads: &BTreeMap<Service, Heads>) -> Reader {
    let sources = heads.iter().filter(|(source, _)| **source != reader);
    let gaps = join_all(sources.map(|(source, heads)| gap(peers, reader, *source, heads))).await;
    let is_silent = !heads.contains_key(&reader) || gaps.iter().any(Option::is_none);
    let worst = gaps.iter().flatten().max_by_key(|(_, behind)| *behind).filter(|(_, behind)| *behind > 0);
    Reader {
        service: reader.name(),
        behind: (!is_silent).then(|| gaps.iter().flatten().map(|(_, behind)| behind).sum()),
        furthest: worst.map(|(source, behind)| format!("{source} −{behind}")).unwrap_or_default(),
    }
}

async fn gap(peers: &Peers, reader: Service, source: Service, heads: &Heads) -> Option<(Service, u64)> {
    let mut journal = peers.journal(reader).ok()?;
    let ask = ListKnownRequest { service: source.name().to_owned() };
    let known = by_shard(journal.list_known(ask).await.ok()?.into_inner().heads);
    Some((source, behind(heads, &known)))
}

/// Deadlines that have passed and are not judged yet: how many, and since when.
pub struct Unjudged {
    pub count: usize,
    pub more: bool,
    pub oldest: String,
    /// More than a silent source may hold a verdict up.
    pub is_late: bool,
}

/// A silent source may delay a verdict by so much.
const PATIENCE: i64 = 30 * Time::SECOND;

pub async fn unjudged(visitor: &Visitor) -> Result<Unjudged, Trouble> {
    let ask = ListDueRequest { until_at: visitor.now.0, limit: COUNTED, ..Default::default() };
    let clocks = visitor.ask()?.watchdog().list_due(ask).await?.into_inner().clocks;
    let due = clocks.iter().filter(|clock| clock.state == "running" && clock.due_at < visitor.now.0);
    let passed: Vec<i64> = due.map(|clock| visitor.now.0 - clock.due_at).collect();
    let oldest = passed.iter().copied().max().unwrap_or_default();
    Ok(Unjudged {
        count: passed.len(),
        more: clocks.len() as u32 >= COUNTED,
        oldest: if passed.is_empty() { String::new() } else { shown::span(oldest, visitor.tongue) },
        is_late: oldest > PATIENCE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_never_hears_is_no_lag() {
        let head = |shard, seq| Head { shard, epoch: 1, seq, hash: Vec::new() };
        let heads = by_shard(vec![head(0, 10), head(1, 7)]);
        assert_eq!(behind(&heads, &by_shard(vec![head(0, 4)])), 6, "shard 1 is not read");
        assert_eq!(behind(&heads, &by_shard(vec![head(0, 12), head(1, 7)])), 0, "ahead by a moment");
    }
}
