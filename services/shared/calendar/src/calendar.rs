//! The compiled calendar and its arithmetic on instants.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::compile::{Rules, resolve};
use crate::error::CalendarError;
use crate::interval::Interval;
use crate::source::CalendarSource;
use crate::year::{DAY, Year, day_of, year_of_day};

/// The first year with an answer.
pub const FIRST_YEAR: i16 = 1970;
/// The last year with an answer. Instants outside the horizon are treated as its nearest end.
pub const LAST_YEAR: i16 = 2199;

/// A calendar ready for questions. Cloning shares it.
#[derive(Clone)]
pub struct Calendar(Arc<Inner>);

struct Inner {
    version: CalendarVersion,
    rules: Rules,
    years: Vec<OnceLock<Box<Year>>>,
}

/// Which calendar, at which version, inheriting from which: what a decision records.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CalendarVersion {
    /// The calendar itself first, its root last.
    pub lineage: Vec<(String, u32)>,
}

impl Calendar {
    /// Resolves the source against its ancestors, which are looked up in `parents` by id.
    ///
    /// # Errors
    /// All problems of the source and of the ancestors that it uses.
    pub fn compile(source: &CalendarSource, parents: &[CalendarSource]) -> Result<Self, Vec<CalendarError>> {
        let (version, rules) = resolve(source, parents)?;
        let years = (FIRST_YEAR..=LAST_YEAR).map(|_| OnceLock::new()).collect();
        Ok(Self(Arc::new(Inner { version, rules, years })))
    }

