//! Deadlines by example: the rules catalogue's heading and readings.

mod branches;

use branches::{at, night_watch, office, shop};
use calendar::{Calendar, Limit, Suspension};

/// The due instant by the branch's wall clock.
fn due(calendar: &Calendar, start: &str, limit: &str) -> String {
    paused(calendar, start, limit, &[])
}

fn paused(calendar: &Calendar, start: &str, limit: &str, pauses: &[(&str, &str)]) -> String {
    let limit = Limit::parse(limit).expect("a limit");
    let pauses: Vec<Suspension> =
        pauses.iter().map(|(from, to)| (at(from), (!to.is_empty()).then(|| at(to))).into()).collect();
    let due = calendar.deadline(at(start), &limit, &pauses).due;
    due.map_or("paused".to_owned(), |due| branches::wall(calendar, due))
}

#[test]
fn hours_and_minutes_run_on_the_wall_clock() {
    assert_eq!(due(&office(), "2026-09-30 17:00", "24h"), "2026-10-01 17:00");
    assert_eq!(due(&office(), "2026-09-30 23:50", "15m"), "2026-10-01 00:05");
}

#[test]
fn the_day_of_the_event_is_not_counted_and_the_last_one_runs_to_closing() {
    // A purchase at 10:00 is returnable at 15:00 on the seventh day.
    assert_eq!(due(&shop(), "2026-06-01 10:00", "7 days"), "2026-06-08 17:30");
    assert_eq!(due(&shop(), "2026-06-01 23:59", "1 day"), "2026-06-02 17:30");
    assert_eq!(due(&shop(), "2026-06-01 10:00", "7 days until midnight"), "2026-06-09 00:00");
}

#[test]
fn a_closed_last_day_moves_to_the_next_open_one() {
    // 3 October lies in the holidays; the 8th is the first working day after them.
    assert_eq!(due(&office(), "2026-09-28 09:00", "5 days"), "2026-10-08 17:30");
    assert_eq!(due(&office(), "2026-09-28 09:00", "5 days until midnight"), "2026-10-09 00:00");
    // Saturday the 10th is a make-up working day, so the limit ends on it.
    assert_eq!(due(&office(), "2026-10-08 09:00", "2 days"), "2026-10-10 17:30");
}

#[test]
fn working_hours_skip_breaks_nights_and_holidays() {
    assert_eq!(due(&office(), "2026-09-29 11:00", "4 working hours"), "2026-09-29 16:00");
    assert_eq!(due(&office(), "2026-09-30 16:30", "4 working hours"), "2026-10-08 11:30");
    // Exactly used up at closing time is due at closing time, not at the next opening.
    assert_eq!(due(&office(), "2026-09-29 13:30", "4 working hours"), "2026-09-29 17:30");
}

#[test]
fn a_working_day_is_a_day_of_that_branch() {
    // Friday to Monday at the office; Saturday at the shop, which is open every day.
    assert_eq!(due(&office(), "2026-06-05 15:00", "1 working day"), "2026-06-08 15:00");
    assert_eq!(due(&shop(), "2026-06-05 15:00", "1 working day"), "2026-06-06 15:00");
    // Outside hours counts from the next opening.
    assert_eq!(due(&office(), "2026-06-05 20:00", "1 working day"), "2026-06-09 08:30");
    assert_eq!(due(&office(), "2026-06-08 12:30", "2 working days"), "2026-06-10 13:00");
    // The make-up Saturday counts, the holidays do not.
    assert_eq!(due(&office(), "2026-10-09 10:00", "1 working day"), "2026-10-10 10:00");
    assert_eq!(due(&office(), "2026-09-30 10:00", "1 working day"), "2026-10-08 10:00");
}

#[test]
fn half_a_working_day_is_half_of_its_open_time() {
    assert_eq!(due(&office(), "2026-06-08 09:00", "half a working day"), "2026-06-08 14:00");
    assert_eq!(due(&office(), "2026-06-08 15:00", "half a working day"), "2026-06-09 10:00");
    assert_eq!(due(&office(), "2026-06-05 15:00", "1.5 working days"), "2026-06-09 10:00");
}

