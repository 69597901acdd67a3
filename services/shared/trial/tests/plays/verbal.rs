//! Approvals by word of mouth, paper later.

use crate::{play, shop};

fn book() -> String {
    shop(&[(
        "    stage_limit: soon\n",
        "    stage_limit: soon\n    verbal:\n      paper_within: 1 working day\n      ladder:\n        - { after: 0, tell: holder }\n        - { after: 1 working day, tell: desk }\n",
    )])
}

#[test]
fn a_word_counts_at_once_and_the_paper_is_waited_for() {
    play(
        &book(),
        "
scenario: approved by word of mouth, signed in time
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve, verbally: mechanic, refused: own-request }
  - { after: 10m, do: approve, verbally: desk, refused: no-approver }
  - { after: 10m, do: reject, verbally: owner, refused: invalid }
  - { after: 10m, do: approve, verbally: owner }
  - { after: 10m, do: done, step: mend }
  - { after: 10m, do: done, step: hand_back, form: { rides_well: true } }
  - { after: 10m, do: confirm, by: mechanic, refused: own-request }
  - { after: 10m, do: confirm, by: desk, refused: not-yours }
  - { after: 10m, do: confirm }
  - { after: 10m, do: confirm, refused: no-paper-due }
then:
  - { event: approval.verbal(agree), to: owner.B1, times: 1 }
  - { event: approval.decided(agree), outcome: approved, times: 1 }
  - { clock: paper_prices, is: met, due: '2026-03-03 11:00' }
  - { event: work.completed, times: 1 }
---
scenario: without the paper the work is not complete, and it is asked for
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve, verbally: owner }
  - { after: 10m, do: done, step: mend }
  - { after: 10m, do: done, step: hand_back, form: { rides_well: true } }
until: 3 working days
then:
  - { case: open, ready: [] }
  - { event: work.completed, times: 0 }
  - { clock: paper_prices, is: breached, due: '2026-03-03 10:30' }
  - { escalated: paper_prices, rung: 1, to: owner.B1, at: '2026-03-03 10:30' }
  - { escalated: paper_prices, rung: 2, to: desk, at: '2026-03-04 10:30' }
---
scenario: late paper, then the case goes on
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve, verbally: owner }
  - { after: 10m, do: done, step: mend }
  - { after: 10m, do: done, step: hand_back, form: { rides_well: true } }
  - { after: 2 working days, do: confirm }
then:
  - { clock: paper_prices, is: met_late }
  - { event: work.completed, times: 1 }
",
    );
}

#[test]
fn who_never_said_so_denies_it_and_the_work_goes_back() {
    play(
        &book(),
        "
scenario: denied
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve, verbally: owner }
  - { after: 10m, do: deny_paper }
then:
  - { case: open, ready: [estimate] }
  - { event: approval.confirmed(agree), outcome: denied, times: 1 }
  - { event: approval.decided(agree), outcome: rejected, times: 1 }
  - { clock: paper_prices, is: met }
---
scenario: the first of two stages by word, the second signed
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 1000 } }
  - { after: 10m, do: approve, verbally: owner }
  - { after: 10m, do: deny_paper }
then:
  - { case: open, ready: [estimate] }
",
    );
}

#[test]
fn only_what_the_rule_book_allows_is_approved_by_word_of_mouth() {
    play(
        &shop(&[]),
        "
scenario: signed or not at all
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve, verbally: owner, refused: no-verbal }
then:
  - { case: open }
",
    );
}
