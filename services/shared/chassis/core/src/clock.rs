//! Business time between two answers of the database.

use std::time::Duration;

use organisation::TimeLaw;
use proto::Time;

/// A leap of the database's clock against monotonic time beyond this is not trusted.
const LEAP: i64 = 2 * Time::SECOND;

/// Each answer of the database carries its clock; between answers monotonic
/// time is added. Nobody asks the machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    database: Time,
    monotonic: Duration,
    known: bool,
    /// How far the last answer lay from what was expected, if too far.
    leapt: Option<i64>,
}

impl Clock {
    pub fn heard(&mut self, database: Time, monotonic: Duration) {
        let off = database.0 - self.database_now(monotonic).0;
        self.leapt = (self.known && off.abs() > LEAP).then_some(off);
        (self.database, self.monotonic, self.known) = (database, monotonic, true);
    }

    pub fn database_now(&self, monotonic: Duration) -> Time {
        let passed = monotonic.saturating_sub(self.monotonic).as_micros();
        self.database.plus(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    /// Whether the database has answered at all.
    pub fn is_known(&self) -> bool {
        self.known
    }

    pub fn business_now(&self, law: &TimeLaw, monotonic: Duration) -> Time {
        law.business(self.database_now(monotonic))
    }

    /// Micros of the leap that the last answer showed: no judging until the
    /// next answer agrees.
    pub fn leapt(&self) -> Option<i64> {
        self.leapt
    }

    /// The monotonic moment at which business time reaches `at`.
    pub fn monotonic_at(&self, law: &TimeLaw, at: Time, monotonic: Duration) -> Option<Duration> {
        let micros = law.real_until(at, self.database_now(monotonic))?;
        Some(monotonic + Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_is_seen_and_forgotten_when_the_next_answer_agrees() {
        let mut clock = Clock::default();
        clock.heard(Time(1_000_000_000), Duration::from_secs(10));
        clock.heard(Time(1_001_000_000), Duration::from_secs(11));
        assert_eq!(clock.leapt(), None);
        clock.heard(Time(1_010_000_000), Duration::from_secs(12));
        assert_eq!(clock.leapt(), Some(8_000_000));
        clock.heard(Time(1_011_000_000), Duration::from_secs(13));
        assert_eq!(clock.leapt(), None);
        assert_eq!(clock.database_now(Duration::from_secs(15)), Time(1_013_000_000));
    }
}
