//! The console, in a browser: each role's day in both languages, and what must not be possible.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use hotline::client::request_id;
use proto::{
    Time,
    directory::v1::{ActivatePlaybookRequest, DocumentFile, ImportRecordsRequest, PersonRecord, Role},
    reporting::v1::{GetFiguresRequest, ListFigureCasesRequest, ListTicketsRequest},
};
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

const RULE_BOOK: &str = include_str!("../../deploy/playbooks/dealer-group/playbook.yaml");

/// The dealer group's rule book with what it does not use itself: more time, spoken approvals, duties.
fn rule_book() -> String {
    let duty = |id: &str, zh: &str, en: &str| {
        format!(
            "  {id}:\n    name: {{ zh: {zh}, en: {en} }}\n    role: cr-specialist\n    recurs: FREQ=DAILY\n    \
             due: end of shift\n    proof: list\n    tell_late: [cr-manager]\n"
        )
    };
    let changes = [
        ("version: 1\n", "version: 2\n".to_owned()),
        (
            "    stage_limit: approval_limit\n",
            "    stage_limit: approval_limit\n    verbal:\n      paper_within: 1 working day\n      ladder:\n        \
             - { after: 0, tell: [gm] }\n"
                .to_owned(),
        ),
        (
            "    warn: [{ share: 75, tell: [holder] }]\n",
            "    warn: [{ share: 75, tell: [holder] }]\n    extension: { ask: [cr-manager], approve: gm, by_at_most: \
             2 working days, times: 1 }\n"
                .to_owned(),
        ),
        (
            "figures:\n  opened:",
            format!(
                "duties:\n{}{}figures:\n  opened:",
                duty("count_keys", "清点备用钥匙", "count the spare keys"),
                duty("check_phones", "检查录音电话", "check the recorded telephones")
            ),
        ),
    ];
    changes.iter().fold(RULE_BOOK.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the rule book has no `{from}`");
        text.replacen(from, to, 1)
    })
}

async fn activate(system: &System, text: String) {
    let files = vec![DocumentFile { path: "playbook.yaml".to_owned(), text }];
    let request = ActivatePlaybookRequest { request_id: request_id(), files };
    let active = system.connection.directory(&system.system()).activate_playbook(request).await;
    active.unwrap_or_else(|status| panic!("{}", hotline::client::explain(&status)));
}

/// Branches open and their duties with them. Whether the almanac had read the rule book before the clock moved nobody can
/// see, so the clock moves until it has; then everybody knows the second version.
async fn both_duties_are_open(system: &System) {
    for _ in 0..5 {
        system.advance(24 * Time::HOUR).await;
        for _ in 0..40 {
            let mut reporting = system.connection.reporting(&system.actor("SF-E01-CRS"));
            let ask = ListTicketsRequest { state: "open".to_owned(), ..Default::default() };
            if reporting.list_tickets(ask).await.is_ok_and(|page| page.into_inner().rows.len() >= 2) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
    }
    panic!("no duty was opened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_house_is_kept_in_order() {
    let Some(browser) = Browser::find() else { return };
    let system = System::start().await;
    activate(&system, rule_book()).await;
    // To the hours in which branches are open.
    system.advance(9 * Time::HOUR).await;
    both_duties_are_open(&system).await;
    let judge = async |of: u8| {
        let case = Case::open(&system, complaint(of)).await;
        case.acknowledge(&case.at_branch("CRM")).await.expect("taken over");
        case
    };
    let (judge_zh, judge_en) = (judge(1).await, judge(2).await);
    let (approve_zh, approve_en) = (to_approve(&system, 3).await, to_approve(&system, 4).await);
    let variables = [
        ("TO_JUDGE_ZH", judge_zh.id.as_str()),
        ("TO_JUDGE_EN", &judge_en.id),
        ("TO_APPROVE_ZH", &approve_zh.id),
        ("TO_APPROVE_EN", &approve_en.id),
    ];
    let child = browser.run("house.mjs", &system, &variables);
    let ended =
        tokio::task::spawn_blocking(move || child.wait_with_output()).await.expect("it is waited for");
    let ended = ended.expect("node ends");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("en: in order"), "{said}");
    // What the browser showed as done is done.
    let extended = async |case: &Case<'_>| {
        let clocks = case.clocks().await;
        let states = clocks.iter().flat_map(|clock| &clock.extensions).map(|one| one.state.clone());
        states.collect::<Vec<_>>()
    };
    assert_eq!(extended(&judge_zh).await, ["refused"]);
    assert_eq!(extended(&judge_en).await, ["granted"]);
    let paper = async |case: &Case<'_>| case.work().await.approvals[0].stages[0].paper.clone();
    assert_eq!(paper(&approve_zh).await, "confirmed");
    assert_eq!(paper(&approve_en).await, "denied");
    figures_are_made_of_their_cases(&system).await;
    system.must_be_whole().await;
    system.stop().await;
}

/// Whatever a figure counts can be listed, group by group and page by page, and nothing else.
async fn figures_are_made_of_their_cases(system: &System) {
    let mut reporting = system.connection.reporting(&system.actor("QH-CCS"));
    let ask = GetFiguresRequest { period: "weekly".to_owned(), at: system.now().0, ..Default::default() };
    let figures = reporting.get_figures(ask).await.expect("figures").into_inner().figures;
    let mut counted = 0;
    for figure in figures.iter().filter(|figure| figure.by != "row" && !figure.figure.ends_with(".p90")) {
        let mut ask = ListFigureCasesRequest {
            period: "weekly".to_owned(),
            at: system.now().0,
            figure: figure.figure.clone(),
            by: figure.by.clone(),
            key: figure.key.clone(),
            limit: 3,
            ..Default::default()
        };
        let (mut values, mut tickets) = (0, std::collections::BTreeSet::new());
        loop {
            let page = reporting.list_figure_cases(ask.clone()).await.expect("listed").into_inner();
            for case in &page.cases {
                let ticket = case.row.as_ref().and_then(|row| row.ticket.clone()).expect("a case");
                assert!(tickets.insert(ticket.ticket_id), "a case comes twice: {figure:?}");
                values += case.value;
            }
            if page.next.is_empty() {
                break;
            }
            ask.after = page.next;
        }
        if figure.unit == "count" {
            assert_eq!(values, figure.value, "{figure:?}");
        } else {
            assert!(
                tickets.len() as u64 <= figure.cases && tickets.is_empty() == (figure.cases == 0),
                "{figure:?}"
            );
        }
        counted += tickets.len();
    }
    assert!(counted > 0, "a test of nothing");
}
