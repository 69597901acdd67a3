//! Looks after the stream: whatever a shard has published and the stream no
//! longer holds within its retention is sent again.
//!
//! Cheap while nothing happens: the broker itself counts messages deleted in
//! the middle, so the stream is walked (headers only, with pauses) when that
//! count or its end changes as it should not, once after a start, and now and
//! then all the same.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use futures::StreamExt;
use proto::{Service, Shard, envelope, subject};
use sqlx::PgPool;

use crate::{journal, publisher, stream};

const LOOK: Duration = Duration::from_secs(10);
/// After a start the publisher comes first.
const FIRST: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(6 * 3600);
/// Messages between two pauses.
const PORTION: u64 = 1_000;
const PAUSE: Duration = Duration::from_millis(50);
const SILENCE: Duration = Duration::from_secs(5);

pub(crate) struct Walker {
    pub service: Service,
    pub owned: Vec<Shard>,
    pub nats: async_nats::Client,
    pub pool: PgPool,
}

/// What the broker said of the stream last time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sight {
    deleted: u64,
    last: u64,
}

impl Walker {
    pub async fn run(self) {
        let mut seen: Option<Sight> = None;
        let mut walk_at = Instant::now() + FIRST;
        let mut said = String::new();
        loop {
            if let Err(error) = self.turn(&mut seen, &mut walk_at).await
                && error != said
            {
                tracing::warn!(service = %self.service, error, "the stream cannot be walked now: trying again");
                said = error;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn turn(&self, seen: &mut Option<Sight>, walk_at: &mut Instant) -> Result<(), String> {
        let context = jetstream::new(self.nats.clone());
        // Refuses another database's stream; a wiped one is refilled by the publisher.
        stream::created(&context, &self.pool).await?;
        let stream = context.get_stream(subject::EVENT_STREAM).await.map_err(|error| error.to_string())?;
        let state = &stream.cached_info().state;
        let sight = Sight { deleted: state.deleted_count.unwrap_or(0), last: state.last_sequence };
        let shrank = seen.is_some_and(|seen| sight.deleted > seen.deleted || sight.last < seen.last);
        if shrank || Instant::now() >= *walk_at {
            let sent = self.walk(&context, &stream).await?;
            if sent > 0 {
                tracing::warn!(service = %self.service, sent, "entries were missing in the stream: sent again");
            }
            *walk_at = Instant::now() + EVERY;
        }
        *seen = Some(sight);
        Ok(())
    }

    async fn walk(
        &self,
        context: &jetstream::Context,
        stream: &jetstream::stream::Stream,
    ) -> Result<u64, String> {
        // What is acknowledged before the walk begins must be found by it.
        let marks = self.marks().await.map_err(|error| error.to_string())?;
        let cut = stream.cached_info().state.first_sequence > 1;
        let held = self.held(context).await?;
        let mut sent = 0;
        for (shard, mark) in marks {
            let held = held.get(&shard).cloned().unwrap_or_default();
            sent += self.send_missing(context, shard, mark, &held, cut).await?;
        }
        Ok(sent)
    }

    async fn marks(&self) -> Result<Vec<(Shard, u64)>, sqlx::Error> {
        let owned: Vec<i16> = self.owned.iter().map(|shard| shard.number() as i16).collect();
        let rows: Vec<(i16, i64)> =
            sqlx::query_as("select shard, published from shard where shard = any($1)")
                .bind(owned)
                .fetch_all(&self.pool)
                .await?;
        Ok(rows
            .into_iter()
            .filter_map(|(shard, mark)| Some((Shard::new(shard as u16)?, mark as u64)))
            .collect())
    }

    /// The numbers that the stream holds, by shard.
    async fn held(&self, context: &jetstream::Context) -> Result<BTreeMap<Shard, Ranges>, String> {
        let config = pull::Config {
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::None,
            filter_subjects: vec![subject::events_of(self.service), subject::peers_of(self.service)],
            headers_only: true,
            inactive_threshold: Duration::from_secs(60),
            memory_storage: true,
            ..pull::Config::default()
        };
        let mut consumer = context
            .create_consumer_on_stream(config, subject::EVENT_STREAM)
            .await
            .map_err(|error| error.to_string())?;
        let mut pending = consumer.info().await.map_err(|error| error.to_string())?.num_pending;
        let mut messages = consumer
            .stream()
            .max_messages_per_batch(PORTION as usize)
            .messages()
            .await
            .map_err(|error| error.to_string())?;
        let mut held: BTreeMap<Shard, Ranges> = BTreeMap::new();
        let mut read = 0;
        while pending > 0 {
            let message = match tokio::time::timeout(SILENCE, messages.next()).await {
                Ok(Some(message)) => message.map_err(|error| error.to_string())?,
                Ok(None) | Err(_) => return Err("the stream fell silent during the walk".to_owned()),
            };
            pending = message.info().map_err(|error| error.to_string())?.pending;
            let at = message.headers.as_ref().and_then(|headers| headers.get(envelope::ID));
            if let Some(at) = at.and_then(|at| at.as_str().parse::<envelope::Position>().ok()) {
                held.entry(at.shard).or_default().add(at.seq);
            }
            read += 1;
            if read % PORTION == 0 {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(held)
    }

    /// A cut stream has lost its oldest by age: what is older than the first that it holds is not missing.
    async fn send_missing(
        &self,
        context: &jetstream::Context,
        shard: Shard,
        mark: u64,
        held: &Ranges,
        cut: bool,
    ) -> Result<u64, String> {
        let mut after = if cut { held.first().unwrap_or(mark) } else { 0 };
        let mut sent = 0;
        while let Some((first, last)) = held.gap(after, mark) {
            after = first - 1;
            while after < last {
                let page = journal::after(&self.pool, self.service, shard, after, 200)
                    .await
                    .map_err(|error| error.to_string())?;
                let Some(end) = page.last().map(|entry| entry.at.seq) else { break };
                for entry in page.iter().filter(|entry| entry.at.seq <= last) {
                    publisher::send_now(context, entry).await?;
                    sent += 1;
                }
                after = end.min(last);
                tokio::time::sleep(PAUSE).await;
            }
            after = last;
        }
        if sent > 0 {
            // The newest message of a shard tells a restored writer how far it was: it comes last again.
            let newest = journal::after(&self.pool, self.service, shard, mark - 1, 1)
                .await
                .map_err(|error| error.to_string())?;
            for entry in &newest {
                publisher::send_now(context, entry).await?;
            }
        }
        Ok(sent)
    }
}

/// Numbers as stretches: start -> end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    fn add(&mut self, number: u64) {
        let before = self.0.range(..=number).next_back().map(|(start, end)| (*start, *end));
        if before.is_some_and(|(_, end)| end >= number) {
            return;
        }
        let start = before.filter(|(_, end)| end + 1 == number).map_or(number, |(start, _)| start);
        let end = self.0.remove(&(number + 1)).unwrap_or(number);
        self.0.insert(start, end);
    }

    fn first(&self) -> Option<u64> {
        self.0.keys().next().copied()
    }

    /// The first stretch of numbers above `after`, up to `until`, that is not held.
    fn gap(&self, after: u64, until: u64) -> Option<(u64, u64)> {
        let mut first = after + 1;
        if let Some((_, end)) = self.0.range(..=first).next_back()
            && *end >= first
        {
            first = end + 1;
        }
        if first > until {
            return None;
        }
        let last = self.0.range(first..).next().map_or(until, |(start, _)| (start - 1).min(until));
        Some((first, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(numbers: &[u64]) -> Ranges {
        let mut ranges = Ranges::default();
        numbers.iter().for_each(|number| ranges.add(*number));
        ranges
    }

    fn gaps(held: &[u64], after: u64, until: u64) -> Vec<(u64, u64)> {
        let held = ranges(held);
        let mut after = after;
        std::iter::from_fn(|| {
            let gap = held.gap(after, until)?;
            after = gap.1;
            Some(gap)
        })
        .collect()
    }

    #[test]
    fn stretches_grow_together_in_any_order() {
        assert_eq!(ranges(&[3, 1, 2, 2, 7, 6, 5]), ranges(&[1, 2, 3, 5, 6, 7]));
        assert_eq!(ranges(&[3, 1, 2, 7]).0, BTreeMap::from([(1, 3), (7, 7)]));
    }

    #[test]
    fn what_is_missing_is_found_between_the_first_and_the_mark() {
        assert_eq!(gaps(&[1, 2, 5, 6, 9], 0, 12), [(3, 4), (7, 8), (10, 12)]);
        assert_eq!(gaps(&[4, 5, 8], 0, 8), [(1, 3), (6, 7)]);
        assert_eq!(gaps(&[4, 5, 8], 4, 8), [(6, 7)], "what a cut stream dropped by age");
        assert_eq!(gaps(&[], 0, 2), [(1, 2)]);
        assert_eq!(gaps(&[1, 2], 0, 2), []);
        assert_eq!(gaps(&[1, 5], 0, 3), [(2, 3)], "nothing beyond what was acknowledged");
    }
}
