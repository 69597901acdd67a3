//! Business time as the demo reckons it, and how it is moved: by day at the demo's speed, by night faster.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};
use proto::{Time, directory::v1::MoveTimeRequest};
use tokio::time::Instant;

use crate::client::{Connection, explain, request_id};

/// The sample organisation's zone keeps this offset all year.
const OFFSET: i64 = 8 * Time::HOUR;
const DAY: i64 = 24 * Time::HOUR;
/// Nobody at a branch or at the call centre's outgoing desk works before or after.
pub const MORNING: i64 = 8 * Time::HOUR;
pub const EVENING: i64 = 21 * Time::HOUR;
const NIGHT_FACTOR: f64 = 8.0;
const IDLE_FACTOR: f64 = 16.0;
/// So long nothing comes up at least when nobody knows of anything; so long before the next deed all is as by day.
const IDLE_FOR: i64 = Time::HOUR;
const IDLE_MARGIN: i64 = 30 * Time::MINUTE;
/// How often the pace is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// So many overdue deeds are too many.
const MANY: usize = 24;
/// The strongest brake.
const SLOWEST: f64 = 1.0 / 32.0;

/// What there is to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// How many should have acted by now.
    pub overdue: usize,
    /// When somebody acts next; `None`: nobody knows of anything to do.
    pub next: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Law {
    from: Time,
    since: Instant,
    factor: f64,
}

/// Business time, within what a message to the directory takes.
#[derive(Clone)]
pub struct Clock {
    law: Arc<Mutex<Law>>,
    pub speed: f64,
}

impl Clock {
    /// Moves business time to the beginning of the day that is played.
    pub async fn start(connection: &Connection, from: Time, speed: f64) -> anyhow::Result<Clock> {
        // Slowly at first: connections, plans and caches are cold.
        let factor = speed * SLOWEST;
        move_time(connection, from, factor).await?;
        let law = Law { from, since: Instant::now(), factor };
        Ok(Clock { law: Arc::new(Mutex::new(law)), speed })
    }

