//! Turns: what waits for somebody, read off the rows of dispatch and follow-up, and the commands that answer it.

use std::collections::BTreeMap;

use chassis_core::{Actor, Sealed};
use dispatch_core::{Command, State, Work};
use follow_up_core::{
    CallBackState, Case, NotReached,
    command::{RecordAttempt, RecordCall},
};
use organisation::Snapshot;
use proto::{Id, Time};

use super::{arc, paper, people, read};
use crate::{
    dice::Dice,
    order::Order,
    plan::{HOUR, MINUTE},
};

/// Reasons for which branches give work back.
const REFUSALS: [&str; 3] = ["not-our-customer", "wrong-department", "no-capacity"];

/// Something that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    HandOff(u32),
    /// The step, and since when it is ready.
    Step(String, i64),
    /// The approval, its step, its stage.
    Approval(Id, String, u32),
    /// The call, its rule, and how often it was tried.
    CallBack(Id, String, usize),
    /// Something that nobody waits for.
    Extra(Extra),
    /// A message; since when it is queued.
    Telling(i64),
}

/// What callers and branches do besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extra {
    Chase,
    BeginWait,
    EndWait,
    DoorBlocked,
    Complain,
    Close,
    Reopen,
}

impl What {
    /// The same in every run: ids are new each time.
    pub fn name(&self) -> String {
        match self {
            What::HandOff(number) => format!("hand-off {number}"),
            What::Step(step, _) => format!("step {step}"),
            What::Approval(_, step, stage) => format!("approval {step} {stage}"),
            What::CallBack(_, rule, _) => format!("call {rule}"),
            What::Extra(extra) => format!("{extra:?}"),
            What::Telling(_) => "telling".to_owned(),
        }
    }
}

/// A turn as a row shows it.
pub struct Turn {
    pub ticket: Id,
    pub cycle: u32,
    pub what: What,
    pub not_before: Time,
}

/// A turn that somebody is going to take.
#[derive(Clone, Debug)]
pub struct Task {
    pub ticket: Id,
    pub cycle: u32,
    pub what: What,
    /// How often the same came up before, in this cycle.
    pub before: u32,
    pub tries: u32,
}

pub fn of_work(body: &[u8]) -> Vec<Turn> {
    let Some(work) = read::<Work>(body) else { return Vec::new() };
    let turn = |what| Turn { ticket: work.ticket, cycle: work.cycle, what, not_before: Time::UNSET };
    match work.state {
        State::Dispatched | State::Unplaced { .. } => vec![turn(What::HandOff(work.hand_off.number))],
        State::Completed { .. } | State::Withdrawn { .. } => Vec::new(),
        State::Acknowledged { .. } => {
            let steps = work.open.iter().filter(|(_, open)| open.approval.is_none());
            let steps = steps.map(|(step, open)| turn(What::Step(step.clone(), open.ready_at.0)));
            let approvals = work
                .open_approvals()
                .map(|approval| turn(What::Approval(approval.id, approval.step.clone(), approval.turn())));
            steps.chain(approvals).collect()
        }
    }
}

pub fn of_calls(body: &[u8]) -> Vec<Turn> {
    let Some(case) = read::<Case>(body) else { return Vec::new() };
    let Some(known) = &case.known else { return Vec::new() };
    let turn = |call: &follow_up_core::CallBack| Turn {
        ticket: case.ticket,
        cycle: call.cycle,
        what: What::CallBack(call.id, call.rule.clone(), call.attempts.len()),
        not_before: call.next_try().unwrap_or_default(),
    };
    known.open().map(turn).collect()
}

/// How long somebody takes; some take much too long.
pub fn minutes(what: &What, dice: &mut Dice) -> u64 {
    match what {
        What::HandOff(_) => match dice.below(100) {
            // Silent until the ladder takes it away.
            0..5 => dice.between(180, 400),
            5..15 => dice.between(35, 80),
            _ => dice.between(1, 22),
        },
        What::Step(step, _) => {
            let (low, high) = paper::usual_minutes(step);
            let minutes = dice.between(low, high);
            if dice.chance(60) { minutes * 8 } else { minutes }
        }
        What::Approval(..) => {
            if dice.chance(80) {
                dice.between(300, 600)
            } else {
                dice.between(10, 150)
            }
        }
        What::CallBack(..) => dice.between(2, 45),
        What::Extra(_) | What::Telling(_) => 0,
    }
}

/// What will be done about a case besides, and after how long.
pub fn extras(dice: &mut Dice) -> Vec<(Extra, u64)> {
    let mut extras = Vec::new();
    let mut maybe = |permille: u64, extra: Extra, low: u64, high: u64| {
        let after = dice.between(low, high);
        if dice.chance(permille) {
            extras.push((extra, after));
        }
    };
    maybe(150, Extra::Chase, HOUR, 40 * HOUR);
    maybe(120, Extra::BeginWait, 2 * HOUR, 60 * HOUR);
    maybe(60, Extra::EndWait, 20 * HOUR, 120 * HOUR);
    maybe(100, Extra::DoorBlocked, 10 * MINUTE, 50 * HOUR);
    maybe(60, Extra::Complain, 10 * MINUTE, 50 * HOUR);
    maybe(80, Extra::Close, HOUR, 100 * HOUR);
    maybe(60, Extra::Reopen, 50 * HOUR, 200 * HOUR);
    extras
}

