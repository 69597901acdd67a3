//! Steps that open another case beside their own.

use crate::{play, shop};

const PART_ORDER: &str = "  part_order:
    name: { zh: 订件, en: part order }
    channels:
      phone: { zh: 电话, en: phone }
    form:
      customer_name: { kind: text, label: { zh: 姓名, en: name }, required: true }
      category:
        kind: choice
        label: { zh: 类别, en: category }
        required: true
        options:
          wheel: { zh: 车轮, en: wheel }
          brake: { zh: 刹车, en: brake }
      price: { kind: money, label: { zh: 价格, en: price }, required: true }
    severities:
      low: { zh: 一般, en: low }
    route:
      receiver: mechanic
      hit: first
      inputs: [category]
      rows:
        - { if: { category: wheel }, then: { unit: workshop, handler: mechanic } }
      otherwise: { then: { unit: workshop, handler: mechanic } }
      on_refusal: { to: owner }
      on_silence: hand_off
    steps:
      fetch:
        name: { zh: 取件, en: fetch it }
        by: handler
        clocks: [whole]
        marks: [answered, resolved, told]
    closing: { needs: [work], reopen_days: 7 }
approvals:
";

/// A repair whose part is ordered in a case of its own.
fn book(opens: &str) -> String {
    let order = format!(
        "      order:
        name: {{ zh: 订件, en: order the part }}
        by: handler
        needs: [agree]
        clocks: [whole]
        opens: {opens}
      mend:
        name: {{ zh: 修理, en: mend }}
        by: handler
        needs: [order]
"
    );
    shop(&[
        (
            "      mend:\n        name: { zh: 修理, en: mend }\n        by: handler\n        needs: [agree]\n",
            &order,
        ),
        ("approvals:\n", PART_ORDER),
        (
            "    kind: call\n    after: work.completed\n",
            "    kind: call\n    types: [repair]\n    after: work.completed\n",
        ),
    ])
}

#[test]
fn the_step_waits_for_the_case_that_it_opened() {
    play(
        &book("{ type: part_order }"),
        "
scenario: the part is ordered in a case of its own, and the repair goes on when that is closed
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve }
  - { after: 10m, do: done, step: order, refused: needs-linked-case }
  - { after: 10m, do: acknowledge, type: part_order }
  - { after: 10m, do: done, step: fetch }
  - { do: nothing, type: repair }
then:
  - { case: open, ready: [mend] }
  - { event: ticket.opened, times: 2 }
  - { event: ticket.linked(opens), times: 1 }
  - { event: ticket.linked(opened_for), times: 1 }
  - { event: ticket.link_closed(order), outcome: resolved, times: 1 }
  - { event: work.step_done(order), times: 1 }
---
scenario: until then nothing goes on, and the clock of the repair does
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve }
until: 5 working days
then:
  - { case: open, ready: [order] }
  - { clock: whole, is: breached }
  - { event: work.step_done(order), times: 0 }
",
    );
}

#[test]
fn a_step_that_does_not_wait_is_done_as_soon_as_the_case_is_there() {
    play(
        &book("{ type: part_order, wait: false }"),
        "
scenario: ordered and gone on
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve }
then:
  - { case: open, ready: [mend] }
  - { event: ticket.link_closed(order), times: 0 }
---
scenario: the case that was opened has what its form asks for
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve }
  - { do: nothing, type: part_order }
then:
  - { case: open, category: brake, severity: low, cycle: 1 }
",
    );
}
