//! What a calendar file may say, what is refused, and how inheritance works.

mod branches;

use branches::{CALL_CENTRE, CHINA, SHOP, at, compile, read, wall};
use calendar::{Calendar, CalendarError, CalendarSource, import_holidays};
use jiff::SignedDuration;

fn problems(text: &str) -> Vec<String> {
    let problems = CalendarSource::from_yaml(text).expect_err("unreadable");
    problems.iter().map(ToString::to_string).collect()
}

fn refused(text: &str, parents: &[&str]) -> Vec<String> {
    let parents: Vec<CalendarSource> = parents.iter().map(|text| read(text)).collect();
    let errors = Calendar::compile(&read(text), &parents).expect_err("refused");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn every_problem_of_a_file_is_reported_with_its_line() {
    let text = "\
id: branch
zone: 8
week:
  monday: [\"08:30-12:00\", \"13:00\"]
  someday: []
  friday: 08:30-12:00
overrides:
  - {date: 2026-02-30, closed: true}
  - {date: 2026-03-01}
  - {date: 2026-03-02, closed: true, as: monday}
  - {date: 2026-03-03, hours: []}
  - {date: 2026-03-04, close: true}
colour: red
";
    let found = problems(text);
    let lines: Vec<&str> = found.iter().filter_map(|problem| problem.split(',').next()).collect();
    let expected = [
        "line 2", "line 4", "line 5", "line 6", "line 8", "line 9", "line 10", "line 11", "line 12",
        "line 13", "line 1",
    ];
    assert_eq!(lines, expected, "{found:#?}");
    assert!(
        found[1].contains("column 27") && found[1].contains("`13:00` is not an interval"),
        "{}",
        found[1]
    );
    assert!(found[5].contains("exactly one of"), "{}", found[5]);
    assert!(found[8].contains("unknown field `close`"), "{}", found[8]);
    assert!(found[9].contains("unknown key `colour`"), "{}", found[9]);
    assert!(found[10].contains("`version` is missing"), "{}", found[10]);
}

#[test]
fn broken_yaml_is_a_problem_and_not_a_panic() {
    for text in [
        "",
        "week: [",
        "a: 1\n---\nb: 2\n",
        "- 1",
        "id: x\nid: y\n",
        "? [a]\n: b\n",
        "version: 1.5",
        "id: !x 3",
    ] {
        assert!(!problems(text).is_empty(), "{text:?}");
    }
    assert!(problems("id: x\nid: y\n")[0].starts_with("line 2"));
}

#[test]
fn what_nests_too_deep_or_repeats_itself_is_refused_before_it_is_read() {
    for text in
        ["- ".repeat(100_000), format!("id: {}", "- ".repeat(100)), "id: &a [1]\nname: *a\n".to_owned()]
    {
        assert_eq!(problems(&text).len(), 1);
    }
}

#[test]
fn overrides_that_overlap_are_refused_in_no_time() {
    let whole = "  - {date: 1970-01-01, until: 2199-12-31, closed: true, name: 春节}\n".repeat(3_000);
    let observed: Vec<String> = (0..3_000).map(|n| format!("h{n}")).collect();
    let text = format!(
        "id: x\nversion: 1\nextends: china\nobserves: [{}]\noverrides:\n{whole}",
        observed.join(", ")
    );
    let began = std::time::Instant::now();
    assert!(refused(&text, &[CHINA])[0].contains("two overrides"));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn what_is_written_reads_back_the_same() {
    for text in [CHINA, SHOP, CALL_CENTRE] {
        let source = read(text);
        assert_eq!(read(&source.to_yaml()), source);
        let json = serde_json::to_value(&source).expect("serialises");
        assert_eq!(serde_json::from_value::<CalendarSource>(json).expect("reads back"), source);
    }
    let odd = read(
        "{id: \"no\", version: 3, zone: UTC, name: {zh: '甲: 乙', en: \"a \\\"b\\\" #c\"}, week: {daily: ['22:00-06:00']}}",
    );
    assert_eq!(read(&odd.to_yaml()), odd);
}

#[test]
fn times_of_day_are_checked() {
    for (hours, message) in [
        ("25:00-26:00", "not a time of day"),
        ("08:60-09:00", "not a time of day"),
        ("24:00-08:00", "not a time of day"),
        ("08:00-24:01", "not a time of day"),
        ("+8:00-09:00", "not a time of day"),
        ("08:00-08:00", "begins and ends at the same time"),
        ("08:00", "not an interval"),
    ] {
        let found = problems(&format!("id: x\nversion: 1\nweek: {{daily: [\"{hours}\"]}}"));
        assert!(found[0].contains(message), "{hours}: {found:?}");
    }
}

#[test]
fn every_problem_of_a_calendar_is_reported_at_once() {
    let text = "\
id: branch
version: 1
zone: Mars/Olympus
statutory: {from: 2026, to: 2007}
observes: [春节]
week: {monday: ['08:00-12:00', '11:00-13:00']}
overrides:
  - {date: 2026-01-01, until: 2026-01-03, closed: true}
  - {date: 2026-01-02, as: monday}
  - {date: 2026-02-02, until: 2026-02-01, closed: true}
  - {date: 1850-01-01, closed: true}
";
    let found = refused(text, &[]);
    for expected in [
        "Mars/Olympus is not an IANA time zone",
        "statutory years run from 2026 to 2007",
        "`observes` has nothing to choose from",
        "monday: 08:00-12:00 and 11:00-13:00 overlap",
        "2026-01-02 has two overrides",
        "the override of 2026-02-02 ends before it begins",
        "1850-01-01 lies outside the years",
    ] {
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected}: {found:#?}");
    }
    assert_eq!(found.len(), 7, "{found:#?}");
}

#[test]
fn unknown_and_circular_parents_are_refused() {
    let a = "{id: a, version: 1, extends: b}";
    let b = "{id: b, version: 1, extends: a, zone: UTC, week: {daily: ['08:00-12:00']}}";
    assert_eq!(refused(a, &[]), ["calendar a extends b, which is not there"]);
    assert_eq!(refused(a, &[b]), ["calendar a extends itself, by way of b"]);
    assert_eq!(refused("{id: a, version: 1, extends: a}", &[]), ["calendar a extends itself, by way of a"]);
    let own = "{id: c, version: 1, extends: china, observes: [春节, 光棍节]}";
    assert_eq!(
        refused(own, &[CHINA]),
        ["calendar c observes 光棍节, but no override of its parents has that name"]
    );
    assert!(refused("{id: d, version: 1, week: {daily: ['08:00-12:00']}}", &[])[0].contains("no zone"));
}

#[test]
fn a_calendar_without_working_time_in_a_year_is_refused() {
    let never = "{id: never, version: 1, zone: UTC}";
    let errors = Calendar::compile(&read(never), &[]).expect_err("refused");
    assert!(matches!(errors[..], [CalendarError::EmptyYear { .. }]), "{errors:?}");
    let once = "{id: once, version: 1, zone: UTC, overrides: [{date: 2026-05-01, hours: ['08:00-12:00']}]}";
    assert_eq!(Calendar::compile(&read(once), &[]).expect_err("refused").len(), 1);
    let pause = "{id: pause, version: 1, zone: UTC, week: {daily: ['08:00-12:00']},
        overrides: [{date: 2026-01-01, until: 2027-12-30, closed: true}]}";
    assert_eq!(
        refused(pause, &[]),
        ["calendar pause has no working time at all in 2026; every deadline would wait for ever"]
    );
    assert!(errors[0].zh().contains("没有任何工作时间"));
}

#[test]
fn a_branch_inherits_what_it_does_not_say() {
    let branch = compile(
        "{id: branch, version: 7, extends: dealer-shop, week: {sunday: []}, overrides: [{date: 2026-02-18, hours: ['09:00-11:00']}]}",
    );
    assert_eq!(branch.version().to_string(), "branch@7+dealer-shop@1+china@1");
    assert_eq!((branch.id(), branch.zone()), ("branch", "Asia/Shanghai"));
    assert!(branch.is_open(at("2026-06-06 10:00")), "Saturday, from the shop");
    assert!(!branch.is_open(at("2026-06-07 10:00")), "Sunday, its own");
    assert!(!branch.is_open(at("2026-02-17 10:00")), "Spring Festival, from the group");
    assert!(branch.is_open(at("2026-02-18 10:00")), "opened by itself");
    assert!(branch.is_open(at("2026-02-28 10:00")), "a make-up Saturday");
}

#[test]
fn a_shop_keeps_only_the_holidays_that_it_observes() {
    let shop = branches::shop();
    assert!(shop.is_open(at("2026-10-01 10:00")), "National Day is a day of business");
    assert!(!shop.is_open(at("2026-02-16 10:00")), "Spring Festival is not");
    let both = compile("{id: both, version: 1, extends: china, observes: [国庆节]}");
    assert!(!both.is_open(at("2020-10-01 10:00")), "中秋节 and 国庆节 on one day");
    assert!(!both.is_open(at("2007-10-01 10:00")), "called by its date in the early notices");
    assert!(both.is_open(at("2026-05-01 10:00")));
}

#[test]
fn a_make_up_day_takes_the_hours_of_the_branch() {
    let late = compile("{id: late, version: 1, extends: china, week: {weekdays: ['14:00-22:00']}}");
    assert!(!late.is_open(at("2026-02-28 09:00")) && late.is_open(at("2026-02-28 21:00")));
    assert_eq!(wall(&late, late.next_open(at("2026-02-14 00:00"))), "2026-02-14 14:00");
}

#[test]
fn a_night_shift_belongs_to_the_day_on_which_it_begins() {
    let night = compile(
        "{id: night, version: 1, zone: Asia/Shanghai, week: {daily: ['22:00-06:00']},
        overrides: [{date: 2026-10-01, closed: true}]}",
    );
    assert!(night.is_open(at("2026-10-01 05:59")), "the shift of 30 September");
    assert!(!night.is_open(at("2026-10-01 23:00")) && !night.is_open(at("2026-10-02 05:00")));
    assert!(night.is_open(at("2026-10-02 22:00")));
}

#[test]
fn the_call_centre_never_closes() {
    let centre = compile(CALL_CENTRE);
    let year = SignedDuration::from_hours(365 * 24);
    assert_eq!(centre.working_between(at("2026-01-01 00:00"), at("2027-01-01 00:00")), year);
    assert_eq!(wall(&centre, centre.end_of_shift(at("2026-02-17 09:00"))), "2026-02-17 16:00");
    assert!(!centre.is_provisional(2030));
}

#[test]
fn the_statutory_years_add_up() {
    // The days of the year, less its weekends, less 11 statutory days (13 since 2025): whatever is
    // shifted about must be made up.
    let office = branches::office();
    let eight_hours = 8 * 60;
    for (year, days) in [(2019, 250), (2023, 249), (2024, 251), (2025, 248), (2026, 248)] {
        let (from, to) = (at(&format!("{year}-01-01 00:00")), at(&format!("{}-01-01 00:00", year + 1)));
        assert_eq!(office.working_between(from, to).as_mins(), days * eight_hours, "{year}");
        assert!(!office.is_provisional(year));
    }
    assert!(office.is_provisional(2027) && office.is_provisional(2006));
}

#[test]
fn a_table_of_holidays_is_checked() {
    let import = |rows: &str| import_holidays(rows, 1).map_err(|error| error.to_string());
    let header = "date,name,is_off_day,file_year\n";
    let source = import(&format!(
        "\u{feff}{header}2027-01-01,元旦,1,2027\r\n2027-01-02,元旦,1,2027\r\n2027-01-03,元旦,0,2027\r\n"
    ));
    let source = source.expect("a table");
    assert_eq!(source.overrides.len(), 2);
    assert!(Calendar::compile(&source, &[]).is_ok());
    assert_eq!(import("date,name\n"), Err("the first line is not date,name,is_off_day,file_year".to_owned()));
    assert!(
        import(&format!("{header}2027-01-01,元旦,2,2027\n")).is_err_and(|error| error.starts_with("line 2"))
    );
    assert!(
        import(&format!("{header}2027-01-01,元旦,1,2027\n2027-01-01,春节,1,2027\n"))
            .is_err_and(|error| error.contains("listed twice"))
    );
    assert_eq!(import(header), Err("the table has no rows".to_owned()));
}

#[test]
fn the_example_in_the_guide_is_a_sound_calendar() {
    let guide = include_str!("../../../../deploy/calendars/README.md");
    let example = guide.split("```").nth(1).and_then(|block| block.strip_prefix("yaml\n"));
    let branch = compile(example.expect("an example"));
    assert!(branch.is_open(at("2026-02-28 10:00")) && !branch.is_open(at("2026-02-17 10:00")));
}

#[test]
fn the_hours_of_a_date_and_the_last_open_instant_can_be_asked() {
    let office = branches::office();
    let hours = |date: &str| -> Vec<String> {
        office.hours(date.parse().expect("a date")).iter().map(ToString::to_string).collect()
    };
    assert_eq!(hours("2026-02-28"), ["08:30-12:00", "13:00-17:30"], "made up");
    assert!(hours("2026-02-16").is_empty() && hours("2026-06-06").is_empty());
    assert_eq!(wall(&office, office.last_open(at("2026-06-08 12:30"))), "2026-06-08 12:00");
    assert_eq!(wall(&office, office.last_open(at("2026-06-07 10:00"))), "2026-06-05 17:30");
    assert_eq!(wall(&office, office.last_open(at("2026-06-08 10:00"))), "2026-06-08 10:00");
}

#[test]
fn the_next_notice_is_imported_as_a_new_version_and_moves_what_rested_on_its_year() {
    // Invented days: the real notice comes out in November.
    let known = "date,name,is_off_day,file_year\n2026-10-01,国庆节,1,2026\n";
    let notice = "2027-01-01,元旦,1,2027\n2027-01-04,元旦,1,2027\n2027-01-09,元旦,0,2027\n";
    let import = |table: &str, version| {
        let source = import_holidays(table, version).expect("a table");
        // What is kept is the file, so the file must give the same calendar again.
        let again = CalendarSource::from_yaml(&source.to_yaml()).expect("readable");
        assert_eq!(again, source);
        Calendar::compile(&source, &[]).expect("sound")
    };
    let (before, after) = (import(known, 1), import(&format!("{known}{notice}"), 2));
    assert!(before.is_provisional(2027) && !after.is_provisional(2027) && after.is_provisional(2028));
    assert_eq!(
        (before.version().to_string(), after.version().to_string()),
        ("china@1".into(), "china@2".into())
    );
    let limit = calendar::Limit::parse("3 working days").expect("a limit");
    let due = |calendar: &Calendar| calendar.deadline(at("2026-12-30 10:00"), &limit, &[]);
    let (old, new) = (due(&before), due(&after));
    assert!(old.provisional && !new.provisional, "the old answer said that it might move");
    let wall = |calendar: &Calendar, due: calendar::Deadline| wall(calendar, due.due.expect("not paused"));
    assert_eq!(wall(&before, old), "2027-01-04 10:00");
    assert_eq!(wall(&after, new), "2027-01-06 10:00");
    assert!(after.is_open(at("2027-01-09 10:00")), "a Saturday that is made up");
}