    fn law(&self) -> Law {
        *self.law.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Time {
        let law = self.law();
        law.from.plus((law.since.elapsed().as_micros() as f64 * law.factor) as i64)
    }

    /// Until a business moment, however time is moved meanwhile.
    pub async fn until(&self, at: Time) {
        loop {
            let law = self.law();
            let left = at.0 - self.now().0;
            if left <= 0 {
                return;
            }
            let real = Duration::from_micros((left as f64 / law.factor) as u64 + 500);
            tokio::time::sleep(real.min(Duration::from_millis(250))).await;
        }
    }

    async fn run_at(&self, connection: &Connection, factor: f64) -> anyhow::Result<()> {
        move_time(connection, Time::UNSET, factor).await?;
        let from = self.now();
        *self.law.lock().unwrap_or_else(PoisonError::into_inner) =
            Law { from, since: Instant::now(), factor };
        Ok(())
    }

    /// For ever: nights, and hours in which nobody has anything to do, pass faster; everything slower while the machine
    /// does not keep up.
    pub async fn keep_pace(&self, connection: &Connection, work: impl Fn() -> Work) -> anyhow::Result<()> {
        let mut brake = SLOWEST;
        loop {
            let work = work();
            brake = braked(brake, work.overdue);
            let now = self.now();
            let idle_until = if work.overdue > 0 { Some(now) } else { work.next };
            let (haste, until) = haste(now, idle_until);
            let wanted = self.speed * haste * brake;
            if wanted != self.law().factor {
                self.run_at(connection, wanted).await?;
            }
            let real = Duration::from_micros(((until.0 - self.now().0).max(0) as f64 / wanted) as u64 + 500);
            tokio::time::sleep(real.min(LOOK)).await;
        }
    }

    /// As on any wall, from here on.
    pub async fn slow_down(&self, connection: &Connection) -> anyhow::Result<()> {
        self.run_at(connection, 1.0).await
    }
}

/// How many times faster than by day, and until when at most. Whoever acts in idle hours must not be run over: time
/// slows down well before.
fn haste(now: Time, next_deed: Option<Time>) -> (f64, Time) {
    let idle = next_deed.map_or(now.plus(IDLE_FOR), |next| next.plus(-IDLE_MARGIN));
    let is_night = !(MORNING..EVENING).contains(&time_of_day(now));
    if idle > now {
        (IDLE_FACTOR, idle)
    } else if is_night {
        (NIGHT_FACTOR, next(now, MORNING))
    } else {
        (1.0, next(now, EVENING))
    }
}

/// A cast that falls behind would miss deadlines that people would have kept.
fn braked(brake: f64, overdue: usize) -> f64 {
    match overdue {
        0..8 => (brake * 2.0).min(1.0),
        8..=MANY => brake,
        _ => (brake / 2.0).max(SLOWEST),
    }
}

async fn move_time(connection: &Connection, at: Time, factor: f64) -> anyhow::Result<()> {
    let request = MoveTimeRequest {
        request_id: request_id(),
        mode: "accelerated".to_owned(),
        business_at: at.0,
        factor_milli: (factor * 1000.0).round() as u64,
    };
    let moved = connection.directory(&connection.system()).move_time(request).await;
    moved.map(|_| ()).map_err(|status| anyhow::anyhow!("business time cannot be moved: {}", explain(&status)))
}

/// The time of day where the branches are.
pub fn time_of_day(at: Time) -> i64 {
    (at.0 + OFFSET).rem_euclid(DAY)
}

/// The next moment with this time of day, after `at`.
pub fn next(at: Time, time_of_day: i64) -> Time {
    let wait = (time_of_day - self::time_of_day(at)).rem_euclid(DAY);
    at.plus(if wait == 0 { DAY } else { wait })
}

/// A moment at which somebody works: as it is, or `jitter` after he comes in.
pub fn in_hours(at: Time, from: i64, to: i64, jitter: i64) -> Time {
    match time_of_day(at) {
        now if now < from || now >= to => next(at, from).plus(jitter),
        _ => at,
    }
}

/// The first Monday, 08:00, that is not over yet.
pub fn next_monday(now: Timestamp) -> Time {
    let zone = TimeZone::fixed(jiff::tz::offset(8));
    let mut morning = Time(now.as_microsecond());
    loop {
        morning = next(morning, MORNING);
        if morning.to_timestamp().to_zoned(zone.clone()).weekday() == Weekday::Monday {
            return morning;
        }
    }
}

/// `Mon 08:00` as the branches read it.
pub fn shown(at: Time) -> String {
    let zone = TimeZone::fixed(jiff::tz::offset(8));
    at.to_timestamp().to_zoned(zone).strftime("%a %m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse::<Timestamp>().unwrap().into()
    }

    #[test]
    fn the_day_begins_on_a_monday_at_eight() {
        let monday = next_monday("2026-03-04T10:00:00Z".parse().unwrap());
        assert_eq!(monday, at("2026-03-09T00:00:00Z"));
        assert_eq!(shown(monday), "Mon 03-09 08:00");
        assert_eq!(next_monday("2026-03-09T00:00:00Z".parse().unwrap()), at("2026-03-16T00:00:00Z"));
    }

    #[test]
    fn who_falls_behind_slows_down_and_recovers() {
        assert_eq!(braked(1.0, 100), 0.5);
        assert_eq!(braked(0.5, 20), 0.5);
        assert_eq!(braked(0.5, 3), 1.0);
        assert_eq!(braked(1.0, 0), 1.0);
        assert_eq!(braked(1.0 / 32.0, 100), 1.0 / 32.0);
    }

    #[test]
    fn idle_hours_pass_faster_up_to_the_next_deed() {
        let noon = at("2026-03-09T04:00:00Z");
        let soon = noon.plus(10 * Time::MINUTE);
        assert_eq!(haste(noon, Some(soon)), (1.0, next(noon, EVENING)));
        assert_eq!(haste(noon, Some(noon.plus(-Time::HOUR))).0, 1.0, "somebody is overdue");
        let evening = noon.plus(5 * Time::HOUR);
        assert_eq!(haste(noon, Some(evening)), (IDLE_FACTOR, evening.plus(-IDLE_MARGIN)));
        assert_eq!(haste(noon, None), (IDLE_FACTOR, noon.plus(IDLE_FOR)));
        let midnight = at("2026-03-09T16:00:00Z");
        assert_eq!(haste(midnight, Some(midnight)).0, NIGHT_FACTOR);
    }

    #[test]
    fn who_is_out_acts_the_next_morning() {
        let late = in_hours(at("2026-03-09T14:00:00Z"), MORNING, EVENING, 5 * Time::MINUTE);
        assert_eq!(late, at("2026-03-10T00:05:00Z"), "22:00 in Shanghai");
        let early = in_hours(at("2026-03-09T22:00:00Z"), MORNING, EVENING, 0);
        assert_eq!(early, at("2026-03-10T00:00:00Z"), "06:00 in Shanghai");
        let noon = at("2026-03-09T04:00:00Z");
        assert_eq!(in_hours(noon, MORNING, EVENING, 99), noon);
    }
}
