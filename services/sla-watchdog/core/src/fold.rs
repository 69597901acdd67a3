//! From evidence to clocks: what the playbook makes of everything heard, in the order of time.

mod moved;

use std::collections::BTreeSet;

use calendar::{Calendar, Limit};
use playbook::{CalendarOf, CaseType, Clock, Condition, Facts, Scope, Trigger, Value, clock::any_matches};
use proto::Time;

use crate::{
    book::Book,
    calendars,
    case::Case,
    instance::{Keys, begun, concerned},
    ledger::{Basis, How, Ledger},
    run::{End, Run},
    signal::Signal,
    waits::Waits,
};

/// How an event came out; a fact only while that event is looked at.
const OUTCOME: &str = "outcome";

/// A case as its evidence gives it.
pub(crate) struct View<'a> {
    pub facts: Facts,
    pub barred: BTreeSet<String>,
    pub branch: String,
    pub waits: Waits,
    pub runs: Vec<Run<'a>>,
    pub closed: Option<Time>,
}

/// A clock that would run but for its condition: it starts when that comes true.
struct Dormant<'a> {
    clock: &'a Clock,
    trigger: &'a Trigger,
    base: String,
    key: String,
    keys: Keys,
}

struct Fold<'a, 'b> {
    /// The newest version, and those before it.
    books: &'b Book<'a>,
    /// The one in force at the moment looked at.
    book: &'b Book<'a>,
    case: &'b Case,
    view: View<'a>,
    dormant: Vec<Dormant<'a>>,
    calendars: Vec<(String, CalendarOf, Calendar)>,
}

pub(crate) fn fold<'a>(book: &Book<'a>, case: &Case) -> View<'a> {
    let until = case.next_cycle_at();
    let mut fold = Fold::new(book, book.earlier.first().unwrap_or(book), case);
    for signal in case.evidence.iter().filter(|signal| until.is_none_or(|until| signal.at <= until)) {
        fold.pass(signal.at);
        fold.apply(signal);
    }
    if let Some(until) = until {
        fold.pass(until);
        fold.end_cycle(until, |_| true);
    }
    fold.expire_waits(case.judged);
    fold.view
}

impl<'a, 'b> Fold<'a, 'b> {
    fn new(books: &'b Book<'a>, book: &'b Book<'a>, case: &'b Case) -> Self {
        let view = View {
            facts: case.base.clone(),
            barred: case.barred.clone(),
            branch: case.branch.clone(),
            waits: Waits::default(),
            runs: Vec::new(),
            closed: case.closed_at.filter(|at| *at <= case.archived_to),
        };
        Fold { books, book, case, view, dormant: Vec::new(), calendars: Vec::new() }
    }

    /// Time comes to `at`: waits run out, deadlines pass.
    fn pass(&mut self, at: Time) {
        self.expire_waits(at);
        for run in self.view.runs.iter_mut().filter(|run| run.is_live()) {
            run.pass(at);
        }
    }

    fn expire_waits(&mut self, by: Time) {
        if self.view.waits.expire(by) {
            self.reckon_all();
        }
    }

    fn apply(&mut self, signal: &Signal) {
        let before = signal.judges_anew().then(|| self.view.facts.clone());
        self.change_books(signal);
        self.learn(signal);
        self.lengthen(signal);
        let facts = std::mem::take(&mut self.view.facts);
        self.move_clocks(signal, &facts, before.as_ref());
        self.view.facts = facts;
        self.view.facts.remove(OUTCOME);
    }

    fn move_clocks(&mut self, signal: &Signal, facts: &Facts, before: Option<&Facts>) {
        if let Some(n) = signal.keys.hand_off.filter(|_| signal.hands_off()) {
            self.supersede(n, signal.at);
        }
        let matches = |trigger: &Trigger| signal.sets_off(trigger, facts);
        let book = self.book;
        let reactions = book.reactions.get(signal.name.text());
        if signal.closes() {
            // A clock that closing stops was met by it; only what is left ends with the cycle.
            for (clock, trigger) in reactions.iter().flat_map(|to| &to.stop).filter(|(_, t)| matches(t)) {
                self.finish(clock, trigger, signal, How::Met);
            }
            self.view.closed = Some(signal.at);
            // The customer is called all the same unless the closing waited for it, so that somebody is still awaited.
            let still_called = book.case_type.is_some_and(CaseType::closes_before_follow_ups);
            self.end_cycle(signal.at, |clock| !(still_called && clock.outlives_closing()));
        }
        let ends = reactions.map(|to| [(&to.stop, How::Met), (&to.cancel, How::Cancelled)]);
        for (triggers, how) in ends.into_iter().flatten() {
            for (clock, trigger) in triggers.iter().filter(|(_, trigger)| matches(trigger)) {
                self.finish(clock, trigger, signal, how);
            }
        }
        if before.is_some() {
            self.review(signal, facts);
        }
        let mut started = None;
        for (clock, trigger) in
            reactions.iter().flat_map(|to| &to.start).filter(|(_, trigger)| matches(trigger))
        {
            // The first trigger of a clock that matches counts.
            if started.replace(clock.id.as_str()) != Some(clock.id.as_str()) {
                self.start(clock, trigger, signal, facts, before);
            }
        }
    }

