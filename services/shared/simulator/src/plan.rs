//! What a seed stands for: how the world is set up, who calls when, what goes wrong when. Everything is
//! drawn before the world begins, so a plan can be played again with a part of its calls and faults.

use std::time::Duration;

use chassis_core::Limits;
use proto::Service;

use crate::{
    dice::Dice,
    fault::{Act, Fault, Kind},
};

pub const SECOND: u64 = 1_000_000;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// Nothing goes wrong in the last hours of a day: then the world has to come to rest.
pub const LULL: u64 = 2 * HOUR;
/// The day begins at seven, its first call comes after eight.
const FIRST_CALL: u64 = HOUR;
const LAST_CALL: u64 = 13 * HOUR;

/// How much is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub seed: u64,
    pub days: u64,
    /// Calls a day.
    pub tickets: u64,
    /// Faults a day.
    pub faults: u64,
    /// Only these of the plan's faults and calls, by their place; `None`: all.
    pub only_faults: Option<Vec<usize>>,
    pub only_tickets: Option<Vec<usize>>,
}

impl Options {
    pub fn of(seed: u64) -> Options {
        Options { seed, days: 2, tickets: 20, faults: 40, only_faults: None, only_tickets: None }
    }

    /// The words after `cargo xtask sim` that play exactly this.
    pub fn words(&self) -> String {
        let mut words = format!(
            "--seed {} --days {} --tickets {} --faults {}",
            self.seed, self.days, self.tickets, self.faults
        );
        for (name, only) in [("--only-faults", &self.only_faults), ("--only-tickets", &self.only_tickets)] {
            if let Some(only) = only {
                let places: Vec<String> = only.iter().map(ToString::to_string).collect();
                let places = if places.is_empty() { "none".to_owned() } else { places.join(",") };
                words.push_str(&format!(" {name} {places}"));
            }
        }
        words
    }
}

/// How the world of a seed is set up.
#[derive(Clone, Debug)]
pub struct Profile {
    pub limits: Limits,
    /// Timers that one look into the store brings.
    pub timers_held: usize,
    /// Per service: which shards each of its two replicas wants.
    pub wanted: Vec<[Vec<u16>; 2]>,
    /// People work so many times as fast as usual.
    pub haste: u64,
    /// A second version of the rule book comes into force at this time.
    pub second_version_at: Option<u64>,
}

/// One call to the hotline.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub at: u64,
    /// Names the call in the plan: its dice.
    pub place: usize,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub options: Options,
    pub profile: Profile,
    pub calls: Vec<Call>,
    pub faults: Vec<(usize, Fault)>,
}

impl Plan {
    pub fn new(options: Options) -> Plan {
        let seed = options.seed;
        let profile = Profile::new(&mut Dice::new(seed, "profile"), &options);
        let calls = calls(&options);
        let faults = faults(&options);
        let keeps =
            |only: &Option<Vec<usize>>, place: usize| only.as_ref().is_none_or(|only| only.contains(&place));
        Plan {
            calls: calls.into_iter().filter(|call| keeps(&options.only_tickets, call.place)).collect(),
            faults: faults
                .into_iter()
                .enumerate()
                .filter(|(place, _)| keeps(&options.only_faults, *place))
                .collect(),
            profile,
            options,
        }
    }
}

impl Profile {
    fn new(dice: &mut Dice, options: &Options) -> Profile {
        let limits = Limits {
            timers: *dice.pick(&[1, 4, 16, 128]),
            commands: *dice.pick(&[1, 4, 32, 256]),
            events: *dice.pick(&[2, 16, 64, 256]),
            waiting_commands: *dice.pick(&[4, 16, 4_096]),
            waiting_events: *dice.pick(&[16, 256, 8_192]),
            cached_rows: *dice.pick(&[8, 200, 60_000]),
            beat: Duration::from_secs(*dice.pick(&[20, 60, 300])),
            founded_at: None,
        };
        Profile {
            limits,
            timers_held: *dice.pick(&[2, 3, 8, 50_000]),
            wanted: Service::ALL.iter().map(|_| wanted(dice)).collect(),
            haste: *dice.pick(&[1, 4, 12, 12]),
            second_version_at: dice.chance(300).then(|| dice.between(DAY / 4, options.days.max(1) * DAY)),
        }
    }
}

