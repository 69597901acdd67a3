//! Whatever order two sources arrive in, and however often they repeat themselves, a case ends the
//! same.

use intake_core::Ticket;
use playbook::{Facts, Value};
use proptest::prelude::*;
use proto::{Id, follow_up::v1::FollowUpRecorded};

use crate::world::World;

/// What dispatch and follow-up say about one cycle, each in its order.
const DISPATCH: usize = 4;
const FOLLOW_UP: usize = 2;

fn dispatch(world: &mut World, id: Id, place: usize) {
    let reference = world.ticket(id).reference();
    match place {
        0 => world.step_done_of(
            reference,
            "judge",
            &[],
            Facts::new().with("judged_nature", Value::code("major")),
        ),
        1 => world.step_done_of(reference, "tell", &["answered", "told"], Facts::new()),
        2 => world.step_done_of(reference, "carry_out", &["resolved"], Facts::new()),
        _ => world.work_completed_of(reference),
    }
}

fn follow_up(world: &mut World, id: Id, place: usize) {
    let reference = world.ticket(id).reference();
    match place {
        0 => world.intake.hear(FollowUpRecorded {
            ticket: Some(reference),
            marks: vec!["told".into()],
            ..Default::default()
        }),
        _ => world.follow_up_completed_of(reference, "content", ""),
    }
}

/// Plays both sources, interleaved by `turns`; `again` repeats what was just said.
fn play(turns: &[bool], again: &[bool]) -> (Ticket, Vec<String>) {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.said();
    let (mut from_dispatch, mut from_follow_up) = (0, 0);
    for (turn, again) in turns.iter().zip(again) {
        let dispatch_next = (*turn && from_dispatch < DISPATCH) || from_follow_up == FOLLOW_UP;
        for _ in 0..=usize::from(*again) {
            if dispatch_next {
                dispatch(&mut world, id, from_dispatch);
            } else {
                follow_up(&mut world, id, from_follow_up);
            }
        }
        if dispatch_next { from_dispatch += 1 } else { from_follow_up += 1 }
    }
    (world.ticket(id), world.said())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_case_ends_the_same_in_every_order(
        turns in proptest::collection::vec(any::<bool>(), DISPATCH + FOLLOW_UP),
        again in proptest::collection::vec(any::<bool>(), DISPATCH + FOLLOW_UP),
    ) {
        let in_order = [true, true, true, true, false, false];
        let (expected, _) = play(&in_order, &[false; DISPATCH + FOLLOW_UP]);
        prop_assert!(!expected.is_open());
        let (ticket, said) = play(&turns, &again);
        prop_assert_eq!(ticket, expected);
        prop_assert_eq!(said.iter().filter(|name| *name == "closed").count(), 1);
        prop_assert_eq!(said.iter().filter(|name| *name == "reclassified").count(), 1);
    }
}