    /// The id of the source it was compiled from.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.version.lineage[0].0
    }

    #[must_use]
    pub fn version(&self) -> &CalendarVersion {
        &self.0.version
    }

    /// The IANA name of the zone whose wall clock counts.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.rules().zone.iana_name().unwrap_or("UTC")
    }

    /// Whether the statutory holidays of that year are still to be published. Calendars that
    /// inherit no statutory years have nothing to wait for.
    #[must_use]
    pub fn is_provisional(&self, year: i16) -> bool {
        self.rules().statutory.is_some_and(|known| !(known.from..=known.to).contains(&year))
    }

    /// Open at that instant; the opening instant is open, the closing one is not.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.open(self.micros(at))
    }

    /// The first open instant at or after `at`.
    #[must_use]
    pub fn next_open(&self, at: Timestamp) -> Timestamp {
        instant(self.opening(self.micros(at)))
    }

    /// The last instant at or before `at` until which it was open: `at` itself when open, else the
    /// closing time before it.
    #[must_use]
    pub fn last_open(&self, at: Timestamp) -> Timestamp {
        instant(self.last_close(self.micros(at)))
    }

    /// The shifts that begin on that date, in order; empty when it is closed.
    #[must_use]
    pub fn hours(&self, date: Date) -> &[Interval] {
        self.rules().hours(day_of(date))
    }

    /// The earliest instant by which `open` working time has passed since `from`. Lands on a
    /// closing time rather than on the next opening; zero gives `from`. Negative goes backward,
    /// as [`Calendar::sub_working`].
    #[must_use]
    pub fn add_working(&self, from: Timestamp, open: SignedDuration) -> Timestamp {
        instant(self.add(self.micros(from), micros(open)))
    }

    /// The latest instant from which `open` working time passes until `to`: lands on an opening
    /// time rather than on the closing before it.
    #[must_use]
    pub fn sub_working(&self, to: Timestamp, open: SignedDuration) -> Timestamp {
        instant(self.add(self.micros(to), micros(-open)))
    }

    /// Working time from `a` to `b`; negative when `b` lies before `a`.
    #[must_use]
    pub fn working_between(&self, a: Timestamp, b: Timestamp) -> SignedDuration {
        SignedDuration::from_micros(self.between(self.micros(a), self.micros(b)))
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.0.rules
    }

    pub(crate) fn year(&self, year: i16) -> &Year {
        let at = usize::try_from(year.clamp(FIRST_YEAR, LAST_YEAR) - FIRST_YEAR).expect("clamped");
        self.0.years[at].get_or_init(|| Box::new(Year::build(self.rules(), FIRST_YEAR + at as i16)))
    }

    /// The year in which an instant of the horizon lies, by the wall clock.
    pub(crate) fn year_number(&self, at: i64) -> i16 {
        let guess = year_of_day(at.div_euclid(DAY)).clamp(FIRST_YEAR, LAST_YEAR);
        match self.year(guess) {
            year if at < year.start => (guess - 1).max(FIRST_YEAR),
            year if at >= year.end => (guess + 1).min(LAST_YEAR),
            _ => guess,
        }
    }

    pub(crate) fn year_at(&self, at: i64) -> &Year {
        self.year(self.year_number(at))
    }

    /// Microseconds, brought into the horizon.
    pub(crate) fn micros(&self, at: Timestamp) -> i64 {
        let at = at.as_microsecond();
        // Decades inside the horizon need not unroll its first and last year.
        if (0..200 * 365 * DAY).contains(&at) && at > DAY {
            return at;
        }
        at.clamp(self.year(FIRST_YEAR).start, self.year(LAST_YEAR).end)
    }

    pub(crate) fn open(&self, at: i64) -> bool {
        self.year_at(at).is_open(at)
    }

    pub(crate) fn opening(&self, at: i64) -> i64 {
        let from = self.year_number(at);
        let found = (from..=LAST_YEAR).find_map(|year| self.year(year).next_open(at));
        found.unwrap_or_else(|| self.year(LAST_YEAR).end)
    }

    pub(crate) fn last_close(&self, at: i64) -> i64 {
        let from = self.year_number(at);
        let found = (FIRST_YEAR..=from).rev().find_map(|year| self.year(year).last_close(at));
        found.unwrap_or_else(|| self.year(FIRST_YEAR).start)
    }

    pub(crate) fn add(&self, from: i64, open: i64) -> i64 {
        match open {
            0 => from,
            open if open > 0 => self.forward(from, open),
            open => self.backward(from, open),
        }
    }

    fn forward(&self, from: i64, open: i64) -> i64 {
        let mut number = self.year_number(from);
        let mut needed = self.year(number).open_before(from) + open;
        while needed > self.year(number).total() {
            if number == LAST_YEAR {
                return self.year(LAST_YEAR).end;
            }
            needed -= self.year(number).total();
            number += 1;
        }
        self.year(number).earliest(needed)
    }

    fn backward(&self, to: i64, open: i64) -> i64 {
        let mut number = self.year_number(to);
        let mut left = self.year(number).open_before(to) + open;
        while left < 0 {
            if number == FIRST_YEAR {
                return self.year(FIRST_YEAR).start;
            }
            number -= 1;
            left += self.year(number).total();
        }
        self.year(number).latest(left)
    }

    pub(crate) fn between(&self, a: i64, b: i64) -> i64 {
        if b < a {
            return -self.between(b, a);
        }
        let (first, last) = (self.year_number(a), self.year_number(b));
        let years: i64 = (first..last).map(|year| self.year(year).total()).sum();
        years + self.year(last).open_before(b) - self.year(first).open_before(a)
    }
}

/// Back from microseconds of the horizon.
pub(crate) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("the horizon lies inside jiff's range")
}

/// Whole microseconds; a duration beyond their range is beyond the horizon as well.
fn micros(duration: SignedDuration) -> i64 {
    let limit = i64::from(LAST_YEAR) * 366 * DAY;
    let micros = duration.as_micros().clamp(-i128::from(limit), i128::from(limit));
    i64::try_from(micros).expect("clamped")
}

impl fmt::Display for CalendarVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (id, version)) in self.lineage.iter().enumerate() {
            write!(f, "{}{id}@{version}", if n == 0 { "" } else { "+" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calendar").field("version", &self.0.version).finish_non_exhaustive()
    }
}
