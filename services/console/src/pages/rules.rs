//! Rule books as documents that people read, with their diagram, what the check
//! says, what changed between two versions; and how a new one comes into force.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use playbook::{CaseType, Diagnostic, Playbook};
use proto::directory::v1::{ActivatePlaybookRequest, DocumentFile};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd, html};
use serde::Deserialize;
use similar::{ChangeTag, TextDiff};

use crate::{
    clock,
    forms::{self, Posted, Received},
    frame::Frame,
    language::Tongue,
    pages::{Shown, render},
    server::Console,
    shown,
    trouble::{Refused, Trouble},
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/rules", get(list))
        .route("/rules/activate", post(activate))
        .route("/rules/{id}/{version}", get(book))
}

struct Version {
    version: u32,
    since: String,
    active: bool,
}

struct Book {
    id: String,
    name: String,
    versions: Vec<Version>,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct Index {
    f: Frame,
    books: Vec<Book>,
    may_activate: bool,
    form: Activation,
}

#[derive(Template)]
#[template(path = "rules_form.html")]
struct Activation {
    f: Frame,
    text: String,
    wrong: Vec<(String, String)>,
    said: String,
    request_id: String,
}

fn index(visitor: &Visitor, id: &str) -> Vec<Version> {
    let zone = jiff::tz::TimeZone::get(crate::names::USUAL_ZONE).unwrap_or(jiff::tz::TimeZone::UTC);
    let known = visitor.known.activated.iter().filter(|((book, _), _)| book == id);
    let active = visitor.known.snapshot.active_playbook(id).map(|book| book.version);
    let mut versions: Vec<Version> = known
        .map(|((_, version), at)| Version {
            since: shown::full(*at, &zone),
            active: active == Some(*version),
            version: *version,
        })
        .collect();
    versions.reverse();
    versions
}

async fn list(visitor: Visitor) -> Shown {
    let snapshot = &visitor.known.snapshot;
    let books = snapshot.playbook_ids().filter_map(|id| snapshot.active_playbook(id)).map(|book| Book {
        id: book.id.clone(),
        name: visitor.tongue.text(&book.name).to_owned(),
        versions: index(&visitor, &book.id),
    });
    let page = Index {
        books: books.collect(),
        may_activate: visitor.holds("administrator"),
        form: blank(&visitor),
        f: visitor.frame("/rules", visitor.say("规则手册", "Rule books")),
    };
    render(&page)
}

fn blank(visitor: &Visitor) -> Activation {
    Activation {
        f: visitor.frame("", ""),
        text: String::new(),
        wrong: Vec::new(),
        said: String::new(),
        request_id: clock::request_id(),
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Beside {
    /// Another version to compare with.
    with: u32,
}

struct Change {
    sign: &'static str,
    tone: &'static str,
    line: String,
}

#[derive(Template)]
#[template(path = "rule_book.html")]
struct Page {
    f: Frame,
    id: String,
    name: String,
    version: u32,
    versions: Vec<Version>,
    with: u32,
    changes: Vec<Change>,
    document: String,
    diagrams: Vec<Diagram>,
    findings: Vec<String>,
}

async fn book(
    visitor: Visitor,
    Path((id, version)): Path<(String, u32)>,
    Query(beside): Query<Beside>,
) -> Shown {
    let book = visitor.known.snapshot.playbook(&id, version).ok_or(Trouble::Missing)?.clone();
    let name = visitor.tongue.text(&book.name).to_owned();
    let page = Page {
        f: visitor.frame("/rules", &format!("{name} {version}")),
        versions: index(&visitor, &id),
        with: beside.with,
        changes: changes(&visitor, &id, beside.with, version),
        document: document(&book, visitor.tongue),
        diagrams: book.types.values().map(|kind| diagram(kind, visitor.tongue)).collect(),
        findings: book.check().iter().map(|one: &Diagnostic| one.render(visitor.tongue.0)).collect(),
        id,
        name,
        version,
    };
    render(&page)
}

/// The document as HTML. Its tags are ours: raw HTML in a rule book's words stays words.
fn document(book: &Playbook, tongue: Tongue) -> String {
    let text = book.show(tongue.0);
    let mut in_diagram = false;
    let events = Parser::new_ext(&text, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        // The diagram is drawn beside the document.
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))) if &*kind == "mermaid" => {
            in_diagram = true;
            None
        }
        Event::End(TagEnd::CodeBlock) if in_diagram => {
            in_diagram = false;
            None
        }
        Event::Text(_) if in_diagram => None,
        Event::Start(Tag::Link { .. } | Tag::Image { .. }) | Event::End(TagEnd::Link | TagEnd::Image) => None,
        other => Some(other),
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

/// Lines that differ between two versions, each with a little around it.
fn changes(visitor: &Visitor, id: &str, from: u32, to: u32) -> Vec<Change> {
    let text = |version: u32| {
        let files = visitor.known.files.get(&(id.to_owned(), version))?;
        Some(files.iter().map(|file| file.text.as_str()).collect::<Vec<_>>().join("\n"))
    };
    let (Some(old), Some(new)) = (text(from), text(to)) else { return Vec::new() };
    let diff = TextDiff::from_lines(&old, &new);
    let mut changes = Vec::new();
    for group in diff.grouped_ops(2) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, tone) = match change.tag() {
                ChangeTag::Delete => ("−", "late"),
                ChangeTag::Insert => ("+", "good"),
                ChangeTag::Equal => (" ", ""),
            };
            changes.push(Change { sign, tone, line: change.value().trim_end().to_owned() });
        }
    }
    changes
}

