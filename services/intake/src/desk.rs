//! From a request to a command: fields in normal form, the form split, personal text sealed, the
//! words for finding it turned into tokens.

use chassis::{Accepted, Handle, Vault, rpc::parse_id};
use chassis_core::{Ask, Refusal, RefusalKind, Sealed, Violation};
use intake_core::{
    Command, Customer, Intake, PhoneBook, Reply, Ticket,
    command::{AssetGiven, Close, Identify, Note, Open, Reclassify, Reopen, SetMessages},
    keys, preview,
};
use organisation::Snapshot;
use proto::{Id, Time, intake::v1 as wire};

use crate::{
    form::{self, Form},
    phone, plate,
    search::{self, Word},
    vin,
};

/// Longest name, model or note.
const LONGEST_NAME: usize = 100;
const LONGEST_NOTE: usize = 4000;

/// An accepted command whose reply is of the right kind.
pub(crate) fn reply<T>(
    accepted: Accepted<Reply>,
    take: impl FnOnce(Reply) -> Option<T>,
) -> Result<Accepted<T>, Refusal> {
    let Accepted { reply, at } = accepted;
    match take(reply) {
        Some(reply) => Ok(Accepted { reply, at }),
        None => Err(Refusal::new(
            RefusalKind::Internal,
            "reply",
            "答复与请求不符；已记录待查。",
            "The answer does not fit the request; it is on record for us.",
        )),
    }
}

pub(crate) fn set_messages(message: &wire::SetCustomerMessagesRequest) -> Result<Command, Refusal> {
    let customer = parse_id("customer_id", &message.customer_id)?;
    Ok(Command::SetMessages(SetMessages { customer, wanted: message.wanted }))
}

/// Gives a command to its home.
pub(crate) async fn submit(
    handle: &Handle<Intake>,
    ask: Ask,
    command: Command,
) -> Result<Accepted<Reply>, Refusal> {
    handle.submit(command.home(), ask, command).await
}

/// What a call's first question says, in normal form.
pub struct Calling {
    pub phone: String,
    pub name: Option<String>,
    pub plate: Option<String>,
    pub vin: Option<String>,
    pub model: Option<String>,
    pub brand: Option<String>,
}

/// The command, and whether the VIN's check digit is worth asking again.
pub(crate) async fn identify(
    handle: &Handle<Intake>,
    ask: &Ask,
    message: &wire::IdentifyRequest,
) -> Result<(Command, bool), Refusal> {
    let calling = calling(message)?;
    let vault = handle.vault();
    let words = search::of_phone(&calling.phone);
    let phone_token = words[0].token(vault);
    let book = keys::phone_book(&phone_token);
    let owner = match handle.load::<PhoneBook>(book).await? {
        Some(book) => book.customer,
        None => Id::mint(handle.now(), book.bucket(), entropy(ask)),
    };
    let names = calling.name.as_deref().map(search::of_name).unwrap_or_default();
    let command = Identify {
        owner,
        phone: vault.seal(owner, &calling.phone).await?,
        name: seal(vault, owner, calling.name.as_deref()).await?,
        tokens: words.iter().chain(&names).map(|word| word.token(vault)).collect(),
        asset: asset(vault, owner, &calling).await?,
        phone_token,
    };
    let doubtful = calling.vin.as_deref().is_some_and(|vin| !vin::checks(vin));
    Ok((Command::Identify(Box::new(command)), doubtful))
}

/// Reads it; what does not fit is refused all at once.
pub fn calling(message: &wire::IdentifyRequest) -> Result<Calling, Refusal> {
    let mut wrong = Vec::new();
    let phone = phone::normalise(&message.phone);
    if let Err(error) = phone {
        wrong.push(violation("phone", error.zh(), error.en()));
    }
    let plate = given(&message.plate).map(plate::normalise);
    if let Some(Err(error)) = plate {
        wrong.push(violation("plate", error.zh(), error.en()));
    }
    let vin = given(&message.vin).map(vin::normalise);
    if let Some(Err(error)) = vin {
        wrong.push(violation("vin", error.zh(), error.en()));
    }
    for (field, text) in [("name", &message.name), ("model", &message.model)] {
        if text.chars().count() > LONGEST_NAME {
            wrong.push(violation(field, "最多 100 字。", "at most 100 characters."));
        }
    }
    let brand = given(&message.brand);
    if !brand.is_none_or(is_code) {
        wrong.push(violation(
            "brand",
            "请填品牌代码（字母、数字、- 和 _）。",
            "a brand's code is expected (letters, digits, - and _).",
        ));
    }
    match phone {
        Ok(phone) if wrong.is_empty() => Ok(Calling {
            phone,
            name: given(&message.name).map(str::to_owned),
            plate: plate.and_then(Result::ok),
            vin: vin.and_then(Result::ok),
            model: given(&message.model).map(str::to_owned),
            brand: brand.map(str::to_owned),
        }),
        _ => Err(Refusal::invalid(wrong)),
    }
}

