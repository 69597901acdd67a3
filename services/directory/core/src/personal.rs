//! What belongs to one person alone: his sessions that were ended, and the
//! filters that he keeps. Nobody else's business, so nothing of it is said.

use std::collections::BTreeMap;

use chassis_core::{Actor, Aggregate, Column, ColumnKind, Halt, Refusal, Sealed, Step, Table, Value};
use proto::{Id, Time};
use serde::{Deserialize, Serialize};

use crate::{
    command::{EndSession, KeepFilter, Reply},
    state::id_of,
};

/// Ended sessions remembered by name; whoever ends more within a day has all of them ended.
const MOST_ENDED: usize = 50;
/// Filters of one person.
pub const MOST_FILTERS: usize = 20;
/// The longest query of a filter.
pub const LONGEST_QUERY: usize = 400;

const COLUMNS: &[Column] = &[Column { name: "code", kind: ColumnKind::Text }];

/// Sessions of a person that go on no more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    pub code: String,
    /// All that began before (real time).
    pub all_before: Time,
    /// Session and the time at which it ends by itself.
    pub ended: BTreeMap<String, Time>,
}

impl Sessions {
    pub fn key(code: &str) -> Id {
        id_of("sessions", code)
    }

    /// Whether a session goes on.
    pub fn goes_on(&self, session: &str, since: Time) -> bool {
        since > self.all_before && !self.ended.contains_key(session)
    }

    fn end(&mut self, end: &EndSession) {
        self.ended.retain(|_, until| *until > end.now);
        match &end.session {
            Some(session) if self.ended.len() < MOST_ENDED => {
                self.ended.insert(session.clone(), end.until);
            }
            _ => {
                self.all_before = self.all_before.max(end.now);
                self.ended.clear();
            }
        }
    }
}

impl Aggregate for Sessions {
    const TABLE: &'static Table = &Table { name: "sessions", columns: COLUMNS };

    fn id(&self) -> Id {
        Sessions::key(&self.code)
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.code.as_str().into()]
    }
}

/// What a person keeps for himself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub code: String,
    /// By the keyed hash of the name; names are sealed, for people write what they like.
    pub filters: BTreeMap<String, Kept>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub name: Sealed,
    pub query: String,
}

impl Settings {
    pub fn key(code: &str) -> Id {
        id_of("settings", code)
    }
}

impl Aggregate for Settings {
    const TABLE: &'static Table = &Table { name: "settings", columns: COLUMNS };

    fn id(&self) -> Id {
        Settings::key(&self.code)
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.code.as_str().into()]
    }
}

/// Each for himself; there is no role for it.
fn is_own(actor: &Actor, code: &str) -> Result<(), Halt> {
    match actor {
        Actor::Person { code: own, .. } if own == code => Ok(()),
        _ => Err(Refusal::denied(
            "not-own",
            "只能处理自己的登录和设置；没有任何改动。",
            "Sessions and settings are each person's own; nothing was changed.",
        )
        .into()),
    }
}

pub(crate) fn end_session(end: &EndSession, step: &mut Step<'_>) -> Result<Reply, Halt> {
    is_own(step.actor(), &end.person)?;
    let known = step.get::<Sessions>(Sessions::key(&end.person))?;
    let mut sessions = known.unwrap_or(Sessions { code: end.person.clone(), ..Sessions::default() });
    sessions.end(end);
    step.put(&sessions);
    Ok(Reply::Done)
}

pub(crate) fn keep_filter(keep: &KeepFilter, step: &mut Step<'_>) -> Result<Reply, Halt> {
    is_own(step.actor(), &keep.person)?;
    let known = step.get::<Settings>(Settings::key(&keep.person))?;
    let mut settings = known.unwrap_or(Settings { code: keep.person.clone(), ..Settings::default() });
    if keep.query.len() > LONGEST_QUERY {
        return Err(Refusal::field("query", "筛选条件过长。", "the filter is too long").into());
    }
    if keep.query.is_empty() {
        settings.filters.remove(&keep.token);
    } else {
        settings
            .filters
            .insert(keep.token.clone(), Kept { name: keep.name.clone(), query: keep.query.clone() });
    }
    if settings.filters.len() > MOST_FILTERS {
        return Err(Refusal::field(
            "name",
            format!("每人最多保存 {MOST_FILTERS} 个筛选；请先删除一个。"),
            format!("at most {MOST_FILTERS} filters can be kept; delete one first"),
        )
        .into());
    }
    step.put(&settings);
    Ok(Reply::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(session: Option<&str>, now: i64) -> EndSession {
        EndSession {
            person: "P1".into(),
            session: session.map(str::to_owned),
            until: Time(now + 100),
            now: Time(now),
        }
    }

    #[test]
    fn one_session_ends_and_the_others_go_on() {
        let mut sessions = Sessions::default();
        sessions.end(&end(Some("a"), 10));
        assert!(!sessions.goes_on("a", Time(5)) && sessions.goes_on("b", Time(5)));
        sessions.end(&end(None, 20));
        assert!(!sessions.goes_on("b", Time(5)) && sessions.goes_on("c", Time(21)));
    }

    #[test]
    fn what_is_remembered_has_a_bound_and_forgets_nobody() {
        let mut sessions = Sessions::default();
        (0..MOST_ENDED).for_each(|n| sessions.end(&end(Some(&n.to_string()), 10)));
        sessions.end(&end(Some("one more"), 11));
        assert!(sessions.ended.is_empty() && sessions.all_before == Time(11));
        assert!(!sessions.goes_on("3", Time(9)) && !sessions.goes_on("one more", Time(9)));
        sessions.end(&end(Some("later"), 50));
        sessions.end(&end(Some("much later"), 500));
        assert_eq!(sessions.ended.len(), 1, "what ended by itself is forgotten");
    }
}
