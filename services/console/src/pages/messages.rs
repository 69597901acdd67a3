//! What was told to whom, and what became of it.

use std::sync::Arc;

use askama::Template;
use axum::{Router, routing::get};
use proto::{Time, notify::v1::ListNoticesRequest};

use crate::{
    frame::Frame,
    names::{self, Names},
    pages::{Shown, render},
    server::Console,
    shown,
    trouble::Trouble,
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/messages", get(page)).route("/messages/list", get(list))
}

struct Item {
    ticket: String,
    number: String,
    when: String,
    role: String,
    recipient: String,
    channel: String,
    state: String,
    tone: &'static str,
    tries: u32,
    double: bool,
    reason: String,
    words: String,
}

#[derive(Template)]
#[template(path = "messages.html")]
struct Page {
    f: Frame,
    list: List,
}

#[derive(Template)]
#[template(path = "messages_list.html")]
struct List {
    f: Frame,
    items: Vec<Item>,
}

async fn newest(visitor: &Visitor) -> Result<List, Trouble> {
    let ask = ListNoticesRequest { limit: 100, ..ListNoticesRequest::default() };
    let notices = visitor.ask()?.notify().list_notices(ask).await?.into_inner().notices;
    let snapshot = &visitor.known.snapshot;
    let items = notices.into_iter().map(|notice| {
        let ticket = notice.ticket.clone().unwrap_or_default();
        let names = Names::of(snapshot, visitor.tongue, notice.ticket.as_ref());
        let at = if notice.ended_at == 0 { notice.queued_at } else { notice.ended_at };
        let (tone, zh, en) = match notice.state.as_str() {
            "sent" => ("good", "已发出", "sent"),
            "failed" => ("late", "失败", "failed"),
            _ => ("now", "待发", "queued"),
        };
        Item {
            when: shown::moment(Time(at), &names::zone(snapshot, &ticket.branch)),
            role: names.role(&notice.role),
            state: visitor.tongue.say(zh, en).to_owned(),
            tone,
            ticket: ticket.ticket_id,
            number: ticket.number,
            recipient: notice.recipient,
            channel: notice.channel,
            tries: notice.tries,
            double: notice.may_be_double,
            reason: notice.reason,
            words: notice.text,
        }
    });
    Ok(List {
        f: visitor.frame("/messages", visitor.say("已发通知", "Messages")), items: items.collect()
    })
}

async fn list(visitor: Visitor) -> Shown {
    render(&newest(&visitor).await?)
}

async fn page(visitor: Visitor) -> Shown {
    let list = newest(&visitor).await?;
    render(&Page { f: visitor.frame("/messages", visitor.say("已发通知", "Messages")), list })
}
