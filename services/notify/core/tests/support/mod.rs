//! A group with one division and two branches, and a case that can be told what happened.

#![allow(dead_code, reason = "each test file uses a part of it")]

use chassis_core::{Actor, Refusal, Sealed, rehearsal::Rehearsal};
use notify_core::{Command, Notice, Notify, Outcome, Report};
use organisation::Snapshot;
use playbook::{Facts, Lang};
use proto::{
    AnyEvent, Bucket, Event, Id, Shard, Time,
    common::v1::{PlaybookRef, TicketRef},
    directory::v1 as directory,
    dispatch::v1 as work,
    intake::v1 as register,
    notify::v1 as said,
    sla_watchdog::v1 as chase,
};

/// Monday 2 March 2026, 10:00 in Shanghai.
pub const MONDAY_10: Time = Time(1_772_416_800_000_000);

pub struct House {
    pub rehearsal: Rehearsal<Notify>,
    pub ticket: Id,
    pub cycle: u32,
    playbook: PlaybookRef,
}

fn node(code: &str, parent: &str, level: &str, name: &str) -> directory::Node {
    directory::Node {
        code: code.into(),
        parent: parent.into(),
        level: level.into(),
        name: name.into(),
        zone: "Asia/Shanghai".into(),
        calendar: if level == "group" { "shop".into() } else { String::new() },
        ..Default::default()
    }
}

fn person(code: &str, role: &str, at: &str) -> directory::Person {
    let roles = vec![directory::Role { role: role.into(), node: at.into() }];
    directory::Person { code: code.into(), roles, ..Default::default() }
}

pub fn group() -> Snapshot {
    group_with("shop", 1, include_str!("playbook.yaml"))
}

/// The group under another rule book.
pub fn group_with(playbook: &str, version: u32, text: &str) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for (seq, entry) in entries(playbook, version, text).iter().enumerate() {
        snapshot.apply(seq as u64 + 1, entry).unwrap_or_else(|problem| panic!("{problem}"));
    }
    snapshot
}

/// What the directory says of the group.
pub fn entries(playbook: &str, version: u32, text: &str) -> Vec<AnyEvent> {
    let mut away = person("gm", "gm", "B1");
    away.deputy = "deputy".into();
    away.absences = vec![directory::Absence {
        from_at: MONDAY_10.plus(100 * Time::HOUR).0,
        to_at: MONDAY_10.plus(200 * Time::HOUR).0,
    }];
    let people = directory::DirectoryChanged {
        nodes: vec![
            node("G", "", "group", "集团"),
            node("D", "G", "division", "品牌事业部"),
            node("B1", "D", "branch", "一号店"),
            node("B2", "D", "branch", "二号店"),
        ],
        persons: vec![
            person("cr", "cr-manager", "B1"),
            person("spec", "cr-specialist", "B1"),
            person("svc", "service-manager", "B1"),
            away,
            person("deputy", "cr-specialist", "B2"),
            person("brand", "brand-division", "D"),
            person("law1", "legal", "G"),
            person("law2", "legal", "G"),
            person("chief", "ceo", "G"),
            person("vp", "operations-vp", "G"),
            person("super", "call-centre-supervisor", "G"),
            person("sales", "sales-manager", "B1"),
            person("agent", "call-centre-agent", "G"),
            person("rehearsal", "call-centre-agent", "G"),
        ],
        ..Default::default()
    };
    let book = directory::PlaybookActivated {
        id: playbook.into(),
        version,
        files: vec![directory::DocumentFile { path: "playbook.yaml".into(), text: text.to_owned() }],
    };
    let source =
        "id: shop\nversion: 1\nzone: Asia/Shanghai\nweek:\n  weekdays: [\"08:30-12:00\", \"13:00-17:30\"]\n"
            .to_owned();
    let calendar = directory::CalendarActivated { id: "shop".into(), version: 1, source };
    vec![people.into(), calendar.into(), book.into()]
}

pub fn executor() -> Actor {
    let grants = vec![chassis_core::Grant { role: "service".into(), node: "*".into() }];
    Actor::System { code: "notify".into(), grants }
}

impl Default for House {
    fn default() -> Self {
        House::new()
    }
}

impl House {
    pub fn new() -> House {
        House::under("shop", 1, group())
    }

    pub fn under(playbook: &str, version: u32, directory: Snapshot) -> House {
        let bucket = Bucket::first_of(Shard::new(5).expect("there are sixteen"));
        let ticket = Id::mint(MONDAY_10, bucket, [7; 9]);
        let playbook = PlaybookRef { id: playbook.into(), version };
        House { rehearsal: Rehearsal::new(directory, MONDAY_10), ticket, cycle: 1, playbook }
    }

    /// A general complaint just opened; nobody was told of that.
    pub fn opened() -> House {
        let mut house = House::new();
        house.open("general", Facts::new(), &[]);
        house
    }

    pub fn ticket_ref(&self) -> TicketRef {
        TicketRef {
            ticket_id: self.ticket.to_string(),
            number: "05-00001-8".into(),
            cycle: self.cycle,
            branch: "B1".into(),
            playbook: Some(self.playbook.clone()),
            case_type: "complaint".into(),
        }
    }

