//! What happened, counted from the event stream as any analyst could.

use std::collections::{BTreeMap, HashMap, HashSet};

use proto::AnyEvent;

/// Counts of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub opened: u64,
    /// Explained on the spot: contacts without a case.
    pub contacts: u64,
    /// By case type and severity at the opening.
    pub types: BTreeMap<String, u64>,
    pub severities: BTreeMap<String, u64>,
    pub reopened: u64,
    pub dispatched: u64,
    pub acknowledged: u64,
    pub refused: u64,
    pub withdrawn: u64,
    pub steps: u64,
    pub approved: u64,
    pub rejected: u64,
    pub on_time: u64,
    pub late: u64,
    pub breached: u64,
    pub warned: u64,
    /// By rung.
    pub escalated: BTreeMap<u32, u64>,
    pub unreached: u64,
    pub called_back: u64,
    pub surveys: u64,
    pub satisfied: u64,
    pub closed: u64,
    /// By channel.
    pub told: BTreeMap<String, u64>,
    pub telling_failed: u64,
    /// Cases that are open, with their types.
    pub open: HashMap<String, String>,
    /// Cases that no branch has been given yet.
    pub undispatched: HashSet<String>,
    seen: HashSet<String>,
}

impl Tally {
    /// `id`: the event's own, for transport may repeat it.
    pub fn hear(&mut self, id: &str, event: &AnyEvent) {
        if !self.seen.insert(id.to_owned()) {
            return;
        }
        self.count(event);
        self.follow(event);
    }

    fn count(&mut self, event: &AnyEvent) {
        let counted = match event {
            AnyEvent::TicketOpened(opened) => {
                *self.severities.entry(opened.severity.clone()).or_default() += 1;
                let case_type = opened.ticket.as_ref().map(|ticket| ticket.case_type.clone());
                *self.types.entry(case_type.unwrap_or_default()).or_default() += 1;
                &mut self.opened
            }
            AnyEvent::ContactLogged(_) => &mut self.contacts,
            AnyEvent::TicketReopened(_) => &mut self.reopened,
            AnyEvent::TicketClosed(_) => &mut self.closed,
            AnyEvent::WorkDispatched(_) => &mut self.dispatched,
            AnyEvent::WorkAcknowledged(_) => &mut self.acknowledged,
            AnyEvent::WorkRefused(_) => &mut self.refused,
            AnyEvent::WorkWithdrawn(_) => &mut self.withdrawn,
            AnyEvent::WorkStepDone(_) => &mut self.steps,
            AnyEvent::ApprovalDecided(decided) if decided.decision == "approved" => &mut self.approved,
            AnyEvent::ApprovalDecided(_) => &mut self.rejected,
            AnyEvent::ClockWarned(_) => &mut self.warned,
            AnyEvent::ClockBreached(_) => &mut self.breached,
            AnyEvent::ClockMet(met) if met.cancelled => return,
            AnyEvent::ClockMet(met) if met.late => &mut self.late,
            AnyEvent::ClockMet(_) => &mut self.on_time,
            AnyEvent::EscalationRaised(raised) => self.escalated.entry(raised.rung).or_default(),
            AnyEvent::FollowUpAttempted(attempt) if attempt.outcome != "reached" => &mut self.unreached,
            AnyEvent::FollowUpRecorded(_) => &mut self.called_back,
            AnyEvent::SurveyAnswered(answered) => {
                self.satisfied += u64::from(!answered.unhappy);
                &mut self.surveys
            }
            AnyEvent::NoticeSent(sent) => self.told.entry(sent.channel.clone()).or_default(),
            AnyEvent::NoticeFailed(failed) if failed.r#final => &mut self.telling_failed,
            _ => return,
        };
        *counted += 1;
    }

    fn follow(&mut self, event: &AnyEvent) {
        let Some(ticket) = event.ticket() else { return };
        match event {
            AnyEvent::TicketOpened(_) | AnyEvent::TicketReopened(_) => {
                self.open.insert(ticket.ticket_id.clone(), ticket.case_type.clone());
                self.undispatched.insert(ticket.ticket_id.clone());
            }
            AnyEvent::WorkDispatched(_) => {
                self.undispatched.remove(&ticket.ticket_id);
            }
            AnyEvent::TicketClosed(_) => {
                self.open.remove(&ticket.ticket_id);
            }
            _ => {}
        }
    }

    pub fn rungs(&self) -> u64 {
        self.escalated.values().sum()
    }

