//! Repeats: same customer or same asset, same category, within the playbook's days of an
//! earlier complaint that has been answered. The customer's file knows the customer's cases; the
//! asset's home sees all openings about it in one order, whoever called.
//!
//! Days count from the earlier complaint's opening. Evidence decides by its own time, so the two
//! homes find the same whatever order their entries arrive in.

use chassis_core::{Halt, Step};
use organisation::Snapshot;
use playbook::{CaseType, Value, case::Sameness};
use proto::{Id, Time, intake::v1 as said};

use crate::{
    days, hear, judge, reclassify,
    state::{Asset, Customer, Opening, PlaybookVersion, Ticket},
};

/// The newer case, as far as a repeat depends on it.
pub(crate) struct Probe<'a> {
    pub playbook: &'a str,
    pub case_type: &'a CaseType,
    pub category: &'a str,
    pub branch: &'a str,
    pub opened_at: Time,
    pub itself: Option<Id>,
}

/// An earlier case, wherever it is remembered.
struct Earlier<'a> {
    id: Id,
    playbook: &'a str,
    case_type: &'a str,
    category: &'a str,
    opened_at: Time,
    answered_at: Option<Time>,
}

impl Probe<'_> {
    fn repeats(&self, by: Sameness, earlier: &Earlier<'_>, directory: &Snapshot) -> bool {
        let Some(rule) = self.case_type.repeat.as_ref().filter(|rule| rule.by.contains(&by)) else {
            return false;
        };
        Some(earlier.id) != self.itself
            && earlier.playbook == self.playbook
            && earlier.case_type == self.case_type.id
            && (!rule.same_category || earlier.category == self.category)
            && earlier.answered_at.is_some_and(|answered| answered <= self.opened_at)
            && days::within(directory, self.branch, earlier.opened_at, self.opened_at, rule.within_days)
    }
}

/// The newest case of this customer that the new one repeats.
pub(crate) fn by_customer(directory: &Snapshot, customer: &Customer, probe: &Probe<'_>) -> Option<Id> {
    let earlier = customer.tickets.iter().rev().map(|ticket| Earlier {
        id: ticket.id,
        playbook: &ticket.playbook,
        case_type: &ticket.case_type,
        category: &ticket.category,
        opened_at: ticket.opened_at,
        answered_at: ticket.answered_at,
    });
    earlier
        .into_iter()
        .find(|earlier| probe.repeats(Sameness::Customer, earlier, directory))
        .map(|earlier| earlier.id)
}

/// Tells the asset's home of a case (again, when its category changed).
pub(crate) fn tell_asset(ticket: &Ticket, step: &mut Step<'_>) {
    let Some(asset) = ticket.asset else { return };
    let complained = said::AssetComplained {
        ticket: Some(ticket.reference()),
        asset_id: asset.to_string(),
        category: ticket.judged.category.clone(),
        opened_at: ticket.opened_at.0,
    };
    step.say_to(asset.shard(), ticket.about(), complained);
}

/// Tells the asset's home that the case has been answered.
pub(crate) fn tell_answered(ticket: &Ticket, at: Time, step: &mut Step<'_>) {
    let Some(asset) = ticket.asset else { return };
    let answered = said::AssetAnswered {
        ticket: Some(ticket.reference()),
        asset_id: asset.to_string(),
        answered_at: at.0,
    };
    step.say_to(asset.shard(), ticket.about(), answered);
}

/// At the asset's home: a case about it.
pub(crate) fn complained(event: &said::AssetComplained, step: &mut Step<'_>) -> Result<(), Halt> {
    let ticket = hear::reference(event.ticket.as_ref())?;
    let playbook = ticket.playbook.clone().unwrap_or_default();
    let id = hear::id(&event.asset_id)?;
    let mut asset = step.get::<Asset>(id)?.unwrap_or_else(|| Asset::new(id));
    asset.take_in(Opening {
        ticket: hear::id(&ticket.ticket_id)?,
        number: ticket.number.clone(),
        branch: ticket.branch.clone(),
        playbook: PlaybookVersion { id: playbook.id, version: playbook.version },
        case_type: ticket.case_type.clone(),
        cycle: ticket.cycle,
        category: event.category.clone(),
        opened_at: Time(event.opened_at),
        answered_at: None,
        repeats: None,
    });
    look_for_repeats(asset, step)
}

