//! Branches, people, roles, deputies, absences, as the directory has them.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{Router, extract::Query, routing::get};
use organisation::Snapshot;
use proto::{Time, directory::v1::ListPersonsRequest};
use serde::Deserialize;

use crate::{
    frame::Frame,
    names,
    pages::{Shown, render},
    server::Console,
    shown,
    visitor::Visitor,
};

/// Choices that a list offers while somebody types.
const OFFERED: usize = 20;

pub fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/directory", get(page))
        .route("/directory/persons", get(persons))
        .route("/directory/branches", get(branches))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    node: String,
}

struct Branch {
    code: String,
    name: String,
    level: String,
    closed: bool,
    chosen: bool,
    depth: usize,
}

struct Person {
    code: String,
    name: String,
    roles: Vec<String>,
    deputy: String,
    absences: Vec<String>,
    away: bool,
    disabled: bool,
}

#[derive(Template)]
#[template(path = "directory.html")]
struct Page {
    f: Frame,
    tree: Vec<Branch>,
    code: String,
    name: String,
    level: String,
    zone: String,
    calendar: String,
    persons: Vec<Person>,
    /// Only offered; the directory decides.
    may_import: bool,
}

async fn page(visitor: Visitor, Query(wanted): Query<Wanted>) -> Shown {
    let snapshot = &visitor.known.snapshot;
    let root = snapshot.nodes().find(|node| node.parent.is_none()).map(|node| node.code.clone());
    let own = visitor.roles().next().map(|(_, node)| node.to_owned());
    let code = if wanted.node.is_empty() { own.or(root).unwrap_or_default() } else { wanted.node };
    let ask = ListPersonsRequest { node: code.clone(), limit: 500, ..Default::default() };
    let found = visitor.ask()?.directory().list_persons(ask).await?.into_inner().persons;
    let zone = names::zone(snapshot, &code);
    let persons =
        found.into_iter().filter_map(|entry| Some((entry.person?, entry.name))).map(|(person, name)| {
            let role = |held: &proto::directory::v1::Role| {
                let node = if held.node == code {
                    String::new()
                } else {
                    format!(" @ {}", names::node(snapshot, &held.node))
                };
                format!("{}{node}", names::role(snapshot, &held.role, visitor.tongue))
            };
            let absence = |one: &proto::directory::v1::Absence| {
                format!(
                    "{} – {}",
                    shown::day(Time(one.from_at), &zone),
                    shown::day(Time(one.to_at - 1), &zone)
                )
            };
            Person {
                roles: person.roles.iter().map(role).collect(),
                absences: person.absences.iter().map(absence).collect(),
                away: person.absences.iter().any(|one| (one.from_at..one.to_at).contains(&visitor.now.0)),
                deputy: person.deputy,
                disabled: person.disabled,
                code: person.code,
                name,
            }
        });
    let node = snapshot.node(&code);
    let page = Page {
        tree: tree(snapshot, &code, &visitor),
        name: names::node(snapshot, &code),
        level: node.map(|node| names::level(&node.level, visitor.tongue)).unwrap_or_default(),
        zone: snapshot.zone_of(&code).unwrap_or(names::USUAL_ZONE).to_owned(),
        calendar: snapshot.calendar_of(&code).map(|one| one.id().to_owned()).unwrap_or_default(),
        persons: persons.collect(),
        may_import: visitor.holds("administrator"),
        f: visitor.frame("/directory", visitor.say("组织", "Organisation")),
        code,
    };
    render(&page)
}

/// The whole tree down to areas; branches of the area that is looked at.
fn tree(snapshot: &Snapshot, chosen: &str, visitor: &Visitor) -> Vec<Branch> {
    let mut below: BTreeMap<Option<&str>, Vec<&organisation::Node>> = BTreeMap::new();
    for node in snapshot.nodes() {
        below.entry(node.parent.as_deref()).or_default().push(node);
    }
    let open: Vec<&str> = snapshot.upwards(chosen).map(|node| node.code.as_str()).collect();
    let mut lines = Vec::new();
    walk(&below, None, 0, &open, chosen, visitor, &mut lines);
    lines
}

fn walk(
    below: &BTreeMap<Option<&str>, Vec<&organisation::Node>>,
    parent: Option<&str>,
    depth: usize,
    open: &[&str],
    chosen: &str,
    visitor: &Visitor,
    lines: &mut Vec<Branch>,
) {
    for node in below.get(&parent).into_iter().flatten() {
        lines.push(Branch {
            code: node.code.clone(),
            name: node.name.clone(),
            level: names::level(&node.level, visitor.tongue),
            closed: node.closed,
            chosen: node.code == chosen,
            depth: depth.min(5),
        });
        // A group has thousands of branches: only what leads to the one that is looked at lies open.
        if depth < 1 || open.contains(&node.code.as_str()) {
            walk(below, Some(&node.code), depth + 1, open, chosen, visitor, lines);
        }
    }
}

#[derive(Template)]
#[template(path = "options.html")]
struct Options {
    options: Vec<(String, String)>,
}

/// The field that asks, and what is in it: a query names them both.
fn typed(query: &BTreeMap<String, String>) -> String {
    let field = query.get("field").map_or("", String::as_str);
    query.get(field).map(|words| words.trim().to_lowercase()).unwrap_or_default()
}

async fn persons(visitor: Visitor, Query(query): Query<BTreeMap<String, String>>) -> Shown {
    let words = typed(&query);
    let snapshot = &visitor.known.snapshot;
    let fits = snapshot.persons().filter(|person| !person.disabled).filter_map(|person| {
        let first = person.roles.first()?;
        let role = names::role(snapshot, &first.role, visitor.tongue);
        let said = format!("{role} · {}", names::node(snapshot, &first.node));
        let is_it = person.code.to_lowercase().contains(&words) || said.to_lowercase().contains(&words);
        is_it.then(|| (person.code.clone(), said))
    });
    render(&Options { options: fits.take(OFFERED).collect() })
}

async fn branches(visitor: Visitor, Query(query): Query<BTreeMap<String, String>>) -> Shown {
    let words = typed(&query);
    let branches = visitor.known.snapshot.nodes().filter(|node| node.level == "branch" && !node.closed);
    let fits = branches
        .filter(|node| node.code.to_lowercase().contains(&words) || node.name.to_lowercase().contains(&words))
        .map(|node| (node.code.clone(), node.name.clone()));
    render(&Options { options: fits.take(OFFERED).collect() })
}
