//! A batch as parameters, in the order in which `statement::commit` numbers.

use chassis_core::{TimerChange, epoch::Rewinding, store::Batch};
use proto::{Id, Shard, Time};
use sqlx::{postgres::PgArguments, query::Query};

use super::{aside, puts::Puts};
use crate::statement::CommitParts;

pub(super) fn parts_of(batch: &Batch, puts: &Puts) -> CommitParts {
    CommitParts {
        journal: !batch.heads.is_empty(),
        timers_set: batch.timers.iter().any(|timer| timer.due.is_some()),
        timers_cleared: batch.timers.iter().any(|timer| timer.due.is_none()),
        cursors: !batch.cursors.is_empty(),
        pairs: !batch.pairs.is_empty(),
        replies: !batch.replies.is_empty(),
        directory: !batch.directory.is_empty(),
        aside: aside::parts_of(&batch.aside),
        published: marks(batch).next().is_some(),
        rewindings: !batch.rewindings.is_empty(),
        puts: puts.tables.keys().copied().collect(),
        deletes: puts.deletes.keys().copied().collect(),
    }
}

/// Published marks of shards that this batch does not write: one statement
/// cannot update a row twice. The others ride with a later batch.
fn marks(batch: &Batch) -> impl Iterator<Item = &(Shard, u64)> {
    batch.published.iter().filter(|(shard, _)| !batch.heads.iter().any(|head| head.shard == *shard))
}

pub(super) type PgQuery<'q> = Query<'q, sqlx::Postgres, PgArguments>;

/// Binds in the order in which `statement::commit` numbers.
pub(super) fn bind_commit<'q>(
    mut query: PgQuery<'q>,
    batch: &Batch,
    parts: &CommitParts,
    puts: Puts,
) -> PgQuery<'q> {
    if parts.journal {
        query = bind_journal(query, batch);
    }
    query = bind_small(query, batch, parts);
    for (_, columns) in puts.tables {
        query = columns.bind(query);
    }
    for (_, ids) in puts.deletes {
        query = query.bind(ids);
    }
    if parts.journal {
        query = query.bind(batch.heads.len() as i64);
    }
    query
}

fn bind_journal<'q>(query: PgQuery<'q>, batch: &Batch) -> PgQuery<'q> {
    let heads = &batch.heads;
    let query = query
        .bind(list(heads, |h| h.shard.number() as i16))
        .bind(list(heads, |h| h.epoch as i32))
        .bind(list(heads, |h| h.seq as i64))
        .bind(list(heads, |h| h.hash.to_vec()))
        .bind(list(heads, |h| h.stamp.0))
        .bind(list(&batch.heads_before, |seq| *seq as i64));
    let entries = &batch.entries;
    query
        .bind(list(entries, |e| e.at.shard.number() as i16))
        .bind(list(entries, |e| e.at.epoch as i32))
        .bind(list(entries, |e| e.at.seq as i64))
        .bind(list(entries, |e| e.hash.to_vec()))
        .bind(list(entries, |e| e.kind.to_string()))
        .bind(list(entries, |e| e.payload.clone()))
        .bind(list(entries, |e| e.about.subject.map(Id::uuid)))
        .bind(list(entries, |e| e.about.branch.clone()))
        .bind(list(entries, |e| e.actor.clone()))
        .bind(list(entries, |e| e.cause.clone()))
        .bind(list(entries, |e| i16::from(e.hops)))
        .bind(list(entries, |e| e.directory_seq as i64))
        .bind(list(entries, |e| e.recorded_at.0))
        .bind(list(entries, |e| e.about.occurred_at.map(|at| at.0)))
        .bind(list(entries, |e| e.to.map(|(shard, _)| shard.number() as i16)))
        .bind(list(entries, |e| e.to.map(|(_, pair)| pair as i64)))
        .bind(list(entries, |e| e.traceparent.clone()))
}

