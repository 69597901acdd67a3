//! Figures: percentiles, medians, and what the machine's processes have used.

use std::{collections::HashSet, fs, net::SocketAddr, path::Path, time::Duration};

use anyhow::Context;
use sqlx::{AssertSqlSafe, PgConnection, postgres::PgConnectOptions};

/// The value below which this share of the values lies; 0 without values. Sorts them.
pub fn percentile(values: &mut [u64], share: f64) -> u64 {
    values.sort_unstable();
    let place = (share * values.len() as f64).ceil() as usize;
    values.get(place.clamp(1, values.len().max(1)) - 1).copied().unwrap_or_default()
}

/// The middle value; of an even number, the mean of the two.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

/// Processor time of a group of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cpu {
    pub services: f64,
    pub postgres: f64,
    pub nats: f64,
}

impl Cpu {
    pub fn since(self, before: Cpu) -> Cpu {
        Cpu {
            services: self.services - before.services,
            postgres: self.postgres - before.postgres,
            nats: self.nats - before.nats,
        }
    }

    pub fn total(self) -> f64 {
        self.services + self.postgres + self.nats
    }
}

/// The processes that do the work: this one (services and load), Postgres with its children, NATS.
pub struct Processes {
    postmaster: Option<u32>,
    nats: Option<u32>,
    ticks: f64,
}

/// What `/proc/<pid>/stat` says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stat {
    parent: u32,
    own: u64,
    /// Of children that have ended.
    children: u64,
}

impl Processes {
    /// Engines on other machines cannot be looked at: their part is left out.
    pub async fn find(store: &mut PgConnection, nats_url: &str) -> anyhow::Result<Processes> {
        let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(store).await?;
        let postmaster =
            stat(backend as u32).map(|stat| stat.parent).filter(|pid| name(*pid).contains("postgres"));
        let nats = port(nats_url).and_then(listener).filter(|pid| name(*pid).contains("nats"));
        Ok(Processes { postmaster, nats, ticks: 100.0 })
    }

    pub fn cpu(&self) -> Cpu {
        let seconds = |ticks: u64| ticks as f64 / self.ticks;
        let one = |pid: u32| stat(pid).map_or(0, |stat| stat.own);
        let postgres = self.postmaster.map_or(0, |postmaster| {
            let children =
                pids().filter_map(stat).filter(|stat| stat.parent == postmaster).map(|stat| stat.own);
            let ended = stat(postmaster).map_or(0, |stat| stat.own + stat.children);
            children.sum::<u64>() + ended
        });
        Cpu {
            services: seconds(one(std::process::id())),
            postgres: seconds(postgres),
            nats: seconds(self.nats.map_or(0, one)),
        }
    }

    pub fn sees_all(&self) -> bool {
        self.postmaster.is_some() && self.nats.is_some()
    }
}

/// Memory that this process holds, in bytes; 0 where `/proc` is not there.
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1_024
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default()
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// A program's name may hold blanks and brackets, so fields are counted from the last one.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        own: number(11)? + number(12)?,
        children: number(13)? + number(14)?,
    })
}

fn port(url: &str) -> Option<u16> {
    let address = url.rsplit_once('@').map_or(url, |(_, address)| address);
    let address = address.rsplit_once("://").map_or(address, |(_, address)| address);
    address
        .parse::<SocketAddr>()
        .ok()
        .map(|address| address.port())
        .or_else(|| address.trim_end_matches('/').rsplit_once(':').and_then(|(_, port)| port.parse().ok()))
}

/// Who listens on a port of this machine.
fn listener(port: u16) -> Option<u32> {
    let sockets: HashSet<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().skip(1).filter_map(|line| listening(line, port)).collect::<Vec<_>>())
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    pids().find(|pid| {
        let held = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let links = held.filter_map(|entry| fs::read_link(entry.path()).ok());
        links.into_iter().any(|link| link.to_str().is_some_and(|link| sockets.contains(link)))
    })
}

/// The inode of a line of `/proc/net/tcp` that listens on this port.
fn listening(line: &str, port: u16) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let local = u16::from_str_radix(fields.get(1)?.rsplit_once(':')?.1, 16).ok()?;
    (local == port && *fields.get(3)? == "0A")
        .then(|| fields.get(9).map(|inode| (*inode).to_owned()))
        .flatten()
}

/// What the store has written and kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Store {
    pub wal: i64,
    pub transactions: i64,
    pub bytes: i64,
    pub entries: i64,
}

impl Store {
    /// Journals of these schemas are counted.
    pub async fn read(connection: &mut PgConnection, schemas: &[&str]) -> anyhow::Result<Store> {
        // Counters of other sessions are reported about once a second.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        let (wal, transactions, bytes): (i64, i64, i64) = sqlx::query_as(
            "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8, xact_commit::int8, pg_database_size(datname)::int8 \
             from pg_stat_database where datname = current_database()",
        )
        .fetch_one(&mut *connection)
        .await?;
        let mut entries = 0;
        for schema in schemas {
            let sql = format!("select count(*) from {schema}.journal");
            entries += sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
        }
        Ok(Store { wal, transactions, bytes, entries })
    }

    pub fn since(self, before: Store) -> Store {
        Store {
            wal: self.wal - before.wal,
            transactions: self.transactions - before.transactions,
            bytes: self.bytes - before.bytes,
            entries: self.entries - before.entries,
        }
    }
}

/// A connection of the bench's own.
pub async fn connect(database_url: &str) -> anyhow::Result<PgConnection> {
    use sqlx::{ConnectOptions, Connection};
    let options: PgConnectOptions = database_url.parse().context("not a Postgres address")?;
    let options = options.application_name("hotline-bench").disable_statement_logging();
    Ok(PgConnection::connect_with(&options).await?)
}

/// Writes the results for programs.
pub fn write_json(path: &Path, value: &serde_json::Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    fs::write(path, text + "\n").with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let mut values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(
            (percentile(&mut values, 0.5), percentile(&mut values, 0.99), percentile(&mut values, 1.0)),
            (50, 99, 100)
        );
        assert_eq!(percentile(&mut [7], 0.01), 7);
        assert_eq!(percentile(&mut [], 0.5), 0);
    }

    #[test]
    fn the_median_is_not_moved_by_one_bad_round() {
        assert_eq!(median(&[3.0, 900.0, 1.0]), 3.0);
        assert_eq!(median(&[1.0, 2.0]), 1.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn a_process_is_read_whatever_it_is_called() {
        let line = "42 (a) b (c)) S 7 1 1 0 -1 4194304 9 9 9 9 150 50 3 4 20 0 1 0 5 6 7";
        assert_eq!(parse_stat(line), Some(Stat { parent: 7, own: 200, children: 7 }));
        assert_eq!(parse_stat("nothing"), None);
        assert!(stat(std::process::id()).is_some());
    }

    #[test]
    fn a_listener_is_found_by_its_port() {
        assert_eq!(port("nats://core:pw@127.0.0.1:14222"), Some(14222));
        assert_eq!(port("nats://localhost:4222/"), Some(4222));
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(listener(socket.local_addr().unwrap().port()), Some(std::process::id()));
    }
}
