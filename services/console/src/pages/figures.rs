//! The week and the month in figures: with target, trend and ranking.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::Query,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use playbook::report::Target;
use proto::{
    Time,
    reporting::v1::{Figure, GetFiguresRequest, GetFiguresResponse, IssueReportRequest},
};
use serde::{Deserialize, Serialize};

use crate::{
    clock,
    forms::{Posted, Received},
    frame::Frame,
    names::{self, Names},
    pages::{Shown, figure_cases::Wanted as Cases, render},
    server::Console,
    shown,
    trouble::Trouble,
    visitor::Visitor,
};

/// Periods in the trend, this one included.
const TREND: i64 = 6;
const MOST_BARS: usize = 20;

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/figures", get(page)).route("/figures/csv", post(csv))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    playbook: String,
    period: String,
    at: i64,
    branch: String,
    figure: String,
}

struct Offered {
    code: String,
    name: String,
    chosen: bool,
}

struct Whole {
    id: String,
    name: String,
    value: String,
    target: String,
    /// good, bad, ""
    tone: &'static str,
    word: &'static str,
    cases: u64,
    chosen: bool,
}

struct Part {
    name: String,
    value: String,
    cases: u64,
    tone: &'static str,
    link: String,
}

#[derive(Default, Serialize)]
struct Chart {
    names: Vec<String>,
    values: Vec<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f64>,
    #[serde(rename = "targetName")]
    target_name: String,
    unit: &'static str,
    kind: &'static str,
}

#[derive(Template)]
#[template(path = "figures.html")]
struct Page {
    f: Frame,
    period: String,
    label: String,
    from: String,
    to: String,
    earlier: i64,
    later: i64,
    at: i64,
    playbook: String,
    branch: String,
    branches: Vec<Offered>,
    whole: Vec<Whole>,
    name: String,
    /// The cases behind the figure as a whole.
    cases: String,
    by_branch: Vec<Part>,
    by_other: Vec<(String, Vec<Part>)>,
    ranking: String,
    trend: String,
    trend_rows: Vec<(String, String)>,
    rows: Vec<String>,
    request_id: String,
}

async fn page(visitor: Visitor, Query(wanted): Query<Wanted>) -> Shown {
    let snapshot = &visitor.known.snapshot;
    let first = || snapshot.playbook_ids().next().unwrap_or_default().to_owned();
    let playbook = if wanted.playbook.is_empty() { first() } else { wanted.playbook.clone() };
    let period = if wanted.period == "monthly" { "monthly" } else { "weekly" };
    let at = if wanted.at == 0 { visitor.now.0 } else { wanted.at };
    let ask = |at: i64| GetFiguresRequest {
        playbook: playbook.clone(),
        period: period.to_owned(),
        at,
        branch: wanted.branch.clone(),
        ..GetFiguresRequest::default()
    };
    let reporting = visitor.ask()?.reporting();
    let mut asked = reporting.clone();
    let this = asked.get_figures(ask(at)).await?.into_inner();
    let length = (this.to_at - this.from_at).max(Time::HOUR);
    // The middle of each earlier period lies in it, however long its month is.
    let earlier = (1..TREND).map(|back| {
        let mut reporting = reporting.clone();
        let ask = ask(this.from_at - (back - 1) * length - length / 2);
        async move { reporting.get_figures(ask).await.ok().map(tonic::Response::into_inner) }
    });
    let earlier: Vec<GetFiguresResponse> =
        futures::future::join_all(earlier).await.into_iter().flatten().collect();
    render(&show(&visitor, &wanted, playbook, period, &this, &earlier, at))
}

