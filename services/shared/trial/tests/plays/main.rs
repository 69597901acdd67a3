//! Parts of the language carried out by the services: scenarios that show each, on the bicycle shop's rule book with a
//! few words changed.

mod beside;
mod duties;
mod follow_ups;
mod more_time;
mod tables;
mod verbal;

use std::{collections::BTreeSet, sync::Arc};

use playbook::{Lang, Playbook, render_all};
use trial::{ground::Ground, scenario};

const SHOP: &str = include_str!("../../../../../deploy/playbooks/bicycle-shop/playbook.yaml");

/// The shop's rule book with words put in place of others.
fn shop(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(SHOP.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "the rule book does not say {old:?}");
        text.replace(old, new)
    })
}

/// Plays scenarios under a rule book that is sound and may be activated.
#[track_caller]
fn play(book: &str, scenarios: &str) {
    let files = [("shop.yaml", book)];
    let playbook = Playbook::load(&files).unwrap_or_else(|found| panic!("{}", render_all(&found, Lang::En)));
    let found: Vec<_> = playbook.check().into_iter().chain(playbook.unsupported()).collect();
    assert!(found.is_empty(), "{}", render_all(&found, Lang::En));
    let ground = Ground::imagined(&playbook, &BTreeSet::from(["B1".to_owned()]), &[]).with(&files);
    let (directory, playbook) = (ground.snapshot().expect("it folds"), Arc::new(playbook));
    for scenario in scenario::read("scenarios", scenarios).expect("they are readable") {
        let outcome = scenario::play(&scenario, &directory, &playbook);
        let misses: Vec<&str> = outcome.misses.iter().map(|miss| miss.get(Lang::En)).collect();
        assert!(outcome.holds(), "{}: {misses:#?}\n{}", scenario.scenario, outcome.render(Lang::En));
    }
}