    fn learn(&mut self, signal: &Signal) {
        let view = &mut self.view;
        if !signal.facts.is_empty() {
            view.facts.absorb(signal.facts.clone());
        }
        if let Some(outcome) = &signal.outcome {
            view.facts.set(OUTCOME, Value::code(outcome));
        }
        let learnt = signal.settles_a_step() || signal.begins() || !signal.facts.is_empty();
        if let Some(case_type) = self.book.case_type.filter(|_| learnt) {
            case_type.observe(signal.name.text(), signal.subject(), &mut view.facts);
        }
        view.barred.extend(signal.barred.iter().cloned());
        if let Some(branch) = signal.branch.as_ref().filter(|branch| !branch.is_empty()) {
            view.branch.clone_from(branch);
        }
        let Some(moved) = &signal.wait else { return };
        if let Some(name) = &moved.ended {
            view.waits.end(name, signal.at);
        }
        if let Some(wait) = moved.begun.as_ref().and_then(|name| self.book.playbook.waits.get(name)) {
            let calendar = calendars::choose(self.book.directory, &view.branch, CalendarOf::Branch);
            let until = calendar.deadline(signal.at.to_timestamp(), &wait.at_most, &[]).due;
            view.waits.begin(&wait.id, signal.at, until.map_or(signal.at, Time::from));
        }
        self.reckon_all();
    }

    /// More time was granted: the budget grows, the deadline is computed anew. What was missed before stays missed.
    fn lengthen(&mut self, signal: &Signal) {
        let Some(longer) = &signal.longer else { return };
        let Ok(by) = Limit::parse(&longer.by) else { return };
        let is =
            |run: &Run<'_>| run.clock.id == longer.clock && run.label == longer.instance && run.is_live();
        if let Some(at) = self.view.runs.iter().position(is) {
            self.view.runs[at].longer.push(by);
            self.reckon(at);
        }
    }

    /// Work handed to somebody else is no longer awaited from the one before.
    fn supersede(&mut self, hand_off: u32, at: Time) {
        for run in self.view.runs.iter_mut().filter(|run| run.is_live() && run.clock.scope == Scope::HandOff)
        {
            if run.key.parse::<u32>().is_ok_and(|earlier| earlier < hand_off) {
                run.end = Some(End { at, how: How::Cancelled, with_cycle: false, reported_later: false });
            }
        }
    }

    fn end_cycle(&mut self, at: Time, ends: impl Fn(&Clock) -> bool) {
        self.view.waits.end_all(at);
        self.reckon_all();
        self.dormant.retain(|d| !ends(d.clock));
        for run in self.view.runs.iter_mut().filter(|run| run.is_live() && ends(run.clock)) {
            run.end = Some(End { at, how: How::Cancelled, with_cycle: true, reported_later: false });
        }
    }

    fn finish(&mut self, clock: &'a Clock, trigger: &Trigger, signal: &Signal, how: How) {
        let reach = concerned(clock, trigger, signal);
        self.dormant.retain(|d| d.clock.id != clock.id || !reach.covers(&d.key));
        for run in self.view.runs.iter_mut().filter(|run| run.is_live() && run.clock.id == clock.id) {
            if reach.covers(&run.key) {
                run.end = Some(End {
                    at: signal.at,
                    how,
                    with_cycle: false,
                    reported_later: signal.reported_later,
                });
            }
        }
    }

    /// The case was judged otherwise: conditions are asked again, budgets taken again; start and ledger stay.
    fn review(&mut self, signal: &Signal, facts: &Facts) {
        for at in 0..self.view.runs.len() {
            if !self.view.runs[at].is_live() {
                continue;
            }
            if Condition::met(self.view.runs[at].clock.when.as_ref(), facts) {
                self.take_budget(at, signal.at, facts);
            } else {
                self.put_to_sleep(at, signal);
            }
        }
        let due = |d: &Dormant<'_>| Condition::met(d.clock.when.as_ref(), facts);
        let (awake, asleep): (Vec<_>, Vec<_>) = std::mem::take(&mut self.dormant).into_iter().partition(due);
        self.dormant = asleep;
        for Dormant { clock, trigger, base, key, keys } in awake {
            let from = Time(trigger.instant(signal.at.0, facts));
            self.run(clock, (base, key, keys), from, signal.at, facts);
        }
    }

    fn take_budget(&mut self, at: usize, now: Time, facts: &Facts) {
        let Some(limit) = self.view.runs[at].clock.limit.limit(facts) else { return };
        let run = &mut self.view.runs[at];
        let anchor = anchor(limit, run.started, facts);
        if *limit != run.limit || anchor != run.anchor {
            (run.limit, run.anchor, run.since) = (limit.clone(), anchor, now);
        }
        let calendar = self.calendar(self.view.runs[at].clock.calendar);
        self.view.runs[at].calendar = calendar;
        self.reckon(at);
    }

