//! The rows of a period, reckoned as they come: a month of a large group does
//! not have to fit into memory.

use std::{collections::BTreeMap, sync::Arc};

use chassis::handle::{decode, store_failed};
use chassis_core::Refusal;
use futures::TryStreamExt;
use organisation::Snapshot;
use playbook::{Figure, FigureKind, Playbook, report::Period};
use proto::Time;
use reporting_core::{BadSpan, Line, Reckoning, Row, Span, Unit, zone_of};
use sqlx::PgPool;

use crate::{read, scope::Scope};

/// Rows between two breaths: decoding a thousand takes a few milliseconds.
const BREATH: u32 = 500;

/// The playbook's newest version; without a name the only one there is.
pub fn playbook(directory: &Snapshot, id: &str) -> Result<Arc<Playbook>, Refusal> {
    let mut known = directory.playbook_ids();
    let id = match (id, known.next(), known.next()) {
        ("", Some(only), None) => only,
        ("", ..) => return Err(Refusal::field("playbook", "请指明规则手册。", "say which playbook")),
        (id, ..) => id,
    };
    directory.active_playbook(id).cloned().ok_or_else(|| Refusal::not_found("规则手册", "playbook", id))
}

/// The period around an instant, in the group's zone.
pub fn span(directory: &Snapshot, period: &str, at: Time) -> Result<Span, Refusal> {
    let bad = |error: BadSpan| Refusal::field("period", error.zh(), error.to_string());
    let period = Span::parse_period(period).map_err(bad)?;
    Span::around(period, at, &zone_of(directory)).map_err(bad)
}

/// A span that the asker names himself; its field is the one that has to be put right.
pub fn between(directory: &Snapshot, from: Time, to: Time) -> Result<Span, Refusal> {
    let bad = |error: BadSpan| Refusal::field("to_at", error.zh(), error.to_string());
    Span::between(from, to, &zone_of(directory)).map_err(bad)
}

/// The figures that the playbook's reports of this period show; all of them
/// if it has no such report.
pub fn figures(playbook: &Playbook, period: Period) -> Vec<&Figure> {
    let reports = playbook.reports.iter().filter(|report| report.period == period);
    let wanted: Vec<&String> = reports.flat_map(|report| &report.figures).collect();
    playbook.figures.iter().filter(|figure| wanted.is_empty() || wanted.contains(&&figure.id)).collect()
}

/// Reckons these figures over what the scope shows of the period.
pub async fn reckon(
    pool: &PgPool,
    scope: &Scope,
    playbook: &Playbook,
    figures: &[&Figure],
    span: &Span,
) -> Result<Vec<Line>, Refusal> {
    let mut reckoning = Reckoning::new(playbook, figures.iter().copied(), span, scope.person.as_deref());
    let mut bodies = sqlx::query_scalar::<_, Vec<u8>>(read::PERIOD)
        .bind(&playbook.id)
        .bind(span.from.0)
        .bind(span.to.0)
        .bind(scope.branches.as_deref())
        .fetch(pool);
    let mut breath = 0;
    while let Some(body) = bodies.try_next().await.map_err(|error| store_failed(&error))? {
        reckoning.take(&decode::<Row>(&body)?);
        breath += 1;
        if breath % BREATH == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(reckoning.finish())
}

/// Cases of a page if the caller does not say, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 200;

/// A case behind a figure, with what the figure makes of it alone.
pub struct Behind {
    pub row: Row,
    pub value: i64,
    pub unit: &'static str,
}

/// One group of a figure.
pub struct Group<'a> {
    pub figure: &'a Figure,
    pub by: &'a str,
    pub key: &'a str,
}

/// Where a page ended: number and id, for numbers are read out and not made to be unique.
type Place = (String, String);

fn place(row: &Row) -> Place {
    (row.number.clone(), row.id.to_string())
}

