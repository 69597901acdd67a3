//! Duties: cases that nobody calls in. The almanac of a branch knows the next day of each; when the branch opens on that
//! day, or next after it, the case is opened by itself and goes its way like any other. Days missed in an outage are opened
//! afterwards, each as of its own moment, so that nothing is late only because nobody was there to open it, and nothing is
//! forgotten. Days on which the branch is closed are no outage: what came on several of them is opened once.

use std::sync::Arc;

use chassis_core::{Actor, Due, Halt, Refusal, Step};
use jiff::civil::Date;
use organisation::Snapshot;
use playbook::{Duty, Facts, Playbook, Value, duty};
use proto::{Id, Time};

use crate::{
    command::PlanDuties,
    days, keys,
    open::{self, Draft},
    state::{Almanac, FileCheck, Judged},
};

pub(crate) const TIMER: &str = "duties";
/// So many days of an outage are caught up at once; the timer goes on with the rest.
const AT_ONCE: usize = 50;

pub(crate) fn plan(command: &PlanDuties, step: &mut Step<'_>) -> Result<(), Halt> {
    if matches!(step.actor(), Actor::Person { .. }) {
        let (zh, en) = ("职责由系统自行安排。", "Duties are planned by the system itself.");
        return Err(Refusal::denied("not-yours", zh, en).into());
    }
    let id = keys::almanac(&command.playbook, &command.branch);
    let known = step.get::<Almanac>(id)?;
    let mut almanac = known.clone().unwrap_or_else(|| Almanac {
        id,
        playbook: command.playbook.clone(),
        branch: command.branch.clone(),
        next: Default::default(),
        timer: None,
    });
    look_up(&mut almanac, step.directory(), step.now());
    arm(&mut almanac, step);
    if known.as_ref() != Some(&almanac) {
        step.put(&almanac);
    }
    Ok(())
}

pub(crate) fn come(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
    let Some(mut almanac) = step.get::<Almanac>(due.id)? else { return Ok(()) };
    // The timer row is used up.
    almanac.timer = None;
    let directory = step.directory();
    look_up(&mut almanac, directory, step.now());
    for _ in 0..AT_ONCE {
        let Some((at, id, day)) = soonest(&almanac, directory).filter(|(at, ..)| *at <= step.now()) else {
            break;
        };
        let Some((playbook, duty)) = rule(&almanac, &id, directory) else { break };
        let day = last_of_pause(duty, directory, &almanac.branch, (at, day));
        open_case(playbook, duty, &almanac.branch, (at, day), step)?;
        match duty.recurs.next(day) {
            Some(next) => drop(almanac.next.insert(id, next)),
            None => drop(almanac.next.remove(&id)),
        }
    }
    arm(&mut almanac, step);
    step.put(&almanac);
    Ok(())
}

/// Brings the almanac in line with the rule book: new duties begin with their next day, those that are gone end, and so
/// do all of a branch that is closed down.
fn look_up(almanac: &mut Almanac, directory: &Snapshot, now: Time) {
    let open = directory.node(&almanac.branch).is_some_and(|node| !node.closed);
    let playbook = directory.active_playbook(&almanac.playbook).filter(|_| open);
    let duties = playbook.map(|playbook| playbook.duties.as_slice()).unwrap_or_default();
    almanac.next.retain(|id, _| duties.iter().any(|duty| duty.id == *id));
    let today = now.to_timestamp().to_zoned(days::zone(directory, &almanac.branch)).date();
    for duty in duties {
        if almanac.next.contains_key(&duty.id) {
            continue;
        }
        let begins = if duty.recurs.comes_on(today) && begins(directory, &almanac.branch, today) >= now {
            Some(today)
        } else {
            duty.recurs.next(today)
        };
        almanac.next.extend(begins.map(|day| (duty.id.clone(), day)));
    }
}

/// When the branch opens on a day, or next after it.
fn begins(directory: &Snapshot, branch: &str, day: Date) -> Time {
    let zone = days::zone(directory, branch);
    let midnight = zone.to_timestamp(day.at(0, 0, 0, 0)).map(Time::from).unwrap_or_default();
    match directory.calendar_of(branch) {
        Some(calendar) => calendar.next_open(midnight.to_timestamp()).into(),
        None => midnight,
    }
}

/// Days on which the branch is closed all wait for its next opening; a duty that comes on several of them is done once.
fn last_of_pause(duty: &Duty, directory: &Snapshot, branch: &str, (at, day): (Time, Date)) -> Date {
    let next = |day: &Date| duty.recurs.next(*day).filter(|next| begins(directory, branch, *next) == at);
    std::iter::successors(Some(day), next).last().unwrap_or(day)
}

fn soonest(almanac: &Almanac, directory: &Snapshot) -> Option<(Time, String, Date)> {
    let moment = |(id, day): (&String, &Date)| (begins(directory, &almanac.branch, *day), id.clone(), *day);
    almanac.next.iter().map(moment).min()
}

fn arm(almanac: &mut Almanac, step: &mut Step<'_>) {
    let next = soonest(almanac, step.directory()).map(|(at, ..)| at);
    if next == almanac.timer {
        return;
    }
    match next {
        Some(at) => step.arm(TIMER, almanac.id, at),
        None => step.disarm(TIMER, almanac.id),
    }
    almanac.timer = next;
}

fn rule<'a>(almanac: &Almanac, id: &str, directory: &'a Snapshot) -> Option<(&'a Arc<Playbook>, &'a Duty)> {
    let playbook = directory.active_playbook(&almanac.playbook)?;
    Some((playbook, playbook.duties.iter().find(|duty| duty.id == id)?))
}

fn open_case(
    playbook: &Arc<Playbook>,
    duty: &Duty,
    branch: &str,
    (at, day): (Time, Date),
    step: &mut Step<'_>,
) -> Result<Option<Id>, Halt> {
    let Some(case_type) = playbook.case_type(&duty.case_type) else { return Ok(None) };
    let mut facts = Facts::new();
    facts
        .set("type", Value::code(&case_type.id))
        .set("branch", Value::code(branch))
        .set("opened_at", Value::Instant(at.0))
        .set("cycle", Value::Int(1))
        .set("reopened", Value::Bool(false))
        .set("repeat", Value::Bool(false))
        .set(duty::DAY, Value::Date(day));
    let mut draft = Draft {
        playbook,
        case_type,
        customer: None,
        asset: None,
        branch: branch.to_owned(),
        channel: String::new(),
        facts,
        personal: Default::default(),
        barred: Default::default(),
        tokens: Vec::new(),
        opened_at: at,
        occurred_at: Some(at).filter(|at| *at < step.now()),
        file_check: FileCheck::Unknown,
        judged: Judged::default(),
        repeats: None,
        links: Vec::new(),
    };
    draft.judge(step.directory());
    open::register(draft, step).map(|ticket| Some(ticket.id))
}
