//! Remembered answers are forgotten when nobody may ask for them again.

use std::time::{Duration, Instant};

use proto::Time;

use super::{Session, SessionError, failed};

/// Requests are refused 72 h after their own stamp, which may lie ten minutes ahead.
const PRUNE: &str = "with old as (select request, caller from reply where at < clock_timestamp() - interval '73 hours' \
     and shard = any($1) order by at limit $2) \
     delete from reply r using old where r.request = old.request and r.caller = old.caller";
const AT_ONCE: i64 = 500;
const EVERY: Duration = Duration::from_secs(20);

impl Session {
    /// The heartbeat of a loop that has nothing else to do: now and then a small portion is forgotten.
    pub async fn idle_beat(&mut self) -> Result<Time, SessionError> {
        if self.pruned.elapsed() >= EVERY {
            let shards: Vec<i16> = self.held.iter().map(|shard| shard.number() as i16).collect();
            let gone = sqlx::query(PRUNE)
                .bind(shards)
                .bind(AT_ONCE)
                .execute(&mut self.connection)
                .await
                .map_err(failed("forgetting old answers"))?;
            // A full portion: more wait, and the next heartbeat goes on.
            if (gone.rows_affected() as i64) < AT_ONCE {
                self.pruned = Instant::now();
            }
        }
        self.beat().await
    }
}
