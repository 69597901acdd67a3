//! A few scenarios of the rule books in the running services. All of them: `cargo xtask test --live-scenarios`.

use hotline::playbook::live::Pack;
use playbook::Lang;
use tests::live::{Course, Slot, play};

/// From different rule books: a whole life, an approval refused to who asks, calls that reach nobody, a night without
/// anybody, a round that comes by itself, numbers of parcels.
const CHOSEN: [(&str, &str); 6] = [
    ("bicycle-shop", "a wheel is mended in time"),
    ("bicycle-shop", "dear repairs need the desk as well"),
    ("dealer-group", "given up after three tries only"),
    ("tenants", "a call by night that nobody takes"),
    ("property", "those with complaints come first"),
    ("e-commerce", "not shipped with a wrong address or phone"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenarios_hold_in_the_running_services() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/playbooks");
    let packs = Pack::all(folder.as_ref()).expect("the rule books can be read");
    let mut slot = Slot::open().await.expect("engines start");
    for (name, words) in CHOSEN {
        let pack = packs.iter().find(|pack| pack.name == name).expect("the rule book is there");
        let course = Course::of(pack).expect("it loads");
        let scenario = pack.scenarios.iter().find(|scenario| scenario.scenario.contains(words));
        let scenario = scenario.unwrap_or_else(|| panic!("{name} has no scenario about `{words}`"));
        let verdict = play(&mut slot, scenario, &course).await.expect("the system serves");
        assert!(verdict.holds(), "{name}: {words}\n{}", verdict.render(Lang::En));
        assert!(verdict.timeline.len() > 3, "something happened");
    }
    slot.close().await.expect("engines stop");
}
