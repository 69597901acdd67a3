//! Business time is moved.

mod desk;

use chassis_core::rehearsal::Rehearsal;
use desk::*;
use directory_core::{Command, MoveTime};
use organisation::{Snapshot, TimeMode};
use proto::Time;

fn hours(at: Time, count: i64) -> Time {
    at.plus(count * Time::HOUR)
}

#[test]
fn time_stands_where_it_was_put() {
    let mut desk = Desk::sample();
    desk.ask(&time("manual", Some(hours(NOW, 5)), 0, NOW)).unwrap();
    assert_eq!(desk.snapshot.law().business(hours(NOW, 1)), hours(NOW, 5));
    desk.ask(&time("manual", Some(hours(NOW, 5)), 0, hours(NOW, 1)))
        .expect("standing still is not going back");
    desk.ask(&time("manual", Some(hours(NOW, 6)), 0, hours(NOW, 1))).unwrap();
}

#[test]
fn time_never_runs_backwards() {
    let mut desk = Desk::sample();
    desk.ask(&time("manual", Some(hours(NOW, 5)), 0, NOW)).unwrap();
    for command in [
        time("manual", Some(hours(NOW, 4)), 0, hours(NOW, 1)),
        time("accelerated", Some(hours(NOW, 4)), 2000, hours(NOW, 1)),
        // The database's clock is still behind what people have seen.
        time("real", None, 0, hours(NOW, 1)),
    ] {
        let before = desk.seq();
        assert_eq!(desk.ask(&command).unwrap_err().gate, "backwards");
        assert_eq!(desk.seq(), before);
    }
    desk.ask(&time("real", None, 0, hours(NOW, 6))).expect("real time has caught up");
    assert_eq!(desk.snapshot.law().mode, TimeMode::Real);
}

#[test]
fn what_begins_in_the_past_goes_on_from_there() {
    let founded = hours(NOW, -2_000);
    let mut desk = Desk { core: Rehearsal::new(Snapshot::default(), founded), ..Desk::empty() };
    let before = time("manual", Some(founded.plus(-1)), 0, NOW);
    assert_eq!(desk.ask(&before).unwrap_err().gate, "backwards", "not before it began");
    desk.ask(&time("manual", Some(founded), 0, NOW)).unwrap();
    assert_eq!(desk.snapshot.law().business(hours(NOW, 1)), founded);
    desk.ask(&time("manual", Some(hours(founded, 1)), 0, NOW)).unwrap();
    assert_eq!(desk.ask(&time("manual", Some(founded), 0, NOW)).unwrap_err().gate, "backwards");
}

#[test]
fn accelerated_time_goes_on_from_where_it_stands() {
    let mut desk = Desk::sample();
    desk.ask(&time("accelerated", None, 600_000, NOW)).unwrap();
    assert_eq!(desk.snapshot.law().business(NOW.plus(Time::SECOND)), NOW.plus(600 * Time::SECOND));
    desk.ask(&time("accelerated", None, 1000, NOW.plus(Time::SECOND))).unwrap();
    assert_eq!(desk.snapshot.law().business(NOW.plus(2 * Time::SECOND)), NOW.plus(601 * Time::SECOND));
}

#[test]
fn production_time_is_not_moved() {
    let mut desk = Desk::sample();
    let wanted = MoveTime {
        mode: "manual".into(),
        business_at: Some(hours(NOW, 1)),
        factor_milli: 0,
        database_at: NOW,
        production: true,
    };
    assert_eq!(desk.ask(&Command::MoveTime(wanted)).unwrap_err().gate, "production");
}

#[test]
fn an_unknown_mode_or_a_factor_of_zero_is_refused() {
    let mut desk = Desk::sample();
    assert_eq!(desk.ask(&time("warp", None, 1, NOW)).unwrap_err().violations[0].field, "mode");
    assert_eq!(desk.ask(&time("accelerated", None, 0, NOW)).unwrap_err().violations[0].field, "factor_milli");
}
