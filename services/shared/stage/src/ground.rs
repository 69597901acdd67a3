//! The floor under a running service: engines, configuration, and requests of people with tokens.

use chassis::{Config, Setup};
use chassis_core::{Actor, Grant};
use local_engines::{Engines, Options};
use proto::{Bucket, Id, Service, Shard, Time};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tonic::Request;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// Engines and a configuration; what runs on it ends with it.
pub struct Ground {
    pub setup: Setup,
    pub engines: Engines,
    database: String,
    _dir: tempfile::TempDir,
}

impl Ground {
    /// For the tests of this service; `more` settings are named as in the environment, without `HOTLINE_`.
    pub async fn prepare(service: Service, more: &[(&str, String)]) -> Ground {
        let scratch = local_engines::scratch(service.name()).expect("a place");
        let dir = tempfile::tempdir_in(scratch).expect("a folder");
        let engines =
            Engines::start(Options::for_tests(dir.path().join("engines"))).await.expect("engines start");
        let database = engines.fresh_database(&format!("{}_{}", service.schema(), std::process::id())).await;
        let database = database.expect("a database");
        let ports = local_engines::free_ports(Service::ALL.len() as u16).expect("free ports");
        let own = [
            ("DATABASE_URL", database.clone()),
            ("NATS_URL", engines.nats_url()),
            ("BASE_PORT", ports.to_string()),
            ("STATE_DIR", dir.path().join("state").display().to_string()),
        ];
        let all = own.into_iter().chain(more.iter().map(|(name, value)| (*name, value.clone())));
        let config = Config::load(None, all.map(|(name, value)| (format!("HOTLINE_{name}"), value)));
        let setup = Setup::new(config.expect("a configuration"), CancellationToken::new());
        Ground { setup: setup.expect("keys"), engines, database, _dir: dir }
    }

    /// A pool that sees a service's schema.
    pub fn pool(&self, service: Service) -> PgPool {
        let options = chassis::schema::options(&self.database, service).expect("an address");
        chassis::schema::pool(options, 2)
    }

    /// Where a service is called.
    pub fn address(&self, service: Service) -> String {
        self.setup.config.peers_of(service).remove(0)
    }

    /// A request of this actor.
    pub fn request<T>(&self, actor: &Actor, message: T) -> Request<T> {
        with_token(&self.setup.issuer.issue(actor, 600).expect("a token"), message)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.setup.stop.cancel();
    }
}

/// A request under a token that was got otherwise.
pub fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    request
}

/// The same, by somebody who reads English.
pub fn in_english<T>(mut request: Request<T>) -> Request<T> {
    request.metadata_mut().insert("accept-language", "en".parse().expect("a header"));
    request
}

/// Somebody who holds this role at this node.
pub fn person(code: &str, role: &str, node: &str) -> Actor {
    Actor::Person { code: code.into(), grants: vec![Grant { role: role.into(), node: node.into() }] }
}

/// A fresh request id.
#[allow(clippy::disallowed_methods, reason = "callers date their requests by the machine's clock")]
pub fn request_id() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let bucket = Bucket::first_of(Shard::new(0).expect("the first"));
    Id::mint(Time(since.as_micros() as i64), bucket, chassis::secret::random_bytes()).to_string()
}

/// On a thread of its own, as a process would.
pub fn apart(service: impl Future<Output = Result<(), chassis::StartError>> + Send + 'static) {
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        if let Err(error) = runtime.block_on(service) {
            panic!("{error:?}");
        }
    });
}

/// Serving: its writer runs.
pub async fn serves(address: &str) -> Option<()> {
    let endpoint = tonic::transport::Endpoint::from_shared(address.to_owned()).expect("an address");
    let mut health = HealthClient::new(endpoint.connect().await.ok()?);
    let answer = health.check(HealthCheckRequest::default()).await.ok()?.into_inner();
    (answer.status() == ServingStatus::Serving).then_some(())
}
