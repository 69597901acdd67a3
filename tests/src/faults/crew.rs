//! Two replicas of each service, each a process of its own that can be killed, frozen and started again.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, OpenOptions},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use local_engines::keeper::{self, OnOurDeath, Signal};
use proto::Service;
use tokio::time::{Instant, sleep};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    A,
    B,
}

impl Side {
    pub fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }
}

/// One replica's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat {
    pub service: Service,
    pub side: Side,
}

impl Seat {
    pub fn all() -> impl Iterator<Item = Seat> {
        let sides = [Side::A, Side::B];
        sides.into_iter().flat_map(|side| Service::ALL.map(|service| Seat { service, side }))
    }

    pub fn other(self) -> Seat {
        Seat { side: self.side.other(), ..self }
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::A => "a",
            Side::B => "b",
        };
        write!(f, "{}.{side}", self.service)
    }
}

/// What a process is started with.
pub struct Orders {
    pub program: PathBuf,
    pub logs: PathBuf,
    /// The first port of each side.
    pub ports: [u16; 2],
    pub variables: BTreeMap<Seat, Vec<(String, String)>>,
}

impl Orders {
    pub fn base_port(&self, side: Side) -> u16 {
        self.ports[side as usize]
    }

    /// Where a replica itself listens.
    pub fn address(ports: [u16; 2], seat: Seat) -> SocketAddr {
        let place = Service::ALL.iter().position(|it| *it == seat.service).expect("ALL holds every service");
        SocketAddr::from((Ipv4Addr::LOCALHOST, ports[seat.side as usize] + place as u16))
    }
}

/// The processes.
pub struct Crew {
    orders: Orders,
    running: Mutex<BTreeMap<Seat, Child>>,
    /// Who ended without being asked to.
    deserted: Mutex<Vec<String>>,
}

impl Crew {
    pub fn new(orders: Orders) -> Arc<Crew> {
        Arc::new(Crew { orders, running: Mutex::default(), deserted: Mutex::default() })
    }

    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Seat, Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn start(&self, seat: Seat) -> anyhow::Result<()> {
        let mut command = keeper::tied(&self.orders.program, OnOurDeath::Kill);
        command.args(["run", seat.service.name()]);
        command.envs(self.orders.variables[&seat].iter().cloned());
        let log = self.log(seat)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = keeper::spawn(command).with_context(|| format!("{seat} does not start"))?;
        self.running().insert(seat, child);
        Ok(())
    }

    fn log(&self, seat: Seat) -> anyhow::Result<File> {
        let path = self.orders.logs.join(format!("{seat}.log"));
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("{}", path.display()))
    }

    /// SIGKILL: it has no time to finish anything.
    pub fn kill(&self, seat: Seat) {
        if let Some(mut child) = self.running().remove(&seat) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn freeze(&self, seat: Seat) {
        self.signal(seat, Signal::STOP);
    }

    pub fn wake(&self, seat: Seat) {
        self.signal(seat, Signal::CONT);
    }

    fn signal(&self, seat: Seat, signal: Signal) {
        if let Some(child) = self.running().get(&seat) {
            keeper::signal(child.id(), signal);
        }
    }

    /// SIGTERM, then until it has ended; whether it did in time.
    pub async fn end(&self, seat: Seat, within: Duration) -> bool {
        let Some(mut child) = self.running().remove(&seat) else { return true };
        keeper::signal(child.id(), Signal::TERM);
        let until = Instant::now() + within;
        while Instant::now() < until {
            if matches!(child.try_wait(), Ok(Some(_))) {
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }

    /// For ever: whoever ends by himself is noted and started again, as a supervisor does.
    pub async fn watch(self: Arc<Crew>) {
        loop {
            for (seat, how) in self.fallen() {
                eprintln!("  {seat} ended by itself: {how}");
                self.deserted().push(format!("{seat}: {how}"));
                if let Err(error) = self.start(seat) {
                    eprintln!("  {seat} does not start again: {error:#}");
                }
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    fn fallen(&self) -> Vec<(Seat, String)> {
        let mut running = self.running();
        let ended = running.iter_mut().filter_map(|(seat, child)| match child.try_wait() {
            Ok(Some(status)) => Some((*seat, status.to_string())),
            _ => None,
        });
        let ended: Vec<_> = ended.collect();
        for (seat, _) in &ended {
            running.remove(seat);
        }
        ended
    }

    fn deserted(&self) -> MutexGuard<'_, Vec<String>> {
        self.deserted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who ended without being asked to, so far.
    pub fn deserters(&self) -> Vec<String> {
        self.deserted().clone()
    }

    /// What each holds in memory, in kilobytes: pages of the program's own file are not its doing.
    pub fn resident(&self) -> Vec<(Seat, u64)> {
        let running = self.running();
        running.iter().filter_map(|(seat, child)| Some((*seat, resident(child.id())?))).collect()
    }

    pub fn kill_all(&self) {
        let seats: Vec<Seat> = self.running().keys().copied().collect();
        for seat in seats {
            self.kill(seat);
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.kill_all();
    }
}

fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.split_whitespace().next()?.parse().ok()
}
