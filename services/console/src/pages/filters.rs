//! Filters that somebody keeps for his board. They are kept by the directory,
//! among his settings: a cookie or the browser's own store would go with the
//! sign-out, which leaves nothing of a person behind, and stay on one machine.

use std::sync::Arc;

use axum::{Router, response::Response, routing::post};
use proto::directory::v1::{Filter as Kept, GetSettingsRequest, KeepFilterRequest};
use tonic::Code;

use crate::{
    forms::{self, Posted, Received},
    pages::{board::Filter, written},
    peers::Asker,
    server::Console,
    trouble::Trouble,
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/board/filters", post(keep)).route("/board/filters/forget", post(forget))
}

/// A kept filter in the list.
pub struct Link {
    pub name: String,
    pub query: String,
    pub current: bool,
}

/// His filters; a board is a board without them.
pub async fn kept(ask: &Asker, current: &str) -> Result<Vec<Link>, Trouble> {
    match ask.directory().get_settings(GetSettingsRequest {}).await {
        Ok(settings) => {
            let filters = settings.into_inner().filters.into_iter();
            Ok(filters
                .map(|one| Link { current: one.query == current, name: one.name, query: one.query })
                .collect())
        }
        Err(status) if status.code() == Code::Unauthenticated => Err(status.into()),
        Err(_) => Ok(Vec::new()),
    }
}

async fn keep(visitor: Visitor, form: Received) -> Result<Response, Trouble> {
    let posted = Posted::from(form);
    let query = Filter::posted(&posted).query("");
    // Nothing chosen is a filter, too: all open cases.
    let query = if query.is_empty() { "state=open".to_owned() } else { query };
    let to = format!("/board?{query}");
    put(&visitor, &posted, Kept { name: posted.get("name").to_owned(), query }, &to).await
}

async fn forget(visitor: Visitor, form: Received) -> Result<Response, Trouble> {
    let posted = Posted::from(form);
    put(&visitor, &posted, Kept { name: posted.get("name").to_owned(), query: String::new() }, "/board").await
}

async fn put(visitor: &Visitor, posted: &Posted, filter: Kept, to: &str) -> Result<Response, Trouble> {
    let ask = KeepFilterRequest { request_id: posted.get("request_id").to_owned(), filter: Some(filter) };
    let kept = visitor.ask()?.directory().keep_filter(ask).await?.into_inner();
    Ok(written(forms::go(visitor, to), kept.position))
}
