//! The service as it runs: a real Postgres and NATS, events on the stream, people over gRPC.

#[path = "../core/tests/shop/mod.rs"]
mod shop;

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock},
};

use async_nats::jetstream;
use chassis::Setup;
use chassis_core::{About, Entry};
use prost::Message;
use proto::{
    Bucket, Event, Id, Service, Shard, Time,
    dispatch::v1::{self as contract, dispatch_service_client::DispatchServiceClient},
    envelope::Position,
    subject,
};
use sqlx::PgPool;
use stage::{Ground, wait_for};
use tonic::{Code, Request, Status, transport::Channel};

const WORDS: &str = "更换离合器并致歉";

struct House {
    ground: Ground,
    pool: PgPool,
    nats: jetstream::Context,
    client: DispatchServiceClient<Channel>,
    running: std::thread::JoinHandle<Result<(), chassis::StartError>>,
    asked: u8,
    /// Of the last entry that each journal said.
    hashes: Mutex<HashMap<(Service, Shard), [u8; 32]>>,
}

impl House {
    async fn open() -> House {
        let ground = Ground::prepare(Service::Dispatch, &[]).await;
        let running = run(ground.setup.clone());
        let address = ground.address(Service::Dispatch);
        let client = wait_for("the service listens", async || {
            DispatchServiceClient::connect(address.clone()).await.ok()
        })
        .await;
        let nats = chassis::nats::connect(&ground.engines.nats_url(), "dispatch-wire").await.unwrap();
        let (pool, nats) = (ground.pool(Service::Dispatch), jetstream::new(nats));
        House { ground, pool, nats, client, running, asked: 0, hashes: Mutex::default() }
    }

    async fn now(&self) -> Time {
        let micros = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint";
        Time(sqlx::query_scalar(micros).fetch_one(&self.pool).await.unwrap())
    }

    /// Puts an event on the stream as its service would.
    async fn say<E: Event>(&self, service: Service, shard: Shard, seq: u64, event: &E) {
        let mut entry = Entry {
            at: Position { service, shard, epoch: 1, seq },
            hash: [0; 32],
            kind: E::TYPE.into(),
            payload: event.encode_to_vec(),
            about: About::default(),
            actor: "service:test".to_owned(),
            cause: "operator".to_owned(),
            hops: 0,
            directory_seq: 2,
            recorded_at: self.now().await,
            to: None,
            traceparent: String::new(),
        };
        entry.hash = {
            let mut hashes = self.hashes.lock().unwrap();
            let last = hashes.entry((service, shard)).or_insert([0; 32]);
            *last = entry.chained(last);
            *last
        };
        let headers = chassis::wire::headers(&entry);
        let subject = subject::event(service, shard, E::THING, E::EVENT);
        wait_for("the stream is there", async || {
            let sent = self.nats.publish_with_headers(
                subject.clone(),
                headers.clone(),
                event.encode_to_vec().into(),
            );
            sent.await.ok()?.await.ok()
        })
        .await;
    }

    /// A request as this person sends it.
    fn by<T>(&self, who: &str, message: T) -> Request<T> {
        stage::in_english(self.ground.request(&shop::actor(who), message))
    }

    async fn fresh_id(&mut self) -> String {
        self.asked += 1;
        Id::mint(self.now().await, Bucket::of_hash(0), [self.asked; 9]).to_string()
    }

    async fn complete(
        &mut self,
        who: &str,
        step: &str,
        fields: &[(&str, &str)],
    ) -> Result<Vec<String>, Status> {
        let message = contract::CompleteStepRequest {
            request_id: self.fresh_id().await,
            ticket_id: ticket().to_string(),
            cycle: 1,
            step: step.into(),
            fields: fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
            ..Default::default()
        };
        let request = self.by(who, message);
        Ok(self.client.complete_step(request).await?.into_inner().ready)
    }

    async fn work(&mut self, who: &str, reason: &str) -> Result<contract::Work, Status> {
        let message =
            contract::GetWorkRequest { ticket_id: ticket().to_string(), reveal_reason: reason.into() };
        let request = self.by(who, message);
        Ok(self.client.get_work(request).await?.into_inner().work.expect("found work is shown"))
    }

    async fn list(&mut self, who: &str, message: contract::ListWorkRequest) -> Vec<contract::Work> {
        let request = self.by(who, message);
        self.client.list_work(request).await.unwrap().into_inner().work
    }

    async fn close(self) {
        self.ground.setup.stop.cancel();
        tokio::task::spawn_blocking(|| self.running.join()).await.unwrap().unwrap().unwrap();
        self.pool.close().await;
    }
}

/// The service in a thread of its own, as a process has it.
fn run(setup: Setup) -> std::thread::JoinHandle<Result<(), chassis::StartError>> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime starts").block_on(dispatch::run(setup))
    })
}

fn ticket() -> Id {
    static TICKET: OnceLock<Id> = OnceLock::new();
    *TICKET.get_or_init(|| shop::ticket_id(3))
}

