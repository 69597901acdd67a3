//! A connection that died without a word: nobody closes it, nobody answers.

use std::{net::SocketAddr, time::Duration};

use chassis::schema;
use local_engines::{Engines, Options};
use proto::Service;
use tests::faults::proxy::Line;
use tokio::time::{sleep, timeout};

/// Longer than a dead connection may go unnoticed.
const FOUND_OUT: Duration = Duration::from_secs(12);

#[tokio::test]
async fn a_dead_connection_gives_its_place_back() {
    let dir = local_engines::scratch("lines").expect("a folder");
    let engines = Engines::start(Options::for_tests(dir.join("engines"))).await.expect("engines");
    let url = engines.fresh_database(&format!("lines_{}", std::process::id())).await.expect("a database");
    let direct = schema::options(&url, Service::Intake).expect("an address");
    let at: SocketAddr = format!("{}:{}", direct.get_host(), direct.get_port()).parse().expect("an address");
    let line = Line::open("to Postgres", vec![at]).await.expect("a line");
    let over = direct.host("127.0.0.1").port(line.address().port());
    let pool = schema::pool(over, 1);
    let ask = async || sqlx::query_scalar::<_, i32>("select 7").fetch_one(&pool).await;
    assert_eq!(ask().await.expect("the line is clear"), 7);

    // In the middle of a query: whoever asked gives up, and the next one gets through.
    let slow = sqlx::query("select pg_sleep(0.5)").execute(&pool);
    let asking = async { timeout(Duration::from_secs(1), slow).await.is_err() };
    let dying = async {
        sleep(Duration::from_millis(200)).await;
        line.let_die();
    };
    assert!(tokio::join!(asking, dying).0, "a dead connection says nothing");
    let answer = timeout(FOUND_OUT, ask()).await.expect("its place comes free").expect("another connection");
    assert_eq!(answer, 7);

    // While it lay idle.
    sleep(Duration::from_millis(1_200)).await;
    line.let_die();
    let answer = timeout(FOUND_OUT, ask()).await.expect("it is found out").expect("another connection");
    assert_eq!(answer, 7);
    engines.stop().await.expect("engines stop");
}
