//! Waiting for what becomes true by itself.

use std::{fmt::Debug, time::Duration};

use tokio::time::{Instant, sleep, timeout};

/// Unoptimised builds on two busy cores are slow.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// An answer that does not come is asked for again.
const ANSWER: Duration = Duration::from_secs(10);

/// Asks until there is an answer.
pub async fn wait_for<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    wait_within(PATIENCE, what, ask).await
}

/// Asks for at most so long.
pub async fn wait_within<T>(patience: Duration, what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let until = Instant::now() + patience;
    loop {
        if let Ok(Some(answer)) = timeout(ANSWER, ask()).await {
            return answer;
        }
        assert!(Instant::now() < until, "waited {patience:?} in vain: {what}");
        sleep(POLL).await;
    }
}

/// Asks until the answer is as it should be; the last answer is shown when it never is.
pub async fn settled<T: Debug>(what: &str, ask: impl AsyncFn() -> T, good: impl Fn(&T) -> bool) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = ask().await;
        if good(&answer) {
            return answer;
        }
        assert!(Instant::now() < until, "waited {PATIENCE:?} in vain: {what}; at last: {answer:#?}");
        sleep(POLL).await;
    }
}