/// The command that answers a turn of a work order; `None`: its time is over.
pub fn work(staff: &Snapshot, task: &Task, work: &Work, dice: Dice, now: Time) -> Option<(Actor, Order)> {
    if work.cycle != task.cycle || work.state.is_over() {
        return None;
    }
    let (ticket, cycle) = (task.ticket, task.cycle);
    let mut dice = dice;
    let (named, role, command) = match &task.what {
        What::HandOff(number) => {
            let is_open = matches!(work.state, State::Dispatched | State::Unplaced { .. });
            if !is_open || work.hand_off.number != *number {
                return None;
            }
            let refuses = *number == 1 && task.tries == 0 && dice.chance(60);
            let command = if refuses {
                let reason = (*dice.pick(&REFUSALS)).to_owned();
                Command::Refuse { ticket, cycle, reason, text: words() }
            } else {
                Command::Acknowledge { ticket, cycle }
            };
            (work.hand_off.assignee.clone(), work.hand_off.role.role.clone(), command)
        }
        What::Step(step, ready_at) => {
            let open = work.open.get(step).filter(|open| open.ready_at.0 == *ready_at)?;
            let command = step_command(staff, task, work, step, open.assignee.is_none(), &mut dice, now)?;
            (open.assignee.clone(), open.role.role.clone(), command)
        }
        What::Approval(approval, _, stage) => {
            let open = work.approval(*approval).filter(|open| open.is_open() && open.turn() == *stage)?;
            let asked = open.stage()?;
            let approved = task.before > 0 || !dice.chance(80);
            let text = words();
            let command = Command::DecideApproval {
                ticket,
                cycle,
                approval: *approval,
                stage: *stage,
                approved,
                text,
                verbal_by: None,
            };
            (asked.approver.clone(), asked.role.role.clone(), command)
        }
        What::CallBack(..) | What::Extra(_) | What::Telling(_) => return None,
    };
    let line = people::in_line(staff, named.as_deref(), &role, &work.branch, &work.barred);
    let person = line.get(task.tries as usize % line.len().max(1))?;
    Some((people::actor(person), Order::Dispatch(arc(command))))
}

/// A step is reported; one that nobody has is given to somebody now and then.
fn step_command(
    staff: &Snapshot,
    task: &Task,
    work: &Work,
    step: &str,
    is_unheld: bool,
    dice: &mut Dice,
    now: Time,
) -> Option<Command> {
    let (ticket, cycle, step) = (task.ticket, task.cycle, step.to_owned());
    if is_unheld && task.tries.is_multiple_of(2) {
        let roles = ["service-manager", "cr-manager", "gm", "cr-specialist"];
        let mut free = roles.iter().flat_map(|role| people::holders(staff, role, &work.branch));
        let person = free.find(|person| !work.barred.contains(&person.code))?.code.clone();
        return Some(Command::Assign { ticket, cycle, step, person });
    }
    let report = paper::report(&step, task.before, dice, now);
    Some(Command::CompleteStep { ticket, cycle, step, report })
}

/// The customer is called.
pub fn call_back(staff: &Snapshot, task: &Task, case: &Case, dice: Dice) -> Option<(Actor, Order)> {
    let What::CallBack(id, rule, attempts) = &task.what else { return None };
    let known = case.known.as_ref()?;
    let call = known.call_back(*id)?;
    if !matches!(call.state, CallBackState::Scheduled { .. }) || call.attempts.len() != *attempts {
        return None;
    }
    let mut dice = dice;
    let line = people::in_line(staff, None, &call.role, &known.matter.branch, &known.barred);
    let person = line.get(task.tries as usize % line.len().max(1))?;
    let (ticket, cycle) = (task.ticket, task.cycle);
    let command = if dice.chance(if task.before < 2 { 220 } else { 50 }) {
        let outcome = *dice.pick(NotReached::of(call.kind));
        follow_up_core::Command::RecordAttempt(RecordAttempt {
            ticket,
            cycle,
            call_back: *id,
            outcome,
            text: words(),
        })
    } else {
        let answers: BTreeMap<String, String> = paper::answers(rule, cycle, &mut dice);
        follow_up_core::Command::RecordCall(RecordCall {
            ticket,
            cycle,
            call_back: *id,
            text: words(),
            answers,
        })
    };
    Some((people::actor(person), Order::FollowUp(arc(command))))
}

/// Words as the vault would have sealed them.
pub fn words() -> Option<Sealed> {
    Sealed::parse("s1.words")
}