#[test]
fn a_shorter_last_day_ends_the_limit_at_its_closing() {
    let short = branches::with(&["override 2026-06-09 09:00-11:00"]);
    assert_eq!(due(&short, "2026-06-08 15:00", "1 working day"), "2026-06-09 11:00");
    assert_eq!(due(&short, "2026-06-08 08:40", "1 working day"), "2026-06-09 09:00");
    assert_eq!(due(&short, "2026-06-08 10:00", "1 working day"), "2026-06-09 10:00");
}

#[test]
fn end_of_shift_is_that_of_the_running_shift_else_of_the_next() {
    assert_eq!(due(&office(), "2026-06-08 09:00", "end of shift"), "2026-06-08 17:30");
    // The lunch break belongs to the day around it.
    assert_eq!(due(&office(), "2026-06-08 12:30", "end of shift"), "2026-06-08 17:30");
    // A night case is not late when it is born.
    assert_eq!(due(&office(), "2026-06-08 17:30", "end of shift"), "2026-06-09 17:30");
    assert_eq!(due(&office(), "2026-06-06 10:00", "end of shift"), "2026-06-08 17:30");
    // Shifts that relieve each other end one by one.
    assert_eq!(due(&night_watch(), "2026-06-08 09:00", "end of shift"), "2026-06-08 14:00");
    assert_eq!(due(&night_watch(), "2026-06-09 03:00", "end of shift"), "2026-06-09 06:00");
}

#[test]
fn end_of_the_next_working_day_is_after_today() {
    assert_eq!(due(&office(), "2026-06-04 09:00", "end of next working day"), "2026-06-05 17:30");
    assert_eq!(due(&office(), "2026-06-05 20:00", "end of next working day"), "2026-06-08 17:30");
    assert_eq!(due(&office(), "2026-06-06 10:00", "end of next working day"), "2026-06-08 17:30");
    // At 03:00 the night watch still belongs to the day on which it came on.
    assert_eq!(due(&night_watch(), "2026-06-09 03:00", "end of next working day"), "2026-06-10 06:00");
}

#[test]
fn weekday_and_month_cut_offs_move_off_closed_days() {
    assert_eq!(due(&office(), "2026-06-08 09:59", "next monday 10:00"), "2026-06-08 10:00");
    assert_eq!(due(&office(), "2026-06-08 10:00", "next monday 10:00"), "2026-06-15 10:00");
    assert_eq!(due(&office(), "2026-09-30 10:00", "next monday 10:00"), "2026-10-08 10:00");
    assert_eq!(due(&office(), "2026-05-20 10:00", "day 5 of next month"), "2026-06-05 17:30");
    assert_eq!(due(&office(), "2026-09-20 10:00", "day 5 of next month 10:00"), "2026-10-08 10:00");
    assert_eq!(due(&office(), "2027-01-31 10:00", "day 31 of next month"), "2027-03-01 17:30");
    assert_eq!(due(&shop(), "2028-01-31 10:00", "day 31 of next month"), "2028-02-29 17:30");
    assert_eq!(due(&shop(), "2026-12-15 10:00", "day 1 of next month"), "2027-01-01 17:30");
}

#[test]
fn the_end_of_the_day_and_of_the_month_are_midnight() {
    assert_eq!(due(&office(), "2026-06-06 23:00", "end of day"), "2026-06-07 00:00");
    assert_eq!(due(&office(), "2026-06-30 23:00", "end of month"), "2026-07-01 00:00");
}

#[test]
fn a_lead_is_counted_back_from_its_fact() {
    assert_eq!(due(&office(), "2026-06-08 09:00", "5m before appointment"), "2026-06-08 08:55");
    assert_eq!(due(&office(), "2026-06-08 09:00", "1 day before appointment"), "2026-06-05 17:30");
    assert_eq!(due(&office(), "2026-06-08 09:00", "1 working hour before appointment"), "2026-06-05 17:00");
    assert_eq!(due(&office(), "2026-06-08 09:00", "1 working day before appointment"), "2026-06-05 09:00");
    assert_eq!(
        due(&office(), "2026-06-08 07:00", "half a working day before appointment"),
        "2026-06-05 13:30"
    );
}

