//! Who is signed in. A session is a token sealed into its cookie: nothing is
//! kept here, so that a restart or another replica makes no difference.
//!
//! The token lives 15 minutes and is renewed while pages are open; the
//! directory's journal is looked at for every request, so that a disabled
//! account ends at once, and the directory itself is asked every few seconds
//! whether the session goes on: signing out at one replica counts at all, and
//! after any restart. While the directory is away, a token is good until it
//! ends. A new sign-in is a new session: there is nothing that an attacker
//! could fix beforehand.

pub mod cookie;
mod seal;
mod throttle;

pub use seal::Seal;
pub use throttle::Throttle;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use proto::Time;
use serde::{Deserialize, Serialize};

pub const COOKIE: &str = "__Host-session";
/// A token is renewed when it is older than this.
const RENEW: i64 = 4 * Time::MINUTE;
/// Signed-out sessions remembered: those whose token has not ended by itself.
const REMEMBERED: usize = 50_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: String,
    pub person: String,
    pub token: String,
    /// Real time.
    pub signed_in_at: Time,
    pub token_since: Time,
    pub token_until: Time,
    /// The roles that the token names, as a digest: other roles need another token.
    pub grants: String,
}

impl Session {
    pub fn begin(person: &str, token: String, until: Time, grants: String, now: Time) -> Session {
        let id = blake3::Hash::from_bytes(chassis::secret::random_bytes()).to_hex().to_string();
        Session {
            id,
            person: person.to_owned(),
            token,
            signed_in_at: now,
            token_since: now,
            token_until: until,
            grants,
        }
    }

    pub fn is_over(&self, now: Time, longest: i64) -> bool {
        now >= self.token_until
            || now >= self.signed_in_at.plus(longest)
            || now < self.signed_in_at.plus(-RENEW)
    }

    pub fn needs_renewal(&self, now: Time, grants: &str) -> bool {
        now >= self.token_since.plus(RENEW) || self.grants != grants
    }

    pub fn renewed(&self, token: String, until: Time, grants: String, now: Time) -> Session {
        Session { token, token_since: now, token_until: until, grants, ..self.clone() }
    }
}

/// What was ended or used up here: at once, and also while the directory is away.
#[derive(Clone, Default)]
pub struct Ended(Arc<Mutex<HashMap<String, Time>>>);

impl Ended {
    /// Whether it is the first time that this id is ended.
    pub fn end(&self, id: &str, until: Time, now: Time) -> bool {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= REMEMBERED {
            ended.retain(|_, until| *until > now);
        }
        ended.insert(id.to_owned(), until).is_none()
    }

    pub fn has(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }
}

/// Sessions that the directory has confirmed a moment ago: a page asks a dozen times.
#[derive(Clone, Default)]
pub struct Confirmed(Arc<Mutex<HashMap<String, Time>>>);

/// So long a session that was ended elsewhere may go on here.
const CONFIRMED_FOR: i64 = 3 * Time::SECOND;

impl Confirmed {
    pub fn is_fresh(&self, id: &str, now: Time) -> bool {
        let confirmed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        confirmed.get(id).is_some_and(|at| (at.0..at.plus(CONFIRMED_FOR).0).contains(&now.0))
    }

    pub fn confirm(&self, id: &str, now: Time) {
        let mut confirmed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if confirmed.len() >= REMEMBERED {
            confirmed.retain(|_, at| at.plus(CONFIRMED_FOR) > now);
        }
        confirmed.insert(id.to_owned(), now);
    }

    pub fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session::begin("P1", "t".into(), Time(15 * Time::MINUTE), "g".into(), Time(0))
    }

    #[test]
    fn a_session_ends_with_its_token_and_with_the_day() {
        let longest = Time::HOUR;
        assert!(!session().is_over(Time(14 * Time::MINUTE), longest));
        assert!(session().is_over(Time(15 * Time::MINUTE), longest));
        let renewed =
            session().renewed("u".into(), Time(2 * Time::HOUR), "g".into(), Time(50 * Time::MINUTE));
        assert!(!renewed.is_over(Time(59 * Time::MINUTE), longest));
        assert!(renewed.is_over(Time(60 * Time::MINUTE), longest), "however busy");
    }

    #[test]
    fn other_roles_need_another_token() {
        assert!(!session().needs_renewal(Time(Time::MINUTE), "g"));
        assert!(session().needs_renewal(Time(Time::MINUTE), "h"));
        assert!(session().needs_renewal(Time(5 * Time::MINUTE), "g"));
    }

    #[test]
    fn who_signs_in_twice_has_two_sessions_and_ends_one() {
        let (one, other) = (session(), session());
        let ended = Ended::default();
        assert!(ended.end(&one.id, Time(9), Time(0)));
        assert!(ended.has(&one.id) && !ended.has(&other.id));
        assert!(!ended.end(&one.id, Time(9), Time(0)), "once");
    }

    #[test]
    fn what_was_confirmed_is_asked_again_after_a_moment() {
        let confirmed = Confirmed::default();
        confirmed.confirm("a", Time(0));
        assert!(confirmed.is_fresh("a", Time(0)) && !confirmed.is_fresh("b", Time(0)));
        assert!(!confirmed.is_fresh("a", Time(CONFIRMED_FOR)) && !confirmed.is_fresh("a", Time(-1)));
        confirmed.confirm("a", Time(CONFIRMED_FOR));
        confirmed.forget("a");
        assert!(!confirmed.is_fresh("a", Time(CONFIRMED_FOR)));
    }
}
