//! A case type as bits: what is done, which clocks run, which follow-ups are open, and what each event does to them.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::{
    quick::Quick,
    reads::{conditions, looked_for, sets_fact, stoppers, transient, triggers},
    universe::{Costs, Packed, Universe},
};
use crate::{
    case::CaseType,
    clock::Clock,
    condition::Condition,
    event::APPROVED_VERBALLY,
    facts::Value,
    follow_up::FollowUp,
    load::names::DONE,
    model::Playbook,
    step::{Step, with_followers},
};

/// One marking of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub done: u64,
    /// Approvals asked for and not decided.
    pub asked: u64,
    pub clocks: u64,
    /// Follow-ups scheduled and not completed.
    pub open: u64,
    pub phase: Phase,
    /// A follow-up has been scheduled at some time.
    pub followed: bool,
    pub facts: Packed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// Handed off, not acknowledged.
    Offered,
    Working,
    /// Work is complete; only follow-ups are open.
    Sealed,
    Closed,
}

/// An event of the case; steps and follow-ups by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Happening {
    Opened,
    Dispatched,
    Acknowledged,
    Reclassified,
    StepDone(usize),
    Asked(usize),
    Decided(usize),
    Completed,
    Scheduled(usize),
    Attempted(usize),
    Recorded(usize),
    FollowedUp(usize),
    Closed,
}

/// What an event does: clocks stopped, clocks started, follow-ups scheduled.
#[derive(Clone, Copy, Default)]
struct Effect {
    stop: u64,
    start: u64,
    follow: u64,
}

pub(super) struct Graph<'p> {
    pub case_type: &'p CaseType,
    pub clocks: Vec<&'p Clock>,
    pub follow_ups: Vec<&'p FollowUp>,
    pub universe: Universe,
    needs: Vec<u64>,
    /// Steps to be done again when a step is.
    again: Vec<u64>,
    /// Facts that live only while their own step's event is handled.
    transient: u64,
    /// Steps that stop each clock; 0 when something else does.
    stoppers: Vec<u64>,
    /// Variables that each step's fields set.
    sets: Vec<Vec<usize>>,
    /// Clocks that a step names, and the one that watches the hand-off.
    pub step_clocks: Vec<u64>,
    pub silence: u64,
    /// Steps that conditions look for in `done`.
    watched: u64,
    /// Ready and settled steps, by which apply and which are done: far fewer than markings.
    standing: RefCell<HashMap<(u64, u64), (u64, u64), Quick>>,
    /// What a step's report may come to.
    reports: RefCell<HashMap<(usize, Packed), Rc<[Packed]>, Quick>>,
    effects: RefCell<HashMap<(Happening, Packed, u64), Effect, Quick>>,
    applies: RefCell<HashMap<Packed, u64, Quick>>,
    /// Steps undone by a step's loops.
    undone: RefCell<HashMap<(usize, Packed), u64, Quick>>,
}

impl<'p> Graph<'p> {
    pub fn new(playbook: &'p Playbook, case_type: &'p CaseType) -> Result<Self, Costs> {
        // Whether somebody approves by word of mouth is no move of the case: it goes on as if he had signed.
        let by_word = |clock: &&Clock| triggers(clock).any(|t| t.event == APPROVED_VERBALLY);
        let clocks: Vec<&Clock> = playbook.clocks_for(&case_type.id).filter(|c| !by_word(c)).collect();
        let follow_ups: Vec<&FollowUp> = playbook
            .follow_ups
            .iter()
            .filter(|f| f.applies_to(&case_type.id) && f.series.is_none())
            .collect();
        if clocks.len() > 64 || follow_ups.len() > 64 || case_type.steps.len() > 64 {
            return Err(Costs::new());
        }
        let conditions = conditions(case_type, &clocks, &follow_ups);
        let universe = Universe::new(playbook, case_type, &conditions)?;
        let steps = &case_type.steps;
        let bit = |id: &str| steps.iter().position(|s| s.id == id).map_or(0, |at| 1u64 << at);
        let mask = |ids: Vec<&str>| ids.into_iter().map(bit).fold(0, |a, b| a | b);
        let needs = steps.iter().map(|s| mask(s.needs.iter().map(String::as_str).collect())).collect();
        let stoppers = clocks.iter().map(|c| stoppers(c, bit)).collect();
        let watched =
            conditions.iter().filter(|c| c.reads().contains(&DONE)).fold(0, |m, c| m | looked_for(c, bit));
        let again = steps.iter().map(|s| mask(with_followers(steps, &s.id))).collect();
        let transient = transient(case_type, &clocks, &follow_ups);
        let transient = universe.mask_of(|name| transient.iter().any(|t| t == name));
        let sets = steps.iter().map(|s| universe.indices(|name| sets_fact(case_type, s, name))).collect();
        let clock_bit = |id: &String| clocks.iter().position(|c| c.id == *id).map_or(0, |at| 1u64 << at);
        let step_clocks =
            steps.iter().map(|s| s.clocks.iter().map(clock_bit).fold(0, |a, b| a | b)).collect();
        let silence = case_type.routing.on_silence.as_ref().map_or(0, clock_bit);
        Ok(Self {
            case_type,
            step_clocks,
            silence,
            standing: RefCell::default(),
            reports: RefCell::default(),
            clocks,
            follow_ups,
            universe,
            needs,
            again,
            stoppers,
            transient,
            sets,
            watched,
            effects: RefCell::default(),
            applies: RefCell::default(),
            undone: RefCell::default(),
        })
    }

