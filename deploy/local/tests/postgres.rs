//! The Postgres server: starts, restarts, losses, databases.

mod place;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use local_engines::{Error, Postgres, PostgresOptions, Tuning};

async fn started(options: PostgresOptions) -> Postgres {
    Postgres::start(options).await.unwrap()
}

async fn count(postgres: &Postgres) -> String {
    postgres.sql("hotline", "SELECT count(*) FROM kept").await.unwrap()
}

const FILL: &str = "CREATE TABLE kept (id int);\nINSERT INTO kept SELECT generate_series(1, 1000)";

#[tokio::test]
async fn what_is_committed_is_there_at_the_second_start_and_gone_at_a_fresh_one() {
    let place = place::new();
    let options = PostgresOptions::new(place.path());
    let first = started(options.clone()).await;
    first.sql("hotline", FILL).await.unwrap();
    first.stop().await.unwrap();

    let second = started(options.clone()).await;
    assert_eq!(count(&second).await, "1000");
    second.stop().await.unwrap();

    let fresh = started(PostgresOptions { fresh: true, ..options }).await;
    let gone = fresh.sql("hotline", "SELECT count(*) FROM kept").await.unwrap_err();
    assert!(gone.to_string().contains("does not exist"), "{gone}");
}

#[tokio::test]
async fn a_kill_takes_every_backend_and_loses_nothing_committed() {
    let place = place::new();
    let postgres = started(PostgresOptions::new(place.path())).await;
    postgres.sql("hotline", FILL).await.unwrap();
    let url = postgres.url();
    // A backend in the middle of something, which would hold on to the shared memory if it survived.
    let busy = {
        let sleeping = postgres.sql("hotline", "SELECT pg_sleep(60)");
        tokio::pin!(sleeping);
        let shown = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'";
        loop {
            tokio::select! {
                ended = &mut sleeping => break ended,
                seen = postgres.sql("hotline", shown) => {
                    if seen.unwrap_or_default() == "1" {
                        postgres.kill().await.unwrap();
                    }
                }
            }
        }
    };
    assert!(matches!(busy, Err(Error::Sql { .. })), "{busy:?}");
    assert!(TcpStream::connect(("127.0.0.1", postgres.port())).is_err());

    postgres.restart().await.unwrap();
    assert_eq!(postgres.url(), url, "clients find it again");
    assert_eq!(count(&postgres).await, "1000");
}

#[tokio::test]
async fn a_taken_port_is_refused_and_so_is_a_directory_in_use() {
    let place = place::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let refused = Postgres::start(PostgresOptions { port: Some(port), ..PostgresOptions::new(place.path()) });
    assert!(matches!(refused.await, Err(Error::PortTaken { port: named, .. }) if named == port));

    let _first = started(PostgresOptions::new(place.path())).await;
    let second = Postgres::start(PostgresOptions::new(place.path())).await;
    assert!(matches!(second, Err(Error::InUse { .. })));
}

#[tokio::test]
async fn databases_are_made_replaced_and_copied() {
    let place = place::new();
    let postgres = started(PostgresOptions::new(place.path())).await;
    let url = postgres.fresh_database("template_a").await.unwrap();
    assert!(url.ends_with("/template_a"), "{url}");
    postgres.sql("template_a", "CREATE TABLE migrated (id int)").await.unwrap();

    postgres.copied_database("copy", "template_a").await.unwrap();
    assert_eq!(postgres.sql("copy", "SELECT count(*) FROM migrated").await.unwrap(), "0");
    postgres.fresh_database("copy").await.unwrap();
    assert!(postgres.sql("copy", "SELECT count(*) FROM migrated").await.is_err());
    assert!(matches!(postgres.fresh_database("No").await, Err(Error::BadName { .. })));
}

#[tokio::test]
async fn a_directory_hidden_from_the_servers_user_is_no_obstacle() {
    let place = place::new();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let options = PostgresOptions::new(place.path().join("deep"));
    let first = started(options.clone()).await;
    first.sql("hotline", FILL).await.unwrap();
    first.stop().await.unwrap();
    let second = started(options).await;
    assert_eq!(count(&second).await, "1000", "the refuge is found again");
    let data = second.sql("hotline", "SHOW data_directory").await.unwrap();
    second.stop().await.unwrap();
    fs::remove_dir_all(std::path::Path::new(&data).parent().unwrap()).unwrap();
}

#[tokio::test]
async fn durability_is_on_and_the_tuning_is_as_stated() {
    let place = place::new();
    let options = PostgresOptions { tuning: Tuning::Bench, ..PostgresOptions::new(place.path()) };
    let postgres = started(options).await;
    let shown = "SELECT string_agg(current_setting(name), ',' ORDER BY name) FROM pg_settings WHERE name IN \
                 ('fsync', 'full_page_writes', 'max_wal_size', 'shared_buffers', 'synchronous_commit')";
    let settings = postgres.sql("hotline", shown).await.unwrap();
    assert_eq!(settings, "on,on,8GB,2GB,on");
}

#[tokio::test]
async fn a_saved_copy_comes_back_as_it_was() {
    let place = place::new();
    let postgres = started(PostgresOptions::new(place.path())).await;
    postgres.sql("hotline", FILL).await.unwrap();
    postgres.save().await.unwrap();
    postgres.sql("hotline", "INSERT INTO kept VALUES (1001)").await.unwrap();
    assert_eq!(count(&postgres).await, "1001");
    postgres.put_back().await.unwrap();
    postgres.restart().await.unwrap();
    assert_eq!(count(&postgres).await, "1000", "what came after the copy is gone");
}

#[tokio::test]
async fn a_standby_takes_over_with_everything_that_was_committed() {
    let (place, beside) = (place::new(), place::new());
    let postgres = started(PostgresOptions::new(place.path())).await;
    postgres.sql("hotline", FILL).await.unwrap();
    let standby = postgres.standby(beside.path()).await.unwrap();
    postgres.sql("hotline", "INSERT INTO kept VALUES (1001)").await.unwrap();
    let refused = standby.sql("hotline", "INSERT INTO kept VALUES (1002)").await.unwrap_err();
    assert!(refused.to_string().contains("read-only"), "{refused}");
    postgres.kill().await.unwrap();
    standby.promote().await.unwrap();
    standby.sql("hotline", "INSERT INTO kept VALUES (1002)").await.unwrap();
    assert_eq!(count(&standby).await, "1002");
}
