//! Opening a case (立项): the form is checked against the active playbook, the case is judged, and
//! the asset's home is told, whose writer looks for an earlier case about the same asset.

mod check;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chassis_core::{Actor, Halt, Refusal, Sealed, Step};
use organisation::Snapshot;
use playbook::{CaseType, Facts, Playbook, Value, case::Sameness};
use proto::{Id, Time, intake::v1 as said};

use crate::{
    access,
    command::{Open, Opened, Reply},
    contact, identify, judge, keys, repeat,
    state::{
        Counter, Customer, CustomerTicket, FileCheck, Judged, Link, PlaybookVersion, Progress, State, Ticket,
    },
};

/// A case that may be opened as it stands: judged, but not yet numbered.
pub(crate) struct Draft<'a> {
    pub playbook: &'a Arc<Playbook>,
    pub case_type: &'a CaseType,
    pub customer: Option<Customer>,
    pub asset: Option<Id>,
    pub branch: String,
    pub channel: String,
    pub facts: Facts,
    pub personal: BTreeMap<String, Sealed>,
    pub barred: BTreeSet<String>,
    pub tokens: Vec<String>,
    pub opened_at: Time,
    pub occurred_at: Option<Time>,
    pub file_check: FileCheck,
    pub judged: Judged,
    /// The earlier case that this one repeats, as far as the customer's file knows.
    pub repeats: Option<Id>,
    pub links: Vec<Link>,
}

pub(crate) fn open(command: &Open, step: &mut Step<'_>) -> Result<Reply, Halt> {
    let customer = match command.customer {
        Some(id) => Some(step.need::<Customer>(id, "客户", "customer")?),
        None => None,
    };
    let draft = draft(command, customer, step.actor(), step.directory(), step.now())?;
    if !draft.is_opened() {
        return Ok(Reply::Contacted(contact::log(draft, step)));
    }
    let ticket = register(draft, step)?;
    Ok(Reply::Opened(Opened {
        ticket: ticket.id,
        number: ticket.number,
        category: ticket.judged.category.clone(),
        severity: ticket.judged.severity.clone(),
        reasons: ticket.judged.reason_codes(),
    }))
}

/// Checks everything that a person can get wrong, and judges. Pure: previews use it too.
pub(crate) fn draft<'a>(
    command: &Open,
    customer: Option<Customer>,
    actor: &Actor,
    directory: &'a Snapshot,
    now: Time,
) -> Result<Draft<'a>, Refusal> {
    let (playbook, case_type) = check::rule_book(command, directory)?;
    access::may_work_at(directory, actor, &command.branch)?;
    let barred: BTreeSet<String> = command.about_persons.iter().cloned().collect();
    access::not_barred(actor, &barred, Some(case_type))?;
    let opened_at = check::said_at(command, actor, now)?;
    let asset = asset(command, customer.as_ref());
    let facts = known_facts(command, customer.as_ref(), asset, case_type, actor, opened_at);
    let wrong = check::misfits(command, customer.as_ref(), case_type, &facts, directory);
    if !wrong.is_empty() {
        return Err(Refusal::invalid(wrong));
    }
    let mut draft = Draft {
        playbook,
        case_type,
        file_check: customer.as_ref().map_or(FileCheck::Unknown, |c| c.file_check(asset)),
        tokens: tokens(command, customer.as_ref(), asset),
        customer,
        asset,
        branch: command.branch.clone(),
        channel: command.channel.clone(),
        facts,
        personal: command.personal.clone(),
        barred,
        opened_at,
        occurred_at: command.occurred_at,
        judged: Judged::default(),
        repeats: None,
        links: Vec::new(),
    };
    draft.judge(directory);
    Ok(draft)
}

impl Draft<'_> {
    /// Whether it becomes a case, rather than a contact (PM-03).
    pub(crate) fn is_opened(&self) -> bool {
        self.case_type.is_opened(&self.facts)
    }

    /// Category first: a repeat is one of the same category.
    pub(crate) fn judge(&mut self, directory: &Snapshot) {
        let first = judge::judge(self.case_type, &self.facts, None);
        self.repeats = self.customer.as_ref().and_then(|customer| {
            let probe = repeat::Probe {
                playbook: &self.playbook.id,
                case_type: self.case_type,
                category: &first.category,
                branch: &self.branch,
                opened_at: self.opened_at,
                itself: None,
            };
            repeat::by_customer(directory, customer, &probe)
        });
        self.facts.set("repeat", Value::Bool(self.repeats.is_some()));
        self.judged = judge::judge(self.case_type, &self.facts, None);
        judge::into_facts(&self.judged, &mut self.facts);
        self.case_type.derive(&mut self.facts);
    }
}

/// Numbers the case, writes it down and says so.
pub(crate) fn register(draft: Draft<'_>, step: &mut Step<'_>) -> Result<Ticket, Halt> {
    let shard = step.shard();
    let mut counter = step.get::<Counter>(keys::counter(shard))?.unwrap_or_else(|| Counter::new(shard));
    let bucket = draft
        .customer
        .as_ref()
        .map_or_else(|| keys::branch_bucket(&draft.branch), |customer| customer.id.bucket());
    let (id, number, repeats) = (step.mint(bucket), counter.next_number(), draft.repeats);
    let (customer, occurred_at) = (draft.customer.clone(), draft.occurred_at);
    let by_asset = draft.case_type.repeat.as_ref().is_some_and(|rule| rule.by.contains(&Sameness::Asset));
    let ticket = into_ticket(draft, id, number, step.actor().code());
    step.put(&counter);
    step.put(&ticket);
    if let Some(customer) = customer {
        step.put(&on_file(customer, &ticket));
    }
    let about = chassis_core::About { occurred_at, ..ticket.about() };
    step.say(about, opened(&ticket, repeats));
    if by_asset {
        repeat::tell_asset(&ticket, step);
    }
    Ok(ticket)
}

