//! Which of several holders of a role: `choose` of the playbook, one preference after another, each narrowing down who the
//! one before has left. Nobody is left out for good: a preference that none fulfils chooses nobody.
//!
//! * `before`: who has worked on this case already, in an earlier cycle or before a step was sent back.
//! * `skill`: who has most of what the case is about among his skills: its category, type, brand, tags.
//! * `nearest`: who holds a role nearest to the branch, counted in steps through the organisation.
//! * `least_load`: everybody left gets his share, by the ticket's id.

use std::collections::BTreeSet;

use playbook::{Value, route::Preference};

use crate::{placing::Rules, state::Work};

impl Rules<'_> {
    pub fn preferred(&self, work: &Work, found: Vec<String>) -> Vec<String> {
        let preferences = self.case_type.routing.choose.iter();
        preferences.fold(found, |left, preference| match preference {
            Preference::Before => best(left, |person| usize::from(!has_had(work, person))),
            Preference::Skill => best(left, |person| usize::MAX - self.skills_for(work, person).len()),
            Preference::Nearest => {
                best(left, |person| self.nearest(work, person).map_or(usize::MAX, |near| near.0))
            }
            Preference::LeastLoad => left,
        })
    }

    /// Why this person, as codes.
    pub fn why(&self, work: &Work, person: &str) -> Vec<String> {
        let preferences = self.case_type.routing.choose.iter();
        let why = preferences.flat_map(|preference| match preference {
            Preference::Before if has_had(work, person) => vec!["before".to_owned()],
            Preference::Skill => {
                self.skills_for(work, person).into_iter().map(|skill| format!("skill:{skill}")).collect()
            }
            Preference::Nearest => {
                self.nearest(work, person).map(|(_, node)| format!("nearest:{node}")).into_iter().collect()
            }
            Preference::Before | Preference::LeastLoad => Vec::new(),
        });
        why.collect()
    }

    /// What of the case he is good at.
    fn skills_for(&self, work: &Work, person: &str) -> Vec<String> {
        let Some(person) = self.directory.person(person) else { return Vec::new() };
        let wanted = wanted(work);
        person.skills.iter().filter(|skill| wanted.contains(skill.as_str())).cloned().collect()
    }

    /// Steps to the nearest node where he holds a role, and that node.
    fn nearest(&self, work: &Work, person: &str) -> Option<(usize, String)> {
        let roles = &self.directory.person(person)?.roles;
        let nodes: BTreeSet<&str> = roles.iter().map(|held| held.node.as_str()).collect();
        let ways =
            nodes.into_iter().filter_map(|node| Some((self.distance(&work.branch, node)?, node.to_owned())));
        ways.min()
    }

    /// Up to the first node that is above both, and down again.
    fn distance(&self, from: &str, to: &str) -> Option<usize> {
        let above: Vec<&str> = self.directory.upwards(from).map(|node| node.code.as_str()).collect();
        for (down, node) in self.directory.upwards(to).enumerate() {
            if let Some(up) = above.iter().position(|other| *other == node.code) {
                return Some(up + down);
            }
        }
        None
    }
}

/// Those for whom the figure is lowest.
fn best(left: Vec<String>, figure: impl Fn(&str) -> usize) -> Vec<String> {
    let lowest = left.iter().map(|person| figure(person)).min();
    left.into_iter().filter(|person| Some(figure(person)) == lowest).collect()
}

fn has_had(work: &Work, person: &str) -> bool {
    work.earlier.iter().chain(&work.done).any(|done| done.by == person)
}

/// The codes that say what the case is about.
fn wanted(work: &Work) -> BTreeSet<String> {
    let code = |name: &str| work.facts.code(name).map(str::to_owned);
    let tags = match work.facts.get("tags") {
        Some(Value::Codes(tags)) => tags.clone(),
        _ => Vec::new(),
    };
    [code("category"), code("brand"), Some(work.case_type.clone())]
        .into_iter()
        .flatten()
        .chain(tags)
        .collect()
}
