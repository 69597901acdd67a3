//! Broken playbooks, part by part: with `broken.rs` every code that the checks can give is shown at least once. Each case
//! changes a few words of `broken/base.yaml`, which is sound.

use std::{collections::BTreeSet, path::Path};

use playbook::{Lang, Playbook, render_all};

const BASE: &str = include_str!("broken/base.yaml");

/// Name of the snapshot, and what is put in place of what.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

const SHAPE: &[Case] = &[
    (
        "text_instead_of_mapping",
        &[("value: { kind: money, label: { zh: 车价, en: value of the bicycle } }", "value: money")],
    ),
    ("list_instead_of_word", &[("line: bicycles", "line: [bicycles]")]),
    ("key_without_value", &[("    due: soon\n", "    due:\n")]),
    ("bad_id", &[("      estimate:\n", "      Estimate 1:\n")]),
    ("dash_in_field", &[("      urgent: { kind: bool", "      is-urgent: { kind: bool")]),
    (
        "reserved_role",
        &[("  owner: { name", "  holder: { name: { zh: 某, en: some }, level: branch }\n  owner: { name")],
    ),
    ("anchor", &[("  soon: { name", "  soon: &soon { name")]),
    ("two_documents", &[("waits:\n", "---\nwaits:\n")]),
    ("bad_amount", &[("{ up_to: 500, chain", "{ up_to: '1,000.555', chain")]),
    ("number_out_of_range", &[("attempts: { max: 3,", "attempts: { max: 300,")]),
    ("flag_that_is_none", &[("ours: true }", "ours: maybe }")]),
    ("foreign_currency", &[("currency: CNY", "currency: JPY")]),
    (
        "bad_rule_number",
        &[
            ("currency: CNY\n", "currency: CNY\nclocks_rules: 1\n"),
            ("    limit: 3 working days\n", "    limit: 3 working days\n    rules: [rule 8]\n"),
        ],
    ),
    ("nobody_told", &[("- { share: 80, tell: mechanic }", "- { share: 80, tell: [] }")]),
    (
        "param_of_param",
        &[("ours: true }", "ours: true }\n  later: { name: { zh: 稍后, en: later }, limit: soon }")],
    ),
    ("param_with_two_values", &[("limit: 1 working day, ours", "limit: 1 working day, value: 3, ours")]),
    (
        "personal_kind_made_public",
        &[(
            "label: { zh: 姓名, en: name }, required: true }",
            "label: { zh: 姓名, en: name }, personal: false }",
        )],
    ),
    ("scale_downwards", &[("from: 1, to: 5", "from: 5, to: 1")]),
];

const DERIVED: &[Case] = &[
    (
        "table_named_as_a_field",
        &[(
            "approvals:\n",
            "tables:\n  fees:\n    outputs: { price: money }\n    inputs: [urgent]\n    rows:\n      - { if: { urgent: true }, then: 5 }\n    otherwise: 0\napprovals:\n",
        )],
    ),
    (
        "table_of_itself",
        &[
            ("        inputs: [category, urgent]\n", "        inputs: [category, hurry]\n"),
            ("{ category: wheel, urgent: true }", "{ category: wheel, hurry: true }"),
            ("{ category: wheel, urgent: false }", "{ category: wheel, hurry: false }"),
            (
                "approvals:\n",
                "tables:\n  haste:\n    outputs: { hurry: bool }\n    inputs: [severity]\n    rows:\n      - { if: { severity: high }, then: true }\n    otherwise: false\napprovals:\n",
            ),
        ],
    ),
    (
        "formula_of_another_kind",
        &[(
            "approvals:\n",
            "tables:\n  fees:\n    outputs: { fee: money, days: int }\n    inputs: [urgent]\n    rows:\n      - { if: { urgent: true }, then: { fee: '= value / 10', days: '= value' } }\n    otherwise: { then: { fee: '=', days: 1 } }\napprovals:\n",
        )],
    ),
    (
        "dates_collected",
        &[(
            "approvals:\n",
            "tables:\n  ends:\n    hit: collect\n    outputs: { until: date }\n    inputs: [urgent]\n    rows:\n      - { if: { urgent: true }, then: '2026-01-31' }\napprovals:\n",
        )],
    ),
];

