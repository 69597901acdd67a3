//! Case types: what is asked, how a case is judged, what a repeat is, when it may close.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    condition::Condition,
    derived::Derivation,
    facts::{Facts, Value},
    form::{Choice, Field, FieldKind},
    load::names::DONE,
    route::{Route, Routing},
    step::{DoneSteps, Step},
    table::DecisionTable,
    text::Text,
};

/// The three ends of every case: nothing closes without each on record (P4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Answered,
    Resolved,
    Told,
}

/// Another service's word that it takes nothing more for this cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seal {
    /// `work.completed`
    Work,
    /// `follow_up.completed`
    FollowUp,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Closing {
    pub needs: Vec<Seal>,
    /// Marks demanded, each with the steps that set it. Always all three.
    pub marks: Vec<(Mark, Vec<String>)>,
    /// A closed case may be opened again within this many days; later it becomes a linked case.
    pub reopen_days: u32,
    pub rules: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sameness {
    Customer,
    Asset,
}

/// When a case counts as a repeat of an earlier one, which has been answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RepeatRule {
    /// Any of these being the same is enough.
    pub by: Vec<Sameness>,
    pub same_category: bool,
    pub within_days: u32,
    /// At least this severity for a repeat.
    pub raises: Option<String>,
    pub ours: bool,
    pub rules: Vec<String>,
}

/// What the tables said about a case, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Classification {
    pub category: Option<String>,
    pub severity: String,
    pub tags: Vec<String>,
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Stable code, e.g. `door_blocked`.
    pub code: String,
    /// The first rule that justifies it.
    pub rule: Option<String>,
    pub text: Text,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseType {
    pub id: String,
    pub name: Text,
    /// Codes of the channels it is opened through.
    pub channels: Vec<Choice>,
    /// When it is opened at all; otherwise it is logged as a contact (PM-03).
    pub opened_when: Option<Condition>,
    pub form: Vec<Field>,
    pub categories: Vec<Choice>,
    /// Lowest first.
    pub severities: Vec<Choice>,
    /// Gives `category`; without it the form's field `category` does.
    pub category_table: Option<DecisionTable>,
    /// Gives `severity`; with collect the highest one counts and every row is a reason.
    pub severity_table: Option<DecisionTable>,
    /// Collects `tag`.
    pub tag_table: Option<DecisionTable>,
    pub repeat: Option<RepeatRule>,
    pub routing: Routing,
    pub steps: Vec<Step>,
    pub closing: Closing,
    pub rules: Vec<String>,
    /// The playbook's free-standing tables.
    #[serde(skip)]
    pub derived: Arc<Derivation>,
}

impl CaseType {
    /// Brings the facts that follow from others up to date: for whoever has learnt something about a case.
    pub fn derive(&self, facts: &mut Facts) {
        self.derived.apply(facts);
    }

    /// Whether a case may be closed while follow-ups are open.
    pub fn closes_before_follow_ups(&self) -> bool {
        !self.closing.needs.contains(&Seal::FollowUp)
    }

    /// Category, severity and tags of a case. For a repeat the caller has set the fact `repeat`.
    pub fn classify(&self, facts: &Facts) -> Classification {
        let mut facts = facts.clone();
        self.derive(&mut facts);
        let mut out = Classification { category: self.category(&facts), ..Classification::default() };
        if let Some(category) = &out.category {
            facts.set("category", Value::code(category));
        }
        self.derive(&mut facts);
        self.judge_severity(&facts, &mut out);
        facts.set("severity", Value::code(&out.severity));
        self.derive(&mut facts);
        self.judge_tags(&facts, &mut out);
        out
    }

    fn category(&self, facts: &Facts) -> Option<String> {
        match self.category_table.as_ref().and_then(|t| t.value(facts, "category")) {
            Some(Value::Code(code)) => Some(code),
            _ => facts.code("category").map(str::to_owned),
        }
    }

    fn judge_severity(&self, facts: &Facts, out: &mut Classification) {
        let mut rank = 0;
        for row in self.severity_table.iter().flat_map(|t| t.decide(facts)) {
            if let Some(Value::Code(code)) = row.out.first() {
                rank = rank.max(self.rank(code));
                out.reasons.extend(reason_of(row));
            }
        }
        if let Some(repeat) = self.repeat.as_ref().filter(|_| facts.flag("repeat"))
            && let Some(raised) = &repeat.raises
        {
            rank = rank.max(self.rank(raised));
            if !out.reasons.iter().any(|r| r.code == "repeat") {
                out.reasons.push(repeat_reason(repeat));
            }
        }
        out.severity = self.severities.get(rank).map(|s| s.code.clone()).unwrap_or_default();
    }

