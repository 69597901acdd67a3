//! Whose turn it is, read from what the contracts show, and what he makes of it. Pure: the same list and seed give the
//! same decisions.

use std::collections::HashMap;

use calendar::Limit;
use playbook::{Facts, Playbook, clock::Scope};
use proto::{Time, dispatch::v1::Work, follow_up::v1::FollowUp};

use crate::demo::{
    clock::{EVENING, MORNING, in_hours},
    draw::{Draw, Draws},
};

/// Something that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    HandOff(u32),
    Step { id: String, ready_at: i64 },
    Approval { id: String, stage: u32 },
    Call { id: String, try_at: i64 },
}

/// A turn: what waits, where, and for whom.
#[derive(Clone, Debug)]
pub struct Turn {
    pub ticket: String,
    pub number: String,
    pub cycle: u32,
    pub branch: String,
    pub what: What,
    pub role: String,
    /// Empty: whoever holds the role.
    pub person: String,
    pub barred: Vec<String>,
    /// Since when; unset: since it was first seen.
    pub since: Time,
    /// The rule of a call-back.
    pub rule: String,
    pub step: String,
    pub case_type: String,
    /// What the steps done so far found out.
    pub facts: Facts,
}

impl Turn {
    /// Tells it from all others.
    pub fn key(&self) -> (String, u32, What) {
        (self.ticket.clone(), self.cycle, self.what.clone())
    }

    /// What waits for whom, for people.
    pub fn shown(&self) -> String {
        let what = match &self.what {
            What::HandOff(_) => "hand-off".to_owned(),
            What::Step { id, .. } => format!("step {id}"),
            What::Approval { .. } => format!("approval of {}", self.step),
            What::Call { .. } => format!("follow-up {}", self.rule),
        };
        format!("{what} ({})", self.role)
    }

    /// Words that name it alike in every run: tickets' ids are new each time.
    fn words(&self, identity: &str) -> Vec<String> {
        let what = match &self.what {
            What::HandOff(number) => format!("hand-off {number}"),
            What::Step { id, .. } => format!("step {id}"),
            What::Approval { stage, .. } => format!("approval {stage}"),
            What::Call { .. } => format!("call {}", self.rule),
        };
        vec![identity.to_owned(), self.cycle.to_string(), what]
    }
}

/// What is done about it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub due: Time,
    pub deed: Deed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Acknowledge,
    Refuse(&'static str),
    Complete,
    /// The step has nobody: somebody at the branch gives it away.
    Assign,
    Approve,
    Reject,
    /// The customer is called; nobody answers.
    NotReached,
    Call,
}

/// Reasons for which branches give work back.
const REFUSALS: [&str; 3] = ["not-our-customer", "wrong-department", "no-capacity"];
/// Where nothing says how long a thing may take.
const USUAL_MINUTES: i64 = 240;
const DAY_MINUTES: i64 = 8 * 60;

/// All turns of a work order.
pub fn of_work(work: &Work) -> Vec<Turn> {
    let Some(ticket) = work.ticket.clone() else { return Vec::new() };
    let mut facts = Facts::new();
    work.steps.iter().for_each(|step| facts.absorb(organisation::facts::from_proto(&step.facts)));
    let turn = |what: What, step: &str, role: &str, person: &str, since: i64| Turn {
        ticket: ticket.ticket_id.clone(),
        number: ticket.number.clone(),
        cycle: ticket.cycle,
        branch: ticket.branch.clone(),
        what,
        role: role.to_owned(),
        person: person.to_owned(),
        barred: work.barred.clone(),
        since: Time(since),
        rule: String::new(),
        step: step.to_owned(),
        case_type: ticket.case_type.clone(),
        facts: facts.clone(),
    };
    if matches!(work.state.as_str(), "dispatched" | "unplaced") {
        return vec![turn(What::HandOff(work.hand_off), "", &work.role, &work.assignee, 0)];
    }
    let ready = work.steps.iter().filter(|step| step.state == "ready").map(|step| {
        let what = What::Step { id: step.id.clone(), ready_at: step.ready_at };
        turn(what, &step.id, &step.role, &step.assignee, step.ready_at)
    });
    let asked = work.approvals.iter().filter(|approval| approval.state == "open").filter_map(|approval| {
        let stage = approval.stages.iter().rev().find(|stage| stage.decision.is_empty())?;
        let what = What::Approval { id: approval.approval_id.clone(), stage: stage.stage };
        Some(turn(what, &approval.step, &stage.role, &stage.approver, stage.asked_at))
    });
    ready.chain(asked).collect()
}

