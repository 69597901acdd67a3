//! The exploration speaks bits, the services walk steps: both must mean the same.

use proptest::prelude::*;

use super::graph::{Graph, Phase, State};
use crate::{load, model::Playbook, step::DoneSteps};

fn playbook() -> &'static Playbook {
    static PLAYBOOK: std::sync::OnceLock<Playbook> = std::sync::OnceLock::new();
    let text = include_str!("../../../../../deploy/playbooks/dealer-group/playbook.yaml");
    PLAYBOOK.get_or_init(|| load::load(&[("playbook.yaml", text)]).expect("it loads"))
}

proptest! {
    #[test]
    fn what_is_ready_is_the_same(done: u64, pick: prop::sample::Index) {
        let case_type = &playbook().types["complaint"];
        let graph = Graph::new(playbook(), case_type).unwrap_or_else(|costs| panic!("too large: {costs:?}"));
        let everything = graph.universe.indices(|_| true);
        let choices = graph.universe.choices(0, &everything);
        let facts = choices[pick.index(choices.len())];
        let state = State {
            done: done & ((1 << case_type.steps.len()) - 1),
            asked: 0, clocks: 0, open: 0, phase: Phase::Working, followed: false, facts,
        };
        let steps: DoneSteps = case_type.steps.iter().enumerate()
            .filter(|(at, _)| state.done & (1 << at) != 0)
            .map(|(_, s)| s.id.clone())
            .collect();
        let full = graph.universe.facts(facts);
        let ready = graph.ready(&state);
        let by_bits: Vec<&str> = case_type.steps.iter().enumerate()
            .filter(|(at, _)| ready & (1 << at) != 0)
            .map(|(_, s)| s.id.as_str())
            .collect();
        let by_steps: Vec<&str> = case_type.ready_steps(&steps, &full).into_iter().map(|s| s.id.as_str()).collect();
        prop_assert_eq!(by_bits, by_steps);
        prop_assert_eq!(graph.is_complete(&state), case_type.work_complete(&steps, &full));
    }
}
