//! A password for a token, or the word of the identity provider. After five failures a person waits a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chassis::{
    Handle,
    identity::{Session, SignedInBy},
};
use chassis_core::{Actor, Grant, Refusal, RefusalKind};
use directory_core::{Account, Directory, PersonRow, Sessions};
use proto::Time;

use crate::password::Passwords;

const FAILURES: u32 = 5;
const LOCKED: Duration = Duration::from_secs(60);
/// Names remembered: enough for every honest one, too few to fill the memory.
const REMEMBERED: usize = 10_000;
/// A token's life in seconds: the longest there is.
const LIFE: u64 = 15 * 60;

/// A token and when it ends, by the machine's real time.
pub struct Signed {
    pub token: String,
    pub expires_at: Time,
}

/// Why nobody was signed in.
pub enum NotSigned {
    /// Wrong password, unknown person, no account, disabled: all the same.
    Wrong,
    Refused(Refusal),
}

impl From<Refusal> for NotSigned {
    fn from(refusal: Refusal) -> Self {
        NotSigned::Refused(refusal)
    }
}

/// The door.
#[derive(Clone)]
pub struct Door {
    handle: Handle<Directory>,
    passwords: Passwords,
    failures: Arc<Mutex<Failures>>,
}

impl Door {
    pub fn new(handle: Handle<Directory>, passwords: Passwords) -> Door {
        Door { handle, passwords, failures: Arc::default() }
    }

    pub async fn sign_in(&self, person: &str, password: &str) -> Result<Signed, NotSigned> {
        if !self.has_local_accounts() {
            return Err(local_accounts_off().into());
        }
        self.failures().check(person, Instant::now())?;
        let account = self.handle.load::<Account>(Account::key(person)).await?;
        let row = self.handle.load::<PersonRow>(PersonRow::key(person)).await?;
        let right = self.passwords.verify(password.to_owned(), account.map(|account| account.hash)).await?;
        let Some(row) = row.filter(|row| right && !row.disabled) else {
            self.failures().failed(person, Instant::now());
            return Err(NotSigned::Wrong);
        };
        self.failures().forget(person);
        self.sign(row, Some(self.begin(SignedInBy::Password)))
    }

    /// For whom the identity provider vouched: it is he, and whether he works here is said here.
    pub async fn vouched(&self, person: &str) -> Result<Signed, NotSigned> {
        let row = self.handle.load::<PersonRow>(PersonRow::key(person)).await?;
        match row.filter(|row| !row.disabled) {
            Some(row) => self.sign(row, Some(self.begin(SignedInBy::Provider))),
            None => Err(NotSigned::Wrong),
        }
    }

    /// A fresh token for somebody whose old one is still valid.
    pub async fn renew(&self, person: &str, session: Option<&Session>) -> Result<Signed, NotSigned> {
        let row = self.goes_on(person, session).await?;
        self.sign(row, session.cloned())
    }

    /// Whether a session goes on: not ended, not disabled, and the way in is still open.
    pub async fn goes_on(&self, person: &str, session: Option<&Session>) -> Result<PersonRow, NotSigned> {
        if let Some(session) = session {
            let ended = self.handle.load::<Sessions>(Sessions::key(person)).await?;
            if ended.is_some_and(|ended| !ended.goes_on(&session.id, session.since)) {
                return Err(NotSigned::Wrong);
            }
        }
        if session.is_none_or(|session| session.by == SignedInBy::Password) {
            let account = self.handle.load::<Account>(Account::key(person)).await?;
            if account.is_none() || !self.has_local_accounts() {
                return Err(NotSigned::Wrong);
            }
        }
        let row = self.handle.load::<PersonRow>(PersonRow::key(person)).await?;
        row.filter(|row| !row.disabled).ok_or(NotSigned::Wrong)
    }

    fn has_local_accounts(&self) -> bool {
        self.handle.config().identity.local_accounts
    }

