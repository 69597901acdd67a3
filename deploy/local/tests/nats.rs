//! The NATS server: starts, restarts, losses, and who may do what in it.

mod place;

use std::net::TcpListener;
use std::time::Duration;

use async_nats::jetstream::{self, consumer, stream};
use async_nats::{Client, ConnectOptions, ServerAddr};
use futures::StreamExt;
use local_engines::{Error, Nats, NatsOptions, NatsUser};

type Context = jetstream::Context;

/// The client takes the address from a url and not the login.
fn login(url: &str) -> ConnectOptions {
    let address: ServerAddr = url.parse().unwrap();
    let part = |it: Option<&str>| it.unwrap_or_default().to_owned();
    ConnectOptions::new().user_and_password(part(address.username()), part(address.password()))
}

async fn connect(url: &str) -> Client {
    login(url).connect(url).await.unwrap()
}

async fn jetstream(url: &str) -> Context {
    jetstream::new(connect(url).await)
}

async fn events(context: &Context) -> stream::Stream {
    let config = stream::Config {
        name: "HOTLINE_EVENTS".into(),
        subjects: vec!["hotline.event.>".into(), "hotline.peer.>".into()],
        ..Default::default()
    };
    context.get_or_create_stream(config).await.unwrap()
}

async fn say(context: &Context, subject: &str, text: &str) {
    let sent = context.publish(subject.to_owned(), text.to_owned().into());
    sent.await.unwrap().await.unwrap();
}

async fn kept(nats: &Nats) -> u64 {
    let context = jetstream(&nats.url()).await;
    events(&context).await.info().await.unwrap().state.messages
}

async fn started(options: NatsOptions) -> Nats {
    Nats::start(options).await.unwrap()
}

#[tokio::test]
async fn what_is_stored_is_there_at_the_second_start_and_gone_at_a_fresh_one() {
    let place = place::new();
    let options = NatsOptions::new(place.path());
    let first = started(options.clone()).await;
    let context = jetstream(&first.url()).await;
    events(&context).await;
    say(&context, "hotline.event.intake.0.ticket.opened", "1").await;
    first.stop().await;

    let second = started(options.clone()).await;
    assert_eq!(kept(&second).await, 1);
    second.stop().await;

    let fresh = started(NatsOptions { fresh: true, ..options }).await;
    assert_eq!(kept(&fresh).await, 0);
}

#[tokio::test]
async fn a_kill_loses_nothing_and_a_wipe_everything() {
    let place = place::new();
    let nats = started(NatsOptions::new(place.path())).await;
    let context = jetstream(&nats.url()).await;
    events(&context).await;
    say(&context, "hotline.event.intake.0.ticket.opened", "1").await;

    let url = nats.url();
    nats.kill().await.unwrap();
    assert!(login(&url).connect(&url).await.is_err());
    nats.restart().await.unwrap();
    assert_eq!(nats.url(), url, "clients find it again");
    assert_eq!(kept(&nats).await, 1);

    nats.wipe_storage().await.unwrap();
    nats.restart().await.unwrap();
    assert_eq!(kept(&nats).await, 0);
}

#[tokio::test]
async fn a_taken_port_is_refused_and_so_is_a_directory_in_use() {
    let place = place::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let refused = Nats::start(NatsOptions { port: Some(port), ..NatsOptions::new(place.path()) });
    assert!(matches!(refused.await, Err(Error::PortTaken { port: named, .. }) if named == port));

    let _first = started(NatsOptions::new(place.path())).await;
    let second = Nats::start(NatsOptions::new(place.path())).await;
    let owner = std::process::id().to_string();
    assert!(matches!(second, Err(Error::InUse { owner: named, .. }) if named == owner));
}

#[tokio::test]
async fn nobody_enters_without_a_password() {
    let place = place::new();
    let nats = started(NatsOptions::new(place.path())).await;
    let anonymous = format!("nats://127.0.0.1:{}", nats.port());
    assert!(async_nats::connect(anonymous).await.is_err());
}

fn branch_options(place: &tempfile::TempDir) -> NatsOptions {
    NatsOptions { branches: vec!["b017".into()], ..NatsOptions::new(place.path()) }
}

/// The work stream with a consumer per branch, as dispatch's gateway sets it up.
async fn work_stream(nats: &Nats, branches: &[&str]) {
    let gateway = jetstream(&nats.url_of(NatsUser::BranchGateway)).await;
    let config = stream::Config {
        name: "HOTLINE_WORK".into(),
        subjects: vec!["hotline.work.>".into()],
        ..Default::default()
    };
    let stream = gateway.create_stream(config).await.unwrap();
    for branch in branches {
        let config = consumer::pull::Config {
            durable_name: Some((*branch).into()),
            filter_subject: format!("hotline.work.{branch}"),
            ..Default::default()
        };
        stream.create_consumer(config).await.unwrap();
    }
}

/// What is not permitted is answered by silence: nobody waits long for it.
async fn as_branch(url: &str, branch: &str) -> Client {
    let options = login(url)
        .custom_inbox_prefix(format!("_INBOX_{branch}"))
        .request_timeout(Some(Duration::from_millis(500)));
    options.connect(url).await.unwrap()
}

