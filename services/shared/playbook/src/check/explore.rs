//! Playing a case type through: every order of work, every outcome, every re-classification.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use super::{
    Findings,
    graph::{Graph, Happening, Phase, State},
    quick::Quick,
    universe::{Costs, Packed},
    words::{too_large, words},
};
use crate::{
    case::{CaseType, Seal},
    load::table::show,
};

/// Markings looked at before a type counts as too large.
const MOST_STATES: usize = 300_000;
/// Ways from one marking to another before a type counts as too large: some seconds of work.
const MOST_WAYS: usize = 12_000_000;

pub(super) fn explore(found: &mut Findings<'_>, case_type: &CaseType) {
    let place = format!("types/{}", case_type.id);
    let explored = Graph::new(found.playbook, case_type).and_then(|graph| Explorer::new(graph).run());
    match explored {
        Ok(explorer) => explorer.tell(found),
        Err(costs) => too_large(found, &place, &costs),
    }
}

/// Something wrong in some marking, told once per subject with the first example.
pub(super) struct Trouble {
    pub code: &'static str,
    /// Step or clock, empty for the type.
    pub subject: String,
    facts: Packed,
}

struct Explorer<'p> {
    graph: Graph<'p>,
    /// Facts that a re-classification changes.
    classes: Vec<usize>,
    reclassified: HashMap<Packed, Rc<[Packed]>, Quick>,
    seen: HashMap<State, usize, Quick>,
    queue: Vec<State>,
    edges: Vec<(u32, u32)>,
    /// Ways looked at so far.
    ways: usize,
    ends: Vec<usize>,
    ready_once: u64,
    started_once: u64,
    troubles: Vec<Trouble>,
}

impl<'p> Explorer<'p> {
    fn new(graph: Graph<'p>) -> Self {
        let derived = &graph.case_type.derived;
        let judged = |name: &str| matches!(name, "severity" | "category");
        let follows = |name: &str| ["severity", "category"].iter().any(|fact| derived.rests_on(name, fact));
        let classes = graph.universe.indices(|name| judged(name) || follows(name));
        Self {
            graph,
            classes,
            reclassified: HashMap::default(),
            seen: HashMap::default(),
            queue: Vec::new(),
            edges: Vec::new(),
            ways: 0,
            ends: Vec::new(),
            ready_once: 0,
            started_once: 0,
            troubles: Vec::new(),
        }
    }

    /// Fails when there is too much to look at.
    fn run(mut self) -> Result<Self, Costs> {
        let universe = &self.graph.universe;
        let at_once =
            [universe.ways(&self.first_facts()), universe.ways(&self.classes), self.graph.most_reports()];
        if at_once.into_iter().any(|ways| ways > MOST_STATES) {
            return Err(universe.costs());
        }
        for facts in self.starts() {
            let mut state = State {
                done: 0,
                asked: 0,
                clocks: 0,
                open: 0,
                phase: Phase::Offered,
                followed: false,
                facts,
            };
            self.graph.emit(&mut state, Happening::Opened);
            self.graph.emit(&mut state, Happening::Dispatched);
            self.visit(None, state);
        }
        let mut next = 0;
        while next < self.queue.len() {
            let state = self.queue[next];
            self.expand(next, state);
            next += 1;
            if self.queue.len() > MOST_STATES || self.ways > MOST_WAYS {
                return Err(self.graph.universe.costs());
            }
        }
        self.look_for_traps();
        Ok(self)
    }

    /// Facts as a case may have them when it is opened; what steps find out is not there yet.
    fn starts(&self) -> Vec<Packed> {
        self.graph.universe.choices(0, &self.first_facts())
    }

    fn first_facts(&self) -> Vec<usize> {
        let fields = || self.graph.case_type.steps.iter().flat_map(|s| &s.fields).flat_map(|f| f.facts());
        let later = |name: &str| name == "outcome" || fields().any(|(fact, _)| fact == name);
        self.graph.universe.indices(|name| !later(name))
    }

