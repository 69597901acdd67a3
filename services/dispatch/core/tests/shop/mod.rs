//! A shop in memory: an organisation of two branches, a small rule book, and
//! a ticket or two. All persons are invented.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::result_large_err, reason = "a refusal is what is tested")]

use chassis_core::{Actor, Grant, Refusal, Sealed, rehearsal::Rehearsal};
use dispatch_core::{Command, Dispatch, Proof, Reply, Report, Work};
use organisation::{Snapshot, facts};
use playbook::{Facts, ProofKind, Value};
use proto::{
    AnyEvent, Bucket, Id, Time,
    common::v1::{PlaybookRef, TicketRef},
    directory::v1 as directory,
    intake::v1 as intake,
    sla_watchdog::v1 as watchdog,
};

pub const PLAYBOOK: &str = include_str!("playbook.yaml");
pub const START: Time = Time(1_780_000_000_000_000);

/// (code, role, node, deputy)
pub const STAFF: &[(&str, &str, &str, &str)] = &[
    ("AGENT", "call-centre-agent", "G", ""),
    ("CRM", "cr-manager", "B1", "CRS"),
    ("CRS", "cr-specialist", "B1", ""),
    ("SERVICE", "service-manager", "B1", "TECH"),
    ("SALES", "sales-manager", "B1", ""),
    ("TECH", "technician", "B1", ""),
    ("GM", "gm", "B1", "SALES"),
    ("AREA", "area-manager", "A", ""),
    ("CEO", "ceo", "G", ""),
    ("CRM2", "cr-manager", "B2", ""),
    ("GM2", "gm", "B2", ""),
];

pub struct Shop {
    pub core: Rehearsal<Dispatch>,
    pub ticket: Id,
    pub cycle: u32,
    seq: u64,
}

pub fn person(code: &str) -> directory::Person {
    let (code, role, node, deputy) =
        STAFF.iter().find(|(known, ..)| *known == code).copied().unwrap_or((code, "", "", ""));
    directory::Person {
        code: code.into(),
        roles: if role.is_empty() {
            vec![]
        } else {
            vec![directory::Role { role: role.into(), node: node.into() }]
        },
        deputy: deputy.into(),
        ..Default::default()
    }
}

pub fn actor(code: &str) -> Actor {
    let grants = STAFF.iter().filter(|(known, ..)| *known == code);
    Actor::Person {
        code: code.into(),
        grants: grants
            .map(|(_, role, node, _)| Grant { role: (*role).into(), node: (*node).into() })
            .collect(),
    }
}

pub fn sealed() -> Sealed {
    Sealed::parse("s1.words").expect("it has the prefix")
}

pub fn proof(kind: ProofKind) -> Proof {
    Proof { kind, reference: "evidence/1".into(), digest: vec![7; 32] }
}

/// The gate that a refusal names.
pub fn gate<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.expect_err("it must be refused").gate
}

impl Shop {
    pub fn new() -> Shop {
        Shop::with(PLAYBOOK, &[])
    }

    /// Without some of the staff.
    pub fn without(absent: &[&str]) -> Shop {
        Shop::with(PLAYBOOK, absent)
    }

    pub fn with(playbook: &str, missing: &[&str]) -> Shop {
        // Reading a rule book is the slow part of a test: the usual one is read once.
        static USUAL: std::sync::OnceLock<Snapshot> = std::sync::OnceLock::new();
        let directory = match playbook == PLAYBOOK {
            true => USUAL.get_or_init(|| organisation(playbook)).clone(),
            false => organisation(playbook),
        };
        let seq = directory.seq();
        let mut shop = Shop { core: Rehearsal::new(directory, START), ticket: ticket_id(3), cycle: 1, seq };
        let removed_persons = missing.iter().map(|code| (*code).to_owned()).collect();
        shop.directory(directory::DirectoryChanged { removed_persons, ..Default::default() });
        shop
    }

    pub fn directory(&mut self, event: impl Into<AnyEvent>) {
        self.seq += 1;
        self.core.directory.apply(self.seq, &event.into()).expect("the directory takes it in");
    }

    pub fn change(&mut self, person: directory::Person) {
        self.directory(directory::DirectoryChanged { persons: vec![person], ..Default::default() });
    }

    /// Away from now on for ten hours.
    pub fn send_away(&mut self, code: &str) {
        let mut away = person(code);
        let now = self.core.now();
        away.absences = vec![directory::Absence { from_at: now.0, to_at: now.plus(10 * Time::HOUR).0 }];
        self.change(away);
    }

