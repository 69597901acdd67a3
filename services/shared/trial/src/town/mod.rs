//! A whole call centre in memory: the five cores that serve, each hearing what the others say, in simulated time. Only
//! the sending of messages is made up: every one arrives at once.

mod act;
mod deed;
mod form;
mod intent;
mod line;

use chassis_core::{Actor, Core, Grant, Refusal, rehearsal::Rehearsal};
use dispatch_core::{Dispatch, Work};
use follow_up_core::FollowUp;
use intake_core::form::Place;
use intake_core::{Command, Intake, Ticket, command::PlanDuties};
use notify_core::{Notify, Outcome, Report as Sending};
use organisation::Snapshot;
use playbook::{Level, Playbook, RoleAt};
use proto::{AnyEvent, Id, Service, Time};
use reporting_core::{Reporting, Row};
use sla_watchdog_core::{Case as Watched, Watchdog};

pub use deed::{Deed, What};
pub use form::{Words, identifying, text};
pub use intent::{Doing, Intent, Texts};
pub use line::{Line, line_of};

use std::{collections::BTreeSet, sync::Arc};

/// Something that was said, by whom and when.
#[derive(Clone, Debug)]
pub struct Happened {
    pub at: Time,
    pub service: Service,
    pub event: AnyEvent,
}

/// One case among all services.
pub struct Town {
    directory: Snapshot,
    playbook: Arc<Playbook>,
    branch: String,
    intake: Rehearsal<Intake>,
    dispatch: Rehearsal<Dispatch>,
    watchdog: Rehearsal<Watchdog>,
    follow_up: Rehearsal<FollowUp>,
    notify: Rehearsal<Notify>,
    /// The case that deeds are about.
    ticket: Option<Id>,
    taker: Option<String>,
    happened: Vec<Happened>,
}

impl Town {
    /// At rest, at a moment. `playbook` is active in the directory.
    pub fn new(directory: Snapshot, playbook: Arc<Playbook>, branch: &str, now: Time) -> Town {
        let mut town = Town {
            intake: Rehearsal::new(directory.clone(), now),
            dispatch: Rehearsal::new(directory.clone(), now),
            watchdog: Rehearsal::new(directory.clone(), now),
            follow_up: Rehearsal::new(directory.clone(), now),
            notify: Rehearsal::new(directory.clone(), now),
            directory,
            playbook,
            branch: branch.to_owned(),
            ticket: None,
            taker: None,
            happened: Vec::new(),
        };
        town.plan_duties();
        town
    }

    /// The first case type that anybody can call in.
    pub fn first_type(&self) -> Option<String> {
        let called_in = |case_type: &&playbook::CaseType| !case_type.channels.is_empty();
        self.playbook.types.values().find(called_in).map(|case_type| case_type.id.clone())
    }

    /// Deeds are about the newest case of this type from here on.
    fn turn_to(&mut self, case_type: &str) {
        let opened = self.happened.iter().rev().find_map(|happened| match &happened.event {
            AnyEvent::TicketOpened(opened) => opened.ticket.as_ref().filter(|it| it.case_type == case_type),
            _ => None,
        });
        self.ticket = opened.and_then(|ticket| ticket.ticket_id.parse().ok());
    }

    /// Duties begin with the scenario.
    fn plan_duties(&mut self) {
        if self.playbook.duties.is_empty() {
            return;
        }
        let plan = PlanDuties { playbook: self.playbook.id.clone(), branch: self.branch.clone() };
        let home = intake_core::keys::almanac(&plan.playbook, &plan.branch).shard();
        let actor = Actor::Service { name: Service::Intake.name().to_owned() };
        let planned = self.intake.command(&actor, home, &Command::PlanDuties(plan));
        let _ = self.after(&actor, planned);
    }

    pub fn now(&self) -> Time {
        self.intake.now()
    }

    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    pub fn directory(&self) -> &Snapshot {
        &self.directory
    }

    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// Where forms are read.
    pub(crate) fn place(&self) -> Place {
        Place { currency: self.playbook.currency.clone(), zone: self.zone() }
    }

    pub fn happened(&self) -> &[Happened] {
        &self.happened
    }

    /// The case as intake has it.
    pub fn ticket(&self) -> Option<Ticket> {
        self.intake.get(self.ticket?)
    }

    /// Its work order.
    pub fn work(&self) -> Option<Work> {
        self.dispatch.get(self.ticket?)
    }

    /// Its clocks.
    pub fn watched(&self) -> Option<Watched> {
        self.watchdog.get(self.ticket?)
    }

    /// Its call-backs.
    pub fn called(&self) -> Option<follow_up_core::Case> {
        self.follow_up.get(self.ticket?)
    }

    /// The rows that reporting makes of everything said so far.
    pub fn rows(&self) -> Vec<Row> {
        let start = self.happened.first().map_or(self.now(), |first| first.at);
        let mut reporting: Rehearsal<Reporting> = Rehearsal::new(self.directory.clone(), start);
        let mut tickets = BTreeSet::new();
        for Happened { at, event, .. } in &self.happened {
            reporting.advance(*at);
            reporting.hear_any(event.clone(), *at);
            tickets.extend(event.ticket().and_then(|ticket| ticket.ticket_id.parse::<Id>().ok()));
        }
        tickets.into_iter().filter_map(|ticket| reporting.get::<Row>(ticket)).collect()
    }