    fn visit(&mut self, from: Option<usize>, state: State) {
        self.ways += 1;
        let to = match self.seen.get(&state) {
            Some(at) => *at,
            None => {
                let at = self.queue.len();
                self.seen.insert(state, at);
                self.queue.push(state);
                self.look(&state);
                at
            }
        };
        if let Some(from) = from {
            self.edges.push((number(from), number(to)));
        }
    }

    fn expand(&mut self, at: usize, state: State) {
        match state.phase {
            Phase::Offered => {
                let mut next = State { phase: Phase::Working, ..state };
                self.graph.emit(&mut next, Happening::Acknowledged);
                self.graph.settle(&mut next);
                self.visit(Some(at), next);
            }
            Phase::Working => self.expand_work(at, &state),
            Phase::Sealed if state.open == 0 || self.graph.case_type.closes_before_follow_ups() => {
                let mut next = State { phase: Phase::Closed, ..state };
                self.graph.emit(&mut next, Happening::Closed);
                self.visit(Some(at), next);
            }
            Phase::Sealed => {}
            Phase::Closed => self.ends.push(at),
        }
        self.expand_follow_ups(at, &state);
        self.expand_reclassified(&state);
    }

    fn expand_work(&mut self, at: usize, state: &State) {
        let ready = self.graph.ready(state);
        self.ready_once |= ready;
        for step in (0..self.graph.case_type.steps.len()).filter(|s| ready & (1 << s) != 0) {
            for next in self.graph.work(state, step) {
                self.visit(Some(at), next);
            }
        }
    }

    fn expand_follow_ups(&mut self, at: usize, state: &State) {
        for bit in (0..self.graph.follow_ups.len()).filter(|bit| state.open & (1 << bit) != 0) {
            for next in self.graph.call(state, bit) {
                self.visit(Some(at), next);
            }
        }
    }

    /// A case may become another category or severity at any time until its work is sealed.
    fn expand_reclassified(&mut self, state: &State) {
        if !matches!(state.phase, Phase::Offered | Phase::Working) {
            return;
        }
        for facts in self.other_classes(state.facts).iter().copied() {
            if facts != state.facts {
                let mut next = State { facts, ..*state };
                self.graph.emit(&mut next, Happening::Reclassified);
                self.graph.settle(&mut next);
                // No edge: a case must be able to end without being called something else.
                self.visit(None, next);
            }
        }
    }

    /// Markings share their facts: what they may become is found once for each.
    fn other_classes(&mut self, facts: Packed) -> Rc<[Packed]> {
        let (universe, classes) = (&self.graph.universe, &self.classes);
        let found = self.reclassified.entry(facts).or_insert_with(|| universe.choices(facts, classes).into());
        Rc::clone(found)
    }

    /// What must hold in every marking.
    fn look(&mut self, state: &State) {
        self.started_once |= state.clocks;
        match state.phase {
            Phase::Offered => self.look_offered(state),
            Phase::Working => self.look_working(state),
            Phase::Sealed => {
                if state.clocks == 0 && state.open != 0 {
                    self.trouble("PB0511", "follow_up", state);
                }
                if state.open == 0
                    && !state.followed
                    && self.graph.case_type.closing.needs.contains(&Seal::FollowUp)
                {
                    self.trouble("PB0510", "", state);
                }
            }
            Phase::Closed => self.look_closed(state),
        }
    }

    fn look_offered(&mut self, state: &State) {
        if self.graph.silence & state.clocks == 0 {
            let silence = self.graph.case_type.routing.on_silence.as_deref();
            self.trouble("PB0509", silence.unwrap_or_default(), state);
        }
    }

    fn look_working(&mut self, state: &State) {
        let ready = self.graph.ready(state);
        for clock in self.graph.orphans(state) {
            let id = self.graph.clocks[clock].id.as_str();
            self.trouble("PB0611", id, state);
        }
        let case_type = self.graph.case_type;
        for (at, step) in case_type.steps.iter().enumerate() {
            let waits = ready & (1 << at) != 0;
            if waits && self.graph.step_clocks[at] & state.clocks == 0 {
                self.trouble("PB0508", &step.id, state);
            }
        }
    }

