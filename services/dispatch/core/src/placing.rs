//! Whom work is given to: a pure choice out of the directory, made at the
//! moment of use.
//!
//! Among several holders of a role the playbook's `choose` picks (see `choosing`); who is left shares by the ticket's
//! id: an even spread without a counter. Load per person would be an aggregate of the branch's home, which is another
//! shard than most tickets', and a count that is always a little old; whoever has too much refuses or assigns.

use std::collections::BTreeSet;

use chassis_core::Refusal;
use organisation::Snapshot;
use playbook::{
    ApprovalUse, CaseType, Facts, Field, Level, Matrix, Performer, Playbook, Recipient, RoleAt, Route, Step,
};
use proto::Time;

use crate::{
    gate,
    state::{Amount, DoneStep, State, Work},
};

/// The rule book of a ticket and the organisation it is read with.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub directory: &'a Snapshot,
    pub book: &'a Playbook,
    pub case_type: &'a CaseType,
}

/// A role and who was found for it; nobody: the search goes on later.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    pub role: RoleAt,
    pub person: Option<String>,
}

impl<'a> Rules<'a> {
    pub fn of(
        directory: &'a Snapshot,
        playbook: &str,
        version: u32,
        case_type: &str,
    ) -> Result<Rules<'a>, Refusal> {
        let missing = || gate::no_rule_book(playbook, version, case_type);
        let book = directory.playbook(playbook, version).ok_or_else(missing)?;
        let case_type = book.case_type(case_type).ok_or_else(missing)?;
        Ok(Rules { directory, book, case_type })
    }

    /// What intake may tell about a case. Intake repeats what steps found out, and may repeat it late: what a step
    /// declares is dispatch's own to know, and starts anew with each cycle.
    pub fn told_by_intake(&self, facts: Facts, done: &[DoneStep]) -> Facts {
        let declares = |field: &Field, name: &str| field.facts().iter().any(|(fact, _)| fact == name);
        let by_step =
            |name: &str| self.case_type.steps.iter().flat_map(|s| &s.fields).any(|f| declares(f, name));
        let in_form = |name: &str| self.case_type.form.iter().any(|f| declares(f, name));
        let found_out = |name: &str| done.iter().any(|done| done.facts.get(name).is_some());
        let told = facts.iter().filter(|(name, _)| !found_out(name) && (!by_step(name) || in_form(name)));
        told.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }

    /// The route of the case as its facts are now. Facts that no row fits
    /// leave the work with the receiver.
    pub fn route(&self, work: &Work) -> Route {
        self.case_type.route(&work.facts).unwrap_or_else(|| {
            let routing = &self.case_type.routing;
            Route {
                receiver: routing.receiver.clone(),
                unit: String::new(),
                handler: routing.receiver.clone(),
                helpers: Vec::new(),
                follower: routing.follower.clone(),
                on_refusal: routing.on_refusal.clone(),
                on_silence: routing.on_silence.clone(),
                rules: routing.rules.clone(),
            }
        })
    }

    /// The holders of a role for the branch, further up when it is vacant; a
    /// level that this organisation does not have counts as vacant.
    pub fn find(&self, work: &Work, role: &RoleAt, at: Time, excluded: &BTreeSet<String>) -> Vec<String> {
        Level::ALL
            .into_iter()
            .filter(|level| *level >= role.level)
            .map(|level| RoleAt { role: role.role.clone(), level })
            .map(|who| self.directory.resolve(&who, &work.branch, at, excluded).persons)
            .find(|persons| !persons.is_empty())
            .unwrap_or_default()
    }

    /// Somebody for a role; if it is vacant all the way up, for the next of those who stand behind it.
    pub fn place(
        &self,
        work: &Work,
        role: &RoleAt,
        behind: &[RoleAt],
        at: Time,
        excluded: &BTreeSet<String>,
    ) -> Placed {
        for role in std::iter::once(role).chain(behind) {
            let found = self.find(work, role, at, excluded);
            if !found.is_empty() {
                return Placed {
                    role: role.clone(),
                    person: choose(work, &self.preferred(work, found), role),
                };
            }
        }
        Placed { role: role.clone(), person: None }
    }

    /// Who stands behind the receiver of a hand-off.
    pub fn behind_receiver(&self, work: &Work) -> Vec<RoleAt> {
        let route = self.route(work);
        self.behind(&route, route.on_silence.iter())
    }

    /// Who stands behind the performer of a step.
    pub fn behind_step(&self, work: &Work, rule: &Step) -> Vec<RoleAt> {
        self.behind(&self.route(work), rule.clocks.iter())
    }

    /// Who decides after a refusal, then those whom the ladders of these clocks tell, in their order: the playbook has
    /// no other word for who is next, and its check sees to it that each ladder ends at somebody who may act.
    fn behind<'c>(&self, route: &Route, clocks: impl Iterator<Item = &'c String>) -> Vec<RoleAt> {
        let rungs = clocks.filter_map(|clock| self.book.clock(clock)).flat_map(|clock| &clock.ladder);
        let told = rungs.flat_map(|rung| rung.tell.iter()).filter_map(|told| match told {
            Recipient::Role(role) => Some(role.clone()),
            Recipient::Person(_) => None,
        });
        std::iter::once(route.on_refusal.to.clone()).chain(told).collect()
    }

    /// The role and person of a step that becomes ready.
    pub fn performer(&self, work: &Work, rule: &Step, at: Time) -> Placed {
        let role = self.wanted(work, &rule.by);
        if let (Performer::Receiver, State::Acknowledged { by, .. }) = (&rule.by, &work.state)
            && self.can_work(work, by, at)
        {
            return Placed { role, person: Some(by.clone()) };
        }
        self.place(work, &role, &self.behind_step(work, rule), at, &work.barred)
    }

    /// The role that a step is for.
    pub fn wanted(&self, work: &Work, by: &Performer) -> RoleAt {
        match by {
            Performer::Receiver => work.hand_off.role.clone(),
            other => other.resolve(&self.route(work)).clone(),
        }
    }

    /// Somebody who takes part beside the performer; nobody stands behind a helper.
    pub fn helper(&self, work: &Work, role: &RoleAt, at: Time) -> Option<String> {
        choose(work, &self.preferred(work, self.find(work, role, at, &work.barred)), role)
    }

    /// Whether a person is there, enabled and not barred.
    pub fn can_work(&self, work: &Work, person: &str, at: Time) -> bool {
        !work.barred.contains(person)
            && self.directory.person(person).is_some_and(|person| !person.disabled && !person.is_absent(at))
    }

    /// Whether a person holds a role at the branch or above it, himself.
    pub fn holds_itself(&self, work: &Work, person: &str, role: &str) -> bool {
        let Some(person) = self.directory.person(person) else { return false };
        self.directory.upwards(&work.branch).any(|node| person.holds(role, &node.code))
    }

    /// Whether a person belongs to the branch or to what is above it.
    pub fn belongs(&self, work: &Work, person: &str) -> bool {
        let Some(person) = self.directory.person(person) else { return false };
        person.roles.iter().any(|held| {
            self.directory.is_within(&work.branch, &held.node)
                || self.directory.is_within(&held.node, &work.branch)
        })
    }

    /// Who approves a stage: the matrix's role, else the next role up that the
    /// matrix names for this kind of request. Nobody excluded is found; where
    /// the matrix takes no deputies, only holders are.
    pub fn approver(
        &self,
        work: &Work,
        use_: &ApprovalUse,
        role: &RoleAt,
        at: Time,
        excluded: &BTreeSet<String>,
    ) -> Placed {
        let (role, found) = self.entitled(work, use_, role, at, excluded);
        let person = choose(work, &found, &role);
        Placed { role, person }
    }

    /// Everybody who could be asked for a stage.
    pub fn approvers(
        &self,
        work: &Work,
        use_: &ApprovalUse,
        role: &RoleAt,
        at: Time,
        excluded: &BTreeSet<String>,
    ) -> Vec<String> {
        self.entitled(work, use_, role, at, excluded).1
    }

    /// What an approval is about, if it is about money.
    pub fn amount(&self, work: &Work, use_: &ApprovalUse) -> Option<Amount> {
        use_.amount.as_ref()?;
        let currency =
            self.book.matrix(&use_.matrix).map(|matrix| matrix.currency.clone()).unwrap_or_default();
        Some(Amount { currency, minor: use_.amount_minor(&work.facts) })
    }

    /// The roles that the matrix demands. The check lets no matrix without any through (PB0401, PB0405); should one be in
    /// force all the same, it is for whom a refusal goes to.
    pub fn chain(&self, work: &Work, use_: &ApprovalUse) -> Vec<RoleAt> {
        let facts = &work.facts;
        let matrix = self.book.matrix(&use_.matrix);
        let chain = matrix.and_then(|matrix| matrix.chain(&use_.kind, use_.amount_minor(facts), facts));
        let roles: Vec<RoleAt> =
            chain.unwrap_or_default().iter().map(|approver| approver.role.clone()).collect();
        match roles.is_empty() {
            true => vec![self.route(work).on_refusal.to],
            false => roles,
        }
    }

    fn entitled(
        &self,
        work: &Work,
        use_: &ApprovalUse,
        role: &RoleAt,
        at: Time,
        excluded: &BTreeSet<String>,
    ) -> (RoleAt, Vec<String>) {
        let matrix = self.book.matrix(&use_.matrix);
        let deputies = matrix.is_none_or(|matrix| matrix.deputies);
        let further = matrix.map(|matrix| higher(matrix, use_, work, role)).unwrap_or_default();
        for role in std::iter::once(role).chain(&further) {
            let mut found = self.find(work, role, at, excluded);
            found.retain(|person| deputies || self.holds_itself(work, person, &role.role));
            if !found.is_empty() {
                return (role.clone(), found);
            }
        }
        (role.clone(), Vec::new())
    }
}

