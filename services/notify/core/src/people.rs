//! Who is told: found at the moment of telling, never in advance.

use std::collections::BTreeSet;

use chassis_core::{Actor, Step};
use organisation::Snapshot;
use playbook::{CasePerson, Playbook, Recipient};

use crate::{case::Known, signal::Signal};

/// Somebody to be told, and for which role or part in the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub person: String,
    pub role: String,
}

/// The recipient of a message to the case's customer, who has no directory code.
pub const CUSTOMER: &str = "customer";

/// The persons behind a recipient. Empty: nobody holds the role all the way up, or the part is
/// played by nobody (yet), or by somebody barred.
pub(crate) fn behind(
    recipient: &Recipient,
    known: &Known,
    playbook: &Playbook,
    signal: &Signal,
    step: &Step<'_>,
) -> Vec<Told> {
    let (directory, branch, now) = (step.directory(), known.matter.branch.as_str(), step.now());
    let found = |role: &str, persons: Vec<String>| {
        persons.into_iter().map(|person| Told { person, role: role.to_owned() }).collect::<Vec<_>>()
    };
    match recipient {
        Recipient::Role(who) => found(&who.role, directory.resolve(who, branch, now, &known.barred).persons),
        Recipient::Person(CasePerson::Follower) => {
            let route = playbook.case_type(&known.matter.case_type).and_then(|t| t.route(&known.facts));
            let follower = route.and_then(|route| route.follower);
            follower.map_or_else(Vec::new, |who| {
                found(&who.role, directory.resolve(&who, branch, now, &known.barred).persons)
            })
        }
        // Who it is, and where he is reached, is intake's to know: asked for when the message goes out.
        Recipient::Person(CasePerson::Customer) => {
            found(CUSTOMER, known.customer.iter().map(|_| CUSTOMER.to_owned()).collect())
        }
        Recipient::Person(part) => {
            let present =
                part_of(*part, known, signal).and_then(|p| directory.stand_in(p, now, &known.barred));
            found(part_code(*part), present.into_iter().collect())
        }
    }
}

fn part_of<'a>(part: CasePerson, known: &'a Known, signal: &'a Signal) -> Option<&'a str> {
    let step = signal.subject.as_deref();
    match part {
        CasePerson::Holder => signal.holder.as_deref().or_else(|| known.holder_of(step)),
        CasePerson::Taker => known.taker.as_deref(),
        CasePerson::Requester => known.requester_of(step),
        // The follower is a role of the route; the customer is no person of the directory.
        CasePerson::Follower | CasePerson::Customer => None,
    }
}

pub(crate) fn part_code(part: CasePerson) -> &'static str {
    match part {
        CasePerson::Holder => "holder",
        CasePerson::Taker => "taker",
        CasePerson::Follower => "follower",
        CasePerson::Requester => "requester",
        CasePerson::Customer => CUSTOMER,
    }
}

/// Why a recipient comes to nobody.
pub(crate) fn nobody(recipient: &Recipient) -> (&str, &'static str) {
    match recipient {
        Recipient::Role(who) => (&who.role, "vacant"),
        Recipient::Person(CasePerson::Customer) => (CUSTOMER, "no-customer"),
        Recipient::Person(part) => (part_code(*part), "nobody"),
    }
}

/// Persons whom the watchdog found, without those barred or gone since.
pub(crate) fn still_there(told: &[String], barred: &BTreeSet<String>, directory: &Snapshot) -> Vec<String> {
    let there = |code: &str| directory.person(code).is_some_and(|person| !person.disabled);
    told.iter().filter(|code| !barred.contains(*code) && there(code)).cloned().collect()
}

/// Whether somebody may see what was told about a case: with some role at its branch or above,
/// and not the person complained about (DG-03).
pub fn may_see(known: &Known, actor: &Actor, directory: &Snapshot) -> bool {
    let barred = actor.person().is_some_and(|code| known.barred.contains(code));
    let within = |node: &str| directory.is_within(&known.matter.branch, node);
    !barred && actor.grants().iter().any(|grant| within(&grant.node))
}
