//! Hand-offs: work given to a branch, taken, given back, or taken away again
//! because of silence.

use std::collections::{BTreeMap, BTreeSet};

use chassis_core::{Halt, Heard, Refusal, Sealed, Step};
use organisation::facts;
use playbook::{Facts, RoleAt, Value};
use proto::{Id, Time, common::v1::TicketRef, dispatch::v1 as said, intake::v1 as intake};

use crate::{
    desk::Desk,
    gate,
    placing::{Placed, Rules},
    state::{ApprovalState, GivenBack, HandOff, State, Work},
};

/// `ticket.opened`: the first work order of a ticket.
pub(crate) fn opened(
    ticket: Id,
    event: &intake::TicketOpened,
    heard: &Heard,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    let Some(named) = event.ticket.as_ref() else { return Ok(()) };
    if step.get::<Work>(ticket)?.is_some() {
        return Ok(());
    }
    let mut told = facts::from_proto(&event.facts);
    for (name, code) in
        [("category", &event.category), ("severity", &event.severity), ("channel", &event.channel)]
    {
        set_code(&mut told, name, code);
    }
    set_codes(&mut told, "tags", &event.tags);
    let opened_at = Time(event.opened_at).set().unwrap_or(heard.recorded_at);
    told.set("opened_at", Value::Instant(opened_at.0));
    let opening = Opening { named, told, barred: &event.barred, customer: &event.customer_id, opened_at };
    start(ticket, opening, step)
}

/// `ticket.reopened`: a new cycle with a new order; earlier ones stay on record.
pub(crate) fn reopened(
    ticket: Id,
    event: &intake::TicketReopened,
    heard: &Heard,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    let Some(named) = event.ticket.as_ref() else { return Ok(()) };
    let earlier = step.get::<Work>(ticket)?;
    if earlier.as_ref().is_some_and(|work| work.cycle >= named.cycle) {
        return Ok(());
    }
    let mut told = earlier.as_ref().map(|work| work.told.clone()).unwrap_or_default();
    told.absorb(facts::from_proto(&event.facts));
    for (name, code) in [("category", &event.category), ("severity", &event.severity)] {
        set_code(&mut told, name, code);
    }
    set_codes(&mut told, "tags", &event.tags);
    told.set("reopened", Value::Bool(true));
    let opened_at = earlier.as_ref().map_or(heard.recorded_at, |work| work.opened_at);
    let opening = Opening { named, told, barred: &event.barred, customer: &event.customer_id, opened_at };
    match earlier {
        Some(work) => next_cycle(work, opening, step),
        None => start(ticket, opening, step),
    }
}

struct Opening<'e> {
    named: &'e TicketRef,
    told: Facts,
    barred: &'e [String],
    customer: &'e str,
    opened_at: Time,
}

impl Opening<'_> {
    /// What every case's conditions may read, whoever said it.
    fn built_in(&mut self) {
        set_code(&mut self.told, "type", &self.named.case_type);
        set_code(&mut self.told, "branch", &self.named.branch);
        self.told.set("cycle", Value::Int(self.named.cycle.into()));
    }
}

fn start(ticket: Id, mut opening: Opening<'_>, step: &mut Step<'_>) -> Result<(), Halt> {
    opening.built_in();
    let book = opening.named.playbook.clone().unwrap_or_default();
    let rules = Rules::of(step.directory(), &book.id, book.version, &opening.named.case_type)?;
    let told = rules.told_by_intake(opening.told, &[]);
    let mut facts = told.clone();
    rules.case_type.derive(&mut facts);
    let work = Work {
        ticket,
        number: opening.named.number.clone(),
        cycle: opening.named.cycle,
        branch: opening.named.branch.clone(),
        playbook: book.id,
        version: book.version,
        case_type: opening.named.case_type.clone(),
        customer: opening.customer.parse().ok(),
        opened_at: opening.opened_at,
        changed_at: step.now(),
        order: step.mint(ticket.bucket()),
        facts,
        told,
        barred: opening.barred.iter().cloned().collect(),
        unit: String::new(),
        hand_off: HandOff {
            number: 0,
            role: rules.case_type.routing.receiver.clone(),
            assignee: None,
            at: step.now(),
        },
        state: State::Unplaced { since: step.now() },
        open: BTreeMap::new(),
        done: Vec::new(),
        earlier: Vec::new(),
        approvals: Vec::new(),
        given_back: Vec::new(),
        retry_at: None,
    };
    let mut desk = Desk { step, work, rules };
    desk.dispatch_first();
    desk.file();
    Ok(())
}