fn step<'w>(work: &'w contract::Work, id: &str) -> &'w contract::Step {
    work.steps.iter().find(|step| step.id == id).expect("the playbook has it")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_is_worked_off_over_the_wire() {
    let mut house = House::open().await;
    let first = Shard::all().next().unwrap();
    house.say(Service::Directory, first, 1, &shop::changed()).await;
    house.say(Service::Directory, first, 2, &shop::activated(shop::PLAYBOOK)).await;
    house.say(Service::Intake, ticket().shard(), 1, &shop::Shop::new().opening(&["SALES"])).await;

    // It arrives, and is shown to whom it concerns.
    let mut client = house.client.clone();
    let work = wait_for("the order is there", async || {
        let message = contract::GetWorkRequest { ticket_id: ticket().to_string(), ..Default::default() };
        client.clone().get_work(house.by("CRM", message)).await.ok()?.into_inner().work
    })
    .await;
    assert_eq!((work.state.as_str(), work.assignee.as_str(), work.hand_off), ("dispatched", "CRM", 1));
    assert_eq!(house.work("CRM2", "").await.unwrap_err().code(), Code::NotFound, "another branch's");
    assert_eq!(house.work("SALES", "").await.unwrap_err().code(), Code::NotFound, "complained about (DG-03)");
    let message = contract::GetWorkRequest { ticket_id: ticket().to_string(), ..Default::default() };
    assert_eq!(client.get_work(Request::new(message)).await.unwrap_err().code(), Code::Unauthenticated);

    // A repeated request is answered as the first time, a changed one refused.
    let request_id = house.fresh_id().await;
    let acknowledge = |cycle| contract::AcknowledgeRequest {
        request_id: request_id.clone(),
        ticket_id: ticket().to_string(),
        cycle,
    };
    let at = client.acknowledge(house.by("CRM", acknowledge(1))).await.unwrap().into_inner().position;
    let again = client.acknowledge(house.by("CRM", acknowledge(1))).await.unwrap().into_inner().position;
    assert!(at.is_some() && at == again);
    let changed = client.acknowledge(house.by("CRM", acknowledge(2))).await.unwrap_err();
    assert_eq!(changed.code(), Code::AlreadyExists);

    // What is missing is named, in the caller's language.
    let refused = house.complete("CRM", "judge", &[("grounds", "true")]).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("findings"), "{}", refused.message());
    let refused = house.complete("CRM", "judge", &[("grounds", "perhaps")]).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(house.complete("SALES", "judge", &[]).await.unwrap_err().code(), Code::PermissionDenied);
    let ready = house.complete("CRM", "judge", &[("grounds", "true"), ("findings", "看过了")]).await.unwrap();
    assert_eq!(ready, ["note", "propose"]);
    house.complete("SERVICE", "propose", &[("solution", WORDS), ("amount", "20000")]).await.unwrap();

    // Words are masked; who has to decide opens them, on record.
    let masked = house.work("GM", "").await.unwrap();
    assert_eq!(step(&masked, "propose").personal["solution"], "[8]");
    let opened = house.work("GM", "approving the proposal").await.unwrap();
    assert_eq!(step(&opened, "propose").personal["solution"], WORDS);
    assert_eq!(house.work("SERVICE", "curious").await.unwrap_err().code(), Code::PermissionDenied);
    let opening: (String, String) =
        sqlx::query_as("select actor, purpose from vault_opening order by id limit 1")
            .fetch_one(&house.pool)
            .await
            .unwrap();
    assert_eq!(opening, ("person:GM".to_owned(), "approving the proposal".to_owned()));
    nothing_is_in_clear(&house.pool).await;

    // Two approve; lists say whose turn it is.
    let mine = contract::ListWorkRequest { person: "GM".into(), approvals_only: true, ..Default::default() };
    let listed = house.list("GM", mine).await;
    assert_eq!(listed.len(), 1);
    assert!(step(&listed[0], "propose").personal.is_empty());
    let approval = &listed[0].approvals[0];
    assert_eq!((approval.state.as_str(), approval.stages[0].approver.as_str()), ("open", "GM"));
    for (who, stage, last) in [("GM", 1, false), ("AREA", 2, true)] {
        let message = contract::DecideApprovalRequest {
            request_id: house.fresh_id().await,
            ticket_id: ticket().to_string(),
            cycle: 1,
            approval_id: approval.approval_id.clone(),
            decision: "approved".into(),
            text: "同意".into(),
            stage,
            verbal_by: String::new(),
        };
        let decided = client.decide_approval(house.by(who, message)).await.unwrap().into_inner();
        assert_eq!(decided.r#final, last, "{who}");
    }
    let actions = contract::GetAllowedActionsRequest { ticket_id: ticket().to_string() };
    let actions =
        client.get_allowed_actions(house.by("SERVICE", actions)).await.unwrap().into_inner().actions;
    let may = |action: &str, target: &str| {
        actions.iter().any(|a| a.action == action && a.target == target && a.allowed)
    };
    assert!(may("complete_step", "repair") && !may("acknowledge", ""));
    assert!(house.list("CRM2", contract::ListWorkRequest::default()).await.is_empty());

    // What was said stands on the stream.
    let stream = house.nats.get_stream(subject::EVENT_STREAM).await.unwrap();
    let decided = subject::event(Service::Dispatch, ticket().shard(), "approval", "decided");
    let last = wait_for("the verdict is published", async || {
        let message = stream.get_last_raw_message_by_subject(&decided).await.ok()?;
        contract::ApprovalDecided::decode(message.payload).ok().filter(|verdict| verdict.r#final)
    })
    .await;
    assert_eq!((last.by.as_str(), last.decision.as_str()), ("AREA", "approved"));
    house.close().await;
}

/// Neither rows nor journal nor kept replies hold what people wrote.
async fn nothing_is_in_clear(pool: &PgPool) {
    let found: i64 = sqlx::query_scalar(
        "select (select count(*) from work where position(convert_to($1, 'UTF8') in body) > 0) \
              + (select count(*) from journal where position(convert_to($1, 'UTF8') in payload) > 0) \
              + (select count(*) from reply where position(convert_to($1, 'UTF8') in reply) > 0)",
    )
    .bind(WORDS)
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(found, 0);
}