/// Roles with more authority than this one for the same kind of request, in the order of the matrix.
pub(crate) fn higher(matrix: &Matrix, use_: &ApprovalUse, work: &Work, role: &RoleAt) -> Vec<RoleAt> {
    let mut roles: Vec<RoleAt> = Vec::new();
    for approver in ladder(matrix, use_, work) {
        if !roles.contains(&approver) {
            roles.push(approver);
        }
    }
    match roles.iter().position(|other| other == role) {
        Some(place) => roles.split_off(place + 1),
        None => roles.into_iter().filter(|other| other.level > role.level).collect(),
    }
}

fn ladder(matrix: &Matrix, use_: &ApprovalUse, work: &Work) -> impl Iterator<Item = RoleAt> {
    let fits = |when: &Option<playbook::Condition>| playbook::Condition::met(when.as_ref(), &work.facts);
    let ladder = matrix.ladders.iter().find(|ladder| ladder.kind == use_.kind && fits(&ladder.when));
    let bands = ladder.map(|ladder| ladder.bands.as_slice()).unwrap_or_default();
    bands.iter().flat_map(|band| &band.chain).map(|approver| approver.role.clone())
}

/// One of several: who works in the same role on this case already, else by the ticket's id.
fn choose(work: &Work, found: &[String], role: &RoleAt) -> Option<String> {
    let known =
        work.open.values().filter(|open| open.role == *role).filter_map(|open| open.assignee.as_ref());
    if let Some(person) = known.into_iter().find(|person| found.contains(person)) {
        return Some(person.clone());
    }
    let doers = work.done.iter().map(|done| &done.by);
    if let Some(person) = doers.into_iter().find(|person| found.contains(person)) {
        return Some(person.clone());
    }
    // The low bits of an id are random.
    let share = work.ticket.uuid().as_u128() % u128::try_from(found.len()).ok().filter(|n| *n > 0)?;
    found.get(usize::try_from(share).ok()?).cloned()
}
