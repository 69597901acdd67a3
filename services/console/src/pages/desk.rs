//! The agent's desk: who calls, what it is about, what will happen, a number
//! to read out. All of it by keyboard.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use playbook::{CaseType, FieldKind, Playbook};
use proto::{
    Time,
    common::v1::{PlaybookRef, TicketRef},
    intake::v1::{GetTicketRequest, IdentifyRequest, OpenTicketRequest, PreviewTicketRequest},
};
use serde::Deserialize;
use tonic::Status;

use crate::{
    clock,
    forms::{self, Control, Posted, Received, Shown as Asked, blame},
    frame::Frame,
    names::{self, Names},
    pages::{Shown, render, written},
    server::Console,
    shown::Due,
    trouble::{Refused, Trouble},
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/desk", get(page))
        .route("/desk/preview", post(preview))
        .route("/desk/open", post(open))
        .route("/desk/opened/{id}", get(opened))
}

/// The telephone system opens `/desk?phone=...`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Pop {
    phone: String,
    plate: String,
    #[serde(rename = "type")]
    kind: String,
}

struct Offered {
    code: String,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "desk.html")]
struct Page {
    f: Frame,
    kinds: Vec<Offered>,
    form: Form,
}

#[derive(Template)]
#[template(path = "desk_form.html")]
struct Form {
    f: Frame,
    request_id: String,
    identify_id: String,
    kind: String,
    head: Vec<Asked>,
    fields: Vec<Asked>,
    wrong: Vec<String>,
}

/// Rule book and case type by `book/type`; the first there is, if none is named.
pub fn chosen<'v>(visitor: &'v Visitor, kind: &str) -> Option<(&'v Playbook, &'v CaseType)> {
    let snapshot = &visitor.known.snapshot;
    let books = snapshot.playbook_ids().filter_map(|id| snapshot.active_playbook(id));
    let mut all = books.flat_map(|book| called_in(book).map(move |kind| (&**book, kind)));
    if kind.is_empty() { all.next() } else { all.find(|(book, one)| code(book, one) == kind) }
}

fn code(book: &Playbook, kind: &CaseType) -> String {
    format!("{}/{}", book.id, kind.id)
}

fn form(visitor: &Visitor, book: &Playbook, kind: &CaseType, posted: &Posted) -> Form {
    let tongue = visitor.tongue;
    let channels = kind.channels.iter().map(|one| (one.code.clone(), tongue.text(&one.name).to_owned()));
    let mut channel =
        Asked::own("channel", tongue.say("渠道", "Channel"), Control::Radio, true, posted).among(channels);
    if channel.choices.iter().all(|choice| !choice.chosen)
        && let Some(first) = channel.choices.first_mut()
    {
        first.chosen = true;
    }
    let mut branch = Asked::own("branch", tongue.say("门店", "Branch"), Control::Branch, true, posted)
        .hint(tongue.say("输入店名或代码", "name or code"));
    // Who works at one branch takes calls for it.
    let own: Vec<&str> = visitor.roles().map(|(_, node)| node).collect();
    let level = |node: &str| visitor.known.snapshot.node(node).is_some_and(|node| node.level == "branch");
    if branch.value.is_empty()
        && let [node, ..] = own.as_slice()
        && level(node)
    {
        branch.value = (*node).to_owned();
    }
    let fields = kind.form.iter().map(|field| Asked::field(field, posted, tongue));
    Form {
        f: visitor.frame("/desk", ""),
        request_id: clock::request_id(),
        identify_id: clock::request_id(),
        kind: code(book, kind),
        head: vec![branch, channel],
        fields: fields.collect(),
        wrong: Vec::new(),
    }
}

async fn page(visitor: Visitor, Query(pop): Query<Pop>) -> Shown {
    let (book, kind) = chosen(&visitor, &pop.kind).ok_or(Trouble::Missing)?;
    let field_of = |wanted: &FieldKind| {
        kind.form.iter().find(|field| field.kind == *wanted).map(|field| field.name.clone())
    };
    let given = [(field_of(&FieldKind::Phone), pop.phone), (field_of(&FieldKind::Plate), pop.plate)];
    let posted = Posted(given.into_iter().filter_map(|(name, value)| Some((name?, value))).collect());
    let snapshot = &visitor.known.snapshot;
    let kinds = snapshot.playbook_ids().filter_map(|id| snapshot.active_playbook(id)).flat_map(|one| {
        called_in(one).map(|each| Offered {
            code: code(one, each),
            name: visitor.tongue.text(&each.name).to_owned(),
            chosen: each.id == kind.id && one.id == book.id,
        })
    });
    let page = Page {
        kinds: kinds.collect(),
        form: form(&visitor, book, kind, &posted),
        f: visitor.frame("/desk", visitor.say("受理来电", "Take a call")),
    };
    render(&page)
}

