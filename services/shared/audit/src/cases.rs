//! What the journals say of each case.

use std::collections::HashMap;

use chassis_core::Entry;
use proto::{AnyEvent, Id, Service};

use crate::{Class, Findings, print_of, withdrawn::Withdrawn};

const ANSWERED: u8 = 1;
const RESOLVED: u8 = 2;
const TOLD: u8 = 4;
const ALL: u8 = ANSWERED | RESOLVED | TOLD;

/// One case by its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    pub number: Box<str>,
    /// Times that it was opened; 0: only others speak of it.
    pub opened: u8,
    pub cycle: u32,
    pub closed: bool,
    /// Cycle -> what is on record for it.
    marks: Vec<(u32, u8)>,
    closings: Vec<u32>,
    /// Named waits that are going on, as prints.
    waits: Vec<u64>,
    /// Clocks that run, stand still by a wait, or are late and not met.
    pub(super) live_clocks: u16,
    pub has_work: bool,
    pub has_clocks: bool,
    /// Call-backs that the round's seal is waited for with.
    pub called: bool,
}

impl Case {
    /// Open with nothing that would bring it forward (P9), as far as journals tell.
    pub fn is_stranded(&self) -> bool {
        self.opened > 0 && !self.closed && self.live_clocks == 0 && self.waits.is_empty()
    }

    fn mark(&mut self, cycle: u32, bits: u8) {
        match self.marks.iter_mut().find(|(of, _)| *of == cycle) {
            Some((_, known)) => *known |= bits,
            None => self.marks.push((cycle, bits)),
        }
    }
}

#[derive(Default)]
pub struct Cases {
    cases: HashMap<Id, Case>,
    /// Request -> the case that it opened; number -> the case that has it.
    by_request: HashMap<u64, Id>,
    by_number: HashMap<u64, Id>,
    /// Approval and stage, as prints, that were decided.
    decided: HashMap<u64, ()>,
    requesters: HashMap<u64, Box<str>>,
}

impl Cases {
    pub fn iter(&self) -> impl Iterator<Item = (Id, &Case)> {
        self.cases.iter().map(|(id, case)| (*id, case))
    }

    pub fn len(&self) -> usize {
        self.cases.len()
    }

    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    pub fn get(&self, id: Id) -> Option<&Case> {
        self.cases.get(&id)
    }

    pub(super) fn case(&mut self, id: Id) -> &mut Case {
        self.cases.entry(id).or_default()
    }

    pub(super) fn take(&mut self, entry: &Entry, event: &AnyEvent, findings: &mut Findings) {
        let Some(ticket) = event.ticket() else { return };
        let Ok(id) = ticket.ticket_id.parse::<Id>() else {
            findings.add(Class::Differs, "unreadable", entry.at, "an event of a ticket without its id");
            return;
        };
        let cycle = ticket.cycle;
        match entry.at.service {
            Service::Dispatch => self.case(id).has_work = true,
            Service::SlaWatchdog => self.case(id).has_clocks = true,
            _ => {}
        }
        match event {
            AnyEvent::TicketOpened(_) => self.opened(id, &ticket.number, entry, findings),
            AnyEvent::TicketReopened(_) => {
                let case = self.case(id);
                (case.cycle, case.closed, case.called) = (cycle.max(case.cycle), false, false);
            }
            AnyEvent::FollowUpScheduled(_) => self.case(id).called = true,
            AnyEvent::FollowUpCompleted(_) => self.case(id).called = false,
            AnyEvent::TicketClosed(_) => self.closed(id, cycle, entry, findings),
            AnyEvent::TicketNoted(noted) => self.noted(id, &noted.wait_begun, &noted.wait_ended),
            AnyEvent::WorkStepDone(done) => self.case(id).mark(cycle, bits(&done.marks)),
            AnyEvent::FollowUpRecorded(recorded) => self.case(id).mark(cycle, bits(&recorded.marks)),
            AnyEvent::ApprovalAsked(asked) => {
                let approval = print_of(&[asked.approval_id.as_bytes()]);
                self.requesters.insert(approval, asked.requester.as_str().into());
            }
            AnyEvent::ApprovalDecided(decided) => self.decided(decided, entry, findings),
            // Who is said to have approved never did: the stage is decided once more, by him.
            AnyEvent::ApprovalConfirmed(paper) if paper.decision == "denied" => {
                self.decided.remove(&stage_of(&paper.approval_id, paper.stage));
            }
            _ => {}
        }
    }

