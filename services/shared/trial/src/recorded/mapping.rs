//! Which column of a recorded table is what.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::yaml::{self, Unreadable};

/// A value for every case: from a column, or the same for all.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Source {
    Column(String),
    Fixed { fixed: String },
}

/// The recorder's own verdict: which words mean in time and late.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    pub column: String,
    pub yes: String,
    pub no: String,
}

/// What an activity of the log is to the rule book.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "ActivityText")]
pub struct Activity {
    /// `work.step_done`
    pub event: String,
    /// The step or follow-up in brackets.
    pub subject: Option<String>,
    /// How it came out, where that matters: `refused`, `content`, `unhappy`.
    pub outcome: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ActivityText {
    Event(String),
    WithOutcome { event: String, outcome: String },
}

impl From<ActivityText> for Activity {
    fn from(text: ActivityText) -> Self {
        let (event, outcome) = match text {
            ActivityText::Event(event) => (event, None),
            ActivityText::WithOutcome { event, outcome } => (event, Some(outcome)),
        };
        match event.split_once('(') {
            Some((name, rest)) => Activity {
                event: name.trim().to_owned(),
                subject: Some(rest.trim_end().trim_end_matches(')').trim().to_owned()),
                outcome,
            },
            None => Activity { event: event.trim().to_owned(), subject: None, outcome },
        }
    }
}

/// A row per case, or a row per event.
#[derive(Clone, Debug)]
pub enum Shape {
    Requests {
        opened: String,
        closed: Option<String>,
        /// The recorder's official target time.
        target: Option<String>,
        on_time: Option<Flag>,
    },
    Log {
        at: String,
        activity: String,
        events: BTreeMap<String, Vec<Activity>>,
    },
}

/// A mapping, checked.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub shape: Shape,
    /// The column that says which case a row belongs to.
    pub case: String,
    pub case_type: Source,
    pub branch: Source,
    /// Codes, by the name of the fact.
    pub facts: BTreeMap<String, String>,
    /// Of stamps without an offset.
    pub zone: TimeZone,
    /// As strptime has it; without it, RFC 3339 or the like.
    pub time: Option<String>,
    /// The column whose values have a limit each, and one more that may explain a deviating one.
    pub kind: Option<String>,
    pub queue: Option<String>,
    /// The clock to compare with the recorded target and flag.
    pub clock: Option<String>,
    /// What happens with the first row of a case; always its opening.
    pub first: Vec<Activity>,
}

/// One word or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Several {
    One(Activity),
    More(Vec<Activity>),
}

impl From<Several> for Vec<Activity> {
    fn from(several: Several) -> Self {
        match several {
            Several::One(one) => vec![one],
            Several::More(more) => more,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    case: String,
    #[serde(rename = "type")]
    case_type: Source,
    branch: Source,
    #[serde(default)]
    facts: BTreeMap<String, String>,
    zone: String,
    time: Option<String>,
    kind: Option<String>,
    queue: Option<String>,
    clock: Option<String>,
    opened: Option<String>,
    closed: Option<String>,
    target: Option<String>,
    on_time: Option<Flag>,
    at: Option<String>,
    activity: Option<String>,
    events: Option<BTreeMap<String, Several>>,
    first: Option<Several>,
}

impl Mapping {
    /// Reads a mapping file; `file` only names it in complaints.
    ///
    /// # Errors
    /// What does not fit.
    pub fn parse(file: &str, text: &str) -> Result<Mapping, Unreadable> {
        let text: Text = yaml::read(file, text)?;
        let shape = match (text.opened, text.at, text.activity, text.events) {
            (Some(opened), None, None, None) => {
                Shape::Requests { opened, closed: text.closed, target: text.target, on_time: text.on_time }
            }
            (None, Some(at), Some(activity), Some(events)) => {
                let events = events.into_iter().map(|(word, meant)| (word, meant.into())).collect();
                Shape::Log { at, activity, events }
            }
            _ => {
                let why = "say either `opened` (a row per case), or `at`, `activity` and `events` (a row per event)";
                return Err(Unreadable::new(file, why));
            }
        };
        let zone = TimeZone::get(&text.zone)
            .map_err(|_| Unreadable::new(file, format!("`{}` is not an IANA time zone", text.zone)))?;
        let mut first: Vec<Activity> = text.first.map(Vec::from).unwrap_or_default();
        first.retain(|activity| activity.event != "ticket.opened");
        first.insert(0, Activity { event: "ticket.opened".to_owned(), subject: None, outcome: None });
        Ok(Mapping {
            first,
            shape,
            case: text.case,
            case_type: text.case_type,
            branch: text.branch,
            facts: text.facts,
            zone,
            time: text.time,
            kind: text.kind,
            queue: text.queue,
            clock: text.clock,
        })
    }

    /// Every column that it reads.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = vec![self.case.as_str()];
        for source in [&self.case_type, &self.branch] {
            if let Source::Column(column) = source {
                columns.push(column);
            }
        }
        columns.extend(self.facts.values().chain(&self.kind).chain(&self.queue).map(String::as_str));
        match &self.shape {
            Shape::Requests { opened, closed, target, on_time } => {
                columns.push(opened);
                columns.extend(closed.iter().chain(target).map(String::as_str));
                columns.extend(on_time.as_ref().map(|flag| flag.column.as_str()));
            }
            Shape::Log { at, activity, .. } => columns.extend([at.as_str(), activity.as_str()]),
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: &str = "
case: id
type: { fixed: request }
branch: Department
zone: UTC
facts: { kind: TYPE }
opened: OPEN
target: TARGET
";

    #[test]
    fn a_mapping_names_its_columns_and_its_shape() {
        let mapping = Mapping::parse("m.yaml", REQUESTS).expect("it fits");
        assert_eq!(mapping.columns(), ["Department", "OPEN", "TARGET", "TYPE", "id"]);
        assert!(matches!(mapping.shape, Shape::Requests { .. }));
        let both = format!("{REQUESTS}at: when\n");
        assert!(Mapping::parse("m.yaml", &both).unwrap_err().why.contains("either `opened`"));
        let unknown = format!("{REQUESTS}colour: red\n");
        assert!(Mapping::parse("m.yaml", &unknown).unwrap_err().why.contains("colour"));
    }

    #[test]
    fn an_activity_is_an_event_with_what_it_is_about() {
        let read = |text: &str| yaml::read::<Activity>("a", text).expect("it fits");
        let done = read("work.step_done(mend)");
        assert_eq!((done.event.as_str(), done.subject.as_deref()), ("work.step_done", Some("mend")));
        let refused = read("{ event: approval.decided(price), outcome: refused }");
        assert_eq!(refused.outcome.as_deref(), Some("refused"));
    }
}
