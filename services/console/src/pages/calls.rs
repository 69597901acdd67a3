//! The call-back desk: whom to call now, what to ask, what came of it.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query},
    response::Response,
    routing::{get, post},
};
use playbook::{Question, QuestionKind};
use proto::{
    Time,
    common::v1::Position,
    follow_up::v1::{FollowUp, GetFollowUpsRequest, ListDueRequest, RecordAttemptRequest, RecordCallRequest},
    intake::v1::GetTicketRequest,
};
use serde::Deserialize;
use tonic::Status;

use crate::{
    forms::{self, Control, Deed, Posted, Received, Shown as Asked},
    frame::Frame,
    language::Tongue,
    names::{self, Names},
    pages::{Shown, render, written},
    server::Console,
    shown::{self, Due},
    trouble::Trouble,
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/calls", get(page))
        .route("/calls/list", get(list))
        .route("/calls/{ticket}/{id}", get(call).post(reveal))
        .route("/calls/{ticket}/{id}/do/{action}", post(act))
}

pub const OUTCOMES: [(&str, &str, &str); 4] = [
    ("no_answer", "无人接听", "no answer"),
    ("busy", "占线", "busy"),
    ("wrong_number", "号码错误", "wrong number"),
    ("declined", "拒绝回访", "declined to talk"),
];

pub fn outcome(code: &str, tongue: Tongue) -> String {
    let found = OUTCOMES.iter().find(|(known, ..)| *known == code);
    match found {
        Some((_, zh, en)) => tongue.say(zh, en).to_owned(),
        None if code.is_empty() || code == "reached" || code == "recorded" => {
            tongue.say("已通话", "reached").to_owned()
        }
        None => code.to_owned(),
    }
}

pub fn rule_name(rule: &str, names: &Names<'_>) -> String {
    let found = names.book.and_then(|book| book.follow_up(rule));
    found.map_or_else(|| rule.to_owned(), |rule| names.tongue.text(&rule.name).to_owned())
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    /// Hours ahead; none: what is due now.
    ahead: i64,
    said: String,
}

struct Item {
    ticket: String,
    id: String,
    number: String,
    rule: String,
    branch: String,
    role: String,
    try_at: String,
    is_now: bool,
    due: Option<Due>,
    attempts: Vec<String>,
}

