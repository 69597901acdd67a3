//! Broken playbooks: what an analyst gets to see. Each case changes one thing in `broken/base.yaml`, which is sound.

use playbook::{Lang, Playbook, render_all};

const BASE: &str = include_str!("broken/base.yaml");

/// All that `hotline playbook check` would print.
fn findings(text: &str) -> String {
    let found = match Playbook::load(&[("shop.yaml", text)]) {
        Ok(playbook) => playbook.check().into_iter().chain(playbook.unsupported()).collect(),
        Err(found) => found,
    };
    if found.is_empty() {
        return String::new();
    }
    format!("{}\n{}", render_all(&found, Lang::En), render_all(&found, Lang::Zh))
}

#[track_caller]
fn broken(name: &str, changes: &[(&str, &str)]) {
    let mut text = BASE.to_owned();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "`{from}` must stand exactly once in the base");
        text = text.replacen(from, to, 1);
    }
    let report = findings(&text);
    assert!(!report.is_empty(), "{name}: nothing was found");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("broken");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, report));
}

#[test]
fn the_base_is_sound() {
    assert_eq!(findings(BASE), "");
}

#[test]
fn yaml_that_cannot_be_read() {
    broken(
        "yaml_syntax",
        &[("    closing: { needs: [work, follow_up]", "    closing: { needs: [work, follow_up")],
    );
}

#[test]
fn an_unknown_key_gets_the_nearest_one() {
    broken("unknown_key", &[("pauses: [parts]", "pases: [parts]")]);
}

#[test]
fn a_key_that_stands_twice() {
    broken("double_key", &[("    limit: 30m\n", "    limit: 30m\n    limit: 40m\n")]);
}

#[test]
fn a_missing_language() {
    broken(
        "missing_language",
        &[("script: { zh: 车好骑吗？, en: Does it ride well? }", "script: { zh: 车好骑吗？ }")],
    );
}

#[test]
fn a_comma_that_splits_a_text() {
    broken("stray_comma", &[("en: Does it ride well? }", "en: Well, does it ride? }")]);
}

#[test]
fn unknown_role_clock_step_event() {
    broken(
        "unknown_names",
        &[
            ("on_silence: hand_off", "on_silence: hand_of"),
            ("needs: [mend]", "needs: [mendd]"),
            ("by: owner\n", "by: ownr\n"),
            ("start: [work.dispatched]", "start: [work.dispatchd]"),
        ],
    );
}

#[test]
fn conditions_with_wrong_types() {
    broken(
        "condition_types",
        &[
            ("'!rides_well'", "rides_well == 'yes'"),
            (
                "unhappy: known(satisfaction) && satisfaction <= 2",
                "unhappy: satisfaction <= money(2) || categry == 'wheel'",
            ),
        ],
    );
}

#[test]
fn a_condition_that_is_no_cel() {
    broken(
        "condition_syntax",
        &[("unhappy: known(satisfaction) && satisfaction <= 2", "unhappy: satisfaction <== 2")],
    );
}

#[test]
fn a_code_that_a_fact_never_has() {
    broken("impossible_code", &[("'!rides_well'", "category == 'weel'")]);
}

#[test]
fn constructs_that_are_refused() {
    broken("refused_construct", &[("'!rides_well'", "\"tags.exists(t, t == 'x') || 1.5 > 1.0\"")]);
}

#[test]
fn a_personal_field_in_a_condition() {
    broken("personal_in_condition", &[("'!rides_well'", "customer_name == 'x'")]);
}

#[test]
fn a_limit_that_is_none() {
    broken("bad_limit", &[("limit: 3 working days", "limit: tomorrowish")]);
}

#[test]
fn a_table_with_a_gap() {
    broken("table_gap", &[("          - { if: { category: wheel, urgent: false }, then: low }\n", "")]);
}

#[test]
fn a_unique_table_with_an_overlap() {
    broken("table_overlap", &[("{ category: wheel, urgent: true }", "{ urgent: true }")]);
}