    pub fn notices(&self) -> u64 {
        self.told.values().sum()
    }

    /// The lines of the summary.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let share = |part: u64, whole: u64| match whole {
            0 => part.to_string(),
            _ => format!("{part} ({} %)", part * 100 / whole),
        };
        let listed = |counts: Vec<String>| if counts.is_empty() { "0".to_owned() } else { counts.join(", ") };
        let counted = |counts: &BTreeMap<String, u64>| {
            listed(counts.iter().map(|(name, count)| format!("{name} {count}")).collect())
        };
        let rungs = self.escalated.iter().map(|(rung, count)| format!("rung {rung}: {count}")).collect();
        vec![
            (
                "opened",
                format!("{}, {} opened again; contacts {}", self.opened, self.reopened, self.contacts),
            ),
            ("case types", counted(&self.types)),
            ("severities", counted(&self.severities)),
            ("dispatched", self.dispatched.to_string()),
            ("acknowledged", self.acknowledged.to_string()),
            ("refused", format!("{}, taken away {}", self.refused, self.withdrawn)),
            ("steps done", self.steps.to_string()),
            ("approvals", format!("{} approved, {} rejected", self.approved, self.rejected)),
            ("clocks on time", share(self.on_time, self.on_time + self.breached)),
            ("breached", format!("{}, {} of them met late", self.breached, self.late)),
            ("escalated", listed(rungs)),
            ("called back", format!("{}, {} times not reached", self.called_back, self.unreached)),
            ("satisfied", share(self.satisfied, self.surveys)),
            ("told", counted(&self.told)),
            ("closed", format!("{}, {} open", self.closed, self.open.len())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proto::{
        common::v1::TicketRef, follow_up::v1 as follow_up, intake::v1 as intake, sla_watchdog::v1 as watchdog,
    };

    use super::*;

    fn ticket(id: &str) -> Option<TicketRef> {
        Some(TicketRef { ticket_id: id.to_owned(), ..Default::default() })
    }

    fn opened(id: &str) -> AnyEvent {
        AnyEvent::TicketOpened(intake::TicketOpened {
            ticket: ticket(id),
            severity: "major".into(),
            ..Default::default()
        })
    }

    #[test]
    fn an_event_that_comes_twice_counts_once() {
        let mut tally = Tally::default();
        tally.hear("1", &opened("T1"));
        tally.hear("1", &opened("T1"));
        tally.hear("2", &opened("T2"));
        assert_eq!((tally.opened, tally.severities["major"], tally.open.len()), (2, 2, 2));
    }

    #[test]
    fn a_case_that_is_opened_again_is_open() {
        let mut tally = Tally::default();
        tally.hear("1", &opened("T1"));
        tally.hear(
            "2",
            &AnyEvent::TicketClosed(intake::TicketClosed { ticket: ticket("T1"), ..Default::default() }),
        );
        assert!(tally.open.is_empty());
        tally.hear(
            "3",
            &AnyEvent::TicketReopened(intake::TicketReopened { ticket: ticket("T1"), ..Default::default() }),
        );
        assert_eq!((tally.closed, tally.reopened, tally.open.len()), (1, 1, 1));
    }

    #[test]
    fn verdicts_rungs_and_answers_are_told_apart() {
        let mut tally = Tally::default();
        let met = |late, cancelled| {
            AnyEvent::ClockMet(watchdog::ClockMet { late, cancelled, ..Default::default() })
        };
        tally.hear("1", &met(false, false));
        tally.hear("2", &met(true, false));
        tally.hear("3", &met(false, true));
        tally.hear(
            "4",
            &AnyEvent::EscalationRaised(watchdog::EscalationRaised { rung: 2, ..Default::default() }),
        );
        tally.hear(
            "5",
            &AnyEvent::SurveyAnswered(follow_up::SurveyAnswered { unhappy: true, ..Default::default() }),
        );
        tally.hear("6", &AnyEvent::SurveyAnswered(follow_up::SurveyAnswered::default()));
        assert_eq!((tally.on_time, tally.late, tally.rungs()), (1, 1, 1));
        assert_eq!((tally.surveys, tally.satisfied), (2, 1));
        let lines = tally.lines();
        assert!(lines.contains(&("satisfied", "1 (50 %)".to_owned())), "{lines:?}");
        assert!(lines.contains(&("escalated", "rung 2: 1".to_owned())), "{lines:?}");
    }
}
