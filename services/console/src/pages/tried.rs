//! One imagined case under a rule book in force: the directory plays it, and
//! nothing of it happens.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query},
    routing::get,
};
use jiff::civil::DateTime;
use playbook::CaseType;
use proto::{
    Time,
    directory::v1::{SimulateCaseRequest, SimulateCaseResponse},
};
use serde::Deserialize;

use crate::{
    forms::{Posted, Received, Shown as Field},
    frame::Frame,
    names,
    pages::{Shown, board::Offered, render},
    server::Console,
    shown,
    trouble::{Refused, Trouble},
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/rules/{id}/try", get(page).post(play))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    #[serde(rename = "type")]
    case_type: String,
}

#[derive(Template)]
#[template(path = "tried.html")]
struct Page {
    f: Frame,
    id: String,
    name: String,
    case_type: String,
    types: Vec<Offered>,
    branches: Vec<Offered>,
    at: String,
    acted_on: bool,
    fields: Vec<Field>,
    result: Outcome,
}

/// What stands below the form.
#[derive(Template)]
#[template(path = "tried_result.html")]
struct Outcome {
    f: Frame,
    wrong: Vec<String>,
    moments: Vec<(String, String)>,
    misses: Vec<String>,
}

async fn page(visitor: Visitor, Path(id): Path<String>, Query(wanted): Query<Wanted>) -> Shown {
    let posted = Posted::default();
    let result = nothing(&visitor);
    render(&form(&visitor, &id, &wanted.case_type, &posted, result)?)
}

fn nothing(visitor: &Visitor) -> Outcome {
    Outcome { f: visitor.frame("/rules", ""), wrong: Vec::new(), moments: Vec::new(), misses: Vec::new() }
}

fn case_type<'b>(book: &'b playbook::Playbook, wanted: &str) -> Option<&'b CaseType> {
    book.case_type(wanted).or_else(|| book.types.values().next())
}

fn form(
    visitor: &Visitor,
    id: &str,
    wanted: &str,
    posted: &Posted,
    result: Outcome,
) -> Result<Page, Trouble> {
    let snapshot = &visitor.known.snapshot;
    let book = snapshot.active_playbook(id).ok_or(Trouble::Missing)?;
    let kind = case_type(book, wanted).ok_or(Trouble::Missing)?;
    let tongue = visitor.tongue;
    let offer = |code: &str, name: String, chosen: bool| Offered { code: code.to_owned(), name, chosen };
    let open = snapshot.nodes().filter(|node| node.level == "branch" && !node.closed);
    let branch = posted.get("branch");
    let zone = names::zone(snapshot, visitor.roles().next().map_or("", |(_, node)| node));
    let now = zone.to_datetime(visitor.now.to_timestamp()).strftime("%Y-%m-%dT%H:%M").to_string();
    let optional = |field: &playbook::Field| {
        let mut shown = Field::field(field, posted, tongue);
        // What is not said is made up.
        shown.must = false;
        shown
    };
    Ok(Page {
        f: visitor.frame("/rules", visitor.say("试一件案子", "Try a case")),
        id: id.to_owned(),
        name: tongue.text(&book.name).to_owned(),
        types: book
            .types
            .values()
            .map(|one| offer(&one.id, tongue.text(&one.name).to_owned(), one.id == kind.id))
            .collect(),
        branches: open.map(|node| offer(&node.code, node.name.clone(), node.code == branch)).collect(),
        at: if posted.get("at").is_empty() { now } else { posted.get("at").to_owned() },
        acted_on: posted.get("acts") != "nobody",
        fields: kind
            .form
            .iter()
            .filter(|field| !field.personal && !field.kind.always_personal())
            .map(optional)
            .collect(),
        case_type: kind.id.clone(),
        result,
    })
}

async fn play(visitor: Visitor, Path(id): Path<String>, form_sent: Received) -> Shown {
    let posted = Posted::from(form_sent);
    let mut result = nothing(&visitor);
    match ask(&visitor, &id, &posted) {
        Some(ask) => match visitor.ask()?.directory().simulate_case(ask.clone()).await {
            Ok(played) => tell(&mut result, played.into_inner(), &ask, &visitor),
            Err(status) => {
                let Some(refused) = Refused::of(&status) else { return Err(status.into()) };
                result.wrong = refused.fields.into_iter().map(|(_, words)| words).collect();
                if result.wrong.is_empty() {
                    result.wrong.push(refused.said);
                }
            }
        },
        None => result.wrong.push(visitor.say("请填写时间。", "Say when it is opened.").to_owned()),
    }
    if visitor.wants_fragment {
        return render(&result);
    }
    render(&form(&visitor, &id, posted.get("case_type"), &posted, result)?)
}

fn ask(visitor: &Visitor, id: &str, posted: &Posted) -> Option<SimulateCaseRequest> {
    let snapshot = &visitor.known.snapshot;
    let kind = case_type(snapshot.active_playbook(id)?, posted.get("case_type"))?;
    let zone = names::zone(snapshot, posted.get("branch"));
    let wall: DateTime = posted.get("at").parse().ok()?;
    Some(SimulateCaseRequest {
        playbook: id.to_owned(),
        case_type: kind.id.clone(),
        branch: posted.get("branch").to_owned(),
        form: posted.fields(&kind.form),
        opened_at: Time::from(zone.to_timestamp(wall).ok()?).0,
        acted_on: posted.get("acts") != "nobody",
    })
}

fn tell(result: &mut Outcome, played: SimulateCaseResponse, ask: &SimulateCaseRequest, visitor: &Visitor) {
    let zone = names::zone(&visitor.known.snapshot, &ask.branch);
    let moments = played.moments.into_iter();
    result.moments = moments.map(|one| (shown::full(Time(one.at), &zone), one.what)).collect();
    result.misses = played.misses;
}