fn show(
    visitor: &Visitor,
    wanted: &Wanted,
    playbook: String,
    period: &str,
    this: &GetFiguresResponse,
    earlier: &[GetFiguresResponse],
    at: i64,
) -> Page {
    let tongue = visitor.tongue;
    let snapshot = &visitor.known.snapshot;
    let zone = names::zone(snapshot, &wanted.branch);
    let of_all =
        |figures: &[Figure]| figures.iter().filter(|figure| figure.by == "all").cloned().collect::<Vec<_>>();
    let all = of_all(&this.figures);
    let usual = all.iter().find(|figure| figure.target.is_some()).or(all.first());
    let chosen =
        all.iter().find(|figure| figure.figure == wanted.figure).or(usual).cloned().unwrap_or_default();
    let target = target(visitor, &playbook, &chosen.figure);
    let mut by_branch: Vec<&Figure> = this
        .figures
        .iter()
        .filter(|figure| figure.figure == chosen.figure && figure.by == "branch")
        .collect();
    // Best first; what has no aim, by size.
    by_branch.sort_by_key(|figure| match target {
        Some(Target::AtMost(_)) => figure.value,
        Some(Target::AtLeast(_)) | None => -figure.value,
    });
    let of = Cases {
        playbook: playbook.clone(),
        period: period.to_owned(),
        at,
        branch: wanted.branch.clone(),
        ..Cases::default()
    };
    let part = |figure: &Figure| part(figure, visitor, target, &of);
    let mut by_other: Vec<(String, Vec<Part>)> = Vec::new();
    for (by, zh, en) in [
        ("type", "按种类", "by type"),
        ("severity", "按级别", "by severity"),
        ("category", "按类别", "by category"),
    ] {
        let parts: Vec<Part> = this
            .figures
            .iter()
            .filter(|figure| figure.figure == chosen.figure && figure.by == by)
            .map(part)
            .collect();
        if !parts.is_empty() {
            by_other.push((tongue.say(zh, en).to_owned(), parts));
        }
    }
    let mut trend = Chart { kind: "line", unit: unit(&chosen.unit), ..Chart::default() };
    let mut trend_rows = Vec::new();
    for one in earlier.iter().rev().chain([this]) {
        let value = one.figures.iter().find(|figure| figure.figure == chosen.figure && figure.by == "all");
        trend.names.push(one.period.clone());
        trend.values.push(value.filter(|figure| is_known(figure)).map(scaled));
        trend_rows.push((
            one.period.clone(),
            value.map(|figure| worth(figure, visitor)).unwrap_or_else(|| "—".to_owned()),
        ));
    }
    trend.target = chosen.target.map(|aim| scaled(&Figure { value: aim, ..chosen.clone() }));
    tongue.say("目标", "target").clone_into(&mut trend.target_name);
    let ranking = Chart {
        names: by_branch.iter().take(MOST_BARS).map(|figure| names::node(snapshot, &figure.key)).collect(),
        values: by_branch.iter().take(MOST_BARS).map(|figure| Some(scaled(figure))).collect(),
        target: trend.target,
        target_name: trend.target_name.clone(),
        unit: trend.unit,
        kind: "bar",
    };
    let seen = snapshot.nodes().filter(|node| visitor.sees(&node.code));
    Page {
        f: visitor.frame("/figures", visitor.say("报表", "Figures")),
        period: period.to_owned(),
        label: this.period.clone(),
        from: shown::day(Time(this.from_at), &zone),
        to: shown::day(Time(this.to_at - 1), &zone),
        earlier: this.from_at - 1,
        later: if this.to_at <= visitor.now.0 { this.to_at } else { 0 },
        branch: wanted.branch.clone(),
        branches: seen
            .map(|node| Offered {
                chosen: node.code == wanted.branch,
                code: node.code.clone(),
                name: node.name.clone(),
            })
            .collect(),
        whole: all.iter().map(|figure| whole(figure, visitor, &playbook, &chosen.figure)).collect(),
        name: tongue.say(&chosen.name_zh, &chosen.name_en).to_owned(),
        cases: Cases { figure: chosen.figure.clone(), by: "all".to_owned(), ..of.clone() }.link(),
        by_branch: by_branch.iter().map(|figure| part(figure)).collect(),
        by_other,
        ranking: serde_json::to_string(&ranking).unwrap_or_default(),
        trend: serde_json::to_string(&trend).unwrap_or_default(),
        trend_rows,
        rows: this
            .figures
            .iter()
            .filter(|figure| figure.by == "row")
            .take(200)
            .map(|figure| figure.key.clone())
            .collect(),
        request_id: clock::request_id(),
        playbook,
        at,
    }
}

fn target(visitor: &Visitor, playbook: &str, figure: &str) -> Option<Target> {
    visitor.known.snapshot.active_playbook(playbook)?.figure(figure)?.target
}

/// A rate of no cases is no rate.
fn is_known(figure: &Figure) -> bool {
    figure.cases > 0 || figure.unit == "count"
}

fn tone(figure: &Figure, target: Option<Target>) -> &'static str {
    match target.filter(|_| is_known(figure)) {
        Some(Target::AtLeast(aim)) => {
            if figure.value >= aim {
                "good"
            } else {
                "bad"
            }
        }
        Some(Target::AtMost(aim)) => {
            if figure.value <= aim {
                "good"
            } else {
                "bad"
            }
        }
        None => "",
    }
}

