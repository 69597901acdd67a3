//! Two replicas of a service: one dies, the other goes on (P1).

use std::time::Duration;

use chassis::Config;
use hotline::{
    client::{Connection, request_id},
    run,
};
use proto::{
    Service,
    dispatch::v1::{AcknowledgeRequest, GetWorkRequest},
};
use stage::wait_within;
use tests::{Case, System, desk::insist, forms, system::free_ports};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_replica_takes_over_within_fifteen_seconds() {
    let system = System::in_processes().await;
    let second = second_replica(&system).await;
    let case = Case::open(&system, forms::complaint()).await;
    let manager = system.actor(&case.at_branch("CRM"));
    let request = AcknowledgeRequest { request_id: request_id(), ticket_id: case.id.clone(), cycle: 1 };
    let first = system.connection.dispatch(&manager);
    let answered =
        insist(async || first.clone().acknowledge(request.clone()).await).await.expect("taken over");

    system.replicas.kill_as(Service::Dispatch, "first");
    let other = second.dispatch(&manager);
    // The same request again, at the other door: the same answer.
    let again = wait_within(Duration::from_secs(15), "the other replica takes over", async || {
        other.clone().acknowledge(request.clone()).await.ok()
    })
    .await;
    assert_eq!(answered, again.into_inner());
    let ask = GetWorkRequest { ticket_id: case.id.clone(), ..Default::default() };
    let work = other.clone().get_work(ask).await.expect("it shows the work").into_inner().work;
    assert_eq!(work.map(|work| work.state), Some("acknowledged".to_owned()));
    system.replicas.start(Service::Dispatch).expect("the first comes back");
    system.serves().await;
    system.must_be_whole().await;
    system.stop().await;
}

/// Another dispatch, at a port of its own; it waits for the first one's shards.
async fn second_replica(system: &System) -> Connection {
    let own = [("HOTLINE_BASE_PORT".to_owned(), free_ports().expect("there are free ports").to_string())];
    let variables = system.variables().iter().chain(&own).cloned();
    let config = Config::load(None, variables).expect("a configuration");
    let port = ("HOTLINE_PEERS__DIRECTORY".to_owned(), system.config.peers_of(Service::Directory).remove(0));
    let mut settings = own.to_vec();
    settings.push(port);
    for (name, service) in [
        ("INTAKE", Service::Intake),
        ("SLA_WATCHDOG", Service::SlaWatchdog),
        ("FOLLOW_UP", Service::FollowUp),
        ("REPORTING", Service::Reporting),
        ("NOTIFY", Service::Notify),
    ] {
        let address = system.config.peers_of(service).remove(0);
        settings.push((format!("HOTLINE_PEERS__{name}"), address));
    }
    system.replicas.start_as(Service::Dispatch, "second", &settings).expect("the second starts");
    run::ready(&config, &[Service::Dispatch.into()], Duration::from_secs(90))
        .await
        .expect("the second serves");
    Connection::open(Config { peers: Default::default(), ..config }).await.expect("a way to it")
}