/// All for both, halves, or halves that overlap.
fn wanted(dice: &mut Dice) -> [Vec<u16>; 2] {
    let range = |from: u16, to: u16| (from..to).collect::<Vec<u16>>();
    match dice.below(3) {
        0 => [range(0, proto::SHARDS), range(0, proto::SHARDS)],
        1 => [range(0, 8), range(8, proto::SHARDS)],
        _ => [range(0, 12), range(5, proto::SHARDS)],
    }
}

fn calls(options: &Options) -> Vec<Call> {
    let mut dice = Dice::new(options.seed, "calls");
    let mut times: Vec<u64> = (0..options.days * options.tickets)
        .map(|number| number / options.tickets.max(1) * DAY + dice.between(FIRST_CALL, LAST_CALL))
        .collect();
    times.sort_unstable();
    times.into_iter().enumerate().map(|(place, at)| Call { at, place }).collect()
}

fn faults(options: &Options) -> Vec<Fault> {
    let mut dice = Dice::new(options.seed, "faults");
    // Not every world knows every fault: what hides behind a frequent one comes out without it.
    let mut kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|_| dice.chance(700)).collect();
    if kinds.is_empty() {
        kinds = Kind::ALL.to_vec();
    }
    let mut faults: Vec<Fault> = (0..options.days * options.faults)
        .map(|number| fault(&mut dice, &kinds, number / options.faults.max(1)))
        .collect();
    faults.sort_by_key(|fault| fault.at);
    faults
}

fn fault(dice: &mut Dice, kinds: &[Kind], day: u64) -> Fault {
    let kind = *dice.pick(kinds);
    let act = *dice.pick(&Act::ALL);
    let service = service(dice, act);
    // Most are short; some last.
    let lasts = match dice.below(4) {
        0 => dice.between(SECOND / 10, 2 * SECOND),
        1 | 2 => dice.between(SECOND, 30 * SECOND),
        _ => dice.between(10 * SECOND, 5 * MINUTE),
    };
    Fault {
        at: day * DAY + dice.between(FIRST_CALL / 2, DAY - LULL - 30 * MINUTE),
        kind,
        service,
        act,
        lasts,
        strength: dice.below(1000),
    }
}

/// A service whose writer carries out such actions.
fn service(dice: &mut Dice, act: Act) -> usize {
    let place =
        |service: Service| Service::ALL.iter().position(|other| *other == service).expect("it is one of all");
    let usual = [
        Service::Intake,
        Service::Dispatch,
        Service::SlaWatchdog,
        Service::FollowUp,
        Service::Reporting,
        Service::Notify,
    ];
    let among: &[Service] = match act {
        Act::AskPassed => &[Service::SlaWatchdog],
        Act::AnswerPassed => &[Service::Intake, Service::Dispatch, Service::FollowUp],
        Act::LoadTimers => &[Service::SlaWatchdog, Service::Intake, Service::Dispatch, Service::Notify],
        Act::Repair | Act::RepairDirectory => &usual,
        Act::Load | Act::Commit | Act::Beat | Act::Answer | Act::Publish => &Service::ALL,
    };
    place(*dice.pick(among))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_plan_keeps_its_places() {
        let whole = Plan::new(Options::of(7));
        assert_eq!((whole.calls.len(), whole.faults.len()), (40, 80));
        let part = Plan::new(Options {
            only_faults: Some(vec![3, 9]),
            only_tickets: Some(vec![]),
            ..Options::of(7)
        });
        assert_eq!(part.faults.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [3, 9]);
        assert_eq!(part.faults[0].1.at, whole.faults[3].1.at);
        assert!(part.calls.is_empty());
        assert!(part.options.words().ends_with("--only-faults 3,9 --only-tickets none"));
    }

    #[test]
    fn nothing_goes_wrong_in_the_lull() {
        for seed in 0..20 {
            let plan = Plan::new(Options::of(seed));
            assert!(plan.faults.iter().all(|(_, fault)| fault.at % DAY < DAY - LULL));
            assert!(plan.calls.iter().all(|call| call.at % DAY < DAY - LULL));
        }
    }
}
