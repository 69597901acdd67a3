//! Reporting on real engines. The services around it say what they are told to
//! say: journals, streams and readers are real, their decisions are not.

use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use chassis::{Config, Handle, Setup};
use chassis_core::{
    About, Actor, Ask, Core, Due, Grant, Halt, Heard, RowKey, Step, Table, store::RequestKey,
};
use local_engines::{Engines, Options};
use prost::Message as _;
use proto::{
    AnyEvent, Bucket, Event, Id, Service, Shard, Time, directory::v1 as directory, envelope::Position,
    follow_up::v1 as follow_up, intake::v1 as intake,
    reporting::v1::reporting_service_client::ReportingServiceClient, sla_watchdog::v1 as watchdog,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tonic::{Request, service::Routes, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

#[path = "../../core/tests/week/mod.rs"]
pub mod week;

/// Something to be said, as it goes over the wire.
type Line = (Option<Id>, String, Vec<u8>);

macro_rules! parrot {
    ($name:ident) => {
        pub struct $name;

        impl Core for $name {
            type Command = Line;
            type Reply = ();

            const SERVICE: Service = Service::$name;
            const SOURCES: &'static [Service] = &[];
            const TABLES: &'static [&'static Table] = &[];

            fn wants(_: &str) -> bool {
                false
            }

            fn command_keys(_: &Line) -> Vec<RowKey> {
                Vec::new()
            }

            fn event_keys(_: &Heard) -> Vec<RowKey> {
                Vec::new()
            }

            fn timer_keys(_: &Due) -> Vec<RowKey> {
                Vec::new()
            }

            fn command(line: &Line, step: &mut Step<'_>) -> Result<(), Halt> {
                say(line, step);
                Ok(())
            }

            fn event(_: &Heard, _: &mut Step<'_>) -> Result<(), Halt> {
                Ok(())
            }

            fn timer(_: &Due, _: &mut Step<'_>) -> Result<(), Halt> {
                Ok(())
            }
        }
    };
}

parrot!(Directory);
parrot!(Intake);
parrot!(SlaWatchdog);
parrot!(FollowUp);

/// For each kind of event that is said here: over the wire, and out again.
macro_rules! sayable {
    ($($variant:ident: $kind:path),* $(,)?) => {
        fn say((subject, kind, payload): &Line, step: &mut Step<'_>) {
            let about = About { subject: *subject, branch: None, occurred_at: None };
            match AnyEvent::decode(kind, payload).unwrap() {
                $(AnyEvent::$variant(event) => step.say(about, event),)*
                other => panic!("{other:?}"),
            }
        }

        fn written(event: &AnyEvent) -> (&'static str, Vec<u8>) {
            match event {
                $(AnyEvent::$variant(event) => (<$kind>::TYPE, event.encode_to_vec()),)*
                other => panic!("{other:?}"),
            }
        }
    };
}

sayable! {
    DirectoryChanged: directory::DirectoryChanged,
    PlaybookActivated: directory::PlaybookActivated,
    TicketOpened: intake::TicketOpened,
    TicketReclassified: intake::TicketReclassified,
    TicketClosed: intake::TicketClosed,
    ClockStarted: watchdog::ClockStarted,
    ClockBreached: watchdog::ClockBreached,
    ClockMet: watchdog::ClockMet,
    SurveyAnswered: follow_up::SurveyAnswered,
}

static NO_TABLES: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

pub struct Office {
    pub setup: Setup,
    pub client: ReportingServiceClient<Channel>,
    pub pool: sqlx::PgPool,
    directory: Handle<Directory>,
    intake: Handle<Intake>,
    watchdog: Handle<SlaWatchdog>,
    follow_up: Handle<FollowUp>,
    said: AtomicU8,
    _engines: Engines,
    _dir: tempfile::TempDir,
}

impl Office {
    pub async fn open() -> Office {
        let dir = tempfile::tempdir_in(local_engines::scratch("reporting").unwrap()).unwrap();
        let engines = Engines::start(Options::for_tests(dir.path().join("engines"))).await.unwrap();
        let database = engines.fresh_database(&format!("reporting_{}", std::process::id())).await.unwrap();
        let variables = [
            ("HOTLINE_DATABASE_URL", database.clone()),
            ("HOTLINE_NATS_URL", engines.nats_url()),
            ("HOTLINE_BASE_PORT", local_engines::free_ports(Service::ALL.len() as u16).unwrap().to_string()),
            ("HOTLINE_STATE_DIR", dir.path().join("state").display().to_string()),
        ];
        let config = Config::load(None, variables.into_iter().map(|(k, v)| (k.to_owned(), v))).unwrap();
        let setup = Setup::new(config, CancellationToken::new()).unwrap();
        let directory = hatch(&setup).await;
        let (intake, watchdog, follow_up) = (hatch(&setup).await, hatch(&setup).await, hatch(&setup).await);
        apart(reporting::run(setup.clone()));
        let address = setup.config.peers_of(Service::Reporting).remove(0);
        wait_for("reporting", async || serves(&address).await).await;
        let client = ReportingServiceClient::connect(address).await.unwrap();
        let options = chassis::schema::options(&database, Service::Reporting).unwrap();
        let pool = chassis::schema::pool(options, 2);
        let said = AtomicU8::new(0);
        Office {
            setup,
            client,
            pool,
            directory,
            intake,
            watchdog,
            follow_up,
            said,
            _engines: engines,
            _dir: dir,
        }
    }

    /// Makes the owner of this event say it; answers where it stands in his journal.
    pub async fn say(&self, event: AnyEvent) -> Position {
        let about = event.ticket().map(|ticket| ticket.ticket_id.parse::<Id>().unwrap());
        match event {
            AnyEvent::DirectoryChanged(_) | AnyEvent::PlaybookActivated(_) => {
                self.speak(&self.directory, about, event).await
            }
            AnyEvent::ClockStarted(_) | AnyEvent::ClockBreached(_) | AnyEvent::ClockMet(_) => {
                self.speak(&self.watchdog, about, event).await
            }
            AnyEvent::SurveyAnswered(_) => self.speak(&self.follow_up, about, event).await,
            _ => self.speak(&self.intake, about, event).await,
        }
    }

    async fn speak<C>(&self, parrot: &Handle<C>, about: Option<Id>, event: AnyEvent) -> Position
    where
        C: Core<Command = Line, Reply = ()>,
    {
        let number = self.said.fetch_add(1, Ordering::Relaxed);
        let home = about.map_or(Shard::new(0).unwrap(), Id::shard);
        let id = Id::mint(parrot.real_now(), Bucket::first_of(home), [number; 9]);
        let ask = Ask {
            request: RequestKey { caller: "test".into(), id },
            content: [number; 16],
            actor: Actor::Person { code: "agent".into(), grants: Vec::new() },
            traceparent: String::new(),
        };
        let (kind, payload) = written(&event);
        parrot.submit(home, ask, (about, kind.to_owned(), payload)).await.unwrap().at
    }

    /// A request of a person with a role at a node.
    pub fn from<T>(&self, person: &str, node: &str, message: T) -> Request<T> {
        let grants = vec![Grant { role: "cr-manager".into(), node: node.into() }];
        let token = self.setup.issuer.issue(&Actor::Person { code: person.into(), grants }, 600).unwrap();
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request.metadata_mut().insert("accept-language", "en".parse().unwrap());
        request
    }

    /// A fresh request id.
    pub fn request_id(&self) -> String {
        let entropy = chassis::secret::random_bytes();
        let now: Time = self.directory.real_now();
        Id::mint(now, Bucket::first_of(Shard::new(0).unwrap()), entropy).to_string()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.setup.stop.cancel();
    }
}

/// Runs a parrot and returns the way to make it speak.
async fn hatch<C: Core<Command = Line, Reply = ()>>(setup: &Setup) -> Handle<C> {
    let (tell, told) = oneshot::channel();
    let service = chassis::Service::<C> {
        migrations: &NO_TABLES,
        routes: Box::new(move |handle| {
            let _ = tell.send(handle);
            Routes::default()
        }),
        executors: Box::new(|_| Vec::new()),
    };
    apart(chassis::serve(setup.clone(), service));
    let handle = told.await.unwrap();
    wait_for("a writer", async || handle.is_ready().then_some(())).await;
    handle
}

/// On a thread of its own, as a process would.
fn apart(service: impl Future<Output = Result<(), chassis::StartError>> + Send + 'static) {
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        if let Err(error) = runtime.block_on(service) {
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