/// The turn of a call-back.
pub fn of_call(call: &FollowUp) -> Option<Turn> {
    let ticket = call.ticket.clone()?;
    // Each attempt is a turn of its own.
    let what = What::Call { id: call.follow_up_id.clone(), try_at: call.attempts.len() as i64 };
    Some(Turn {
        ticket: ticket.ticket_id,
        number: ticket.number,
        cycle: ticket.cycle,
        branch: ticket.branch,
        what,
        role: call.role.clone(),
        person: String::new(),
        barred: Vec::new(),
        since: Time::UNSET,
        rule: call.rule.clone(),
        step: String::new(),
        case_type: ticket.case_type,
        facts: Facts::new(),
    })
}

/// What the person makes of it. `before`: how often this very thing has come up in the cycle.
pub fn plan(draws: Draws, book: &Playbook, identity: &str, turn: &Turn, before: u32, now: Time) -> Plan {
    let words = turn.words(identity);
    let again = before.to_string();
    let words: Vec<&str> = words.iter().map(String::as_str).chain([again.as_str()]).collect();
    let mut draw = draws.of(&words);
    let since = turn.since.set().unwrap_or(now);
    let allowed = allowed_minutes(book, turn);
    let (deed, minutes) = match &turn.what {
        What::HandOff(number) => hand_off(&mut draw, *number, allowed),
        What::Step { .. } if turn.person.is_empty() => (Deed::Assign, draw.between(5, 40)),
        What::Step { .. } => (Deed::Complete, taken(&mut draw, allowed)),
        What::Approval { .. } => approval(&mut draw, before, allowed),
        What::Call { .. } => call(&mut draw, before),
    };
    let jitter = draw.between(1, 90) * Time::MINUTE;
    Plan { due: in_hours(since.plus(minutes * Time::MINUTE), MORNING, EVENING, jitter), deed }
}

/// How long the rule book gives for it: by the shortest clock that watches such a thing.
fn allowed_minutes(book: &Playbook, turn: &Turn) -> i64 {
    let case_type = book.case_type(&turn.case_type);
    let of_step = |id: &str| {
        let named = case_type.and_then(|case_type| case_type.step(id));
        named.into_iter().flat_map(|step| &step.clocks).filter_map(|id| book.clock(id)).collect::<Vec<_>>()
    };
    let clocks = match &turn.what {
        What::Step { id, .. } => of_step(id),
        What::HandOff(_) => {
            book.clocks_for(&turn.case_type).filter(|clock| clock.scope == Scope::HandOff).collect()
        }
        What::Approval { .. } | What::Call { .. } => Vec::new(),
    };
    let limits = clocks.iter().flat_map(|clock| clock.limit.rows.iter().map(|row| minutes(&row.limit)));
    let approvers = || {
        let step = case_type.and_then(|case_type| case_type.step(&turn.step))?;
        let matrix = book.matrix(&step.approval.as_ref()?.matrix)?;
        let bands = matrix.ladders.iter().flat_map(|ladder| &ladder.bands);
        bands.flat_map(|band| &band.chain).map(|stage| minutes(&stage.limit)).min()
    };
    limits.min().or_else(approvers).unwrap_or(USUAL_MINUTES)
}

