//! An older copy of a service's database comes back: it is found, nothing is accepted over it, and an administrator's
//! word opens the next epoch (P1, P3). And what the stream loses in its middle comes back by itself.

use std::collections::BTreeMap;

use hotline::{
    client::Connection,
    journal_command::{give_up, lost, open, withdrawn},
    verify::{Class, collect},
};
use proto::{
    Service,
    journal::v1::{HeadsRequest, LostTail, OpenEpochRequest},
    subject,
};
use stage::wait_for;
use tests::{
    Case, System,
    copy::Copy,
    desk::{self, insist},
    forms,
    system::BRANCH,
};
use tonic::Code;
use tonic_types::StatusExt;

type Heads = BTreeMap<u32, (u32, u64)>;

async fn heads(connection: &Connection, service: Service) -> Heads {
    let answer = connection.journal(service).heads(HeadsRequest {}).await.expect("it tells its heads");
    answer.into_inner().heads.into_iter().map(|head| (head.shard, (head.epoch, head.seq))).collect()
}

fn caller(number: usize) -> forms::Fields {
    let mut form = forms::complaint();
    form.insert("phone".to_owned(), format!("1370000{number:04}"));
    form.insert("plate".to_owned(), format!("沪E{number:05}"));
    form
}

/// Until it says that these shards are lost: after a start it has to look first.
async fn lost_tails(system: &System, service: Service) -> Vec<LostTail> {
    wait_for("the loss is found", async || {
        lost(&system.connection, service).await.ok().filter(|tails| !tails.is_empty())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_is_found_and_given_up_by_order_only() {
    let system = System::in_processes().await;
    let url = system.config.database_url.clone();
    Case::open(&system, caller(1)).await;
    system.must_be_whole().await;

    let before = heads(&system.connection, Service::Intake).await;
    system.replicas.kill(Service::Intake);
    let copy = Copy::take(&url, Service::Intake).await;
    system.replicas.start(Service::Intake).expect("it starts again");
    system.serves().await;
    let ghost = Case::open(&system, caller(2)).await;
    system.must_be_whole().await;
    let after = heads(&system.connection, Service::Intake).await;

    system.replicas.kill(Service::Intake);
    copy.put_back().await;
    system.replicas.start(Service::Intake).expect("it starts on the older copy");
    system.serves().await;

    // Nothing is accepted where the tail is lost, whoever asks.
    let tails = lost_tails(&system, Service::Intake).await;
    let intake = desk::register(&system);
    let mut again = desk::opening(BRANCH, caller(2));
    let ask = proto::intake::v1::IdentifyRequest {
        request_id: hotline::client::request_id(),
        phone: again.form["phone"].clone(),
        name: forms::NAME.to_owned(),
        plate: again.form["plate"].clone(),
        ..Default::default()
    };
    let refused = wait_for("it refuses", async || {
        let status = intake.clone().identify(ask.clone()).await.expect_err("its home has lost its tail");
        let gate = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        (gate == "lost-tail").then_some(status)
    })
    .await;
    assert_eq!(refused.code(), Code::Unavailable);

    // The list is exactly what had been said after the copy was made.
    let expected: Vec<(u32, u64)> = after
        .iter()
        .flat_map(|(shard, (_, end))| (before[shard].1 + 1..=*end).map(|seq| (*shard, seq)))
        .collect();
    let listed: Vec<(u32, u64)> =
        tails.iter().flat_map(|tail| &tail.ghosts).map(|ghost| (ghost.shard, ghost.seq)).collect();
    assert_eq!(listed, expected);
    assert!(tails.iter().flat_map(|tail| &tail.ghosts).all(|g| !g.r#type.is_empty() && g.recorded_at > 0));
    assert!(tails.iter().flat_map(|tail| &tail.ghosts).any(|g| g.subject == ghost.id));
    assert!(tails.iter().all(|tail| tail.known_by.contains(&"stream".to_owned()) && !tail.differs));
    let readers = ["dispatch", "sla-watchdog", "reporting"].map(str::to_owned);
    assert!(tails.iter().any(|tail| readers.iter().any(|reader| tail.known_by.contains(reader))));

    // An agent may not, and nobody may give up more than was listed.
    let agent = system.actor(desk::AGENT);
    let denied =
        open(&system.connection, Service::Intake, &agent, give_up(&tails[0], "restored-backup")).await;
    assert!(denied.unwrap_err().to_string().contains("PermissionDenied"));
    let mut stale = give_up(&tails[0], "restored-backup");
    stale.known_seq -= 1;
    let actor = system.system();
    let denied = open(&system.connection, Service::Intake, &actor, stale).await.unwrap_err().to_string();
    assert!(denied.contains("FailedPrecondition"), "{denied}");

    for tail in &tails {
        let order = give_up(tail, "restored-backup");
        let at = wait_for("the epoch is opened", async || {
            open(&system.connection, Service::Intake, &actor, order.clone()).await.ok()
        })
        .await;
        let shard = tail.head.as_ref().expect("a head").shard;
        assert_eq!(at, format!("intake/{shard}/2.{}", tail.known_seq + 1), "above all that was known");
        // The same order is answered alike; the same request with another content is refused.
        wait_for("the answer is remembered", async || {
            open(&system.connection, Service::Intake, &actor, order.clone())
                .await
                .ok()
                .filter(|again| *again == at)
        })
        .await;
        let other = OpenEpochRequest { reason: "another".to_owned(), ..order };
        let refused = open(&system.connection, Service::Intake, &actor, other).await.unwrap_err().to_string();
        assert!(refused.contains("AlreadyExists"), "{refused}");
    }

    // Life goes on, also for the caller whose case is gone.
    insist(async || intake.clone().identify(ask.clone()).await).await.expect("accepted again");
    desk::identify(&intake, &mut again).await.expect("known anew");
    let next = Case::take(&system, again).await.expect("opened in the new epoch");
    assert_ne!(next.id, ghost.id);

    // Who had heard it has it on record, with the case that it was about.
    for reader in [Service::Dispatch, Service::SlaWatchdog, Service::Reporting] {
        wait_for("the reader has noted what it heard", async || {
            let all = withdrawn(&system.connection, reader).await.ok()?;
            let noted = all.ghosts.iter().any(|known| known.subject == ghost.id);
            (noted && all.withdrawn.iter().any(|w| w.service == "intake" && !w.own)).then_some(())
        })
        .await;
    }
    let audit =
        collect::audit(&system.connection, std::time::Duration::from_secs(60)).await.expect("it runs");
    assert_eq!(
        (audit.findings.count(Class::Lost), audit.findings.count(Class::Doubled)),
        (0, 0),
        "{:#?}",
        audit.findings
    );
    let listed = audit.withdrawn.ghosts().count();
    assert_eq!(listed, expected.len(), "verify lists the ghosts");
    assert!(audit.withdrawn.concerns(ghost.id.parse().expect("an id")));
    assert!(!audit.withdrawn.concerns(next.id.parse().expect("an id")));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_in_the_stream_s_middle_is_sent_again_and_old_answers_go() {
    let system = System::start().await;
    for number in 10..13 {
        Case::open(&system, caller(number)).await;
    }
    system.must_be_whole().await;
    let client = chassis::nats::connect(&system.config.nats_url, "hotline-tests").await.expect("NATS");
    let context = async_nats::jetstream::new(client);
    let stream = context.get_stream(subject::EVENT_STREAM).await.expect("the stream");
    let all = system.events().await;
    let last = stream.cached_info().state.last_sequence;
    for place in [last / 3, last / 2, last / 2 + 1, last - 5] {
        stream.delete_message(place).await.expect("deleted");
    }
    assert!(system.events().await.len() < all.len(), "they are gone");

    let pool = sqlx::PgPool::connect(&system.config.database_url).await.expect("the database");
    let count = async || -> i64 {
        sqlx::query_scalar("select count(*) from intake.reply").fetch_one(&pool).await.expect("counted")
    };
    let fresh = "update intake.reply set at = at - interval '80 hours' where request <> (select max(request::text)::uuid from intake.reply)";
    sqlx::query(fresh).execute(&pool).await.expect("they grow old");
    assert!(count().await > 1);

    let ids = |events: &[tests::heard::Event]| -> std::collections::BTreeSet<String> {
        events.iter().map(|event| event.id.clone()).collect()
    };
    wait_for("all events are in the stream again", async || {
        (ids(&system.events().await) == ids(&all)).then_some(())
    })
    .await;
    wait_for("old answers are forgotten, the new one is not", async || (count().await == 1).then_some(()))
        .await;
    system.must_be_whole().await;
    system.stop().await;
}
