//! A linked case: what remains of a matter once its own case can no longer be opened again (FR-47,
//! It begins with what is known, under the playbook that is active now.

use chassis_core::{Halt, Step};
use proto::{Id, intake::v1 as said};

use crate::{
    judge,
    open::{self, Draft},
    state::{Customer, Judged, Link, Ticket},
};

/// Opens the linked case and gives the older one back with its link, not yet written.
pub(crate) fn open(mut older: Ticket, relation: &str, step: &mut Step<'_>) -> Result<Ticket, Halt> {
    let directory = step.directory();
    let active = directory.active_playbook(&older.playbook.id);
    let playbook = match active.filter(|playbook| playbook.case_type(&older.case_type).is_some()) {
        Some(active) => active,
        None => judge::rule_book(directory, &older.playbook)?,
    };
    let Some(case_type) = playbook.case_type(&older.case_type) else { return Ok(older) };
    let customer = match older.customer {
        Some(id) => step.get::<Customer>(id)?,
        None => None,
    };
    let mut facts = older.facts.clone();
    facts
        .set("cycle", playbook::Value::Int(1))
        .set("reopened", playbook::Value::Bool(false))
        .set("opened_at", playbook::Value::Instant(step.now().0));
    let mut draft = Draft {
        playbook,
        case_type,
        customer,
        asset: older.asset,
        branch: older.branch.clone(),
        channel: older.channel.clone(),
        facts,
        personal: older.personal.clone(),
        barred: older.barred.clone(),
        tokens: older.tokens.clone(),
        opened_at: step.now(),
        occurred_at: None,
        file_check: older.file_check,
        judged: Judged::default(),
        repeats: None,
        links: vec![Link::new(older.id, relation)],
    };
    draft.judge(directory);
    let newer = open::register(draft, step)?;
    link(&mut older, newer.id, relation, step);
    say(&newer, older.id, relation, step);
    Ok(older)
}

fn link(older: &mut Ticket, newer: Id, relation: &str, step: &mut Step<'_>) {
    if older.link(newer, relation) {
        say(older, newer, relation, step);
    }
}

fn say(ticket: &Ticket, other: Id, relation: &str, step: &mut Step<'_>) {
    step.say(
        ticket.about(),
        said::TicketLinked {
            ticket: Some(ticket.reference()),
            other_id: other.to_string(),
            relation: relation.to_owned(),
            ..Default::default()
        },
    );
}