async fn asset(vault: &Vault, owner: Id, calling: &Calling) -> Result<Option<AssetGiven>, Refusal> {
    if calling.plate.is_none() && calling.vin.is_none() {
        return Ok(None);
    }
    let plate = calling.plate.as_deref().map(search::of_plate).unwrap_or_default();
    let vin = calling.vin.as_deref().map(search::of_vin).unwrap_or_default();
    // The whole one comes first.
    let token = |words: &[Word]| words.first().map(|word| word.token(vault));
    Ok(Some(AssetGiven {
        plate_token: token(&plate),
        vin_token: token(&vin),
        tokens: plate.iter().chain(&vin).map(|word| word.token(vault)).collect(),
        plate: seal(vault, owner, calling.plate.as_deref()).await?,
        vin: seal(vault, owner, calling.vin.as_deref()).await?,
        model: seal(vault, owner, calling.model.as_deref()).await?,
        brand: calling.brand.clone(),
    }))
}

pub(crate) async fn open(
    handle: &Handle<Intake>,
    ask: &Ask,
    message: &wire::OpenTicketRequest,
) -> Result<Command, Refusal> {
    let directory = handle.directory();
    let (mut open, form) = read_open(message, &directory)?;
    if !form.wrong.is_empty() {
        let customer = customer(handle, open.customer).await?;
        open.personal = form.unsealed();
        let more = preview::preview(&open, customer, &ask.actor, &directory, handle.now()).err();
        return Err(form.refuse(more));
    }
    // Without a customer the words belong to this one case.
    let owner = open.customer.unwrap_or_else(|| Id::mint(handle.now(), open.bucket(), entropy(ask)));
    open.personal = form.seal(handle.vault(), owner).await?;
    open.tokens = form.tokens(handle.vault());
    Ok(Command::Open(Box::new(open)))
}

/// What opening would do; nothing is sealed, nothing is kept.
pub(crate) async fn preview(
    handle: &Handle<Intake>,
    actor: &chassis_core::Actor,
    message: &wire::OpenTicketRequest,
) -> Result<preview::Preview, Refusal> {
    let directory = handle.directory();
    let (mut open, form) = read_open(message, &directory)?;
    open.personal = form.unsealed();
    let customer = customer(handle, open.customer).await?;
    let seen = preview::preview(&open, customer, actor, &directory, handle.now());
    if form.wrong.is_empty() { seen } else { Err(form.refuse(seen.err())) }
}

async fn customer(handle: &Handle<Intake>, id: Option<Id>) -> Result<Option<Customer>, Refusal> {
    match id {
        Some(id) => match handle.load(id).await? {
            Some(customer) => Ok(Some(customer)),
            None => Err(Refusal::not_found("客户", "customer", id)),
        },
        None => Ok(None),
    }
}

/// The command without its personal half. A playbook or case type that is not known leaves the
/// form unread: the core refuses it by name.
pub fn read_open(message: &wire::OpenTicketRequest, directory: &Snapshot) -> Result<(Open, Form), Refusal> {
    let playbook = directory.active_playbook(&message.playbook);
    let form = match playbook.and_then(|book| Some((book, book.case_type(&message.case_type)?))) {
        Some((book, case_type)) => {
            form::split(&message.form, &case_type.form, &form::place(book, directory, &message.branch))
        }
        None => Form::default(),
    };
    let mut about_persons = message.about_persons.clone();
    about_persons.extend(form.persons.iter().cloned());
    let open = Open {
        customer: optional_id("customer_id", &message.customer_id)?,
        asset: optional_id("asset_id", &message.asset_id)?,
        playbook: message.playbook.clone(),
        case_type: message.case_type.clone(),
        branch: message.branch.clone(),
        channel: message.channel.clone(),
        facts: form.facts.clone(),
        personal: Default::default(),
        about_persons,
        tokens: Vec::new(),
        occurred_at: Time(message.occurred_at).set(),
    };
    Ok((open, form))
}

pub(crate) async fn note(
    handle: &Handle<Intake>,
    message: &wire::NoteTicketRequest,
) -> Result<Command, Refusal> {
    let ticket = ticket(handle, &message.ticket_id).await?;
    let text = given(&message.text);
    if text.is_some_and(|text| text.chars().count() > LONGEST_NOTE) {
        return Err(Refusal::field("text", "最多 4000 字。", "at most 4000 characters."));
    }
    Ok(Command::Note(Note {
        ticket: ticket.id,
        kind: message.kind.clone(),
        text: seal(handle.vault(), owner(&ticket), text).await?,
        wait_begun: given(&message.wait_begun).map(str::to_owned),
        wait_ended: given(&message.wait_ended).map(str::to_owned),
    }))
}

