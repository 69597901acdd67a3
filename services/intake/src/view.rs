//! What people see of a case and of a customer: masked, or revealed with a reason on record.

use std::collections::BTreeMap;

use chassis::{Handle, rpc::parse_id};
use chassis_core::{Actor, Refusal, Sealed};
use intake_core::{Customer, Intake, Ticket, access, allowed_actions, number};
use organisation::Snapshot;
use playbook::{CaseType, Mark, Privacy};
use proto::{Service, common::v1::AllowedAction, intake::v1 as wire};

use crate::{
    desk, mask,
    read::{self, Sight},
    search,
};

/// Most tickets that one search brings.
const MOST_FOUND: u32 = 50;
/// A reason is a sentence, not a letter.
const REASON: std::ops::RangeInclusive<usize> = 2..=200;
const EVERY_FIELD: &str = "*";
/// What services are among each other.
const SERVICE: &str = "service";
/// Notes are revealed like any free text of the case.
const NOTES: &str = "notes";

/// Who looks, and why, if clear text is asked for.
pub(crate) struct Look<'a> {
    pub actor: &'a Actor,
    pub reason: Option<&'a str>,
    pub zh: bool,
}

impl<'a> Look<'a> {
    pub fn new(actor: &'a Actor, reason: &'a str, zh: bool) -> Result<Look<'a>, Refusal> {
        let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
        if reason.is_some_and(|reason| !REASON.contains(&reason.chars().count())) {
            return Err(Refusal::field(
                "reveal_reason",
                "请用 2 至 200 字说明查看理由。",
                "Give the reason in 2 to 200 characters.",
            ));
        }
        Ok(Look { actor, reason, zh })
    }

    /// One sealed text: clear if it may be, else masked.
    async fn at(
        &self,
        handle: &Handle<Intake>,
        sealed: &Sealed,
        clear: bool,
        masked: impl FnOnce(&str) -> String,
    ) -> Result<String, Refusal> {
        let opened = match self.reason.filter(|_| clear) {
            Some(reason) => handle.vault().open(sealed, self.actor, reason).await,
            None => handle.vault().open_unrecorded(sealed).await.map(|text| masked(&text)),
        };
        match opened {
            Err(refusal) if refusal.gate == "erased" => {
                Ok(if self.zh { "（已删除）" } else { "(erased)" }.to_owned())
            }
            other => other,
        }
    }
}

pub(crate) async fn ticket(
    handle: &Handle<Intake>,
    look: &Look<'_>,
    request: &wire::GetTicketRequest,
) -> Result<wire::Ticket, Refusal> {
    let ticket = find(handle, request).await?;
    let directory = handle.directory();
    access::may_touch(&directory, look.actor, &ticket)?;
    let book = directory.playbook(&ticket.playbook.id, ticket.playbook.version);
    let case_type = book.and_then(|book| book.case_type(&ticket.case_type));
    let may = |field: &str| {
        book.is_some_and(|book| may_reveal(&book.privacy, look.actor, &directory, &ticket.branch, field))
    };
    if look.reason.is_some() && !ticket.personal.keys().map(String::as_str).chain([NOTES]).any(may) {
        return Err(may_not_reveal());
    }
    let personal = personal(handle, look, &ticket, case_type, &may).await?;
    let notes = notes(handle, look, &ticket, may(NOTES)).await?;
    Ok(shown(&ticket, personal, notes))
}

async fn find(handle: &Handle<Intake>, request: &wire::GetTicketRequest) -> Result<Ticket, Refusal> {
    if !request.ticket_id.is_empty() {
        return desk::ticket(handle, &request.ticket_id).await;
    }
    let bad = || {
        Refusal::field(
            "number",
            "请给出工单编号或 ticket_id；编号形如 07-00123-8，末位为校验码。",
            "A ticket's id or its number is expected, such as 07-00123-8; the last digit is a check.",
        )
    };
    let number = number::parse(&request.number).ok_or_else(bad)?;
    let missing = || Refusal::not_found("工单", "ticket", &number);
    let id = read::by_number(handle.reads(), &number).await?.ok_or_else(missing)?;
    handle.load(id).await?.ok_or_else(missing)
}

