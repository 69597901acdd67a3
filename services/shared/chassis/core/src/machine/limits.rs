//! What bounds a batch and a queue.

use std::time::Duration;

use proto::Time;

/// How much one batch takes, and how much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub timers: usize,
    pub commands: usize,
    pub events: usize,
    /// Commands beyond this many are refused with a retry delay.
    pub waiting_commands: usize,
    /// Neither is one accepted while the first of a crowd has waited longer than this.
    pub patience: Duration,
    /// Events beyond this many are not pulled.
    pub waiting_events: usize,
    /// Rows kept in memory between batches.
    pub cached_rows: usize,
    /// A round trip at least this often.
    pub beat: Duration,
    /// Business time until the directory has said anything; `None`: as on the wall.
    pub founded_at: Option<Time>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            timers: 128,
            commands: 256,
            events: 256,
            waiting_commands: 4_096,
            patience: Duration::from_millis(50),
            waiting_events: 8_192,
            cached_rows: 60_000,
            beat: Duration::from_secs(3),
            founded_at: None,
        }
    }
}
