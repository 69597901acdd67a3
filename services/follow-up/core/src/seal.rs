//! Follow-up's seal: every call-back of this round is over and none will come.

use std::collections::BTreeSet;

use chassis_core::{About, Step};
use playbook::{Condition, FollowUp as Rule, Playbook, Seal};
use proto::{Event, Id, follow_up::v1 as said, intake::v1::TicketClosed};

use crate::{
    call::Consequence,
    case::{CallBackState, Known, Phase, Verdict},
};

/// Seals the round if it is over.
pub(crate) fn if_over(ticket: Id, known: &mut Known, playbook: &Playbook, step: &mut Step<'_>) {
    if known.phase != Phase::Open {
        return;
    }
    let wants_reopen = consequence(known) == Some(Consequence::Reopen);
    if wants_reopen {
        known.cancel_open(step.now());
    }
    let none_open = known.open().next().is_none();
    let none_will_come = known.work_over || all_expected_are_over(ticket, known, playbook);
    if !(wants_reopen || none_open && none_will_come && !closing_brings_one(ticket, known, playbook)) {
        return;
    }
    let verdict = verdict(known);
    known.phase = Phase::Sealed { at: step.now(), verdict };
    let event = said::FollowUpCompleted {
        ticket: Some(known.matter.to_ref(ticket)),
        outcome: verdict.outcome().to_owned(),
        consequence: verdict.consequence().code().to_owned(),
        rules: called(known),
    };
    step.say(About::ticket(ticket, &known.matter.branch), event);
}

/// The rules that brought this round's call-backs, each once.
fn called(known: &Known) -> Vec<String> {
    let rules: BTreeSet<&String> = known.this_round().map(|call| &call.rule).collect();
    rules.into_iter().cloned().collect()
}

/// Whether every rule that can apply to this case has had its call. Without this a call-back
/// after the customer's feedback would wait for months of improvement work to be sealed.
fn all_expected_are_over(ticket: Id, known: &Known, playbook: &Playbook) -> bool {
    let mut expected =
        expected(ticket, known, playbook).filter(|rule| rule.after.event != TicketClosed::NAME).peekable();
    expected.peek().is_some() && expected.all(|rule| known.this_round().any(|call| call.rule == rule.id))
}

/// A call is to be made after the closing, which does not wait for our seal: the seal waits for the
/// closing instead, so that it says what became of that call too.
fn closing_brings_one(ticket: Id, known: &Known, playbook: &Playbook) -> bool {
    known.closed_at.is_none()
        && !is_demanded(known, playbook)
        && expected(ticket, known, playbook).any(|rule| rule.after.event == TicketClosed::NAME)
}

/// Whether a case of this type closes with our seal only.
pub(crate) fn is_demanded(known: &Known, playbook: &Playbook) -> bool {
    playbook.case_type(&known.matter.case_type).is_some_and(|t| t.closing.needs.contains(&Seal::FollowUp))
}

/// The rules that can apply to this case as it is now; a series goes on long after the case.
fn expected<'a>(ticket: Id, known: &'a Known, playbook: &'a Playbook) -> impl Iterator<Item = &'a Rule> {
    playbook
        .follow_ups
        .iter()
        .filter(|rule| rule.applies_to(&known.matter.case_type))
        .filter(move |rule| rule.is_drawn(ticket.uuid().as_bytes()))
        .filter(|rule| rule.series.is_none() && Condition::met(rule.when.as_ref(), &known.facts))
}

/// The worst that was heard counts.
fn verdict(known: &Known) -> Verdict {
    if let Some(consequence) = consequence(known) {
        return Verdict::Unhappy(consequence);
    }
    let mut given_up = false;
    let mut recorded = false;
    for call in known.this_round() {
        match call.state {
            CallBackState::GivenUp { .. } => given_up = true,
            CallBackState::Recorded { .. } => recorded = true,
            CallBackState::Scheduled { .. } | CallBackState::Cancelled { .. } => {}
        }
    }
    match (given_up, recorded) {
        (true, _) => Verdict::NotReached,
        (false, true) => Verdict::Content,
        (false, false) => Verdict::NoneDue,
    }
}

/// What the unhappy answers of this round want; `None` if nobody was unhappy.
fn consequence(known: &Known) -> Option<Consequence> {
    known
        .this_round()
        .filter_map(|call| match &call.state {
            CallBackState::Recorded { unhappy: true, consequence, .. } => Some(*consequence),
            _ => None,
        })
        .max()
}