#[test]
fn a_row_that_never_decides() {
    broken(
        "table_dead_row",
        &[(
            "        - { if: { category: wheel }, then: { unit: workshop, handler: mechanic } }\n",
            "        - { if: { category: '-' }, then: { unit: workshop, handler: mechanic } }\n        - { if: { category: wheel }, then: { unit: workshop, handler: owner } }\n",
        )],
    );
}

#[test]
fn a_matrix_with_a_gap_and_disorder() {
    broken(
        "matrix_bands",
        &[("          - { chain: [owner, desk] }", "          - { up_to: 400, chain: [owner, desk] }")],
    );
}

#[test]
fn somebody_approves_his_own_request() {
    broken("self_approval", &[("asked_by: handler", "asked_by: owner")]);
}

#[test]
fn steps_that_wait_for_each_other() {
    broken(
        "circle",
        &[(
            "        by: handler\n        clocks: [whole]\n        marks: [answered]",
            "        by: handler\n        needs: [mend]\n        clocks: [whole]\n        marks: [answered]",
        )],
    );
}

#[test]
fn a_loop_forwards() {
    broken("loop_forwards", &[("refused_to: estimate", "refused_to: hand_back")]);
}

#[test]
fn a_case_that_cannot_end() {
    broken("trap", &[("'!rides_well'", "rides_well || !rides_well")]);
}

#[test]
fn a_case_that_cannot_end_while_it_is_severe() {
    broken("trap_for_some", &[("'!rides_well'", "severity == 'high'")]);
}

#[test]
fn a_step_that_no_clock_watches() {
    broken("unwatched_step", &[("    stop: [work.completed]", "    stop: ['work.step_done(agree)']")]);
}

#[test]
fn a_hand_off_that_nobody_watches() {
    broken("unwatched_hand_off", &[("start: [work.dispatched]", "start: [work.acknowledged]")]);
}

#[test]
fn a_clock_that_nothing_stops() {
    broken("unstoppable_clock", &[("    stop: [work.completed]\n", "")]);
}

#[test]
fn a_clock_that_runs_on_after_the_end() {
    broken(
        "clock_after_end",
        &[(
            "    start: [follow_up.scheduled]\n    stop: [follow_up.completed]",
            "    start: [follow_up.scheduled, follow_up.completed]\n    stop: [ticket.noted]",
        )],
    );
}

/// The case closes without the follow-up, whose clock goes on until it is over.
const CLOSES_FIRST: (&str, &str) =
    ("    closing: { needs: [work, follow_up]", "    closing: { needs: [work]");

#[track_caller]
fn sound(changes: &[(&str, &str)]) {
    let mut text = BASE.to_owned();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "`{from}` must stand exactly once in the base");
        text = text.replacen(from, to, 1);
    }
    assert_eq!(findings(&text), "");
}

/// What nobody filled in differs from everything; what was filled in as wanted ends the loop.
#[test]
fn loops_that_compare_by_inequality() {
    let choice = "verdict: { kind: choice, label: { zh: 结论, en: verdict }, REQUIRED options: { good: { zh: 好, en: good }, poor: { zh: 差, en: poor } } }";
    let field =
        "          rides_well: { kind: bool, label: { zh: 骑行正常, en: rides well }, required: true }\n";
    for required in ["", "required: true,"] {
        let with = format!("{field}          {}\n", choice.replace("REQUIRED", required));
        sound(&[(field, &with), ("'!rides_well'", "verdict != 'good'")]);
    }
    let distance = "          distance: { kind: int, label: { zh: 公里, en: distance }, required: true }\n";
    sound(&[(field, &format!("{field}{distance}")), ("'!rides_well'", "distance != 5")]);
}

#[test]
fn a_follow_up_that_the_closing_does_not_wait_for_may_have_a_clock() {
    sound(&[CLOSES_FIRST]);
    sound(&[CLOSES_FIRST, ("    after: work.completed", "    after: ticket.closed")]);
    sound(&[(
        "    stop: [follow_up.completed]",
        "    stop: [follow_up.recorded, follow_up.completed(content)]",
    )]);
}

