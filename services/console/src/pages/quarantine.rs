//! What a service could not decide, for administrators: shown, decided again,
//! or dropped for good. Each order goes on record with its reason.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query},
    response::Response,
    routing::{get, post},
};
use futures::future::join_all;
use proto::{
    Service, Time,
    journal::v1::{
        DiscardRequest, GetQuarantinedRequest, ListQuarantineRequest, Quarantined, RedriveRequest,
    },
};
use serde::Deserialize;
use tonic::{Code, Status};

use crate::{
    clock,
    forms::{self, Control, Deed, Posted, Received, Shown as Field},
    frame::Frame,
    language::Tongue,
    names,
    pages::{Shown, render},
    server::Console,
    shown,
    trouble::{self, Trouble},
    visitor::Visitor,
};

/// Queues of one service on the page; the command line lists them all.
const LISTED: u32 = 50;

const REASONS: [(&str, &str, &str); 5] = [
    ("mended", "程序或规则手册已修正", "the program or the rule book was mended"),
    ("done-by-hand", "已由人工完成", "somebody did by hand what it would have done"),
    ("repeated", "已另行重复提交", "it was said again in another way"),
    ("obsolete", "已不再需要", "it does not matter any more"),
    ("wrong", "本不应发生", "it should never have been said"),
];

pub fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/system/quarantine/{service}/{id}", get(one))
        .route("/system/quarantine/{service}/{id}/{order}", post(carry_out))
}

/// One input, as lists show it.
pub struct Input {
    pub service: &'static str,
    pub id: String,
    pub what: String,
    pub fault: String,
    pub since: String,
    pub case: String,
    pub behind: u32,
}

fn input(service: Service, one: &Quarantined, visitor: &Visitor) -> Input {
    let zone = names::zone(&visitor.known.snapshot, visitor.roles().next().map_or("", |(_, node)| node));
    Input {
        service: service.name(),
        id: one.id.clone(),
        what: one.input_type.clone(),
        fault: fault(&one.fault, visitor.tongue),
        since: shown::full(Time(one.set_aside_at), &zone),
        case: one.aggregate_id.clone(),
        behind: one.behind,
    }
}

fn fault(code: &str, tongue: Tongue) -> String {
    let (zh, en) = match code {
        "panicked" => ("程序出错", "the program failed on it"),
        "refused" => ("被拒绝", "refused"),
        "hops" => ("循环过多", "went round too often"),
        "died" => ("处理时进程终止", "its owner died on it"),
        "store" => ("数据库拒绝写入", "the database would not store it"),
        "" => ("等待前一项", "waits for the one before it"),
        other => return other.to_owned(),
    };
    tongue.say(zh, en).to_owned()
}

/// What is set aside in all services. `None`: not his to see; names: services that do not answer.
pub async fn listed(visitor: &Visitor) -> Result<(Option<Vec<Input>>, Vec<&'static str>), Trouble> {
    let ask = visitor.ask()?;
    let asked = Service::ALL.iter().map(|service| {
        let mut client = ask.quarantine(*service);
        let request = ListQuarantineRequest { after: String::new(), limit: LISTED };
        async move { (*service, client.list_quarantine(request).await) }
    });
    let (mut inputs, mut silent) = (Vec::new(), Vec::new());
    for (service, answer) in join_all(asked).await {
        match answer {
            Ok(page) => {
                inputs.extend(page.into_inner().inputs.iter().map(|one| input(service, one, visitor)))
            }
            Err(status) if status.code() == Code::PermissionDenied => return Ok((None, Vec::new())),
            Err(_) => silent.push(service.name()),
        }
    }
    Ok((Some(inputs), silent))
}

#[derive(Template)]
#[template(path = "quarantine.html")]
struct Page {
    f: Frame,
    input: Input,
    reason: String,
    cause: String,
    content: String,
    behind: Vec<Input>,
    deeds: Vec<Deed>,
}

async fn one(visitor: Visitor, Path((service, id)): Path<(String, String)>) -> Shown {
    let service = Service::parse(&service).ok_or(Trouble::Missing)?;
    let mut client = visitor.ask()?.quarantine(service);
    let found = client.get_quarantined(GetQuarantinedRequest { id: id.clone() }).await?.into_inner();
    let said = found.input.ok_or(Trouble::Missing)?;
    let none = Posted::default();
    let page = Page {
        f: visitor.frame("/system", visitor.say("隔离区", "Quarantine")),
        deeds: ["redrive", "discard"]
            .iter()
            .filter_map(|order| deed(service, &id, order, &none, visitor.tongue))
            .collect(),
        behind: found.behind.iter().map(|one| input(service, one, &visitor)).collect(),
        input: input(service, &said, &visitor),
        content: indented(&found.content_json),
        reason: said.reason,
        cause: said.cause,
    };
    render(&page)
}

