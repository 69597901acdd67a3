//! What serves names no rule book, and a service that did would be found.

use std::path::Path;

use xtask::generality::{self, Vocabulary};
use xtask::workspace;

fn found(source: &str) -> Vec<String> {
    let vocabulary = Vocabulary::read(&workspace::root().join("deploy/playbooks")).unwrap();
    vocabulary.look(Path::new("gate.rs"), source).iter().map(ToString::to_string).collect()
}

#[test]
fn no_service_names_a_rule_a_rule_book_or_a_case_type() {
    let found: Vec<String> = generality::found().unwrap().iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_number_in_a_refusal_a_pack_and_a_case_type_are_found_with_their_lines() {
    assert_eq!(
        found("fn no() {\n    refuse().rule(\"DG-18\")\n}"),
        ["gate.rs:2: `DG-18` belongs to a rule book, not to a service"]
    );
    assert_eq!(found("if book == \"trade-credit\" {").len(), 1);
    assert_eq!(found("let text = \"see PM-03 and FR-11\";").len(), 2);
    assert_eq!(found("match it.case_type { \"complaint\" => 1 }").len(), 1);
}

#[test]
fn comments_tests_and_other_words_may_say_what_they_like() {
    for fine in [
        "/// Nobody approves his own request (DG-18).\nfn x() { say(\"own-request\") }",
        "let quote = '\"'; // \"complaint\"",
        "fn x() {}\n#[cfg(test)]\nmod tests {\n    const A: &str = \"DG-18\";\n}",
        "let text = \"UTF-16, a complaint about it, ISO-10\";",
    ] {
        assert!(found(fine).is_empty(), "{fine}");
    }
}
