//! The ground that requests and tables are read on: the sample rule book and a few invented branches.

use std::{collections::BTreeSet, sync::LazyLock};

use jiff::civil::date;
use organisation::Snapshot;
use playbook::Playbook;
use trial::ground::Ground;

pub const RULE_BOOK: &str = include_str!("../../../deploy/playbooks/dealer-group/playbook.yaml");
pub const CHINA: &str = include_str!("../../../deploy/calendars/china.yaml");

/// The sample rule book in force, with two branches.
pub static DIRECTORY: LazyLock<Snapshot> = LazyLock::new(|| {
    let files = [("playbook.yaml", RULE_BOOK)];
    let book = Playbook::load(&files).expect("the sample rule book loads");
    let branches: BTreeSet<String> = ["SF-01", "SF-02"].map(str::to_owned).into();
    Ground::imagined(&book, &branches, &[]).with(&files).snapshot().expect("an organisation")
});

/// What tables of complaints are read against.
pub fn imports(source: &str) -> hotline::import::row::Ground {
    let branch =
        |code: &str, name: &str| hotline::import::row::Branch { code: code.into(), name: name.into() };
    hotline::import::row::Ground {
        branches: vec![branch("SF-01", "一店"), branch("SF-02", "二店")],
        day: date(2026, 3, 2),
        at: "2026-03-02T00:00:00Z".parse().expect("a moment"),
        source: source.to_owned(),
    }
}
