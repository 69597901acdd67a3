//! What happens when: a schedule from a seed. Pure: the same seed and length give the same schedule, in every run.

use std::{fmt, time::Duration};

use hotline::demo::draw::{Draw, Draws};
use proto::Service;

/// The kinds of fault, by what they strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    KillOwner,
    KillWaiting,
    KillBoth,
    FreezeOwner,
    RollingRestart,
    KillNats,
    WipeNats,
    TruncateNats,
    RestoreNats,
    KillBackends,
    CrashPostgres,
    RestartPostgres,
    CutPostgres,
    CutNats,
    CutPeers,
    SlowPostgres,
    SlowNats,
    SlowPeers,
    HalfOpen,
    Resets,
    Storm,
    Exhaust,
    Burst,
    SilentBranch,
    SlowSubscriber,
    FullNats,
    FullPostgres,
    LoseNatsNode,
    PromoteStandby,
    RestorePostgres,
}

/// What the machine has to offer for a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// Small disks of their own for the engines' data: root and mount.
    Disks,
    /// Three NATS servers instead of one.
    Cluster,
    /// A Postgres with room beside it, for copies and standbys.
    Copies,
}

/// How a kind is named, how often it comes in a later round, and how long it usually takes, in seconds.
const TABLE: [(Kind, &str, usize, u64); 30] = [
    (Kind::KillOwner, "kill-owner", 18, 4),
    (Kind::KillWaiting, "kill-waiting", 4, 4),
    (Kind::KillBoth, "kill-both", 2, 4),
    (Kind::FreezeOwner, "freeze-owner", 2, 19),
    (Kind::RollingRestart, "rolling-restart", 1, 22),
    (Kind::KillNats, "kill-nats", 2, 6),
    (Kind::WipeNats, "wipe-nats", 1, 10),
    (Kind::TruncateNats, "truncate-nats", 1, 6),
    (Kind::RestoreNats, "restore-nats", 1, 10),
    (Kind::KillBackends, "kill-backends", 3, 4),
    (Kind::CrashPostgres, "crash-postgres", 1, 5),
    (Kind::RestartPostgres, "restart-postgres", 1, 5),
    (Kind::CutPostgres, "cut-postgres", 2, 13),
    (Kind::CutNats, "cut-nats", 1, 7),
    (Kind::CutPeers, "cut-peers", 1, 7),
    (Kind::SlowPostgres, "slow-postgres", 1, 8),
    (Kind::SlowNats, "slow-nats", 1, 8),
    (Kind::SlowPeers, "slow-peers", 1, 8),
    (Kind::HalfOpen, "half-open", 1, 14),
    (Kind::Resets, "resets", 1, 3),
    (Kind::Storm, "storm", 1, 3),
    (Kind::Exhaust, "exhaust", 1, 12),
    (Kind::Burst, "burst", 1, 10),
    (Kind::SilentBranch, "silent-branch", 1, 10),
    (Kind::SlowSubscriber, "slow-subscriber", 1, 10),
    (Kind::FullNats, "full-nats", 1, 9),
    (Kind::FullPostgres, "full-postgres", 1, 8),
    (Kind::LoseNatsNode, "lose-nats-node", 2, 12),
    (Kind::PromoteStandby, "promote-standby", 1, 15),
    (Kind::RestorePostgres, "restore-postgres", 1, 60),
];

impl Kind {
    pub fn all() -> impl Iterator<Item = Kind> {
        TABLE.iter().map(|(kind, ..)| *kind)
    }