    pub fn named(&self) -> TicketRef {
        TicketRef {
            ticket_id: self.ticket.to_string(),
            number: "03-00001-1".into(),
            cycle: self.cycle,
            branch: "B1".into(),
            playbook: Some(PlaybookRef { id: "shop".into(), version: 1 }),
            case_type: "complaint".into(),
        }
    }

    pub fn opening(&self, barred: &[&str]) -> intake::TicketOpened {
        intake::TicketOpened {
            ticket: Some(self.named()),
            customer_id: ticket_id(3).to_string(),
            channel: "phone".into(),
            category: "repair".into(),
            severity: "general".into(),
            barred: barred.iter().map(|code| (*code).to_owned()).collect(),
            opened_at: self.core.now().0,
            ..Default::default()
        }
    }

    pub fn open(&mut self, barred: &[&str]) -> Vec<AnyEvent> {
        let event = self.opening(barred);
        self.core.hear(event);
        self.core.take_said()
    }

    /// Opened and acknowledged by the CR manager.
    pub fn running() -> Shop {
        let mut shop = Shop::new();
        shop.open(&[]);
        shop.acknowledge("CRM").expect("the receiver may");
        shop.core.take_said();
        shop
    }

    /// Up to the open approval of this many yuan, proposed by the service manager.
    pub fn proposed(yuan: i64) -> Shop {
        let mut shop = Shop::running();
        shop.propose(yuan);
        shop
    }

    pub fn propose(&mut self, yuan: i64) {
        self.judge();
        self.complete("SERVICE", "propose", solution(yuan)).expect("the handler may propose");
    }

    pub fn judge(&mut self) {
        if self.work().done_step("judge").is_none() {
            self.complete("CRM", "judge", judgement()).expect("the receiver may judge");
        }
    }

    pub fn reopen(&mut self) -> Vec<AnyEvent> {
        self.cycle += 1;
        let event = intake::TicketReopened {
            ticket: Some(self.named()),
            reason: "unhappy".into(),
            category: "repair".into(),
            severity: "general".into(),
            ..Default::default()
        };
        self.core.hear(event);
        self.core.take_said()
    }

    pub fn reclassify(&mut self, change: impl FnOnce(&mut intake::TicketReclassified)) -> Vec<AnyEvent> {
        let mut event = intake::TicketReclassified { ticket: Some(self.named()), ..Default::default() };
        change(&mut event);
        self.core.hear(event);
        self.core.take_said()
    }

    pub fn bar(&mut self, code: &str) -> Vec<AnyEvent> {
        self.reclassify(|event| event.barred = vec![code.into()])
    }

    pub fn escalate(&mut self, clock: &str, instance: &str, rung: u32, action: &str) -> Vec<AnyEvent> {
        let event = watchdog::EscalationRaised {
            ticket: Some(self.named()),
            clock: clock.into(),
            instance: instance.into(),
            rung,
            role: "gm".into(),
            action: action.into(),
            ..Default::default()
        };
        self.core.hear(event);
        self.core.take_said()
    }

    pub fn command(&mut self, actor: &Actor, command: &Command) -> Result<Reply, Refusal> {
        self.core.command(actor, self.ticket.shard(), command)
    }

    pub fn acknowledge(&mut self, who: &str) -> Result<Reply, Refusal> {
        let command = Command::Acknowledge { ticket: self.ticket, cycle: self.cycle };
        self.command(&actor(who), &command)
    }

    pub fn refuse(&mut self, who: &str, reason: &str) -> Result<Reply, Refusal> {
        let command = Command::Refuse {
            ticket: self.ticket,
            cycle: self.cycle,
            reason: reason.into(),
            text: Some(sealed()),
        };
        self.command(&actor(who), &command)
    }

    pub fn complete(&mut self, who: &str, step: &str, report: Report) -> Result<Reply, Refusal> {
        let command =
            Command::CompleteStep { ticket: self.ticket, cycle: self.cycle, step: step.into(), report };
        self.command(&actor(who), &command)
    }

    pub fn assign(&mut self, who: &str, step: &str, to: &str) -> Result<Reply, Refusal> {
        let command =
            Command::Assign { ticket: self.ticket, cycle: self.cycle, step: step.into(), person: to.into() };
        self.command(&actor(who), &command)
    }

