//! Servers that somebody else runs and the environment names.

mod place;

use std::process::{Command, Output};

use local_engines::{Engines, Error, Options, Servers};

/// What the child process of these tests is to do.
const ROLE: &str = "LOCAL_ENGINES_TEST_ROLE";

/// Not a test of its own: what the others run with another environment.
#[tokio::test]
async fn child_uses_what_is_named() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let place = place::new();
    let servers = if role == "test run" { Servers::TestRun } else { Servers::NamedOrOurs };
    let engines = Engines::start(Options { servers, ..Options::new(place.path()) }).await;
    let engines = match engines {
        Ok(engines) => engines,
        Err(error) => {
            println!("\nREFUSED {error}");
            return;
        }
    };
    let url = engines.fresh_database("named_test").await.unwrap();
    let killed = engines.kill_postgres().await;
    println!("\nURLS {} {url}", engines.nats_url());
    assert!(matches!(killed, Err(Error::NotOurs { .. })), "what belongs to others is left alone");
    engines.stop().await.unwrap();
}

fn child(role: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_uses_what_is_named", "--nocapture"]).env(ROLE, role);
    command.env_remove("NATS_URL").env_remove("DATABASE_URL").env_remove("TEST_DATABASE_URL");
    let Output { stdout, stderr, .. } = command.envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&stdout);
    let said = text.lines().find(|line| line.starts_with("URLS ") || line.starts_with("REFUSED "));
    said.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&stderr))).to_owned()
}

#[tokio::test]
async fn named_servers_are_used_and_left_alone() {
    let place = place::new();
    let theirs = Engines::start(Options::ours(place.path())).await.unwrap();
    let (nats, postgres) = (theirs.nats_url(), theirs.database_url());
    let (server, _) = postgres.rsplit_once('/').unwrap();
    let database = format!("{server}/named_test");

    let said = child("both named", &[("NATS_URL", &nats), ("DATABASE_URL", &postgres)]);
    assert_eq!(said, format!("URLS {nats} {database}"));

    let said = child("test run", &[("NATS_URL", &nats), ("TEST_DATABASE_URL", &postgres)]);
    assert!(said.ends_with(&database), "the run's Postgres: {said}");
    assert!(!said.contains(&nats), "and a NATS server of its own: {said}");

    assert_eq!(theirs.sql("hotline", "SELECT 1").await.unwrap(), "1");
}

#[test]
fn a_named_server_that_does_not_answer_is_no_reason_to_start_another() {
    let said = child(
        "nowhere",
        &[("NATS_URL", "nats://127.0.0.1:1"), ("DATABASE_URL", "postgres://x@127.0.0.1:1/x")],
    );
    assert!(said.starts_with("REFUSED "), "{said}");
}
