//! Everything is killed in mid-flow: nothing accepted is lost, nothing happens twice (P1, P2, P3).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use hotline::client::Link;
use proto::{
    Service,
    intake::v1::{OpenTicketRequest, intake_service_client::IntakeServiceClient},
};
use tests::{
    Case, System,
    desk::{self, insist},
    forms,
    system::BRANCH,
    wait_for,
};

/// The opening for the next caller: each is another one, so all shards have work.
async fn known(intake: &IntakeServiceClient<Link>, caller: usize) -> OpenTicketRequest {
    let mut form = forms::complaint();
    form.insert("phone".to_owned(), format!("139{caller:08}"));
    form.insert("plate".to_owned(), format!("沪D{:05}", 10_000 + caller));
    let mut request = desk::opening(BRANCH, form);
    desk::identify(intake, &mut request).await.expect("the caller is known in the end");
    request
}

/// Cases that go on being opened while things die.
struct Flow {
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
    opening: JoinHandle<Vec<String>>,
}

impl Flow {
    fn start(system: &System) -> Flow {
        let (stop, accepted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let intake = desk::register(system);
        let runtime = tokio::runtime::Handle::current();
        let opening = std::thread::spawn({
            let (stop, accepted) = (stop.clone(), accepted.clone());
            move || {
                runtime.block_on(async {
                    let mut numbers = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let request = known(&intake, numbers.len()).await;
                        let opened = insist(async || intake.clone().open_ticket(request.clone()).await).await;
                        numbers.push(opened.expect("a correct case is opened in the end").number);
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                    numbers
                })
            }
        });
        Flow { stop, accepted, opening }
    }

    /// Until so many more have been accepted.
    async fn goes_on(&self, more: usize) {
        let wanted = self.accepted.load(Ordering::Relaxed) + more;
        wait_for("cases are accepted", async || {
            (self.accepted.load(Ordering::Relaxed) >= wanted || self.opening.is_finished()).then_some(())
        })
        .await;
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let opening = tokio::task::spawn_blocking(|| self.opening.join()).await;
        opening.expect("the thread ends").expect("every opening was answered")
    }
}

/// What was accepted exists, once, and is in every service's state.
async fn all_is_there(system: &System, mut numbers: Vec<String>) {
    let accepted = numbers.len();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), accepted, "no number is given twice");
    system.must_be_whole().await;
    let opened = system.events().await.into_iter();
    let opened = opened.filter(|event| event.kind == "hotline.intake.v1.TicketOpened").count();
    assert_eq!(opened, accepted, "as many are on the stream as were accepted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_may_be_killed_in_mid_flow() {
    let system = System::in_processes().await;
    let flow = Flow::start(&system);
    for service in Service::ALL {
        flow.goes_on(2).await;
        system.replicas.kill(service);
        system.replicas.start(service).expect("it starts again");
    }
    flow.goes_on(3).await;
    let numbers = flow.end().await;
    assert!(numbers.len() > Service::ALL.len());
    system.serves().await;
    all_is_there(&system, numbers).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engines_may_be_killed_in_mid_flow() {
    let system = System::in_processes().await;
    let flow = Flow::start(&system);
    flow.goes_on(3).await;
    system.engines.kill_nats().await.expect("killed");
    flow.goes_on(3).await;
    system.engines.restart_nats().await.expect("back again");
    flow.goes_on(2).await;
    system.engines.kill_postgres().await.expect("killed");
    system.engines.restart_postgres().await.expect("back again");
    flow.goes_on(3).await;
    let numbers = flow.end().await;
    system.serves().await;
    all_is_there(&system, numbers).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streams_may_be_deleted_in_mid_flow() {
    let system = System::in_processes().await;
    let flow = Flow::start(&system);
    flow.goes_on(5).await;
    system.engines.wipe_nats_storage().await.expect("all streams are gone");
    flow.goes_on(2).await;
    system.engines.restart_nats().await.expect("an empty server");
    flow.goes_on(3).await;
    flow.end().await;
    system.serves().await;
    // A case goes through all services as if nothing had been.
    let mut form = forms::complaint();
    form.insert("phone".to_owned(), "13900009999".to_owned());
    form.insert("plate".to_owned(), "沪C24680".to_owned());
    let case = Case::open(&system, form).await;
    case.lived_to_its_end().await;
    system.must_be_whole().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streams_may_be_put_back_to_an_older_copy() {
    let system = System::in_processes().await;
    let flow = Flow::start(&system);
    flow.goes_on(5).await;
    let nats = system.engines.our_nats("copying").expect("a server of our own");
    nats.save_storage().await.expect("copied");
    nats.restart().await.expect("back again");
    flow.goes_on(5).await;
    // Everything said since is gone, and the stream is the same one as before.
    nats.put_back_storage().await.expect("put back");
    nats.restart().await.expect("an older store");
    flow.goes_on(3).await;
    let numbers = flow.end().await;
    system.serves().await;
    all_is_there(&system, numbers).await;
    system.stop().await;
}
