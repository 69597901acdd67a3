//! Against a real Postgres: the schema fits what the core writes, and people see what they may.

use chassis_core::Aggregate;
use follow_up_core::Case;
use playbook::Facts;
use proto::{Id, Service, Time};
use stage::Store;

use super::{branches, due};

#[path = "../../core/tests/support/mod.rs"]
mod support;
use support::{House, MONDAY_10, holder, preferring};

/// A complaint at B1 with a call due, at the customer's hour after Monday 10:00, or now.
async fn due_case(store: &Store, entropy: u8, wish: Option<i64>, barred: &[&str]) -> Case {
    let mut house = House::new("complaint");
    house.ticket = Id::mint(MONDAY_10, house.ticket.bucket(), [entropy; 9]);
    house.open(wish.map_or_else(Facts::new, |hour| preferring(hour, hour + 1)), barred);
    house.step_done("feedback");
    let case: Case = house.rehearsal.get(house.ticket).unwrap();
    store.put(&case).await;
    case
}

#[tokio::test]
async fn the_store_answers_people() {
    let store = Store::new(Service::FollowUp, &crate::MIGRATIONS).await;
    store.assert_fits(Case::TABLE).await;
    let later = due_case(&store, 1, Some(5), &[]).await;
    let now = due_case(&store, 2, None, &["agent"]).await;
    store.put(&early()).await;
    let until = |hours: i64| MONDAY_10.plus(hours * Time::HOUR);
    let see = async |until, branches: Option<&[String]>, asker: &str, limit| {
        due(&store.pool, until, branches, asker, limit).await.unwrap()
    };
    assert_eq!(see(until(5), None, "other-agent", 10).await, [now.clone(), later.clone()], "earliest first");
    assert_eq!(see(until(5).plus(-1), None, "other-agent", 10).await, std::slice::from_ref(&now));
    assert_eq!(see(until(5), None, "agent", 10).await, [later], "barred from the other (DG-03)");
    assert_eq!(see(until(5), None, "", 1).await, [now]);
    assert_eq!(see(until(5), Some(&["B2".to_owned()]), "", 10).await, [], "another branch's");
}

/// Heard of before it was opened.
fn early() -> Case {
    let mut house = House::new("complaint");
    house.work_completed();
    house.rehearsal.get(house.ticket).unwrap()
}

#[test]
fn one_sees_what_lies_below_and_may_narrow_it() {
    let directory = support::shop();
    let (centre, shop) = (holder("a", "call-centre-agent", "G"), holder("b", "gm", "B1"));
    assert_eq!(branches(&centre, "", &directory), None);
    assert_eq!(branches(&centre, "B2", &directory).unwrap(), ["B2"]);
    assert_eq!(branches(&shop, "", &directory).unwrap(), ["B1"]);
    assert_eq!(branches(&shop, "B2", &directory).unwrap(), Vec::<String>::new());
}