fn whole(figure: &Figure, visitor: &Visitor, playbook: &str, chosen: &str) -> Whole {
    let target = target(visitor, playbook, &figure.figure);
    let aim = |value: i64| worth(&Figure { value, cases: 1, ..figure.clone() }, visitor);
    let tone = tone(figure, target);
    Whole {
        id: figure.figure.clone(),
        name: visitor.say(&figure.name_zh, &figure.name_en).to_owned(),
        value: worth(figure, visitor),
        target: match target {
            Some(Target::AtLeast(value)) => format!("≥ {}", aim(value)),
            Some(Target::AtMost(value)) => format!("≤ {}", aim(value)),
            None => String::new(),
        },
        word: match tone {
            "good" => visitor.tongue.say("达标", "on target"),
            "bad" => visitor.tongue.say("未达标", "off target"),
            _ => "",
        },
        tone,
        cases: figure.cases,
        chosen: figure.figure == chosen,
    }
}

fn part(figure: &Figure, visitor: &Visitor, target: Option<Target>, of: &Cases) -> Part {
    let cases =
        Cases { figure: figure.figure.clone(), by: figure.by.clone(), key: figure.key.clone(), ..of.clone() };
    Part {
        name: name_of(&figure.by, &figure.key, visitor, &of.playbook),
        value: worth(figure, visitor),
        cases: figure.cases,
        tone: tone(figure, target),
        link: cases.link(),
    }
}

/// A group of a figure, in words.
pub fn name_of(by: &str, key: &str, visitor: &Visitor, playbook: &str) -> String {
    let snapshot = &visitor.known.snapshot;
    let kinds = snapshot.active_playbook(playbook).map(|book| &book.types);
    let kind = kinds.and_then(|kinds| kinds.get(key).or(kinds.values().next()));
    let named = Names { snapshot, tongue: visitor.tongue, book: None, case_type: kind };
    match by {
        "branch" => names::node(snapshot, key),
        "severity" => named.severity(key),
        "category" => named.category(key),
        "type" => named.kind(),
        _ => key.to_owned(),
    }
}

/// A figure in the units that charts are drawn in.
fn scaled(figure: &Figure) -> f64 {
    let value = figure.value as f64;
    match figure.unit.as_str() {
        "rate" => value / 10.0,
        "duration" => (value / 360.0).round() / 10.0,
        "score" => value / 100.0,
        _ => value,
    }
}

fn unit(unit: &str) -> &'static str {
    match unit {
        "rate" => "%",
        "duration" => "h",
        _ => "",
    }
}

pub fn worth(figure: &Figure, visitor: &Visitor) -> String {
    match figure.unit.as_str() {
        _ if !is_known(figure) => "—".to_owned(),
        "rate" => format!("{:.1} %", scaled(figure)),
        "duration" => shown::span(figure.value.saturating_mul(1_000_000), visitor.tongue),
        "score" => format!("{:.2}", scaled(figure)),
        _ => figure.value.to_string(),
    }
}

/// The document, with its digest on record: reporting writes it.
async fn csv(visitor: Visitor, form: Received) -> Result<Response, Trouble> {
    let posted = Posted::from(form);
    let text = |name: &str| posted.get(name).to_owned();
    let ask = IssueReportRequest {
        request_id: text("request_id"),
        playbook: text("playbook"),
        period: text("period"),
        at: posted.get("at").parse().unwrap_or_default(),
        format: "csv".to_owned(),
        language: visitor.tongue.code().to_owned(),
    };
    let issued = visitor.ask()?.reporting().issue_report(ask).await?.into_inner();
    let safe: String =
        issued.file_name.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect();
    let mut response = issued.document.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(named) = HeaderValue::from_str(&format!("attachment; filename=\"{safe}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, named);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_scaled_for_charts_and_judged_by_their_target() {
        let figure = |unit: &str, value| Figure { unit: unit.into(), value, cases: 1, ..Figure::default() };
        assert_eq!(
            (scaled(&figure("rate", 955)), scaled(&figure("duration", 5_400)), scaled(&figure("score", 432))),
            (95.5, 1.5, 4.32)
        );
        assert_eq!(tone(&figure("rate", 949), Some(Target::AtLeast(950))), "bad");
        assert_eq!(tone(&figure("duration", 60), Some(Target::AtMost(60))), "good");
        assert_eq!(tone(&figure("count", 1), None), "");
        let none = Figure { cases: 0, ..figure("rate", 0) };
        assert_eq!(tone(&none, Some(Target::AtLeast(950))), "", "nothing was late");
    }
}