/// At the asset's home: a case about it has been answered. A newer case may have been opened
/// after that, though its entry came first.
pub(crate) fn answered(event: &said::AssetAnswered, step: &mut Step<'_>) -> Result<(), Halt> {
    let ticket = hear::id(&hear::reference(event.ticket.as_ref())?.ticket_id)?;
    let id = hear::id(&event.asset_id)?;
    let Some(mut asset) = step.get::<Asset>(id)? else { return Ok(()) };
    let Some(opening) = asset.openings.iter_mut().find(|opening| opening.ticket == ticket) else {
        return Ok(());
    };
    opening.answered_at.get_or_insert(Time(event.answered_at));
    look_for_repeats(asset, step)
}

fn look_for_repeats(mut asset: Asset, step: &mut Step<'_>) -> Result<(), Halt> {
    let directory = step.directory();
    let known = asset.openings.clone();
    for opening in asset.openings.iter_mut().filter(|opening| opening.repeats.is_none()) {
        let book = judge::rule_book(directory, &opening.playbook)?;
        let Some(case_type) = book.case_type(&opening.case_type) else { continue };
        let probe = Probe {
            playbook: &opening.playbook.id,
            case_type,
            category: &opening.category,
            branch: &opening.branch,
            opened_at: opening.opened_at,
            itself: Some(opening.ticket),
        };
        let earlier = known.iter().rev().map(earlier).find(|e| probe.repeats(Sameness::Asset, e, directory));
        let Some(earlier) = earlier.map(|earlier| earlier.id) else { continue };
        opening.repeats = Some(earlier);
        let about = chassis_core::About::ticket(opening.ticket, &opening.branch);
        let found = said::AssetRepeatFound {
            ticket: Some(opening.reference()),
            asset_id: asset.id.to_string(),
            earlier_id: earlier.to_string(),
        };
        step.say_to(opening.ticket.shard(), about, found);
    }
    step.put(&asset);
    Ok(())
}

fn earlier(opening: &Opening) -> Earlier<'_> {
    Earlier {
        id: opening.ticket,
        playbook: &opening.playbook.id,
        case_type: &opening.case_type,
        category: &opening.category,
        opened_at: opening.opened_at,
        answered_at: opening.answered_at,
    }
}

/// Back at the ticket's home: it repeats an earlier case.
pub(crate) fn found(event: &said::AssetRepeatFound, step: &mut Step<'_>) -> Result<(), Halt> {
    let earlier = hear::id(&event.earlier_id)?;
    match hear::ticket(event.ticket.as_ref(), step)? {
        Some(ticket) => is_repeat(ticket, earlier, step),
        None => Ok(()),
    }
}

/// The customer's newer cases that turn out to repeat one whose answer became known late.
pub(crate) fn repeats_of(
    directory: &Snapshot,
    customer: &Customer,
    answered: Id,
    step: &Step<'_>,
) -> Result<Vec<Ticket>, Halt> {
    let mut found = Vec::new();
    for newer in customer.tickets.iter().filter(|newer| newer.id != answered && !newer.closed) {
        let Some(ticket) = step.get::<Ticket>(newer.id)? else { continue };
        let probe = Probe {
            playbook: &ticket.playbook.id,
            case_type: judge::case_type(directory, &ticket)?,
            category: &ticket.judged.category,
            branch: &ticket.branch,
            opened_at: ticket.opened_at,
            itself: Some(ticket.id),
        };
        if !ticket.facts.flag("repeat") && by_customer(directory, customer, &probe) == Some(answered) {
            found.push(ticket);
        }
    }
    Ok(found)
}

/// Links the case to the one that it repeats, and judges it anew.
pub(crate) fn is_repeat(mut ticket: Ticket, earlier: Id, step: &mut Step<'_>) -> Result<(), Halt> {
    if ticket.link(earlier, "repeat") {
        step.say(
            ticket.about(),
            said::TicketLinked {
                ticket: Some(ticket.reference()),
                other_id: earlier.to_string(),
                relation: "repeat".to_owned(),
                ..Default::default()
            },
        );
    }
    let case_type = judge::case_type(step.directory(), &ticket)?;
    if ticket.is_open() && !ticket.facts.flag("repeat") {
        ticket.facts.set("repeat", Value::Bool(true));
        ticket.rejudge(case_type);
        reclassify::say(&ticket, step);
    }
    step.put(&ticket);
    Ok(())
}
