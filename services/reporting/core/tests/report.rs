//! Figures of a week that can be checked by hand, and the documents made of them.

mod week;

use chassis_core::{Actor, Refusal, rehearsal::Rehearsal};
use playbook::{Lang, Text, report::Period};
use proto::{AnyEvent, Time};
use reporting_core::{
    Command, Issue, Issued, Line, Reckoning, Reply, Reporting, Row, Span, document::Document, figures,
};
use week::*;

/// Week 10: five cases are opened, two at B2; one of last week ends in it.
///
/// | case | branch | opened | severity | clock | closed after | score |
/// | 1 | B1 | W10 | general | met | 10 h | 5 |
/// | 2 | B1 | W10 | major | missed by 2 h | 30 h | 3 |
/// | 3 | B2 | W10 | general | met | 20 h | 4 |
/// | 4 | B2 | W10 | general | still missed | - | - |
/// | 5 | B1 | W10 | general | cancelled | - | - |
/// | 6 | B1 | W09 | general | met | 100 h | 1 |
/// | 7 | B1 | W11 | general | - | - | - |
fn story() -> Vec<(AnyEvent, Time)> {
    let day = 24;
    let (c1, c2, c3, c4, c5) = (case(1, "B1"), case(2, "B1"), case(3, "B2"), case(4, "B2"), case(5, "B1"));
    let (c6, c7) = (case(6, "B1"), case(7, "B1"));
    let mut all = vec![
        c1.opened("service", "general", hour(0)),
        c1.started(hour(day), hour(0)),
        c1.met(hour(day), hour(9), false, false),
        c1.surveyed(5, hour(9)),
        c1.closed(hour(10)),
        c2.opened("product", "general", hour(1)),
        c2.reclassified("major", hour(2)),
        c2.started(hour(1 + day), hour(1)),
        c2.breached("P2", hour(1 + day)),
        c2.met(hour(1 + day), hour(3 + day), true, false),
        c2.surveyed(3, hour(4 + day)),
        c2.closed(hour(31)),
        c3.opened("service", "general", hour(50)),
        c3.started(hour(50 + day), hour(50)),
        c3.met(hour(50 + day), hour(60), false, false),
        c3.surveyed(4, hour(69)),
        c3.closed(hour(70)),
        c4.opened("service", "general", hour(100)),
        c4.started(hour(100 + day), hour(100)),
        c4.breached("=P4", hour(100 + day)),
        c5.opened("service", "general", hour(167)),
        c5.started(hour(167 + day), hour(167)),
        c5.met(hour(167 + day), hour(167), false, true),
    ];
    all.extend([
        c6.opened("service", "general", hour(-50)),
        c6.started(hour(day - 50), hour(-50)),
        c6.met(hour(day - 50), hour(-40), false, false),
        c6.surveyed(1, hour(49)),
        c6.closed(hour(50)),
        c7.opened("service", "general", hour(168)),
    ]);
    all
}

fn rows() -> Vec<Row> {
    let core = hear(story());
    (1..=7).map(|n| core.get(case(n, "B1").id).expect("heard of")).collect()
}

fn week() -> Span {
    Span::around(Period::Weekly, hour(1), "Asia/Shanghai").expect("a week")
}

fn value(lines: &[Line], figure: &str, by: &str, key: &str) -> (i64, u64) {
    let found = lines.iter().find(|l| l.figure == figure && l.by == by && l.key == key);
    let line = found.unwrap_or_else(|| panic!("{figure} {by} {key} is missing in {lines:#?}"));
    (line.value, line.cases)
}

#[test]
fn the_week_comes_out_as_counted_by_hand() {
    let lines = figures(rows().iter(), &playbook(), &week());
    // Opened in the week: 1, 2, 3, 4, 5.
    assert_eq!(value(&lines, "opened", "all", ""), (5, 5));
    assert_eq!(value(&lines, "opened", "branch", "B1"), (3, 3));
    assert_eq!(value(&lines, "opened", "branch", "B2"), (2, 2));
    assert_eq!(value(&lines, "opened", "severity", "major"), (1, 1));
    assert_eq!(value(&lines, "major", "all", ""), (1, 1));
    assert_eq!(value(&lines, "major", "category", "product"), (1, 1));
    // Surveys of the week: 5, 3, 4, 1; two of four are content, the mean is 13 / 4.
    assert_eq!(value(&lines, "content", "all", ""), (500, 4));
    assert_eq!(value(&lines, "content", "branch", "B1"), (333, 3));
    assert_eq!(value(&lines, "content", "branch", "B2"), (1000, 1));
    assert_eq!(value(&lines, "score", "all", ""), (325, 4));
    // Closed in the week after 10, 30, 20 and 100 hours.
    assert_eq!(value(&lines, "handling", "all", ""), (20 * 3600, 4));
    assert_eq!(value(&lines, "handling.p90", "all", ""), (100 * 3600, 4));
    assert_eq!(value(&lines, "handling", "type", "complaint"), (20 * 3600, 4));
    // Judged in the week: 1 and 3 met, 2 and 4 missed; 5 has no verdict, 6 was met last week.
    assert_eq!(value(&lines, "on_time", "all", ""), (500, 4));
    assert_eq!(value(&lines, "on_time", "branch", "B1"), (500, 2));
}

