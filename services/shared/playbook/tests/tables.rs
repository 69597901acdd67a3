//! Free-standing decision tables: cells, hit policies, exact checks at the edges.

use playbook::{Facts, Lang, Playbook, Value, render_all};

const BASE: &str = include_str!("broken/base.yaml");

fn load(table: &str) -> Result<Playbook, String> {
    let tables = format!("tables:\n  fee:\n{table}");
    Playbook::load(&[("base.yaml", BASE), ("tables.yaml", &tables)])
        .map_err(|found| render_all(&found, Lang::En))
}

const FEE: &str = "
    inputs: [value, urgent]
    outputs: { amount: money, level: int }
    rows:
      - { if: { value: '<= 1000' }, then: { amount: 0, level: 0 } }
      - { if: { value: '(1000..2000]', urgent: false }, then: { amount: 50, level: 1 } }
      - { if: { value: '(1000..2000]', urgent: true }, then: { amount: 80.50, level: 2 } }
      - { if: { value: '> 2000' }, then: { amount: 100, level: 3 } }
";

fn fee(yuan_cents: i64, urgent: bool) -> (Option<Value>, Option<Value>) {
    let playbook = load(FEE).unwrap_or_else(|report| panic!("{report}"));
    let facts =
        Facts::new().with("value", Value::money("CNY", yuan_cents)).with("urgent", Value::Bool(urgent));
    (playbook.tables["fee"].value(&facts, "amount"), playbook.tables["fee"].value(&facts, "level"))
}

#[test]
fn bounds_belong_where_they_are_written() {
    for (cents, urgent, amount, level) in [
        (0, true, 0, 0),
        (100_000, true, 0, 0),
        (100_001, false, 5_000, 1),
        (100_001, true, 8_050, 2),
        (200_000, false, 5_000, 1),
        (200_001, true, 10_000, 3),
    ] {
        let expected = (Some(Value::money("CNY", amount)), Some(Value::Int(level)));
        assert_eq!(fee(cents, urgent), expected, "{cents} {urgent}");
    }
}

#[test]
fn one_fen_of_gap_is_found() {
    let report = load(&FEE.replace("'> 2000'", "'> 2000.01'")).expect_err("2000.01 is nowhere");
    assert!(report.contains("PB0301") && report.contains("value = 2000.01 CNY"), "{report}");
}

#[test]
fn one_fen_of_overlap_is_found() {
    let report = load(&FEE.replace("'> 2000'", "'>= 2000'")).expect_err("2000.00 is twice");
    assert!(report.contains("PB0302") && report.contains("value = 2000.00 CNY"), "{report}");
}

#[test]
fn a_cell_of_another_type_is_found() {
    let report = load(&FEE.replace("urgent: true", "urgent: perhaps")).expect_err("not a flag");
    assert!(report.contains("PB0303"), "{report}");
}

#[test]
fn not_excludes_and_a_list_includes() {
    let playbook = load(
        "
    hit: first
    inputs: [category, urgent]
    outputs: { who: code }
    rows:
      - { if: { category: not wheel }, then: brakes }
      - { if: { category: [wheel, brake], urgent: true }, then: fast }
    otherwise: slow
",
    )
    .unwrap_or_else(|report| panic!("{report}"));
    let who = |facts: &Facts| playbook.tables["fee"].value(facts, "who");
    let wheel = Facts::new().with("category", Value::code("wheel"));
    assert_eq!(who(&wheel), Some(Value::code("slow")));
    assert_eq!(who(&wheel.clone().with("urgent", Value::Bool(true))), Some(Value::code("fast")));
    assert_eq!(who(&Facts::new().with("category", Value::code("brake"))), Some(Value::code("brakes")));
    assert_eq!(who(&Facts::new()), Some(Value::code("brakes")), "what is absent is not `wheel`");
}

#[test]
fn collect_gives_every_row_in_order() {
    let playbook = load(
        "
    hit: collect
    inputs: [category, urgent]
    outputs: { tag: code }
    rows:
      - { if: { urgent: true }, then: hurry }
      - { if: { category: brake }, then: danger }
",
    )
    .unwrap_or_else(|report| panic!("{report}"));
    let facts = Facts::new().with("category", Value::code("brake")).with("urgent", Value::Bool(true));
    let tags: Vec<&Value> =
        playbook.tables["fee"].decide(&facts).into_iter().flat_map(|row| &row.out).collect();
    assert_eq!(tags, [&Value::code("hurry"), &Value::code("danger")]);
    assert!(playbook.tables["fee"].decide(&Facts::new()).is_empty());
}

#[test]
fn a_table_with_too_many_combinations_is_refused() {
    let rows: String = (0..400)
        .map(|n| format!("      - {{ if: {{ value: '{n}', price: '{n}' }}, then: {{ level: {n} }} }}\n"))
        .collect();
    let table = format!(
        "    hit: first\n    inputs: [value, price]\n    outputs: {{ level: int }}\n    rows:\n{rows}"
    );
    let report = load(&table).expect_err("more than a million combinations");
    assert!(report.contains("PB0305"), "{report}");
}

