//! What scenarios can say: each sentence holds where it is true, and fails where it is not.

use std::{collections::BTreeSet, sync::Arc};

use playbook::{Lang, Playbook};
use trial::{ground::Ground, scenario};

const SHOP: &str = include_str!("../../../../deploy/playbooks/bicycle-shop/playbook.yaml");

/// What does not hold, in the order of the scenarios.
fn misses(shop: &str, scenarios: &str) -> Vec<String> {
    let files = [("shop.yaml", shop)];
    let playbook = Playbook::load(&files).expect("sound");
    let ground = Ground::imagined(&playbook, &BTreeSet::from(["B1".to_owned()]), &[]).with(&files);
    let (directory, playbook) = (ground.snapshot().expect("it folds"), Arc::new(playbook));
    let scenarios = scenario::read("s.test.yaml", scenarios).expect("readable");
    let played = scenarios.iter().flat_map(|s| scenario::play(s, &directory, &playbook).misses);
    played.map(|miss| miss.get(Lang::En).to_owned()).collect()
}

const NOTHING: Vec<String> = Vec::new();

/// 15 to 23 February 2026 are days off, Saturday 14 and 28 February are worked on; the deadline is three working days.
const NEW_YEAR: &str = "
scenario: a repair of the day before the holidays
at: 2026-02-13 10:00
given: { type: repair, CALENDAR form: { customer_name: X, category: wheel } }
then:
  - { clock: whole, is: running, due: 'DUE' }
";

#[test]
fn holidays_and_make_up_days_count_under_a_calendar_that_comes_along() {
    let under = |calendar: &str, due: &str| NEW_YEAR.replace("CALENDAR", calendar).replace("DUE", due);
    assert_eq!(misses(SHOP, &under("", "2026-02-16 10:00")), NOTHING, "open every day");
    assert_eq!(misses(SHOP, &under("calendar: china,", "2026-02-25 10:00")), NOTHING);
    let headed = format!("calendar: china\n---{}", under("", "2026-02-25 10:00"));
    assert_eq!(misses(SHOP, &headed), NOTHING, "for all scenarios of a file");
    assert_eq!(
        misses(SHOP, &under("calendar: chna,", "2026-02-16 10:00")),
        ["there is no calendar `chna`; there are china, dealer-shop, call-centre"]
    );
}

const TWO_CASES: &str = "
scenario: two repairs, one of them severe
given: { type: repair, form: { customer_name: X, category: wheel } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 1h, do: open, type: repair, form: { customer_name: Y, category: brake } }
until: 3 working days
then:
  - { figure: opened, is: 2 }
  - { figure: opened, of: B1, is: 2 }
  - { figure: taken_in_time, is: 50.0% }
  - { figure: missed, is: 1 }
";

#[test]
fn figures_are_reckoned_over_the_cases_of_a_scenario() {
    let figures = "figures:\n  taken_in_time: { name: { zh: 及时, en: in time }, kind: on_time, clock: hand_off }\n  missed: { name: { zh: 逾期, en: missed }, kind: list, on: clock.breached, clock: hand_off, columns: [number, clock] }\n";
    let shop = SHOP.replacen("figures:\n", figures, 1);
    assert_eq!(misses(&shop, TWO_CASES), NOTHING);
    let wrong = TWO_CASES
        .replace("of: B1, is: 2", "of: B1, is: 3")
        .replace("50.0%", "75")
        .replace("missed,", "lost,");
    assert_eq!(
        misses(&shop, &wrong),
        [
            "figure opened: expected 3, found 2",
            "figure taken_in_time: expected 75.0%, found 50.0%",
            "there is no figure `lost`",
        ]
    );
}

const NOBODY: &str = "
scenario: nobody takes it
given: { type: repair, form: { customer_name: X, category: brake } }
until: 1 working day
then:
  - { escalated: hand_off, rung: 1, to: owner }
  - { escalated: hand_off, rung: 1, to: desk }
  - { escalated: hand_off, rung: 1, to: mechanic, times: 0 }
  - { told: owner, by: ladder-raised }
  - { told: desk, by: ladder-raised }
  - { told: mechanic, by: new_work, times: 1 }
  - { told: desk, by: new_work, times: 1 }
";

#[test]
fn every_role_that_a_rung_or_a_message_names_was_told() {
    let shop = SHOP
        .replacen(
            "      - { after: 0, tell: owner }\n      - { after: 1h, tell: desk }",
            "      - { after: 0, tell: [owner, desk] }",
            1,
        )
        .replacen("    to: mechanic\n", "    to: [mechanic, desk]\n", 1);
    assert_ne!(shop, SHOP);
    assert_eq!(misses(&shop, NOBODY), NOTHING);
    assert_eq!(misses(SHOP, NOBODY).len(), 2, "the rung tells the owner only, the message the mechanic only");
}

const CALLED: &str = "
scenario: a repair is done and the customer is to be called
given: { type: repair, form: { customer_name: X, category: wheel } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 1h, do: done, step: estimate, form: { price: 300 } }
  - { after: 1h, do: approve }
  - { after: 2h, do: done, step: mend }
  - { after: 30m, do: done, step: hand_back, form: { rides_well: true } }
then:
  - { call: content, is: scheduled, try: '2026-03-02 14:40', due: '2026-03-03 14:40' }
---
scenario: nobody is called before the work is done
given: { type: repair, form: { customer_name: X, category: wheel } }
then:
  - { call: content, is: scheduled }
  - { call: contnt }
";

#[test]
fn a_call_back_is_planned() {
    assert_eq!(
        misses(SHOP, CALLED),
        ["call content: expected scheduled, found never planned", "there is no follow-up `contnt`",]
    );
    let late = CALLED.replace("2026-03-03 14:40", "2026-03-04 14:40");
    assert_eq!(misses(SHOP, &late)[0], "call content due: expected 2026-03-04 14:40, found 2026-03-03 14:40");
}
