//! Conditions: our typed evaluation, and that it agrees with the CEL interpreter wherever that gives an answer.

use cel::{Context, Program};
use playbook::{Condition, Facts, Kind, Value};
use proptest::prelude::*;

const KINDS: &[(&str, Kind)] = &[
    ("a", Kind::Int),
    ("b", Kind::Int),
    ("flag", Kind::Bool),
    ("other", Kind::Bool),
    ("word", Kind::Code),
    ("words", Kind::Codes),
    ("price", Kind::Money),
    ("paid", Kind::Money),
    ("day", Kind::Date),
];

fn condition(source: &str) -> Condition {
    match Condition::parse(source, "CNY", KINDS) {
        Ok(condition) => condition,
        Err(found) => panic!("{source}: {found:?}"),
    }
}

fn holds(source: &str, facts: &Facts) -> bool {
    condition(source).holds(facts)
}

fn some() -> Facts {
    Facts::new()
        .with("a", Value::Int(3))
        .with("b", Value::Int(4))
        .with("flag", Value::Bool(true))
        .with("word", Value::code("red"))
        .with("words", Value::Codes(vec!["red".into(), "blue".into()]))
        .with("price", Value::money("CNY", 10_050))
        .with("day", Value::Date(jiff::civil::date(2026, 2, 28)))
}

#[test]
fn every_construct_has_its_meaning() {
    for (source, expected) in [
        ("a < b && flag", true),
        ("a + 1 == b", true),
        ("-a < 0", true),
        ("a * b % 5 == 2", true),
        ("b / a == 1", true),
        ("word == 'red'", true),
        ("word in ['green', 'red']", true),
        ("a in [1, 2]", false),
        ("'blue' in words", true),
        ("word in words", true),
        ("count(words) == 2", true),
        ("any(words, ['blue', 'green'])", true),
        ("all(words, ['blue', 'green'])", false),
        ("price > money(100) && price == money('100.50')", true),
        ("price * 2 == money(201)", true),
        ("day + 1 == date('2026-03-01')", true),
        ("date('2026-03-10') - day == 10", true),
        ("(flag ? a : b) == 3", true),
        ("!(flag || other)", false),
    ] {
        assert_eq!(holds(source, &some()), expected, "{source}");
    }
}

#[test]
fn what_is_absent_never_fails_and_never_decides() {
    let none = Facts::new();
    for (source, expected) in [
        ("other", false),
        ("!other", true),
        ("other == false", true),
        ("a > 0", false),
        ("a <= 0", false),
        ("a == 0", false),
        ("a != 0", true),
        ("word == 'red'", false),
        ("a + 1 > 0 || flag", false),
        ("known(a)", false),
        ("count(words) == 0", true),
        ("word in ['red']", false),
    ] {
        assert_eq!(holds(source, &none), expected, "{source}");
    }
}

#[test]
fn arithmetic_that_has_no_answer_is_absent() {
    let facts = Facts::new().with("a", Value::Int(i64::MAX)).with("b", Value::Int(0));
    assert!(!holds("a + 1 > 0", &facts));
    assert!(!holds("a / b == 0", &facts));
    assert!(!holds("a % b == 0", &facts));
    assert!(!holds("-a - 2 < 0", &facts), "below the smallest integer");
}

#[test]
fn money_of_two_currencies_is_never_compared() {
    let facts = Facts::new().with("price", Value::money("EUR", 100)).with("paid", Value::money("CNY", 100));
    assert!(
        !holds("price == paid", &facts) && !holds("price <= paid", &facts) && !holds("price >= paid", &facts)
    );
    assert!(!holds("price + paid > money(0)", &facts));
}

#[test]
fn what_it_reads_is_known() {
    assert_eq!(
        condition("b > a && (flag || word in words) && b > 1").reads(),
        ["a", "b", "flag", "word", "words"]
    );
}

#[test]
fn a_deep_condition_is_refused_rather_than_overflowing_the_stack() {
    let deep = format!("{}flag{}", "(flag&&".repeat(110), ")".repeat(110));
    assert!(Condition::parse(&deep, "CNY", KINDS).is_err());
    let long = vec!["flag"; 400].join(" && ");
    assert!(Condition::parse(&long, "CNY", KINDS).is_err(), "too long");
}

fn int() -> impl Strategy<Value = String> {
    let leaf =
        prop_oneof![Just("a".to_owned()), Just("b".to_owned()), (0i64..20).prop_map(|n| n.to_string())];
    leaf.prop_recursive(2, 8, 2, |inner| {
        (inner.clone(), prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%")], inner)
            .prop_map(|(x, op, y)| format!("({x} {op} {y})"))
    })
}

fn truth() -> impl Strategy<Value = String> {
    let compared =
        (int(), prop_oneof![Just("<"), Just("<="), Just("=="), Just("!="), Just(">"), Just(">=")], int())
            .prop_map(|(x, op, y)| format!("{x} {op} {y}"));
    let word = prop_oneof![Just("'red'"), Just("'blue'"), Just("word")];
    let words = (word.clone(), word).prop_map(|(x, y)| format!("{x} == {y} || {x} in ['red', 'green']"));
    let leaf = prop_oneof![compared, words, Just("flag".to_owned()), Just("other".to_owned())];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(x, y)| format!("({x}) && ({y})")),
            (inner.clone(), inner.clone()).prop_map(|(x, y)| format!("({x}) || ({y})")),
            inner.clone().prop_map(|x| format!("!({x})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(c, x, y)| format!("(({c}) ? ({x}) : ({y}))")),
        ]
    })
}

proptest! {
    #[test]
    fn it_agrees_with_the_cel_interpreter(
        source in truth(), a in -9i64..9, b in -9i64..9, flag: bool, other: bool, red: bool,
    ) {
        prop_assume!(source.chars().count() <= 900);
        let word = if red { "red" } else { "blue" };
        let mut context = Context::default();
        context.add_variable_from_value("a", a);
        context.add_variable_from_value("b", b);
        context.add_variable_from_value("flag", flag);
        context.add_variable_from_value("other", other);
        context.add_variable_from_value("word", word.to_owned());
        let program = Program::compile(&source).expect("generated CEL parses");
        // Where CEL fails (division by zero) we go on with "absent"; that is tested above.
        if let Ok(cel::Value::Bool(expected)) = program.execute(&context) && !source.contains(['/', '%']) {
            let facts = Facts::new()
                .with("a", Value::Int(a))
                .with("b", Value::Int(b))
                .with("flag", Value::Bool(flag))
                .with("other", Value::Bool(other))
                .with("word", Value::code(word));
            prop_assert_eq!(condition(&source).holds(&facts), expected, "{}", source);
        }
    }
}