fn minutes(limit: &Limit) -> i64 {
    match limit {
        Limit::Wall { minutes } | Limit::WorkingTime { minutes } => i64::from(*minutes),
        Limit::WorkingDays { halves } => i64::from(*halves) * DAY_MINUTES / 2,
        Limit::CalendarDays { days, .. } => i64::from(*days) * DAY_MINUTES,
        _ => USUAL_MINUTES,
    }
}

/// Most keep within what they have, and nobody works at one thing all day; some take much too long.
fn taken(draw: &mut Draw, allowed: i64) -> i64 {
    let allowed = allowed.clamp(2, USUAL_MINUTES);
    let minutes = draw.between(allowed / 12 + 1, allowed * 3 / 4 + 2);
    if draw.happens(0.07) { minutes.max(30) * 6 } else { minutes }
}

/// Most take it over in time, some late, some give it back, a few stay silent until the ladder takes it away.
fn hand_off(draw: &mut Draw, number: u32, allowed: i64) -> (Deed, i64) {
    let allowed = allowed.clamp(2, 60);
    if number == 1 && draw.happens(0.06) {
        let reason = draw.pick(&REFUSALS).copied().unwrap_or("not-our-customer");
        return (Deed::Refuse(reason), draw.between(1, allowed));
    }
    let minutes = if draw.happens(0.05) {
        draw.between(180, 400)
    } else if draw.happens(0.10) {
        allowed + draw.between(5, 50)
    } else {
        draw.between(1, allowed * 3 / 4 + 2)
    };
    (Deed::Acknowledge, minutes)
}

fn approval(draw: &mut Draw, before: u32, allowed: i64) -> (Deed, i64) {
    let deed = if before == 0 && draw.happens(0.08) { Deed::Reject } else { Deed::Approve };
    (deed, taken(draw, allowed))
}

fn call(draw: &mut Draw, before: u32) -> (Deed, i64) {
    let missed = draw.happens(if before < 2 { 0.22 } else { 0.05 });
    (if missed { Deed::NotReached } else { Deed::Call }, draw.between(2, 45))
}

/// How often each thing has come up: loops and attempts bring it again.
#[derive(Debug, Default)]
pub struct Comings(HashMap<(String, u32, String), u32>);

impl Comings {
    /// The number of times before this one.
    pub fn another(&mut self, turn: &Turn) -> u32 {
        let name = match &turn.what {
            What::HandOff(number) => format!("h{number}"),
            What::Step { id, .. } => id.clone(),
            What::Approval { .. } => format!("a{}", turn.step),
            What::Call { .. } => format!("c{}", turn.rule),
        };
        let count = self.0.entry((turn.ticket.clone(), turn.cycle, name)).or_default();
        *count += 1;
        *count - 1
    }
}

#[cfg(test)]
mod tests {
    use proto::{
        common::v1::TicketRef,
        dispatch::v1::{Approval, ApprovalStage, Step},
    };

    use super::*;

    fn book() -> std::sync::Arc<Playbook> {
        crate::demo::packs::Pack::find("dealer-group").unwrap().load().unwrap()
    }

    fn work(state: &str) -> Work {
        let ticket = TicketRef {
            ticket_id: "T".into(),
            cycle: 1,
            branch: "B".into(),
            case_type: "complaint".into(),
            ..Default::default()
        };
        Work { ticket: Some(ticket), state: state.into(), hand_off: 2, ..Default::default() }
    }

    #[test]
    fn a_hand_off_hides_the_steps_behind_it() {
        let mut dispatched = work("dispatched");
        dispatched.steps = vec![Step { id: "judge".into(), state: "ready".into(), ..Default::default() }];
        let turns = of_work(&dispatched);
        assert_eq!(turns.iter().map(|turn| turn.what.clone()).collect::<Vec<_>>(), [What::HandOff(2)]);
    }

