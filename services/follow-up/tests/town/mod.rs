//! Follow-up with real engines, and in the place of the services around it such as say what they are
//! told to say: journals, streams and gaps are real, their decisions are not.

use std::{sync::atomic::AtomicU8, time::Duration};

use chassis::{Config, Handle, Setup};
use chassis_core::{
    About, Actor, Ask, Core, Due, Grant, Halt, Heard, RowKey, Step, Table, store::RequestKey,
};
use local_engines::{Engines, Options};
use proto::{
    AnyEvent, Bucket, DecodeError, Event, Id, Service, Shard, directory::v1 as directory,
    dispatch::v1 as work, follow_up::v1::follow_up_service_client::FollowUpServiceClient,
    intake::v1 as register,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tonic::{Request, service::Routes, transport::Channel};

#[path = "../../core/tests/support/mod.rs"]
pub mod support;

/// Something to be said, as it goes over the wire.
type Line = (Option<Id>, String, Vec<u8>);

/// A service that says what it is told to.
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
                say(line, step).unwrap_or_else(|error| panic!("{error}"));
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
parrot!(Dispatch);

fn say((subject, kind, payload): &Line, step: &mut Step<'_>) -> Result<(), DecodeError> {
    let about = About { subject: *subject, branch: Some("B1".to_owned()), occurred_at: None };
    match AnyEvent::decode(kind, payload)? {
        AnyEvent::DirectoryChanged(event) => step.say(about, event),
        AnyEvent::CalendarActivated(event) => step.say(about, event),
        AnyEvent::PlaybookActivated(event) => step.say(about, event),
        AnyEvent::TicketOpened(event) => step.say(about, event),
        AnyEvent::WorkStepDone(event) => step.say(about, event),
        other => panic!("{other:?}"),
    }
    Ok(())
}

static NO_TABLES: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

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
    on_its_own(chassis::serve(setup.clone(), service));
    let handle = told.await.unwrap();
    wait_for("a writer", async || handle.is_ready().then_some(())).await;
    handle
}

/// On a thread of its own: what runs a service need not be handed between threads.
fn on_its_own(service: impl Future<Output = Result<(), chassis::StartError>> + Send + 'static) {
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        if let Err(error) = runtime.block_on(service) {
            panic!("{error:?}");
        }
    });
}

/// Asks until there is an answer.
pub async fn wait_for<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited in vain for {what}");
}

pub struct Town {
    pub setup: Setup,
    pub ticket: Id,
    dispatch: Handle<Dispatch>,
    intake: Handle<Intake>,
    said: AtomicU8,
    directory: Handle<Directory>,
    _engines: Engines,
    _dir: tempfile::TempDir,
}

impl Town {
    pub async fn new() -> Town {
        let dir = tempfile::tempdir_in(local_engines::scratch("follow-up").unwrap()).unwrap();
        let engines = Engines::start(Options::for_tests(dir.path().join("engines"))).await.unwrap();
        let database = engines.fresh_database(&format!("follow_up_{}", std::process::id())).await.unwrap();
        let variables = [
            ("HOTLINE_DATABASE_URL", database),
            ("HOTLINE_NATS_URL", engines.nats_url()),
            ("HOTLINE_BASE_PORT", local_engines::free_ports(Service::ALL.len() as u16).unwrap().to_string()),
            ("HOTLINE_STATE_DIR", dir.path().join("state").display().to_string()),
        ];
        let config = Config::load(None, variables.into_iter().map(|(k, v)| (k.to_owned(), v))).unwrap();
        let setup = Setup::new(config, CancellationToken::new()).unwrap();
        let town = Town {
            directory: hatch(&setup).await,
            intake: hatch(&setup).await,
            dispatch: hatch(&setup).await,
            ticket: support::House::new("complaint").ticket,
            said: 0.into(),
            setup: setup.clone(),
            _engines: engines,
            _dir: dir,
        };
        for entry in support::entries("shop", 1, include_str!("../../core/tests/support/playbook.yaml")) {
            town.speak(&town.directory, Shard::new(0).unwrap(), None, entry).await;
        }
        on_its_own(follow_up::run(setup));
        town
    }

    /// Makes intake or dispatch say something about the ticket.
    pub async fn say(&self, event: AnyEvent) {
        let (home, about) = (self.ticket.shard(), Some(self.ticket));
        match event {
            AnyEvent::WorkStepDone(_) => self.speak(&self.dispatch, home, about, event).await,
            _ => self.speak(&self.intake, home, about, event).await,
        }
    }

    async fn speak<C: Core<Command = Line, Reply = ()>>(
        &self,
        parrot: &Handle<C>,
        home: Shard,
        about: Option<Id>,
        event: AnyEvent,
    ) {
        let number = self.said.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let ask = Ask {
            request: RequestKey {
                caller: "test".into(),
                id: Id::mint(parrot.real_now(), Bucket::first_of(home), [number; 9]),
            },
            content: [number; 16],
            actor: Actor::Person { code: "agent".into(), grants: Vec::new() },
            traceparent: String::new(),
        };
        let (kind, payload) = written(&event);
        parrot.submit(home, ask, (about, kind.to_owned(), payload)).await.unwrap();
    }

    /// Follow-up's own door.
    pub async fn door(&self) -> Option<FollowUpServiceClient<Channel>> {
        let address = self.setup.config.peers_of(Service::FollowUp).remove(0);
        FollowUpServiceClient::connect(address).await.ok()
    }

    /// A request by a person who holds this role at this node.
    pub fn by<T>(&self, person: &str, role: &str, node: &str, message: T) -> Request<T> {
        let grants = vec![Grant { role: role.into(), node: node.into() }];
        let actor = Actor::Person { code: person.into(), grants };
        let token = self.setup.issuer.issue(&actor, 600).unwrap();
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
    }

    /// A fresh request id.
    pub fn request_id(&self) -> String {
        let number = self.said.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Id::mint(self.intake.real_now(), self.ticket.bucket(), [number; 9]).to_string()
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        self.setup.stop.cancel();
    }
}

fn written(event: &AnyEvent) -> (&'static str, Vec<u8>) {
    use prost::Message as _;
    match event {
        AnyEvent::DirectoryChanged(e) => (directory::DirectoryChanged::TYPE, e.encode_to_vec()),
        AnyEvent::CalendarActivated(e) => (directory::CalendarActivated::TYPE, e.encode_to_vec()),
        AnyEvent::PlaybookActivated(e) => (directory::PlaybookActivated::TYPE, e.encode_to_vec()),
        AnyEvent::TicketOpened(e) => (register::TicketOpened::TYPE, e.encode_to_vec()),
        AnyEvent::WorkStepDone(e) => (work::WorkStepDone::TYPE, e.encode_to_vec()),
        other => panic!("{other:?}"),
    }
}