#[test]
fn missed_deadlines_are_listed_with_handler_and_delay() {
    let lines = figures(rows().iter(), &playbook(), &week());
    let missed: Vec<_> =
        lines.iter().filter(|l| l.figure == "missed").map(|l| (l.cells.join(";"), l.value)).collect();
    // Case 4 is still not done when the week ends, 44 h after its deadline.
    let expected = [
        ("T002;B1;feedback;2026-03-03 01:00;2:00:00;P2".to_owned(), 2 * 3600),
        ("T004;B2;feedback;2026-03-07 04:00;44:00:00;=P4".to_owned(), 44 * 3600),
    ];
    assert_eq!(missed, expected);
}

#[test]
fn a_list_of_one_clock_leaves_the_other_breaches_of_its_cases_out() {
    let c = case(1, "B1");
    let row = row_of(
        &c,
        [
            c.opened("product", "major", hour(0)),
            c.breached("P1", hour(24)),
            c.missed("warning", "P2", hour(48)),
        ],
    );
    let lines = figures([row].iter(), &playbook(), &week());
    let listed = |figure: &str| -> Vec<String> {
        lines.iter().filter(|l| l.figure == figure).map(|l| l.cells.join(";")).collect()
    };
    assert_eq!(listed("unwarned"), ["T001;warning;P2"]);
    assert_eq!(listed("missed").len(), 2);
}

#[test]
fn targets_are_judged_only_with_cases() {
    let lines = figures(rows().iter(), &playbook(), &week());
    let of =
        |figure: &str, by: &str| lines.iter().find(|l| l.figure == figure && l.by == by).unwrap().on_target();
    assert_eq!(
        (of("content", "all"), of("on_time", "all"), of("opened", "all")),
        (Some(false), Some(true), None)
    );
    let empty = figures(std::iter::empty(), &playbook(), &week());
    assert_eq!(empty.iter().find(|l| l.figure == "content").unwrap().on_target(), None);
    assert_eq!(value(&empty, "opened", "all", ""), (0, 0));
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let (playbook, span) = (playbook(), week());
    let there = figures(rows().iter(), &playbook, &span);
    let back = figures(rows().iter().rev(), &playbook, &span);
    assert_eq!(there, back);
}

#[test]
fn a_reopened_case_ends_once_in_every_cycle() {
    let c = case(1, "B1");
    let again = c.clone().cycle(2);
    let row = row_of(
        &c,
        [
            c.opened("service", "general", hour(0)),
            c.closed(hour(10)),
            again.reopened(hour(20)),
            again.closed(hour(25)),
        ],
    );
    let lines = figures([row].iter(), &playbook(), &week());
    assert_eq!(value(&lines, "handling", "all", ""), (5 * 3600, 2));
    assert_eq!(value(&lines, "handling.p90", "all", ""), (10 * 3600, 2));
}

#[test]
fn a_case_of_another_playbook_is_not_counted() {
    let mut rows = rows();
    rows.iter_mut().for_each(|row| row.playbook = "other".into());
    assert_eq!(value(&figures(rows.iter(), &playbook(), &week()), "opened", "all", ""), (0, 0));
}

#[test]
fn lists_leave_out_what_the_reader_is_barred_from() {
    let (playbook, span, rows) = (playbook(), week(), rows());
    let listed = |viewer| {
        let mut reckoning = Reckoning::new(&playbook, playbook.figures.iter(), &span, viewer);
        rows.iter().for_each(|row| reckoning.take(row));
        let lines = reckoning.finish();
        (lines.iter().filter(|l| l.by == "row").count(), value(&lines, "opened", "all", "").0)
    };
    assert_eq!(listed(Some("P1")), (2, 5));
    // Case 2 was reclassified by an event that does not repeat the bar: it holds all the same.
    assert_eq!(listed(Some("P9")), (0, 5));
}

