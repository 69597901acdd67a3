//! What messages say, in both languages.

mod support;

use playbook::{Facts, Lang, Value};
use proto::Time;
use support::{House, MONDAY_10};

#[test]
fn the_hand_off_reads_like_a_sentence() {
    let mut house = House::opened();
    house.dispatch();
    let notice = house.only();
    assert_eq!(
        house.text(&notice, Lang::Zh),
        "新工单 05-00001-8（一号店）：投诉·产品质量，一般，2026-03-02 10:00 受理。"
    );
    assert_eq!(
        house.text(&notice, Lang::En),
        "New ticket 05-00001-8 (一号店): Complaint, Product quality, General, taken 2026-03-02 10:00."
    );
}

#[test]
fn the_pre_warning_gives_reasons_amount_and_rules() {
    let mut house = House::new();
    let facts =
        Facts::new().with("claimed_amount", Value::money("CNY", 123_450)).with("brand", Value::code("volvo"));
    house.open("major", facts, &[]);
    let notice = house.queued().remove(0);
    assert_eq!(
        house.text(&notice, Lang::Zh),
        "重大投诉 05-00001-8：堵门、重复投诉，索赔 CNY 1234.50，沃尔沃。依据 DG-11。"
    );
    assert_eq!(
        house.text(&notice, Lang::En),
        "Major complaint 05-00001-8: the door is blocked, a repeated complaint, claims CNY 1234.50, Volvo. Rules DG-11."
    );
}

#[test]
fn what_is_not_known_is_a_dash_and_never_a_placeholder() {
    let mut house = House::new();
    house.open("major", Facts::new(), &[]);
    let notice = house.queued().remove(0);
    let text = house.text(&notice, Lang::Zh);
    assert_eq!(text, "重大投诉 05-00001-8：堵门、重复投诉，索赔 —，—。依据 DG-11。");
}

#[test]
fn a_rung_says_which_clock_since_when_and_what_it_asks() {
    let mut house = House::opened();
    let mut raised = house.escalate(2, &["gm"]);
    raised.action = "plan".into();
    raised.late = true;
    house.rehearsal.hear(raised);
    let notice = house.only();
    assert_eq!(
        house.text(&notice, Lang::Zh),
        format!(
            "【升级第2级】工单 05-00001-8（一号店）的时限“24小时反馈”已于 2026-03-03 10:00 到期，尚未完成。\
             请提交处理计划。（系统恢复后补发）https://desk.example/t/{}",
            house.ticket
        )
    );
    assert!(
        house
            .text(&notice, Lang::En)
            .starts_with("[Escalation, rung 2] Ticket 05-00001-8 (一号店): \"Feedback in 24 h\"")
    );
}

#[test]
fn an_approver_reads_until_when_he_has() {
    let mut house = House::opened();
    let asked = |stage| proto::dispatch::v1::ApprovalAsked {
        ticket: None,
        step: "approve".into(),
        stage,
        approver: "gm".into(),
        ..Default::default()
    };
    for (stage, until) in [(1, "2026-03-02 15:00"), (2, "2026-03-03 10:00"), (3, "—")] {
        let ticket = Some(house.ticket_ref());
        house.rehearsal.hear(proto::dispatch::v1::ApprovalAsked { ticket, ..asked(stage) });
        let notice = house.only();
        let directory = &house.rehearsal.directory;
        let playbook = directory.playbook("shop", 1).unwrap();
        let text = notify_core::words::render(&notice, playbook, directory, Lang::Zh, "").unwrap();
        assert_eq!(
            text,
            format!("05-00001-8 等您审批，{until} 前：05-00001-8"),
            "without a console the number is the link"
        );
    }
}

#[test]
fn words_are_those_of_the_occasion_not_of_the_sending() {
    let mut house = House::opened();
    house.dispatch();
    let notice = house.only();
    let before = house.text(&notice, Lang::Zh);
    house.rehearsal.hear(proto::intake::v1::TicketReclassified {
        ticket: Some(house.ticket_ref()),
        severity: "major".into(),
        ..Default::default()
    });
    let later = house.notice(notice.id);
    assert_eq!(house.text(&later, Lang::Zh), before);
}

#[test]
fn every_placeholder_that_a_playbook_may_use_is_known() {
    let mut house = House::opened();
    let mut raised = house.escalate(1, &["gm"]);
    raised.due_at = MONDAY_10.plus(-(26 * Time::HOUR + 5 * Time::MINUTE)).0;
    house.rehearsal.hear(raised);
    let mut notice = house.only();
    notice.rule = "all".into();
    notice.occasion.step = Some("propose".into());
    notice.occasion.attempts = Some(3);
    let template =
        playbook::tell::PLACEHOLDERS.iter().map(|p| format!("{p}={{{p}}}")).collect::<Vec<_>>().join(";");
    let rule = format!(
        "tells:\n  all:\n    on: ticket.opened\n    to: [gm]\n    channel: file\n    template: {{zh: \"{template}\", en: \"{template}\"}}\n"
    );
    let source = include_str!("support/playbook.yaml").replace("tells:\n", &rule);
    let book = playbook::Playbook::load(&[("playbook.yaml", &source)]).unwrap_or_else(|p| panic!("{p:?}"));
    let directory = &house.rehearsal.directory;
    let text = notify_core::words::render(&notice, &book, directory, Lang::Zh, "").unwrap();
    assert!(!text.contains('?'), "{text}");
    assert!(
        text.contains("late_by=1天2小时5分钟;")
            && text.contains("step=提出方案;")
            && text.contains("role=总经理;"),
        "{text}"
    );
}

#[test]
fn a_rule_that_the_playbook_does_not_know_has_no_words() {
    let mut house = House::opened();
    house.dispatch();
    let mut notice = house.only();
    notice.rule = "unknown".into();
    let directory = &house.rehearsal.directory;
    let playbook = directory.playbook("shop", 1).unwrap();
    assert_eq!(notify_core::words::render(&notice, playbook, directory, Lang::Zh, ""), None);
}
