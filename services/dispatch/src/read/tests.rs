//! Against a real Postgres: the schema fits what the core writes, and people see what they may.

use chassis_core::{Aggregate, Value};
use dispatch_core::Work;
use local_engines::{Postgres, PostgresOptions};
use proto::{Id, Service};
use serde_json::json;
use sqlx::PgPool;

use super::{Wanted, branches, open};

use crate::shop::{Shop, actor, ticket_id};

/// Starts a server of the test's own, with the schema in it.
async fn store() -> (Postgres, PgPool) {
    let dir = local_engines::scratch("dispatch").unwrap().join("store");
    let server = Postgres::start(PostgresOptions::new(dir)).await.unwrap();
    let options = chassis::schema::options(&server.url(), Service::Dispatch).unwrap();
    for _ in 0..2 {
        // The second start finds everything there.
        chassis::schema::prepare(&options, Service::Dispatch, &crate::MIGRATIONS).await.unwrap();
    }
    (server, chassis::schema::pool(options, 2))
}

/// Writes a row by the names of its columns: one that the table does not have is left out by
/// Postgres, and so is missed below.
async fn put(pool: &PgPool, work: &Work) {
    let mut row = json!({
        "id": work.id().to_string(),
        "shard": work.id().shard().number(),
        "body": format!("\\x{}", hex::encode(rmp_serde::to_vec_named(work).unwrap())),
    });
    for (column, value) in Work::TABLE.columns.iter().zip(work.columns()) {
        row[column.name] = match value {
            Value::Null => json!(null),
            Value::Text(text) => json!(text),
            Value::Int(number) => json!(number),
            Value::Bool(truth) => json!(truth),
            Value::Time(at) => json!(at.to_string()),
            Value::Words(words) => json!(words),
        };
    }
    let stored: serde_json::Value = {
        let text: String = sqlx::query_scalar(
            "with made as (insert into work select * from jsonb_populate_record(null::work, $1::jsonb) returning *) \
             select to_jsonb(made)::text from made",
        )
        .bind(row.to_string())
        .fetch_one(pool)
        .await
        .unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let names = |row: &serde_json::Value| row.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&stored), names(&row), "the table has the columns that the core writes, and no others");
    for column in ["holders", "approvers", "approval_roles", "barred", "open", "branch", "cycle"] {
        assert_eq!(stored[column], row[column], "{column}");
    }
}

fn order(number: u8, barred: &[&str], prepare: impl FnOnce(&mut Shop)) -> Work {
    let mut shop = Shop::new();
    shop.ticket = ticket_id(number);
    shop.open(barred);
    prepare(&mut shop);
    shop.work()
}

fn wanted() -> Wanted {
    Wanted {
        after: None,
        branches: None,
        holders: None,
        approvals_only: false,
        asker: String::new(),
        limit: 10,
    }
}

#[tokio::test]
async fn the_store_answers_people() {
    let (server, pool) = store().await;
    let handed_off = order(1, &[], |_| {});
    let in_approval = order(2, &[], |shop| {
        shop.acknowledge("CRM").unwrap();
        shop.propose(1);
    });
    let about_the_gm = order(3, &["GM"], |_| {});
    let over = order(4, &[], |shop| {
        shop.acknowledge("CRM").unwrap();
        shop.propose(1);
        shop.decide("GM", true).unwrap();
        shop.finish();
    });
    for work in [&handed_off, &in_approval, &about_the_gm, &over] {
        put(&pool, work).await;
    }
    let see = async |wanted: Wanted| -> Vec<Id> {
        let mut found: Vec<Id> = open(&pool, &wanted).await.unwrap().iter().map(|work| work.ticket).collect();
        assert!(found.is_sorted());
        found.dedup();
        found
    };
    let mut open_ones = vec![handed_off.ticket, in_approval.ticket, about_the_gm.ticket];
    open_ones.sort_unstable();
    assert_eq!(see(wanted()).await, open_ones, "what is sealed is not open");
    let after = Wanted { after: Some(open_ones[0]), limit: 1, ..wanted() };
    assert_eq!(see(after).await, [open_ones[1]], "a page at a time");
    let at = |branch: &str| Wanted { branches: Some(vec![branch.to_owned()]), ..wanted() };
    assert_eq!(see(at("B1")).await.len(), 3);
    assert!(see(at("B2")).await.is_empty(), "another branch's");
    let of = |person: &str| Wanted { holders: Some(vec![person.to_owned()]), ..wanted() };
    assert_eq!(see(of("GM")).await, [in_approval.ticket], "his turn to approve");
    assert!(see(of("SALES")).await.is_empty());
    let approvals = Wanted { approvals_only: true, ..of("GM") };
    assert_eq!(see(approvals).await, [in_approval.ticket]);
    let approvals = Wanted { approvals_only: true, ..of("CRM") };
    assert!(see(approvals).await.is_empty(), "his work, but not his to approve");
    let asked_by_the_gm = Wanted { asker: "GM".into(), ..wanted() };
    assert!(
        !see(asked_by_the_gm).await.contains(&about_the_gm.ticket),
        "the person complained about (DG-03)"
    );
    pool.close().await;
    server.stop().await.unwrap();
}

#[test]
fn one_sees_what_lies_below_and_may_narrow_it() {
    let directory = Shop::new().core.directory;
    assert_eq!(branches(&actor("AGENT"), "", &directory), None);
    assert_eq!(branches(&actor("AGENT"), "B2", &directory).unwrap(), ["B2"]);
    assert_eq!(branches(&actor("GM"), "", &directory).unwrap(), ["B1"]);
    assert_eq!(branches(&actor("GM"), "B2", &directory).unwrap(), Vec::<String>::new());
    assert_eq!(branches(&actor("AREA"), "", &directory).unwrap(), ["A", "B1", "B2"]);
}