async fn personal(
    handle: &Handle<Intake>,
    look: &Look<'_>,
    ticket: &Ticket,
    case_type: Option<&CaseType>,
    may: &impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut fields = BTreeMap::new();
    for (name, sealed) in &ticket.personal {
        let field = case_type.and_then(|case_type| case_type.field(name));
        let text = look.at(handle, sealed, may(name), |text| mask::field(field, text)).await?;
        fields.insert(name.clone(), text);
    }
    Ok(fields)
}

async fn notes(
    handle: &Handle<Intake>,
    look: &Look<'_>,
    ticket: &Ticket,
    clear: bool,
) -> Result<Vec<wire::Note>, Refusal> {
    let mut notes = Vec::new();
    for note in &ticket.notes {
        let text = match &note.text {
            Some(sealed) => look.at(handle, sealed, clear, chassis::mask::text).await?,
            None => String::new(),
        };
        notes.push(wire::Note { at: note.at.0, actor: note.actor.clone(), kind: note.kind.clone(), text });
    }
    Ok(notes)
}

fn shown(ticket: &Ticket, personal: BTreeMap<String, String>, notes: Vec<wire::Note>) -> wire::Ticket {
    let progress = ticket.progress();
    let marked = |mark: Mark| progress.marks.contains_key(&mark);
    wire::Ticket {
        r#ref: Some(ticket.reference()),
        customer_id: ticket.customer.map(|id| id.to_string()).unwrap_or_default(),
        asset_id: ticket.asset.map(|id| id.to_string()).unwrap_or_default(),
        state: if ticket.is_open() { "open" } else { "closed" }.to_owned(),
        channel: ticket.channel.clone(),
        category: ticket.judged.category.clone(),
        severity: ticket.judged.severity.clone(),
        reasons: ticket.judged.reason_codes(),
        tags: ticket.judged.tags.clone(),
        barred: ticket.barred_codes(),
        facts: organisation::facts::to_proto(&ticket.facts),
        personal,
        opened_at: ticket.opened_at.0,
        closed_at: ticket.closed_at().unwrap_or_default().0,
        answered: marked(Mark::Answered),
        resolved: marked(Mark::Resolved),
        told: marked(Mark::Told),
        work_sealed: progress.work.is_some(),
        follow_up_sealed: progress.follow_up.is_some(),
        linked: ticket.links.iter().map(|link| link.other.to_string()).collect(),
        notes,
        file_check: ticket.file_check.to_string(),
    }
}

pub(crate) async fn customer(
    handle: &Handle<Intake>,
    look: &Look<'_>,
    request: &wire::GetCustomerRequest,
) -> Result<wire::GetCustomerResponse, Refusal> {
    access::has_any_role(look.actor)?;
    let id = parse_id("customer_id", &request.customer_id)?;
    let customer: Customer =
        handle.load(id).await?.ok_or_else(|| Refusal::not_found("客户", "customer", id))?;
    let directory = handle.directory();
    let sight = Sight::of(look.actor, &directory);
    let tickets = read::of_customer(handle.reads(), id, &sight).await?;
    // A branch knows its own customers, and a caller who has no case yet.
    if tickets.is_empty() && !customer.tickets.is_empty() && !sight.is_whole() {
        return Err(other_branch());
    }
    let may = |field: &str| somewhere_may_reveal(look.actor, &directory, field);
    if look.reason.is_some() && !may("phone") && !may("name") {
        return Err(may_not_reveal());
    }
    let name = match &customer.name {
        Some(name) => look.at(handle, name, may("name"), chassis::mask::name).await?,
        None => String::new(),
    };
    let phone = look.at(handle, &customer.phone, may("phone"), chassis::mask::phone).await?;
    let assets = customer.assets.iter().map(|asset| asset.id.to_string()).collect();
    let no_messages = customer.no_messages;
    Ok(wire::GetCustomerResponse { customer_id: id.to_string(), name, phone, tickets, assets, no_messages })
}

