//! Who is told: found when it fires, never stored in advance. Vacant: the next one up; absent: the deputy; barred:
//! nobody of theirs (DG-03).

use std::collections::{BTreeMap, BTreeSet};

use organisation::Found;
use playbook::{CasePerson, Facts, Level, Recipient, RoleAt, Scope};
use proto::Time;
use serde::{Deserialize, Serialize};

use crate::{
    book::Book,
    fold::View,
    run::Run,
    signal::{Part, Signal},
};

/// Who plays which part in the case, as far as it was heard.
/// Each source says who holds what in its own order, so the last word counts and no evidence need be kept of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Parts {
    taker: Option<String>,
    requester: Option<String>,
    /// By what is held: `step:judge`, `hand_off:2`, `approval:approve/1`, `call:<id>`; empty: the work.
    holders: BTreeMap<String, Holder>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
}

/// Who was found, in what role, and where they sit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub persons: Vec<String>,
    pub role: String,
    pub node: String,
}

impl Parts {
    /// Takes the part out of a signal; whether it said anything new.
    pub fn learn(&mut self, signal: &mut Signal) -> bool {
        let Some(part) = signal.part.take() else { return false };
        let before = self.clone();
        self.change(&part, signal);
        *self != before
    }

    /// A new cycle: who took the call stays, the work is nobody's yet.
    pub fn begin_anew(&mut self) {
        self.holders.clear();
    }

    fn change(&mut self, part: &Part, signal: &Signal) {
        match part {
            Part::Taker(person) => self.taker = Some(person.clone()),
            Part::Done => {
                self.holders.remove(&held(signal));
            }
            Part::Released => {
                self.holders.remove(&held(signal));
                self.holders.remove("");
            }
            Part::Holder { person, role, requester } => {
                if requester.is_some() {
                    self.requester.clone_from(requester);
                }
                self.hold(held(signal), person, role);
                if held(signal).is_empty() {
                    // A hand-off that nobody was found for has its holder now.
                    let newest = self.holders.keys().filter_map(|what| hand_off(what)).max();
                    newest.into_iter().for_each(|n| self.hold(format!("hand_off:{n}"), person, role));
                }
                // Approvals and call-backs are not the work itself.
                if signal.keys.stage.is_none() && signal.keys.follow_up.is_none() {
                    self.hold(String::new(), person, role);
                }
            }
        }
    }

    /// Whoever acknowledges or tries without a role named keeps the role asked before.
    fn hold(&mut self, what: String, person: &Option<String>, role: &Option<String>) {
        let holder = self.holders.entry(what).or_default();
        holder.person.clone_from(person);
        if role.is_some() {
            holder.role.clone_from(role);
        }
    }

    fn holder(&self, run: &Run<'_>) -> Option<&Holder> {
        let what = match run.clock.scope {
            Scope::Ticket => String::new(),
            Scope::HandOff => format!("hand_off:{}", run.key),
            Scope::Step => format!("step:{}", run.key),
            Scope::Approval => format!("approval:{}", run.key),
            Scope::CallBack => format!("call:{}", run.key),
        };
        self.holders.get(&what).or_else(|| self.holders.get(""))
    }
}

fn hand_off(what: &str) -> Option<u32> {
    what.strip_prefix("hand_off:")?.parse().ok()
}

fn held(signal: &Signal) -> String {
    let keys = &signal.keys;
    match (&keys.follow_up, &keys.step, keys.stage, keys.hand_off) {
        (Some(id), ..) => format!("call:{id}"),
        (None, Some(step), Some(stage), _) => format!("approval:{step}/{stage}"),
        (None, Some(step), None, _) => format!("step:{step}"),
        (None, None, _, Some(n)) => format!("hand_off:{n}"),
        (None, None, _, None) => String::new(),
    }
}

/// Finds recipients for one run of a clock, as of `now`.
pub(crate) struct Finder<'f, 'a> {
    pub book: &'f Book<'a>,
    pub view: &'f View<'a>,
    pub parts: &'f Parts,
    pub now: Time,
}

impl Finder<'_, '_> {
    /// Everybody named; role and node are those of the first who was found.
    pub fn find(&self, tell: &[Recipient], run: &Run<'_>) -> Told {
        let mut told = Told::default();
        for recipient in tell {
            let (found, role) = self.one(recipient, run);
            if told.persons.is_empty() && !found.persons.is_empty() {
                (told.role, told.node) = (role, found.node.unwrap_or_default());
            }
            for person in found.persons {
                if !told.persons.contains(&person) {
                    told.persons.push(person);
                }
            }
        }
        told
    }

    /// A rung that finds nobody at all reaches for the next: an escalation that nobody hears is none.
    pub fn find_on_ladder(&self, run: &Run<'_>, place: usize) -> Told {
        let rungs = run.clock.ladder.iter().skip(place);
        rungs.map(|rung| self.find(&rung.tell, run)).find(|told| !told.persons.is_empty()).unwrap_or_default()
    }

    /// Whoever holds what the clock watches; a barred one does not.
    pub fn holder(&self, run: &Run<'_>) -> Option<String> {
        let person = self.parts.holder(run)?.person.clone()?;
        (!self.barred().contains(&person)).then_some(person)
    }

    fn one(&self, recipient: &Recipient, run: &Run<'_>) -> (Found, String) {
        match recipient {
            Recipient::Role(who) => (self.resolve(who), who.role.clone()),
            Recipient::Person(CasePerson::Holder) => self.holding(run),
            Recipient::Person(CasePerson::Taker) => {
                (self.person(self.parts.taker.as_deref()), "taker".to_owned())
            }
            Recipient::Person(CasePerson::Requester) => {
                (self.person(self.parts.requester.as_deref()), "requester".to_owned())
            }
            Recipient::Person(CasePerson::Follower) => self.follower(&self.view.facts),
            // Customers are told by messages to the outside, never by a ladder.
            Recipient::Person(CasePerson::Customer) => (Found::default(), String::new()),
        }
    }

    fn holding(&self, run: &Run<'_>) -> (Found, String) {
        let Some(holder) = self.parts.holder(run) else {
            return (Found::default(), "holder".to_owned());
        };
        let role = holder.role.clone().unwrap_or_else(|| "holder".to_owned());
        let found = self.person(holder.person.as_deref());
        match &holder.role {
            Some(role) if found.persons.is_empty() => (self.resolve(&self.at_level(role)), role.clone()),
            _ => (found, role),
        }
    }

    fn follower(&self, facts: &Facts) -> (Found, String) {
        let route = self.book.case_type.and_then(|case_type| case_type.route(facts));
        match route.and_then(|route| route.follower) {
            Some(who) => (self.resolve(&who), who.role),
            None => (Found::default(), "follower".to_owned()),
        }
    }

    fn person(&self, code: Option<&str>) -> Found {
        let stand_in = code.and_then(|code| self.book.directory.stand_in(code, self.now, self.barred()));
        Found { persons: stand_in.into_iter().collect(), ..Found::default() }
    }

    fn resolve(&self, who: &RoleAt) -> Found {
        self.book.directory.resolve(who, &self.view.branch, self.now, self.barred())
    }

    fn at_level(&self, role: &str) -> RoleAt {
        let level = self.book.playbook.roles.get(role).map_or(Level::Branch, |role| role.level);
        RoleAt { role: role.to_owned(), level }
    }

    fn barred(&self) -> &BTreeSet<String> {
        &self.view.barred
    }
}
