//! The pages: each asks the owners and writes what they say.

mod approvals;
pub mod attachments;
mod board;
mod calendar;
mod caller;
pub mod calls;
mod desk;
mod duties;
mod figure_cases;
mod figures;
mod filters;
mod find;
mod imports;
mod messages;
mod organisation;
mod quarantine;
mod readers;
mod rules;
pub mod sign_in;
mod system;
mod ticket;
mod tried;
pub mod vouched;
mod work;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use proto::{common::v1::Position, envelope};

use crate::{
    server::Console,
    session::cookie,
    trouble::Trouble,
    visitor::{Visitor, WRITTEN},
};

pub type Shown = Result<Response, Trouble>;

pub fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/", get(home))
        .route("/live", get(live))
        .route("/session", get(async |_: Visitor| ""))
        .merge(board::routes())
        .merge(ticket::routes())
        .merge(attachments::routes())
        .merge(find::routes())
        .merge(desk::routes())
        .merge(caller::routes())
        .merge(work::routes())
        .merge(calls::routes())
        .merge(duties::routes())
        .merge(filters::routes())
        .merge(figure_cases::routes())
        .merge(imports::routes())
        .merge(tried::routes())
        .merge(quarantine::routes())
        .merge(approvals::routes())
        .merge(figures::routes())
        .merge(rules::routes())
        .merge(calendar::routes())
        .merge(organisation::routes())
        .merge(messages::routes())
        .merge(system::routes())
}

/// Where somebody begins his day.
async fn home(visitor: Visitor) -> Redirect {
    let first = [
        ("call-centre-agent", "/desk"),
        ("call-centre-supervisor", "/board"),
        ("administrator", "/directory"),
        ("ceo", "/figures"),
        ("operations-vp", "/figures"),
    ];
    let to = first.iter().find(|(role, _)| visitor.holds(role)).map_or("/work", |(_, path)| path);
    Redirect::to(to)
}

async fn live(State(console): State<Arc<Console>>, visitor: Visitor) -> impl IntoResponse {
    console.live.stream(visitor)
}

pub fn render(page: &impl Template) -> Shown {
    Ok(Html(page.render()?).into_response())
}

/// Remembers the newest write, so that this person's lists show it.
pub fn written(mut response: Response, at: Option<Position>) -> Response {
    if let Some(at) = at.and_then(|at| envelope::Position::try_from(&at).ok()) {
        cookie::set(response.headers_mut(), WRITTEN, &at.to_string(), 30);
    }
    response
}
