//! The console, in a browser: each role's day in both languages, and what must not be possible.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use hotline::client::request_id;
use proto::directory::v1::{ImportRecordsRequest, PersonRecord, Role};
use tests::{
    Case, System, desk,
    forms::{self, Fields},
};

/// The browser and what drives it; `None`: said why, and skipped.
struct Browser {
    chromium: String,
    tools: String,
}

impl Browser {
    fn find() -> Option<Browser> {
        let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let found = named("CHROMIUM").zip(named("BROWSER_TOOLS"));
        if found.is_none() {
            let said =
                "CHROMIUM and BROWSER_TOOLS name no browser (`cargo xtask test` finds or installs one)";
            assert!(std::env::var_os("CI").is_none(), "{said}");
            eprintln!("SKIPPED: {said}");
        }
        found.map(|(chromium, tools)| Browser { chromium, tools })
    }

    fn run(&self, script: &str, system: &System, variables: &[(&str, &str)]) -> Child {
        let address = format!("http://localhost:{}", system.config.console_address().port());
        Command::new("node")
            .arg(format!("{}/browser/{script}", env!("CARGO_MANIFEST_DIR")))
            .env("CHROMIUM", &self.chromium)
            .env("BROWSER_TOOLS", &self.tools)
            .env("CONSOLE", address)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs")
    }
}

/// A complaint of somebody's own: the same customer again would be a repeat, and so a major one.
fn complaint(of: u8) -> Fields {
    let mut form = forms::complaint();
    form.insert("phone".to_owned(), format!("1380000200{of}"));
    form.insert("plate".to_owned(), format!("沪B2000{of}"));
    form
}

/// A case whose solution waits for the general manager.
async fn to_approve(system: &System, of: u8) -> Case<'_> {
    let case = Case::open(system, complaint(of)).await;
    case.proposed("800").await.expect("proposed");
    case
}

/// A case whose customer is to be called.
async fn to_call(system: &System, of: u8) -> Case<'_> {
    let case = to_approve(system, of).await;
    assert!(case.decide(&case.at_branch("GM"), 1, "approved").await.expect("approved"));
    case.carried_out().await.expect("carried out");
    case
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_walks_through_its_day_in_both_languages() {
    let Some(browser) = Browser::find() else { return };
    let system = System::start().await;
    let (approve_zh, approve_en) = (to_approve(&system, 1).await, to_approve(&system, 2).await);
    let (call_zh, call_en) = (to_call(&system, 3).await, to_call(&system, 4).await);
    let variables = [
        ("TO_APPROVE_ZH", approve_zh.number.as_str()),
        ("TO_APPROVE_EN", &approve_en.number),
        ("TO_CALL_ZH", &call_zh.number),
        ("TO_CALL_EN", &call_en.number),
    ];
    let child = browser.run("days.mjs", &system, &variables);
    let ended =
        tokio::task::spawn_blocking(move || child.wait_with_output()).await.expect("it is waited for");
    let ended = ended.expect("node ends");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("en: walked"), "{said}");
    // What the browser showed as done is done.
    for case in [&approve_zh, &approve_en] {
        assert_eq!(case.work().await.approvals[0].state, "approved");
    }
    for case in [&call_zh, &call_en] {
        assert!(case.follow_ups().await.iter().any(|call| call.state == "recorded"));
    }
    system.must_be_whole().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intruders_are_turned_away() {
    let Some(browser) = Browser::find() else { return };
    let system = System::start().await;
    let own = Case::open(&system, complaint(5)).await;
    let foreign = Case::take(&system, desk::opening("SF-N01", complaint(6))).await.expect("opened");
    let variables = [("OWN", own.id.as_str()), ("FOREIGN", &foreign.id), ("FOREIGN_NUMBER", &foreign.number)];
    let mut child = browser.run("intruder.mjs", &system, &variables);
    let (mut said, mut answer) =
        (BufReader::new(child.stdout.take().expect("piped")), child.stdin.take().expect("piped"));
    let (said, line) = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        said.read_line(&mut line).expect("it speaks");
        (said, line)
    })
    .await
    .expect("it is heard");
    assert_eq!(line.trim(), "READY TO DISABLE");
    disable(&system, "SF-E01-CRM").await;
    writeln!(answer, "disabled").expect("it hears");
    let status = tokio::task::spawn_blocking(move || child.wait()).await.expect("waited").expect("it ends");
    let rest: Vec<String> = said.lines().map_while(Result::ok).collect();
    assert!(status.success() && rest.iter().any(|line| line == "REFUSED"), "{rest:?}");
    assert_ne!(own.work().await.state, "acknowledged", "nothing that was refused was done");
    system.must_be_whole().await;
    system.stop().await;
}

async fn disable(system: &System, person: &str) {
    let role = |role: &str| Role { role: role.to_owned(), node: "SF-E01".to_owned() };
    let record = PersonRecord {
        place: "test:1".to_owned(),
        code: person.to_owned(),
        name: "示例".to_owned(),
        roles: vec![role("cr-manager"), role("crisis-team")],
        deputy: "SF-E01-CRS".to_owned(),
        disabled: true,
        ..PersonRecord::default()
    };
    let request =
        ImportRecordsRequest { request_id: request_id(), persons: vec![record], ..Default::default() };
    let done = system.connection.directory(&system.system()).import_records(request).await;
    let done = done.expect("imported").into_inner();
    assert!(done.bad.is_empty() && done.persons == 1, "{done:?}");
}
