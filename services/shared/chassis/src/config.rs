//! Configuration: commented defaults, then a file, then `HOTLINE_*` variables.
//! Unknown keys are refused.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use proto::{Service, Shard, Time};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;
use thiserror::Error;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::identity::{Issuer, Verifier};

/// The defaults, as a file to copy from. `hotline config` prints it.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// Ports from the base on that services and console may use.
pub const PORTS: u16 = CONSOLE_PLACE + 1;
/// The console comes after the services, with room for one more.
const CONSOLE_PLACE: u16 = 8;

/// A session that was ended is remembered as long as its cookie could be shown.
pub const LONGEST_SESSION_HOURS: u16 = 7 * 24;

/// Variables of the build and the tests, which are no configuration.
const NOT_OURS: [&str; 1] = ["PYTHON"];

#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("the configuration file {path} cannot be read")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the configuration does not fit: {0}")]
    Parse(#[from] toml::de::Error),
    #[error("{key}: {why}")]
    Value { key: &'static str, why: String },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database_url: String,
    pub nats_url: String,
    pub listen: IpAddr,
    /// The first gRPC port; each service has its own after it (see `port`).
    pub base_port: u16,
    /// `development` or `production`: production refuses moved time.
    pub environment: String,
    /// Business time until the directory has its first entry; empty: as on the wall. Not in production.
    pub founded_at: String,
    /// Folder for keys made at first start, and the outbox of notify's file channel.
    pub state_dir: PathBuf,
    pub peers: BTreeMap<String, Vec<String>>,
    pub shards: String,
    pub read_connections: u32,
    pub vault: VaultConfig,
    pub identity: IdentityConfig,
    pub console: ConsoleConfig,
    pub notify: NotifyConfig,
    pub telemetry: TelemetryConfig,
    pub limits: LimitsConfig,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultConfig {
    /// 32 bytes in hex; empty in development: made once and kept in `state_dir`.
    pub master_key: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    /// PKCS#8 PEM of the Ed25519 key that signs tokens; empty in development: made once.
    pub signing_key_file: PathBuf,
    /// Whether the directory's own passwords open the door.
    pub local_accounts: bool,
    pub provider: ProviderConfig,
}

/// An OpenID Connect provider that says who somebody is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Empty: none.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// The claim that holds the person's code.
    pub claim: String,
    /// How browsers reach the console; the provider sends them back there.
    pub console_url: String,
}

impl ProviderConfig {
    pub fn is_set(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// What is registered with the provider as the place to come back to.
    pub fn redirect_url(&self) -> String {
        format!("{}/sign-in/answer", self.console_url.trim_end_matches('/'))
    }

    /// What is missing or does not fit, if there is one.
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let web = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        if !self.is_set() {
            return None;
        }
        if !web(&self.issuer) {
            return Some(("identity.provider.issuer", "an address beginning with https:// (http:// to try)"));
        }
        if self.client_id.is_empty() {
            return Some(("identity.provider.client_id", "needed with an issuer"));
        }
        if self.claim.is_empty() {
            return Some(("identity.provider.claim", "names the claim that holds the person's code"));
        }
        (!web(&self.console_url)).then_some((
            "identity.provider.console_url",
            "needed with an issuer: how browsers reach the console, e.g. https://desk.example",
        ))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleConfig {
    /// HTTP; 0: eight after the base port.
    pub port: u16,
    /// Hours after which everybody signs in again, however busy.
    pub session_hours: u16,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyConfig {
    /// Channel of the playbook -> `file` or `smtp`.
    pub channels: BTreeMap<String, String>,
    pub smtp_url: String,
    pub sender: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// OTLP over gRPC, `http://collector:4317`; empty: none.
    pub otlp_endpoint: String,
    /// `text` or `json`
    pub log_format: String,
    pub log_filter: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    pub batch_commands: usize,
    pub batch_events: usize,
    pub batch_timers: usize,
    pub waiting_commands: usize,
    pub waiting_events: usize,
    pub patience_ms: u64,
}

impl Config {
    /// Defaults, then the file, then variables (`HOTLINE_DATABASE_URL`,
    /// `HOTLINE_VAULT__MASTER_KEY`: two underscores step into a table).
    pub fn load(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?,
            None => String::new(),
        };
        Config::parse(&text, variables)
    }

    /// As `load`, of a file's text.
    pub fn parse(
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let mut table: toml::Table = DEFAULTS.parse()?;
        merge(&mut table, text.parse()?);
        for (name, value) in variables {
            if let Some(key) = name.strip_prefix("HOTLINE_").filter(|key| !NOT_OURS.contains(key)) {
                set(&mut table, &key.to_lowercase(), &value);
            }
        }
        let config: Config = table.try_into()?;
        config.check()
    }

    fn check(self) -> Result<Config, ConfigError> {
        let bad = |key, why: String| Err(ConfigError::Value { key, why });
        if !matches!(self.environment.as_str(), "development" | "production") {
            return bad(
                "environment",
                format!("`{}` is neither development nor production", self.environment),
            );
        }
        if self.base_port.checked_add(PORTS - 1).is_none() || self.base_port == 0 {
            return bad("base_port", format!("{} ports from here on are needed, up to 65535", PORTS));
        }
        if PgConnectOptions::from_str(&self.database_url).is_err() {
            return bad("database_url", "not a Postgres address (postgres://user@host/database)".to_owned());
        }
        if self.is_production() && self.vault.master_key.is_empty() {
            return bad("vault.master_key", "needed in production (32 bytes in hex)".to_owned());
        }
        if self.is_production() && self.identity.signing_key_file.as_os_str().is_empty() {
            return bad("identity.signing_key_file", "needed in production".to_owned());
        }
        if self.is_production() && !self.founded_at.is_empty() {
            return bad("founded_at", "not in production: time is as on the wall".to_owned());
        }
        self.founding()?;
        if let Some(name) = self.peers.keys().find(|name| Service::parse(name).is_none()) {
            return bad("peers", format!("there is no service `{name}`"));
        }
        if !(1..=LONGEST_SESSION_HOURS).contains(&self.console.session_hours) {
            return bad("console.session_hours", format!("1 to {LONGEST_SESSION_HOURS}"));
        }
        if let Some((key, why)) = self.identity.provider.fault() {
            return bad(key, why.to_owned());
        }
        if !self.identity.local_accounts && !self.identity.provider.is_set() {
            let why = "switched off, and there is no identity.provider: nobody could sign in".to_owned();
            return bad("identity.local_accounts", why);
        }
        self.owned_shards()?;
        Ok(self)
    }

    pub fn is_production(&self) -> bool {
        self.environment == "production"
    }

    /// When business time began, if not as on the wall.
    pub fn founding(&self) -> Result<Option<Time>, ConfigError> {
        if self.founded_at.is_empty() {
            return Ok(None);
        }
        let at: Result<jiff::Timestamp, _> = self.founded_at.parse();
        at.map(|at| Some(at.into())).map_err(|_| ConfigError::Value {
            key: "founded_at",
            why: format!("`{}` is no instant (2026-03-02T10:00:00+08:00)", self.founded_at),
        })
    }

    /// `0-15`, `3`, `0-7`.
    pub fn owned_shards(&self) -> Result<Vec<Shard>, ConfigError> {
        let bad = || ConfigError::Value {
            key: "shards",
            why: format!("`{}` is not a range of shards (0-15)", self.shards),
        };
        let (from, to) = self.shards.split_once('-').unwrap_or((&self.shards, &self.shards));
        let (from, to): (u16, u16) =
            (from.trim().parse().map_err(|_| bad())?, to.trim().parse().map_err(|_| bad())?);
        let shards: Option<Vec<Shard>> = (from..=to).map(Shard::new).collect();
        shards.filter(|shards| !shards.is_empty()).ok_or_else(bad)
    }

    /// Each service listens on its own port after the base.
    pub fn port(&self, service: Service) -> u16 {
        let place = Service::ALL.iter().position(|s| *s == service).expect("ALL holds every service");
        self.base_port + place as u16
    }

    pub fn address(&self, service: Service) -> SocketAddr {
        SocketAddr::new(self.listen, self.port(service))
    }

    /// Where the console's pages are.
    pub fn console_address(&self) -> SocketAddr {
        let port = if self.console.port == 0 { self.base_port + CONSOLE_PLACE } else { self.console.port };
        SocketAddr::new(self.listen, port)
    }

    /// Where a service's replicas are reached.
    pub fn peers_of(&self, service: Service) -> Vec<String> {
        self.peers.get(service.name()).cloned().unwrap_or_else(|| {
            let host =
                if self.listen.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { self.listen };
            vec![format!("http://{}", SocketAddr::new(host, self.port(service)))]
        })
    }

    pub fn limits(&self) -> chassis_core::Limits {
        chassis_core::Limits {
            timers: self.limits.batch_timers,
            commands: self.limits.batch_commands,
            events: self.limits.batch_events,
            waiting_commands: self.limits.waiting_commands,
            waiting_events: self.limits.waiting_events,
            patience: Duration::from_millis(self.limits.patience_ms),
            founded_at: self.founding().ok().flatten(),
            ..chassis_core::Limits::default()
        }
    }
}

fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// A variable takes the type of the default that it replaces.
fn set(table: &mut toml::Table, path: &str, text: &str) {
    let Some((head, rest)) = path.split_once("__") else {
        let value = match table.get(path) {
            Some(toml::Value::Integer(_)) => text.parse().map(toml::Value::Integer).ok(),
            Some(toml::Value::Boolean(_)) => text.parse().map(toml::Value::Boolean).ok(),
            Some(toml::Value::Array(_)) => {
                Some(toml::Value::Array(text.split(',').map(|part| part.trim().into()).collect()))
            }
            _ => None,
        };
        table.insert(path.to_owned(), value.unwrap_or_else(|| text.into()));
        return;
    };
    let inner = table.entry(head.to_owned()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    if let toml::Value::Table(inner) = inner {
        // Peers are lists of addresses by service.
        if head == "peers" {
            let list = text.split(',').map(|part| part.trim().into()).collect();
            inner.insert(rest.replace('_', "-"), toml::Value::Array(list));
        } else {
            set(inner, rest, text);
        }
    }
}

/// What a process shares among the services that it runs.
#[derive(Clone)]
pub struct Setup {
    pub config: Arc<Config>,
    pub issuer: Arc<Issuer>,
    pub verifier: Arc<Verifier>,
    pub master_key: Arc<crate::vault::MasterKey>,
    /// Ends everything gracefully.
    pub stop: CancellationToken,
    pub tasks: TaskTracker,
}

impl Setup {
    /// Reads or, in development, makes the keys.
    pub fn new(config: Config, stop: CancellationToken) -> Result<Setup, crate::StartError> {
        let issuer = Issuer::of(&config)?;
        let verifier = issuer.verifier();
        let master_key = crate::vault::MasterKey::of(&config)?;
        Ok(Setup {
            config: Arc::new(config),
            issuer: Arc::new(issuer),
            verifier: Arc::new(verifier),
            master_key: Arc::new(master_key),
            stop,
            tasks: TaskTracker::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(None, variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn variables_replace_defaults_with_their_type() {
        let config = load(&[
            ("HOTLINE_BASE_PORT", "9000"),
            ("HOTLINE_VAULT__MASTER_KEY", "00ff"),
            ("HOTLINE_PEERS__SLA_WATCHDOG", "http://a:1, http://b:2"),
            ("PATH", "ignored"),
        ])
        .unwrap();
        assert_eq!(config.port(Service::Dispatch), 9001);
        assert_eq!(config.vault.master_key, "00ff");
        assert_eq!(config.peers_of(Service::SlaWatchdog), ["http://a:1", "http://b:2"]);
        assert_eq!(config.peers_of(Service::Intake), ["http://127.0.0.1:9000"]);
    }

    #[test]
    fn business_time_may_begin_in_the_past_but_not_in_production() {
        assert_eq!(load(&[]).unwrap().founding().unwrap(), None);
        let founded = [("HOTLINE_FOUNDED_AT", "2026-03-02T10:00:00+08:00")];
        assert_eq!(load(&founded).unwrap().limits().founded_at, Some(Time(1_772_416_800_000_000)));
        assert!(load(&[("HOTLINE_FOUNDED_AT", "monday")]).is_err());
        let production = [
            ("HOTLINE_ENVIRONMENT", "production"),
            ("HOTLINE_VAULT__MASTER_KEY", "00ff"),
            ("HOTLINE_IDENTITY__SIGNING_KEY_FILE", "key.pem"),
        ];
        assert!(load(&production).is_ok());
        assert!(load(&[&production[..], &founded[..]].concat()).is_err());
    }

    #[test]
    fn unknown_keys_and_bad_values_are_refused() {
        assert!(load(&[("HOTLINE_COLOUR", "red")]).is_err());
        assert!(load(&[("HOTLINE_BASE_PORT", "many")]).is_err());
        assert!(load(&[("HOTLINE_ENVIRONMENT", "test")]).is_err());
        assert!(load(&[("HOTLINE_SHARDS", "0-16")]).is_err());
        assert!(load(&[("HOTLINE_BASE_PORT", "0")]).is_err());
        assert!(load(&[("HOTLINE_BASE_PORT", "65528")]).is_err(), "the console's would be 65536");
        assert_eq!(load(&[("HOTLINE_BASE_PORT", "65527")]).unwrap().console_address().port(), 65_535);
        assert!(load(&[("HOTLINE_ENVIRONMENT", "production")]).is_err(), "needs its keys");
        assert!(load(&[("HOTLINE_IDENTITY__LOCAL_ACCOUNTS", "false")]).is_err(), "nobody could sign in");
        let issuer = ("HOTLINE_IDENTITY__PROVIDER__ISSUER", "https://id.example");
        let client = ("HOTLINE_IDENTITY__PROVIDER__CLIENT_ID", "desk");
        assert!(load(&[issuer, client]).is_err(), "where would it send people back to?");
        let address = ("HOTLINE_IDENTITY__PROVIDER__CONSOLE_URL", "https://desk.example/");
        let config = load(&[issuer, client, address, ("HOTLINE_IDENTITY__LOCAL_ACCOUNTS", "false")]).unwrap();
        assert_eq!(config.identity.provider.redirect_url(), "https://desk.example/sign-in/answer");
        assert_eq!(load(&[("HOTLINE_SHARDS", "0-7")]).unwrap().owned_shards().unwrap().len(), 8);
    }
}
