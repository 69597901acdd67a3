//! The desk: a work order taken out for one input, changed, and filed again.

use std::collections::BTreeSet;

use chassis_core::{About, Halt, Step};
use proto::{Event, Id, Time, dispatch::v1 as said};

use crate::{
    placing::Rules,
    state::{OpenStep, State, Work},
    view::View,
};

/// The timer that looks again for somebody to take what nobody took.
pub(crate) const RETRY: &str = "place";
/// How long work waits before somebody is looked for again; its clocks run meanwhile (P9).
pub(crate) const RETRY_AFTER: i64 = Time::HOUR;

pub(crate) struct Desk<'s, 'a> {
    pub step: &'s mut Step<'a>,
    pub work: Work,
    pub rules: Rules<'a>,
}

impl<'s, 'a> Desk<'s, 'a> {
    pub fn take(step: &'s mut Step<'a>, work: Work) -> Result<Self, Halt> {
        let rules = Rules::of(step.directory(), &work.playbook, work.version, &work.case_type)?;
        Ok(Desk { step, work, rules })
    }

    /// The order of a ticket that somebody names in a command.
    pub fn open(step: &'s mut Step<'a>, ticket: Id) -> Result<Self, Halt> {
        let work = step.need::<Work>(ticket, "工单", "work order of ticket")?;
        Desk::take(step, work)
    }

    pub fn view(&self) -> View<'_> {
        View { work: &self.work, rules: self.rules, actor: self.step.actor(), at: self.step.now() }
    }

    pub fn now(&self) -> Time {
        self.step.now()
    }

    /// Whoever commands, as events and records name him.
    pub fn by(&self) -> String {
        let actor = self.step.actor();
        actor.person().map_or_else(|| actor.code(), str::to_owned)
    }

    pub fn say<E: Event>(&mut self, event: E) {
        let about = About::ticket(self.work.ticket, &self.work.branch);
        self.step.say(about, event);
    }

    pub fn say_assigned(&mut self, step: &str, role: &str, assignee: Option<&str>) {
        let event = said::WorkAssigned {
            ticket: Some(self.work.ticket_ref()),
            order_id: self.work.order.to_string(),
            step: step.to_owned(),
            role: role.to_owned(),
            assignee: assignee.unwrap_or_default().to_owned(),
            unit: self.work.unit.clone(),
            chosen: assignee.map(|person| self.rules.why(&self.work, person)).unwrap_or_default(),
        };
        self.say(event);
    }

    pub fn say_withdrawn(&mut self, step: &str, from: Option<&str>, reason: &str) {
        let event = said::WorkWithdrawn {
            ticket: Some(self.work.ticket_ref()),
            order_id: self.work.order.to_string(),
            from: from.unwrap_or_default().to_owned(),
            reason: reason.to_owned(),
            step: step.to_owned(),
        };
        self.say(event);
    }

    /// Looks again for everything that nobody holds.
    pub fn retry(&mut self) {
        self.work.retry_at = None;
        self.retry_hand_off();
        for step in self.unheld_steps() {
            self.retry_step(&step);
        }
        self.retry_approvals();
    }

    fn retry_hand_off(&mut self) {
        if !matches!(self.work.state, State::Unplaced { .. }) {
            return;
        }
        let excluded = self.not_receiving();
        let placed = self.place_hand_off(&self.work.hand_off.role, &excluded);
        if placed.person.is_some() {
            self.say_assigned("", &placed.role.role, placed.person.as_deref());
            self.work.hand_off.role = placed.role;
            self.work.hand_off.assignee = placed.person;
            self.work.state = State::Dispatched;
        }
    }

    /// Nobody barred receives it, nor who gave it back in this cycle.
    pub fn not_receiving(&self) -> BTreeSet<String> {
        self.work.barred.iter().cloned().chain(self.work.refusers().map(str::to_owned)).collect()
    }

    fn unheld_steps(&self) -> Vec<String> {
        let unheld = |open: &OpenStep| open.assignee.is_none() && open.approval.is_none();
        self.work.open.iter().filter(|(_, open)| unheld(open)).map(|(step, _)| step.clone()).collect()
    }

    fn waits_for_somebody(&self) -> bool {
        let unasked =
            self.work.open_approvals().any(|a| a.stage().is_some_and(|stage| stage.approver.is_none()));
        !self.work.state.is_over()
            && (matches!(self.work.state, State::Unplaced { .. })
                || unasked
                || !self.unheld_steps().is_empty())
    }

    /// Puts the order back, with its one timer.
    pub fn file(mut self) {
        let id = self.work.ticket;
        match (self.waits_for_somebody(), self.work.retry_at) {
            (true, None) => {
                let due = self.now().plus(RETRY_AFTER);
                self.work.retry_at = Some(due);
                self.step.arm(RETRY, id, due);
            }
            (false, Some(_)) => {
                self.work.retry_at = None;
                self.step.disarm(RETRY, id);
            }
            (true, Some(_)) | (false, None) => {}
        }
        self.work.changed_at = self.now();
        self.step.put(&self.work);
    }
}
