//! One imagined case to its end: everything that would happen and when.

use std::sync::Arc;

use jiff::tz::TimeZone;
use organisation::Snapshot;
use playbook::{CaseType, Facts, FollowUpKind, Playbook, Question, Step};
use proto::Time;

use super::{expect::Miss, play::Outcome};
use crate::{
    filling::{self, Filled, Plain},
    town::{Deed, Line, Town, What, Words, line_of},
};

/// What people do about the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acting {
    /// Everybody does his part as soon as he may, the plainest way.
    Promptly,
    /// Nobody does anything: every clock runs out.
    Never,
}

/// How long each person takes.
const PROMPT: i64 = 30 * Time::MINUTE;
/// A case that is not over after so many deeds goes round in circles.
const MOST_DEEDS: usize = 200;

/// Opens a case and lets it run for at most `until`.
pub fn simulate(
    opening: &Deed,
    directory: &Snapshot,
    playbook: &Arc<Playbook>,
    (branch, start, until): (&str, Time, Time),
    acting: Acting,
) -> Outcome {
    let zone = directory.zone_of(branch).and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC);
    let mut town = Town::new(directory.clone(), Arc::clone(playbook), branch, start);
    let mut misses = Vec::new();
    let mut opening = opening.clone();
    complete_form(&mut opening, &town);
    if let Err(refusal) = town.act(&opening) {
        misses.push(Miss::refused(0, &opening, &refusal));
    } else if acting == Acting::Promptly {
        misses.extend(act_promptly(&mut town, until));
    }
    town.advance(until);
    let timeline: Vec<Line> = town.happened().iter().filter_map(line_of).collect();
    Outcome { timeline, misses, zone }
}

fn act_promptly(town: &mut Town, until: Time) -> Option<Miss> {
    for place in 0..MOST_DEEDS {
        let deed = next_deed(town)?;
        let at = due_at(town, &deed);
        if at > until {
            return None;
        }
        town.advance(at);
        if let Err(refusal) = town.act(&deed) {
            return Some(Miss::refused(place + 1, &deed, &refusal));
        }
    }
    None
}

/// In half an hour; a call when it is planned.
fn due_at(town: &Town, deed: &Deed) -> Time {
    let prompt = town.now().plus(PROMPT);
    match deed.what {
        What::Call | What::Send | What::Visit => {
            let known = town.called().and_then(|case| case.known);
            let planned =
                known.as_ref().and_then(|known| known.open().find_map(follow_up_core::CallBack::next_try));
            planned.map_or(prompt, |at| at.max(town.now()))
        }
        _ => prompt,
    }
}

/// What anybody may do next: take over, decide, work, call, close.
fn next_deed(town: &Town) -> Option<Deed> {
    let ticket = town.ticket()?;
    if matches!(ticket.state, intake_core::state::State::Closed { .. }) {
        return None;
    }
    let work = town.work()?;
    if matches!(work.state, dispatch_core::State::Dispatched) {
        return Some(Deed::new(What::Acknowledge));
    }
    if work.approvals.iter().any(dispatch_core::Approval::is_open) {
        return Some(Deed::new(What::Approve));
    }
    let case_type = town.playbook().case_type(&ticket.case_type)?;
    if let Some(step) = work.open.keys().find_map(|id| case_type.step(id)) {
        let mut deed = Deed::new(What::Done);
        deed.step = Some(step.id.clone());
        deed.form = plainest(town, case_type, step, &work.facts);
        return Some(deed);
    }
    if let Some(call) = town.called().and_then(|case| case.known?.open().next().cloned()) {
        let mut deed = Deed::new(match call.kind {
            FollowUpKind::Call | FollowUpKind::Survey => What::Call,
            FollowUpKind::Letter => What::Send,
            FollowUpKind::Visit => What::Visit,
        });
        deed.rule = Some(call.rule.clone());
        let questions = town.playbook().follow_up(&call.rule).map(|rule| rule.questions.as_slice());
        let answer = |q: &Question| (q.id.clone(), filling::best_answer(q));
        deed.answers = questions.unwrap_or_default().iter().map(answer).collect();
        return Some(deed);
    }
    work.state.is_over().then(|| Deed::new(What::Close))
}

/// Required fields that nobody filled in get the plainest value.
fn complete_form(opening: &mut Deed, town: &Town) {
    let playbook = town.playbook();
    let case_type = opening.case_type.clone().or_else(|| town.first_type());
    let Some(case_type) = case_type.and_then(|id| playbook.case_type(&id)) else { return };
    let given = Filled { words: opening.form.clone(), ..Filled::default() };
    let mut pen = Plain { turn: 0, person: "somebody" };
    opening.form = filling::fill(&case_type.form, given, &town.place(), case_type, &mut pen).words;
}

/// A report that sends nothing back, if there is one.
fn plainest(town: &Town, case_type: &CaseType, step: &Step, facts: &Facts) -> Words {
    let person = town.directory().persons().next().map(|person| person.code.clone()).unwrap_or_default();
    let pens = Plain::turns(&step.fields, &person);
    filling::settled(step, case_type, facts, &town.place(), pens).words
}
