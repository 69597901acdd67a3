//! A major complaint through the dealer group's own rule book, from hand-off to seal.

use std::collections::BTreeMap;

use chassis_core::{Actor, Grant, Sealed, rehearsal::Rehearsal};
use dispatch_core::{Command, Dispatch, Proof, Reply, Report, Work, outline, read_field, step_rule};
use organisation::Snapshot;
use playbook::{Facts, FieldKind, ProofKind};
use proto::{
    AnyEvent, Bucket, Id, Time, common::v1 as common, directory::v1 as directory, intake::v1 as intake,
};

const TEXT: &str = include_str!("../../../../deploy/playbooks/dealer-group/playbook.yaml");
const START: Time = Time(1_780_000_000_000_000);
const STAFF: &[(&str, &str)] = &[
    ("call-centre-agent", "G"),
    ("cr-specialist", "B"),
    ("cr-manager", "B"),
    ("receptionist", "B"),
    ("service-manager", "B"),
    ("sales-manager", "B"),
    ("crisis-team", "B"),
    ("gm", "B"),
    ("area-manager", "A"),
    ("brand-division", "D"),
    ("legal", "G"),
    ("operations-vp", "G"),
    ("ceo", "G"),
];

fn snapshot() -> Snapshot {
    let node = |code: &str, parent: &str, level: &str| directory::Node {
        code: code.into(),
        parent: parent.into(),
        level: level.into(),
        ..Default::default()
    };
    let person = |(role, node): &(&str, &str)| directory::Person {
        // One person per role, called by it.
        code: (*role).into(),
        roles: vec![directory::Role { role: (*role).into(), node: (*node).into() }],
        ..Default::default()
    };
    let changed = directory::DirectoryChanged {
        nodes: vec![
            node("G", "", "group"),
            node("D", "G", "division"),
            node("A", "D", "area"),
            node("B", "A", "branch"),
        ],
        persons: STAFF.iter().map(person).collect(),
        ..Default::default()
    };
    let files = vec![directory::DocumentFile { path: "playbook.yaml".into(), text: TEXT.into() }];
    let active = directory::PlaybookActivated { id: "dealer-group".into(), version: 1, files };
    let mut snapshot = Snapshot::default();
    snapshot.apply(1, &AnyEvent::DirectoryChanged(changed)).unwrap();
    snapshot.apply(2, &AnyEvent::PlaybookActivated(active)).unwrap();
    snapshot
}

fn actor(role: &str) -> Actor {
    let node = STAFF.iter().find(|(known, _)| *known == role).expect("somebody of the staff").1;
    Actor::Person { code: role.into(), grants: vec![Grant { role: role.into(), node: node.into() }] }
}

fn ticket() -> Id {
    Id::mint(START, Bucket::of_hash(5), [5; 9])
}

fn open(core: &mut Rehearsal<Dispatch>, severity: &str) {
    core.hear(intake::TicketOpened {
        ticket: Some(common::TicketRef {
            ticket_id: ticket().to_string(),
            number: "01-00001-1".into(),
            cycle: 1,
            branch: "B".into(),
            playbook: Some(common::PlaybookRef { id: "dealer-group".into(), version: 1 }),
            case_type: "complaint".into(),
        }),
        category: "repair_quality".into(),
        severity: severity.into(),
        channel: "phone".into(),
        opened_at: START.0,
        facts: organisation::facts::to_proto(
            &Facts::new().with("source", playbook::Value::code("call_centre")),
        ),
        ..Default::default()
    });
}

/// Fills every field of a step, as a benevolent doer would.
fn filled(work: &Work, directory: &Snapshot, step: &str) -> Report {
    let rule = step_rule(work, directory, step).unwrap();
    let mut report = Report::default();
    for field in &rule.fields {
        if field.personal {
            report.sealed.insert(field.name.clone(), Sealed::parse("s1.x").unwrap());
            continue;
        }
        let text = match &field.kind {
            FieldKind::Bool => "true",
            FieldKind::Money => "20000",
            FieldKind::Date => "2026-08-01",
            FieldKind::Choice(choices) => choices.first().unwrap().code.as_str(),
            other => panic!("no filling for {other:?}"),
        };
        report.facts.absorb(read_field(field, text, "CNY", None).unwrap().into_iter().collect());
    }
    let proofs = rule.proofs.iter().map(|proof| Proof {
        kind: proof.any_of.first().copied().unwrap_or(ProofKind::Photo),
        reference: "evidence/1".into(),
        digest: vec![1; 32],
    });
    report.proofs = proofs.collect();
    report
}