fn opening(book: &Playbook, kind: &CaseType, posted: &Posted) -> OpenTicketRequest {
    OpenTicketRequest {
        request_id: posted.get("request_id").to_owned(),
        playbook: book.id.clone(),
        case_type: kind.id.clone(),
        branch: posted.get("branch").to_owned(),
        channel: posted.get("channel").to_owned(),
        form: posted.fields(&kind.form),
        ..OpenTicketRequest::default()
    }
}

/// Duties are opened by themselves.
fn called_in(book: &Playbook) -> impl Iterator<Item = &CaseType> {
    book.types.values().filter(|kind| !kind.channels.is_empty())
}

#[derive(Template)]
#[template(path = "desk_preview.html")]
struct Seen {
    f: Frame,
    missing: Vec<(String, String)>,
    said: String,
    is_contact: bool,
    severity: String,
    is_severe: bool,
    reasons: Vec<(String, String)>,
    category: String,
    unit: String,
    role: String,
    clocks: Vec<(String, Option<Due>)>,
    told: Vec<String>,
}

/// What saving would do: asked of intake, which decides it.
async fn preview(visitor: Visitor, posted: Received) -> Shown {
    let posted = Posted::from(posted);
    let (book, kind) = chosen(&visitor, posted.get("kind")).ok_or(Trouble::Missing)?;
    let mut seen = Seen {
        f: visitor.frame("", ""),
        missing: Vec::new(),
        said: String::new(),
        is_contact: false,
        severity: String::new(),
        is_severe: false,
        reasons: Vec::new(),
        category: String::new(),
        unit: String::new(),
        role: String::new(),
        clocks: Vec::new(),
        told: Vec::new(),
    };
    let ask = PreviewTicketRequest { open: Some(opening(book, kind, &posted)) };
    match visitor.ask()?.intake().preview_ticket(ask).await {
        Ok(answer) => fill(&mut seen, &visitor, book, kind, &posted, answer.into_inner()),
        Err(status) => {
            let refused = Refused::of(&status).ok_or(status)?;
            seen.missing =
                refused.fields.iter().map(|(path, why)| (label(kind, path, &visitor), why.clone())).collect();
            if seen.missing.is_empty() {
                seen.said = refused.said;
            }
        }
    }
    render(&seen)
}

fn label(kind: &CaseType, path: &str, visitor: &Visitor) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    match kind.form.iter().find(|field| field.name == name) {
        Some(field) => visitor.tongue.text(&field.label).to_owned(),
        None if name == "branch" => visitor.say("门店", "branch").to_owned(),
        None => name.to_owned(),
    }
}

fn fill(
    seen: &mut Seen,
    visitor: &Visitor,
    book: &Playbook,
    kind: &CaseType,
    posted: &Posted,
    answer: proto::intake::v1::PreviewTicketResponse,
) {
    let reference = TicketRef {
        playbook: Some(PlaybookRef { id: book.id.clone(), version: book.version }),
        case_type: kind.id.clone(),
        ..TicketRef::default()
    };
    let names = Names::of(&visitor.known.snapshot, visitor.tongue, Some(&reference));
    let zone = names::zone(&visitor.known.snapshot, posted.get("branch"));
    seen.is_contact = answer.contact;
    seen.severity = names.severity(&answer.severity);
    seen.is_severe = names.is_severe(&answer.severity);
    seen.reasons = answer.reasons.iter().map(|code| names.reason(code)).collect();
    seen.category = names.category(&answer.category);
    seen.role = names.role(&answer.role);
    seen.unit = answer.unit;
    seen.clocks = answer
        .clocks
        .iter()
        .map(|one| (names.clock(&one.clock), Due::new(Time(one.due_at), visitor.now, &zone, visitor.tongue)))
        .collect();
    seen.told = told(book, kind, &names);
}