    /// The most results that working on one step may have.
    pub fn most_reports(&self) -> usize {
        self.sets.iter().map(|variables| self.universe.ways(variables)).max().unwrap_or_default()
    }

    fn applies(&self, facts: Packed) -> u64 {
        if let Some(mask) = self.applies.borrow().get(&facts) {
            return *mask;
        }
        let full = self.universe.facts(facts);
        let steps = self.case_type.steps.iter().enumerate();
        let mask = steps.filter(|(_, s)| s.applies(&full)).fold(0, |m, (at, _)| m | 1 << at);
        self.applies.borrow_mut().insert(facts, mask);
        mask
    }

    /// Steps ready in a marking; the same meaning as `CaseType::ready_steps`.
    pub fn ready(&self, state: &State) -> u64 {
        self.standing(state).0
    }

    fn standing(&self, state: &State) -> (u64, u64) {
        let key = (self.applies(state.facts), state.done);
        if let Some(standing) = self.standing.borrow().get(&key) {
            return *standing;
        }
        let (applies, done) = key;
        let settled = self.settled(applies, done);
        let steps = self.needs.iter().enumerate();
        let ready = steps
            .filter(|(at, needs)| applies & !done & (1 << at) != 0 && *needs & !settled == 0)
            .fold(0, |m, (at, _)| m | 1 << at);
        self.standing.borrow_mut().insert(key, (ready, settled));
        (ready, settled)
    }

    fn settled(&self, applies: u64, done: u64) -> u64 {
        let mut settled = done;
        loop {
            let before = settled;
            for (at, needs) in self.needs.iter().enumerate() {
                if applies & (1 << at) == 0 && needs & !settled == 0 {
                    settled |= 1 << at;
                }
            }
            if settled == before {
                return settled;
            }
        }
    }

    pub fn is_complete(&self, state: &State) -> bool {
        self.standing(state).1.count_ones() as usize == self.needs.len()
    }

    /// Lets an event happen.
    pub fn emit(&self, state: &mut State, happening: Happening) {
        let effect = self.effect(happening, state.facts, state.done & self.watched);
        state.clocks = (state.clocks & !effect.stop) | effect.start;
        state.open |= effect.follow;
        state.followed |= effect.follow != 0;
        for at in (0..self.follow_ups.len()).filter(|at| effect.follow & (1 << at) != 0) {
            self.emit(state, Happening::Scheduled(at));
        }
    }

    fn effect(&self, happening: Happening, facts: Packed, done: u64) -> Effect {
        if let Some(effect) = self.effects.borrow().get(&(happening, facts, done)) {
            return *effect;
        }
        let (event, subject) = self.event(happening);
        let mut full = self.universe.facts(facts);
        full.set(DONE, Value::Codes(self.names_of(done)));
        let mut effect = Effect::default();
        for (at, clock) in self.clocks.iter().enumerate() {
            let gone = event == "ticket.reclassified" && !Condition::met(clock.when.as_ref(), &full);
            if gone || clock.stopped_by(event, subject, &full) || clock.cancelled_by(event, subject, &full) {
                effect.stop |= 1 << at;
            }
            if clock.started_by(event, subject, &full).is_some() {
                effect.start |= 1 << at;
            }
        }
        for (at, follow_up) in self.follow_ups.iter().enumerate() {
            if follow_up.is_due_after(event, subject, &full) {
                effect.follow |= 1 << at;
            }
        }
        self.effects.borrow_mut().insert((happening, facts, done), effect);
        effect
    }

    fn names_of(&self, done: u64) -> Vec<String> {
        let steps = self.case_type.steps.iter().enumerate();
        steps.filter(|(at, _)| done & (1 << at) != 0).map(|(_, s)| s.id.clone()).collect()
    }

    fn event(&self, happening: Happening) -> (&'static str, Option<&'p str>) {
        let step = |at: usize| Some(self.case_type.steps[at].id.as_str());
        let follow_up = |at: usize| Some(self.follow_ups[at].id.as_str());
        match happening {
            Happening::Opened => ("ticket.opened", None),
            Happening::Dispatched => ("work.dispatched", None),
            Happening::Acknowledged => ("work.acknowledged", None),
            Happening::Reclassified => ("ticket.reclassified", None),
            Happening::StepDone(at) => ("work.step_done", step(at)),
            Happening::Asked(at) => ("approval.asked", step(at)),
            Happening::Decided(at) => ("approval.decided", step(at)),
            Happening::Completed => ("work.completed", None),
            Happening::Scheduled(at) => ("follow_up.scheduled", follow_up(at)),
            Happening::Attempted(at) => ("follow_up.attempted", follow_up(at)),
            Happening::Recorded(at) => ("follow_up.recorded", follow_up(at)),
            Happening::FollowedUp(at) => ("follow_up.completed", follow_up(at)),
            Happening::Closed => ("ticket.closed", None),
        }
    }

