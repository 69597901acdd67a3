//! Steps of the work: a graph of needs, with conditions and loops back.
//!
//! A step *applies* when its condition holds; it is *settled* when it is done, or does not apply while everything it
//! needs is settled; it is *ready* when it applies, is not done and everything it needs is settled. A condition that
//! becomes true late (a case found to be major on day three) makes its step ready then, whatever is done already.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    approval::ApprovalUse, case::Mark, condition::Condition, facts::Facts, form::Field, role::RoleAt,
    route::Route, text::Text,
};

/// Who does a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Performer {
    Role(RoleAt),
    /// The main handler of the route.
    Handler,
    /// Who acknowledged the hand-off.
    Receiver,
    /// Who follows the case.
    Follower,
}

impl Performer {
    pub fn resolve<'a>(&'a self, route: &'a Route) -> &'a RoleAt {
        match self {
            Self::Role(role) => role,
            Self::Handler => &route.handler,
            Self::Receiver => &route.receiver,
            Self::Follower => route.follower.as_ref().unwrap_or(&route.receiver),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    Photo,
    Signature,
    Recording,
    Document,
}

impl ProofKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Signature => "signature",
            Self::Recording => "recording",
            Self::Document => "document",
        }
    }
}

/// A proof demanded: any one of these kinds satisfies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    pub any_of: Vec<ProofKind>,
    pub name: Text,
}

/// A loop back: when the step is done and this holds, `to` and all after it are to be done again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lead {
    pub when: Condition,
    pub to: String,
}

/// A matter opened beside this one, on which the step waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkedCase {
    pub case_type: String,
    pub wait: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub id: String,
    pub name: Text,
    pub by: Performer,
    /// Take part beside the performer (DC-17: negotiate together).
    pub with: Vec<Performer>,
    pub needs: Vec<String>,
    pub when: Option<Condition>,
    pub fields: Vec<Field>,
    pub proofs: Vec<Proof>,
    pub leads: Vec<Lead>,
    /// The step is done by an approval instead of by a report.
    pub approval: Option<ApprovalUse>,
    pub marks: Vec<Mark>,
    /// The clocks that run while this step waits.
    pub clocks: Vec<String>,
    pub opens: Option<LinkedCase>,
    pub rules: Vec<String>,
}

impl Step {
    pub fn applies(&self, facts: &Facts) -> bool {
        Condition::met(self.when.as_ref(), facts)
    }

    /// Whether it is done by an approval of this matrix.
    pub fn asks(&self, matrix: &str) -> bool {
        self.approval.as_ref().is_some_and(|use_| use_.matrix == matrix)
    }

    pub fn role<'a>(&'a self, route: &'a Route) -> &'a RoleAt {
        self.by.resolve(route)
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// Names of required fields that are not in `given` (which lists sealed ones too).
    pub fn missing_fields<'a>(&'a self, given: &BTreeSet<String>, facts: &Facts) -> Vec<&'a Field> {
        self.fields.iter().filter(|f| f.is_required(facts) && !given.contains(&f.name)).collect()
    }

    /// Proofs not covered by the kinds that were handed in.
    pub fn missing_proofs(&self, given: &BTreeSet<ProofKind>) -> Vec<&Proof> {
        self.proofs.iter().filter(|p| !p.any_of.iter().any(|kind| given.contains(kind))).collect()
    }
}

/// Steps done in this cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DoneSteps(BTreeSet<String>);

impl DoneSteps {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn contains(&self, step: &str) -> bool {
        self.0.contains(step)
    }

    pub fn insert(&mut self, step: impl Into<String>) -> bool {
        self.0.insert(step.into())
    }

    pub fn remove(&mut self, step: &str) -> bool {
        self.0.remove(step)
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromIterator<String> for DoneSteps {
    fn from_iter<I: IntoIterator<Item = String>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// Whether each step is settled, by id. Needs form no circle: the loader refuses one.
fn settled<'a>(steps: &'a [Step], done: &DoneSteps, facts: &Facts) -> BTreeMap<&'a str, bool> {
    let mut known: BTreeMap<&str, bool> = BTreeMap::new();
    // Steps are few (tens); passes end as soon as nothing new is learnt.
    loop {
        let before = known.len();
        for step in steps.iter().filter(|s| !known.contains_key(s.id.as_str())).collect::<Vec<_>>() {
            let needs: Option<Vec<bool>> =
                step.needs.iter().map(|n| known.get(n.as_str()).copied()).collect();
            if let Some(needs) = needs {
                let is = done.contains(&step.id) || (!step.applies(facts) && needs.iter().all(|n| *n));
                known.insert(&step.id, is);
            }
        }
        if known.len() == before {
            return known;
        }
    }
}

pub(crate) fn ready<'a>(steps: &'a [Step], done: &DoneSteps, facts: &Facts) -> Vec<&'a Step> {
    let settled = settled(steps, done, facts);
    let is = |id: &String| settled.get(id.as_str()).copied().unwrap_or(false);
    steps.iter().filter(|s| !done.contains(&s.id) && s.applies(facts) && s.needs.iter().all(is)).collect()
}

pub(crate) fn complete(steps: &[Step], done: &DoneSteps, facts: &Facts) -> bool {
    let settled = settled(steps, done, facts);
    settled.len() == steps.len() && settled.values().all(|s| *s)
}

pub(crate) fn loops_back<'a>(steps: &'a [Step], finished: &str, facts: &Facts) -> Vec<&'a str> {
    let Some(step) = steps.iter().find(|s| s.id == finished) else {
        return Vec::new();
    };
    match step.leads.iter().find(|lead| lead.when.holds(facts)) {
        Some(lead) => with_followers(steps, &lead.to),
        None => Vec::new(),
    }
}

pub(crate) fn refused_back<'a>(steps: &'a [Step], step: &str) -> Vec<&'a str> {
    let Some(step) = steps.iter().find(|s| s.id == step) else {
        return Vec::new();
    };
    step.approval.as_ref().map_or(Vec::new(), |a| with_followers(steps, &a.refused_to))
}

/// A step and all that need it, directly or not, in the order of the playbook.
pub(crate) fn with_followers<'a>(steps: &'a [Step], from: &str) -> Vec<&'a str> {
    let mut hit: BTreeSet<&str> = steps.iter().map(|s| s.id.as_str()).filter(|id| *id == from).collect();
    loop {
        let before = hit.len();
        for step in steps {
            if step.needs.iter().any(|n| hit.contains(n.as_str())) {
                hit.insert(&step.id);
            }
        }
        if hit.len() == before {
            return steps.iter().map(|s| s.id.as_str()).filter(|id| hit.contains(id)).collect();
        }
    }
}
