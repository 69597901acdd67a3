//! A case on one page: what it is, which deadlines run, what was done, what
//! may be done now and why not the rest, and everything that happened in one
//! line of time. Each owner is asked for its part, all at once.

mod act;
mod clocks;
mod deeds;
mod line;
mod more_time;
mod spoken;
mod steps;

pub use deeds::{book, complete, decision};

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use proto::{
    Time,
    common::v1::{AllowedAction, TicketRef},
    dispatch::v1::{self as dispatch, Work},
    follow_up::v1::{FollowUp, GetFollowUpsRequest},
    intake::v1::{self as intake, Ticket},
    notify::v1::{ListNoticesRequest, Notice},
    sla_watchdog::v1::{Clock, GetClocksRequest},
};
use serde::Deserialize;
use tonic::{Code, Status};

use crate::{
    forms::Deed,
    frame::Frame,
    names::{self, Names},
    pages::{Shown, render},
    peers::Asker,
    server::Console,
    shown,
    trouble::Trouble,
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/tickets/{id}", get(page))
        .route("/tickets/{id}/part", get(part))
        .route("/tickets/{id}/reveal", post(reveal))
        .route("/numbers/{number}", get(by_number))
        .merge(act::routes())
}

/// What all owners say about a case. A part that its owner does not show is left out, and said.
pub struct Case {
    pub ticket: Ticket,
    pub reference: TicketRef,
    pub work: Option<Work>,
    pub clocks: Vec<Clock>,
    pub follow_ups: Vec<FollowUp>,
    pub notices: Vec<Notice>,
    pub actions: Vec<AllowedAction>,
    /// Parts that could not be had just now.
    pub missing: Vec<&'static str>,
}

/// Nothing there yet, or not his to see, is no trouble: the page shows what there is.
fn or_missing<T: Default>(
    answer: Result<T, Status>,
    part: &'static str,
    missing: &mut Vec<&'static str>,
) -> Result<T, Trouble> {
    match answer {
        Ok(answer) => Ok(answer),
        Err(status) => match status.code() {
            Code::NotFound | Code::PermissionDenied => Ok(T::default()),
            Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled => {
                missing.push(part);
                Ok(T::default())
            }
            _ => Err(status.into()),
        },
    }
}

impl Case {
    /// With `reason`, what is sealed is opened by those owners who let this person see it.
    pub async fn read(ask: &Asker, id: &str, reason: &str) -> Result<Case, Trouble> {
        let id = || id.to_owned();
        let wanted = intake::GetTicketRequest {
            ticket_id: id(),
            reveal_reason: reason.to_owned(),
            ..Default::default()
        };
        let work = |reveal_reason: &str| dispatch::GetWorkRequest {
            ticket_id: id(),
            reveal_reason: reveal_reason.to_owned(),
        };
        let (mut of_intake, mut of_dispatch) = (ask.intake(), ask.dispatch());
        let (mut intake_too, mut dispatch_too) = (ask.intake(), ask.dispatch());
        let (mut watchdog, mut follow_up, mut notify) = (ask.watchdog(), ask.follow_up(), ask.notify());
        let (ticket, work, clocks, follow_ups, notices, may, may_work) = tokio::join!(
            of_intake.get_ticket(wanted),
            of_dispatch.get_work(work(reason)),
            watchdog.get_clocks(GetClocksRequest { ticket_id: id() }),
            follow_up
                .get_follow_ups(GetFollowUpsRequest { ticket_id: id(), reveal_reason: reason.to_owned() }),
            notify.list_notices(ListNoticesRequest {
                ticket_id: id(),
                limit: 200,
                reveal_reason: String::new()
            }),
            intake_too.get_allowed_actions(intake::GetAllowedActionsRequest { ticket_id: id() }),
            dispatch_too.get_allowed_actions(dispatch::GetAllowedActionsRequest { ticket_id: id() }),
        );
        let ticket = ticket?.into_inner().ticket.ok_or(Trouble::Missing)?;
        let reference = ticket.r#ref.clone().ok_or(Trouble::Missing)?;
        let mut missing = Vec::new();
        let mut actions = or_missing(may.map(|a| a.into_inner().actions), "intake", &mut missing)?;
        actions.extend(or_missing(may_work.map(|a| a.into_inner().actions), "dispatch", &mut missing)?);
        Ok(Case {
            work: or_missing(work.map(|a| a.into_inner().work), "dispatch", &mut missing)?,
            clocks: or_missing(clocks.map(|a| a.into_inner().clocks), "sla-watchdog", &mut missing)?,
            follow_ups: or_missing(follow_ups.map(|a| a.into_inner().follow_ups), "follow-up", &mut missing)?,
            notices: or_missing(notices.map(|a| a.into_inner().notices), "notify", &mut missing)?,
            ticket,
            reference,
            actions,
            missing,
        })
    }
}

/// What may not be done now, for one reason.
struct Gate {
    what: Vec<String>,
    why: String,
    rule: String,
}

struct Personal {
    label: String,
    value: String,
}

#[derive(Template)]
#[template(path = "ticket.html")]
struct Page {
    f: Frame,
    body: Body,
    said: &'static str,
}