    fn begin(&self, by: SignedInBy) -> Session {
        let id = hex::encode(chassis::secret::random_bytes::<16>());
        Session { id, since: self.handle.real_now(), by }
    }

    fn sign(&self, row: PersonRow, session: Option<Session>) -> Result<Signed, NotSigned> {
        let grants = row.roles.into_iter().map(|held| Grant { role: held.role, node: held.node }).collect();
        let actor = Actor::Person { code: row.code, grants };
        let token = self.handle.issuer().issue_in(&actor, LIFE, session).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            Refusal::new(
                RefusalKind::Internal,
                "token",
                "登录令牌签发失败。",
                "The token could not be signed.",
            )
        })?;
        Ok(Signed { token, expires_at: self.handle.real_now().plus(LIFE as i64 * Time::SECOND) })
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Failures in a row by name, known or not.
#[derive(Default)]
struct Failures {
    by_name: HashMap<String, (u32, Instant)>,
}

impl Failures {
    fn check(&mut self, name: &str, now: Instant) -> Result<(), Refusal> {
        let Some((count, last)) = self.by_name.get(name).copied() else { return Ok(()) };
        let left = LOCKED.saturating_sub(now.duration_since(last));
        if left.is_zero() {
            self.by_name.remove(name);
        } else if count >= FAILURES {
            return Err(locked(left));
        }
        Ok(())
    }

    fn failed(&mut self, name: &str, now: Instant) {
        if self.by_name.len() >= REMEMBERED {
            self.by_name.retain(|_, (_, last)| now.duration_since(*last) < LOCKED);
        }
        if self.by_name.len() < REMEMBERED || self.by_name.contains_key(name) {
            let (count, last) = self.by_name.entry(name.to_owned()).or_insert((0, now));
            *count += 1;
            *last = now;
        }
    }

    fn forget(&mut self, name: &str) {
        self.by_name.remove(name);
    }
}

fn local_accounts_off() -> Refusal {
    Refusal::denied(
        "local-accounts-off",
        "本系统不使用本地密码，请从统一身份认证登录。",
        "Passwords are not used here; sign in with the identity provider.",
    )
}

fn locked(left: Duration) -> Refusal {
    let seconds = left.as_secs() + 1;
    let mut refusal = Refusal::new(
        RefusalKind::Exhausted,
        "locked",
        format!("连续失败次数过多，请在 {seconds} 秒后再试。"),
        format!("Too many failures in a row; try again in {seconds} seconds."),
    );
    refusal.retry_after_ms = Some(u32::try_from(left.as_millis()).unwrap_or(u32::MAX));
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_lock_for_a_minute() {
        let mut failures = Failures::default();
        let start = Instant::now();
        for _ in 0..FAILURES {
            assert!(failures.check("P1", start).is_ok());
            failures.failed("P1", start);
        }
        let refusal = failures.check("P1", start + Duration::from_secs(20)).unwrap_err();
        assert_eq!((refusal.gate.as_str(), refusal.retry_after_ms), ("locked", Some(40_000)));
        assert!(failures.check("P2", start).is_ok());
        assert!(failures.check("P1", start + LOCKED).is_ok());
        assert!(failures.by_name.is_empty(), "who waited begins anew");
    }

    #[test]
    fn a_success_forgets_failures() {
        let mut failures = Failures::default();
        let now = Instant::now();
        (0..4).for_each(|_| failures.failed("P1", now));
        failures.forget("P1");
        failures.failed("P1", now);
        assert!(failures.check("P1", now).is_ok());
    }

    #[test]
    fn a_flood_of_names_is_not_kept() {
        let mut failures = Failures::default();
        let now = Instant::now();
        (0..REMEMBERED + 500).for_each(|n| failures.failed(&n.to_string(), now));
        assert_eq!(failures.by_name.len(), REMEMBERED);
        failures.failed("late", now + LOCKED);
        assert_eq!(failures.by_name.len(), 1);
    }
}
