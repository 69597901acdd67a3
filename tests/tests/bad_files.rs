//! Files that do not fit: a broken rule book, tables with bad rows, a table in an unknown encoding.

use std::{collections::BTreeMap, path::Path, process::Command};

use hotline::client::request_id;
use proto::directory::v1::{ActivatePlaybookRequest, DocumentFile};
use tests::{Case, Refused, System, forms};
use tonic::Code;

use crate::bad_input::all_goes_on;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_rule_book_leaves_the_old_one_in_force() {
    let system = System::start().await;
    let book = include_str!("../../deploy/playbooks/dealer-group/playbook.yaml");
    let next = book.replace("version: 1\n", "version: 2\n");
    let directory = system.connection.directory(&system.system());
    for (broken, named) in [
        (next.replace("receiver: cr-manager", "receiver: nobody-at-all"), "nobody-at-all"),
        (next.replace("limit: 24h\n", "limit: tomorrowish\n"), "tomorrowish"),
        (next.replacen("types:\n", "types: [\n", 1), "playbook.yaml"),
        (String::new(), "playbook"),
    ] {
        let file = DocumentFile { path: "playbook.yaml".to_owned(), text: broken };
        let request = ActivatePlaybookRequest { request_id: request_id(), files: vec![file] };
        let refused =
            Refused::in_both(request, async |ask| directory.clone().activate_playbook(ask).await).await;
        assert!(matches!(refused.code(), Code::InvalidArgument | Code::FailedPrecondition), "{refused:?}");
        let said = format!("{} {}", refused.fields().join(" "), refused.text());
        assert!(said.contains(named), "it says what is wrong: {said}");
    }
    let case = Case::open(&system, forms::complaint()).await;
    let version = case.ticket().await.r#ref.and_then(|named| named.playbook).map(|book| book.version);
    assert_eq!(version, Some(1));
    all_goes_on(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_rows_of_a_table_are_reported_and_good_ones_kept() {
    let system = System::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut lines = sample(4);
    lines[2] = lines[2].replace("NP-S03", "NO-SUCH-BRANCH");
    let (mixed, bad) = (folder.path().join("mixed.csv"), folder.path().join("bad.csv"));
    std::fs::write(&mixed, lines.join("\n")).expect("written");
    let (passed, said) = import(&system, &mixed, &["--bad", &bad.display().to_string()]).await;
    assert!(!passed, "a bad row is not passed over in silence");
    assert!(said.contains("3 rows: 2 opened") && said.contains("1 bad"), "{said}");
    assert!(said.contains("line 3") && said.contains("NO-SUCH-BRANCH"), "{said}");

    // What was bad can be put right and taken in by itself: nothing is lost.
    let reported = std::fs::read_to_string(&bad).expect("the bad rows with their reasons");
    assert!(reported.contains("import_reason_zh") && reported.contains("import_reason_en"), "{reported}");
    std::fs::write(&bad, reported.replace("NO-SUCH-BRANCH", "NP-S03")).expect("put right");
    let (passed, said) = import(&system, &bad, &[]).await;
    assert!(passed && said.contains("1 rows: 1 opened"), "{said}");
    all_goes_on(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_in_an_unknown_encoding_opens_nothing_and_says_what_to_do() {
    let system = System::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let garbled = folder.path().join("garbled.csv");
    // Good lines first: a table is read as a whole or not at all.
    let mut bytes = sample(3).join("\n").into_bytes();
    bytes.extend([0x0a, 0xff, 0xff, 0x81, 0x0a]);
    for (bytes, line) in [(bytes, "line 4"), (vec![0xff, 0xfe, 0x00, 0x81, 0x0a, 0x00, 0xff], "line 2")] {
        std::fs::write(&garbled, bytes).expect("written");
        let (passed, said) = import(&system, &garbled, &[]).await;
        assert!(!passed && !said.contains("panicked"), "{said}");
        assert!(
            said.contains("save it as UTF-8") && said.contains("另存为 UTF-8"),
            "it says what to do: {said}"
        );
        assert!(said.contains(line), "{said}");
    }
    let opened = system.events().await;
    let opened =
        opened.iter().filter(|event| matches!(event.event, proto::AnyEvent::TicketOpened(_))).count();
    assert_eq!(opened, 0);
    all_goes_on(system).await;
}

/// The first lines of the sample day, its headings among them.
fn sample(lines: usize) -> Vec<String> {
    let day = std::fs::read_to_string(format!("{ROOT}/deploy/demo/complaints.csv")).expect("the sample day");
    day.lines().take(lines).map(str::to_owned).collect()
}

/// As people call it: the program itself.
async fn import(system: &System, file: &Path, more: &[&str]) -> (bool, String) {
    let mut command = Command::new(tests::replicas::program().expect("the program is built"));
    command.arg("import").arg(file).args(["--mapping", &format!("{ROOT}/deploy/imports/demo-day.yaml")]);
    command.args(more);
    let variables: BTreeMap<_, _> = system.variables().iter().cloned().collect();
    command.envs(variables);
    let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("it runs");
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.success(), String::from_utf8_lossy(&said).into_owned())
}