    /// Moves time on; what falls due on the way happens at its moment, and is heard by all.
    pub fn advance(&mut self, to: Time) {
        while let Some(next) = self.next_due().filter(|next| *next <= to) {
            self.all_to(next.max(self.now()));
            self.settle("");
        }
        self.all_to(to.max(self.now()));
    }

    /// When something falls due by itself.
    pub fn next_due(&self) -> Option<Time> {
        let due = [
            self.intake.next_due(),
            self.dispatch.next_due(),
            self.watchdog.next_due(),
            self.follow_up.next_due(),
            self.notify.next_due(),
        ];
        due.into_iter().flatten().min()
    }

    fn all_to(&mut self, to: Time) {
        self.intake.advance(to);
        self.dispatch.advance(to);
        self.watchdog.advance(to);
        self.follow_up.advance(to);
        self.notify.advance(to);
    }

    /// Everything said is heard, and what is said upon it, until all are silent. `actor` caused the first of it.
    fn settle(&mut self, actor: &str) {
        let mut cause = actor.to_owned();
        loop {
            let mut said = Vec::new();
            take(&mut self.intake, &mut said);
            take(&mut self.dispatch, &mut said);
            take(&mut self.watchdog, &mut said);
            take(&mut self.follow_up, &mut said);
            take(&mut self.notify, &mut said);
            if said.is_empty() {
                return;
            }
            for (service, kind, event) in said {
                self.hear(&cause, service, kind, &event);
                self.send(&event);
                self.happened.push(Happened { at: self.now(), service, event });
            }
            cause.clear();
        }
    }

    fn hear(&mut self, cause: &str, service: Service, kind: &str, event: &AnyEvent) {
        pass_on(&mut self.intake, cause, service, kind, event);
        pass_on(&mut self.dispatch, cause, service, kind, event);
        pass_on(&mut self.watchdog, cause, service, kind, event);
        pass_on(&mut self.follow_up, cause, service, kind, event);
        pass_on(&mut self.notify, cause, service, kind, event);
    }

    /// The executor's part: a queued message is sent.
    fn send(&mut self, event: &AnyEvent) {
        let AnyEvent::NoticeQueued(queued) = event else { return };
        let notice =
            queued.notice_id.parse::<Id>().ok().and_then(|id| self.notify.get::<notify_core::Notice>(id));
        let Some(notice) = notice else { return };
        let notify_core::NoticeState::Queued { since } = notice.state else { return };
        let outcome = Outcome::Sent { text: None, to: None, may_be_double: false };
        let report = Sending { notice: notice.id, queued_at: since, outcome };
        let actor = Actor::Service { name: Service::Notify.name().to_owned() };
        // A message that was overtaken is not sent; that is no fault of the rule book's.
        let _ = self.notify.command(&actor, notice.id.shard(), &notify_core::Command::Report(report));
    }

    /// Who holds a role, seen from the branch; a person's code stands for himself.
    fn person(&self, who: &str) -> Option<String> {
        if self.directory.person(who).is_some() {
            return Some(who.to_owned());
        }
        let (role, at) = who.split_once('@').unwrap_or((who, ""));
        let own = self.playbook.roles.get(role).map_or(Level::Branch, |role| role.level);
        let level = Level::ALL.into_iter().find(|level| level.as_str() == at).unwrap_or(own);
        let role = RoleAt { role: role.to_owned(), level };
        let found = self.directory.resolve(&role, &self.branch, self.now(), &BTreeSet::new());
        found.persons.into_iter().next()
    }

    /// Somebody with what he may do.
    pub fn actor(&self, code: &str) -> Actor {
        let roles = self.directory.person(code).map(|person| person.roles.as_slice()).unwrap_or_default();
        let grant =
            |held: &organisation::RoleHeld| Grant { role: held.role.clone(), node: held.node.clone() };
        Actor::Person { code: code.to_owned(), grants: roles.iter().map(grant).collect() }
    }

    fn after<T>(&mut self, actor: &Actor, result: Result<T, Refusal>) -> Result<T, Refusal> {
        if result.is_ok() {
            self.settle(&actor.code());
        }
        result
    }
}

type SaidBy = (Service, &'static str, AnyEvent);

fn take<C: Core>(core: &mut Rehearsal<C>, said: &mut Vec<SaidBy>) {
    said.extend(core.take_entries().into_iter().map(|entry| (C::SERVICE, entry.kind, entry.event)));
}

fn pass_on<C: Core>(core: &mut Rehearsal<C>, cause: &str, service: Service, kind: &str, event: &AnyEvent) {
    if C::SERVICE != service && C::SOURCES.contains(&service) && C::wants(kind) {
        let now = core.now();
        core.hear_from(cause, event.clone(), now);
    }
}