#[test]
fn a_pause_moves_a_wall_limit_by_its_length() {
    let pauses = [("2026-06-08 10:00", "2026-06-08 22:00")];
    assert_eq!(paused(&office(), "2026-06-08 09:00", "24h", &pauses), "2026-06-09 21:00");
}

#[test]
fn a_pause_moves_working_limits_by_its_open_time() {
    let pauses = [("2026-06-08 11:00", "2026-06-08 14:00")];
    assert_eq!(paused(&office(), "2026-06-08 09:00", "4 working hours", &pauses), "2026-06-08 16:00");
    assert_eq!(paused(&office(), "2026-06-08 09:00", "1 working day", &pauses), "2026-06-09 11:00");
    let night = [("2026-06-08 18:00", "2026-06-09 08:00")];
    assert_eq!(paused(&office(), "2026-06-08 17:00", "4 working hours", &night), "2026-06-09 12:00");
    // Resumed after closing: not due at the closing time that has passed.
    let evening = [("2026-06-05 20:00", "2026-06-08 20:00")];
    assert_eq!(paused(&office(), "2026-06-05 08:30", "1 working day", &evening), "2026-06-09 08:30");
}

#[test]
fn a_pause_moves_calendar_days_by_its_midnights() {
    assert_eq!(
        paused(&shop(), "2026-06-01 10:00", "7 days", &[("2026-06-03 09:00", "2026-06-03 17:00")]),
        "2026-06-08 17:30"
    );
    assert_eq!(
        paused(&shop(), "2026-06-01 10:00", "7 days", &[("2026-06-03 17:00", "2026-06-05 09:00")]),
        "2026-06-10 17:30"
    );
    // Resumed on the last day after closing: the next day counts.
    assert_eq!(
        paused(&shop(), "2026-06-01 10:00", "1 day", &[("2026-06-02 09:00", "2026-06-02 20:00")]),
        "2026-06-03 17:30"
    );
}

#[test]
fn a_cut_off_is_taken_anew_on_resuming() {
    let pauses = [("2026-06-08 10:00", "2026-06-08 14:00")];
    assert_eq!(paused(&office(), "2026-06-08 09:00", "end of shift", &pauses), "2026-06-08 17:30");
    let pauses = [("2026-06-08 10:00", "2026-06-10 19:00")];
    assert_eq!(paused(&office(), "2026-06-08 09:00", "end of shift", &pauses), "2026-06-11 17:30");
    assert_eq!(
        paused(
            &office(),
            "2026-06-08 09:00",
            "next monday 10:00",
            &[("2026-06-08 09:30", "2026-06-09 09:00")]
        ),
        "2026-06-15 10:00"
    );
}

#[test]
fn an_open_suspension_leaves_no_due_instant_but_tells_what_is_left() {
    let since: Suspension = (at("2026-06-08 11:00"), None).into();
    let working = Limit::parse("4 working hours").expect("a limit");
    let deadline = office().deadline(at("2026-06-08 09:00"), &working, &[since]);
    assert_eq!(deadline.due, None);
    assert_eq!(deadline.paused_since, Some(since.from));
    assert_eq!(deadline.budget_left.map(|left| left.as_mins()), Some(120));
    let shift = office().deadline(at("2026-06-08 09:00"), &Limit::EndOfShift, &[since]);
    assert_eq!((shift.due, shift.budget_left), (None, None));
}

#[test]
fn a_suspension_after_the_deadline_or_before_the_start_changes_nothing() {
    let late = [("2026-06-08 13:00", "2026-06-09 13:00"), ("2026-06-10 09:00", "")];
    assert_eq!(paused(&office(), "2026-06-08 09:00", "4h", &late), "2026-06-08 13:00");
    assert_eq!(
        paused(&office(), "2026-06-08 09:00", "4h", &[("2026-06-07 09:00", "2026-06-08 09:00")]),
        "2026-06-08 13:00"
    );
    assert_eq!(
        paused(&office(), "2026-06-08 09:00", "4h", &[("2026-06-07 09:00", "2026-06-08 10:00")]),
        "2026-06-08 14:00"
    );
}

