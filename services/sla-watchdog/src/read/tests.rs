//! Against a real Postgres: the schema fits what the core writes, and people see what they may.

use chassis_core::{Actor, Aggregate, Grant};
use proto::{Bucket, Id, Service, Shard, Time};
use sla_watchdog_core::{Case, calendars_in_force, may_see};
use stage::Store;
use uuid::Uuid;

use super::{Wanted, branches, due, outdated};
use crate::shown;

#[path = "../../core/tests/watchdog/desk.rs"]
#[allow(dead_code, reason = "the core's tests use all of it")]
mod desk;
use desk::{Desk, at, group};

const CLOCKS: &str = "
  solve:
    name: { zh: 解决, en: solve }
    start: [ticket.opened]
    stop: [work.completed]
    limit: 4 working hours
    ladder:
      - { after: 0, tell: head }
    rules: [DC-05]
  outer:
    name: { zh: 全程, en: whole }
    start: [ticket.opened]
    stop: [work.completed]
    limit: 24h
    calendar: wall
    ladder:
      - { after: 0, tell: gm }
";

/// A case opened at nine on the first day plus so many hours, at a branch.
fn opened(number: u8, branch: &'static str, hours: i64) -> Desk {
    let mut desk = Desk::with(CLOCKS);
    desk.ticket = Id::mint(at(1, 0, 0), Bucket::of_hash(number.into()), [number; 9]);
    desk.branch = branch;
    let mut opened = desk.opened("general");
    opened.barred = if number == 1 { vec!["head1".into()] } else { Vec::new() };
    desk.until(at(1, 9, 0).plus(hours * Time::HOUR)).hear(opened);
    desk
}

fn person(code: &str, node: &str) -> Actor {
    Actor::Person { code: code.into(), grants: vec![Grant { role: "gm".into(), node: node.into() }] }
}

fn ids(cases: &[Case]) -> Vec<Id> {
    cases.iter().map(Aggregate::id).collect()
}

#[tokio::test]
async fn the_store_answers_people_and_the_bulk_work() {
    let store = Store::new(Service::SlaWatchdog, &crate::MIGRATIONS).await;
    store.assert_fits(Case::TABLE).await;
    let desks = [opened(1, "B1", 0), opened(2, "B2", 2), opened(3, "B1", 1)];
    let met = opened(4, "B1", 0);
    met.hear(met.completed());
    for desk in desks.iter().chain([&met]) {
        store.put(&desk.case()).await;
    }
    let [first, last, second] = desks.each_ref().map(|desk| desk.ticket);
    let see = async |branches: Option<&[String]>, asker: &str, until, limit| {
        ids(&due(&store.pool, &Wanted { branches, asker, until, limit }).await.unwrap())
    };
    assert_eq!(
        see(None, "gm1", None, 10).await,
        [first, second, last],
        "soonest first; what is met is not due"
    );
    assert_eq!(see(None, "", None, 2).await, [first, second]);
    assert_eq!(see(Some(&["B2".into()]), "gm1", None, 10).await, [last]);
    assert!(see(Some(&[]), "gm1", None, 10).await.is_empty());
    assert_eq!(see(None, "gm1", Some(at(1, 14, 0)), 10).await, [first]);
    assert_eq!(see(None, "head1", None, 10).await, [second, last], "barred from the first (DG-03)");

    let in_force: Vec<String> = calendars_in_force(&group(CLOCKS)).into_iter().collect();
    let shards: Vec<Shard> = Shard::all().collect();
    let old =
        async |versions: &[String], after| outdated(&store.pool, versions, &shards, after, 2).await.unwrap();
    assert!(old(&in_force, Uuid::nil()).await.is_empty());
    let newer = ["shop@2".to_owned(), "always-open@1".to_owned()];
    let chunk = old(&newer, Uuid::nil()).await;
    assert_eq!(chunk.len(), 2);
    assert_eq!(old(&newer, chunk[1].uuid()).await.len(), 1, "the rest; what is met is not computed anew");
    assert!(outdated(&store.pool, &newer, &[], Uuid::nil(), 9).await.unwrap().is_empty());
}

#[test]
fn clocks_are_shown_with_their_names_rules_and_history() {
    let desk = opened(2, "B1", 0);
    desk.until(at(1, 15, 0));
    let (case, directory) = (desk.case(), group(CLOCKS));
    let shown = shown::due(&[case], None, 10, &directory);
    let solve = &shown[0];
    assert_eq!((solve.name_zh.as_str(), solve.name_en.as_str()), ("解决", "solve"));
    assert_eq!((solve.state.as_str(), solve.due_at, solve.ended_at), ("breached", at(1, 14, 0).0, 0));
    assert_eq!((solve.limit.as_str(), solve.calendar.as_str()), ("4 working hours", "shop@1"));
    assert_eq!(solve.rules, ["DC-05"]);
    assert_eq!(solve.rungs[0].told, ["head1"]);
    assert_eq!((shown[1].clock.as_str(), shown[1].state.as_str(), shown[1].cycle), ("outer", "running", 1));
}

#[test]
fn a_list_ends_with_its_last_moment_and_its_limit() {
    let (one, two) = (opened(2, "B1", 0), opened(3, "B1", 1));
    let (cases, directory) = ([one.case(), two.case()], group(CLOCKS));
    let names = |until, limit| -> Vec<String> {
        shown::due(&cases, until, limit, &directory).into_iter().map(|clock| clock.clock).collect()
    };
    assert_eq!(names(None, 10), ["solve", "solve", "outer", "outer"]);
    assert_eq!(names(Some(at(1, 15, 0)), 10), ["solve", "solve"]);
    assert_eq!(names(Some(at(1, 14, 59)), 10), ["solve"]);
    assert_eq!(names(None, 3), ["solve", "solve", "outer"]);
}

#[test]
fn people_see_their_own_branches_and_nobody_barred_sees_the_case() {
    let directory = group(CLOCKS);
    assert_eq!(branches(&person("x", "G"), &directory), None);
    assert_eq!(branches(&person("x", "A"), &directory).unwrap(), ["A", "B1", "B2"]);
    assert_eq!(branches(&person("x", "B2"), &directory).unwrap(), ["B2"]);
    assert_eq!(branches(&person("x", "elsewhere"), &directory).unwrap(), Vec::<String>::new());
    let case = opened(1, "B1", 0).case();
    assert!(may_see(&case, &person("gm1", "B1"), &directory));
    assert!(may_see(&case, &person("x", "G"), &directory));
    assert!(!may_see(&case, &person("head2", "B2"), &directory));
    assert!(!may_see(&case, &person("head1", "B1"), &directory));
    assert!(!may_see(&case, &Actor::Service { name: "x".into() }, &directory));
}
