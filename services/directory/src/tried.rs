//! One imagined case under a rule book in force: played through the cores that
//! serve, in memory and simulated time, by `trial`. Nothing of it happens.

use std::sync::{Arc, LazyLock};

use chassis::handle::store_failed;
use chassis_core::Refusal;
use jiff::tz::TimeZone;
use organisation::Snapshot;
use playbook::Lang;
use proto::{
    AnyEvent, Time,
    directory::v1::{SimulateCaseRequest, SimulateCaseResponse, SimulatedMoment},
};
use sqlx::PgPool;
use tokio::sync::Semaphore;
use trial::{
    scenario::{self, Acting},
    town::{Deed, What},
};

/// So long a case is watched.
const WATCHED: i64 = 90 * 24 * Time::HOUR;
/// Each takes a core for a moment.
static TURN: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(1));

const JOURNAL: &str = "select seq, kind, payload from journal where shard = 0 order by seq";

/// The directory as its readers see it, of its own journal.
async fn snapshot(pool: &PgPool) -> Result<Snapshot, Refusal> {
    let entries: Vec<(i64, String, Vec<u8>)> =
        sqlx::query_as(JOURNAL).fetch_all(pool).await.map_err(|error| store_failed(&error))?;
    let mut snapshot = Snapshot::default();
    for (seq, kind, payload) in entries {
        let event = AnyEvent::decode(&kind, &payload).map_err(|error| unreadable(&error))?;
        snapshot.apply(seq.unsigned_abs(), &event).map_err(|error| unreadable(&error))?;
    }
    Ok(snapshot)
}

fn unreadable(error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, "our own journal cannot be read");
    Refusal::new(
        chassis_core::RefusalKind::Internal,
        "stored",
        "存储的记录无法读取；已记录待查。",
        "A stored record cannot be read; it is on record for us.",
    )
}

pub async fn simulate(
    pool: &PgPool,
    asked: SimulateCaseRequest,
    lang: Lang,
) -> Result<SimulateCaseResponse, Refusal> {
    let directory = snapshot(pool).await?;
    let Some(rules) = directory.active_playbook(&asked.playbook).cloned() else {
        return Err(Refusal::not_found("规则手册", "playbook", &asked.playbook));
    };
    let branch = directory.node(&asked.branch).filter(|node| node.level == "branch" && !node.closed);
    if branch.is_none() {
        return Err(Refusal::field(
            "branch",
            "没有这家门店（或已关闭）。",
            "no such branch, or it is closed",
        ));
    }
    if !asked.case_type.is_empty() && rules.case_type(&asked.case_type).is_none() {
        return Err(Refusal::field("case_type", "没有这个种类。", "no such type"));
    }
    let Ok(_turn) = TURN.acquire().await else { return Err(Refusal::not_found("模拟", "simulation", "")) };
    let played = tokio::task::spawn_blocking(move || play(&directory, &rules, &asked, lang));
    played.await.map_err(|error| unreadable(&error))
}

fn play(
    directory: &Snapshot,
    rules: &Arc<playbook::Playbook>,
    asked: &SimulateCaseRequest,
    lang: Lang,
) -> SimulateCaseResponse {
    let mut opening = Deed::new(What::Open);
    opening.case_type = Some(asked.case_type.clone()).filter(|it| !it.is_empty());
    for (name, value) in &asked.form {
        opening.form.insert(name.clone(), value.as_str().into());
    }
    let acting = if asked.acted_on { Acting::Promptly } else { Acting::Never };
    let start = Time(asked.opened_at);
    let place = (asked.branch.as_str(), start, start.plus(WATCHED));
    let outcome = scenario::simulate(&opening, directory, rules, place, acting);
    let zone = directory.zone_of(&asked.branch).and_then(|zone| TimeZone::get(zone).ok());
    let zone = zone.unwrap_or(TimeZone::UTC);
    let clock = |at: Time| zone.to_datetime(at.to_timestamp()).strftime("%Y-%m-%d %H:%M").to_string();
    SimulateCaseResponse {
        moments: outcome
            .timeline
            .iter()
            .map(|line| SimulatedMoment { at: line.at.0, what: line.render(lang, clock) })
            .collect(),
        misses: outcome.misses.iter().map(|miss| miss.get(lang).to_owned()).collect(),
    }
}
