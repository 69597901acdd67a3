//! Stand-ins for the services around the one under test: each says what it is told to, through a journal, a stream and
//! a gRPC server like everybody's.

use std::marker::PhantomData;

use chassis::{Handle, Setup};
use chassis_core::{About, Actor, Ask, Core, Due, Halt, Heard, RowKey, Step, Table, store::RequestKey};
use prost::Message;
use proto::{AnyEvent, Bucket, Event, Id, Listener, Service, Shard, envelope::Position};
use tokio::sync::oneshot;
use tonic::service::Routes;

use crate::{ground, patience::wait_for};

/// Something to be said, as it goes over the wire: what it is about, its type, itself.
pub type Line = (Option<Id>, String, Vec<u8>);

/// Which service a parrot stands in for.
pub trait Species: 'static {
    const SERVICE: Service;
}

macro_rules! species {
    ($($name:ident),*) => {
        $(
            pub struct $name;

            impl Species for $name {
                const SERVICE: Service = Service::$name;
            }
        )*
    };
}

species!(Directory, Intake, Dispatch, SlaWatchdog, FollowUp);

/// A service that says what it is told to.
struct Beak<S>(PhantomData<fn() -> S>);

impl<S: Species> Core for Beak<S> {
    type Command = Line;
    type Reply = ();

    const SERVICE: Service = S::SERVICE;
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

    fn command((subject, kind, payload): &Line, step: &mut Step<'_>) -> Result<(), Halt> {
        let event = AnyEvent::decode(kind, payload).unwrap_or_else(|error| panic!("{error}"));
        let branch = event.ticket().map(|ticket| ticket.branch.clone()).filter(|branch| !branch.is_empty());
        event.hand_to(&mut Aloud { about: About { subject: *subject, branch, occurred_at: None }, step });
        Ok(())
    }

    fn event(_: &Heard, _: &mut Step<'_>) -> Result<(), Halt> {
        Ok(())
    }

    fn timer(_: &Due, _: &mut Step<'_>) -> Result<(), Halt> {
        Ok(())
    }
}

struct Aloud<'a, 'b> {
    about: About,
    step: &'a mut Step<'b>,
}

impl Listener for Aloud<'_, '_> {
    type Answer = ();

    fn take<E: Event>(&mut self, event: E) {
        self.step.say(self.about.clone(), event);
    }
}

struct Written;

impl Listener for Written {
    type Answer = (&'static str, Vec<u8>);

    fn take<E: Event>(&mut self, event: E) -> (&'static str, Vec<u8>) {
        (E::TYPE, Message::encode_to_vec(&event))
    }
}

/// A running stand-in.
pub struct Parrot<S: Species> {
    handle: Handle<Beak<S>>,
}

static NO_TABLES: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

/// Runs a stand-in until it can speak.
pub async fn hatch<S: Species>(setup: &Setup) -> Parrot<S> {
    let (tell, told) = oneshot::channel();
    let service = chassis::Service::<Beak<S>> {
        migrations: &NO_TABLES,
        routes: Box::new(move |handle| {
            let _ = tell.send(handle);
            Routes::default()
        }),
        executors: Box::new(|_| Vec::new()),
    };
    ground::apart(chassis::serve(setup.clone(), service));
    let handle = told.await.expect("it starts");
    wait_for("a writer", async || handle.is_ready().then_some(())).await;
    Parrot { handle }
}

impl<S: Species> Parrot<S> {
    /// Says something, at the home of the case that it is about; answers where it stands in the journal.
    pub async fn say(&self, event: AnyEvent) -> Position {
        let about = event.ticket().and_then(|ticket| ticket.ticket_id.parse::<Id>().ok());
        let home = about.map_or_else(|| Shard::new(0).expect("the first"), Id::shard);
        let id = Id::mint(self.handle.real_now(), Bucket::first_of(home), chassis::secret::random_bytes());
        let ask = Ask {
            request: RequestKey { caller: "test".into(), id },
            content: [0; 16],
            actor: Actor::Person { code: "agent".into(), grants: Vec::new() },
            traceparent: String::new(),
        };
        let (kind, payload) = event.hand_to(&mut Written);
        let said = self.handle.submit(home, ask, (about, kind.to_owned(), payload)).await;
        said.expect("a stand-in refuses nothing").at
    }
}