pub(crate) async fn reclassify(
    handle: &Handle<Intake>,
    message: &wire::ReclassifyTicketRequest,
) -> Result<Command, Refusal> {
    let ticket = ticket(handle, &message.ticket_id).await?;
    let directory = handle.directory();
    let book = directory.playbook(&ticket.playbook.id, ticket.playbook.version);
    let form = match book.and_then(|book| Some((book, book.case_type(&ticket.case_type)?))) {
        Some((book, case_type)) => {
            form::split(&message.form, &case_type.form, &form::place(book, &directory, &ticket.branch))
        }
        None => Form::default(),
    };
    if !form.wrong.is_empty() {
        return Err(form.refuse(None));
    }
    let mut about_persons = message.about_persons.clone();
    about_persons.extend(form.persons.iter().cloned());
    Ok(Command::Reclassify(Reclassify {
        ticket: ticket.id,
        personal: form.seal(handle.vault(), owner(&ticket)).await?,
        tokens: form.tokens(handle.vault()),
        facts: form.facts,
        about_persons,
    }))
}

pub(crate) fn close(message: &wire::CloseTicketRequest) -> Result<Command, Refusal> {
    let ticket = parse_id("ticket_id", &message.ticket_id)?;
    Ok(Command::Close(Close { ticket, outcome: message.outcome.clone() }))
}

pub(crate) fn reopen(message: &wire::ReopenTicketRequest) -> Result<Command, Refusal> {
    let ticket = parse_id("ticket_id", &message.ticket_id)?;
    Ok(Command::Reopen(Reopen { ticket, reason: message.reason.clone() }))
}

pub(crate) async fn ticket(handle: &Handle<Intake>, id: &str) -> Result<Ticket, Refusal> {
    let id = parse_id("ticket_id", id)?;
    handle.load(id).await?.ok_or_else(|| Refusal::not_found("工单", "ticket", id))
}

/// Under whose key later words of a case are sealed.
fn owner(ticket: &Ticket) -> Id {
    ticket.customer.unwrap_or(ticket.id)
}

async fn seal(vault: &Vault, owner: Id, text: Option<&str>) -> Result<Option<Sealed>, Refusal> {
    match text {
        Some(text) => vault.seal(owner, text).await.map(Some),
        None => Ok(None),
    }
}

/// The same request mints the same id: whoever asks again proposes no second owner.
fn entropy(ask: &Ask) -> [u8; 9] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(ask.request.caller.as_bytes()).update(ask.request.id.uuid().as_bytes());
    *hasher.finalize().as_bytes().first_chunk().expect("a hash has 32 bytes")
}

fn optional_id(field: &str, text: &str) -> Result<Option<Id>, Refusal> {
    if text.is_empty() { Ok(None) } else { parse_id(field, text).map(Some) }
}

fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// Brands become facts, and facts carry codes: never a text somebody typed freely.
fn is_code(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn violation(field: &str, zh: &str, en: &str) -> Violation {
    Violation { field: field.to_owned(), zh: zh.to_owned(), en: en.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(message: &wire::IdentifyRequest) -> Vec<String> {
        match calling(message) {
            Ok(_) => Vec::new(),
            Err(refusal) => refusal.violations.into_iter().map(|violation| violation.field).collect(),
        }
    }

    #[test]
    fn every_misread_field_of_a_caller_is_named() {
        let message = wire::IdentifyRequest {
            phone: "021-55550126/55550122".into(),
            name: "李".repeat(101),
            plate: "not one".into(),
            vin: "123".into(),
            brand: "甲品牌".into(),
            ..Default::default()
        };
        assert_eq!(fields(&message), ["phone", "plate", "vin", "name", "brand"]);
    }

    #[test]
    fn a_phone_is_enough_and_needed() {
        let alone = wire::IdentifyRequest { phone: "13812345678".into(), ..Default::default() };
        assert!(fields(&alone).is_empty());
        let without = wire::IdentifyRequest { name: "李小明".into(), ..Default::default() };
        assert_eq!(fields(&without), ["phone"]);
    }

    #[test]
    fn what_a_caller_says_is_kept_in_normal_form() {
        let message = wire::IdentifyRequest {
            phone: " 138-1234-5678 ".into(),
            name: " 李小明 ".into(),
            plate: "沪a·12345".into(),
            vin: "1m8gdm9axkp042788".into(),
            model: " ".into(),
            brand: "brand_a".into(),
            ..Default::default()
        };
        let Ok(calling) = calling(&message) else { panic!("it fits") };
        assert_eq!((calling.phone.as_str(), calling.name.as_deref()), ("+8613812345678", Some("李小明")));
        assert_eq!(
            (calling.plate.as_deref(), calling.vin.as_deref()),
            (Some("沪A12345"), Some("1M8GDM9AXKP042788"))
        );
        assert_eq!((calling.model, calling.brand.as_deref()), (None, Some("brand_a")));
    }
}