fn into_ticket(draft: Draft<'_>, id: Id, number: String, taken_by: String) -> Ticket {
    let mut links = draft.links;
    links.extend(draft.repeats.map(|other| Link::new(other, "repeat")));
    Ticket {
        id,
        number,
        playbook: PlaybookVersion { id: draft.playbook.id.clone(), version: draft.playbook.version },
        case_type: draft.case_type.id.clone(),
        branch: draft.branch,
        customer: draft.customer.map(|customer| customer.id),
        asset: draft.asset,
        channel: draft.channel,
        taken_by,
        opened_at: draft.opened_at,
        file_check: draft.file_check,
        facts: draft.facts,
        personal: draft.personal,
        judged: draft.judged,
        step_facts: Facts::new(),
        floor: None,
        barred: draft.barred,
        cycle: 1,
        state: State::Open(Progress::new(draft.opened_at)),
        past: Vec::new(),
        notes: Vec::new(),
        waits: BTreeMap::new(),
        links,
        tokens: draft.tokens,
    }
}

/// The customer's file with the new case; its asset is proved by it (DG-05).
fn on_file(mut customer: Customer, ticket: &Ticket) -> Customer {
    for asset in customer.assets.iter_mut().filter(|asset| Some(asset.id) == ticket.asset) {
        asset.confirmed = true;
    }
    customer.remember(CustomerTicket {
        id: ticket.id,
        number: ticket.number.clone(),
        playbook: ticket.playbook.id.clone(),
        case_type: ticket.case_type.clone(),
        category: ticket.judged.category.clone(),
        branch: ticket.branch.clone(),
        opened_at: ticket.opened_at,
        answered_at: None,
        closed: false,
    });
    customer
}

fn opened(ticket: &Ticket, repeats: Option<Id>) -> said::TicketOpened {
    let id = |id: Option<Id>| id.map(|id| id.to_string()).unwrap_or_default();
    said::TicketOpened {
        ticket: Some(ticket.reference()),
        customer_id: id(ticket.customer),
        asset_id: id(ticket.asset),
        channel: ticket.channel.clone(),
        category: ticket.judged.category.clone(),
        severity: ticket.judged.severity.clone(),
        reasons: ticket.judged.reason_codes(),
        tags: ticket.judged.tags.clone(),
        barred: ticket.barred_codes(),
        facts: organisation::facts::to_proto(&ticket.facts),
        opened_at: ticket.opened_at.0,
        file_check: ticket.file_check.to_string(),
        repeats: id(repeats),
    }
}

/// The form's facts with the built-in ones.
fn known_facts(
    command: &Open,
    customer: Option<&Customer>,
    asset: Option<Id>,
    case_type: &CaseType,
    actor: &Actor,
    opened_at: Time,
) -> Facts {
    let mut facts = command.facts.clone();
    facts
        .set("type", Value::code(&case_type.id))
        .set("branch", Value::code(&command.branch))
        .set("channel", Value::code(&command.channel))
        .set("opened_at", Value::Instant(opened_at.0))
        .set("cycle", Value::Int(1))
        .set("reopened", Value::Bool(false))
        .set("repeat", Value::Bool(false));
    let brand = customer.zip(asset).and_then(|(customer, asset)| customer.asset(asset)?.brand.clone());
    let check = customer.map_or(FileCheck::Unknown, |customer| customer.file_check(asset));
    suggest(&mut facts, case_type, "source", Some(source(actor)));
    suggest(&mut facts, case_type, "brand", brand.as_deref());
    suggest(&mut facts, case_type, "customer_check", Some(check.as_str()));
    case_type.derive(&mut facts);
    facts
}

/// What intake can tell by itself, where the form did not say otherwise and has a place for it.
fn suggest(facts: &mut Facts, case_type: &CaseType, name: &str, code: Option<&str>) {
    let Some(value) = code.map(Value::code) else { return };
    let fits = case_type.field(name).map_or(name != "customer_check", |field| field.accepts(&value));
    if facts.get(name).is_none() && fits {
        facts.set(name, value);
    }
}

/// Taken by the group's call centre, or raised at the shop.
fn source(actor: &Actor) -> &'static str {
    let centre = |role: &str| role.starts_with("call-centre") || role == "system";
    match actor.grants().iter().any(|grant| centre(&grant.role)) {
        true => "call_centre",
        false => "shop",
    }
}

/// The asset that the case is about: the one named, else the one on file whose plate or VIN the
/// form says.
fn asset(command: &Open, customer: Option<&Customer>) -> Option<Id> {
    let said = |token: &Option<String>| token.as_ref().is_some_and(|token| command.tokens.contains(token));
    let on_file = || {
        let mut assets = customer?.assets.iter();
        assets.find(|asset| said(&asset.plate_token) || said(&asset.vin_token)).map(|asset| asset.id)
    };
    command.asset.or_else(on_file)
}

fn tokens(command: &Open, customer: Option<&Customer>, asset: Option<Id>) -> Vec<String> {
    let on_file = customer.map_or(&[][..], |customer| &customer.tokens);
    let asset = customer.zip(asset).and_then(|(customer, asset)| customer.asset(asset));
    let of_asset = asset.map_or(&[][..], |asset| &asset.tokens);
    identify::sorted([on_file, of_asset, &command.tokens].concat())
}
