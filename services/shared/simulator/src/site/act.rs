//! Carrying out what a machine says, unless a fault strikes first.

use chassis_core::{Action, Happening, store::Head};
use proto::Service;

use super::{Site, database::Op};
use crate::{
    event::{Event, Question, Told, Who},
    fault::{Act, Fault, Kind},
    ground::Ground,
    order::Takes,
    plan::SECOND,
    spy::Spied,
};

/// How long a backend whose client is silent lives on.
const SILENT_SESSION: u64 = 10 * SECOND;

impl<C: Takes> Site<C> {
    /// The machine takes something in, and what it wants is done.
    pub(super) fn tell(&mut self, replica: usize, happening: Happening<Spied<C>>, ground: &mut Ground) {
        let Some(life) = self.replicas[replica].life.as_mut() else { return };
        let actions = life.machine.on(happening, ground.monotonic());
        life.actions.extend(actions);
        self.drive(replica, ground);
    }

    pub(super) fn listen(&mut self, who: Who, told: Told, ground: &mut Ground) {
        let replica = who.replica;
        match told {
            Told::Wake => self.wake(replica, ground),
            Told::Reach => self.reach(replica, ground),
            Told::Return => self.returned(replica, ground),
            Told::Pump => self.pump(who, ground),
            Told::Send => self.send(who, ground),
            Told::Acknowledged(marks) => self.acknowledged(who, marks, ground),
            Told::Late(source, entry) => {
                self.tell(replica, Happening::Heard { source, entry: *entry }, ground)
            }
            Told::LateDirectory(entry) => {
                self.tell(replica, Happening::DirectoryHeard { entry: *entry }, ground)
            }
            Told::Announced(source, epoch, seq) => {
                self.tell(replica, Happening::Announced { source, epoch, seq }, ground)
            }
            Told::DirectoryAnnounced(epoch, seq) => {
                self.tell(replica, Happening::DirectoryAnnounced { epoch, seq }, ground)
            }
            Told::Repaired(source, entries) => self.repaired(replica, source, entries, ground),
            Told::DirectoryRepaired(entries) => self.directory_repaired(replica, entries, ground),
            Told::AskedPassed { barrier, until } => {
                let Some(life) = self.replicas[replica].life.as_mut() else { return };
                life.tokens += 1;
                let token = life.tokens;
                life.barriers.insert(token, barrier);
                self.tell(replica, Happening::AskedPassed { token, until }, ground);
            }
            Told::Passed { until, heads, silent } => {
                self.tell(replica, Happening::Passed { until, heads, silent }, ground)
            }
            Told::MoreShards => self.take_more(who, ground),
            Told::SessionEnds => self.session_ends(replica, ground),
            Told::OpenEpoch(opening) => self.open_epoch(replica, *opening, ground),
        }
    }

    fn wake(&mut self, replica: usize, ground: &mut Ground) {
        let Some(life) = self.replicas[replica].life.as_mut() else { return };
        if life.wake_at != Some(ground.now) {
            return;
        }
        life.wake_at = None;
        if life.flight.is_none() {
            self.tell(replica, Happening::Tick, ground);
        }
    }

    /// Everything that waits to be carried out, in its order.
    pub(super) fn drive(&mut self, replica: usize, ground: &mut Ground) {
        loop {
            if self.replicas[replica].frozen_until > ground.now {
                return;
            }
            let Some(life) = self.replicas[replica].life.as_mut() else { return };
            let Some(action) = life.actions.pop_front() else { break };
            let act = Act::of(&action);
            let strike = act.and_then(|act| ground.weather.strike(self.place, act, ground.now));
            if let Some(act) = act {
                ground.trace.mark(act as u64 + 1, (((self.place * 2 + replica) as u64) << 48) ^ ground.now);
                ground.trace.say(ground.now, || format!("{} {}", self.name(replica), shown(&action)));
            }
            match strike {
                None => self.carry_out(replica, action, ground),
                Some((place, fault)) => self.suffer(replica, action, place, &fault, ground),
            }
        }
        self.settle(replica, ground);
    }