async fn pull(client: &Client, consumer: &str) -> Result<jetstream::Message, String> {
    let context = jetstream::new(client.clone());
    let consumer: consumer::PullConsumer = context
        .get_consumer_from_stream(consumer, "HOTLINE_WORK")
        .await
        .map_err(|error| error.to_string())?;
    let batch = consumer.fetch().max_messages(1).expires(Duration::from_secs(5));
    let mut batch = batch.messages().await.map_err(|error| error.to_string())?;
    let message = batch.next().await.ok_or("nothing")?;
    message.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_branch_pulls_the_work_that_core_published_and_acknowledges_it() {
    let place = place::new();
    let nats = started(branch_options(&place)).await;
    work_stream(&nats, &["b017"]).await;
    // The stream is in another account, and still the publisher hears that it was kept.
    say(&jetstream(&nats.url()).await, "hotline.work.b017", "order").await;

    let branch = as_branch(&nats.branch_url("b017").unwrap(), "b017").await;
    let message = pull(&branch, "b017").await.unwrap();
    assert_eq!(&message.payload[..], b"order");
    message.double_ack().await.unwrap();
}

#[tokio::test]
async fn a_branch_cannot_pull_from_anothers_consumer() {
    let place = place::new();
    let nats = started(branch_options(&place)).await;
    work_stream(&nats, &["b017", "b018"]).await;
    say(&jetstream(&nats.url()).await, "hotline.work.b018", "not yours").await;

    let branch = as_branch(&nats.branch_url("b017").unwrap(), "b017").await;
    assert!(pull(&branch, "b018").await.is_err());

    // Admitted while the server runs, the other one can.
    let url = nats.add_branch("b018").await.unwrap();
    let other = as_branch(&url, "b018").await;
    assert_eq!(&pull(&other, "b018").await.unwrap().payload[..], b"not yours");
}

#[tokio::test]
async fn a_report_is_answered_by_core_and_only_ones_own_can_be_sent() {
    let place = place::new();
    let nats = started(branch_options(&place)).await;
    let core = connect(&nats.url()).await;
    let mut reports = core.subscribe("hotline.report.>").await.unwrap();
    core.flush().await.unwrap();
    let answering = tokio::spawn(async move {
        let report = reports.next().await.unwrap();
        let reply = report.reply.unwrap();
        core.publish(reply, "accepted".into()).await.unwrap();
        core.flush().await.unwrap();
        report.subject.to_string()
    });

    let branch = as_branch(&nats.branch_url("b017").unwrap(), "b017").await;
    assert!(branch.request("hotline.report.b018", "forged".into()).await.is_err());
    let answer = branch.request("hotline.report.b017", "done".into()).await.unwrap();
    assert_eq!(&answer.payload[..], b"accepted");
    assert_eq!(answering.await.unwrap(), "hotline.report.b017", "the forged one never arrived");
}

#[tokio::test]
async fn analytics_has_a_copy_of_the_events_and_nothing_else() {
    let place = place::new();
    let nats = started(NatsOptions::new(place.path())).await;
    let core = jetstream(&nats.url()).await;
    events(&core).await;
    say(&core, "hotline.event.intake.0.ticket.opened", "before").await;
    say(&core, "hotline.peer.intake.0.1", "internal").await;

    let admin = jetstream(&nats.url_of(NatsUser::AnalyticsAdmin)).await;
    let source = stream::Source {
        name: "HOTLINE_EVENTS".into(),
        filter_subject: Some("hotline.event.>".into()),
        external: Some(stream::External {
            api_prefix: "hotline.analytics.api".into(),
            delivery_prefix: Some("hotline.analytics.deliver".into()),
        }),
        ..Default::default()
    };
    let config = stream::Config {
        name: "HOTLINE_ANALYTICS".into(),
        sources: Some(vec![source]),
        ..Default::default()
    };
    admin.create_stream(config).await.unwrap();
    say(&core, "hotline.event.intake.0.ticket.closed", "after").await;

    let reader = connect(&nats.url_of(NatsUser::Analytics)).await;
    let stream = jetstream::new(reader.clone()).get_stream("HOTLINE_ANALYTICS").await.unwrap();
    let consumer = stream.create_consumer(consumer::pull::Config::default()).await.unwrap();
    let mut messages = consumer.messages().await.unwrap();
    for expected in ["before", "after"] {
        let next = tokio::time::timeout(Duration::from_secs(10), messages.next()).await;
        let message = next.expect("the copy arrives").unwrap().unwrap();
        assert_eq!(&message.payload[..], expected.as_bytes());
        message.ack().await.unwrap();
    }

    // Whoever reads cannot reach into CORE through what the copy itself needs.
    let api = "hotline.analytics.api.CONSUMER.CREATE.HOTLINE_EVENTS";
    let attempt = tokio::time::timeout(Duration::from_millis(300), reader.request(api, "{}".into())).await;
    assert!(!matches!(attempt, Ok(Ok(_))));
}