fn document(lang: Lang) -> (Vec<u8>, String) {
    let (playbook, directory, span) = (playbook(), directory(), week());
    let lines = figures(rows().iter(), &playbook, &span);
    let report = &playbook.reports[0];
    let document = Document {
        playbook: &playbook,
        directory: &directory,
        span: &span,
        lines: &lines,
        lang,
        title: report.name.clone(),
    };
    (document.csv(), document.table())
}

#[test]
fn the_csv_opens_in_a_spreadsheet_and_runs_nothing() {
    let (csv, _) = document(Lang::Zh);
    let text = String::from_utf8(csv).unwrap();
    assert!(
        text.starts_with("\u{feff}报告,投诉周报\r\n期间,2026-W10,2026-03-02 00:00,2026-03-08 23:59\r\n"),
        "{text}"
    );
    assert!(text.contains("\r\n受理,门店,城东店,3,3,,\r\n"), "{text}");
    assert!(text.contains("\r\n满意率,全部,,50.0%,4,≥ 90.0%,否\r\n"), "{text}");
    assert!(text.contains("\r\n处理时长（九成以内）,全部,,100:00:00,4,,\r\n"), "{text}");
    // A branch named like a formula, and a handler.
    assert!(text.contains(",'=城西店,"), "{text}");
    assert!(text.contains(",'=P4\r\n"), "{text}");
    for line in text.lines() {
        assert!(line.split(',').all(|cell| !cell.starts_with('=')), "{line}");
    }
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    assert_eq!(document(Lang::Zh), document(Lang::Zh));
    assert_ne!(document(Lang::Zh).0, document(Lang::En).0);
}

#[test]
fn the_printed_table_is_aligned_in_both_languages() {
    let (_, zh) = document(Lang::Zh);
    assert!(zh.contains("受理"), "{zh}");
    let (_, en) = document(Lang::En);
    assert!(en.contains("Weekly complaints") && en.contains("On target"), "{en}");
    assert!(en.contains("T002") && en.contains("2:00:00"), "{en}");
}

#[test]
fn nothing_ever_happened_gives_an_empty_report() {
    let (playbook, directory, span) = (playbook(), directory(), week());
    let lines = figures(std::iter::empty(), &playbook, &span);
    let document = Document {
        playbook: &playbook,
        directory: &directory,
        span: &span,
        lines: &lines,
        lang: Lang::En,
        title: Text::new("空", "empty"),
    };
    let text = String::from_utf8(document.csv()).unwrap();
    assert!(text.contains("Content,all,,-,0,≥ 90.0%,"), "{text}");
}

fn issue(core: &mut Rehearsal<Reporting>, issue: Issue) -> Result<Reply, Refusal> {
    let actor = Actor::Person { code: "P1".into(), grants: vec![] };
    core.command(&actor, Issued::home(), &Command::Issue(issue))
}

#[test]
fn an_issued_report_is_on_record_once() {
    let mut core = hear([]);
    let wanted = Issue {
        report: "complaints.weekly".into(),
        period: "2026-W10".into(),
        from: hour(0),
        to: hour(168),
        digest: "ab".repeat(32),
    };
    assert_eq!(
        issue(&mut core, wanted.clone()),
        Ok(Reply::Issued { again: false, digest: wanted.digest.clone() })
    );
    let said = core.take_said();
    assert!(
        matches!(&said[..], [AnyEvent::ReportIssued(event)] if event.digest == wanted.digest && event.to_at == hour(168).0)
    );
    assert_eq!(
        issue(&mut core, wanted.clone()),
        Ok(Reply::Issued { again: true, digest: wanted.digest.clone() })
    );
    assert!(core.take_said().is_empty());
    assert_eq!(core.get::<Issued>(Issued::key(&wanted)).unwrap().by, "person:P1");
}

#[test]
fn a_digest_that_is_none_and_an_empty_period_are_refused() {
    let mut core = hear([]);
    let good =
        Issue { report: "r".into(), period: "p".into(), from: hour(0), to: hour(1), digest: "ab".repeat(32) };
    let refused = |core: &mut _, wanted| issue(core, wanted).unwrap_err().violations[0].field.clone();
    assert_eq!(refused(&mut core, Issue { digest: "xyz".into(), ..good.clone() }), "digest");
    assert_eq!(refused(&mut core, Issue { to: hour(0), ..good }), "period");
}
