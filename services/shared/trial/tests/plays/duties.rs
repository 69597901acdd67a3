//! Duties: opened by themselves on their day, done with a proof in time, told of when they are missing.

use crate::{play, shop};

fn book() -> String {
    shop(&[(
        "figures:\n",
        "duties:
  count_tools:
    name: { zh: 清点工具, en: count the tools }
    role: mechanic
    recurs: FREQ=WEEKLY;BYDAY=WE
    due: end of shift
    proof: list
    tell_late: owner
figures:
",
    )])
}

#[test]
fn a_duty_comes_on_its_day_and_is_done_with_its_proof() {
    play(
        &book(),
        "
scenario: every Wednesday
given: { do: nothing }
when:
  - { at: '2026-03-04 09:30', do: acknowledge, duty: count_tools }
  - { after: 10m, do: done, step: perform, proofs: [], refused: needs-proof }
  - { after: 10m, do: done, step: perform }
until: 10 days
then:
  - { case: closed }
  - { clock: duty_count_tools, is: met, due: '2026-03-04 18:00' }
  - { event: ticket.opened, at: '2026-03-04 09:00', times: 2 }
  - { told: mechanic.B1, by: duty_count_tools, times: 2 }
---
scenario: nobody counts them
given: { do: nothing }
when:
  - { at: '2026-03-04 20:00', do: nothing, duty: count_tools }
then:
  - { case: open }
  - { clock: duty_count_tools, is: breached, due: '2026-03-04 18:00' }
  - { escalated: duty_count_tools, to: owner, at: '2026-03-04 18:00', times: 1 }
---
scenario: cases of customers go on beside it
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
then:
  - { case: open, ready: [estimate] }
",
    );
}

#[test]
fn days_of_a_holiday_wait_for_its_end_as_one() {
    let daily = book().replace("FREQ=WEEKLY;BYDAY=WE", "FREQ=DAILY");
    play(
        &daily,
        "
scenario: the Spring Festival of 2026, with the Saturday worked before it
calendar: china
at: '2026-02-13 10:00'
given: { do: nothing }
when:
  - { at: '2026-02-23 20:00', do: nothing }
then:
  - { event: ticket.opened, times: 1 }
---
scenario: once when it is over, and daily from there on
calendar: china
at: '2026-02-13 10:00'
given: { do: nothing }
when:
  - { at: '2026-02-25 20:00', do: nothing }
then:
  - { event: ticket.opened, times: 3 }
",
    );
}