const NAMES: &[Case] = &[
    ("unknown_matrix", &[("matrix: prices", "matrix: price")]),
    (
        "unknown_type",
        &[("    start: [ticket.opened]\n", "    types: [repairs]\n    start: [ticket.opened]\n")],
    ),
    ("unknown_severity", &[("{ after: 1h, tell: desk }", "{ after: 1h, tell: desk, raise: hihg }")]),
    ("unknown_personal_field", &[("reveal: { '*': [desk, mechanic] }", "reveal: { customer_nam: [desk] }")]),
    ("unknown_wait", &[("pauses: [parts]", "pauses: [part]")]),
    (
        "unknown_follow_up",
        &[("stop: [follow_up.completed]", "stop: ['follow_up.recorded(contents)', follow_up.completed]")],
    ),
    (
        "unknown_window",
        &[("    due: soon\n    by: desk", "    due: soon\n    preferred_time: when\n    by: desk")],
    ),
    ("unknown_figure", &[("figures: [opened]", "figures: [openend]")]),
    ("unknown_parameter", &[("      - { tell: desk }", "      - { after: soom, tell: desk }")]),
    (
        "fact_of_two_kinds",
        &[(
            "price: { kind: money",
            "urgent: { kind: money, label: { zh: 加急费, en: fee } }\n          price: { kind: money",
        )],
    ),
    ("event_with_a_subject", &[("stop: [work.completed]", "stop: [work.completed(mend)]")]),
];

const TABLES: &[Case] = &[
    (
        "range_that_is_none",
        &[
            ("inputs: [category, urgent]", "inputs: [category, urgent, value]"),
            (
                "{ if: { category: brake }, then: high }",
                "{ if: { category: brake, value: '[5..' }, then: high }",
            ),
        ],
    ),
    ("cell_of_another_kind", &[("urgent: true }, then: high }", "urgent: perhaps }, then: high }")]),
    (
        "column_that_is_no_input",
        &[("{ if: { category: brake }, then: high }", "{ if: { categry: brake }, then: high }")],
    ),
    ("matrix_role_twice", &[("chain: [owner, desk] }", "chain: [owner, desk, owner] }")]),
    (
        "matrix_hidden_ladder",
        &[(
            "          - { chain: [owner, desk] }\n",
            "          - { chain: [owner, desk] }\n      - kind: repair\n        bands: [{ chain: [desk] }]\n",
        )],
    ),
    (
        "matrix_without_bands",
        &[(
            "        bands:\n          - { up_to: 500, chain: [owner] }\n          - { chain: [owner, desk] }\n",
            "        bands: []\n",
        )],
    ),
    (
        "matrix_conditional_end",
        &[(
            "      - kind: repair\n        bands:",
            "      - kind: repair\n        when: urgent\n        bands:",
        )],
    ),
];

const STEPS: &[Case] = &[
    (
        "step_out_of_reach",
        &[(
            "      mend:\n",
            "      polish:\n        name: { zh: 抛光, en: polish }\n        by: handler\n        needs: [agree]\n        when: urgent && !urgent\n        clocks: [whole]\n      mend:\n",
        )],
    ),
    ("loop_for_ever", &[("'!rides_well'", "'1 < 2'")]),
    (
        "step_without_clock",
        &[("        needs: [agree]\n        clocks: [whole]\n", "        needs: [agree]\n")],
    ),
    (
        "call_without_clock",
        &[("    start: [follow_up.scheduled]\n", "    start: [{ on: follow_up.scheduled, when: urgent }]\n")],
    ),
    ("refused_to_unknown_step", &[("refused_to: estimate", "refused_to: estimat")]),
];

