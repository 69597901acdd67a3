//! `call`: how a call-back is planned and what became of it.

use jiff::tz::TimeZone;
use proto::Time;
use serde::Deserialize;

use super::{
    expect::{Miss, differs},
    moment,
    play::wall,
    seen::Seen,
};

/// `{ call: content, due: '2026-03-05 18:00' }`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallIs {
    /// The follow-up of the rule book; of several calls the newest counts.
    pub call: String,
    /// scheduled, recorded, given_up, cancelled
    pub is: Option<String>,
    /// When it is to be tried, next or first.
    #[serde(rename = "try")]
    pub planned: Option<String>,
    /// By when.
    pub due: Option<String>,
}

pub(super) fn check(wanted: &CallIs, seen: &dyn Seen, zone: &TimeZone) -> Vec<Miss> {
    let what = format!("call {}", wanted.call);
    if seen.playbook().follow_up(&wanted.call).is_none() {
        let (zh, en) = ("没有回访", "there is no follow-up");
        return vec![Miss::new(format!("{zh}“{}”", wanted.call), format!("{en} `{}`", wanted.call))];
    }
    let calls = seen.calls();
    let Some(call) = calls.iter().rfind(|call| call.rule == wanted.call) else {
        let is = wanted.is.as_deref().unwrap_or("scheduled");
        return differs(&what, is, "never planned").into_iter().collect();
    };
    let mut misses = Vec::new();
    if let Some(is) = &wanted.is {
        misses.extend(differs(&what, is, &call.state));
    }
    let mut compare = |part: &str, text: &Option<String>, found: Time| {
        let Some(text) = text else { return };
        match moment(text, zone) {
            Some(at) => {
                misses.extend(differs(&format!("{what} {part}"), &wall(zone, at), &wall(zone, found)))
            }
            None => misses.push(Miss::unreadable(part, text)),
        }
    };
    compare("try", &wanted.planned, call.planned);
    compare("due", &wanted.due, call.due);
    misses
}