    fn look_closed(&mut self, state: &State) {
        let case_type = self.graph.case_type;
        for (mark, steps) in &case_type.closing.marks {
            let set = |id: &String| {
                case_type.steps.iter().position(|s| s.id == *id).is_some_and(|at| state.done & (1 << at) != 0)
            };
            if !steps.is_empty() && !steps.iter().any(set) {
                self.trouble("PB0506", &format!("{mark:?}").to_lowercase(), state);
            }
        }
        let running: Vec<String> = (0..self.graph.clocks.len())
            .filter(|at| state.clocks & (1 << at) != 0)
            .filter(|at| state.open == 0 || !self.graph.clocks[*at].watches_follow_ups())
            .map(|at| self.graph.clocks[at].id.clone())
            .collect();
        for clock in running {
            self.trouble("PB0609", &clock, state);
        }
    }

    fn trouble(&mut self, code: &'static str, subject: &str, state: &State) {
        if !self.troubles.iter().any(|t| t.code == code && t.subject == subject) {
            self.troubles.push(Trouble { code, subject: subject.to_owned(), facts: state.facts });
        }
    }

    /// From every marking an end can be reached: walk back from the ends.
    fn look_for_traps(&mut self) {
        self.edges.sort_unstable_by_key(|(from, to)| (*to, *from));
        self.edges.dedup();
        let mut safe = vec![false; self.queue.len()];
        let mut stack: Vec<u32> = self.ends.iter().copied().map(number).collect();
        while let Some(at) = stack.pop() {
            if !std::mem::replace(&mut safe[at as usize], true) {
                let first = self.edges.partition_point(|(_, to)| *to < at);
                stack.extend(
                    self.edges[first..].iter().take_while(|(_, to)| *to == at).map(|(from, _)| *from),
                );
            }
        }
        // The last one found is the deepest in: nearest to what holds it.
        if let Some(trapped) = safe.iter().rposition(|s| !s) {
            let state = self.queue[trapped];
            let ready = self.graph.ready(&state);
            let waiting =
                self.graph.case_type.steps.iter().enumerate().find(|(at, _)| ready & (1 << at) != 0);
            let subject = waiting.map(|(_, s)| s.id.clone()).unwrap_or_default();
            self.trouble("PB0512", &subject, &state);
        }
    }

    fn tell(self, found: &mut Findings<'_>) {
        let case_type = self.graph.case_type;
        for trouble in &self.troubles {
            let facts = self.describe(trouble.facts);
            let (place, zh, en) = words(&case_type.id, trouble, &facts);
            found.error(trouble.code, &place, zh, en);
        }
        if !self.troubles.is_empty() {
            return;
        }
        for (_, step) in case_type.steps.iter().enumerate().filter(|(at, _)| self.ready_once & (1 << at) == 0)
        {
            found.error(
                "PB0502",
                &format!("types/{}/steps/{}", case_type.id, step.id),
                format!("步骤“{}”永远轮不到", step.id),
                format!("the step `{}` can never be reached", step.id),
            );
        }
        for (at, clock) in self
            .graph
            .clocks
            .iter()
            .enumerate()
            .filter(|(_, c)| !c.types.is_empty() || found.playbook.types.len() == 1)
        {
            if self.started_once & (1 << at) == 0 {
                found.warning(
                    "PB0606",
                    &format!("clocks/{}", clock.id),
                    format!("时钟“{}”从来不会启动", clock.id),
                    format!("the clock `{}` never starts", clock.id),
                );
            }
        }
    }

    fn describe(&self, facts: Packed) -> String {
        let facts = self.graph.universe.facts(facts);
        let parts: BTreeSet<String> =
            facts.iter().map(|(name, value)| format!("{name} = {}", show(value))).collect();
        if parts.is_empty() { "-".into() } else { parts.into_iter().collect::<Vec<_>>().join(", ") }
    }
}

/// Of a marking; there are fewer than `MOST_STATES` by far.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