const CLOCKS: &[Case] = &[
    (
        "no_last_limit",
        &[("    limit: 3 working days\n", "    limit: [{ when: urgent, limit: 1 working day }]\n")],
    ),
    ("empty_ladder", &[("    ladder:\n      - { tell: desk }\n", "    ladder: []\n")]),
    (
        "clock_that_never_starts",
        &[(
            "  call:\n    name: { zh: 回访, en: call }\n",
            "  polishing:\n    name: { zh: 抛光, en: polishing }\n    start: [{ on: ticket.opened, when: urgent && !urgent }]\n    stop: [work.completed]\n    cancel: [ticket.closed]\n    limit: soon\n    ladder: [{ tell: desk }]\n  call:\n    name: { zh: 回访, en: call }\n",
        )],
    ),
    (
        "bad_recurrence",
        &[(
            "figures:\n",
            "duties:\n  count:\n    name: { zh: 清点, en: count }\n    role: owner\n    recurs: every monday\n    due: end of shift\n    tell_late: desk\nfigures:\n",
        )],
    ),
    (
        "linked_case_of_its_own_kind",
        &[("        needs: [mend]\n", "        needs: [mend]\n        opens: { type: repair }\n")],
    ),
    (
        "linked_case_that_wants_more",
        &[
            ("        needs: [mend]\n", "        needs: [mend]\n        opens: { type: order }\n"),
            (
                "approvals:\n",
                "  order:\n    name: { zh: 订件, en: order }\n    channels: { phone: { zh: 电话, en: phone } }\n    form:\n      customer_name: { kind: text, label: { zh: 姓名, en: name }, required: true }\n      price: { kind: money, label: { zh: 价格, en: price }, required: true }\n      part: { kind: text, label: { zh: 配件, en: part }, required: true }\n      wanted_by: { kind: date, label: { zh: 何时要, en: wanted by }, required: known(price) }\n    severities: { low: { zh: 一般, en: low } }\n    route:\n      receiver: mechanic\n      hit: first\n      inputs: [severity]\n      rows:\n        - { if: { severity: low }, then: { unit: workshop, handler: mechanic } }\n      otherwise: { then: { unit: workshop, handler: mechanic } }\n      on_refusal: { to: owner }\n      on_silence: hand_off\n    steps:\n      fetch: { name: { zh: 取件, en: fetch }, by: handler, clocks: [whole], marks: [answered, resolved, told] }\n    closing: { needs: [work], reopen_days: 7 }\napprovals:\n",
            ),
        ],
    ),
    ("call_back_after_the_last", &[("    after: work.completed\n", "    after: follow_up.completed\n")]),
    ("call_back_after_a_clock", &[("    after: work.completed\n", "    after: clock.breached(whole)\n")]),
    (
        "customer_told_by_mail",
        &[("    to: mechanic\n    channel: sms\n", "    to: [mechanic, customer]\n    channel: mail\n")],
    ),
    ("silence_is_unhappy", &[("known(satisfaction) && satisfaction <= 2", "'!known(satisfaction)'")]),
    (
        "warning_of_two_kinds",
        &[("- { share: 80, tell: mechanic }", "- { share: 80, before: 1h, tell: mechanic }")],
    ),
    ("ladder_to_a_person_only", &[("      - { tell: desk }\n", "      - { tell: holder }\n")]),
    ("brace_alone", &[("en: 'New repair {number}'", "en: 'New repair {number'")]),
    (
        "instant_that_is_none",
        &[("    start: [ticket.opened]\n", "    start: [{ on: ticket.opened, from: value }]\n")],
    ),
];

#[test]
fn each_broken_part_is_found_where_it_stands() {
    for (name, changes) in [SHAPE, DERIVED, NAMES, TABLES, STEPS, CLOCKS].concat() {
        let mut text = BASE.to_owned();
        for (from, to) in changes {
            assert_eq!(text.matches(from).count(), 1, "{name}: `{from}` must stand exactly once in the base");
            text = text.replacen(from, to, 1);
        }
        shown(name, &[("shop.yaml", &text)]);
    }
}

#[test]
fn a_section_that_stands_in_two_files() {
    shown(
        "two_files",
        &[
            ("shop.yaml", BASE),
            ("more.yaml", "line: other\nroles:\n  desk: { name: { zh: 台, en: desk }, level: group }\n"),
        ],
    );
}

#[test]
fn what_is_too_large_to_be_explored_is_refused() {
    let steps: String = (0..70)
        .map(|n| format!("      s{n}:\n        name: {{ zh: 步, en: step }}\n        by: handler\n        clocks: [whole]\n"))
        .collect();
    let costly = |n: usize| {
        let name = |n: usize| format!("c{n}");
        let option = |o: usize| format!("          o{o}: {{ zh: 甲, en: a }}\n");
        let options: String = (0..6).map(option).collect();
        let field = |n: usize| {
            let label = "        kind: choice\n        label: { zh: 甲, en: a }\n        options:\n";
            format!("      {}:\n{label}{options}", name(n))
        };
        let fields: String = (0..n).map(field).collect();
        let read: Vec<String> = (0..n).map(|n| format!("{0} == 'o1' || {0} == 'o2'", name(n))).collect();
        let when = format!("        needs: [mend]\n        when: {}\n", read.join(" || "));
        BASE.replacen("      urgent: { kind: bool", &format!("{fields}      urgent: {{ kind: bool"), 1)
            .replacen("        needs: [mend]\n", &when, 1)
    };
    shown("too_many_facts", &[("shop.yaml", &costly(30))]);
    shown("too_many_markings", &[("shop.yaml", &costly(10))]);
    shown(
        "too_many_steps",
        &[("shop.yaml", &BASE.replacen("      mend:\n", &format!("{steps}      mend:\n"), 1))],
    );
    let names: Vec<String> = (0..14).map(|n| format!("c{n}")).collect();
    let many: String = names
        .iter()
        .map(|name| {
            let options: String = (0..6).map(|o| format!("          o{o}: {{ zh: 甲, en: a }}\n")).collect();
            format!("      {name}:\n        kind: choice\n        label: {{ zh: 甲, en: a }}\n        options:\n{options}")
        })
        .collect();
    let row = names.iter().map(|name| format!("{name}: o1")).collect::<Vec<_>>().join(", ");
    let text = BASE
        .replacen("      urgent: { kind: bool", &format!("{many}      urgent: {{ kind: bool"), 1)
        .replacen(
            "inputs: [category, urgent]",
            &format!("inputs: [category, urgent, {}]", names.join(", ")),
            1,
        )
        .replacen(
            "{ if: { category: brake }, then: high }",
            &format!("{{ if: {{ category: brake, {row} }}, then: high }}"),
            1,
        );
    shown("table_too_large", &[("shop.yaml", &text)]);
}

