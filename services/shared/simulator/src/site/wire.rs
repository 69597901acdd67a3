//! A replica's ends of the stream: what it publishes, what it reads, what it reads again out of journals.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use chassis_core::{Entry, Happening, Incoming, store::Source};
use proto::{Service, Shard};

use super::Site;
use crate::{
    event::{Event, Told, Who},
    fault::Kind,
    ground::Ground,
    order::Takes,
    plan::SECOND,
};

/// Messages taken in at one go.
const GULP: u64 = 64;
/// Entries sent before their acknowledgements are waited for.
const IN_FLIGHT: usize = 256;
/// Entries kept in memory; beyond it the journal is read.
const WAITING: usize = 2_000;
const PAGE: usize = 1_000;

pub(super) struct Reader {
    /// The number of the last message seen.
    position: u64,
    /// The life of the stream that the position belongs to; `None`: not connected.
    stream: Option<u64>,
    /// It is going to look.
    pub pumping: bool,
}

impl Reader {
    pub fn new(position: u64) -> Reader {
        Reader { position, stream: None, pumping: false }
    }
}

pub(super) struct Publisher {
    /// Acknowledged up to here.
    marks: BTreeMap<Shard, u64>,
    waiting: VecDeque<Arc<Entry>>,
    /// Memory does not hold all that is to be sent: the journal does.
    lagging: bool,
    /// It is going to send, or waits for acknowledgements.
    busy: bool,
    pub announcing: bool,
}

impl Publisher {
    pub fn new(marks: BTreeMap<Shard, u64>) -> Publisher {
        Publisher { marks, waiting: VecDeque::new(), lagging: true, busy: false, announcing: false }
    }

    pub fn queue(&mut self, entries: Vec<Arc<Entry>>) {
        if self.lagging || self.waiting.len() + entries.len() > WAITING {
            self.lagging = true;
            return;
        }
        self.waiting.extend(entries);
    }

    pub fn is_done(&self, head: impl Fn(Shard) -> u64) -> bool {
        !self.busy && self.marks.iter().all(|(shard, mark)| *mark == head(*shard))
    }

    /// The connection failed: everything after the last acknowledgement is sent again.
    fn fail(&mut self) {
        self.waiting.clear();
        self.lagging = true;
    }
}

/// What a message is to the service that reads it.
enum Feed {
    Source(Source),
    Directory,
}

impl<C: Takes> Site<C> {
    pub(super) fn wake_publisher(&mut self, replica: usize, ground: &mut Ground) {
        let who = Who { service: self.place, replica, life: self.replicas[replica].lives };
        let Some(life) = self.replicas[replica].life.as_mut() else { return };
        if !std::mem::replace(&mut life.publisher.busy, true) {
            ground.soon(Event::To(who, Told::Send));
        }
    }

    pub(super) fn send(&mut self, who: Who, ground: &mut Ground) {
        let Some(life) = self.replicas[who.replica].life.as_mut() else { return };
        let publisher = &mut life.publisher;
        if ground.weather.is(Kind::BrokerDown, self.place, ground.now) {
            publisher.fail();
            return ground.after(SECOND / 4, Event::To(who, Told::Send));
        }
        for shard in &life.owned {
            // A stream with another creation time is a wiped broker: it is refilled.
            if self.published_to.insert(*shard, ground.bus.created) != Some(ground.bus.created) {
                publisher.marks.insert(*shard, 0);
                publisher.fail();
            }
        }
        if publisher.lagging && publisher.waiting.is_empty() {
            for (shard, mark) in &publisher.marks {
                publisher.waiting.extend(self.store.journal(*shard, *mark).take(PAGE).map(Arc::new));
            }
            publisher.lagging = !publisher.waiting.is_empty();
        }
        let count = publisher.waiting.len().min(IN_FLIGHT);
        if count == 0 {
            publisher.busy = false;
            return self.plan_announcement(who, ground);
        }
        let mut marks: BTreeMap<Shard, u64> = BTreeMap::new();
        for entry in publisher.waiting.drain(..count) {
            marks.insert(entry.at.shard, entry.at.seq);
            ground.bus.append(entry);
        }
        ground.bus_moved = true;
        // Without an acknowledgement the same is sent again, and stands in the stream twice.
        let is_lost =
            ground.weather.is(Kind::MessagesLost, self.place, ground.now) && ground.dice.chance(300);
        let marks = if is_lost { Vec::new() } else { marks.into_iter().collect() };
        ground.soon(Event::To(who, Told::Acknowledged(marks)));
    }

    pub(super) fn acknowledged(&mut self, who: Who, marks: Vec<(Shard, u64)>, ground: &mut Ground) {
        let Some(life) = self.replicas[who.replica].life.as_mut() else { return };
        if marks.is_empty() {
            life.publisher.fail();
        }
        for (shard, seq) in marks {
            let mark = life.publisher.marks.entry(shard).or_default();
            *mark = seq.max(*mark);
        }
        let all = life.publisher.marks.iter().map(|(shard, seq)| (*shard, *seq)).collect();
        ground.after(100, Event::To(who, Told::Send));
        self.tell(who.replica, Happening::Published(all), ground);
    }