fn next_cycle(mut work: Work, mut opening: Opening<'_>, step: &mut Step<'_>) -> Result<(), Halt> {
    opening.built_in();
    work.cycle = opening.named.cycle;
    work.branch = opening.named.branch.clone();
    if let Some(book) = &opening.named.playbook {
        (work.playbook, work.version) = (book.id.clone(), book.version);
    }
    work.order = step.mint(work.ticket.bucket());
    let rules = Rules::of(step.directory(), &work.playbook, work.version, &work.case_type)?;
    work.told = rules.told_by_intake(opening.told, &[]);
    work.facts = work.told.clone();
    rules.case_type.derive(&mut work.facts);
    work.customer = opening.customer.parse().ok().or(work.customer);
    // A bar is never lifted by a re-opening that forgets to repeat it.
    work.barred.extend(opening.barred.iter().cloned());
    work.open.clear();
    for approval in work.approvals.iter_mut().filter(|approval| approval.is_open()) {
        approval.state = ApprovalState::Withdrawn { at: step.now() };
    }
    let done = std::mem::take(&mut work.done);
    work.earlier.extend(done);
    work.hand_off.number = 0;
    let mut desk = Desk { step, work, rules };
    desk.dispatch_first();
    desk.file();
    Ok(())
}

impl Desk<'_, '_> {
    fn dispatch_first(&mut self) {
        let route = self.rules.route(&self.work);
        self.work.unit = route.unit;
        let excluded = self.work.barred.clone();
        self.hand_to(&route.receiver, &excluded);
    }

    pub fn place_hand_off(&self, role: &RoleAt, excluded: &BTreeSet<String>) -> Placed {
        self.rules.place(&self.work, role, &self.rules.behind_receiver(&self.work), self.now(), excluded)
    }

    /// The next hand-off. Its clock of silence starts even if nobody was found.
    pub fn hand_to(&mut self, role: &RoleAt, excluded: &BTreeSet<String>) {
        let now = self.now();
        let placed = self.place_hand_off(role, excluded);
        self.work.state = match placed.person {
            Some(_) => State::Dispatched,
            None => State::Unplaced { since: now },
        };
        let number = self.work.hand_off.number + 1;
        self.work.hand_off = HandOff { number, role: placed.role, assignee: placed.person, at: now };
        let assignee = self.work.hand_off.assignee.clone();
        let event = said::WorkDispatched {
            ticket: Some(self.work.ticket_ref()),
            order_id: self.work.order.to_string(),
            unit: self.work.unit.clone(),
            role: self.work.hand_off.role.role.clone(),
            assignee: self.work.hand_off.assignee.clone().unwrap_or_default(),
            hand_off: number,
            chosen: assignee.map(|person| self.rules.why(&self.work, &person)).unwrap_or_default(),
        };
        self.say(event);
    }

    pub fn acknowledge(&mut self) -> Result<Vec<String>, Refusal> {
        self.view().may_answer_hand_off()?;
        let by = self.by();
        let event = said::WorkAcknowledged {
            ticket: Some(self.work.ticket_ref()),
            order_id: self.work.order.to_string(),
            by: by.clone(),
            hand_off: self.work.hand_off.number,
        };
        self.say(event);
        self.work.hand_off.assignee = Some(by.clone());
        self.work.state = State::Acknowledged { by, at: self.now() };
        self.refresh();
        Ok(self.ready_now())
    }

    /// Gives the hand-off back with a reason; whom the playbook names decides next.
    pub fn refuse(&mut self, reason: &str, text: Option<Sealed>) -> Result<(), Refusal> {
        self.view().may_refuse()?;
        let on_refusal = self.rules.route(&self.work).on_refusal;
        if !(is_code(reason) || (reason.is_empty() && !on_refusal.reason_required)) {
            return Err(gate::needs_reason());
        }
        let by = self.by();
        let event = said::WorkRefused {
            ticket: Some(self.work.ticket_ref()),
            order_id: self.work.order.to_string(),
            by: by.clone(),
            reason: reason.to_owned(),
            hand_off: self.work.hand_off.number,
        };
        self.say(event);
        self.work.given_back.push(GivenBack {
            cycle: self.work.cycle,
            hand_off: self.work.hand_off.number,
            by,
            reason: reason.to_owned(),
            text,
            at: self.now(),
        });
        let excluded = self.not_receiving();
        self.hand_to(&on_refusal.to, &excluded);
        Ok(())
    }

    /// Silence: a rung of the ladder hands the work to another role. An answer
    /// that came before, or a hand-off made since, makes it void.
    pub fn reroute_hand_off(&mut self, role: &RoleAt, hand_off: Option<u32>) {
        let answered = !matches!(self.work.state, State::Unplaced { .. } | State::Dispatched);
        if answered || hand_off.is_some_and(|number| number != self.work.hand_off.number) {
            return;
        }
        let from = self.work.hand_off.assignee.clone();
        let mut excluded = self.not_receiving();
        excluded.extend(from.clone());
        if self.rules.find(&self.work, role, self.now(), &excluded).is_empty() {
            // Better with the silent one than with nobody; the ladder has told those above.
            return;
        }
        self.say_withdrawn("", from.as_deref(), "silence");
        self.hand_to(role, &excluded);
    }
}

/// Reasons ride on events: a code, never a sentence.
fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

pub(crate) fn set_code(facts: &mut Facts, name: &str, code: &str) {
    if !code.is_empty() {
        facts.set(name, Value::code(code));
    }
}

/// Nothing said leaves what is known: an event without tags says nothing about them.
pub(crate) fn set_codes(facts: &mut Facts, name: &str, codes: &[String]) {
    if !codes.is_empty() {
        facts.set(name, Value::Codes(codes.to_vec()));
    }
}