#[test]
fn what_nests_too_deep_is_refused_before_it_ends_the_process() {
    for text in ["- ".repeat(100_000), format!("types: {}", "? ".repeat(100_000))] {
        let found = Playbook::load(&[("deep.yaml", &text)]).unwrap_err();
        assert_eq!((found.len(), found[0].code), (1, "PB0001"), "{found:?}");
    }
}

#[test]
fn lines_that_end_with_a_carriage_return_are_shown_too() {
    let found = Playbook::load(&[("old.yaml", "playbook: x\rcolour: red\r")]).unwrap_err();
    let colour = found.iter().find(|it| it.message.en.contains("colour")).expect("an unknown section");
    assert_eq!((colour.line, colour.excerpt.as_str()), (2, "colour: red"));
}

#[test]
fn a_long_line_of_faults_does_not_fill_the_memory() {
    let faults: String = (0..50_000).map(|n| format!("a{n}: 1, ")).collect();
    let text = format!("{{ {faults} }}");
    let found = Playbook::load(&[("long.yaml", &text)]).unwrap_err();
    assert!((100..=1_001).contains(&found.len()), "{}", found.len());
    assert!(found.iter().all(|it| it.excerpt.chars().count() <= 401 && it.render(Lang::Zh).len() < 10_000));
}

#[track_caller]
fn shown(name: &str, files: &[(&str, &str)]) {
    let found = match Playbook::load(files) {
        Ok(playbook) => playbook.check().into_iter().chain(playbook.unsupported()).collect(),
        Err(found) => found,
    };
    assert!(!found.is_empty(), "{name}: nothing was found");
    let report = format!("{}\n{}", render_all(&found, Lang::En), render_all(&found, Lang::Zh));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("broken");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, report));
}

/// Codes (`PB0101`) in a text.
fn codes(text: &str) -> BTreeSet<String> {
    let after = text.split("PB0").skip(1);
    let digits = after.filter_map(|rest| rest.get(..3).filter(|d| d.bytes().all(|b| b.is_ascii_digit())));
    digits.map(|digits| format!("PB0{digits}")).collect()
}

fn read_all(folder: &Path, ending: &str) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text.push_str(&read_all(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            text.push_str(&std::fs::read_to_string(&path).expect("a text"));
        }
    }
    text
}

#[test]
fn every_code_is_shown_and_has_its_paragraph_in_the_guide() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // In the program a code stands in quotes; in comments a family stands with dots.
    let program: BTreeSet<String> = read_all(&root.join("src"), ".rs").split('"').flat_map(codes).collect();
    let guide = include_str!("../../../../deploy/playbooks/diagnostics.md");
    let paragraphs: BTreeSet<String> =
        guide.lines().filter_map(|line| line.strip_prefix("**")).flat_map(codes).collect();
    assert_eq!(program, paragraphs, "one paragraph a code, and no other");
    let mut shown = codes(&read_all(&root.join("tests/broken"), ".snap"));
    // Asks an organisation, so it has a test of its own beside the snapshots.
    shown.insert("PB0801".to_owned());
    assert_eq!(program.difference(&shown).collect::<Vec<_>>(), Vec::<&String>::new(), "never seen by a test");
}

#[test]
fn there_are_at_least_sixty_broken_playbooks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let snapshots = std::fs::read_dir(folder).expect("a folder").filter(|entry| {
        entry.as_ref().is_ok_and(|entry| entry.path().extension().is_some_and(|it| it == "snap"))
    });
    assert!(snapshots.count() >= 60);
}
