//! Calls that come in: who calls about which car, and what is said about a case while it is open.

use std::collections::BTreeMap;

use chassis_core::{Actor, Sealed};
use intake_core::{
    Command, Ticket,
    command::{AssetGiven, Close, Identified, Identify, Note, Open, Reclassify, Reopen},
    keys,
};
use organisation::Snapshot;
use playbook::{Facts, Value};
use proto::Time;

use super::{Cast, arc, id_of, paper, people, turns::Extra};
use crate::{dice::Dice, order::Order};

/// A call as its dice make it.
struct Coming {
    branch: String,
    /// Who takes it, and how it came.
    taken_by: String,
    channel: &'static str,
    phone: String,
    plate: String,
}

fn coming(cast: &Cast, call: usize, dice: &mut Dice) -> Option<Coming> {
    let mut branches: Vec<&str> = cast
        .staff
        .nodes()
        .filter(|node| node.level == "branch" && !node.closed)
        .map(|node| node.code.as_str())
        .collect();
    if branches.is_empty() {
        return None;
    }
    branches.sort_unstable();
    // Callers and cars come again: they are drawn from fewer than there are calls.
    let caller = dice.below(cast.calls * 7 / 10 + 1);
    let branch = branches[(caller % branches.len() as u64) as usize].to_owned();
    let car = if dice.chance(120) { dice.below(cast.calls / 4 + 1) } else { caller };
    let (role, channel) = match dice.below(10) {
        0 | 1 => ("receptionist", "visit"),
        2 => ("call-centre-agent", "callback"),
        _ => ("call-centre-agent", "phone"),
    };
    let takers = people::holders(&cast.staff, role, &branch);
    let taken_by = takers.get(call % takers.len().max(1))?.code.clone();
    Some(Coming {
        branch,
        taken_by,
        channel,
        phone: format!("phone {caller}"),
        plate: format!("plate {car}"),
    })
}

fn dice_of(cast: &Cast, call: usize) -> Dice {
    cast.dice_of(&format!("call {call}"))
}

fn sealed(text: &str) -> Option<Sealed> {
    Sealed::parse(&format!("s1.{text}"))
}

pub fn identify(cast: &Cast, call: usize, _now: Time) -> Option<(Actor, Order)> {
    let coming = coming(cast, call, &mut dice_of(cast, call))?;
    let home = keys::phone_book(&coming.phone);
    let command = Identify {
        owner: id_of(&coming.phone, home.bucket()),
        phone: sealed("phone")?,
        name: sealed("name"),
        tokens: vec![coming.phone.clone()],
        asset: Some(AssetGiven {
            plate_token: Some(coming.plate.clone()),
            plate: sealed("plate"),
            model: sealed("model"),
            tokens: vec![coming.plate.clone()],
            ..AssetGiven::default()
        }),
        phone_token: coming.phone,
    };
    let actor = people::actor(cast.staff.person(&coming.taken_by)?);
    Some((actor, Order::Intake(arc(Command::Identify(Box::new(command))))))
}

pub fn open(cast: &Cast, call: usize, identified: &Identified, _now: Time) -> Option<(Actor, Order)> {
    let mut dice = dice_of(cast, call);
    let coming = coming(cast, call, &mut dice)?;
    let personal: BTreeMap<String, Sealed> = ["customer_name", "phone", "model", "plate", "content"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), sealed(name)?)))
        .collect();
    let complained_about = people::holders(&cast.staff, "service-manager", &coming.branch);
    let about_persons = match complained_about.first() {
        Some(person) if dice.chance(80) => vec![person.code.clone()],
        _ => Vec::new(),
    };
    let command = Open {
        customer: Some(identified.customer),
        asset: identified.asset,
        playbook: "dealer-group".to_owned(),
        case_type: "complaint".to_owned(),
        branch: coming.branch,
        channel: coming.channel.to_owned(),
        facts: paper::complaint(&mut dice),
        personal,
        about_persons,
        tokens: Vec::new(),
        occurred_at: None,
    };
    let actor = people::actor(cast.staff.person(&coming.taken_by)?);
    Some((actor, Order::Intake(arc(Command::Open(Box::new(command))))))
}

/// What somebody says about an open case, or tries with one that may be closed.
pub fn extra(staff: &Snapshot, extra: Extra, ticket: &Ticket, dice: Dice) -> Option<(Actor, Order)> {
    let mut dice = dice;
    let id = ticket.id;
    let note = |kind: &str, begun: Option<&str>, ended: Option<&str>| {
        Command::Note(Note {
            ticket: id,
            kind: kind.to_owned(),
            text: sealed("note"),
            wait_begun: begun.map(str::to_owned),
            wait_ended: ended.map(str::to_owned),
        })
    };
    let wait = *dice.pick(&["customer", "parts", "manufacturer"]);
    let reclassify = |facts: Facts, about_persons: Vec<String>| {
        Command::Reclassify(Reclassify {
            ticket: id,
            facts,
            personal: BTreeMap::new(),
            about_persons,
            tokens: Vec::new(),
        })
    };
    let (role, command) = match extra {
        Extra::Chase => ("call-centre-agent", note("chaser", None, None)),
        Extra::BeginWait => ("cr-manager", note("wait", Some(wait), None)),
        Extra::EndWait => {
            let going_on = ticket.waits.keys().next()?;
            ("cr-manager", note("wait", None, Some(going_on)))
        }
        Extra::DoorBlocked => {
            let facts = Facts::new().with("door_blocked", Value::Bool(true));
            ("call-centre-agent", reclassify(facts, Vec::new()))
        }
        Extra::Complain => {
            let about = *dice.pick(&["cr-manager", "service-manager", "sales-manager", "cr-specialist"]);
            let person = people::holders(staff, about, &ticket.branch).first()?.code.clone();
            ("call-centre-agent", reclassify(Facts::new(), vec![person]))
        }
        Extra::Close => {
            ("call-centre-agent", Command::Close(Close { ticket: id, outcome: "resolved".to_owned() }))
        }
        Extra::Reopen => {
            ("call-centre-agent", Command::Reopen(Reopen { ticket: id, reason: "unhappy".to_owned() }))
        }
    };
    let holders = people::holders(staff, role, &ticket.branch);
    let person = holders.get(dice.below(holders.len() as u64) as usize)?;
    Some((people::actor(person), Order::Intake(arc(command))))
}
