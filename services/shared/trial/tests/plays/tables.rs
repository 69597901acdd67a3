//! Free-standing decision tables, and calls that open no case.

use crate::{play, shop};

/// A deposit of a tenth for dear bicycles: it decides who approves, and whether a form asks for more.
const DEPOSIT: (&str, &str) = (
    "approvals:\n",
    "tables:
  deposits:
    outputs: { deposit: money, insured: bool }
    inputs: [value]
    rows:
      - { if: { value: '> 5000' }, then: { deposit: '= value / 10', insured: true } }
    otherwise: { then: { deposit: 0, insured: false } }
approvals:
",
);

#[test]
fn a_table_decides_for_forms_steps_approvals_and_clocks() {
    let book = shop(&[
        DEPOSIT,
        (
            "      urgent: { kind: bool, label",
            "      policy: { kind: int, label: { zh: 保单, en: policy }, required: insured }\n      urgent: { kind: bool, label",
        ),
        ("kind: repair, amount: price,", "kind: repair, amount: deposit,"),
        (
            "    limit: 3 working days\n",
            "    limit:\n      - { when: insured, limit: 1 working day }\n      - { limit: 3 working days }\n",
        ),
        (
            "zh: '新维修 {number}', en: 'New repair {number}'",
            "zh: '新维修 {number} {deposit}', en: 'New repair {number} {deposit}'",
        ),
    ]);
    play(
        &book,
        "
scenario: a dear bicycle needs its policy, both approvals, and is due in a day
given: { type: repair, form: { customer_name: X, category: wheel, value: 6000 }, refused: any }
when:
  - { do: open, type: repair, form: { customer_name: X, category: wheel, value: 6000, policy: 7 } }
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 20 } }
  - { after: 10m, do: approve }
then:
  - { case: open }
  - { clock: whole, is: running, due: '2026-03-03 10:00' }
  - { event: approval.asked(agree), to: desk, times: 1 }
---
scenario: a cheap one needs neither
given: { type: repair, form: { customer_name: X, category: wheel, value: 600 } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 2000 } }
  - { after: 10m, do: approve }
then:
  - { case: open, ready: [mend] }
  - { clock: whole, is: running, due: '2026-03-05 10:00' }
---
scenario: what is learnt later is decided anew
given: { type: repair, form: { customer_name: X, category: wheel, value: 600 } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: reclassify, form: { value: 6000, policy: 7 } }
then:
  - { clock: whole, is: running, due: '2026-03-03 10:00' }
",
    );
}

#[test]
fn a_step_that_changes_what_a_table_reads_changes_what_it_gives() {
    let book = shop(&[
        (
            "approvals:\n",
            "tables:
  choice:
    outputs: { gently: bool }
    inputs: [price]
    rows:
      - { if: { price: '> 500' }, then: true }
    otherwise: false
approvals:
",
        ),
        (
            "        needs: [agree]\n        clocks: [whole]\n        marks: [resolved]\n",
            "        needs: [agree]\n        clocks: [whole]\n        marks: [resolved]\n        fields:\n          care: { kind: bool, label: { zh: 小心, en: care }, required: gently }\n",
        ),
    ]);
    play(
        &book,
        "
scenario: what is dear is mended with care
given: { type: repair, form: { customer_name: X, category: wheel } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 501 } }
  - { after: 10m, do: approve }
  - { after: 10m, do: approve }
  - { after: 10m, do: done, step: mend, refused: needs-field }
  - { after: 10m, do: done, step: mend, form: { care: true } }
then:
  - { case: open, ready: [hand_back] }
",
    );
}

#[test]
fn what_is_explained_on_the_spot_is_a_contact() {
    let book = shop(&[(
        "    form:\n      customer_name",
        "    opened_when: '!explained'\n    form:\n      explained: { kind: bool, label: { zh: 已解释, en: explained } }\n      customer_name",
    )]);
    play(
        &book,
        "
scenario: explained and done
given: { type: repair, form: { customer_name: X, category: brake, explained: true } }
until: 5 working days
then:
  - { case: not opened }
  - { event: contact.logged(brake), times: 1 }
  - { event: ticket.opened, times: 0 }
  - { event: work.dispatched, times: 0 }
---
scenario: not explained
given: { type: repair, form: { customer_name: X, category: brake } }
then:
  - { case: open }
  - { event: contact.logged, times: 0 }
",
    );
}