    /// Nothing is left to carry out: it sleeps until the machine wants to be woken, or stops if it was told to.
    fn settle(&mut self, replica: usize, ground: &mut Ground) {
        let Some(life) = self.replicas[replica].life.as_mut() else { return };
        if life.flight.is_some() {
            return;
        }
        if self.replicas[replica].stopping && life.machine.waiting_commands() == 0 {
            let pause = ground.dice.between(SECOND, 20 * SECOND);
            self.store.leave(&life.owned);
            return self.die(replica, pause, ground);
        }
        let at = life.machine.wake_at(ground.monotonic()).as_micros() as u64;
        let at = at.max(ground.now + 1_000);
        if life.wake_at.is_none_or(|planned| planned <= ground.now || at < planned) {
            life.wake_at = Some(at);
            let who = Who { service: self.place, replica, life: self.replicas[replica].lives };
            ground.queue.plan(at, Event::To(who, Told::Wake));
        }
    }

    fn suffer(&mut self, replica: usize, action: Action, place: usize, fault: &Fault, ground: &mut Ground) {
        let (name, kind) = (self.name(replica), fault.kind);
        ground.trace.mark(100 + kind as u64, place as u64);
        ground.trace.say(ground.now, || {
            format!("FAULT {place} {} at {name}, before: {}", kind.name(), shown(&action))
        });
        let pause = ground.dice.between(SECOND / 5, 5 * SECOND);
        match kind {
            Kind::KilledBefore => self.die(replica, pause, ground),
            Kind::KilledAfter => {
                self.carry_out(replica, action, ground);
                self.reach(replica, ground);
                self.die(replica, pause, ground);
            }
            Kind::SessionLost => {
                self.carry_out(replica, action, ground);
                self.session_ends(replica, ground);
            }
            Kind::Frozen => self.freeze(replica, action, fault.lasts, ground),
            Kind::HandedOver => {
                self.replicas[replica].stopping = true;
                self.carry_out(replica, action, ground);
            }
            _ => {
                self.suffer_surroundings(fault, ground);
                self.carry_out(replica, action, ground);
            }
        }
    }

    fn freeze(&mut self, replica: usize, action: Action, lasts: u64, ground: &mut Ground) {
        let state = &mut self.replicas[replica];
        state.frozen_until = ground.now + lasts;
        let who = Who { service: self.place, replica, life: state.lives };
        if let Some(life) = state.life.as_mut() {
            life.actions.push_front(action);
        }
        if lasts > SILENT_SESSION {
            ground.after(SILENT_SESSION, Event::To(who, Told::SessionEnds));
        }
        ground.after(lasts, Event::Thaw(self.place, replica));
    }

    /// Faults that are not this replica's own.
    fn suffer_surroundings(&mut self, fault: &Fault, ground: &mut Ground) {
        let until = ground.now + fault.lasts;
        match fault.kind {
            Kind::DatabaseDown => (0..2).for_each(|replica| self.session_ends(replica, ground)),
            Kind::BrokerWiped => {
                ground.bus.wipe();
                ground.bus_moved = true;
            }
            Kind::BrokerTrimmed => {
                let keep = (ground.bus.last() + 1 - ground.bus.first()) * fault.strength / 1000;
                ground.bus.trim(keep as usize);
            }
            Kind::ClockSet => {
                let reach = if fault.strength.is_multiple_of(2) { 3 * SECOND } else { 300 * SECOND } as i64;
                ground.skews[self.place] = (fault.strength as i64 - 500) * reach / 500;
                ground.after(fault.lasts * 20, Event::ClockRight(self.place));
            }
            Kind::Burst => {
                ground.after(1, Event::Burst { service: self.place, count: 10 + fault.strength / 5 });
            }
            _ => {}
        }
        ground.weather.begin(fault.kind, self.place, until);
    }