#[test]
fn a_major_complaint_is_worked_off_by_the_roles_the_rules_name() {
    let mut core = Rehearsal::<Dispatch>::new(snapshot(), START);
    open(&mut core, "major");
    let (ticket, cycle) = (ticket(), 1);
    core.command(&actor("cr-manager"), ticket.shard(), &Command::Acknowledge { ticket, cycle }).unwrap();
    let mut doers: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..40 {
        let work: Work = core.get(ticket).unwrap();
        let Some((step, open)) = work.open.iter().next() else { break };
        let command = match open.approval {
            None => {
                doers.insert(step.clone(), open.assignee.clone().expect("every role has its holder"));
                let report = filled(&work, &core.directory, step);
                Command::CompleteStep { ticket, cycle, step: step.clone(), report }
            }
            Some(approval) => Command::DecideApproval {
                ticket,
                cycle,
                approval,
                stage: work.approval(approval).unwrap().turn(),
                approved: true,
                text: None,
                verbal_by: None,
            },
        };
        let asked = open.approval.and_then(|id| work.approval(id)?.stage()?.approver.clone());
        let who = open.assignee.clone().or(asked).expect("somebody has it");
        let reply = core.command(&actor(&who), ticket.shard(), &command).unwrap();
        assert!(matches!(reply, Reply::Ready { .. } | Reply::Decided { .. }));
    }
    let work: Work = core.get(ticket).unwrap();
    assert_eq!(work.state.code(), "sealed", "{:?}", work.open);
    let approval = work.approval_of("approve_solution").unwrap();
    assert_eq!(
        approval.deciders().collect::<Vec<_>>(),
        ["gm", "area-manager"],
        "20,000 yuan take two (DG-18)"
    );
    for (step, role) in [
        ("judge", "cr-manager"),
        ("crisis_meeting", "gm"),
        ("prewarn", "cr-manager"),
        ("report_up", "brand-division"),
        ("propose", "service-manager"),
        ("tell_customer", "cr-specialist"),
        ("carry_out", "service-manager"),
        ("feedback", "cr-manager"),
        ("check_improvement", "gm"),
    ] {
        assert_eq!(doers.get(step).map(String::as_str), Some(role), "{step}");
    }
    let lines = outline(&work, &core.directory).unwrap();
    assert!(lines.iter().all(|line| ["done", "skipped"].contains(&line.standing.code())));
    let marks: Vec<String> = core
        .take_said()
        .into_iter()
        .filter_map(|event| match event {
            AnyEvent::WorkStepDone(done) => Some(done.marks),
            _ => None,
        })
        .flatten()
        .collect();
    for mark in ["answered", "resolved", "told"] {
        assert!(marks.iter().any(|said| said == mark), "{mark} is on record (P4)");
    }
}

#[test]
fn a_case_judged_major_needs_its_meeting_from_that_moment() {
    let mut core = Rehearsal::<Dispatch>::new(snapshot(), START);
    open(&mut core, "general");
    let (ticket, cycle) = (ticket(), 1);
    core.command(&actor("cr-manager"), ticket.shard(), &Command::Acknowledge { ticket, cycle }).unwrap();
    let work: Work = core.get(ticket).unwrap();
    let mut report = filled(&work, &core.directory, "judge");
    report.facts.set("judged_nature", playbook::Value::code("major"));
    let judge = Command::CompleteStep { ticket, cycle, step: "judge".into(), report };
    let Reply::Ready { steps } = core.command(&actor("cr-manager"), ticket.shard(), &judge).unwrap() else {
        panic!("steps are ready")
    };
    assert!(
        steps.contains(&"crisis_meeting".to_owned()) && !steps.contains(&"propose".to_owned()),
        "{steps:?}"
    );
}
