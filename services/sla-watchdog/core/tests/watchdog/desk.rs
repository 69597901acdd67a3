//! A group with two branches, a playbook of the clocks under test, and a desk that makes things happen to one case.

use std::cell::{Cell, RefCell};

use chassis_core::rehearsal::Rehearsal;
use organisation::{Snapshot, facts};
use playbook::{Facts, Value};
use proto::{
    AnyEvent, Bucket, Event, Id, Time,
    common::v1::{PlaybookRef, TicketRef},
    directory::v1 as directory,
    dispatch::v1 as work,
    follow_up::v1 as call,
    intake::v1 as intake,
};
use sla_watchdog_core::{Case, Ledger, Watchdog};

/// Midnight before Monday 2 March 2026 in Shanghai.
const MONDAY: Time = Time(1_772_380_800_000_000);

/// Day 1 is the Monday.
pub fn at(day: i64, hour: i64, minute: i64) -> Time {
    MONDAY.plus((day - 1) * 24 * Time::HOUR + hour * Time::HOUR + minute * Time::MINUTE)
}

/// `1 14:00` for the Monday at two; the smallest step of time after it is `1 14:00+`.
pub fn show(time: Time) -> String {
    let since = time.0 - MONDAY.0;
    let (day, minute) =
        (since.div_euclid(24 * Time::HOUR) + 1, since.rem_euclid(24 * Time::HOUR) / Time::MINUTE);
    let rest = if since.rem_euclid(Time::MINUTE) == 0 { "" } else { "+" };
    format!("{day} {:02}:{:02}{rest}", minute / 60, minute % 60)
}

const HEAD: &str = r"
playbook: shop
version: 1
name: { zh: 店, en: shop }
line: shop
currency: CNY
roles:
  clerk: { name: { zh: 专员, en: clerk }, level: branch }
  head: { name: { zh: 主管, en: head }, level: branch }
  gm: { name: { zh: 总经理, en: manager }, level: branch }
  area: { name: { zh: 区域经理, en: area manager }, level: area }
  desk: { name: { zh: 客服, en: desk }, level: group }
waits:
  customer: { name: { zh: 等客户, en: customer }, owner: clerk, at_most: 7 days }
  parts: { name: { zh: 等配件, en: parts }, owner: head, at_most: 24h }
types:
  complaint:
    name: { zh: 投诉, en: complaint }
    channels: { phone: { zh: 电话, en: phone } }
    form:
      customer_name: { kind: text, label: { zh: 姓名, en: name }, required: true }
      visit: { kind: window, label: { zh: 上门, en: visit } }
    categories:
      service: { zh: 服务, en: service }
    severities:
      general: { zh: 一般, en: general }
      major: { zh: 重大, en: major }
    route:
      receiver: clerk
      follower: clerk
      hit: first
      inputs: [category]
      rows:
        - { if: { category: service }, then: { unit: shop, handler: head } }
      otherwise: { then: { unit: shop, handler: head } }
      on_refusal: { to: gm }
      on_silence: silence
    steps:
      judge: { name: { zh: 判定, en: judge }, by: clerk, clocks: [silence] }
      propose: { name: { zh: 方案, en: propose }, by: handler, needs: [judge], clocks: [silence], marks: [answered, resolved, told] }
    closing: { needs: [work, follow_up], reopen_days: 30 }
follow_ups:
  content:
    name: { zh: 回访, en: call-back }
    kind: call
    after: work.completed
    due: 1 day
    by: desk
    attempts: { max: 3, every: 2h }
    script: { zh: 好吗？, en: 'All well?' }
    questions:
      score: { kind: scale, from: 1, to: 5, text: { zh: 满意吗？, en: 'Content?' } }
    unhappy: known(score) && score <= 2
    on_unhappy: { reopen_within_days: 7 }
privacy: { reveal: { '*': [desk] }, keep_days: 365, keep_recordings_days: 90 }
clocks:
  silence:
    name: { zh: 接单, en: taking over }
    scope: hand_off
    start: [work.dispatched]
    stop: [work.acknowledged]
    cancel: [work.refused]
    limit: 30m
    calendar: wall
    ladder:
      - { after: 0, tell: head }
      - { after: 30m, tell: gm, reroute: gm }
";

const SHOP_HOURS: &str =
    "id: shop\nversion: 1\nzone: Asia/Shanghai\nweek:\n  weekdays: [\"08:30-12:00\", \"13:00-17:30\"]\n";
const DESK_HOURS: &str =
    "id: call-centre\nversion: 1\nzone: Asia/Shanghai\nweek:\n  daily: [\"00:00-24:00\"]\n";

fn node(code: &str, parent: &str, level: &str) -> directory::Node {
    directory::Node {
        code: code.into(),
        parent: parent.into(),
        level: level.into(),
        zone: "Asia/Shanghai".into(),
        calendar: if parent.is_empty() { "shop".into() } else { String::new() },
        ..Default::default()
    }
}

fn person(code: &str, role: &str, at: &str) -> directory::Person {
    let roles = vec![directory::Role { role: role.into(), node: at.into() }];
    directory::Person { code: code.into(), roles, ..Default::default() }
}