/// A step in the diagram: where it stands, and from where lines come.
struct Node {
    x: usize,
    y: usize,
    name: String,
    shape: &'static str,
    from: Vec<(usize, usize)>,
}

struct Diagram {
    name: String,
    width: usize,
    height: usize,
    nodes: Vec<Node>,
}

const WIDE: usize = 190;
const HIGH: usize = 44;
const ACROSS: usize = 40;
const DOWN: usize = 18;

/// Columns by how many steps come before; within a column in the order of the rule book.
fn diagram(kind: &CaseType, tongue: Tongue) -> Diagram {
    let mut places: Vec<(usize, usize)> = Vec::new();
    let mut filled: Vec<usize> = Vec::new();
    for step in &kind.steps {
        let before =
            step.needs.iter().filter_map(|need| kind.steps.iter().position(|other| other.id == *need));
        let column =
            before.filter_map(|place| places.get(place)).map(|(column, _)| column + 1).max().unwrap_or(0);
        if filled.len() <= column {
            filled.resize(column + 1, 0);
        }
        places.push((column, filled[column]));
        filled[column] += 1;
    }
    let at = |(column, row): (usize, usize)| (column * (WIDE + ACROSS) + 4, row * (HIGH + DOWN) + 4);
    let nodes = kind.steps.iter().zip(&places).map(|(step, place)| {
        let needs =
            step.needs.iter().filter_map(|need| kind.steps.iter().position(|other| other.id == *need));
        let (x, y) = at(*place);
        Node {
            x,
            y,
            name: tongue.text(&step.name).chars().take(if tongue.is_english() { 28 } else { 14 }).collect(),
            shape: match (&step.approval, &step.when) {
                (Some(_), _) => "approval",
                (None, Some(_)) => "sometimes",
                (None, None) => "always",
            },
            from: needs
                .filter_map(|place| places.get(place))
                .map(|place| {
                    let (x, y) = at(*place);
                    (x + WIDE, y + HIGH / 2)
                })
                .collect(),
        }
    });
    Diagram {
        name: tongue.text(&kind.name).to_owned(),
        width: filled.len() * (WIDE + ACROSS) + 8,
        height: filled.iter().max().copied().unwrap_or(1) * (HIGH + DOWN) + 8,
        nodes: nodes.collect(),
    }
}

/// Puts a rule book in force: the directory checks it and says everything that is wrong.
async fn activate(visitor: Visitor, form: Received) -> Result<Response, Trouble> {
    let posted = Posted::from(form);
    let text = posted.get("text").to_owned();
    let file = DocumentFile { path: "playbook.yaml".to_owned(), text: text.clone() };
    let ask = ActivatePlaybookRequest { request_id: posted.get("request_id").to_owned(), files: vec![file] };
    match visitor.ask()?.directory().activate_playbook(ask).await {
        Ok(active) => {
            let active = active.into_inner();
            visitor.console.directory.look();
            Ok(forms::go(&visitor, &format!("/rules?active={}/{}", active.id, active.version)))
        }
        Err(status) => {
            let refused = Refused::of(&status).ok_or(status)?;
            let mut form = Activation { text, ..blank(&visitor) };
            form.said = if refused.fields.is_empty() { refused.said } else { String::new() };
            form.wrong = refused.fields;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&form)?).into_response())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Playbook {
        let text = include_str!("../../../../deploy/playbooks/dealer-group/playbook.yaml");
        Playbook::load(&[("playbook.yaml", text)]).expect("the shipped rule book loads")
    }

    #[test]
    fn a_rule_book_is_shown_without_anything_that_a_browser_would_run() {
        let text = include_str!("../../../../deploy/playbooks/dealer-group/playbook.yaml");
        let sly = text.replace("zh: 接单时限", "zh: '<script>alert(1)</script><b>'");
        let book = Playbook::load(&[("playbook.yaml", &sly)]).expect("words are words");
        let page = document(&book, Tongue(playbook::Lang::Zh));
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script") && !page.contains("<b>"));
        assert!(page.contains("<table>") && !page.contains("flowchart"));
    }

    #[test]
    fn no_two_steps_stand_in_one_place_and_lines_go_forward() {
        for kind in sample().types.values() {
            let diagram = diagram(kind, Tongue(playbook::Lang::En));
            let mut places: Vec<_> = diagram.nodes.iter().map(|node| (node.x, node.y)).collect();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), kind.steps.len());
            assert!(diagram.nodes.iter().all(|node| node.from.iter().all(|(x, _)| *x < node.x)));
        }
    }
}