    pub fn open(&mut self, severity: &str, facts: Facts, barred: &[&str]) {
        let reasons = if severity == "major" {
            vec!["door_blocked".to_owned(), "repeat".to_owned()]
        } else {
            Vec::new()
        };
        self.rehearsal.hear(register::TicketOpened {
            ticket: Some(self.ticket_ref()),
            category: "quality".into(),
            severity: severity.into(),
            reasons,
            channel: "phone".into(),
            barred: barred.iter().map(|b| (*b).to_owned()).collect(),
            facts: organisation::facts::to_proto(&facts),
            opened_at: self.rehearsal.now().0,
            ..Default::default()
        });
    }

    pub fn bar(&mut self, person: &str) {
        self.rehearsal.hear(register::TicketReclassified {
            ticket: Some(self.ticket_ref()),
            severity: "general".into(),
            barred: vec![person.to_owned()],
            ..Default::default()
        });
    }

    pub fn reopen(&mut self) {
        self.cycle += 1;
        self.rehearsal
            .hear(register::TicketReopened { ticket: Some(self.ticket_ref()), ..Default::default() });
    }

    pub fn dispatch(&mut self) {
        self.dispatch_to("cr", 1);
    }

    /// A hand-off to somebody; to nobody yet, if empty.
    pub fn dispatch_to(&mut self, assignee: &str, hand_off: u32) {
        self.rehearsal.hear(work::WorkDispatched {
            ticket: Some(self.ticket_ref()),
            role: "cr-manager".into(),
            assignee: assignee.into(),
            hand_off,
            ..Default::default()
        });
    }

    /// Somebody gets a step; with none named, the hand-off.
    pub fn assign(&mut self, step: &str, assignee: &str) {
        self.rehearsal.hear(work::WorkAssigned {
            ticket: Some(self.ticket_ref()),
            step: step.into(),
            assignee: assignee.into(),
            ..Default::default()
        });
    }

    /// A step finds out who is responsible, and bars him.
    pub fn step_bars(&mut self, step: &str, person: &str) {
        self.rehearsal.hear(work::WorkStepDone {
            ticket: Some(self.ticket_ref()),
            step: step.into(),
            barred: vec![person.to_owned()],
            ..Default::default()
        });
    }

    pub fn escalate(&mut self, rung: u32, told: &[&str]) -> chase::EscalationRaised {
        chase::EscalationRaised {
            ticket: Some(self.ticket_ref()),
            clock: "feedback_24h".into(),
            rung,
            role: "gm".into(),
            told: told.iter().map(|t| (*t).to_owned()).collect(),
            due_at: MONDAY_10.plus(24 * Time::HOUR).0,
            ..Default::default()
        }
    }

    /// `rule -> recipient (channel)` of what was queued, `... failed: reason` of what was not.
    pub fn said(&mut self) -> Vec<String> {
        self.rehearsal.take_said().iter().map(word).collect()
    }

    /// The notices queued since the last look.
    pub fn queued(&mut self) -> Vec<Notice> {
        let said = self.rehearsal.take_said();
        let ids = said.iter().filter_map(|event| match event {
            AnyEvent::NoticeQueued(e) => e.notice_id.parse::<Id>().ok(),
            _ => None,
        });
        ids.map(|id| self.notice(id)).collect()
    }

    /// The one notice queued since the last look.
    pub fn only(&mut self) -> Notice {
        let mut queued = self.queued();
        assert_eq!(queued.len(), 1, "{queued:?}");
        queued.remove(0)
    }

    pub fn notice(&self, id: Id) -> Notice {
        self.rehearsal.get(id).expect("queued notices are kept")
    }

    pub fn report(&mut self, id: Id, outcome: Outcome) -> Result<(), Refusal> {
        let queued_at = match self.notice(id).state {
            notify_core::NoticeState::Queued { since } => since,
            _ => Time(1),
        };
        self.report_of(id, queued_at, outcome)
    }

    pub fn report_of(&mut self, id: Id, queued_at: Time, outcome: Outcome) -> Result<(), Refusal> {
        let command = Command::Report(Report { notice: id, queued_at, outcome });
        self.rehearsal.command(&executor(), id.shard(), &command).map(|_| ())
    }

    pub fn text(&self, notice: &Notice, lang: Lang) -> String {
        let directory = &self.rehearsal.directory;
        let playbook = directory.playbook(&self.playbook.id, self.playbook.version).expect("it is active");
        notify_core::words::render(notice, playbook, directory, lang, "https://desk.example/t")
            .expect("the rule is known")
    }

    pub fn after(&mut self, micros: i64) {
        let to = self.rehearsal.now().plus(micros);
        self.rehearsal.advance(to);
    }
}

pub fn sent() -> Outcome {
    Outcome::Sent { text: Sealed::parse("s1.words"), to: None, may_be_double: false }
}

pub fn failed(reason: &str) -> Outcome {
    Outcome::Failed { reason: reason.into(), for_good: false }
}

fn word(event: &AnyEvent) -> String {
    match event {
        AnyEvent::NoticeQueued(e) => format!("{} -> {} ({}, {})", e.rule, e.recipient, e.role, e.channel),
        AnyEvent::NoticeSent(e) => format!("{} sent to {} double={}", e.rule, e.recipient, e.may_be_double),
        AnyEvent::NoticeFailed(e) => {
            format!("{} to {} failed: {} final={}", e.rule, e.recipient, e.reason, e.r#final)
        }
        other => format!("{other:?}"),
    }
}

/// Every event said carries its ticket.
pub fn is_about(event: &said::NoticeQueued, house: &House) -> bool {
    event.ticket.as_ref() == Some(&house.ticket_ref()) && said::NoticeQueued::THING == "notice"
}
