//! Quarantine on real engines, through a service: what fails is set aside and
//! holds back what comes later for its case, until it is redriven or discarded.

mod fragile;

use chassis::{Handle, core::Actor};
use chassis_core::{Ask, Grant, Refusal, store::RequestKey};
use fragile::{Fragile, NOT_TAKEN, POISON, Tally};
use proto::{
    Bucket, Id, Service, Shard,
    common::v1::TicketRef,
    intake::v1::TicketNoted,
    journal::v1::{
        DiscardRequest, GetQuarantinedRequest, ListQuarantineRequest, Quarantined, RedriveRequest,
        quarantine_service_client::QuarantineServiceClient,
    },
};
use stage::{Directory, Ground, Intake, Parrot, hatch, request_id, settled, wait_for};
use tokio::sync::oneshot;
use tonic::{Code, service::Routes, transport::Channel};

struct Bench {
    handle: Handle<Fragile>,
    intake: Parrot<Intake>,
    _directory: Parrot<Directory>,
    ground: Ground,
}

impl Bench {
    async fn on(ground: Ground) -> Bench {
        let (directory, intake) = (hatch(&ground.setup).await, hatch(&ground.setup).await);
        let (tell, told) = oneshot::channel();
        let service = chassis::Service::<Fragile> {
            migrations: &fragile::MIGRATIONS,
            routes: Box::new(move |handle| {
                let _ = tell.send(handle);
                Routes::default()
            }),
            executors: Box::new(|_| Vec::new()),
        };
        stage::apart(chassis::serve(ground.setup.clone(), service));
        let handle = told.await.expect("it starts");
        wait_for("a writer", async || handle.is_ready().then_some(())).await;
        Bench { handle, intake, _directory: directory, ground }
    }

    async fn note(&self, ticket: Id, number: u32) {
        let ticket = TicketRef { ticket_id: ticket.to_string(), cycle: number, ..TicketRef::default() };
        self.intake.say(TicketNoted { ticket: Some(ticket), ..TicketNoted::default() }.into()).await;
    }

    async fn heard(&self, ticket: Id) -> Vec<u32> {
        self.handle.load::<Tally>(ticket).await.ok().flatten().map_or_else(Vec::new, |tally| tally.heard)
    }

    async fn becomes(&self, ticket: Id, numbers: &[u32]) {
        settled("what was heard", async || self.heard(ticket).await, |heard| heard == numbers).await;
    }

    async fn command(&self, ticket: Id, number: u32) -> Result<(), Refusal> {
        let id = request_id().parse().expect("an id");
        let request = RequestKey { caller: "system:test".into(), id };
        let ask = Ask { request, content: [0; 16], actor: administrator(), traceparent: String::new() };
        self.handle.submit(ticket.shard(), ask, (ticket, number)).await.map(|_| ())
    }

    async fn door(&self) -> QuarantineServiceClient<Channel> {
        QuarantineServiceClient::connect(self.ground.address(Service::Dispatch)).await.expect("it serves")
    }

    async fn listed(&self) -> Vec<Quarantined> {
        let ask = self.ground.request(&administrator(), ListQuarantineRequest::default());
        self.door().await.list_quarantine(ask).await.expect("a list").into_inner().inputs
    }

    /// The only thing in quarantine, with so many behind it.
    async fn held(&self, behind: u32) -> Quarantined {
        let good = |inputs: &Vec<Quarantined>| inputs.len() == 1 && inputs[0].behind == behind;
        settled("one input and what waits behind it", async || self.listed().await, good).await.remove(0)
    }

    /// How many were decided, which one failed, and whether more follow by themselves.
    async fn redrive(&self, id: &str) -> (u32, String, bool) {
        let ask = RedriveRequest { request_id: request_id(), id: id.into(), reason: "mended".into() };
        let request = self.ground.request(&administrator(), ask);
        let done = self.door().await.redrive(request).await.expect("it is decided again").into_inner();
        (done.applied, done.failed_id, done.more)
    }
}

fn administrator() -> Actor {
    Actor::System { code: "test".into(), grants: vec![Grant { role: "system".into(), node: "*".into() }] }
}