fn staff() -> Vec<directory::Person> {
    let mut gm = person("gm1", "gm", "B1");
    gm.deputy = "head1".into();
    gm.absences = vec![directory::Absence { from_at: at(10, 0, 0).0, to_at: at(12, 0, 0).0 }];
    vec![
        gm,
        person("clerk1", "clerk", "B1"),
        person("head1", "head", "B1"),
        person("clerk2", "clerk", "B2"),
        person("head2", "head", "B2"),
        // B2 has no manager: the area's stands in.
        person("gm-area", "gm", "A"),
        person("area1", "area", "A"),
        person("desk1", "desk", "G"),
    ]
}

/// The organisation with a playbook of these clocks beside `silence`.
pub fn group(clocks: &str) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let nodes = vec![
        node("G", "", "group"),
        node("A", "G", "area"),
        node("B1", "A", "branch"),
        node("B2", "A", "branch"),
    ];
    let changed = directory::DirectoryChanged { nodes, persons: staff(), ..Default::default() };
    let calendar = |id: &str, source: &str| directory::CalendarActivated {
        id: id.into(),
        version: 1,
        source: source.into(),
    };
    let text = format!("{HEAD}{clocks}");
    let files = vec![directory::DocumentFile { path: "playbook.yaml".into(), text }];
    let playbook = directory::PlaybookActivated { id: "shop".into(), version: 1, files };
    let entries: Vec<AnyEvent> = vec![
        changed.into(),
        calendar("shop", SHOP_HOURS).into(),
        calendar("call-centre", DESK_HOURS).into(),
        playbook.into(),
    ];
    for (at, entry) in entries.iter().enumerate() {
        snapshot.apply(at as u64 + 1, entry).unwrap_or_else(|error| panic!("{error}"));
    }
    snapshot
}

/// One case and everybody who does something to it.
pub struct Desk {
    /// In cells, so that one sentence can move time and ask for the next event.
    pub rehearsal: RefCell<Rehearsal<Watchdog>>,
    pub cycle: Cell<u32>,
    pub ticket: Id,
    pub branch: &'static str,
}

impl Desk {
    pub fn with(clocks: &str) -> Desk {
        Desk {
            rehearsal: RefCell::new(Rehearsal::new(group(clocks), at(1, 0, 0))),
            cycle: Cell::new(1),
            ticket: Id::mint(at(1, 0, 0), Bucket::of_hash(7), [1; 9]),
            branch: "B1",
        }
    }

    /// Time comes to `time`; what fell due on the way has fired.
    pub fn until(&self, time: Time) -> &Self {
        self.rehearsal.borrow_mut().advance(time);
        self
    }

    pub fn hear<E: Event>(&self, event: E) -> &Self {
        self.rehearsal.borrow_mut().hear(event);
        self
    }

    /// Hears late what its source recorded at `time`.
    pub fn hear_of<E: Event>(&self, time: Time, event: E) -> &Self {
        self.rehearsal.borrow_mut().hear_any(event.into(), time);
        self
    }

    pub fn case(&self) -> Case {
        self.rehearsal.borrow().get::<Case>(self.ticket).expect("the case was heard of")
    }

    pub fn clock(&self, clock: &str, instance: &str) -> Ledger {
        let case = self.case();
        let found = case.clocks.iter().find(|l| l.clock == clock && l.instance == instance).cloned();
        found.unwrap_or_else(|| panic!("no clock {clock}/{instance} among {:?}", labels(&case)))
    }