    fn carry_out(&mut self, replica: usize, action: Action, ground: &mut Ground) {
        let who = Who { service: self.place, replica, life: self.replicas[replica].lives };
        let Some(life) = self.replicas[replica].life.as_mut() else { return };
        match action {
            Action::Load(plan) => self.fly(who, Op::Load(plan), ground),
            Action::Commit(batch) => self.fly(who, Op::Commit(batch), ground),
            Action::Beat => self.fly(who, Op::Beat, ground),
            Action::LoadTimers => self.fly(who, Op::Timers, ground),
            Action::Answer { token, outcome } if life.openings.remove(&token) => {
                if let Err(refusal) = outcome {
                    ground.violation(format!("{} opens no epoch: {refusal}", C::SERVICE));
                }
            }
            Action::Answer { token, outcome } => {
                let Some(caller) = life.callers.remove(&token) else {
                    return ground.violation(format!("{} answered nobody", C::SERVICE));
                };
                self.check_answer(&caller, &outcome, ground);
                self.answer(&caller, outcome, ground);
            }
            Action::Publish(entries) => {
                life.publisher.queue(entries);
                self.wake_publisher(replica, ground);
            }
            Action::AskPassed { until } => ground.soon(Event::Ask(who, Question::Passed(until))),
            Action::AnswerPassed { token, heads } => {
                let Some(barrier) = life.barriers.remove(&token) else {
                    return ground.violation(format!("{} told nobody that a moment has passed", C::SERVICE));
                };
                let heads = heads.iter().map(|head: &Head| (head.shard, head.epoch, head.seq)).collect();
                ground.soon(Event::BarrierAnswer { barrier, service: self.place, heads });
            }
            Action::Repair { source, after } => {
                if life.repairing.insert(source) {
                    ground.soon(Event::Ask(who, Question::Repair(source, after)));
                }
            }
            Action::RepairDirectory { after } => {
                if !std::mem::replace(&mut life.repairing_directory, true) {
                    ground.soon(Event::Ask(who, Question::RepairDirectory(after)));
                }
            }
            Action::Alarm(why) => {
                // A clock that was set is worth an alarm, and so is history that was taken back; nothing else here is.
                let is_planned =
                    why.contains("leapt") || (ground.known.is_some() && why.contains("withdrew"));
                if !is_planned {
                    ground.violation(format!("{} raised an alarm: {why}", C::SERVICE));
                }
            }
            Action::StartOver => {
                let owned = life.owned.clone();
                self.begin(replica, owned, ground);
            }
            Action::Stop(why) => ground.violation(format!("{} stopped: {why}", C::SERVICE)),
        }
    }

    /// P1: what is answered is on record, with this very answer.
    fn check_answer(&self, caller: &super::Caller, outcome: &chassis_core::Outcome, ground: &mut Ground) {
        let Ok(answer) = outcome else { return };
        let plan = chassis_core::store::LoadPlan {
            requests: vec![caller.ask.request.clone()],
            ..Default::default()
        };
        let known = self.store.load(&plan).replies.pop();
        if known.is_none_or(|known| known.reply != answer.reply || known.seq != answer.at.seq) {
            let id = caller.ask.request.id;
            ground.violation(format!("P1: {} answered request {id}, which is not on record so", C::SERVICE));
        }
        if C::SERVICE != Service::Directory && self.store.head(answer.at.shard).seq < answer.at.seq {
            ground.violation(format!(
                "P1: {} answered with the place {}, which is not there",
                C::SERVICE,
                answer.at
            ));
        }
    }
}

/// An action in one line.
fn shown(action: &Action) -> String {
    match action {
        Action::Load(plan) => format!("loads {} rows, {} replies", plan.rows.len(), plan.requests.len()),
        Action::Commit(batch) => {
            let kinds: Vec<String> = batch
                .entries
                .iter()
                .map(|entry| {
                    let name = entry.kind.rsplit('.').next().unwrap_or_default();
                    format!("{} {name} ({})", entry.at, entry.cause)
                })
                .collect();
            format!(
                "commits [{}], {} rows, {} cursors",
                kinds.join(", "),
                batch.rows.len(),
                batch.cursors.len()
            )
        }
        Action::Answer { token, outcome } => match outcome {
            Ok(answer) => format!("answers {token}: accepted at {}", answer.at),
            Err(refusal) => format!("answers {token}: {} {}", refusal.gate, refusal.en),
        },
        Action::Publish(entries) => format!("publishes {} entries", entries.len()),
        other => format!("{other:?}"),
    }
}
