//! Brings what was said up to what the evidence gives: the one place where lateness is judged.

use chassis_core::{Halt, Step};
use proto::{Event, Service, Time, sla_watchdog::v1 as said};

use crate::{
    TIMER,
    book::Book,
    case::Case,
    fold::{View, fold},
    instance::Keys,
    ledger::{Correction, Ended, How, Ledger, verdict},
    recipients::Finder,
    run::Run,
    say::Voice,
    signal::Signal,
    timeline::{Action, Next, next, number},
};

/// Later than this after its moment, a rung says so.
const LATE: i64 = 60 * Time::SECOND;
/// Clocks that start and stop each other settle within this many rounds; what is left goes on with the next input.
const ROUNDS: usize = 8;
/// Reminders missed in an outage are one; a longer one is caught up in several.
const REMINDERS: usize = 1000;
/// What the watchdog itself says stands after everything heard at the same microsecond.
const OWN_RANK: u8 = u8::MAX;

/// Judges the case up to `case.judged`, says what is new and arms the timer. `fired`: the timer row is used up.
pub(crate) fn settle(
    case: &mut Case,
    silent: &[Service],
    fired: bool,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    if case.cycle == 0 {
        return Ok(());
    }
    let directory = step.directory();
    let mut round = 1;
    loop {
        let book = Book::of(case, directory)?;
        let view = fold(&book, case);
        let echoes = Round::new(case, &view, &book, silent, step).run();
        note(case, &view);
        let heard_itself = echoes.into_iter().filter_map(|echo| case.insert(echo).then_some(())).count() > 0;
        let again = heard_itself || move_on(case, &view);
        if !again || round == ROUNDS {
            rearm(case, &view, fired, step);
            return Ok(());
        }
        round += 1;
    }
}

/// What people and columns read.
fn note(case: &mut Case, view: &View<'_>) {
    case.branch.clone_from(&view.branch);
    case.barred.clone_from(&view.barred);
    case.closed_at = view.closed;
    case.waits = view.waits.open();
}

/// The next cycle begins when every source has passed its beginning: what they still say of this one belongs to it. A
/// closed case is put on record in the end.
fn move_on(case: &mut Case, view: &View<'_>) -> bool {
    if case.next_cycle_at().is_some_and(|at| at <= case.judged) {
        case.begin_next(view.facts.clone());
        return true;
    }
    let over = case.archive_at().is_some_and(|at| at <= case.judged);
    if over {
        case.put_away(view.facts.clone(), case.judged);
    }
    over
}

fn open_actions(case: &Case, view: &View<'_>) -> impl Iterator<Item = Next> {
    view.runs.iter().filter_map(|run| {
        let ledger = case.clocks.iter().find(|l| l.clock == run.clock.id && l.instance == run.label)?;
        next(run, ledger)
    })
}

fn rearm(case: &mut Case, view: &View<'_>, fired: bool, step: &mut Step<'_>) {
    let actions = open_actions(case, view).filter(|next| next.on_time).map(|next| next.at);
    let others = [view.waits.next_end(), case.next_cycle_at(), case.archive_at()];
    let soonest = actions.chain(others.into_iter().flatten()).min();
    if !fired && soonest == case.timer {
        return;
    }
    match soonest {
        Some(at) => step.arm(TIMER, case.id, at),
        None => step.disarm(TIMER, case.id),
    }
    case.timer = soonest;
}

/// One comparison of what is with what was said.
struct Round<'r, 'a, 's> {
    view: &'r View<'a>,
    book: &'r Book<'a>,
    finder: Finder<'r, 'a>,
    silent: &'r [Service],
    judged: Time,
    cycle: u32,
    clocks: &'r mut Vec<Ledger>,
    voice: Voice<'r, 's>,
    /// What was said and a clock of the playbook listens to.
    echoes: Vec<Signal>,
}

