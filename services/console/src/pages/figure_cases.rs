//! The very cases behind a figure: reporting lists them by the same rules by
//! which it reckoned.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::Query, routing::get};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proto::reporting::v1::{Figure, FigureCase, ListFigureCasesRequest};
use serde::Deserialize;

use crate::{
    frame::Frame,
    pages::{
        Shown,
        board::Line,
        figures::{name_of, worth},
        render,
    },
    server::Console,
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/figures/cases", get(page))
}

/// A group of a figure of a period, as links name it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    pub playbook: String,
    pub period: String,
    pub at: i64,
    pub branch: String,
    pub figure: String,
    pub by: String,
    pub key: String,
    pub after: String,
}

impl Wanted {
    pub fn link(&self) -> String {
        let at = self.at.to_string();
        let pairs = [
            ("playbook", self.playbook.as_str()),
            ("period", &self.period),
            ("at", &at),
            ("branch", &self.branch),
            ("figure", &self.figure),
            ("by", &self.by),
            ("key", &self.key),
            ("after", &self.after),
        ];
        let filled = pairs.iter().filter(|(_, value)| !value.is_empty());
        let written =
            filled.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        format!("/figures/cases?{}", written.collect::<Vec<_>>().join("&"))
    }

    fn back(&self) -> String {
        self.link().replacen("/figures/cases?", "/figures?", 1)
    }
}

struct Case {
    line: Line,
    value: String,
}

#[derive(Template)]
#[template(path = "figure_cases.html")]
struct Page {
    f: Frame,
    name: String,
    group: String,
    cases: Vec<Case>,
    first: bool,
    next: String,
    back: String,
    top: String,
}

async fn page(visitor: Visitor, Query(wanted): Query<Wanted>) -> Shown {
    let ask = ListFigureCasesRequest {
        playbook: wanted.playbook.clone(),
        period: wanted.period.clone(),
        at: wanted.at,
        branch: wanted.branch.clone(),
        figure: wanted.figure.clone(),
        by: wanted.by.clone(),
        key: wanted.key.clone(),
        limit: 50,
        after: wanted.after.clone(),
    };
    let found = visitor.ask()?.reporting().list_figure_cases(ask).await?.into_inner();
    let case = |one: &FigureCase| {
        let figure = Figure { value: one.value, unit: one.unit.clone(), cases: 1, ..Figure::default() };
        Some(Case { line: Line::of(one.row.as_ref()?, &visitor), value: worth(&figure, &visitor) })
    };
    let known = visitor.known.snapshot.active_playbook(&wanted.playbook);
    let figure = known.and_then(|book| book.figure(wanted.figure.trim_end_matches(".p90")));
    let name = figure.map_or_else(|| wanted.figure.clone(), |one| visitor.tongue.text(&one.name).to_owned());
    let page = Page {
        f: visitor.frame("/figures", &name),
        group: name_of(&wanted.by, &wanted.key, &visitor, &wanted.playbook),
        cases: found.cases.iter().filter_map(case).collect(),
        first: wanted.after.is_empty(),
        next: if found.next.is_empty() {
            String::new()
        } else {
            Wanted { after: found.next, ..wanted.clone() }.link()
        },
        back: Wanted { by: String::new(), key: String::new(), after: String::new(), ..wanted.clone() }.back(),
        top: Wanted { after: String::new(), ..wanted }.link(),
        name,
    };
    render(&page)
}
