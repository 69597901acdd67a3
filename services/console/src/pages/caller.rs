//! Who calls: what is known of him, while the agent types.

use std::sync::Arc;

use askama::Template;
use axum::{Router, routing::post};
use playbook::FieldKind;
use proto::{
    Time,
    intake::v1::{GetCustomerRequest, GetTicketRequest},
};

use crate::{
    forms::{Posted, Received},
    frame::Frame,
    pages::{
        Shown,
        desk::chosen,
        find::{self, Hit},
        render,
    },
    server::Console,
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/desk/customer", post(customer))
}

#[derive(Template)]
#[template(path = "desk_customer.html")]
struct Caller {
    f: Frame,
    hits: Vec<Hit>,
    name: String,
    phone: String,
    assets: usize,
    open: usize,
    recent: usize,
    asked: bool,
}

/// What is known of the caller, by the first of phone, plate, VIN that finds something.
async fn customer(visitor: Visitor, form: Received) -> Shown {
    let posted = Posted::from(form);
    let kind = chosen(&visitor, posted.get("kind")).map(|(_, kind)| kind);
    let mut hits = Vec::new();
    let mut asked = false;
    for wanted in [FieldKind::Phone, FieldKind::Plate, FieldKind::Vin] {
        let field = kind.and_then(|kind| kind.form.iter().find(|field| field.kind == wanted));
        let words = field.map_or("", |field| posted.get(&field.name));
        if words.is_empty() || !hits.is_empty() {
            continue;
        }
        asked = true;
        hits = find::search(&visitor, words, 10).await?.0;
    }
    let ninety = visitor.now.plus(-90 * 24 * Time::HOUR).0;
    let mut caller = Caller {
        f: visitor.frame("", ""),
        open: hits.iter().filter(|hit| hit.is_open).count(),
        recent: hits.iter().filter(|hit| hit.opened_at >= ninety).count(),
        name: String::new(),
        phone: String::new(),
        assets: 0,
        hits,
        asked,
    };
    if let Some(first) = caller.hits.first() {
        let mut intake = visitor.ask()?.intake();
        let ask = GetTicketRequest { ticket_id: first.id.clone(), ..Default::default() };
        let ticket = intake.get_ticket(ask).await.ok().and_then(|ticket| ticket.into_inner().ticket);
        if let Some(customer_id) = ticket.map(|ticket| ticket.customer_id).filter(|id| !id.is_empty()) {
            let ask = GetCustomerRequest { customer_id, reveal_reason: String::new() };
            if let Ok(known) = intake.get_customer(ask).await {
                let known = known.into_inner();
                (caller.name, caller.phone, caller.assets) = (known.name, known.phone, known.assets.len());
            }
        }
    }
    render(&caller)
}
