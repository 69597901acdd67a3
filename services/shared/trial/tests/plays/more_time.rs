//! Extensions of a clock: asked for before the deadline, granted by another, on record with the old deadline.

use crate::{play, shop};

fn book() -> String {
    shop(&[
        (
            "      - { share: 80, tell: mechanic }\n    ladder:\n      - { after: 0, tell: owner }\n",
            "      - { share: 80, tell: mechanic }\n    extension: { ask: mechanic, approve: owner, by_at_most: 2 working days, times: 1 }\n    ladder:\n      - { after: 0, tell: owner }\n      - { after: 1 working day, tell: desk }\n",
        ),
        (
            "figures:\n",
            "  more_time_refused:\n    on: { on: clock.extension_decided(whole), when: outcome == 'refused' }\n    to: desk\n    channel: sms\n    template: { zh: '{number} 延期未获批', en: '{number}: no more time' }\nfigures:\n",
        ),
    ])
}

#[test]
fn more_time_is_asked_for_granted_and_moves_the_deadline() {
    play(
        &book(),
        "
scenario: two more days
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 1 working day, do: extend, clock: whole, for: 2 working days, reason: parts_late }
  - { after: 5m, do: extend, clock: whole, refused: extension-open }
  - { after: 5m, do: grant, clock: whole, by: mechanic, refused: own-request }
  - { after: 5m, do: grant, clock: whole, by: desk, refused: not-yours }
  - { after: 5m, do: grant, clock: whole }
  - { after: 5m, do: grant, clock: whole, refused: nothing-asked }
  - { after: 5m, do: extend, clock: whole, refused: no-more-extensions }
until: 4 working days
then:
  - { event: clock.extension_asked(whole), to: owner, times: 1 }
  - { event: clock.extension_decided(whole), outcome: approved, times: 1 }
  - { event: clock.moved(whole), times: 1 }
  - { told: owner.B1, by: extension-asked, times: 1 }
  - { told: mechanic.B1, by: extension-decided, times: 1 }
  - { told: desk, by: more_time_refused, times: 0 }
  - { clock: whole, is: breached, due: '2026-03-07 10:00' }
  - { escalated: whole, rung: 1, to: owner, at: '2026-03-07 10:00' }
---
scenario: refused, nothing moves
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 1h, do: extend, clock: whole }
  - { after: 1h, do: deny, clock: whole }
until: 1h
then:
  - { clock: whole, is: running, due: '2026-03-05 10:00' }
  - { told: desk, by: more_time_refused, times: 1 }
---
scenario: asked before, granted after the deadline; the breach stands, later rungs move
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { at: '2026-03-05 09:00', do: extend, clock: whole, for: 1 working day }
  - { at: '2026-03-05 12:00', do: grant, clock: whole }
until: 5 working days
then:
  - { clock: whole, is: breached, due: '2026-03-05 10:00' }
  - { escalated: whole, rung: 1, at: '2026-03-05 10:00' }
  - { escalated: whole, rung: 2, to: desk, at: '2026-03-07 10:00' }
",
    );
}

#[test]
fn more_time_is_never_asked_for_after_the_deadline() {
    play(
        &book(),
        "
scenario: too late, too much, not by everybody
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 5m, do: extend, clock: whole, for: 3 working days, refused: invalid }
  - { after: 5m, do: extend, clock: whole, for: 1 day, refused: invalid }
  - { after: 5m, do: extend, clock: whole, by: owner, refused: not-yours }
  - { after: 5m, do: extend, clock: hand_off, refused: no-extension }
  - { after: 4 working days, do: extend, clock: whole, refused: too-late }
then:
  - { clock: whole, is: breached, due: '2026-03-05 10:00' }
  - { event: clock.extension_asked, times: 0 }
",
    );
}

#[test]
fn a_pause_after_the_grant_moves_the_longer_deadline() {
    play(
        &book(),
        "
scenario: waiting for parts, after more time was granted
given: { type: repair, form: { customer_name: X, category: brake } }
when:
  - { after: 10m, do: acknowledge }
  - { after: 1h, do: extend, clock: whole, for: 1 working day }
  - { after: 10m, do: grant, clock: whole }
  - { after: 10m, do: wait, for: parts }
  - { after: 1 working day, do: go_on, for: parts }
then:
  - { clock: whole, is: running, due: '2026-03-07 10:00' }
",
    );
}
