//! No server is left behind: not by a dropped handle, not by a killed parent, not by an earlier run.

mod place;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use local_engines::{Engines, Nats, NatsOptions, Options, stop_in};

/// Which directory the child process of these tests works in.
const CHILD_DIR: &str = "LOCAL_ENGINES_TEST_CHILD_DIR";

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn port_of(url: &str) -> u16 {
    let place = url.rsplit('@').next().unwrap();
    let port = place.split(':').nth(1).unwrap();
    port.split('/').next().unwrap().parse().unwrap()
}

fn ports(engines: &Engines) -> [u16; 2] {
    [port_of(&engines.nats_url()), port_of(&engines.database_url())]
}

/// Not a test of its own: the process that the others kill. It supervises a pair until it is asked to end.
#[tokio::test]
async fn child_supervises_until_told() {
    let Ok(dir) = std::env::var(CHILD_DIR) else {
        return;
    };
    let engines = Engines::start(Options::ours(dir)).await.unwrap();
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let [nats, postgres] = ports(&engines);
    println!("\nPORTS {nats} {postgres}");
    terminate.recv().await;
    engines.stop().await.unwrap();
}

fn supervisor(dir: &Path) -> (Child, [u16; 2]) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_supervises_until_told", "--nocapture"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("PORTS ") {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the pair starts");
    }
    // Closed, it would make the child fail at its last words.
    child.stdout = Some(output.into_inner());
    let mut words = line.trim_end().split(' ').skip(1).map(|it| it.parse().unwrap());
    let found = [words.next().unwrap(), words.next().unwrap()];
    (child, found)
}

#[tokio::test]
async fn both_are_up_together_and_end_when_stopped() {
    let place = place::new();
    let engines = Engines::start(Options::ours(place.path())).await.unwrap();
    let found = ports(&engines);
    assert!(found.iter().all(|port| listens(*port)));
    assert_eq!(engines.sql("hotline", "SELECT 1").await.unwrap(), "1");
    engines.stop().await.unwrap();
    assert!(!found.iter().any(|port| listens(*port)));
}

#[tokio::test]
async fn dropping_ends_both() {
    let place = place::new();
    let engines = Engines::start(Options::ours(place.path())).await.unwrap();
    let found = ports(&engines);
    drop(engines);
    until("the servers end", || !found.iter().any(|port| listens(*port))).await;
}

#[tokio::test]
async fn engines_outlive_the_runtime_that_started_them() {
    let place = place::new();
    let dir = place.path().to_owned();
    let started = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(Engines::start(Options::ours(dir))).unwrap()
    });
    let engines = tokio::task::spawn_blocking(|| started.join().unwrap()).await.unwrap();
    // Its threads are gone; a signal tied to them would have come by now.
    assert_eq!(engines.sql("hotline", "SELECT 1").await.unwrap(), "1");
    assert!(ports(&engines).iter().all(|port| listens(*port)));
}

#[tokio::test]
async fn servers_die_with_their_killed_parent_and_the_directory_is_free() {
    let place = place::new();
    let (mut child, found) = supervisor(place.path());
    child.kill().unwrap();
    child.wait().unwrap();
    until("the servers end", || !found.iter().any(|port| listens(*port))).await;
    let again = Options { fresh: false, ..Options::ours(place.path()) };
    let engines = Engines::start(again).await.unwrap();
    assert_eq!(engines.sql("hotline", "SELECT 1").await.unwrap(), "1");
}

#[tokio::test]
async fn a_standing_pair_can_be_stopped_from_outside() {
    let place = place::new();
    let (mut child, found) = supervisor(place.path());
    assert!(stop_in(place.path()).await.unwrap());
    assert!(child.wait().unwrap().success(), "it was asked, not killed");
    assert!(!found.iter().any(|port| listens(*port)));
    assert!(!stop_in(place.path()).await.unwrap(), "nothing is left to stop");
}

#[tokio::test]
async fn an_orphan_of_an_earlier_run_is_ended_and_a_bystander_is_not() {
    let place = place::new();
    let programs = place::new();
    let in_dir = |name: &str| {
        let program = programs.path().join(name);
        fs::copy("/bin/sleep", &program).unwrap();
        let mut command = Command::new(program);
        command.arg("600").current_dir(place.path()).spawn().unwrap()
    };
    let mut orphan = in_dir("nats-server");
    let mut bystander = in_dir("editor");
    let _nats = Nats::start(NatsOptions::new(place.path())).await.unwrap();
    assert!(!orphan.wait().unwrap().success(), "killed");
    assert!(bystander.try_wait().unwrap().is_none(), "still there");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}