#[derive(Template)]
#[template(path = "ticket_body.html")]
struct Body {
    f: Frame,
    id: String,
    number: String,
    kind: String,
    category: String,
    severity: String,
    is_severe: bool,
    is_open: bool,
    cycle: u32,
    reasons: Vec<(String, String)>,
    branch: String,
    channel: String,
    opened: String,
    closed: String,
    marks: [(bool, &'static str); 5],
    holder: String,
    facts: Vec<(String, String)>,
    personal: Vec<Personal>,
    is_revealed: bool,
    clocks: Vec<clocks::Shown>,
    steps: Vec<steps::Shown>,
    approvals: Vec<steps::Asked>,
    line: Vec<line::Day>,
    deeds: Vec<Deed>,
    gates: Vec<Gate>,
    linked: Vec<String>,
    missing: Vec<String>,
    zone: String,
    rule_book: String,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    said: String,
}

async fn page(visitor: Visitor, Path(id): Path<String>, Query(said): Query<Said>) -> Shown {
    let case = Case::read(&visitor.ask()?, &id, "").await?;
    let title = format!("{} {}", case.reference.number, visitor.say("案件", "Case"));
    let f = visitor.frame("", &title);
    let said = act::said(&said.said, visitor.tongue);
    render(&Page { f, body: body(&visitor, &case, false), said })
}

/// The same without the frame, for a page that is open already.
async fn part(visitor: Visitor, Path(id): Path<String>) -> Shown {
    let case = Case::read(&visitor.ask()?, &id, "").await?;
    render(&body(&visitor, &case, false))
}

/// Opens what is sealed; the reason goes on record with the owners.
async fn reveal(visitor: Visitor, Path(id): Path<String>, form: crate::forms::Received) -> Shown {
    let posted = crate::forms::Posted::from(form);
    let case = Case::read(&visitor.ask()?, &id, posted.get("reason")).await?;
    let title = format!("{} {}", case.reference.number, visitor.say("案件", "Case"));
    let f = visitor.frame("", &title);
    render(&Page { f, body: body(&visitor, &case, true), said: "" })
}

async fn by_number(visitor: Visitor, Path(number): Path<String>) -> Result<Response, Trouble> {
    let ask = intake::GetTicketRequest { number, ..Default::default() };
    let ticket = visitor.ask()?.intake().get_ticket(ask).await?.into_inner().ticket;
    let id = ticket.and_then(|ticket| ticket.r#ref).ok_or(Trouble::Missing)?.ticket_id;
    Ok(Redirect::to(&format!("/tickets/{id}")).into_response())
}

fn body(visitor: &Visitor, case: &Case, is_revealed: bool) -> Body {
    let tongue = visitor.tongue;
    let (ticket, reference) = (&case.ticket, &case.reference);
    let snapshot = &visitor.known.snapshot;
    let names = Names::of(snapshot, tongue, Some(reference));
    let zone = names::zone(snapshot, &reference.branch);
    let form = names.case_type.map_or(&[][..], |kind| &kind.form);
    let facts = organisation::facts::from_proto(&ticket.facts);
    let work = case.work.as_ref();
    let personal = personal(form, &ticket.personal, visitor);
    Body {
        f: visitor.frame("", ""),
        id: reference.ticket_id.clone(),
        number: reference.number.clone(),
        kind: names.kind(),
        category: names.category(&ticket.category),
        severity: names.severity(&ticket.severity),
        is_severe: names.is_severe(&ticket.severity),
        is_open: ticket.state == "open",
        cycle: reference.cycle,
        reasons: ticket.reasons.iter().map(|code| names.reason(code)).collect(),
        branch: names::node(snapshot, &reference.branch),
        channel: names.channel(&ticket.channel),
        opened: shown::full(Time(ticket.opened_at), &zone),
        closed: shown::full(Time(ticket.closed_at), &zone),
        marks: [
            (ticket.answered, tongue.say("有应", "answered")),
            (ticket.work_sealed, tongue.say("处理完毕", "work done")),
            (ticket.resolved, tongue.say("有解", "resolved")),
            (ticket.told, tongue.say("有答", "told")),
            (ticket.follow_up_sealed, tongue.say("回访完毕", "followed up")),
        ],
        holder: work.map(|work| steps::holder(work, &names)).unwrap_or_default(),
        facts: shown::facts(&facts, form, &zone, tongue),
        personal,
        is_revealed,
        clocks: clocks::shown(&case.clocks, reference.cycle, visitor.now, &zone, &names),
        steps: work.map(|work| steps::shown(work, &names, &zone)).unwrap_or_default(),
        approvals: work.map(|work| steps::approvals(work, &names, &zone)).unwrap_or_default(),
        line: line::days(case, &names, &zone),
        deeds: deeds::offered(visitor, case, &names),
        gates: gates(case, &names),
        linked: ticket.linked.clone(),
        missing: case.missing.iter().map(|part| (*part).to_owned()).collect(),
        zone: snapshot.zone_of(&reference.branch).unwrap_or(names::USUAL_ZONE).to_owned(),
        rule_book: reference
            .playbook
            .as_ref()
            .map(|book| format!("{}/{}", book.id, book.version))
            .unwrap_or_default(),
    }
}

fn personal(form: &[playbook::Field], values: &BTreeMap<String, String>, visitor: &Visitor) -> Vec<Personal> {
    let known = form.iter().filter_map(|field| {
        let value = values.get(&field.name)?.clone();
        Some(Personal { label: visitor.tongue.text(&field.label).to_owned(), value })
    });
    known.collect()
}

fn gates(case: &Case, names: &Names<'_>) -> Vec<Gate> {
    let mut gates: Vec<Gate> = Vec::new();
    for action in case.actions.iter().filter(|action| !action.allowed) {
        let (what, why) =
            (deeds::title(action, case, names), names.tongue.say(&action.reason_zh, &action.reason_en));
        match gates.iter_mut().find(|gate| gate.why == why) {
            Some(known) => known.what.push(what),
            None => gates.push(Gate { what: vec![what], why: why.to_owned(), rule: action.rule.clone() }),
        }
    }
    gates
}
