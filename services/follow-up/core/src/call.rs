//! The call took place: what was said, the survey apart (DG-09), and what an unhappy answer does.

use calendar::{DayEnd, Limit};
use chassis_core::{About, Halt, Refusal, RefusalKind, Step};
use playbook::{Facts, FollowUp as Rule, Playbook, Unhappy};
use proto::{Time, follow_up::v1 as said};
use serde::{Deserialize, Serialize};

use crate::{
    answers, attempt,
    case::{CallBackState, Known},
    command::{RecordCall, Reply},
    gate, hear, moment, schedule, seal,
    signal::Signal,
};

/// What the playbook wants done about an unhappy customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    Nothing,
    /// A linked ticket (FR-47).
    Link,
    /// A new cycle.
    Reopen,
}

impl Consequence {
    /// The code on the wire.
    pub fn code(self) -> &'static str {
        match self {
            Consequence::Nothing => "",
            Consequence::Link => "link",
            Consequence::Reopen => "reopen",
        }
    }
}

pub(crate) fn record(ask: &RecordCall, step: &mut Step<'_>) -> Result<Reply, Halt> {
    let (mut case, mut known) = gate::case_in_cycle(ask.ticket, ask.cycle, step)?;
    let playbook = hear::playbook_of(&known, ask.ticket, step)?;
    let call = gate::open_call(&known, ask.call_back)?;
    let rule = rule_of(&playbook, &call.rule)?;
    let by = gate::may_record(&known, (&playbook, &rule.by), step.actor(), step)?;
    let answers = answers::read(rule, &ask.answers)?;
    known.facts.absorb(answers.clone());
    let unhappy = rule.is_unhappy(&known.facts);
    let consequence = if unhappy { consequence(rule, &known, step) } else { Consequence::Nothing };
    say(&known, rule, ask, &by, &answers, unhappy, step);
    if let Some(call) = known.call_back_mut(ask.call_back) {
        call.text.clone_from(&ask.text);
        call.state =
            CallBackState::Recorded { at: step.now(), by, answers: answers.clone(), unhappy, consequence };
    }
    let outcome = if unhappy { "unhappy" } else { "happy" };
    follow(ask, &mut known, &playbook, &rule.id, outcome, !answers.is_empty(), step);
    seal::if_over(ask.ticket, &mut known, &playbook, step);
    case.known = Some(known);
    step.put(&case);
    Ok(Reply::Recorded { unhappy, consequence })
}

/// What the call makes due in turn.
fn follow(
    ask: &RecordCall,
    known: &mut Known,
    playbook: &Playbook,
    rule: &str,
    outcome: &str,
    surveyed: bool,
    step: &mut Step<'_>,
) {
    let now = step.now();
    let mut signals = vec![
        Signal::new::<said::FollowUpAttempted>(Some(rule), ask.cycle, now).with_outcome("reached"),
        Signal::new::<said::FollowUpRecorded>(Some(rule), ask.cycle, now).with_outcome(outcome),
    ];
    if surveyed {
        signals.push(Signal::new::<said::SurveyAnswered>(Some(rule), ask.cycle, now).with_outcome(outcome));
    }
    for signal in signals {
        schedule::after(ask.ticket, known, playbook, &signal, step);
    }
}

fn say(
    known: &Known,
    rule: &Rule,
    ask: &RecordCall,
    by: &str,
    answers: &Facts,
    unhappy: bool,
    step: &mut Step<'_>,
) {
    let about = || About::ticket(ask.ticket, &known.matter.branch);
    let (ticket, id) = (known.matter.to_ref(ask.ticket), ask.call_back.to_string());
    attempt::attempted(ask.ticket, known, ask.call_back, attempt::REACHED, by, None, step);
    let recorded = said::FollowUpRecorded {
        ticket: Some(ticket.clone()),
        follow_up_id: id.clone(),
        rule: rule.id.clone(),
        by: by.to_owned(),
        marks: Vec::new(),
    };
    step.say(about(), recorded);
    if answers.is_empty() {
        return;
    }
    let answered = said::SurveyAnswered {
        ticket: Some(ticket),
        follow_up_id: id,
        rule: rule.id.clone(),
        answers: organisation::facts::to_proto(answers),
        unhappy,
    };
    step.say(about(), answered);
}

/// While the case is open, and within the playbook's days of closing, a new cycle; later a
/// linked case (playbook.md, decisions already taken).
fn consequence(rule: &Rule, known: &Known, step: &Step<'_>) -> Consequence {
    match rule.on_unhappy {
        Unhappy::Nothing => Consequence::Nothing,
        Unhappy::Linked => Consequence::Link,
        Unhappy::Reopen { within_days } => match known.closed_at {
            Some(closed) if step.now() > window_end(closed, within_days, rule, known, step) => {
                Consequence::Link
            }
            _ => Consequence::Reopen,
        },
    }
}

/// The customer's right, so the last day counts to 24:00.
fn window_end(closed: Time, days: u32, rule: &Rule, known: &Known, step: &Step<'_>) -> Time {
    let hours = moment::hours(step.directory(), &rule.by, &known.matter.branch);
    moment::due(&hours, closed, &Limit::CalendarDays { days, until: DayEnd::Midnight })
}

/// The rule that a call-back was scheduled by: versions are never changed, so it is there.
pub(crate) fn rule_of<'p>(playbook: &'p Playbook, id: &str) -> Result<&'p Rule, Refusal> {
    playbook.follow_up(id).ok_or_else(|| {
        Refusal::new(
            RefusalKind::Internal,
            "no-rule",
            format!("规则书里没有回访规则 {id}。"),
            format!("The playbook has no follow-up rule {id}."),
        )
    })
}
