//! The contracts from outside: a client in another language, from the `.proto` files alone.

use std::process::Command;

use proto::Service;
use tests::{System, system::BRANCH};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_client_opens_a_case_and_reads_its_events() {
    let Some(python) = std::env::var_os("HOTLINE_PYTHON") else {
        let said = "HOTLINE_PYTHON names no interpreter with grpcio-tools and nats-py (`cargo xtask test` makes one)";
        assert!(std::env::var_os("CI").is_none(), "{said}");
        eprintln!("SKIPPED: {said}");
        return;
    };
    let system = System::start().await;
    let token = system.connection.token(Some("QH-CC1")).await.expect("a token");
    let address = |service| system.config.address(service).to_string();
    let stubs = tempfile::tempdir().expect("a folder for the stubs");
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut command = Command::new(python);
    command
        .arg(format!("{root}/tests/clients/complain.py"))
        .args(["--protos", &format!("{root}/proto")])
        .arg("--stubs")
        .arg(stubs.path())
        .args(["--intake", &address(Service::Intake)])
        .args(["--nats", &system.config.nats_url])
        .args(["--branch", BRANCH])
        .env("HOTLINE_TOKEN", token);
    let ran =
        tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("Python runs");
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}\n{err}");
    assert!(out.contains("read back") && out.contains("hotline.intake.v1.TicketOpened"), "{out}");
    system.must_be_whole().await;
    system.stop().await;
}
