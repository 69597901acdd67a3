//! Follow-ups by letter and visit, and series of them.

use crate::{play, shop};

#[test]
fn a_visit_finds_somebody_in_or_not() {
    play(
        &shop(&[("    kind: call\n", "    kind: visit\n")]),
        "
scenario: nobody in, then visited
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve }
  - { after: 10m, do: done, step: mend }
  - { after: 10m, do: done, step: hand_back, form: { rides_well: true } }
  - { after: 10m, do: not_reached, outcome: busy, refused: invalid }
  - { after: 10m, do: not_reached }
  - { after: 2h, do: call, answers: { satisfaction: 5 }, refused: no-call-back }
  - { after: 2h, do: visit, refused: invalid }
  - { after: 2h, do: visit, answers: { satisfaction: 5 } }
then:
  - { event: follow_up.attempted(content), outcome: not_in, times: 1 }
  - { event: survey.answered(content), outcome: happy, times: 1 }
  - { event: follow_up.completed, outcome: content, times: 1 }
  - { case: closed }
",
    );
}

#[test]
fn a_letter_goes_out_or_comes_back() {
    let questions = "    questions:
      satisfaction: { kind: scale, from: 1, to: 5, text: { zh: 满意吗？, en: 'Content?' } }
    unhappy: known(satisfaction) && satisfaction <= 2
    on_unhappy: { reopen_within_days: 7 }
";
    play(
        &shop(&[("    kind: call\n", "    kind: letter\n"), (questions, "")]),
        "
scenario: the closing waits for the letter
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve }
  - { after: 10m, do: done, step: mend }
  - { after: 10m, do: done, step: hand_back, form: { rides_well: true } }
  - { after: 10m, do: close, refused: any }
  - { after: 10m, do: not_reached, outcome: no_answer, refused: invalid }
  - { after: 10m, do: not_reached }
  - { after: 1 working day, do: send }
then:
  - { event: follow_up.attempted(content), outcome: returned, times: 1 }
  - { event: follow_up.recorded(content), times: 1 }
  - { case: closed }
",
    );
}

#[test]
fn a_series_comes_point_by_point_long_after_the_case_is_closed() {
    let more = "follow_ups:
  later:
    name: { zh: 回访系列, en: series }
    kind: call
    after: ticket.closed
    series: [7 days, 30 days, 90 days]
    due: 2 working days
    by: desk
    attempts: { max: 2, every: 1 working day }
    script: { zh: 还好骑吗？, en: Does it still ride well? }
    questions:
      still: { kind: scale, from: 1, to: 5, text: { zh: 满意吗？, en: 'Content?' } }
    unhappy: known(still) && still <= 2
    on_unhappy: linked
";
    let book = shop(&[("follow_ups:\n", more)]);
    play(
        &book,
        "
scenario: a week, a month and three months
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve }
  - { after: 10m, do: done, step: mend }
  - { after: 10m, do: done, step: hand_back, form: { rides_well: true } }
  - { after: 10m, do: call, answers: { satisfaction: 5 } }
  - { after: 3 days, do: call, rule: later, refused: no-call-back }
  - { after: 6 days, do: call, rule: later, answers: { still: 5 } }
  - { after: 30 days, do: call, rule: later, answers: { still: 1 } }
until: 80 days
then:
  - { case: closed, cycle: 1 }
  - { event: follow_up.scheduled(later), times: 3 }
  - { event: survey.answered(later), outcome: happy, times: 1 }
  - { event: survey.answered(later), outcome: unhappy, times: 1 }
  - { event: ticket.linked }
---
scenario: a new cycle ends the series of the one before
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 10m, do: done, step: estimate, form: { price: 100 } }
  - { after: 10m, do: approve }
  - { after: 10m, do: done, step: mend }
  - { after: 10m, do: done, step: hand_back, form: { rides_well: true } }
  - { after: 10m, do: call, answers: { satisfaction: 5 } }
  - { after: 1 day, do: reopen }
until: 60 days
then:
  - { case: open, cycle: 2 }
  - { event: follow_up.scheduled(later), times: 0 }
",
    );
}