    fn opened(&mut self, id: Id, number: &str, entry: &Entry, findings: &mut Findings) {
        let case = self.case(id);
        case.opened = case.opened.saturating_add(1);
        case.cycle = case.cycle.max(1);
        case.number = number.into();
        if case.opened > 1 {
            findings.add(Class::Doubled, "ticket-opened-twice", entry.at, number);
        }
        if let Some(other) = self.by_number.insert(print_of(&[number.as_bytes()]), id)
            && other != id
        {
            findings.add(
                Class::Doubled,
                "number-given-twice",
                entry.at,
                format!("{number}: {other} and {id}"),
            );
        }
        if !entry.cause.starts_with("request:") {
            return;
        }
        let request = print_of(&[entry.actor.as_bytes(), entry.cause.as_bytes()]);
        if let Some(other) = self.by_request.insert(request, id)
            && other != id
        {
            let text = format!("{} opened {other} and {id}", entry.cause);
            findings.add(Class::Doubled, "request-opened-two-tickets", entry.at, text);
        }
    }

    fn closed(&mut self, id: Id, cycle: u32, entry: &Entry, findings: &mut Findings) {
        let case = self.case(id);
        case.closed = true;
        if case.closings.contains(&cycle) {
            findings.add(Class::Doubled, "ticket-closed-twice", entry.at, format!("cycle {cycle}"));
            return;
        }
        case.closings.push(cycle);
    }

    fn noted(&mut self, id: Id, begun: &str, ended: &str) {
        let waits = &mut self.case(id).waits;
        if !ended.is_empty() {
            let ended = print_of(&[ended.as_bytes()]);
            waits.retain(|wait| *wait != ended);
        }
        if !begun.is_empty() {
            waits.push(print_of(&[begun.as_bytes()]));
        }
    }

    fn decided(
        &mut self,
        decided: &proto::dispatch::v1::ApprovalDecided,
        entry: &Entry,
        findings: &mut Findings,
    ) {
        let approval = print_of(&[decided.approval_id.as_bytes()]);
        let stage = stage_of(&decided.approval_id, decided.stage);
        if self.decided.insert(stage, ()).is_some() {
            let text = format!("{} stage {}", decided.approval_id, decided.stage);
            findings.add(Class::Doubled, "approval-decided-twice", entry.at, text);
        }
        let requester = self.requesters.get(&approval).map_or("", |person| person);
        if !decided.by.is_empty() && decided.by == requester {
            let text = format!("P5: {} asked for it and {} it", decided.by, decided.decision);
            findings.add(Class::Promise, "own-request-decided", entry.at, text);
        }
    }

    /// P4: every closed cycle was answered, resolved and told.
    /// A case of which history was taken back is compared by people: what its events rested on is gone.
    pub(super) fn settle(&self, withdrawn: &Withdrawn, findings: &mut Findings) {
        for (id, case) in self.cases.iter().filter(|(id, _)| !withdrawn.concerns(**id)) {
            for cycle in &case.closings {
                let marks = case.marks.iter().find(|(of, _)| of == cycle).map_or(0, |(_, bits)| *bits);
                if marks != ALL {
                    let text = format!("P4: {id} cycle {cycle} was closed and never {}", absent(marks));
                    findings.add(Class::Promise, "closed-without-evidence", &case.number, text);
                }
            }
            if case.opened == 0 {
                findings.add(
                    Class::Lost,
                    "case-never-opened",
                    id,
                    "others speak of it, intake's journal does not",
                );
            }
        }
    }
}

fn bits(marks: &[String]) -> u8 {
    let bit = |mark: &String| match mark.as_str() {
        "answered" => ANSWERED,
        "resolved" => RESOLVED,
        "told" => TOLD,
        _ => 0,
    };
    marks.iter().map(bit).fold(0, |all, one| all | one)
}

fn absent(marks: u8) -> String {
    let names = [(ANSWERED, "answered"), (RESOLVED, "resolved"), (TOLD, "told")];
    names.into_iter().filter(|(bit, _)| marks & bit == 0).map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}

/// A stage of an approval, as a print.
fn stage_of(approval: &str, stage: u32) -> u64 {
    print_of(&[approval.as_bytes(), &stage.to_le_bytes()])
}