/// The messages that an opening can send, in the rule book's words.
fn told(book: &Playbook, kind: &CaseType, names: &Names<'_>) -> Vec<String> {
    let tells =
        book.tells.iter().filter(|tell| tell.applies_to(&kind.id) && tell.on.event == "ticket.opened");
    let recipients = tells.flat_map(|tell| &tell.to).filter_map(|to| match to {
        playbook::Recipient::Role(at) => Some(names.role(&at.role)),
        playbook::Recipient::Person(_) => None,
    });
    let mut told: Vec<String> = recipients.collect();
    told.dedup();
    told
}

async fn open(visitor: Visitor, posted: Received) -> Result<Response, Trouble> {
    let posted = Posted::from(posted);
    let (book, kind) = chosen(&visitor, posted.get("kind")).ok_or(Trouble::Missing)?;
    let mut intake = visitor.ask()?.intake();
    let work = async {
        let mut wanted = opening(book, kind, &posted);
        // Everything that is wrong is said at once, before anybody is put on file.
        intake.preview_ticket(PreviewTicketRequest { open: Some(wanted.clone()) }).await?;
        let known = intake.identify(calling(kind, &wanted.form, &posted)).await?.into_inner();
        (wanted.customer_id, wanted.asset_id) = (known.customer_id, known.asset_id);
        Ok::<_, Status>(intake.open_ticket(wanted).await?.into_inner())
    };
    match work.await {
        Ok(opened) => {
            // Explained and done: there is nothing to be looked at.
            let to = match opened.ticket_id.as_str() {
                "" => "/desk".to_owned(),
                ticket => format!("/desk/opened/{ticket}"),
            };
            Ok(written(forms::go(&visitor, &to), opened.position))
        }
        Err(status) => {
            let Some(mut refused) = Refused::of(&status) else { return Err(status.into()) };
            // The customer's file says `name`; the form has its own word for it.
            if let Some(field) = kind.form.iter().find(|field| is_name(field)) {
                let named = refused.fields.iter_mut().filter(|(path, _)| path == "name");
                named.for_each(|(path, _)| field.name.clone_into(path));
            }
            let mut form = form(&visitor, book, kind, &posted);
            let place = form.head.len();
            let mut all: Vec<Asked> = form.head.into_iter().chain(form.fields).collect();
            form.wrong = blame(&mut all, &refused);
            form.fields = all.split_off(place);
            form.head = all;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&form)?).into_response())
        }
    }
}

fn is_name(field: &playbook::Field) -> bool {
    field.name == "name" || field.name.ends_with("_name")
}

/// Who calls, out of the form: by the kind of its fields, and by the convention of their names.
fn calling(kind: &CaseType, form: &BTreeMap<String, String>, posted: &Posted) -> IdentifyRequest {
    let of = |is: &dyn Fn(&playbook::Field) -> bool| {
        let field = kind.form.iter().find(|field| is(field) && form.contains_key(&field.name));
        field.map(|field| form[&field.name].clone()).unwrap_or_default()
    };
    IdentifyRequest {
        request_id: posted.get("identify_id").to_owned(),
        phone: of(&|field| matches!(field.kind, FieldKind::Phone)),
        name: of(&is_name),
        plate: of(&|field| matches!(field.kind, FieldKind::Plate)),
        vin: of(&|field| matches!(field.kind, FieldKind::Vin)),
        model: of(&|field| field.name == "model"),
        brand: of(&|field| field.name == "brand"),
    }
}

#[derive(Template)]
#[template(path = "desk_opened.html")]
struct Opened {
    f: Frame,
    id: String,
    number: String,
    severity: String,
    is_severe: bool,
    reasons: Vec<(String, String)>,
    branch: String,
}

async fn opened(visitor: Visitor, Path(id): Path<String>) -> Shown {
    let ask = GetTicketRequest { ticket_id: id.clone(), ..Default::default() };
    let ticket =
        visitor.ask()?.intake().get_ticket(ask).await?.into_inner().ticket.ok_or(Trouble::Missing)?;
    let reference = ticket.r#ref.clone().unwrap_or_default();
    let names = Names::of(&visitor.known.snapshot, visitor.tongue, Some(&reference));
    let page = Opened {
        f: visitor.frame("/desk", visitor.say("已立项", "Opened")),
        severity: names.severity(&ticket.severity),
        is_severe: names.is_severe(&ticket.severity),
        reasons: ticket.reasons.iter().map(|code| names.reason(code)).collect(),
        branch: names::node(&visitor.known.snapshot, &reference.branch),
        number: reference.number,
        id,
    };
    render(&page)
}
