//! What others say about the case while work is open: it was judged anew,
//! somebody is barred, a clock ran out, it ended.

use chassis_core::{Halt, Step};
use organisation::facts;
use playbook::{Performer, RoleAt, Scope};
use proto::{Id, intake::v1 as intake, sla_watchdog::v1 as watchdog};

use crate::{
    desk::Desk,
    hand_off::{set_code, set_codes},
    moving,
    state::{OpenStep, State, Work},
};

/// `ticket.reclassified`: facts and bars; steps that now apply become ready.
/// A completed cycle keeps its seal: whoever needs more re-opens the case.
pub(crate) fn reclassified(
    ticket: Id,
    event: &intake::TicketReclassified,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    let Some(mut desk) = of_cycle(ticket, event.ticket.as_ref().map(|t| t.cycle), step)? else {
        return Ok(());
    };
    desk.judged(event);
    desk.settle();
    desk.file();
    Ok(())
}

/// `ticket.moved`: the same under another version of the rule book. What is done stands; steps and approvals that the
/// version does not have, or has otherwise, are taken back and asked for as it has them.
pub(crate) fn moved(ticket: Id, event: &intake::TicketMoved, step: &mut Step<'_>) -> Result<(), Halt> {
    let cycle = event.ticket.as_ref().map(|ticket| ticket.cycle);
    let Some(mut work) = step.get::<Work>(ticket)?.filter(|work| Some(work.cycle) == cycle) else {
        return Ok(());
    };
    work.version = event.version();
    let mut desk = Desk::take(step, work)?;
    desk.judged(&event.judgement());
    for changed in moving::done_otherwise(&desk.work, &desk.rules) {
        desk.take_away(&changed, "moved");
    }
    desk.settle();
    desk.file();
    Ok(())
}

/// `ticket.closed`: what is still open is withdrawn.
pub(crate) fn closed(ticket: Id, event: &intake::TicketClosed, step: &mut Step<'_>) -> Result<(), Halt> {
    let Some(mut desk) = of_cycle(ticket, event.ticket.as_ref().map(|t| t.cycle), step)? else {
        return Ok(());
    };
    if !desk.work.state.is_over() {
        for open in desk.work.open.keys().cloned().collect::<Vec<_>>() {
            desk.withdraw_approvals(&open);
        }
        let from = desk.work.hand_off.assignee.clone();
        desk.say_withdrawn("", from.as_deref(), "closed");
        desk.work.open.clear();
        desk.work.state = State::Withdrawn { at: desk.now(), reason: "closed".to_owned() };
        desk.file();
    }
    Ok(())
}

/// `escalation.raised` with the action `reroute`. A rung belongs to something
/// dispatch said itself, so it never comes before the order is known.
pub(crate) fn escalated(
    ticket: Id,
    event: &watchdog::EscalationRaised,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    if !event.action.split(|c: char| !c.is_ascii_alphanumeric()).any(|action| action == "reroute") {
        return Ok(());
    }
    let Some(mut desk) = of_cycle(ticket, event.ticket.as_ref().map(|t| t.cycle), step)? else {
        return Ok(());
    };
    let Some(role) = rung_role(&desk, event) else { return Ok(()) };
    let scope = desk.rules.book.clock(&event.clock).map_or(Scope::HandOff, |clock| clock.scope);
    let (target, number) = split_instance(&event.instance);
    match scope {
        Scope::HandOff => desk.reroute_hand_off(&role, event.instance.parse().ok()),
        Scope::Ticket => desk.reroute_hand_off(&role, None),
        Scope::Step => desk.reroute_step(target, &role),
        Scope::Approval => desk.reroute_approval(target, number, &role),
        // The call-back is follow-up's.
        Scope::CallBack => {}
    }
    desk.file();
    Ok(())
}

/// The role that the rung re-routes to: by the playbook; told roles may differ from it.
fn rung_role(desk: &Desk<'_, '_>, event: &watchdog::EscalationRaised) -> Option<RoleAt> {
    let rung = usize::try_from(event.rung).ok()?.checked_sub(1);
    let ladder = desk.rules.book.clock(&event.clock).map(|clock| clock.ladder.as_slice()).unwrap_or_default();
    rung.and_then(|rung| ladder.get(rung)?.reroute.clone()).or_else(|| {
        let role = desk.rules.book.roles.get(&event.role)?;
        Some(RoleAt { role: role.id.clone(), level: role.level })
    })
}

/// `propose#2` or `approve/1`: the step, and the number behind it.
fn split_instance(instance: &str) -> (&str, Option<u32>) {
    let id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match instance.find(|c| !id(c)) {
        Some(end) => (&instance[..end], instance[end + 1..].parse().ok()),
        None => (instance, None),
    }
}

