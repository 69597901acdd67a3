//! How business time runs against the database's clock.

use proto::{Time, directory::v1::TimeMoved};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeMode {
    /// The database's clock.
    Real,
    /// Business seconds per real second, in thousandths, from an origin.
    Accelerated { factor_milli: u64 },
    /// Stands still between moves.
    Manual,
}

/// The law in force: business time as a function of the database's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLaw {
    pub mode: TimeMode,
    /// Business time when the law came into force.
    pub business: Time,
    /// The database's clock then.
    pub database: Time,
}

impl Default for TimeLaw {
    fn default() -> Self {
        TimeLaw { mode: TimeMode::Real, business: Time(0), database: Time(0) }
    }
}

impl TimeLaw {
    /// `None` for a mode this program does not know.
    pub fn of(moved: &TimeMoved) -> Option<TimeLaw> {
        let mode = match moved.mode.as_str() {
            "real" => TimeMode::Real,
            "accelerated" => TimeMode::Accelerated { factor_milli: moved.factor_milli },
            "manual" => TimeMode::Manual,
            _ => return None,
        };
        Some(TimeLaw { mode, business: Time(moved.business_at), database: Time(moved.database_at) })
    }

    /// Business time at a moment of the database's clock.
    pub fn business(&self, database: Time) -> Time {
        match self.mode {
            TimeMode::Real => database,
            TimeMode::Manual => self.business,
            TimeMode::Accelerated { factor_milli } => {
                let real = i128::from(database.0 - self.database.0);
                let moved = real * i128::from(factor_milli) / 1000;
                self.business.plus(moved.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
            }
        }
    }

    /// Real microseconds until business time reaches `at`; `None` if it never
    /// does by itself (manual time).
    pub fn real_until(&self, at: Time, database: Time) -> Option<i64> {
        let left = i128::from(at.0) - i128::from(self.business(database).0);
        if left <= 0 {
            return Some(0);
        }
        match self.mode {
            TimeMode::Real => Some(left as i64),
            TimeMode::Manual | TimeMode::Accelerated { factor_milli: 0 } => None,
            TimeMode::Accelerated { factor_milli } => {
                Some((left * 1000).div_ceil_i128(i128::from(factor_milli)) as i64)
            }
        }
    }
}

trait DivCeil {
    fn div_ceil_i128(self, by: i128) -> i128;
}

impl DivCeil for i128 {
    fn div_ceil_i128(self, by: i128) -> i128 {
        (self + by - 1) / by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accelerated_time_runs_from_its_origin() {
        let law = TimeLaw {
            mode: TimeMode::Accelerated { factor_milli: 600_000 },
            business: Time(1_000_000_000),
            database: Time(5_000_000),
        };
        assert_eq!(law.business(Time(5_000_000)), Time(1_000_000_000));
        assert_eq!(law.business(Time(6_000_000)), Time(1_600_000_000));
        assert_eq!(law.real_until(Time(1_600_000_000), Time(5_000_000)), Some(1_000_000));
        assert_eq!(law.real_until(Time(1_600_000_001), Time(5_000_000)), Some(1_000_001));
        assert_eq!(law.real_until(Time(0), Time(5_000_000)), Some(0));
    }

    #[test]
    fn manual_time_stands_still() {
        let law = TimeLaw { mode: TimeMode::Manual, business: Time(7), database: Time(0) };
        assert_eq!(law.business(Time(i64::MAX)), Time(7));
        assert_eq!(law.real_until(Time(8), Time(0)), None);
    }
}