/// A page of the cases behind a group of a figure, by their numbers, and where the next one begins. A
/// case stands behind it if the figure of this case alone counts a case there, so what is listed is
/// what was reckoned. Who is barred from a case does not see it here either (DG-03). Only the page is
/// held in memory.
pub async fn behind(
    pool: &PgPool,
    scope: &Scope,
    playbook: &Playbook,
    group: &Group<'_>,
    span: &Span,
    (after, limit): (&str, u32),
) -> Result<(Vec<Behind>, String), Refusal> {
    let limit = if limit == 0 { USUAL } else { limit.min(MOST) } as usize;
    let after: Option<Place> = after.split_once('/').map(|(number, id)| (number.to_owned(), id.to_owned()));
    let mut bodies = sqlx::query_scalar::<_, Vec<u8>>(read::PERIOD)
        .bind(&playbook.id)
        .bind(span.from.0)
        .bind(span.to.0)
        .bind(scope.branches.as_deref())
        .fetch(pool);
    let (mut found, mut breath) = (BTreeMap::new(), 0);
    while let Some(body) = bodies.try_next().await.map_err(|error| store_failed(&error))? {
        let row = decode::<Row>(&body)?;
        let at = place(&row);
        let hidden = scope.person.as_deref().is_some_and(|person| row.is_barred(person));
        let is_on_it = after.as_ref().is_none_or(|after| at > *after)
            && (found.len() <= limit || found.last_key_value().is_some_and(|(last, _)| at < *last));
        if !hidden
            && is_on_it
            && let Some(line) = alone(&row, playbook, group, span, scope.person.as_deref())
        {
            found.insert(at, Behind { row, value: line.value, unit: line.unit.as_str() });
            // One more than the page says whether there is another.
            if found.len() > limit + 1 {
                found.pop_last();
            }
        }
        breath += 1;
        if breath % BREATH == 0 {
            tokio::task::yield_now().await;
        }
    }
    let more = found.len() > limit;
    let page: Vec<Behind> = found.into_values().take(limit).collect();
    let next = page.last().filter(|_| more).map(|one| place(&one.row));
    Ok((page, next.map(|(number, id)| format!("{number}/{id}")).unwrap_or_default()))
}

fn alone(
    row: &Row,
    playbook: &Playbook,
    group: &Group<'_>,
    span: &Span,
    viewer: Option<&str>,
) -> Option<Line> {
    let mut reckoning = Reckoning::new(playbook, std::iter::once(group.figure), span, viewer);
    reckoning.take(row);
    let is_list = matches!(group.figure.kind, FigureKind::List { .. });
    reckoning.finish().into_iter().find(|line| {
        let is_group = line.by == group.by && line.key == group.key && line.figure == group.figure.id;
        let counts = if line.unit == Unit::Count { line.value > 0 } else { line.cases > 0 };
        is_list || (is_group && counts)
    })
}

#[cfg(test)]
mod tests {
    use proto::{AnyEvent, directory::v1 as said};

    use super::*;

    const RULES: &str = include_str!("../core/tests/complaints.yaml");

    fn directory(playbooks: &[&str]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (seq, id) in playbooks.iter().enumerate() {
            let text = RULES.replace("playbook: complaints", &format!("playbook: {id}"));
            let files = vec![said::DocumentFile { path: "p.yaml".into(), text }];
            let active = said::PlaybookActivated { id: (*id).into(), version: 3, files };
            snapshot.apply(seq as u64 + 1, &AnyEvent::PlaybookActivated(active)).unwrap();
        }
        snapshot
    }

    #[test]
    fn the_only_playbook_need_not_be_named() {
        let named = |known: &[&str], id| {
            playbook(&directory(known), id).map(|p| p.id.clone()).map_err(|refusal| refusal.gate)
        };
        assert_eq!(named(&["a"], ""), Ok("a".into()));
        assert_eq!(named(&["a", "b"], "b"), Ok("b".into()));
        assert_eq!(named(&["a", "b"], ""), Err("invalid".into()));
        assert_eq!(named(&["a"], "x"), Err("not-found".into()));
        assert_eq!(named(&[], ""), Err("invalid".into()));
    }

    #[test]
    fn a_report_shows_its_own_figures() {
        let playbook = playbook(&directory(&["a"]), "a").unwrap();
        let ids = |period| figures(&playbook, period).iter().map(|f| f.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(Period::Weekly), ["opened", "major", "content", "on_time", "missed"]);
        assert_eq!(ids(Period::Daily).len(), playbook.figures.len(), "without a report of its own: all");
    }

    #[test]
    fn a_span_of_ones_own_ends_after_it_began() {
        let directory = directory(&[]);
        let span = between(&directory, Time(1), Time(3)).unwrap();
        assert!(span.contains(Time(1)) && span.contains(Time(2)) && !span.contains(Time(3)));
        assert_eq!(between(&directory, Time(3), Time(3)).unwrap_err().violations[0].field, "to_at");
    }

    #[test]
    fn an_unknown_period_is_refused_by_its_field() {
        assert_eq!(span(&directory(&[]), "yearly", Time(1)).unwrap_err().violations[0].field, "period");
        assert_eq!(span(&directory(&[]), "monthly", Time(0)).unwrap().label, "1970-01");
    }
}