    fn put_to_sleep(&mut self, at: usize, signal: &Signal) {
        let run = &mut self.view.runs[at];
        run.end = Some(End { at: signal.at, how: How::Cancelled, with_cycle: false, reported_later: false });
        let (clock, base, key, keys) = (run.clock, run.base.clone(), run.key.clone(), run.keys.clone());
        if let Some(trigger) = clock.start.first() {
            self.dormant.push(Dormant { clock, trigger, base, key, keys });
        }
    }

    fn start(
        &mut self,
        clock: &'a Clock,
        trigger: &'a Trigger,
        signal: &Signal,
        facts: &Facts,
        before: Option<&Facts>,
    ) {
        let (base, key) = begun(clock, signal);
        let from = Time(trigger.instant(signal.at.0, facts));
        if let Some(at) = self.live(clock, &key) {
            self.move_start(at, trigger, from, signal.at, facts);
            return;
        }
        self.dormant.retain(|d| d.clock.id != clock.id || d.key != key);
        if !Condition::met(clock.when.as_ref(), facts) {
            self.dormant.push(Dormant { clock, trigger, base, key, keys: signal.keys.clone() });
            return;
        }
        // Judged anew to the same effect is no new reason to start.
        let held = |before: &Facts| {
            Condition::met(clock.when.as_ref(), before)
                && any_matches(&clock.start, signal.name.text(), signal.subject(), before).is_some()
        };
        if !before.is_some_and(held) {
            self.run(clock, (base, key, signal.keys.clone()), from, signal.at, facts);
        }
    }

    /// A promise or an appointment that was made anew moves the clock that counts from it.
    fn move_start(&mut self, at: usize, trigger: &Trigger, from: Time, now: Time, facts: &Facts) {
        let run = &mut self.view.runs[at];
        if trigger.at_fact.is_some() && run.started != from {
            (run.started, run.since) = (from, now);
            run.anchor = anchor(&run.limit, from, facts);
            self.reckon(at);
        }
    }

    fn live(&self, clock: &Clock, key: &str) -> Option<usize> {
        self.view.runs.iter().position(|run| run.is_live() && run.clock.id == clock.id && run.key == key)
    }

    fn run(
        &mut self,
        clock: &'a Clock,
        (base, key, keys): (String, String, Keys),
        from: Time,
        now: Time,
        facts: &Facts,
    ) {
        let Some(limit) = clock.limit.limit(facts) else { return };
        // The fact that it comes before is not known yet: it starts when it is.
        if let Limit::Before { of, .. } = limit
            && facts.instant(of).is_none()
        {
            if let Some(trigger) = clock.start.first() {
                self.dormant.push(Dormant { clock, trigger, base, key, keys });
            }
            return;
        }
        let label = self.label(clock, &base);
        let calendar = self.calendar(clock.calendar);
        self.view.runs.push(Run {
            clock,
            base,
            label,
            key,
            keys,
            started: from,
            since: now,
            anchor: anchor(limit, from, facts),
            limit: limit.clone(),
            longer: Vec::new(),
            calendar,
            as_judged: false,
            pauses: Vec::new(),
            due: None,
            last_due: Time::UNSET,
            missed: None,
            rungs: Vec::new(),
            end: None,
        });
        self.reckon(self.view.runs.len() - 1);
    }

    /// A second run of the same is `inspect#2`.
    fn label(&self, clock: &Clock, base: &str) -> String {
        let same = self.view.runs.iter().filter(|run| run.clock.id == clock.id && run.base == base).count();
        match same + self.case.runs_on_record(&clock.id, base) + 1 {
            1 => base.to_owned(),
            n => format!("{base}#{n}"),
        }
    }

    /// Looked up once per fold, unless the case moves to another branch.
    fn calendar(&mut self, of: CalendarOf) -> Calendar {
        let branch = &self.view.branch;
        if let Some((.., calendar)) = self.calendars.iter().find(|(b, o, _)| b == branch && *o == of) {
            return calendar.clone();
        }
        let calendar = calendars::choose(self.book.directory, branch, of);
        self.calendars.push((branch.clone(), of, calendar.clone()));
        calendar
    }

    fn reckon_all(&mut self) {
        for at in 0..self.view.runs.len() {
            if self.view.runs[at].is_live() {
                self.reckon(at);
            }
        }
    }

    fn reckon(&mut self, at: usize) {
        let basis = self.basis(at);
        self.view.runs[at].reckon(&self.view.waits, basis);
    }

    /// What was said of this run rests on.
    fn basis(&self, at: usize) -> Option<&'b Basis> {
        let (case, run) = (self.case, &self.view.runs[at]);
        if case.clocks.iter().all(|ledger| ledger.judged_on.is_none()) {
            return None;
        }
        let same = |l: &&Ledger| l.clock == run.clock.id && l.instance == run.label;
        case.clocks.iter().find(same)?.judged_on.as_ref()
    }
}

/// What the limit counts from. A fact that is not known yet leaves it at the start.
fn anchor(limit: &Limit, start: Time, facts: &Facts) -> Time {
    match limit {
        Limit::Before { of, .. } => facts.instant(of).map_or(start, Time),
        _ => start,
    }
}
