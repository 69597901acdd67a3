//! Who may do what: the checks that commands pass and that `AllowedActions`
//! answers with, so that a button never promises what a command then refuses.

use std::collections::BTreeSet;

use chassis_core::{Actor, Refusal};
use organisation::Snapshot;
use playbook::{CaseType, Level, Playbook, RoleAt, Step as PlaybookStep};
use proto::Time;

use crate::{
    gate,
    placing::Rules,
    state::{State, Work},
};

/// What a system with the role `system` may do: as much as this role (import, telephone exchange).
const AGENT: &str = "call-centre-agent";
const SYSTEM: &str = "system";

/// One work order as somebody stands before it.
#[derive(Clone, Copy)]
pub(crate) struct View<'v> {
    pub work: &'v Work,
    pub rules: Rules<'v>,
    pub actor: &'v Actor,
    pub at: Time,
}

impl<'v> View<'v> {
    pub fn directory(&self) -> &'v Snapshot {
        self.rules.directory
    }

    pub fn book(&self) -> &'v Playbook {
        self.rules.book
    }

    pub fn case_type(&self) -> &'v CaseType {
        self.rules.case_type
    }

    /// Before anything else is said about the case.
    pub fn not_barred(&self) -> Result<(), Refusal> {
        match self.actor.person().is_some_and(|code| self.work.barred.contains(code)) {
            true => Err(gate::barred(self.rules.case_type)),
            false => Ok(()),
        }
    }

    /// What nobody gets past, whatever he wants to do.
    pub fn enter(&self) -> Result<(), Refusal> {
        self.not_barred()?;
        let person = self.actor.person().and_then(|code| self.directory().person(code));
        if person.is_some_and(|person| person.disabled) {
            return Err(gate::disabled());
        }
        match self.work.state {
            State::Completed { .. } => Err(gate::completed()),
            State::Withdrawn { .. } => Err(gate::withdrawn()),
            State::Unplaced { .. } | State::Dispatched | State::Acknowledged { .. } => Ok(()),
        }
    }

    pub fn in_cycle(&self, named: u32) -> Result<(), Refusal> {
        let now = self.work.cycle;
        match named.cmp(&now) {
            std::cmp::Ordering::Less => Err(gate::stale_cycle(named, now)),
            std::cmp::Ordering::Greater => Err(gate::future_cycle(named, now)),
            std::cmp::Ordering::Equal => Ok(()),
        }
    }

    /// The hand-off is taken or given back by its receiver.
    pub fn may_answer_hand_off(&self) -> Result<(), Refusal> {
        self.enter()?;
        if let State::Acknowledged { by, .. } = &self.work.state {
            return Err(gate::already_acknowledged(by));
        }
        let hand_off = &self.work.hand_off;
        self.require(&[&hand_off.role], hand_off.assignee.as_deref())
    }

    pub fn may_refuse(&self) -> Result<(), Refusal> {
        self.may_answer_hand_off()?;
        let mut excluded = self.work.barred.clone();
        excluded.extend(self.work.refusers().map(str::to_owned));
        excluded.extend(self.actor.person().map(str::to_owned));
        match self
            .rules
            .find(self.work, &self.rules.route(self.work).on_refusal.to, self.at, &excluded)
            .is_empty()
        {
            true => Err(gate::last_resort()),
            false => Ok(()),
        }
    }

    /// A step may be worked on, and by him.
    pub fn may_complete(&self, step: &str) -> Result<(), Refusal> {
        let rule = self.ready_step(step)?;
        if rule.approval.is_some() {
            return Err(gate::needs_approval(&rule.name, &rule.rules));
        }
        let route = self.rules.route(self.work);
        let open = &self.work.open[step];
        if open.beside.as_ref().is_some_and(|beside| !beside.over) {
            return Err(gate::needs_linked_case(&rule.name, &rule.rules));
        }
        self.require(&[rule.role(&route), &open.role], open.assignee.as_deref())
    }

    /// Who holds a step, its role, the hand-off, or decides after a refusal, may give it away.
    pub fn may_assign(&self, step: &str) -> Result<(), Refusal> {
        let rule = self.ready_step(step)?;
        if rule.approval.is_some() {
            return Err(gate::needs_approval(&rule.name, &rule.rules));
        }
        let route = self.rules.route(self.work);
        let open = &self.work.open[step];
        let roles =
            [rule.role(&route), &open.role, &self.work.hand_off.role, &route.receiver, &route.on_refusal.to];
        self.require(&roles, open.assignee.as_deref())
    }

    fn ready_step(&self, step: &str) -> Result<&'v PlaybookStep, Refusal> {
        self.enter()?;
        let rule = self.case_type().step(step).ok_or_else(|| gate::unknown_step(step))?;
        if let Some(done) = self.work.done_step(step) {
            return Err(gate::step_done(&rule.name, &done.by));
        }
        if !matches!(self.work.state, State::Acknowledged { .. }) {
            return Err(gate::not_acknowledged());
        }
        if self.work.open.contains_key(step) {
            return Ok(rule);
        }
        if !rule.applies(&self.work.facts) {
            return Err(gate::not_applicable(&rule.name));
        }
        let missing: Vec<_> = rule
            .needs
            .iter()
            .filter(|need| self.work.done_step(need).is_none())
            .filter_map(|need| self.case_type().step(need))
            .filter(|need| need.applies(&self.work.facts))
            .map(|need| &need.name)
            .collect();
        Err(gate::needs_step(&rule.name, &missing, &rule.rules))
    }

    /// Passes the holders of any of these roles, the assignee, and those who stand in for them.
    pub fn require(&self, roles: &[&RoleAt], assignee: Option<&str>) -> Result<(), Refusal> {
        let is_assignee = assignee.is_some_and(|assignee| {
            self.actor.person().is_some_and(|me| {
                me == assignee
                    || self.directory().stand_in(assignee, self.at, &self.work.barred).as_deref() == Some(me)
            })
        });
        if is_assignee || roles.iter().any(|role| self.holds(&role.role, &self.work.barred, true)) {
            return Ok(());
        }
        Err(self.stranger(roles.first().map_or("", |role| role.role.as_str())))
    }

    /// Why somebody without the role is turned away.
    pub fn stranger(&self, role: &str) -> Refusal {
        let here = self
            .actor
            .grants()
            .iter()
            .any(|grant| self.directory().is_within(&self.work.branch, &grant.node));
        match here {
            true => gate::not_yours(role),
            false => gate::other_branch(&self.work.branch),
        }
    }

    /// Whether the actor holds a role for the branch, by the directory; a
    /// person whom the directory as read here does not know yet, by his token.
    pub fn holds(&self, role: &str, excluded: &BTreeSet<String>, deputies: bool) -> bool {
        match self.actor {
            Actor::Service { .. } => false,
            Actor::System { .. } => self.granted(role) || (role == AGENT && self.granted(SYSTEM)),
            Actor::Person { code, .. } if excluded.contains(code) => false,
            Actor::Person { code, .. } => match self.directory().person(code) {
                None => self.granted(role),
                Some(person) if person.disabled => false,
                Some(_) => {
                    self.rules.holds_itself(self.work, code, role)
                        || (deputies && self.stands_in(code, role, excluded))
                }
            },
        }
    }

    fn granted(&self, role: &str) -> bool {
        let covers = |node: &str| self.directory().is_within(&self.work.branch, node);
        self.actor.grants().iter().any(|grant| grant.role == role && covers(&grant.node))
    }

    /// Whether he is found in the place of somebody absent. Who is excluded
    /// has no deputy either: his own people are not neutral.
    fn stands_in(&self, code: &str, role: &str, excluded: &BTreeSet<String>) -> bool {
        Level::ALL.into_iter().any(|level| {
            let who = RoleAt { role: role.to_owned(), level };
            self.directory()
                .resolve(&who, &self.work.branch, self.at, excluded)
                .persons
                .iter()
                .any(|p| p == code)
        })
    }
}
