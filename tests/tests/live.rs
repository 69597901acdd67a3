//! A few scenarios of the rule books in the running services. All of them: `cargo xtask test --live-scenarios`.

use hotline::playbook::live::Pack;
use playbook::Lang;
use tests::live::{Course, Slot, play};

/// From different rule books: a whole life, a deadline that passes, an approval refused to who asks, a duty, a letter, a figure.
const CHOSEN: [(&str, &str); 4] = [
    ("bicycle-shop", "a wheel is mended in time and the customer is content"),
    ("bicycle-shop", "nobody takes the work, so the owner hears of it and then the desk"),
    ("bicycle-shop", "dear repairs need the desk as well, and nobody approves his own request"),
    ("bicycle-shop", "what does not ride well is mended again, and waiting for parts stops the clock"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenarios_hold_in_the_running_services() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/playbooks");
    let packs = Pack::all(folder.as_ref()).expect("the rule books can be read");
    let mut slot = Slot::open().await.expect("engines start");
    for (name, sentence) in CHOSEN {
        let pack = packs.iter().find(|pack| pack.name == name).expect("the rule book is there");
        let course = Course::of(pack).expect("it loads");
        let scenario = pack.scenarios.iter().find(|scenario| scenario.scenario == sentence);
        let scenario = scenario.unwrap_or_else(|| panic!("{name} has no scenario `{sentence}`"));
        let verdict = play(&mut slot, scenario, &course).await.expect("the system serves");
        assert!(verdict.holds(), "{name}: {sentence}\n{}", verdict.render(Lang::En));
        assert!(verdict.timeline.len() > 3, "something happened");
    }
    slot.close().await.expect("engines stop");
}