fn indented(json: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(json).ok();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| json.to_owned())
}

fn deed(service: Service, id: &str, order: &str, posted: &Posted, tongue: Tongue) -> Option<Deed> {
    let post = format!("/system/quarantine/{service}/{id}/{order}");
    let reasons = REASONS.map(|(code, zh, en)| (code.to_owned(), tongue.say(zh, en).to_owned()));
    let reason = Field::own(
        "reason",
        tongue.say("原因（会记录）", "Reason (goes on record)"),
        Control::Radio,
        true,
        posted,
    )
    .among(reasons);
    let (title, intro) = match order {
        "redrive" => (
            tongue.say("重新处理", "Decide it again"),
            tongue.say(
                "重新处理这一项，然后依次处理排在后面的，直到再次失败。",
                "This one is decided again, then what waits behind it, in order, up to the first that fails.",
            ),
        ),
        "discard" => (
            tongue.say("丢弃", "Drop it for good"),
            tongue.say(
                "这一项永远不会生效，然后继续处理排在后面的。不可撤销。",
                "It never takes effect, and what waits behind it goes on. This cannot be undone.",
            ),
        ),
        _ => return None,
    };
    let mut deed = Deed::new(&format!("{order}-{id}"), title, post, title).sent_again(posted);
    let mut fields = vec![reason];
    if order == "discard" {
        let sure = Field::own(
            "sure",
            tongue.say("我确认丢弃这一项", "I am sure: drop it"),
            Control::Tick,
            true,
            posted,
        );
        fields.push(sure);
        deed = deed.danger();
    }
    deed.intro = intro.to_owned();
    Some(deed.asks(fields))
}

/// Queue after the order: decided, failed again, more to come.
struct Done {
    applied: u32,
    failed: String,
    more: bool,
}

async fn carry_out(
    visitor: Visitor,
    Path((service, id, order)): Path<(String, String, String)>,
    form: Received,
) -> Result<Response, Trouble> {
    let service = Service::parse(&service).ok_or(Trouble::Missing)?;
    let posted = Posted::from(form);
    match give(&visitor, service, &id, &order, &posted).await {
        Ok(done) => {
            let mut to = format!("/system?applied={}", done.applied);
            if !done.failed.is_empty() {
                to = format!("{to}&failed={}", done.failed);
            }
            if done.more {
                to.push_str("&more=1");
            }
            Ok(forms::go(&visitor, &to))
        }
        Err(status) => {
            let deed = deed(service, &id, &order, &posted, visitor.tongue).ok_or(Trouble::Missing)?;
            forms::again(&visitor, status, deed)
        }
    }
}

async fn give(
    visitor: &Visitor,
    service: Service,
    id: &str,
    order: &str,
    posted: &Posted,
) -> Result<Done, Status> {
    let ask = visitor.ask().map_err(|_| Status::unauthenticated("the token does not fit"))?;
    let mut client = ask.quarantine(service);
    let (id, reason) = (id.to_owned(), posted.get("reason").to_owned());
    let request_id = match posted.get("request_id") {
        "" => clock::request_id(),
        given => given.to_owned(),
    };
    if reason.is_empty() {
        return Err(trouble::missing("reason", "请选择原因。", "choose a reason", visitor.tongue));
    }
    if order == "redrive" {
        let done = client.redrive(RedriveRequest { request_id, id, reason }).await?.into_inner();
        return Ok(Done { applied: done.applied, failed: done.failed_id, more: done.more });
    }
    if posted.get("sure") != "true" {
        return Err(trouble::missing("sure", "请先确认。", "confirm it first", visitor.tongue));
    }
    let done = client.discard(DiscardRequest { request_id, id, reason }).await?.into_inner();
    Ok(Done { applied: done.applied, failed: done.failed_id, more: done.more })
}

/// What the health page says after an order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct After {
    applied: Option<u32>,
    failed: String,
    more: String,
}

impl After {
    pub fn words(&self, tongue: Tongue) -> String {
        let Some(applied) = self.applied else { return String::new() };
        let rest = match (self.failed.is_empty(), self.more.is_empty()) {
            (false, _) => tongue
                .say("排在后面的一项又失败了，现为队首。", "the next one failed and heads the queue now."),
            (true, false) => tongue.say("其余的会自动处理。", "the others follow by themselves."),
            (true, true) => tongue.say("不再有积压。", "nothing is held back any more."),
        };
        match tongue.is_english() {
            true => format!("{applied} inputs decided; {rest}"),
            false => format!("已处理 {applied} 项；{rest}"),
        }
    }
}

/// The extractor of what was done.
pub type Said = Query<After>;
