//! The register's tables and queries against a real Postgres.

mod world;

use chassis_core::{Actor, Core, Grant};
use intake::read::{self, Sight};
use intake_core::Intake;
use organisation::Snapshot;
use proto::{AnyEvent, directory::v1 as directory};
use sqlx::Executor;
use stage::Store;
use world::{store, ticket};

fn organisation() -> Snapshot {
    let node = |code: &str, parent: &str, level: &str| directory::Node {
        code: code.into(),
        parent: parent.into(),
        level: level.into(),
        ..Default::default()
    };
    let changed = directory::DirectoryChanged {
        nodes: vec![
            node("G", "", "group"),
            node("A", "G", "area"),
            node("B1", "A", "branch"),
            node("B2", "A", "branch"),
        ],
        ..Default::default()
    };
    let mut snapshot = Snapshot::default();
    snapshot.apply(1, &AnyEvent::DirectoryChanged(changed)).expect("the first entry");
    snapshot
}

fn sight(code: &str, node: &str) -> Sight {
    let grants = vec![Grant { role: "cr-manager".into(), node: node.into() }];
    Sight::of(&Actor::Person { code: code.into(), grants }, &organisation())
}

async fn found(store: &Store, token: &str, sight: &Sight) -> Vec<String> {
    let tokens = [(token.to_owned(), "phone")];
    let found = read::by_tokens(&store.pool, &tokens, sight, 10).await.expect("a search");
    found.into_iter().map(|ticket| ticket.number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_what_the_core_writes_and_every_statement_prepares() {
    let store = store().await;
    for table in Intake::TABLES {
        store.assert_fits(table).await;
    }
    for statement in read::STATEMENTS {
        let prepared = store.pool.prepare(sqlx::SqlStr::from_static(statement)).await;
        assert!(prepared.is_ok(), "{statement}: {prepared:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_found_by_those_who_may_see_them() {
    let store = store().await;
    let mut older = ticket(1, "B1");
    older.tokens = vec!["t-phone".into(), "t-plate".into()];
    let mut newer = ticket(2, "B2");
    newer.tokens = vec!["t-phone".into()];
    newer.barred.insert("P2".into());
    store.put(&older).await;
    store.put(&newer).await;
    let (all, b1) = (sight("P1", "G"), sight("P1", "B1"));
    assert_eq!(
        found(&store, "t-phone", &all).await,
        [newer.number.clone(), older.number.clone()],
        "newest first"
    );
    assert_eq!(found(&store, "t-plate", &all).await, [older.number.clone()]);
    assert_eq!(found(&store, "t-phone", &b1).await, [older.number.clone()], "its own branch only");
    assert_eq!(found(&store, "t-phone", &sight("P1", "A")).await.len(), 2, "an area sees its branches");
    assert_eq!(
        found(&store, "t-phone", &sight("P2", "G")).await,
        [older.number.clone()],
        "never what concerns oneself"
    );
    assert!(found(&store, "nothing", &all).await.is_empty());
    let system = Actor::System {
        code: "import".into(),
        grants: vec![Grant { role: "system".into(), node: "G".into() }],
    };
    assert_eq!(found(&store, "t-phone", &Sight::of(&system, &organisation())).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_and_a_customer_lead_to_their_tickets() {
    let store = store().await;
    let (mut mine, mut about_me) = (ticket(1, "B1"), ticket(2, "B1"));
    let customer = mine.id;
    mine.customer = Some(customer);
    about_me.customer = Some(customer);
    about_me.barred.insert("P1".into());
    store.put(&mine).await;
    store.put(&about_me).await;
    let sight = sight("P1", "B1");
    assert_eq!(read::by_number(&store.pool, &mine.number).await, Ok(Some(mine.id)));
    assert_eq!(read::by_number(&store.pool, "00-00009-9").await, Ok(None));
    let numbered = read::numbered(&store.pool, &mine.number, &sight).await.expect("a look-up");
    assert_eq!((numbered[0].found_by.as_str(), numbered[0].opened_at), ("number", mine.opened_at.0));
    assert!(read::numbered(&store.pool, &about_me.number, &sight).await.expect("a look-up").is_empty());
    assert_eq!(read::of_customer(&store.pool, customer, &sight).await, Ok(vec![mine.id.to_string()]));
}