impl<'r, 'a, 's> Round<'r, 'a, 's> {
    fn new(
        case: &'r mut Case,
        view: &'r View<'a>,
        book: &'r Book<'a>,
        silent: &'r [Service],
        step: &'r mut Step<'s>,
    ) -> Self {
        let voice = Voice::new(case, &view.branch, step);
        let Case { clocks, parts, judged, cycle, .. } = case;
        let finder = Finder { book, view, parts, now: voice.now() };
        Round {
            view,
            book,
            finder,
            silent,
            judged: *judged,
            cycle: *cycle,
            clocks,
            voice,
            echoes: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<Signal> {
        let runs = &self.view.runs;
        let places: Vec<usize> = runs.iter().map(|run| self.bring_up(run)).collect();
        self.retract_others(&places);
        while let Some((_, at, run, action)) = self.soonest(&places) {
            self.act(run, at, action);
        }
        for (run, at) in runs.iter().zip(&places).filter(|(run, _)| run.is_live()) {
            copy_figures(run, &mut self.clocks[*at]);
        }
        self.echoes
    }

    /// The next thing that can be said now, of whichever clock.
    fn soonest(&self, places: &[usize]) -> Option<(Time, usize, &'r Run<'a>, Action)> {
        let view = self.view;
        let all = view
            .runs
            .iter()
            .zip(places)
            .filter_map(|(run, at)| Some((next(run, &self.clocks[*at])?, *at, run)));
        let ripe = all.filter(|(next, ..)| !next.on_time || next.at <= self.judged);
        ripe.min_by_key(|(next, at, _)| (next.at, *at)).map(|(next, at, run)| (next.at, at, run, next.action))
    }

    fn bring_up(&mut self, run: &Run<'_>) -> usize {
        let at = self.ledger_of(run);
        self.correct(run, at);
        self.announce(run, at);
        at
    }

    fn ledger_of(&mut self, run: &Run<'_>) -> usize {
        let same = |l: &Ledger| l.clock == run.clock.id && l.instance == run.label;
        if let Some(at) = self.clocks.iter().position(same) {
            return at;
        }
        let (clock, instance) = (run.clock.id.clone(), run.label.clone());
        let mut ledger = Ledger { clock, instance, ..Ledger::default() };
        copy_figures(run, &mut ledger);
        // Started while a wait is open: the pause is said as well.
        ledger.due = Some(run.last_due);
        self.voice.started(&ledger, run.due);
        self.clocks.push(ledger);
        self.echo::<said::ClockStarted>(run);
        self.clocks.len() - 1
    }

    /// Late evidence says that it should never have run.
    fn retract_others(&mut self, places: &[usize]) {
        for at in (0..self.clocks.len()).filter(|at| !places.contains(at)) {
            let (was_live, from) = (self.clocks[at].is_live(), self.clocks[at].verdict());
            self.clocks[at].retracted = true;
            if from == "breached" || from == "met" {
                self.clocks[at].breached = None;
                self.write_correction(at, from, "cancelled", "late-evidence");
            }
            let ended = Ended { at: self.voice.now(), how: How::Cancelled };
            if was_live {
                self.voice.met(&self.clocks[at], ended);
            }
            if was_live || from == "met" {
                self.clocks[at].ended = Some(ended);
            }
        }
    }

    /// Evidence came after the verdict: both stand on record.
    fn correct(&mut self, run: &Run<'_>, at: usize) {
        let missed = run.miss().is_some_and(|miss| miss.from < self.judged);
        let ledger = &mut self.clocks[at];
        ledger.retracted = false;
        let from = ledger.verdict();
        let ended_otherwise = ledger.ended.is_some_and(|ended| run.end.map(|end| end.how) != Some(ended.how));
        let not_missed = ledger.breached.is_some() && !missed;
        if !ended_otherwise && !not_missed {
            return;
        }
        if not_missed {
            ledger.breached = None;
            ledger.judged_on = None;
        }
        if ended_otherwise {
            ledger.ended = None;
        } else if let (Some(ended), Some(end)) = (&mut ledger.ended, run.end) {
            ended.at = end.at;
        }
        let to = verdict(ledger.breached.is_some(), run.end.map(|end| end.how));
        if from != to {
            let reason = self.why(run, at);
            self.write_correction(at, from, to, reason);
        }
    }

    fn why(&self, run: &Run<'_>, at: usize) -> &'static str {
        if run.end.is_some_and(|end| end.reported_later) {
            "reported-later"
        } else if self.clocks[at].silent.is_empty() {
            "late-evidence"
        } else {
            "silent-source"
        }
    }

    fn write_correction(&mut self, at: usize, from: &str, to: &str, reason: &str) {
        let correction = Correction {
            at: self.voice.now(),
            from: from.to_owned(),
            to: to.to_owned(),
            reason: reason.to_owned(),
        };
        self.clocks[at].corrections.push(correction);
        self.voice.corrected(&self.clocks[at], from, to, reason);
    }

    /// Says a deadline that moved, a pause and its end.
    fn announce(&mut self, run: &Run<'_>, at: usize) {
        let ledger = &mut self.clocks[at];
        if !run.is_live() || ledger.breached.is_some() || run.due == ledger.due {
            return;
        }
        let resumed = ledger.due.is_none();
        let ended = || run.pauses.iter().filter(|span| span.to.is_some()).max_by_key(|span| span.to);
        let wait = match run.waits_for() {
            Some(wait) => wait,
            None if resumed => ended().map_or("", |span| span.wait.as_str()),
            None => "",
        };
        ledger.due = run.due;
        self.voice.moved(ledger, wait, run.due);
    }

    fn act(&mut self, run: &'r Run<'a>, at: usize, action: Action) {
        match action {
            Action::Warn(place) => self.warn(run, at, place),
            Action::Breach => self.breach(run, at),
            Action::Rung(place) => self.climb(run, at, place),
            Action::Remind => self.remind(run, at),
            Action::End => self.end(run, at),
        }
    }

    /// A warning that could not be given before the deadline is none.
    fn warn(&mut self, run: &Run<'_>, at: usize, place: usize) {
        self.clocks[at].warned.insert(number(place));
        if run.miss().is_some_and(|miss| miss.from < self.voice.now()) {
            return;
        }
        let told = self.finder.find(&run.clock.warn[place].tell, run);
        self.clocks[at].told.extend(told.persons.iter().cloned());
        self.voice.warned(&self.clocks[at], run.due, &told);
        self.echo::<said::ClockWarned>(run);
    }

    fn breach(&mut self, run: &Run<'_>, at: usize) {
        let Some(miss) = run.miss() else { return };
        let from = self.clocks[at].verdict();
        let holder = self.finder.holder(run);
        let ledger = &mut self.clocks[at];
        ledger.breached = Some(miss.due);
        ledger.judged_on = run.basis_of_miss();
        if ledger.breach_said || ledger.ended.is_some() {
            let reason = self.why(run, at);
            self.write_correction(at, from, "breached", reason);
            return;
        }
        ledger.breach_said = true;
        ledger.silent = self.silent.iter().map(|service| service.name().to_owned()).collect();
        ledger.told.extend(holder.clone());
        self.voice.breached(&self.clocks[at], miss.due, holder);
        self.echo::<said::ClockBreached>(run);
    }

    fn climb(&mut self, run: &Run<'_>, at: usize, place: usize) {
        let told = self.finder.find_on_ladder(run, place);
        let now = self.voice.now();
        let late = run.rung_at(place).is_some_and(|moment| moment.plus(LATE) < now);
        self.voice.escalated(&self.clocks[at], place, &run.clock.ladder[place], &told, late);
        let ledger = &mut self.clocks[at];
        ledger.told.extend(told.persons.iter().cloned());
        let (role, told) = (told.role, told.persons);
        ledger.rungs.push(crate::RungFired { rung: number(place) + 1, fired_at: now, role, told, late });
        self.echo::<said::EscalationRaised>(run);
    }

    fn remind(&mut self, run: &Run<'_>, at: usize) {
        let Some(repeat) = &run.clock.repeat else { return };
        let now = self.voice.now();
        let missed = |last: &Time| run.reminder_at(Some(*last)).filter(|at| *at <= now);
        let first = run.reminder_at(self.clocks[at].repeated);
        let newest = std::iter::successors(first, missed).take(REMINDERS).last();
        self.clocks[at].repeated = newest;
        let told = self.finder.find(&repeat.tell, run);
        self.clocks[at].told.extend(told.persons.iter().cloned());
        self.voice.warned(&self.clocks[at], run.due, &told);
        self.echo::<said::ClockWarned>(run);
    }

    fn end(&mut self, run: &Run<'_>, at: usize) {
        let Some(end) = run.end else { return };
        let ledger = &mut self.clocks[at];
        copy_figures(run, ledger);
        let ended = Ended { at: end.at, how: end.how };
        ledger.ended = Some(ended);
        if ledger.judged_on.is_none() {
            ledger.judged_on = run.due.map(|due| run.basis(due));
        }
        self.voice.met(&self.clocks[at], ended);
        if end.how == How::Met {
            self.echo::<said::ClockMet>(run);
        }
    }

    fn echo<E: Event>(&mut self, run: &Run<'_>) {
        if self.book.listens(E::NAME, Some(&run.clock.id)) {
            let place = (OWN_RANK, 0, self.echoes.len() as u64);
            let mut signal = Signal::new::<E>(self.cycle, self.voice.now(), place);
            signal.keys = Keys { clock: Some(run.clock.id.clone()), ..run.keys.clone() };
            self.echoes.push(signal);
        }
    }
}

/// What people see of a run; the deadline as announced is said apart.
fn copy_figures(run: &Run<'_>, ledger: &mut Ledger) {
    ledger.started_at = run.started;
    ledger.last_due = run.last_due;
    ledger.limit = run.limit.to_string();
    if !run.as_judged || ledger.calendar.is_empty() {
        ledger.calendar = run.calendar.version().to_string();
    }
    let pauses = run.pauses.iter().filter(|span| run.end.is_none_or(|end| span.from < end.at));
    ledger.suspensions = pauses.cloned().collect();
}