    /// Asks for approvals that have become ready; seals the work when nothing is left.
    pub fn settle(&self, state: &mut State) {
        if state.phase != Phase::Working {
            return;
        }
        let ready = self.ready(state);
        state.asked &= ready;
        for (at, step) in self.case_type.steps.iter().enumerate() {
            if step.approval.is_some() && ready & !state.asked & (1 << at) != 0 {
                state.asked |= 1 << at;
                self.emit(state, Happening::Asked(at));
            }
        }
        if self.is_complete(state) {
            state.phase = Phase::Sealed;
            self.emit(state, Happening::Completed);
        }
    }

    /// Everything that can happen when a step is worked on.
    pub fn work(&self, state: &State, at: usize) -> Vec<State> {
        let step = &self.case_type.steps[at];
        if step.approval.is_some() { self.decide(state, at, step) } else { self.report(state, at) }
    }

    fn report(&self, state: &State, at: usize) -> Vec<State> {
        let outcomes = self.outcomes(state.facts, at);
        outcomes.iter().map(|facts| self.finish(State { facts: *facts, ..*state }, at)).collect()
    }

    fn outcomes(&self, facts: Packed, at: usize) -> Rc<[Packed]> {
        if let Some(outcomes) = self.reports.borrow().get(&(at, facts)) {
            return Rc::clone(outcomes);
        }
        let outcomes: Rc<[Packed]> = self.universe.choices(facts, &self.sets[at]).into();
        self.reports.borrow_mut().insert((at, facts), Rc::clone(&outcomes));
        outcomes
    }

    fn finish(&self, mut state: State, at: usize) -> State {
        state.done |= 1 << at;
        state.done &= !self.undone_by(at, state.facts);
        self.emit(&mut state, Happening::StepDone(at));
        state.facts &= !self.transient;
        self.settle(&mut state);
        state
    }

    fn undone_by(&self, at: usize, facts: Packed) -> u64 {
        if let Some(mask) = self.undone.borrow().get(&(at, facts)) {
            return *mask;
        }
        let full = self.universe.facts(facts);
        let lead = self.case_type.steps[at].leads.iter().find(|lead| lead.when.holds(&full));
        let mask = lead.map_or(0, |lead| self.again_from(&lead.to));
        self.undone.borrow_mut().insert((at, facts), mask);
        mask
    }

    fn decide(&self, state: &State, at: usize, step: &Step) -> Vec<State> {
        let with_outcome = |outcome: &str| self.with_outcome(state.facts, outcome);
        let asked = state.asked & !(1 << at);
        let mut approved =
            State { facts: with_outcome("approved"), asked, done: state.done | 1 << at, ..*state };
        self.emit(&mut approved, Happening::Decided(at));
        approved.facts = state.facts;
        let back = step.approval.as_ref().map_or(0, |a| self.again_from(&a.refused_to));
        let mut refused = State { facts: with_outcome("refused"), asked, done: state.done & !back, ..*state };
        self.emit(&mut refused, Happening::Decided(at));
        refused.facts = state.facts;
        self.settle(&mut refused);
        vec![self.finish(approved, at), refused]
    }

    fn with_outcome(&self, facts: Packed, outcome: &str) -> Packed {
        let variable = self.universe.find("outcome");
        variable.map_or(facts, |variable| variable.set(facts, &Value::code(outcome)))
    }

    /// The customer is reached, or the follow-up is given up.
    pub fn call(&self, state: &State, at: usize) -> [State; 2] {
        let ended = |said: &[(Happening, &str)]| {
            let mut next = State { open: state.open & !(1 << at), ..*state };
            for (happening, outcome) in said {
                next.facts = self.with_outcome(state.facts, outcome);
                self.emit(&mut next, *happening);
            }
            State { facts: state.facts, ..next }
        };
        let (attempted, over) = (Happening::Attempted(at), Happening::FollowedUp(at));
        [
            ended(&[(attempted, "reached"), (Happening::Recorded(at), ""), (over, "happy")]),
            ended(&[(attempted, "unreached"), (over, "given_up")]),
        ]
    }

    /// Step clocks that run although every step that stops them is done: nothing will meet them any more.
    pub fn orphans(&self, state: &State) -> Vec<usize> {
        let running = (0..self.clocks.len()).filter(|at| state.clocks & (1 << at) != 0);
        running.filter(|at| self.stoppers[*at] != 0 && self.stoppers[*at] & !state.done == 0).collect()
    }

    fn again_from(&self, step: &str) -> u64 {
        self.case_type.steps.iter().position(|s| s.id == step).map_or(0, |at| self.again[at])
    }
}
