//! Notify with real engines, and in the place of the services around it such as say what they are
//! told to say: journals, streams and gaps are real, their decisions are not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use chassis::{Config, Handle, Setup, identity::Verifier};
use chassis_core::{
    About, Actor, Ask, Core, Due, Grant, Halt, Heard, RowKey, Step, Table, store::RequestKey,
};
use local_engines::{Engines, Options};
use proto::{
    AnyEvent, Bucket, DecodeError, Event, Id, Service, Shard, directory::v1 as directory,
    dispatch::v1 as work, intake::v1 as register, notify::v1 as contract,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, service::Routes};

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
        AnyEvent::TicketReclassified(event) => step.say(about, event),
        AnyEvent::WorkDispatched(event) => step.say(about, event),
        other => panic!("{other:?}"),
    }
    Ok(())
}

type Answers = BTreeMap<String, Vec<Result<directory::GetContactResponse, Code>>>;

/// The directory's answers about addresses: person -> what it says, one after another.
#[derive(Clone)]
pub struct Addresses {
    answers: Arc<Mutex<Answers>>,
    verifier: Arc<Verifier>,
}

impl Addresses {
    /// Answers at this address for as long as the test runs.
    async fn open(listener: tokio::net::TcpListener, verifier: Arc<Verifier>) -> Addresses {
        let addresses = Addresses { answers: Arc::default(), verifier };
        let service = directory::directory_service_server::DirectoryServiceServer::new(addresses.clone());
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        addresses
    }

    pub fn say(&self, person: &str, answer: Result<directory::GetContactResponse, Code>) {
        self.answers.lock().unwrap().entry(person.to_owned()).or_default().push(answer);
    }

    /// The last answer stays.
    fn ask(&self, person: &str) -> Result<directory::GetContactResponse, Code> {
        let mut all = self.answers.lock().unwrap();
        let Some(answers) = all.get_mut(person) else { return Err(Code::NotFound) };
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    }
}

pub fn phone(number: &str) -> Result<directory::GetContactResponse, Code> {
    Ok(directory::GetContactResponse { phone: number.into(), ..Default::default() })
}

pub fn mail(address: &str) -> Result<directory::GetContactResponse, Code> {
    Ok(directory::GetContactResponse { mail: address.into(), ..Default::default() })
}

type Unsaid<T> = Result<Response<T>, Status>;

fn unsaid<T>() -> Unsaid<T> {
    Err(Status::unimplemented("not in this town"))
}

#[tonic::async_trait]
impl directory::directory_service_server::DirectoryService for Addresses {
    async fn get_contact(
        &self,
        request: Request<directory::GetContactRequest>,
    ) -> Unsaid<directory::GetContactResponse> {
        let token = request.metadata().get("authorization").and_then(|t| t.to_str().ok()).unwrap_or_default();
        let caller = self.verifier.check(token.trim_start_matches("Bearer ")).unwrap();
        assert!(caller.has_role("service"), "notify asks with its own token");
        let request = request.into_inner();
        assert!(request.reason.starts_with("notice "), "and says why: {}", request.reason);
        self.ask(&request.person).map(Response::new).map_err(|code| Status::new(code, "as told"))
    }

    async fn import_records(
        &self,
        _: Request<directory::ImportRecordsRequest>,
    ) -> Unsaid<directory::ImportRecordsResponse> {
        unsaid()
    }
    async fn activate_playbook(
        &self,
        _: Request<directory::ActivatePlaybookRequest>,
    ) -> Unsaid<directory::ActivatePlaybookResponse> {
        unsaid()
    }
    async fn activate_calendar(
        &self,
        _: Request<directory::ActivateCalendarRequest>,
    ) -> Unsaid<directory::ActivateCalendarResponse> {
        unsaid()
    }
    async fn move_time(&self, _: Request<directory::MoveTimeRequest>) -> Unsaid<directory::MoveTimeResponse> {
        unsaid()
    }
    async fn list_nodes(
        &self,
        _: Request<directory::ListNodesRequest>,
    ) -> Unsaid<directory::ListNodesResponse> {
        unsaid()
    }
    async fn list_persons(
        &self,
        _: Request<directory::ListPersonsRequest>,
    ) -> Unsaid<directory::ListPersonsResponse> {
        unsaid()
    }
    async fn sign_in(&self, _: Request<directory::SignInRequest>) -> Unsaid<directory::SignInResponse> {
        unsaid()
    }
    async fn renew_token(
        &self,
        _: Request<directory::RenewTokenRequest>,
    ) -> Unsaid<directory::RenewTokenResponse> {
        unsaid()
    }
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
    pub addresses: Addresses,
    pub ticket: Id,
    directory: Handle<Directory>,
    intake: Handle<Intake>,
    dispatch: Handle<Dispatch>,
    said: std::sync::atomic::AtomicU8,
    _engines: Engines,
    _dir: tempfile::TempDir,
}