impl Item {
    fn of(call: &FollowUp, visitor: &Visitor) -> Item {
        let ticket = call.ticket.clone().unwrap_or_default();
        let snapshot = &visitor.known.snapshot;
        let names = Names::of(snapshot, visitor.tongue, Some(&ticket));
        let zone = names::zone(snapshot, &ticket.branch);
        let attempt = |attempt: &proto::follow_up::v1::Attempt| {
            let (at, by) =
                (shown::moment(Time(attempt.at), &zone), shown::actor(&attempt.by, visitor.tongue));
            format!("{at} {by}: {}", outcome(&attempt.outcome, visitor.tongue))
        };
        Item {
            ticket: ticket.ticket_id,
            id: call.follow_up_id.clone(),
            number: ticket.number,
            rule: rule_name(&call.rule, &names),
            branch: names::node(snapshot, &ticket.branch),
            role: names.role(&call.role),
            try_at: shown::moment(Time(call.try_at), &zone),
            is_now: call.try_at <= visitor.now.0,
            due: Due::new(Time(call.due_at), visitor.now, &zone, visitor.tongue),
            attempts: call.attempts.iter().map(attempt).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "calls.html")]
struct Page {
    f: Frame,
    list: List,
    said: &'static str,
}

#[derive(Template)]
#[template(path = "calls_list.html")]
struct List {
    f: Frame,
    items: Vec<Item>,
    ahead: i64,
}

async fn due(visitor: &Visitor, wanted: &Wanted) -> Result<List, Trouble> {
    let ahead = wanted.ahead.clamp(0, 24 * 14);
    let until_at = visitor.now.plus(ahead * Time::HOUR).0;
    let ask = ListDueRequest { until_at, limit: 200, branch: String::new() };
    let calls = visitor.ask()?.follow_up().list_due(ask).await?.into_inner().follow_ups;
    let items = calls.iter().map(|call| Item::of(call, visitor)).collect();
    Ok(List { f: visitor.frame("/calls", visitor.say("回访", "Call-backs")), items, ahead })
}

async fn list(visitor: Visitor, Query(wanted): Query<Wanted>) -> Shown {
    render(&due(&visitor, &wanted).await?)
}

async fn page(visitor: Visitor, Query(wanted): Query<Wanted>) -> Shown {
    let list = due(&visitor, &wanted).await?;
    let said = match wanted.said.as_str() {
        "record" => visitor.tongue.say("回访已记录。", "The call is on record."),
        "attempt" => visitor.tongue.say("这次尝试已记录。", "The attempt is on record."),
        _ => "",
    };
    render(&Page { f: visitor.frame("/calls", visitor.say("回访", "Call-backs")), list, said })
}

#[derive(Template)]
#[template(path = "call.html")]
struct Call {
    f: Frame,
    item: Item,
    script: String,
    state: String,
    is_open: bool,
    deeds: Vec<Deed>,
    contact: Vec<(String, String)>,
    is_revealed: bool,
}

async fn one(visitor: &Visitor, ticket: &str, id: &str) -> Result<FollowUp, Trouble> {
    let ask = GetFollowUpsRequest { ticket_id: ticket.to_owned(), reveal_reason: String::new() };
    let calls = visitor.ask()?.follow_up().get_follow_ups(ask).await?.into_inner().follow_ups;
    calls.into_iter().find(|call| call.follow_up_id == id).ok_or(Trouble::Missing)
}

async fn call(visitor: Visitor, Path((ticket, id)): Path<(String, String)>) -> Shown {
    show(&visitor, &ticket, &id, "").await
}

/// Whom to call: opened by intake, with the reason on record.
async fn reveal(visitor: Visitor, Path((ticket, id)): Path<(String, String)>, form: Received) -> Shown {
    show(&visitor, &ticket, &id, Posted::from(form).get("reason")).await
}

async fn show(visitor: &Visitor, ticket: &str, id: &str, reason: &str) -> Shown {
    let call = one(visitor, ticket, id).await?;
    let ask = GetTicketRequest {
        ticket_id: ticket.to_owned(),
        reveal_reason: reason.to_owned(),
        ..Default::default()
    };
    let known = visitor.ask()?.intake().get_ticket(ask).await?.into_inner().ticket.unwrap_or_default();
    let names = Names::of(&visitor.known.snapshot, visitor.tongue, call.ticket.as_ref());
    let form = names.case_type.map_or(&[][..], |kind| &kind.form);
    let contact = form.iter().filter_map(|field| {
        let value = known.personal.get(&field.name)?;
        Some((visitor.tongue.text(&field.label).to_owned(), value.clone()))
    });
    let rule = names.book.and_then(|book| book.follow_up(&call.rule));
    let is_open = call.state == "scheduled";
    let none = Posted::default();
    let page = Call {
        f: visitor.frame("/calls", visitor.say("回访", "Call-back")),
        script: rule.map(|rule| visitor.tongue.text(&rule.script).to_owned()).unwrap_or_default(),
        state: state(&call.state, visitor.tongue),
        deeds: if is_open {
            vec![talked(visitor, &call, &none), missed(visitor, &call, &none)]
        } else {
            Vec::new()
        },
        contact: contact.collect(),
        is_revealed: !reason.is_empty(),
        item: Item::of(&call, visitor),
        is_open,
    };
    render(&page)
}

fn state(code: &str, tongue: Tongue) -> String {
    let (zh, en) = match code {
        "scheduled" => ("待回访", "to be called"),
        "recorded" => ("已回访", "recorded"),
        "given_up" => ("未能联系", "given up"),
        "cancelled" => ("已取消", "cancelled"),
        other => return other.to_owned(),
    };
    tongue.say(zh, en).to_owned()
}

fn begin(call: &FollowUp, action: &str, title: &str, submit: &str, posted: &Posted) -> Deed {
    let ticket = call.ticket.clone().unwrap_or_default();
    let post = format!("/calls/{}/{}/do/{action}", ticket.ticket_id, call.follow_up_id);
    let mut deed = Deed::new(action, title, post, submit).with("cycle", ticket.cycle);
    if !posted.get("request_id").is_empty() {
        posted.get("request_id").clone_into(&mut deed.hidden[0].1);
    }
    deed
}

/// The customer was reached: the survey, as the rule book asks it.
fn talked(visitor: &Visitor, call: &FollowUp, posted: &Posted) -> Deed {
    let tongue = visitor.tongue;
    let names = Names::of(&visitor.known.snapshot, tongue, call.ticket.as_ref());
    let rule = names.book.and_then(|book| book.follow_up(&call.rule));
    let questions = rule.map_or(&[][..], |rule| &rule.questions);
    let mut fields: Vec<Asked> = questions.iter().map(|question| asked(question, posted, tongue)).collect();
    fields.push(Asked::own("text", tongue.say("通话记录", "What was said"), Control::Area, false, posted));
    let (title, submit) =
        (tongue.say("已接通：记录问卷", "Reached: the survey"), tongue.say("记录回访", "Record the call"));
    begin(call, "record", title, submit, posted).asks(fields).main().opened()
}

fn asked(question: &Question, posted: &Posted, tongue: Tongue) -> Asked {
    let control = match question.kind {
        QuestionKind::YesNo => Control::YesNo,
        QuestionKind::Scale { .. } | QuestionKind::Choice(_) => Control::Radio,
    };
    let mut field = Asked::own(&question.id, tongue.text(&question.text), control, question.required, posted);
    field.rules.clone_from(&question.rules);
    match &question.kind {
        QuestionKind::Scale { low, high } => {
            field.among((*low..=*high).map(|score| (score.to_string(), score.to_string())))
        }
        QuestionKind::Choice(options) => {
            field.among(options.iter().map(|one| (one.code.clone(), tongue.text(&one.name).to_owned())))
        }
        QuestionKind::YesNo => field,
    }
}

fn missed(visitor: &Visitor, call: &FollowUp, posted: &Posted) -> Deed {
    let tongue = visitor.tongue;
    let outcomes = OUTCOMES.iter().map(|(code, zh, en)| ((*code).to_owned(), tongue.say(zh, en).to_owned()));
    let fields = vec![
        Asked::own("outcome", tongue.say("结果", "Outcome"), Control::Radio, true, posted).among(outcomes),
        Asked::own("text", tongue.say("说明", "In words"), Control::Area, false, posted),
    ];
    let title = tongue.say("未接通：记录一次尝试", "Not reached: an attempt");
    begin(call, "attempt", title, tongue.say("记录尝试", "Record the attempt"), posted).asks(fields)
}

async fn act(
    visitor: Visitor,
    Path((ticket, id, action)): Path<(String, String, String)>,
    form: Received,
) -> Result<Response, Trouble> {
    let posted = Posted::from(form);
    match carry_out(&visitor, &ticket, &id, &action, &posted).await {
        Ok(at) => {
            let said = if action == "record" { "record" } else { "attempt" };
            Ok(written(forms::go(&visitor, &format!("/calls?said={said}")), at))
        }
        Err(status) => {
            let call = one(&visitor, &ticket, &id).await?;
            let deed = match action.as_str() {
                "record" => talked(&visitor, &call, &posted),
                _ => missed(&visitor, &call, &posted),
            };
            forms::again(&visitor, status, deed)
        }
    }
}

async fn carry_out(
    visitor: &Visitor,
    ticket: &str,
    id: &str,
    action: &str,
    posted: &Posted,
) -> Result<Option<Position>, Status> {
    let text = |name: &str| posted.get(name).to_owned();
    let asker = visitor.console.peers.with(&visitor.session.token, visitor.tongue)?;
    let mut follow_up = asker.follow_up();
    let (request_id, cycle) = (text("request_id"), posted.number("cycle"));
    let (ticket_id, follow_up_id) = (ticket.to_owned(), id.to_owned());
    match action {
        "record" => {
            let own = ["request_id", "cycle", "text"];
            let answers =
                posted.0.iter().filter(|(name, value)| !own.contains(&name.as_str()) && !value.is_empty());
            let answers = answers.cloned().collect();
            let request =
                RecordCallRequest { request_id, ticket_id, cycle, follow_up_id, text: text("text"), answers };
            Ok(follow_up.record_call(request).await?.into_inner().position)
        }
        "attempt" => {
            let (outcome, text) = (text("outcome"), text("text"));
            let request = RecordAttemptRequest { request_id, ticket_id, cycle, follow_up_id, outcome, text };
            Ok(follow_up.record_attempt(request).await?.into_inner().position)
        }
        _ => Err(Status::not_found("there is no such deed")),
    }
}
