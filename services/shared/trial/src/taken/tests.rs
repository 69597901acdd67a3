use std::collections::BTreeSet;

use super::*;
use crate::ground::Ground;

const BOOK: &str = include_str!("../../../../../deploy/playbooks/dealer-group/playbook.yaml");
const SCENARIOS: &str = include_str!("../../../../../deploy/playbooks/dealer-group/complaints.test.yaml");

fn book() -> Book {
    Book::read(&[("playbook.yaml".to_owned(), BOOK.to_owned())]).expect("well formed")
}

fn place(book: &Book, name: &str) -> Place {
    book.places().into_iter().find(|place| place.name == name).unwrap_or_else(|| panic!("no place {name}"))
}

fn noticed_without(name: &str) -> Vec<String> {
    let (book, scenarios) = (book(), scenario::read("s", SCENARIOS).expect("readable"));
    let place = place(&book, name);
    let variants = book.lacking(&place);
    let mut all = BTreeSet::new();
    for variant in &variants {
        let files: Vec<(&str, &str)> = variant.texts.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        let ground =
            Ground::imagined(&variant.playbook, &BTreeSet::from(["B1".to_owned()]), &[]).with(&files);
        let directory = ground.snapshot().expect("it loads");
        all.extend(noticed(&place.rules, &scenarios, &directory, &variant.playbook));
    }
    assert!(!variants.is_empty(), "{name} cannot be taken away");
    all.into_iter().collect()
}

#[test]
fn a_book_written_again_says_the_same() {
    let (texts, lines) = book().texts();
    let again = Playbook::load(&[("playbook.yaml", &texts[0].1)]).expect("it loads");
    let whole = Playbook::load(&[("playbook.yaml", BOOK)]).expect("it loads");
    assert_eq!(again.to_json(), whole.to_json());
    assert_eq!(texts[0].1.lines().count(), lines[0].len());
}

#[test]
fn scenarios_notice_the_rows_steps_and_limits_that_they_show() {
    assert_eq!(noticed_without("types/complaint/classify/severity/rows/3"), ["DG-10"]);
    assert_eq!(noticed_without("types/complaint/steps/approve_solution/approval"), ["DC-06", "DG-18"]);
    assert_eq!(noticed_without("clocks/prewarn_24h/limit"), ["DG-11"]);
    assert_eq!(noticed_without("clocks/prewarn_24h"), ["DG-11"]);
}

#[test]
fn what_no_scenario_looks_at_is_not_noticed() {
    assert!(noticed_without("types/complaint/classify/severity/rows/4").is_empty());
    assert!(noticed_without("figures/opened").is_empty());
}

#[test]
fn what_names_a_clause_goes_with_it() {
    let book = book();
    let variants = book.lacking(&place(&book, "types/complaint/steps/prewarn"));
    let [variant] = variants.as_slice() else { panic!("{} variants", variants.len()) };
    let case_type = variant.playbook.case_type("complaint").expect("it stays");
    assert!(case_type.step("prewarn").is_none());
    assert!(case_type.step("report_up").is_some_and(|step| step.needs.is_empty()));
}

#[test]
fn a_row_that_must_stand_decides_as_another() {
    let text =
        BOOK.replace("to: gm, reason: true }\n      on_silence", "to: gm }\n      on_silence").replace(
            "handler: sales-manager, helpers: [receptionist] } }\n        - if",
            "handler: sales-manager, helpers: [receptionist] }, rules: [DC-04] }\n        - if",
        );
    let book = Book::read(&[("playbook.yaml".to_owned(), text)]).expect("well formed");
    let variants = book.lacking(&place(&book, "types/complaint/route/rows/3"));
    let [variant] = variants.as_slice() else { panic!("{} variants", variants.len()) };
    let rows = &variant.playbook.case_type("complaint").expect("it stays").routing.table.rows;
    assert_eq!(rows[2].out, rows[0].out);
}

#[test]
fn every_clause_of_a_whole_rule_book_can_be_taken_away_or_says_that_it_cannot() {
    let book = book();
    let places = book.places();
    let fixed: Vec<&str> = places
        .iter()
        .filter(|place| book.lacking(place).is_empty())
        .map(|place| place.name.as_str())
        .collect();
    assert!(
        places.len() > 150 && fixed.len() * 20 < places.len(),
        "{} of {}: {fixed:?}",
        fixed.len(),
        places.len()
    );
}