/// Where messages to a customer go. Nobody but the service that sends them is told; the message is the reason on record.
pub(crate) async fn address(
    handle: &Handle<Intake>,
    actor: &Actor,
    request: &wire::GetCustomerAddressRequest,
) -> Result<wire::GetCustomerAddressResponse, Refusal> {
    let is_notify = matches!(actor, Actor::System { code, .. } if code == Service::Notify.name());
    if !is_notify || !actor.has_role(SERVICE) {
        return Err(may_not_reveal());
    }
    if !REASON.contains(&request.reason.chars().count()) {
        return Err(Refusal::field("reason", "请说明原因。", "Give the reason."));
    }
    let id = parse_id("customer_id", &request.customer_id)?;
    let customer: Customer =
        handle.load(id).await?.ok_or_else(|| Refusal::not_found("客户", "customer", id))?;
    if customer.no_messages {
        return Ok(wire::GetCustomerAddressResponse { phone: String::new(), wanted: false });
    }
    let phone = handle.vault().open(&customer.phone, actor, &request.reason).await?;
    Ok(wire::GetCustomerAddressResponse { phone, wanted: true })
}

pub(crate) async fn search(
    handle: &Handle<Intake>,
    actor: &Actor,
    request: &wire::FindTicketsRequest,
) -> Result<Vec<wire::FoundTicket>, Refusal> {
    access::has_any_role(actor)?;
    let sight = Sight::of(actor, &handle.directory());
    let limit = match request.limit {
        0 => 20,
        limit => limit.min(MOST_FOUND),
    };
    let query = search::read(&request.query);
    if query.is_empty() {
        return Err(Refusal::field(
            "query",
            "请输入工单编号、完整电话、电话前 7 位或后 4 位、车牌、车架号或其后 6 位、姓名或拼音首字母。",
            "A ticket's number, a phone or its first seven or last four digits, a plate, a VIN or its last six, \
             a name or its initials is expected.",
        ));
    }
    let mut found = match &query.number {
        Some(number) => read::numbered(handle.reads(), number, &sight).await?,
        None => Vec::new(),
    };
    if found.is_empty() && !query.words.is_empty() {
        let tokens: Vec<(String, &'static str)> =
            query.words.iter().map(|word| (word.token(handle.vault()), word.kind.found_by())).collect();
        found = read::by_tokens(handle.reads(), &tokens, &sight, limit.into()).await?;
    }
    Ok(found)
}

pub(crate) async fn actions(
    handle: &Handle<Intake>,
    actor: &Actor,
    request: &wire::GetAllowedActionsRequest,
) -> Result<Vec<AllowedAction>, Refusal> {
    let ticket = desk::ticket(handle, &request.ticket_id).await?;
    let actions = allowed_actions(&ticket, &handle.directory(), actor, handle.now());
    Ok(actions
        .into_iter()
        .map(|action| {
            let refusal = action.refusal;
            let allowed = refusal.is_none();
            let (gate, reason_zh, reason_en, rule) =
                refusal.map(|no| (no.gate, no.zh, no.en, no.rule.unwrap_or_default())).unwrap_or_default();
            AllowedAction {
                action: action.action.to_owned(),
                target: String::new(),
                allowed,
                gate,
                reason_zh,
                reason_en,
                rule,
            }
        })
        .collect())
}

/// Whether the playbook lets one of the actor's roles at this branch see a field in clear. A list
/// of its own for a field replaces the one for all.
fn may_reveal(privacy: &Privacy, actor: &Actor, directory: &Snapshot, branch: &str, field: &str) -> bool {
    let Some(roles) = privacy.reveal.get(field).or_else(|| privacy.reveal.get(EVERY_FIELD)) else {
        return false;
    };
    actor.grants().iter().any(|grant| {
        roles.iter().any(|role| role == acting_as(&grant.role)) && directory.is_within(branch, &grant.node)
    })
}

/// A customer belongs to no playbook: any of those in force may allow it.
fn somewhere_may_reveal(actor: &Actor, directory: &Snapshot, field: &str) -> bool {
    let roles: Vec<&str> = actor.grants().iter().map(|grant| acting_as(&grant.role)).collect();
    directory.playbook_ids().filter_map(|id| directory.active_playbook(id)).any(|book| {
        let reveal = &book.privacy.reveal;
        let allowed = reveal.get(field).or_else(|| reveal.get(EVERY_FIELD));
        allowed.is_some_and(|allowed| allowed.iter().any(|role| roles.contains(&role.as_str())))
    })
}

/// A system does what a call-centre agent may.
fn acting_as(role: &str) -> &str {
    if role == "system" { "call-centre-agent" } else { role }
}

fn may_not_reveal() -> Refusal {
    Refusal::denied(
        "reveal",
        "您的职务不能查看明文个人资料。",
        "Your role does not let you see personal data in clear.",
    )
}

fn other_branch() -> Refusal {
    Refusal::denied(
        "other-branch",
        "该客户在您的门店没有工单，您不能查看其档案。",
        "This customer has no case at your branches, so the file is not yours to see.",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chassis_core::Grant;
    use proto::{AnyEvent, directory::v1 as directory};

    use super::*;

    fn organisation() -> Snapshot {
        let node = |code: &str, parent: &str, level: &str| directory::Node {
            code: code.into(),
            parent: parent.into(),
            level: level.into(),
            ..Default::default()
        };
        let changed = directory::DirectoryChanged {
            nodes: vec![node("G", "", "group"), node("B1", "G", "branch"), node("B2", "G", "branch")],
            ..Default::default()
        };
        let mut snapshot = Snapshot::default();
        snapshot.apply(1, &AnyEvent::DirectoryChanged(changed)).expect("the first entry");
        snapshot
    }

    fn who(role: &str, node: &str) -> Actor {
        Actor::Person { code: "P1".into(), grants: vec![Grant { role: role.into(), node: node.into() }] }
    }

    #[test]
    fn a_field_is_revealed_to_the_roles_of_the_playbook_at_that_branch() {
        let roles = |roles: &[&str]| roles.iter().map(|role| (*role).to_owned()).collect::<Vec<_>>();
        let privacy = Privacy {
            reveal: BTreeMap::from([
                ("*".to_owned(), roles(&["call-centre-agent", "cr-manager", "gm"])),
                ("phone".to_owned(), roles(&["call-centre-agent", "cr-manager"])),
            ]),
            ..Privacy::default()
        };
        let may = |role, node, field| may_reveal(&privacy, &who(role, node), &organisation(), "B1", field);
        assert!(may("cr-manager", "B1", "phone") && may("cr-manager", "B1", "content"));
        assert!(
            may("gm", "B1", "content") && !may("gm", "B1", "phone"),
            "its own list replaces the one for all"
        );
        assert!(!may("cr-manager", "B2", "content"), "another branch");
        assert!(!may("legal", "G", "content"));
        let system = Actor::System { code: "import".into(), grants: who("system", "G").grants().to_vec() };
        assert!(may_reveal(&privacy, &system, &organisation(), "B1", "phone"));
        assert!(!may_reveal(&Privacy::default(), &who("gm", "B1"), &organisation(), "B1", "phone"));
    }

    #[test]
    fn a_reveal_has_a_reason_that_says_something() {
        let actor = who("gm", "B1");
        assert!(Look::new(&actor, "核对客户地址", true).is_ok_and(|look| look.reason.is_some()));
        assert!(Look::new(&actor, " ", true).is_ok_and(|look| look.reason.is_none()));
        assert!(Look::new(&actor, "x", true).is_err());
        assert!(Look::new(&actor, &"x".repeat(201), true).is_err());
    }
}