    pub fn state(&self, clock: &str, instance: &str) -> &'static str {
        self.clock(clock, instance).state().name()
    }

    /// Everything said since the last call, one line each.
    pub fn said(&self) -> Vec<String> {
        self.rehearsal.borrow_mut().take_said().iter().map(line).collect()
    }

    pub fn r#ref(&self) -> Option<TicketRef> {
        Some(TicketRef {
            ticket_id: self.ticket.to_string(),
            number: "T-1".into(),
            cycle: self.cycle.get(),
            branch: self.branch.into(),
            playbook: Some(PlaybookRef { id: "shop".into(), version: 1 }),
            case_type: "complaint".into(),
        })
    }

    pub fn opened(&self, severity: &str) -> intake::TicketOpened {
        intake::TicketOpened {
            ticket: self.r#ref(),
            category: "service".into(),
            severity: severity.into(),
            channel: "phone".into(),
            ..Default::default()
        }
    }

    pub fn reclassified(&self, severity: &str) -> intake::TicketReclassified {
        intake::TicketReclassified { ticket: self.r#ref(), severity: severity.into(), ..Default::default() }
    }

    pub fn reopened(&self) -> intake::TicketReopened {
        self.cycle.set(self.cycle.get() + 1);
        intake::TicketReopened { ticket: self.r#ref(), severity: "general".into(), ..Default::default() }
    }

    pub fn closed(&self) -> intake::TicketClosed {
        intake::TicketClosed { ticket: self.r#ref(), ..Default::default() }
    }

    pub fn waiting(&self, begun: &str, ended: &str) -> intake::TicketNoted {
        intake::TicketNoted {
            ticket: self.r#ref(),
            kind: "wait".into(),
            wait_begun: begun.into(),
            wait_ended: ended.into(),
        }
    }

    pub fn dispatched(&self, hand_off: u32) -> work::WorkDispatched {
        work::WorkDispatched { ticket: self.r#ref(), hand_off, role: "clerk".into(), ..Default::default() }
    }

    pub fn acknowledged(&self, hand_off: u32) -> work::WorkAcknowledged {
        work::WorkAcknowledged { ticket: self.r#ref(), hand_off, by: "clerk1".into(), ..Default::default() }
    }

    pub fn ready(&self, step: &str) -> work::WorkStepReady {
        work::WorkStepReady {
            ticket: self.r#ref(),
            step: step.into(),
            role: "head".into(),
            ..Default::default()
        }
    }

    pub fn assigned(&self, step: &str, assignee: &str) -> work::WorkAssigned {
        work::WorkAssigned {
            ticket: self.r#ref(),
            step: step.into(),
            assignee: assignee.into(),
            ..Default::default()
        }
    }

    pub fn done(&self, step: &str) -> work::WorkStepDone {
        work::WorkStepDone {
            ticket: self.r#ref(),
            step: step.into(),
            by: "clerk1".into(),
            ..Default::default()
        }
    }

    pub fn completed(&self) -> work::WorkCompleted {
        work::WorkCompleted { ticket: self.r#ref(), ..Default::default() }
    }

    pub fn asked(&self, stage: u32, approver: &str) -> work::ApprovalAsked {
        work::ApprovalAsked {
            ticket: self.r#ref(),
            step: "propose".into(),
            stage,
            stages: 2,
            role: "gm".into(),
            requester: "clerk1".into(),
            approver: approver.into(),
            ..Default::default()
        }
    }

    pub fn decided(&self, stage: u32, decision: &str) -> work::ApprovalDecided {
        work::ApprovalDecided {
            ticket: self.r#ref(),
            step: "propose".into(),
            stage,
            decision: decision.into(),
            r#final: stage == 2,
            ..Default::default()
        }
    }

    pub fn scheduled(&self, follow_up: &str) -> call::FollowUpScheduled {
        call::FollowUpScheduled {
            ticket: self.r#ref(),
            follow_up_id: follow_up.into(),
            rule: "content".into(),
            role: "desk".into(),
            ..Default::default()
        }
    }

    pub fn recorded(&self, follow_up: &str) -> call::FollowUpRecorded {
        call::FollowUpRecorded {
            ticket: self.r#ref(),
            follow_up_id: follow_up.into(),
            rule: "content".into(),
            ..Default::default()
        }
    }
}

/// The customer's visit, as facts of an event.
pub fn visit_at(time: Time) -> Vec<proto::common::v1::Fact> {
    facts::to_proto(&Facts::new().with("visit_from", Value::Instant(time.0)))
}

fn labels(case: &Case) -> Vec<(String, String)> {
    case.clocks.iter().map(|ledger| (ledger.clock.clone(), ledger.instance.clone())).collect()
}

/// An event as the tests read it.
pub fn line(event: &AnyEvent) -> String {
    let due = |micros: i64| if micros == 0 { "-".to_owned() } else { show(Time(micros)) };
    let name = |clock: &str, instance: &str| {
        if instance.is_empty() { clock.to_owned() } else { format!("{clock}/{instance}") }
    };
    match event {
        AnyEvent::ClockStarted(e) => format!("started {} due {}", name(&e.clock, &e.instance), due(e.due_at)),
        AnyEvent::ClockPaused(e) if e.paused => {
            format!("paused {} for {}", name(&e.clock, &e.instance), e.wait)
        }
        AnyEvent::ClockPaused(e) => format!("moved {} due {}", name(&e.clock, &e.instance), due(e.due_at)),
        AnyEvent::ClockWarned(e) => format!("warned {} -> {}", name(&e.clock, &e.instance), e.told.join(" ")),
        AnyEvent::ClockBreached(e) => {
            format!("breached {} due {}", name(&e.clock, &e.instance), due(e.due_at))
        }
        AnyEvent::ClockMet(e) => {
            let how = if e.cancelled {
                "cancelled"
            } else if e.late {
                "met late"
            } else {
                "met"
            };
            format!("{how} {} at {}", name(&e.clock, &e.instance), due(e.met_at))
        }
        AnyEvent::ClockVerdictCorrected(e) => {
            format!(
                "corrected {} {}->{} ({}) -> {}",
                name(&e.clock, &e.instance),
                e.from,
                e.to,
                e.reason,
                e.told.join(" ")
            )
        }
        AnyEvent::EscalationRaised(e) => {
            let marks =
                [if e.late { " late" } else { "" }, if e.action.is_empty() { "" } else { " " }, &e.action]
                    .concat();
            format!(
                "rung {} of {} -> {} as {}@{}{marks}",
                e.rung,
                name(&e.clock, &e.instance),
                e.told.join(" "),
                e.role,
                e.node
            )
        }
        other => format!("{other:?}"),
    }
}