    fn plan_announcement(&mut self, who: Who, ground: &mut Ground) {
        let Some(life) = self.replicas[who.replica].life.as_mut() else { return };
        if !std::mem::replace(&mut life.publisher.announcing, true) {
            ground.after(SECOND / 5, Event::Announce(who, 2 * SECOND));
        }
    }

    /// Takes in what is new in the stream, as far as there is room.
    pub(super) fn pump(&mut self, who: Who, ground: &mut Ground) {
        let Some(life) = self.replicas[who.replica].life.as_mut() else { return };
        if ground.weather.is(Kind::BrokerDown, self.place, ground.now) {
            life.reader.stream = None;
            return ground.after(SECOND / 4, Event::To(who, Told::Pump));
        }
        let stream = ground.bus.created;
        if life.reader.stream != Some(stream) {
            if self.read_from != Some(stream) {
                // Another broker's life: its positions mean nothing here.
                life.reader.position = 0;
                self.read_from = Some(stream);
            }
            life.reader.stream = Some(stream);
        }
        // The broker takes a start before its first message or behind its last as the nearest there is.
        life.reader.position = life.reader.position.clamp(ground.bus.first() - 1, ground.bus.last());
        let mut left = GULP;
        while left > 0 && life.reader.position < ground.bus.last() {
            if !life.machine.has_room_for_events() {
                break;
            }
            left -= 1;
            life.reader.position += 1;
            let number = life.reader.position;
            let Some(entry) = ground.bus.get(number).cloned() else { continue };
            if let Some(feed) = feed::<C>(&life.owned, &entry) {
                for happening in deliver(self.place, who, feed, &entry, number, ground) {
                    let actions = life.machine.on(happening, ground.monotonic());
                    life.actions.extend(actions);
                }
            }
        }
        if life.reader.position < ground.bus.last() {
            let delay = if left == 0 { 500 } else { 10_000 };
            ground.after(delay, Event::To(who, Told::Pump));
        } else {
            life.reader.pumping = false;
        }
        self.drive(who.replica, ground);
    }

    pub(super) fn repaired(
        &mut self,
        replica: usize,
        source: Source,
        entries: Vec<Incoming>,
        ground: &mut Ground,
    ) {
        let Some(life) = self.replicas[replica].life.as_mut() else { return };
        life.repairing.remove(&source);
        for entry in entries {
            let actions = life.machine.on(Happening::Heard { source, entry }, ground.monotonic());
            life.actions.extend(actions);
        }
        self.drive(replica, ground);
    }

    pub(super) fn directory_repaired(&mut self, replica: usize, entries: Vec<Incoming>, ground: &mut Ground) {
        let Some(life) = self.replicas[replica].life.as_mut() else { return };
        life.repairing_directory = false;
        for entry in entries {
            let actions = life.machine.on(Happening::DirectoryHeard { entry }, ground.monotonic());
            life.actions.extend(actions);
        }
        self.drive(replica, ground);
    }
}

fn feed<C: Takes>(owned: &[Shard], entry: &Entry) -> Option<Feed> {
    let (service, from) = (entry.at.service, entry.at.shard);
    match entry.to {
        _ if service == Service::Directory => (C::SERVICE != Service::Directory).then_some(Feed::Directory),
        Some((to, _)) if service == C::SERVICE => {
            owned.contains(&to).then_some(Feed::Source(Source { service, from, to, peer: true }))
        }
        _ if service != C::SERVICE && C::SOURCES.contains(&service) && owned.contains(&from) => {
            Some(Feed::Source(Source { service, from, to: from, peer: false }))
        }
        _ => None,
    }
}

/// A message as it comes: once, twice, later, or not at all.
fn deliver<C: Takes>(
    service: usize,
    who: Who,
    feed: Feed,
    entry: &Entry,
    number: u64,
    ground: &mut Ground,
) -> Vec<Happening<crate::spy::Spied<C>>> {
    let now = ground.now;
    let mut struck = |kind: Kind| ground.weather.is(kind, service, now) && ground.dice.chance(300);
    let (lost, twice, late) =
        (struck(Kind::MessagesLost), struck(Kind::MessagesRepeated), struck(Kind::MessagesLate));
    let entry = Incoming::of(entry, number);
    if late {
        let told = match feed {
            Feed::Source(source) => Told::Late(source, Box::new(entry)),
            Feed::Directory => Told::LateDirectory(Box::new(entry)),
        };
        let delay = ground.dice.between(SECOND / 100, 8 * SECOND);
        ground.after(delay, Event::To(who, told));
        return Vec::new();
    }
    let times = match (lost, twice) {
        (true, _) => 0,
        (false, true) => 2,
        (false, false) => 1,
    };
    (0..times)
        .map(|_| match feed {
            Feed::Source(source) => Happening::Heard { source, entry: entry.clone() },
            Feed::Directory => Happening::DirectoryHeard { entry: entry.clone() },
        })
        .collect()
}