    #[test]
    fn ready_steps_and_the_open_stage_wait() {
        let mut running = work("acknowledged");
        let step = |id: &str, state: &str| Step { id: id.into(), state: state.into(), ..Default::default() };
        running.steps = vec![step("judge", "done"), step("prewarn", "ready"), step("propose", "waiting")];
        let stage =
            |stage, decision: &str| ApprovalStage { stage, decision: decision.into(), ..Default::default() };
        running.approvals = vec![Approval {
            approval_id: "A".into(),
            state: "open".into(),
            stages: vec![stage(1, "approved"), stage(2, "")],
            ..Default::default()
        }];
        let whats: Vec<What> = of_work(&running).into_iter().map(|turn| turn.what).collect();
        let approval = What::Approval { id: "A".into(), stage: 2 };
        assert_eq!(whats, [What::Step { id: "prewarn".into(), ready_at: 0 }, approval]);
    }

    #[test]
    fn a_cast_decides_alike_and_in_all_ways() {
        let book = book();
        let turn = of_work(&work("dispatched")).remove(0);
        let turn = Turn { what: What::HandOff(1), ..turn };
        let noon = Time(12 * Time::HOUR - 8 * Time::HOUR);
        let decide = |identity: &str| plan(Draws(7), &book, identity, &turn, 0, noon);
        assert_eq!(decide("row 1"), decide("row 1"));
        let plans: Vec<Plan> = (0..500).map(|row| decide(&format!("row {row}"))).collect();
        let refused = plans.iter().filter(|plan| matches!(plan.deed, Deed::Refuse(_))).count();
        assert!((10..60).contains(&refused), "{refused}");
        let late = plans.iter().filter(|plan| plan.due > noon.plus(30 * Time::MINUTE)).count();
        assert!((30..150).contains(&late), "{late}");
        assert!(plans.iter().all(|plan| plan.due > noon));
    }

    #[test]
    fn a_step_of_nobody_is_given_away_and_a_second_request_is_approved() {
        let book = book();
        let mut running = work("acknowledged");
        running.steps = vec![Step { id: "judge".into(), state: "ready".into(), ..Default::default() }];
        let turn = of_work(&running).remove(0);
        assert_eq!(plan(Draws(1), &book, "x", &turn, 0, Time(1)).deed, Deed::Assign);
        let asked = Turn { what: What::Approval { id: "A".into(), stage: 1 }, ..turn };
        let approved =
            |row: u32| plan(Draws(1), &book, &row.to_string(), &asked, 1, Time(1)).deed == Deed::Approve;
        assert!((0..200).all(approved));
    }

    #[test]
    fn what_comes_again_is_counted() {
        let turn = of_work(&work("dispatched")).remove(0);
        let mut comings = Comings::default();
        assert_eq!((comings.another(&turn), comings.another(&turn)), (0, 1));
        assert_eq!(comings.another(&Turn { cycle: 2, ..turn }), 0);
    }

    #[test]
    fn people_mostly_keep_what_the_rule_book_gives_them() {
        let book = crate::demo::packs::Pack::find("bicycle-shop").unwrap().load().unwrap();
        let mut dispatched = of_work(&work("dispatched")).remove(0);
        dispatched.case_type = "repair".into();
        dispatched.what = What::HandOff(1);
        assert_eq!(allowed_minutes(&book, &dispatched), 30);
        let step = What::Step { id: "estimate".into(), ready_at: 0 };
        let step = Turn { what: step, person: "P".into(), ..dispatched };
        assert_eq!(allowed_minutes(&book, &step), 3 * DAY_MINUTES);
        let noon = Time(12 * Time::HOUR - 8 * Time::HOUR);
        let late = |row: &u32| {
            plan(Draws(7), &book, &row.to_string(), &step, 0, noon).due
                > noon.plus(USUAL_MINUTES * Time::MINUTE)
        };
        let late = (0..500).filter(late).count();
        assert!((5..60).contains(&late), "{late}");
    }
}
