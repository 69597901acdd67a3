//! What the call-back record says of a case.

use organisation::facts::from_proto;
use proto::{
    Time,
    common::v1::TicketRef,
    follow_up::v1::{
        FollowUpAttempted, FollowUpCompleted, FollowUpRecorded, FollowUpScheduled, SurveyAnswered,
    },
};

use crate::{
    moment::Moment,
    row::{Row, Survey},
};

fn cycle_of(ticket: Option<&TicketRef>) -> u32 {
    ticket.map_or(0, |ticket| ticket.cycle)
}

pub(crate) fn scheduled(row: &mut Row, event: &FollowUpScheduled, at: Time) {
    row.note(
        Moment::new("follow_up.scheduled", at, cycle_of(event.ticket.as_ref()))
            .about(&event.rule)
            .word(&event.kind),
    );
}

pub(crate) fn attempted(row: &mut Row, event: &FollowUpAttempted, at: Time) {
    let moment = Moment::new("follow_up.attempted", at, cycle_of(event.ticket.as_ref())).about(&event.rule);
    row.note(moment.by(&event.by).word(&event.outcome).number(event.attempt.into()));
}

pub(crate) fn recorded(row: &mut Row, event: &FollowUpRecorded, at: Time) {
    row.mark(&event.marks, at);
    row.note(
        Moment::new("follow_up.recorded", at, cycle_of(event.ticket.as_ref()))
            .about(&event.rule)
            .by(&event.by),
    );
}

pub(crate) fn answered(row: &mut Row, event: &SurveyAnswered, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    let answers = from_proto(&event.answers);
    row.surveys.push(Survey { at, cycle, rule: event.rule.clone(), answers, unhappy: event.unhappy });
    let word = if event.unhappy { "unhappy" } else { "content" };
    row.note(Moment::new("survey.answered", at, cycle).about(&event.rule).word(word));
}

pub(crate) fn completed(row: &mut Row, event: &FollowUpCompleted, at: Time) {
    row.note(Moment::new("follow_up.completed", at, cycle_of(event.ticket.as_ref())).word(&event.outcome));
}
