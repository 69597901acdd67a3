//! What a row of a recording stands for, as an event of the contracts.

use chassis_core::Heard;
use playbook::Facts;
use proto::{
    AnyEvent, Bucket, Service, Time, common::v1::TicketRef, dispatch::v1 as work, envelope::Position,
    follow_up::v1 as call, intake::v1 as intake,
};

use super::{mapping::Activity, reading::History};

pub(super) fn push(history: &mut History, at: Time, event: AnyEvent) {
    let seq = history.events.len() as u64 + 1;
    let place = Position { service: Service::Intake, shard: Bucket::of_hash(0).shard(), epoch: 1, seq };
    history.events.push(Heard {
        at: place,
        event,
        subject: None,
        branch: None,
        actor: String::new(),
        hops: 0,
        recorded_at: at,
        occurred_at: None,
    });
}

/// A log that closes a case several times means the last time.
pub(super) fn closed_once(history: &mut History) {
    let closes = |recorded: &Heard| matches!(recorded.event, AnyEvent::TicketClosed(_));
    let last = history.events.iter().rposition(closes);
    let mut place = 0;
    history.events.retain(|recorded| {
        place += 1;
        !closes(recorded) || last == Some(place - 1)
    });
    // What stands behind it in the file with the same stamp came before.
    if let Some(last) = history.events.iter().position(closes)
        && history.events[last..].iter().all(|other| other.recorded_at == history.events[last].recorded_at)
    {
        let closing = history.events.remove(last);
        history.events.push(closing);
    }
}

pub(super) fn reference(history: &History) -> Option<TicketRef> {
    Some(TicketRef {
        ticket_id: String::new(),
        number: history.case.clone(),
        cycle: 1,
        branch: history.branch.clone(),
        playbook: None,
        case_type: history.case_type.clone(),
    })
}

pub(super) fn opened(history: &History, at: Time, facts: &Facts) -> AnyEvent {
    intake::TicketOpened {
        ticket: reference(history),
        facts: organisation::facts::to_proto(facts),
        category: facts.code("category").unwrap_or_default().to_owned(),
        severity: facts.code("severity").unwrap_or_default().to_owned(),
        channel: facts.code("channel").unwrap_or_default().to_owned(),
        opened_at: at.0,
        ..Default::default()
    }
    .into()
}

/// The event that an activity stands for; `None` for those that carry more than a log can say.
pub(super) fn event(meant: &Activity, ticket: Option<TicketRef>) -> Option<AnyEvent> {
    let subject = meant.subject.clone().unwrap_or_default();
    let outcome = meant.outcome.clone().unwrap_or_default();
    Some(match meant.event.as_str() {
        "ticket.closed" => intake::TicketClosed { ticket, ..Default::default() }.into(),
        "wait.begun" => {
            intake::TicketNoted { ticket, kind: "wait".into(), wait_begun: subject, ..Default::default() }
                .into()
        }
        "wait.ended" => {
            intake::TicketNoted { ticket, kind: "wait".into(), wait_ended: subject, ..Default::default() }
                .into()
        }
        "ticket.noted" => intake::TicketNoted { ticket, kind: "contact".into(), ..Default::default() }.into(),
        "work.dispatched" => work::WorkDispatched { ticket, hand_off: 1, ..Default::default() }.into(),
        "work.acknowledged" => work::WorkAcknowledged { ticket, hand_off: 1, ..Default::default() }.into(),
        "work.refused" => work::WorkRefused { ticket, hand_off: 1, ..Default::default() }.into(),
        "work.step_ready" => work::WorkStepReady { ticket, step: subject, ..Default::default() }.into(),
        "work.step_done" => work::WorkStepDone { ticket, step: subject, ..Default::default() }.into(),
        "work.completed" => work::WorkCompleted { ticket, ..Default::default() }.into(),
        "work.withdrawn" => work::WorkWithdrawn { ticket, step: subject, ..Default::default() }.into(),
        "approval.asked" => {
            work::ApprovalAsked { ticket, step: subject, stage: 1, ..Default::default() }.into()
        }
        "approval.decided" => work::ApprovalDecided {
            ticket,
            step: subject,
            stage: 1,
            decision: if outcome == "refused" { "rejected".into() } else { "approved".into() },
            r#final: true,
            ..Default::default()
        }
        .into(),
        "follow_up.scheduled" => call::FollowUpScheduled {
            ticket,
            follow_up_id: subject.clone(),
            rule: subject,
            ..Default::default()
        }
        .into(),
        "follow_up.completed" => {
            let rules = meant.subject.iter().cloned().collect();
            call::FollowUpCompleted { ticket, outcome, rules, ..Default::default() }.into()
        }
        _ => return None,
    })
}