#[test]
fn a_clock_that_goes_on_after_the_call_is_given_up() {
    broken(
        "clock_after_giving_up",
        &[CLOSES_FIRST, ("    stop: [follow_up.completed]", "    stop: [follow_up.recorded]")],
    );
}

#[test]
fn a_message_to_the_customer() {
    broken(
        "customer_told",
        &[
            (
                "    on: work.dispatched\n    to: mechanic",
                "    on: work.dispatched\n    to: [mechanic, customer]",
            ),
            ("      - { share: 80, tell: mechanic }", "      - { share: 80, tell: customer }"),
        ],
    );
}

#[test]
fn a_clock_that_starts_after_its_step_is_done() {
    broken(
        "orphaned_clock",
        &[(
            "  call:\n",
            "  mending:\n    name: { zh: 修理, en: mending }\n    scope: step\n    start: [work.step_done(agree), ticket.reclassified]\n    stop: [work.step_done(mend)]\n    when: severity == 'high'\n    cancel: [ticket.closed]\n    limit: soon\n    ladder: [{ tell: owner }]\n  call:\n",
        )],
    );
}

#[test]
fn done_in_the_condition_of_a_step() {
    broken(
        "done_in_step",
        &[("        needs: [mend]\n", "        needs: [mend]\n        when: \"'mend' in done\"\n")],
    );
}

#[test]
fn rungs_out_of_order_and_a_warning_too_early() {
    broken(
        "ladder_and_warning",
        &[
            (
                "      - { after: 1h, tell: desk }",
                "      - { after: 1h, tell: desk }\n      - { after: 30m, tell: owner }",
            ),
            ("      - { share: 80, tell: mechanic }", "      - { before: 4 working days, tell: mechanic }"),
        ],
    );
}

#[test]
fn an_end_that_is_never_told() {
    broken(
        "not_told",
        &[(
            "        needs: [mend]\n        clocks: [whole]\n",
            "        needs: [mend]\n        when: urgent\n        clocks: [whole]\n",
        )],
    );
}

#[test]
fn a_step_without_marks_anywhere() {
    broken("no_mark", &[("        marks: [resolved]\n", "")]);
}

#[test]
fn a_follow_up_that_never_comes() {
    broken(
        "no_follow_up",
        &[("    after: work.completed", "    after: { on: work.completed, when: urgent }")],
    );
}

#[test]
fn a_template_with_a_name_in_it() {
    broken("template", &[("en: 'New repair {number}'", "en: 'New repair {numbr} of {customer_name}'")]);
}

#[test]
fn parts_that_no_service_carries_out_yet() {
    broken("unsupported", &[("    channel: sms\n", "    channel: webhook\n")]);
}

#[test]
fn a_playbook_of_nothing() {
    let report = findings("version: zero\n");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("broken");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("empty", report));
}

#[test]
fn roles_that_a_branch_cannot_fill() {
    let playbook = Playbook::load(&[("shop.yaml", BASE)]).expect("sound");
    let found =
        playbook.unfilled_roles(["north", "south"], |branch, role| branch == "north" || role.role != "owner");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code, found[0].line), ("PB0801", 8));
    assert!(found[0].message.en.contains("`owner` (branch) for south"), "{}", found[0].message.en);
}

#[test]
fn a_role_that_nobody_plays() {
    broken(
        "unused_role",
        &[("  desk: { name", "  cook: { name: { zh: 厨师, en: cook }, level: branch }\n  desk: { name")],
    );
}

#[test]
fn a_ladder_that_ends_at_nobody() {
    broken("ladder_end", &[("      - { after: 1h, tell: desk }", "      - { after: 1h, tell: holder }")]);
}

#[test]
fn a_matrix_that_does_not_know_the_kind() {
    broken("matrix_kind", &[("matrix: prices, kind: repair", "matrix: prices, kind: gift")]);
}