/// The order, if the event speaks of its newest cycle: what belongs to an
/// older one has no effect, a newer one begins with `ticket.reopened`.
pub(crate) fn of_cycle<'s, 'a>(
    ticket: Id,
    cycle: Option<u32>,
    step: &'s mut Step<'a>,
) -> Result<Option<Desk<'s, 'a>>, Halt> {
    match step.get::<Work>(ticket)? {
        Some(work) if Some(work.cycle) == cycle => Desk::take(step, work).map(Some),
        Some(_) | None => Ok(None),
    }
}

impl Desk<'_, '_> {
    /// Takes in facts and bars as intake says them.
    fn judged(&mut self, event: &intake::TicketReclassified) {
        let mut told = self.rules.told_by_intake(facts::from_proto(&event.facts), &self.work.done);
        for (name, code) in [("category", &event.category), ("severity", &event.severity)] {
            set_code(&mut told, name, code);
        }
        set_codes(&mut told, "tags", &event.tags);
        self.work.told.absorb(told.clone());
        self.work.facts.absorb(told);
        self.rules.case_type.derive(&mut self.work.facts);
        self.work.barred.extend(event.barred.iter().cloned());
    }

    /// Brings hand-off, steps and approvals in line with changed facts and bars.
    pub fn settle(&mut self) {
        if self.work.state.is_over() {
            return;
        }
        self.work.unit = self.rules.route(&self.work).unit;
        match self.work.state {
            State::Acknowledged { .. } => {
                self.move_steps();
                self.review_approvals();
                self.refresh();
            }
            _ => self.review_hand_off(),
        }
    }

    /// A receiver who is barred before he answers loses it to the next one.
    fn review_hand_off(&mut self) {
        let Some(from) = self.work.hand_off.assignee.clone() else { return };
        if self.work.barred.contains(&from) {
            self.say_withdrawn("", Some(&from), "barred");
            let role = self.work.hand_off.role.clone();
            let excluded = self.not_receiving();
            self.hand_to(&role, &excluded);
        }
    }

    fn move_steps(&mut self) {
        let steps: Vec<String> = self.work.open.keys().cloned().collect();
        for step in steps {
            if self.must_move(&step) {
                self.move_step(&step);
            }
        }
    }

    /// Work moves only if its holder is barred, or the new rule excludes him.
    fn must_move(&mut self, step: &str) -> bool {
        let Some(wanted) = self.wanted(step) else { return false };
        let Some(open) = self.work.open.get_mut(step) else { return false };
        let changed = open.wanted != wanted;
        open.wanted = wanted.clone();
        open.helpers.retain(|helper| !self.work.barred.contains(helper));
        let Some(holder) = open.assignee.clone() else { return changed };
        let fits = self.rules.holds_itself(&self.work, &holder, &wanted.role)
            || self.rules.find(&self.work, &wanted, self.now(), &self.work.barred).contains(&holder);
        self.work.barred.contains(&holder) || (changed && !fits)
    }

    fn wanted(&self, step: &str) -> Option<RoleAt> {
        let open: &OpenStep = self.work.open.get(step).filter(|open| open.approval.is_none())?;
        let rule = self.rules.case_type.step(step)?;
        Some(match rule.by {
            Performer::Receiver => open.wanted.clone(),
            _ => self.rules.wanted(&self.work, &rule.by),
        })
    }

    /// Gives an open step to another. Only a bar is said as a withdrawal besides: the step itself goes on.
    fn move_step(&mut self, step: &str) {
        let Some(rule) = self.rules.case_type.step(step) else { return };
        // Continuity looks at who holds what: not at the one it is taken from.
        let from = self.work.open.get_mut(step).and_then(|open| open.assignee.take());
        if from.as_ref().is_some_and(|from| self.work.barred.contains(from)) {
            self.say_withdrawn(step, from.as_deref(), "barred");
        }
        let placed = self.rules.performer(&self.work, rule, self.now());
        self.give(step, placed.role, placed.person);
    }
}

/// Events that reach this core.
pub(crate) fn wanted_kinds() -> [&'static str; 8] {
    use proto::Event as _;
    [
        intake::TicketOpened::TYPE,
        intake::TicketReopened::TYPE,
        intake::TicketReclassified::TYPE,
        intake::TicketMoved::TYPE,
        intake::TicketLinked::TYPE,
        intake::TicketLinkClosed::TYPE,
        intake::TicketClosed::TYPE,
        watchdog::EscalationRaised::TYPE,
    ]
}
