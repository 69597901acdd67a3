//! Who is signed in. A session is a token sealed into its cookie: nothing is
//! kept here, so that a restart or another replica makes no difference.
//!
//! The token lives 15 minutes and is renewed while pages are open; the
//! directory is asked each time, and its journal at every request, so that a
//! disabled account ends at once. A new sign-in is a new session: there is
//! nothing that an attacker could fix beforehand.

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

/// Sessions that were ended by hand: their cookies may have been copied.
#[derive(Clone, Default)]
pub struct Ended(Arc<Mutex<HashMap<String, Time>>>);

impl Ended {
    pub fn end(&self, session: &Session, until: Time, now: Time) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= REMEMBERED {
            ended.retain(|_, until| *until > now);
        }
        ended.insert(session.id.clone(), until);
    }

    pub fn has(&self, session: &Session) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&session.id)
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
        ended.end(&one, Time(9), Time(0));
        assert!(ended.has(&one) && !ended.has(&other));
    }
}
