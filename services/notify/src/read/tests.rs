//! Against a real Postgres: the schema fits what the core writes, and people see what they may.

use chassis_core::{Actor, Aggregate, Grant};
use notify_core::{Case, Notice};
use playbook::Facts;
use proto::{Id, Service, Time};
use stage::Store;

use super::{branches, newest, of_ticket};

#[path = "../../core/tests/support/mod.rs"]
mod support;
use support::House;

fn ids(notices: &[Notice]) -> Vec<Id> {
    notices.iter().map(|n| n.id).collect()
}

fn at(node: &str) -> Actor {
    Actor::Person { code: "x".into(), grants: vec![Grant { role: "gm".into(), node: node.into() }] }
}

/// Two notices of one case at B1, in which `law1` takes no part; the newer one first.
async fn told(store: &Store) -> (House, Vec<Notice>) {
    let mut house = House::new();
    house.open("general", Facts::new(), &["law1"]);
    house.dispatch();
    let mut notices = house.queued();
    house.after(Time::MINUTE);
    house.dispatch();
    notices.extend(house.queued());
    notices.reverse();
    store.put(&house.rehearsal.get::<Case>(house.ticket).unwrap()).await;
    for notice in &notices {
        store.put(notice).await;
    }
    (house, notices)
}

#[tokio::test]
async fn the_store_answers_people() {
    let store = Store::new(Service::Notify, &crate::MIGRATIONS).await;
    store.assert_fits(Notice::TABLE).await;
    store.assert_fits(Case::TABLE).await;
    let (house, notices) = told(&store).await;
    let all = ids(&notices);
    let b1 = ["B1".to_owned()];
    let b2 = ["B2".to_owned()];
    let see = async |branches: Option<&[String]>, asker: &str, limit| {
        ids(&newest(&store.pool, branches, asker, limit).await.unwrap())
    };
    assert_eq!(see(None, "cr", 10).await, all, "newest first");
    assert_eq!(see(None, "", 1).await, all[..1]);
    assert_eq!(see(Some(&b1), "cr", 10).await, all);
    assert_eq!(see(Some(&b2), "cr", 10).await, Vec::<Id>::new(), "another branch's");
    assert_eq!(see(Some(&[]), "cr", 10).await, Vec::<Id>::new());
    assert_eq!(see(None, "law1", 10).await, Vec::<Id>::new(), "barred (DG-03)");
    let about = of_ticket(&store.pool, house.ticket, 10).await.unwrap();
    assert_eq!(about, notices, "bodies come back as they went");
    assert_eq!(of_ticket(&store.pool, notices[0].id, 10).await.unwrap(), Vec::<Notice>::new());
}

#[test]
fn a_role_at_the_root_sees_every_branch() {
    let directory = support::group();
    assert_eq!(branches(&at("G"), &directory), None);
    assert_eq!(branches(&at("D"), &directory).unwrap(), ["B1", "B2", "D"]);
    assert_eq!(branches(&at("B2"), &directory).unwrap(), ["B2"]);
    assert_eq!(branches(&at("*"), &directory).unwrap(), Vec::<String>::new());
}
