//! One imagined case to its end: everything that would happen and when.

use std::sync::Arc;

use jiff::tz::TimeZone;
use organisation::Snapshot;
use playbook::{
    CaseType, Facts, Field, FieldKind, FollowUpKind, Playbook, QuestionKind, Required, Step, Value,
};
use proto::Time;
use serde_json::Value as Json;

use super::{expect::Miss, play::Outcome};
use crate::town::{Deed, Line, Town, What, Words, line_of};

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
    complete_form(&mut opening, playbook);
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
        let answer = |question: &playbook::Question| match &question.kind {
            QuestionKind::Scale { high, .. } => Json::from(*high),
            QuestionKind::YesNo => Json::from("yes"),
            QuestionKind::Choice(choices) => {
                Json::from(choices.first().map(|c| c.code.clone()).unwrap_or_default())
            }
        };
        deed.answers = questions.unwrap_or_default().iter().map(|q| (q.id.clone(), answer(q))).collect();
        return Some(deed);
    }
    work.state.is_over().then(|| Deed::new(What::Close))
}

/// Required fields that nobody filled in get the plainest value.
fn complete_form(opening: &mut Deed, playbook: &Playbook) {
    let case_type = opening.case_type.clone().or_else(|| first_type(playbook));
    let Some(case_type) = case_type.and_then(|id| playbook.case_type(&id)) else { return };
    for field in &case_type.form {
        if matches!(field.required, Required::Always | Required::When(_))
            && !opening.form.contains_key(&field.name)
        {
            opening.form.insert(field.name.clone(), plain_value(field, 0, "somebody"));
        }
    }
}

/// The first that anybody can call in.
fn first_type(playbook: &Playbook) -> Option<String> {
    playbook
        .types
        .values()
        .find(|case_type| !case_type.channels.is_empty())
        .map(|case_type| case_type.id.clone())
}

/// A report that sends nothing back, if there is one.
fn plainest(town: &Town, case_type: &CaseType, step: &Step, facts: &Facts) -> Words {
    let person = town.directory().persons().next().map(|person| person.code.clone()).unwrap_or_default();
    let most = step.fields.iter().map(choices).max().unwrap_or(1);
    let tried = (0..most).map(|turn| filled(step, turn, &person));
    let goes_on = |words: &Words| {
        let mut after = facts.clone();
        for field in &step.fields {
            if let (Some(word), [(name, _)]) = (words.get(&field.name), field.facts().as_slice()) {
                after.set(name, fact(field, word));
            }
        }
        case_type.loops_back(&step.id, &after).is_empty()
    };
    tried.clone().find(goes_on).or_else(|| tried.into_iter().next()).unwrap_or_default()
}

fn filled(step: &Step, turn: usize, person: &str) -> Words {
    let wanted = step.fields.iter().filter(|field| !matches!(field.required, Required::Never));
    wanted.map(|field| (field.name.clone(), plain_value(field, turn, person))).collect()
}

fn choices(field: &Field) -> usize {
    match &field.kind {
        FieldKind::Bool => 2,
        FieldKind::Choice(options) | FieldKind::Choices(options) => options.len().max(1),
        _ => 1,
    }
}

fn plain_value(field: &Field, turn: usize, person: &str) -> Json {
    match &field.kind {
        FieldKind::Bool => Json::from(turn.is_multiple_of(2)),
        FieldKind::Choice(options) | FieldKind::Choices(options) => {
            Json::from(options.get(turn % options.len().max(1)).map(|o| o.code.clone()).unwrap_or_default())
        }
        FieldKind::Int { min, .. } => Json::from(min.unwrap_or(1)),
        FieldKind::Money => Json::from("100"),
        FieldKind::Date => Json::from("2026-03-02"),
        FieldKind::Window => Json::from("2026-03-03T10:00/2026-03-03T12:00"),
        FieldKind::Phone => Json::from("13800000000"),
        FieldKind::Plate => Json::from("沪A00000"),
        FieldKind::Vin => Json::from("LSVAA4182E2184841"),
        FieldKind::Person { .. } => Json::from(person),
        FieldKind::Branch => Json::from("B1"),
        FieldKind::Text | FieldKind::Order | FieldKind::Attachment(_) => Json::from("..."),
    }
}

fn fact(field: &Field, word: &Json) -> Value {
    match (&field.kind, word) {
        (FieldKind::Bool, word) => Value::Bool(word.as_bool().unwrap_or_default()),
        (FieldKind::Int { .. }, word) => Value::Int(word.as_i64().unwrap_or_default()),
        (FieldKind::Money, _) => Value::money("CNY", 10_000),
        (_, word) => Value::code(word.as_str().unwrap_or_default()),
    }
}
