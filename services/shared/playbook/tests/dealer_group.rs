//! The dealer group's playbook loads, and says what the rules say.

use playbook::{Facts, Lang, Playbook, Value, render_all};

const TEXT: &str = include_str!("../../../../deploy/playbooks/dealer-group/playbook.yaml");

fn playbook() -> Playbook {
    match Playbook::load(&[("playbook.yaml", TEXT)]) {
        Ok(playbook) => playbook,
        Err(found) => panic!("{}", render_all(&found, Lang::En)),
    }
}

#[test]
fn it_loads() {
    assert_eq!(playbook().id, "dealer-group");
}

#[test]
fn nothing_is_questionable_about_it() {
    let playbook = playbook();
    let found = playbook.check();
    assert!(found.is_empty(), "{}", render_all(&found, Lang::En));
    let lacking = playbook.unsupported();
    assert!(lacking.is_empty(), "{}", render_all(&lacking, Lang::En));
}
