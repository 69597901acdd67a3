//! Opening a case (立项): the form is checked against the active playbook, the case is judged, and
//! the asset's home is told, whose writer looks for an earlier case about the same asset.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chassis_core::{Actor, Halt, Refusal, Sealed, Step, Violation};
use organisation::Snapshot;
use playbook::{CaseType, Facts, Playbook, Value, case::Sameness};
use proto::{Id, Time, intake::v1 as said};

use crate::{
    access,
    command::{Open, Opened},
    form::{self, Demand, Filled, violation},
    identify, judge, keys, repeat,
    state::{
        Counter, Customer, CustomerTicket, FileCheck, Judged, Link, PlaybookVersion, Progress, State, Ticket,
    },
};

/// How far back an import may reach, in days.
const OLDEST_IMPORT_DAYS: i64 = 400;

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

pub(crate) fn open(command: &Open, step: &mut Step<'_>) -> Result<Opened, Halt> {
    let customer = match command.customer {
        Some(id) => Some(step.need::<Customer>(id, "客户", "customer")?),
        None => None,
    };
    let draft = draft(command, customer, step.actor(), step.directory(), step.now())?;
    let ticket = register(draft, step)?;
    Ok(Opened {
        ticket: ticket.id,
        number: ticket.number,
        category: ticket.judged.category.clone(),
        severity: ticket.judged.severity.clone(),
        reasons: ticket.judged.reason_codes(),
    })
}

/// Checks everything that a person can get wrong, and judges. Pure: previews use it too.
pub(crate) fn draft<'a>(
    command: &Open,
    customer: Option<Customer>,
    actor: &Actor,
    directory: &'a Snapshot,
    now: Time,
) -> Result<Draft<'a>, Refusal> {
    let (playbook, case_type) = rule_book(command, directory)?;
    access::may_work_at(directory, actor, &command.branch)?;
    let barred: BTreeSet<String> = command.about_persons.iter().cloned().collect();
    access::not_barred(actor, &barred)?;
    let opened_at = said_at(command, actor, now)?;
    let facts = known_facts(command, customer.as_ref(), case_type, actor, opened_at);
    let wrong = misfits(command, customer.as_ref(), case_type, &facts, directory);
    if !wrong.is_empty() {
        return Err(Refusal::invalid(wrong));
    }
    let mut draft = Draft {
        playbook,
        case_type,
        file_check: customer.as_ref().map_or(FileCheck::Unknown, |c| c.file_check(command.asset)),
        tokens: tokens(command, customer.as_ref()),
        customer,
        asset: command.asset,
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
    if !case_type.is_opened(&draft.facts) {
        return Err(only_a_contact());
    }
    Ok(draft)
}

impl Draft<'_> {
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
    links.extend(draft.repeats.map(|other| Link { other, relation: "repeat".to_owned() }));
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

/// Playbook, case type, branch and channel: without them nothing else can be checked.
fn rule_book<'a>(
    command: &Open,
    directory: &'a Snapshot,
) -> Result<(&'a Arc<Playbook>, &'a CaseType), Refusal> {
    let mut wrong: Vec<Violation> = branch_misfit(&command.branch, directory).into_iter().collect();
    let playbook = directory.active_playbook(&command.playbook);
    let case_type = playbook.and_then(|playbook| playbook.case_type(&command.case_type));
    match (playbook, case_type) {
        (None, _) => wrong.push(violation(
            "playbook",
            format!("没有启用名为 {} 的规则手册。", command.playbook),
            format!("No playbook {} is active.", command.playbook),
        )),
        (Some(playbook), None) => wrong.push(violation(
            "case_type",
            format!("规则手册 {} 没有工单类型 {}。", playbook.id, command.case_type),
            format!("Playbook {} has no case type {}.", playbook.id, command.case_type),
        )),
        (Some(_), Some(case_type)) => wrong.extend(channel_misfit(case_type, &command.channel)),
    }
    match (playbook, case_type) {
        (Some(playbook), Some(case_type)) if wrong.is_empty() => Ok((playbook, case_type)),
        _ => Err(Refusal::invalid(wrong)),
    }
}