    fn row(self) -> &'static (Kind, &'static str, usize, u64) {
        TABLE.iter().find(|(kind, ..)| *kind == self).expect("the table has every kind")
    }

    pub fn name(self) -> &'static str {
        self.row().1
    }

    pub fn parse(name: &str) -> Option<Kind> {
        TABLE.iter().find(|(_, known, ..)| *known == name).map(|(kind, ..)| *kind)
    }

    pub fn needs(self) -> Needs {
        match self {
            Kind::FullNats | Kind::FullPostgres => Needs::Disks,
            Kind::LoseNatsNode => Needs::Cluster,
            Kind::PromoteStandby | Kind::RestorePostgres => Needs::Copies,
            _ => Needs::Nothing,
        }
    }

    /// Within this time after the strike everything has an owner again; for the others, after it was healed.
    pub fn limit(self) -> Duration {
        Duration::from_secs(match self {
            // A dead or frozen owner is replaced by the other replica.
            Kind::KillOwner | Kind::KillWaiting | Kind::FreezeOwner => 15,
            // Nobody is left: a start from nothing.
            Kind::KillBoth => 30,
            // All services start anew, and an operator gives up what is lost.
            Kind::RestorePostgres => 120,
            _ => 60,
        })
    }

    /// How long it lasts, in milliseconds.
    fn lasts(self, draw: &mut Draw) -> i64 {
        match self {
            // Longer than a frozen owner keeps its session.
            Kind::FreezeOwner => draw.between(14_000, 18_000),
            // Some short, some longer than the session lives.
            Kind::CutPostgres if draw.happens(0.5) => draw.between(13_000, 17_000),
            Kind::CutPostgres | Kind::CutNats | Kind::CutPeers => draw.between(2_000, 8_000),
            Kind::SlowPostgres | Kind::SlowNats | Kind::SlowPeers => draw.between(4_000, 8_000),
            Kind::Exhaust => draw.between(6_000, 10_000),
            Kind::HalfOpen | Kind::Burst | Kind::SilentBranch | Kind::SlowSubscriber => {
                draw.between(6_000, 10_000)
            }
            Kind::FullNats | Kind::FullPostgres => draw.between(3_000, 6_000),
            Kind::KillNats | Kind::LoseNatsNode => draw.between(500, 5_000),
            Kind::PromoteStandby => draw.between(2_000, 6_000),
            Kind::RestorePostgres => draw.between(20_000, 40_000),
            Kind::CrashPostgres | Kind::RestartPostgres => draw.between(100, 3_000),
            _ => draw.between(300, 1_500),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strike {
    pub number: usize,
    pub kind: Kind,
    /// Whom it strikes, where the kind strikes one service.
    pub service: Service,
    /// Links: of one replica, of both, or everybody's.
    pub breadth: Breadth,
    /// Quiet before it.
    pub after: Duration,
    pub lasts: Duration,
    /// Latency for slow links; any other choice that a kind has.
    pub amount: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breadth {
    Owner,
    Service,
    Everybody,
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Strike { number, kind, service, breadth, lasts, amount, .. } = self;
        write!(f, "{number:>4}  {kind:<16} {service:<12} {breadth:?}, {} ms, {amount}", lasts.as_millis())
    }
}

/// As many strikes as usually fit. The first round has each kind once, in some order; the later ones have the common
/// kinds more often. Services take turns, so that each is struck by each kind in a long run.
pub fn schedule(seed: u64, length: Duration, kinds: &[Kind]) -> Vec<Strike> {
    let draws = Draws(seed);
    let mut strikes: Vec<Strike> = Vec::new();
    let mut spent = 0;
    for round in 0.. {
        for kind in shuffled(draws, round, kinds) {
            let number = strikes.len() + 1;
            spent += kind.row().3;
            if kinds.is_empty() || spent > length.as_secs().max(kind.row().3) {
                return strikes;
            }
            let before = strikes.iter().filter(|strike| strike.kind == kind).count();
            strikes.push(strike(draws, number, kind, before));
        }
        if kinds.is_empty() {
            break;
        }
    }
    strikes
}

/// What is struck last: it puts an end to what came before.
pub fn last(seed: u64, kind: Kind) -> Strike {
    strike(Draws(seed), 1, kind, 0)
}

fn strike(draws: Draws, number: usize, kind: Kind, before: usize) -> Strike {
    let mut draw = draws.of(&["strike", &number.to_string(), kind.name()]);
    // The console aside, all seven; which comes first is drawn per kind.
    let first = draws.of(&["first", kind.name()]).between(0, Service::ALL.len() as i64) as usize;
    let service = Service::ALL[(first + before) % Service::ALL.len()];
    let breadths = [Breadth::Owner, Breadth::Service, Breadth::Everybody];
    Strike {
        number,
        kind,
        service,
        breadth: draw.pick(&breadths).copied().unwrap_or(Breadth::Owner),
        after: Duration::from_millis(draw.between(300, 1_500) as u64),
        lasts: Duration::from_millis(kind.lasts(&mut draw) as u64),
        amount: draw.between(20, 300) as u64,
    }
}

fn shuffled(draws: Draws, round: usize, kinds: &[Kind]) -> Vec<Kind> {
    let times = |kind: &Kind| if round == 0 { 1 } else { kind.row().2 };
    let mut bag: Vec<Kind> = kinds.iter().flat_map(|kind| std::iter::repeat_n(*kind, times(kind))).collect();
    let mut draw = draws.of(&["round", &round.to_string()]);
    for place in (1..bag.len()).rev() {
        bag.swap(place, draw.between(0, place as i64 + 1) as usize);
    }
    bag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Kind> {
        Kind::all().collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule() {
        let half_an_hour = Duration::from_secs(1_800);
        let played = schedule(7, half_an_hour, &all());
        assert_eq!(played, schedule(7, half_an_hour, &all()));
        assert_ne!(played, schedule(8, half_an_hour, &all()));
        // A shorter run is the beginning of a longer one.
        let shorter = schedule(7, Duration::from_secs(300), &all());
        assert!(!shorter.is_empty());
        assert_eq!(shorter[..], played[..shorter.len()]);
    }

    #[test]
    fn half_an_hour_kills_a_hundred_times_and_has_every_kind() {
        let kills = [Kind::KillOwner, Kind::KillWaiting, Kind::KillBoth, Kind::KillNats, Kind::KillBackends];
        for seed in 0..20 {
            let played = schedule(seed, Duration::from_secs(1_800), &all());
            let killed: usize = played
                .iter()
                .map(|strike| match strike.kind {
                    Kind::KillBoth => 2,
                    kind => usize::from(kills.contains(&kind)),
                })
                .sum();
            assert!(killed >= 100, "seed {seed}: {killed}");
            for kind in Kind::all() {
                assert!(played.iter().any(|strike| strike.kind == kind), "seed {seed}: no {kind}");
            }
        }
    }

    #[test]
    fn every_service_is_killed_in_turn() {
        let played = schedule(3, Duration::from_secs(600), &[Kind::KillOwner]);
        for turn in played.windows(Service::ALL.len()) {
            for service in Service::ALL {
                assert!(turn.iter().any(|strike| strike.service == service), "{service}");
            }
        }
    }

    #[test]
    fn a_frozen_owner_sleeps_longer_than_its_session_lives() {
        let played = schedule(1, Duration::from_secs(900), &[Kind::FreezeOwner]);
        assert!(played.iter().all(|strike| strike.lasts > Duration::from_secs(12)));
    }

    #[test]
    fn names_are_read_back() {
        assert!(Kind::all().all(|kind| Kind::parse(kind.name()) == Some(kind)));
        assert_eq!(Kind::parse("earthquake"), None);
        assert!(schedule(1, Duration::from_secs(60), &[]).is_empty());
    }
}
