//! The directory on real engines, and somebody who calls it.

use std::time::Duration;

use chassis::{Config, Setup};
use chassis_core::{Actor, Grant};
use directory_client::DirectoryServiceClient;
use local_engines::{Engines, Options};
use proto::{Bucket, Id, Service, Shard, Time, directory::v1::directory_service_client as directory_client};
use tokio_util::sync::CancellationToken;
use tonic::{Request, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

pub struct Office {
    pub setup: Setup,
    pub client: DirectoryServiceClient<Channel>,
    pub pool: sqlx::PgPool,
    _engines: Engines,
    _dir: tempfile::TempDir,
}

impl Office {
    pub async fn open() -> Office {
        let dir = tempfile::tempdir_in(local_engines::scratch("directory").unwrap()).unwrap();
        let engines = Engines::start(Options::for_tests(dir.path().join("engines"))).await.unwrap();
        let database = engines.fresh_database(&format!("directory_{}", std::process::id())).await.unwrap();
        let variables = [
            ("HOTLINE_DATABASE_URL", database.clone()),
            ("HOTLINE_NATS_URL", engines.nats_url()),
            ("HOTLINE_BASE_PORT", local_engines::free_ports(Service::ALL.len() as u16).unwrap().to_string()),
            ("HOTLINE_STATE_DIR", dir.path().join("state").display().to_string()),
        ];
        let config = Config::load(None, variables.into_iter().map(|(k, v)| (k.to_owned(), v))).unwrap();
        let setup = Setup::new(config, CancellationToken::new()).unwrap();
        run_apart(setup.clone());
        let address = setup.config.peers_of(Service::Directory).remove(0);
        wait_for("the directory", async || serves(&address).await).await;
        let client = DirectoryServiceClient::connect(address).await.unwrap();
        let options = chassis::schema::options(&database, Service::Directory).unwrap();
        let pool = chassis::schema::pool(options, 2);
        Office { setup, client, pool, _engines: engines, _dir: dir }
    }

    /// A request of this actor.
    pub fn from<T>(&self, actor: &Actor, message: T) -> Request<T> {
        self.with(&self.setup.issuer.issue(actor, 600).unwrap(), message)
    }

    pub fn with<T>(&self, token: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request.metadata_mut().insert("accept-language", "en".parse().unwrap());
        request
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.setup.stop.cancel();
    }
}

pub fn person(code: &str, role: &str, node: &str) -> Actor {
    Actor::Person { code: code.into(), grants: vec![Grant { role: role.into(), node: node.into() }] }
}

pub fn tool() -> Actor {
    Actor::System { code: "cli".into(), grants: vec![Grant { role: "system".into(), node: "*".into() }] }
}

/// A fresh request id.
#[allow(clippy::disallowed_methods, reason = "callers date their requests by the machine's clock")]
pub fn request_id() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let entropy: [u8; 9] = chassis::secret::random_bytes();
    let bucket = Bucket::first_of(Shard::new(0).unwrap());
    Id::mint(Time(since.as_micros() as i64), bucket, entropy).to_string()
}

/// On a thread of its own, as a process would.
fn run_apart(setup: Setup) {
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        if let Err(error) = runtime.block_on(directory::run(setup)) {
            panic!("{error:?}");
        }
    });
}

/// Serving: its writer runs.
async fn serves(address: &str) -> Option<()> {
    let endpoint = tonic::transport::Endpoint::from_shared(address.to_owned()).unwrap();
    let mut health = HealthClient::new(endpoint.connect().await.ok()?);
    let answer = health.check(HealthCheckRequest::default()).await.ok()?.into_inner();
    (answer.status() == ServingStatus::Serving).then_some(())
}

/// Asks until there is an answer.
pub async fn wait_for<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited in vain for {what}");
}