fn bind_small<'q>(mut query: PgQuery<'q>, batch: &Batch, parts: &CommitParts) -> PgQuery<'q> {
    if parts.timers_set {
        let set: Vec<(&TimerChange, Time)> = batch.timers.iter().filter_map(|t| Some((t, t.due?))).collect();
        query = query
            .bind(list(&set, |(t, _)| t.id.shard().number() as i16))
            .bind(list(&set, |(_, due)| due.0))
            .bind(list(&set, |(t, _)| t.name.clone()))
            .bind(list(&set, |(t, _)| t.id.uuid()));
    }
    if parts.timers_cleared {
        let cleared: Vec<&TimerChange> = batch.timers.iter().filter(|t| t.due.is_none()).collect();
        query = query.bind(list(&cleared, |t| t.name.clone())).bind(list(&cleared, |t| t.id.uuid()));
    }
    if parts.cursors {
        let cursors = &batch.cursors;
        query = query
            .bind(list(cursors, |(s, _)| s.service.name().to_owned()))
            .bind(list(cursors, |(s, _)| s.from.number() as i16))
            .bind(list(cursors, |(s, _)| s.to.number() as i16))
            .bind(list(cursors, |(s, _)| s.peer))
            .bind(list(cursors, |(_, c)| c.epoch as i32))
            .bind(list(cursors, |(_, c)| c.seq as i64))
            .bind(list(cursors, |(_, c)| c.stream_seq as i64))
            .bind(list(cursors, |(_, c)| c.hash.to_vec()));
    }
    if parts.pairs {
        query = query
            .bind(list(&batch.pairs, |(from, _, _)| from.number() as i16))
            .bind(list(&batch.pairs, |(_, to, _)| to.number() as i16))
            .bind(list(&batch.pairs, |(_, _, seq)| *seq as i64));
    }
    if parts.replies {
        let replies = &batch.replies;
        query = query
            .bind(list(replies, |r| r.request.id.uuid()))
            .bind(list(replies, |r| r.request.caller.clone()))
            .bind(list(replies, |r| r.shard.number() as i16))
            .bind(list(replies, |r| r.content.to_vec()))
            .bind(list(replies, |r| r.reply.clone()))
            .bind(list(replies, |r| r.epoch as i32))
            .bind(list(replies, |r| r.seq as i64));
    }
    if parts.directory {
        query = query
            .bind(list(&batch.directory, |d| d.seq as i64))
            .bind(list(&batch.directory, |d| d.kind.to_string()))
            .bind(list(&batch.directory, |d| d.payload.clone()))
            .bind(list(&batch.directory, |d| d.recorded_at.0));
    }
    query = aside::bind(query, &batch.aside, parts.aside);
    if parts.published {
        let marks: Vec<&(Shard, u64)> = marks(batch).collect();
        query =
            query.bind(list(&marks, |(s, _)| s.number() as i16)).bind(list(&marks, |(_, seq)| *seq as i64));
    }
    if parts.rewindings {
        query = bind_rewindings(query, &batch.rewindings);
    }
    query
}

pub(super) fn list<T, V>(items: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    items.iter().map(value).collect()
}

fn bind_rewindings<'q>(query: PgQuery<'q>, rewindings: &[Rewinding]) -> PgQuery<'q> {
    query
        .bind(list(rewindings, |r| r.source.service.name().to_owned()))
        .bind(list(rewindings, |r| r.source.from.number() as i16))
        .bind(list(rewindings, |r| r.source.to.number() as i16))
        .bind(list(rewindings, |r| r.source.peer))
        .bind(list(rewindings, |r| r.own))
        .bind(list(rewindings, |r| r.at.0 as i32))
        .bind(list(rewindings, |r| r.at.1 as i64))
        .bind(list(rewindings, |r| r.from.0 as i32))
        .bind(list(rewindings, |r| r.from.1 as i64))
        .bind(list(rewindings, |r| r.to.0 as i32))
        .bind(list(rewindings, |r| r.to.1 as i64))
}