fn branch_misfit(branch: &str, directory: &Snapshot) -> Option<Violation> {
    let (zh, en) = match directory.node(branch) {
        None => (format!("组织中没有门店 {branch}。"), format!("There is no branch {branch}.")),
        Some(node) if node.level != "branch" => {
            (format!("{branch} 不是门店，请选择具体门店。"), format!("{branch} is not a branch; name one."))
        }
        Some(node) if node.closed => {
            (format!("门店 {branch} 已停业。"), format!("Branch {branch} is closed down."))
        }
        Some(_) => return None,
    };
    Some(violation("branch", zh, en))
}

fn channel_misfit(case_type: &CaseType, channel: &str) -> Option<Violation> {
    if case_type.channels.iter().any(|known| known.code == channel) {
        return None;
    }
    let known: Vec<&str> = case_type.channels.iter().map(|channel| channel.code.as_str()).collect();
    Some(violation(
        "channel",
        format!("渠道只能是 {}。", known.join("、")),
        format!("The channel is one of {}.", known.join(", ")),
    ))
}

/// When it was said. Only systems may say so: nobody puts his own lateness right.
fn said_at(command: &Open, actor: &Actor, now: Time) -> Result<Time, Refusal> {
    let Some(at) = command.occurred_at else { return Ok(now) };
    let refuse = |zh: &str, en: &str| Err(Refusal::field("occurred_at", zh, en));
    if !matches!(actor, Actor::System { .. }) {
        return refuse("只有导入系统可以指定发生时间。", "Only importing systems may say when it happened.");
    }
    if at > now {
        return refuse("发生时间不能晚于现在。", "It cannot have happened in the future.");
    }
    if at < now.plus(-OLDEST_IMPORT_DAYS * 24 * Time::HOUR) {
        return refuse("发生时间不能早于 400 天前。", "It cannot have happened more than 400 days ago.");
    }
    Ok(at)
}

/// The form's facts with the built-in ones.
fn known_facts(
    command: &Open,
    customer: Option<&Customer>,
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
    let brand =
        customer.zip(command.asset).and_then(|(customer, asset)| customer.asset(asset)?.brand.clone());
    let check = customer.map_or(FileCheck::Unknown, |customer| customer.file_check(command.asset));
    suggest(&mut facts, case_type, "source", Some(source(actor)));
    suggest(&mut facts, case_type, "brand", brand.as_deref());
    suggest(&mut facts, case_type, "customer_check", Some(check.as_str()));
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

fn misfits(
    command: &Open,
    customer: Option<&Customer>,
    case_type: &CaseType,
    known: &Facts,
    directory: &Snapshot,
) -> Vec<Violation> {
    let filled =
        Filled { facts: &command.facts, personal: &command.personal, about_persons: &command.about_persons };
    let mut wrong = form::check(case_type, &filled, known, Demand::Whole, directory);
    wrong.extend(form::check_persons(&command.about_persons, directory));
    if let Some(channel) = command.facts.code("channel").filter(|channel| *channel != command.channel) {
        wrong.push(violation(
            "form.channel",
            format!("与渠道 {} 不一致（{channel}）。", command.channel),
            format!("It says {channel}, but the call came by {}.", command.channel),
        ));
    }
    if let Some(asset) = command.asset
        && customer.is_none_or(|customer| customer.asset(asset).is_none())
    {
        wrong.push(violation(
            "asset_id",
            "该客户档案中没有此车辆或商品，请先识别来电。",
            "This customer's file has no such asset; identify it first.",
        ));
    }
    wrong
}

fn tokens(command: &Open, customer: Option<&Customer>) -> Vec<String> {
    let on_file = customer.map_or(&[][..], |customer| &customer.tokens);
    identify::sorted([on_file, &command.tokens].concat())
}

fn only_a_contact() -> Refusal {
    Refusal::precondition(
        "contact-only",
        "按规则手册，此类情况当场解释解决，只登记联系记录，不立项。",
        "By the playbook this is explained and settled on the spot: a contact, not a case.",
    )
}