impl Town {
    pub async fn new() -> Town {
        let dir = tempfile::tempdir_in(local_engines::scratch("notify").unwrap()).unwrap();
        let engines = Engines::start(Options::for_tests(dir.path().join("engines"))).await.unwrap();
        let database = engines.fresh_database(&format!("notify_{}", std::process::id())).await.unwrap();
        let desk = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let variables = [
            ("HOTLINE_DATABASE_URL", database),
            ("HOTLINE_NATS_URL", engines.nats_url()),
            ("HOTLINE_BASE_PORT", local_engines::free_ports(Service::ALL.len() as u16).unwrap().to_string()),
            ("HOTLINE_PEERS__DIRECTORY", format!("http://{}", desk.local_addr().unwrap())),
            ("HOTLINE_STATE_DIR", dir.path().join("state").display().to_string()),
        ];
        let config = Config::load(None, variables.into_iter().map(|(k, v)| (k.to_owned(), v))).unwrap();
        let setup = Setup::new(config, CancellationToken::new()).unwrap();
        let addresses = Addresses::open(desk, setup.verifier.clone()).await;
        let town = Town {
            directory: hatch(&setup).await,
            intake: hatch(&setup).await,
            dispatch: hatch(&setup).await,
            addresses,
            ticket: support::House::new().ticket,
            said: 0.into(),
            setup: setup.clone(),
            _engines: engines,
            _dir: dir,
        };
        for entry in support::entries("shop", 1, include_str!("../../core/tests/support/playbook.yaml")) {
            town.speak(&town.directory, Shard::new(0).unwrap(), None, entry).await;
        }
        on_its_own(notify::run(setup));
        town
    }

    /// Makes intake or dispatch say something about the ticket.
    pub async fn say(&self, event: AnyEvent) {
        let (home, about) = (self.ticket.shard(), Some(self.ticket));
        match event {
            AnyEvent::WorkDispatched(_) => self.speak(&self.dispatch, home, about, event).await,
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

    /// The list of notices, as a person with this role at this node is shown it.
    pub async fn list(
        &self,
        person: &str,
        role: &str,
        node: &str,
        reason: &str,
    ) -> Result<Vec<contract::Notice>, Status> {
        let grants = vec![Grant { role: role.into(), node: node.into() }];
        let actor = Actor::Person { code: person.into(), grants };
        let token = self.setup.issuer.issue(&actor, 600).unwrap();
        let address = self.setup.config.peers_of(Service::Notify).remove(0);
        let mut client = contract::notify_service_client::NotifyServiceClient::connect(address)
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(contract::ListNoticesRequest {
            ticket_id: self.ticket.to_string(),
            reveal_reason: reason.into(),
            limit: 0,
        });
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        client.list_notices(request).await.map(|answer| answer.into_inner().notices)
    }

    /// The lines of a channel's outbox: id, address, words.
    pub fn outbox(&self, channel: &str) -> Vec<(String, String)> {
        let path = self.setup.config.state_dir.join("outbox").join(format!("{channel}.jsonl"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let field = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        text.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| (field(&line, "to"), field(&line, "text")))
            .collect()
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
        AnyEvent::TicketReclassified(e) => (register::TicketReclassified::TYPE, e.encode_to_vec()),
        AnyEvent::WorkDispatched(e) => (work::WorkDispatched::TYPE, e.encode_to_vec()),
        other => panic!("{other:?}"),
    }
}