    /// Decides the stage whose turn it is.
    pub fn decide(&mut self, who: &str, approved: bool) -> Result<Reply, Refusal> {
        let work = self.work();
        let approval = work.approval_of("approve").expect("an approval was asked");
        self.decide_stage(who, approval.id, approval.turn(), approved)
    }

    pub fn decide_stage(
        &mut self,
        who: &str,
        approval: Id,
        stage: u32,
        approved: bool,
    ) -> Result<Reply, Refusal> {
        let command = Command::DecideApproval {
            ticket: self.ticket,
            cycle: self.cycle,
            approval,
            stage,
            approved,
            text: Some(sealed()),
            verbal_by: None,
        };
        self.command(&actor(who), &command)
    }

    pub fn work(&self) -> Work {
        self.core.get(self.ticket).expect("the order is there")
    }

    pub fn assignee(&self, step: &str) -> Option<String> {
        self.work().open.get(step).unwrap_or_else(|| panic!("{step} is open")).assignee.clone()
    }

    pub fn approver(&self) -> Option<String> {
        let work = self.work();
        work.approval_of("approve").and_then(|a| a.stage()).and_then(|stage| stage.approver.clone())
    }

    pub fn names(&mut self) -> Vec<&'static str> {
        self.core.take_said().iter().map(name).collect()
    }

    /// From an approved solution to the end.
    pub fn finish(&mut self) {
        self.complete("SERVICE", "repair", photo()).expect("the handler may repair");
        self.complete("CRM", "inspect", inspection("passed")).expect("the CR manager may inspect");
        self.complete("CRS", "tell", Report::default()).expect("the follower may tell");
        self.complete("AGENT", "note", Report::default()).expect("the agent may note");
    }
}

fn organisation(playbook: &str) -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.apply(1, &changed().into()).expect("the directory takes it in");
    snapshot.apply(2, &activated(playbook).into()).expect("the directory takes it in");
    snapshot
}

/// The whole organisation as the directory says it.
pub fn changed() -> directory::DirectoryChanged {
    let node = |code: &str, parent: &str, level: &str| directory::Node {
        code: code.into(),
        parent: parent.into(),
        level: level.into(),
        ..Default::default()
    };
    directory::DirectoryChanged {
        nodes: vec![
            node("G", "", "group"),
            node("A", "G", "area"),
            node("B1", "A", "branch"),
            node("B2", "A", "branch"),
        ],
        persons: STAFF.iter().map(|(code, ..)| person(code)).collect(),
        ..Default::default()
    }
}

pub fn activated(playbook: &str) -> directory::PlaybookActivated {
    let files = vec![directory::DocumentFile { path: "playbook.yaml".into(), text: playbook.into() }];
    directory::PlaybookActivated { id: "shop".into(), version: 1, files }
}

pub fn ticket_id(number: u8) -> Id {
    Id::mint(START, Bucket::of_hash(number.into()), [number; 9])
}

pub fn judgement() -> Report {
    Report {
        facts: Facts::new().with("grounds", Value::Bool(true)),
        sealed: [("findings".to_owned(), sealed())].into(),
        ..Report::default()
    }
}

pub fn solution(yuan: i64) -> Report {
    Report {
        facts: Facts::new().with("amount", Value::money("CNY", yuan * 100)),
        sealed: [("solution".to_owned(), sealed())].into(),
        ..Report::default()
    }
}

pub fn photo() -> Report {
    Report { proofs: vec![proof(ProofKind::Photo)], ..Report::default() }
}

pub fn inspection(result: &str) -> Report {
    Report { facts: Facts::new().with("inspection", Value::code(result)), ..Report::default() }
}

pub fn name(event: &AnyEvent) -> &'static str {
    match event {
        AnyEvent::WorkDispatched(_) => "dispatched",
        AnyEvent::WorkAcknowledged(_) => "acknowledged",
        AnyEvent::WorkRefused(_) => "refused",
        AnyEvent::WorkAssigned(_) => "assigned",
        AnyEvent::WorkStepReady(_) => "ready",
        AnyEvent::WorkStepDone(_) => "done",
        AnyEvent::WorkWithdrawn(_) => "withdrawn",
        AnyEvent::WorkCompleted(_) => "completed",
        AnyEvent::ApprovalAsked(_) => "asked",
        AnyEvent::ApprovalDecided(_) => "decided",
        other => panic!("dispatch does not say {other:?}"),
    }
}

pub fn fact(event: &proto::dispatch::v1::WorkStepDone, name: &str) -> Option<Value> {
    facts::from_proto(&event.facts).get(name).cloned()
}