#[test]
fn one_id_in_two_files_is_found() {
    let again = "clocks:\n  whole:\n    name: { zh: 全程, en: again }\n";
    let found = Playbook::load(&[("base.yaml", BASE), ("more.yaml", again)]).expect_err("twice");
    assert!(found.iter().any(|d| d.code == "PB0005" && d.file == "more.yaml" && d.line == 2), "{found:?}");
}

#[test]
fn the_highest_severity_counts_whatever_the_order_of_the_rows() {
    let text = BASE
        .replace("        hit: unique\n", "        hit: collect\n")
        .replace(
            "{ if: { category: brake }, then: high }",
            "{ if: { category: brake }, then: high, code: brakes }",
        )
        .replace("{ category: wheel, urgent: true }, then: high", "{ urgent: true }, then: low, code: hurry");
    let playbook =
        Playbook::load(&[("shop.yaml", &text)]).unwrap_or_else(|f| panic!("{}", render_all(&f, Lang::En)));
    let facts = Facts::new().with("category", Value::code("brake")).with("urgent", Value::Bool(true));
    let judged = playbook.types["repair"].classify(&facts);
    assert_eq!(judged.severity, "high");
    assert_eq!(judged.reasons.iter().map(|r| r.code.as_str()).collect::<Vec<_>>(), ["brakes", "hurry"]);
}

fn derived(table: &str, change: &[(&str, &str)], facts: &Facts) -> Facts {
    let text = change.iter().fold(BASE.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    });
    let tables = format!("tables:\n{table}");
    let playbook = Playbook::load(&[("base.yaml", &text), ("tables.yaml", &tables)])
        .unwrap_or_else(|found| panic!("{}", render_all(&found, Lang::En)));
    let mut facts = facts.clone();
    playbook.types["repair"].derive(&mut facts);
    facts
}

const CHAIN: &str = "
  a_total:
    outputs: { total: money }
    inputs: [dear]
    rows:
      - { if: { dear: true }, then: '= value + fee' }
    otherwise: { then: '= value' }
  b_fee:
    outputs: { fee: money, dear: bool }
    inputs: [value]
    rows:
      - { if: { value: '> 1000' }, then: { fee: '= value / 3', dear: true } }
    otherwise: { then: { fee: 0, dear: false } }
";

#[test]
fn what_tables_give_are_facts_for_other_tables_whatever_their_order() {
    let known = Facts::new().with("value", Value::money("CNY", 200_000));
    let facts = derived(CHAIN, &[], &known);
    assert_eq!(facts.minor("fee"), Some(66_667), "to the nearest fen");
    assert_eq!((facts.flag("dear"), facts.minor("total")), (true, Some(266_667)));
    let cheaper = derived(CHAIN, &[], &facts.with("value", Value::money("CNY", 50)));
    assert_eq!((cheaper.flag("dear"), cheaper.minor("total")), (false, Some(50)));
}

#[test]
fn what_rests_on_something_absent_is_absent_itself() {
    let before = Facts::new().with("total", Value::money("CNY", 1));
    let facts = derived(CHAIN, &[], &before);
    assert_eq!((facts.minor("fee"), facts.get("total")), (Some(0), None));
}

#[test]
fn what_is_collected_adds_up() {
    let table = "
  extras:
    hit: collect
    outputs: { extra: money, points: int, why: code, hard: bool }
    inputs: [urgent, category]
    rows:
      - { if: { urgent: true }, then: { extra: 50, points: 2, why: hurry, hard: false } }
      - { if: { category: brake }, then: { extra: '= money(\"20.50\")', points: 1, why: danger, hard: true } }
";
    let known = Facts::new().with("urgent", Value::Bool(true)).with("category", Value::code("brake"));
    let facts = derived(table, &[], &known);
    assert_eq!((facts.minor("extra"), facts.int("points"), facts.flag("hard")), (Some(7_050), Some(3), true));
    assert_eq!(facts.get("why"), Some(&Value::Codes(vec!["hurry".into(), "danger".into()])));
    assert!(derived(table, &[], &Facts::new()).is_empty());
}

#[test]
fn a_case_is_judged_by_what_tables_give() {
    let table = "
  risk:
    outputs: { risky: bool }
    inputs: [value]
    rows:
      - { if: { value: '> 1000' }, then: true }
    otherwise: false
";
    let change = [
        ("        inputs: [category, urgent]\n", "        inputs: [category, risky]\n"),
        ("{ category: wheel, urgent: true }", "{ category: wheel, risky: true }"),
        ("{ category: wheel, urgent: false }", "{ category: wheel, risky: false }"),
    ];
    let text = change.iter().fold(BASE.to_owned(), |text, (old, new)| text.replace(old, new));
    let playbook = Playbook::load(&[("base.yaml", &text), ("t.yaml", &format!("tables:\n{table}"))])
        .unwrap_or_else(|found| panic!("{}", render_all(&found, Lang::En)));
    let severity = |yuan: i64| {
        let facts = Facts::new()
            .with("category", Value::code("wheel"))
            .with("value", Value::money("CNY", yuan * 100));
        playbook.types["repair"].classify(&facts).severity
    };
    assert_eq!((severity(1_000), severity(1_001)), ("low".to_owned(), "high".to_owned()));
    assert!(playbook.check().is_empty() && playbook.unsupported().is_empty());
}