#[test]
fn a_warning_stands_at_its_share_of_what_the_limit_counts() {
    let share = |limit: &str, percent: u8, pauses: &[Suspension]| {
        let limit = Limit::parse(limit).expect("a limit");
        let due = office().share(at("2026-06-08 16:30"), &limit, percent, pauses).due;
        branches::wall(&office(), due.expect("running"))
    };
    assert_eq!(share("24h", 50, &[]), "2026-06-09 04:30");
    assert_eq!(share("4 working hours", 50, &[]), "2026-06-09 09:30");
    assert_eq!(share("1 working day", 75, &[]), "2026-06-09 14:30");
    assert_eq!(share("4 working hours", 100, &[]), "2026-06-09 11:30");
    let pause: Suspension = (at("2026-06-09 09:00"), Some(at("2026-06-09 10:00"))).into();
    assert_eq!(share("4 working hours", 50, &[pause]), "2026-06-09 10:30");
    assert_eq!(share("4 working hours", 10, &[pause]), "2026-06-08 16:54");
    assert_eq!(share("end of shift", 50, &[]), "2026-06-08 17:00");
    let pause: Suspension = (at("2026-06-08 16:40"), Some(at("2026-06-09 09:30"))).into();
    assert_eq!(share("end of shift", 50, &[pause]), "2026-06-09 13:30");
}

#[test]
fn answers_beyond_the_published_holidays_are_provisional() {
    let provisional = |calendar: &Calendar, start: &str, limit: &str| {
        calendar.deadline(at(start), &Limit::parse(limit).expect("a limit"), &[]).provisional
    };
    assert!(!provisional(&office(), "2026-12-01 10:00", "10 working days"));
    assert!(provisional(&office(), "2026-12-28 10:00", "10 working days"));
    assert!(!provisional(&office(), "2026-12-31 10:00", "24h"), "the wall clock knows no holidays");
    assert!(!provisional(&night_watch(), "2027-12-28 10:00", "10 working days"), "keeps none");
}

#[test]
fn a_skipped_hour_is_not_worked_and_a_repeated_one_is() {
    let hours = |zone: &str, from: &str, to: &str| {
        let text = format!("{{id: night, version: 1, zone: {zone}, week: {{daily: ['22:00-06:00']}}}}");
        let night = branches::compile(&text);
        night.working_between(branches::at_in(zone, from), branches::at_in(zone, to)).as_hours()
    };
    assert_eq!(hours("Europe/Berlin", "2026-03-28 12:00", "2026-03-29 12:00"), 7);
    assert_eq!(hours("Europe/Berlin", "2026-10-24 12:00", "2026-10-25 12:00"), 9);
    assert_eq!(hours("America/New_York", "2026-03-07 12:00", "2026-03-08 12:00"), 7);
    assert_eq!(hours("America/New_York", "2026-10-31 12:00", "2026-11-01 12:00"), 9);
    assert_eq!(hours("Asia/Shanghai", "2026-03-28 12:00", "2026-03-29 12:00"), 8);
}

#[test]
fn a_shift_that_opens_in_a_skipped_hour_opens_at_the_jump_and_never_twice() {
    let early = "{id: early, version: 1, zone: Europe/Berlin, week: {daily: ['02:30-05:00']}}";
    let early = branches::compile(early);
    let jump = early.next_open(branches::at_in("Europe/Berlin", "2026-03-29 00:00"));
    assert_eq!(branches::wall(&early, jump), "2026-03-29 03:00");
    // 02:30 comes twice: opened at the first one, 3 h 30 m until 05:00.
    let night = branches::at_in("Europe/Berlin", "2026-10-25 00:00");
    let open = early.working_between(night, branches::at_in("Europe/Berlin", "2026-10-25 12:00"));
    assert_eq!(open.as_mins(), 210);
}

#[test]
fn a_day_under_a_night_shift_that_reaches_across_it_is_not_the_next_one() {
    let text = "{id: odd, version: 1, zone: Asia/Shanghai, week: {saturday: ['22:00-06:00'], sunday: ['00:00-00:01']}}";
    // Sunday 02:00 belongs to Saturday's shift, and Sunday's own minute is over by then.
    assert_eq!(due(&branches::compile(text), "2026-06-07 02:00", "1 working day"), "2026-06-14 02:00");
}
