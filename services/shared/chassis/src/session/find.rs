//! What a stranger reads before it goes on.

use chassis_core::{
    Core,
    store::{DirectoryEntry, Found, TimerRow, Timers},
};
use proto::{Service, Time};
use sqlx::Row;

use super::{
    Session, SessionError, TIMERS_HELD, failed,
    rows::{cursor_of, head_of, id_of, shard_of},
};

impl Session {
    /// All that a stranger needs to go on with the held shards.
    pub async fn find<C: Core>(&mut self) -> Result<Found, SessionError> {
        let shards: Vec<i16> = self.held.iter().map(|s| s.number() as i16).collect();
        sqlx::query("insert into shard (shard, epoch, seq, hash, stamp) select s, 1, 0, $2, 0 from unnest($1::int2[]) as u(s) on conflict do nothing")
            .bind(&shards)
            .bind([0u8; 32].as_slice())
            .execute(&mut self.connection)
            .await
            .map_err(failed("creating the shards' rows"))?;
        let mut found = Found { database_now: self.beat().await?, ..Found::default() };
        let heads =
            sqlx::query("select shard, epoch, seq, hash, stamp, published from shard where shard = any($1)")
                .bind(&shards)
                .fetch_all(&mut self.connection)
                .await
                .map_err(failed("reading the shards' heads"))?;
        for row in &heads {
            let head = head_of(row)?;
            found.published.push((head.shard, row.get::<i64, _>("published") as u64));
            found.heads.push(head);
        }
        let cursors = sqlx::query("select service, from_shard, to_shard, peer, epoch, seq, stream_seq, hash from cursor where to_shard = any($1)")
            .bind(&shards)
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed("reading the cursors"))?;
        found.cursors = cursors.iter().map(cursor_of).collect::<Result<_, _>>()?;
        let pairs = sqlx::query("select from_shard, to_shard, seq from pair where from_shard = any($1)")
            .bind(&shards)
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed("reading the pairs"))?;
        for row in &pairs {
            found.pairs.push((
                shard_of(row, "from_shard")?,
                shard_of(row, "to_shard")?,
                row.get::<i64, _>("seq") as u64,
            ));
        }
        found.directory = self.directory::<C>().await?;
        found.timers = self.timers().await?;
        Ok(found)
    }

    /// The directory reads its own journal; everybody else the kept copy.
    pub async fn directory<C: Core>(&mut self) -> Result<Vec<DirectoryEntry>, SessionError> {
        let sql = if C::SERVICE == Service::Directory {
            "select seq, kind, payload, recorded_at from journal where shard = 0 order by seq"
        } else {
            "select seq, kind, payload, recorded_at from directory_entry order by seq"
        };
        let rows = sqlx::query(sql)
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed("reading the directory"))?;
        Ok(rows
            .iter()
            .map(|row| DirectoryEntry {
                seq: row.get::<i64, _>("seq") as u64,
                kind: row.get::<String, _>("kind").into(),
                payload: row.get("payload"),
                recorded_at: Time(row.get("recorded_at")),
            })
            .collect())
    }

    /// The newest entry of the directory that this service keeps.
    pub async fn directory_seq<C: Core>(&mut self) -> Result<u64, SessionError> {
        let sql = if C::SERVICE == Service::Directory {
            "select coalesce(max(seq), 0) from journal where shard = 0"
        } else {
            "select coalesce(max(seq), 0) from directory_entry"
        };
        let seq: i64 = sqlx::query_scalar(sql)
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed("reading how far the directory is kept"))?;
        Ok(seq as u64)
    }

    /// The soonest timers of the held shards that do not wait for their recovery.
    pub async fn timers(&mut self) -> Result<Timers, SessionError> {
        let works = self.held.iter().filter(|shard| !self.idle.contains(shard));
        let shards: Vec<i16> = works.map(|s| s.number() as i16).collect();
        let rows =
            sqlx::query("select due_at, name, id from timer where shard = any($1) order by due_at limit $2")
                .bind(&shards)
                .bind(TIMERS_HELD)
                .fetch_all(&mut self.connection)
                .await
                .map_err(failed("reading the timers"))?;
        let more = rows.len() as i64 == TIMERS_HELD;
        let rows = rows
            .iter()
            .map(|row| {
                Ok(TimerRow {
                    due: Time(row.get("due_at")),
                    name: row.get("name"),
                    id: id_of(row.get("id"))?,
                })
            })
            .collect::<Result<_, SessionError>>()?;
        Ok(Timers { rows, more })
    }
}