fn ticket(number: u8) -> Id {
    Id::of_hash([number; 16], Bucket::first_of(Shard::new(0).expect("the first")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_holds_its_case_back_until_it_is_redriven_or_discarded() {
    let bench = Bench::on(Ground::prepare(Service::Dispatch, &[]).await).await;
    let (one, other) = (ticket(1), ticket(2));
    for number in [1, POISON, 2] {
        bench.note(one, number).await;
    }
    bench.note(other, 3).await;
    bench.becomes(other, &[3]).await;
    let held = bench.held(1).await;
    assert_eq!((held.fault.as_str(), held.aggregate_id.clone()), ("panicked", one.to_string()));
    assert_eq!(bench.heard(one).await, [1], "what came later waits, everything else went on");
    shown_to_administrators_only(&bench, &held.id).await;

    let refusal = bench.command(one, 4).await.expect_err("its case is held");
    assert!(refusal.gate == "held" && refusal.en.contains(&held.id), "{refusal}");
    assert_eq!(bench.command(other, 4).await, Ok(()));
    assert_eq!(
        bench.redrive(&held.id).await,
        (0, held.id.clone(), false),
        "it fails again and stays the first"
    );
    fragile::mend();
    assert_eq!(bench.redrive(&held.id).await, (2, String::new(), false));
    bench.becomes(one, &[1, POISON, 2]).await;
    assert!(bench.listed().await.is_empty());
    assert_eq!(bench.command(one, 5).await, Ok(()));
    a_refused_batch_costs_its_culprit_only(&bench).await;
}

async fn shown_to_administrators_only(bench: &Bench, id: &str) {
    let ask = GetQuarantinedRequest { id: id.into() };
    let agent = stage::person("agent", "call-centre-agent", "G");
    let refused = bench.door().await.get_quarantined(bench.ground.request(&agent, ask.clone())).await;
    assert_eq!(refused.expect_err("not his").code(), Code::PermissionDenied);
    let shown = bench.door().await.get_quarantined(bench.ground.request(&administrator(), ask)).await;
    let shown = shown.expect("an input").into_inner();
    assert!(shown.content_json.contains("hotline.intake.v1.TicketNoted"), "{}", shown.content_json);
    assert_eq!(shown.behind.len(), 1);
}

/// What the database does not take: an event is set aside, a command refused, all others are carried out.
async fn a_refused_batch_costs_its_culprit_only(bench: &Bench) {
    let (third, fourth) = (ticket(3), ticket(4));
    for number in [1, NOT_TAKEN, 2] {
        bench.note(third, number).await;
    }
    bench.note(fourth, 1).await;
    bench.becomes(fourth, &[1]).await;
    let held = bench.held(1).await;
    assert_eq!((held.fault.as_str(), held.aggregate_id.clone()), ("store", third.to_string()));
    let refusal = bench.command(fourth, NOT_TAKEN).await.expect_err("the database does not take it");
    assert_eq!(refusal.gate, "not-stored");
    assert_eq!(bench.command(fourth, 2).await, Ok(()));

    let ask = DiscardRequest { request_id: request_id(), id: held.id, reason: "whatever".into() };
    let refused = bench.door().await.discard(bench.ground.request(&administrator(), ask.clone())).await;
    assert_eq!(refused.expect_err("no such reason").code(), Code::InvalidArgument);
    let ask = DiscardRequest { reason: "obsolete".into(), ..ask };
    let first = bench.door().await.discard(bench.ground.request(&administrator(), ask.clone())).await;
    let first = first.expect("it is dropped").into_inner();
    assert_eq!((first.applied, first.failed_id.as_str()), (1, ""));
    let again = bench.door().await.discard(bench.ground.request(&administrator(), ask)).await;
    assert_eq!(again.expect("the same request").into_inner(), first, "the same answer");
    bench.becomes(third, &[1, 2]).await;
    assert!(bench.listed().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_owner_died_on_is_set_aside_unread() {
    let ground = Ground::prepare(Service::Dispatch, &[]).await;
    let pool = ground.pool(Service::Dispatch);
    let options = chassis::schema::options(&ground.setup.config.database_url, Service::Dispatch);
    chassis::schema::prepare(&options.expect("an address"), Service::Dispatch, &fragile::MIGRATIONS)
        .await
        .expect("a schema");
    // As an owner leaves it who was trying the second note when he died, on which another had died before him.
    sqlx::query(
        "insert into tenure (shard, process, trying, killers) \
         values (0, gen_random_uuid(), 'event:intake/0/1.2', array['event:intake/0/1.2'])",
    )
    .execute(&pool)
    .await
    .expect("a tenure");
    let bench = Bench::on(ground).await;
    let one = ticket(1);
    for number in [1, 2, 3] {
        bench.note(one, number).await;
    }
    let held = bench.held(1).await;
    assert_eq!((held.fault.as_str(), held.cause.as_str()), ("died", "event:intake/0/1.2"));
    assert_eq!(bench.heard(one).await, [1]);
    let careful = "its owner is careful: one at a time, and the others follow";
    assert_eq!(bench.redrive(&held.id).await, (1, String::new(), true), "{careful}");
    bench.becomes(one, &[1, 2, 3]).await;
    let killers: Vec<String> = sqlx::query_scalar("select unnest(killers) from tenure where shard = 0")
        .fetch_all(&pool)
        .await
        .expect("the tenure");
    assert!(killers.is_empty(), "it was met: {killers:?}");
}