    fn judge_tags(&self, facts: &Facts, out: &mut Classification) {
        for row in self.tag_table.iter().flat_map(|t| t.decide(facts)) {
            if let Some(Value::Code(tag)) = row.out.first() {
                out.tags.push(tag.clone());
            }
        }
        out.tags.sort_unstable();
        out.tags.dedup();
    }

    /// Position of a severity, lowest 0; an unknown one counts as the lowest.
    pub fn rank(&self, severity: &str) -> usize {
        self.severities.iter().position(|s| s.code == severity).unwrap_or(0)
    }

    /// Whether a case with these facts is opened, rather than logged as a contact.
    pub fn is_opened(&self, facts: &Facts) -> bool {
        Condition::met(self.opened_when.as_ref(), facts)
    }

    /// Fields of the form and of every step.
    pub fn all_fields(&self) -> impl Iterator<Item = &Field> {
        self.form.iter().chain(self.steps.iter().flat_map(|step| &step.fields))
    }

    /// Numbers of the rules that keep whoever is complained about out of the case: those of the fields that name him.
    pub fn bar_rules(&self) -> Vec<String> {
        let bars = |field: &&Field| matches!(field.kind, FieldKind::Person { bars: true });
        let mut rules: Vec<String> = Vec::new();
        for rule in self.all_fields().filter(bars).flat_map(|field| &field.rules) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        rules
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.form.iter().find(|f| f.name == name)
    }

    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|s| s.id == id)
    }

    /// Who gets the work.
    pub fn route(&self, facts: &Facts) -> Option<Route> {
        self.routing.route(facts)
    }

    /// Steps that can be worked on now.
    pub fn ready_steps(&self, done: &DoneSteps, facts: &Facts) -> Vec<&Step> {
        crate::step::ready(&self.steps, done, facts)
    }

    /// Whether nothing is left to do: every step is done or does not apply.
    pub fn work_complete(&self, done: &DoneSteps, facts: &Facts) -> bool {
        crate::step::complete(&self.steps, done, facts)
    }

    /// Steps that are to be done again because `finished` came out the way it did (inspection failed, approval
    /// refused): the target of the first loop that holds and everything after it. Empty: go on.
    pub fn loops_back(&self, finished: &str, facts: &Facts) -> Vec<&str> {
        crate::step::loops_back(&self.steps, finished, facts)
    }

    /// As `loops_back`, for an approval that was refused.
    pub fn refused_back(&self, step: &str) -> Vec<&str> {
        crate::step::refused_back(&self.steps, step)
    }

    /// Keeps the fact `done` (steps done in this cycle and not sent back) and the facts that follow from others in step
    /// with the events of a case. Whoever matches triggers calls it first, with the event's own facts already absorbed.
    pub fn observe(&self, event: &str, subject: Option<&str>, facts: &mut Facts) {
        let mut done = match facts.remove(DONE) {
            Some(Value::Codes(codes)) => codes,
            _ => Vec::new(),
        };
        let back: Vec<&str> = match (event, subject) {
            ("ticket.reopened", _) => {
                done.clear();
                Vec::new()
            }
            ("work.step_done", Some(step)) => {
                if !done.iter().any(|d| d == step) {
                    done.push(step.to_owned());
                }
                self.loops_back(step, facts)
            }
            ("approval.decided", Some(step)) if facts.code("outcome") == Some("refused") => {
                self.refused_back(step)
            }
            ("approval.decided", Some(step)) if facts.code("outcome") == Some("approved") => {
                if !done.iter().any(|d| d == step) {
                    done.push(step.to_owned());
                }
                Vec::new()
            }
            _ => Vec::new(),
        };
        done.retain(|d| !back.contains(&d.as_str()));
        facts.set(DONE, Value::Codes(done));
        self.derive(facts);
    }

    /// Marks set when this step is done.
    pub fn marks_of(&self, step: &str) -> &[Mark] {
        self.step(step).map_or(&[], |s| s.marks.as_slice())
    }
}

fn reason_of(row: &crate::table::Row) -> Option<Reason> {
    let code = row.code.clone()?;
    let text = row.reason.clone().unwrap_or_else(|| Text::new(&code, &code));
    Some(Reason { code, rule: row.rules.first().cloned(), text })
}

fn repeat_reason(rule: &RepeatRule) -> Reason {
    Reason {
        code: "repeat".into(),
        rule: rule.rules.first().cloned(),
        text: Text::new(
            format!("{} 天内重复投诉", rule.within_days),
            format!("repeated within {} days", rule.within_days),
        ),
    }
}
