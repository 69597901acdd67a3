//! A calendar has a new version: the clocks that run under the old one are computed anew, in chunks, each as a
//! command to the writer of its home. What was judged keeps the version that it was judged under.
//!
//! Which cases those are is asked of the store, not remembered: after a crash in the middle the rest is found again.

use std::{collections::BTreeSet, time::Duration};

use chassis::Handle;
use chassis_core::{Actor, Ask, Refusal, store::RequestKey};
use proto::{Id, Shard};
use sla_watchdog_core::{Command, Watchdog, calendars_in_force};
use uuid::Uuid;

use crate::read;

/// Cases asked for at once.
const CHUNK: u32 = 200;
/// Between looks at the directory, and after a failure.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs until dropped.
pub(crate) async fn keep_up(handle: Handle<Watchdog>) {
    let mut done: Option<(BTreeSet<String>, Vec<Shard>)> = None;
    loop {
        let wanted = (calendars_in_force(&handle.directory()), owned(&handle));
        if done.as_ref() != Some(&wanted) && !wanted.1.is_empty() {
            match bring_up(&handle, &wanted.0, &wanted.1).await {
                Ok(moved) => {
                    if moved > 0 {
                        tracing::info!(
                            cases = moved,
                            "clocks were computed anew under the calendars in force"
                        );
                    }
                    done = Some(wanted);
                }
                Err(refusal) => tracing::warn!(%refusal, "computing clocks anew stopped: trying again"),
            }
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

fn owned(handle: &Handle<Watchdog>) -> Vec<Shard> {
    Shard::all().filter(|shard| handle.owns(*shard)).collect()
}

async fn bring_up(
    handle: &Handle<Watchdog>,
    in_force: &BTreeSet<String>,
    shards: &[Shard],
) -> Result<u64, Refusal> {
    let versions: Vec<String> = in_force.iter().cloned().collect();
    let (mut after, mut moved) = (Uuid::nil(), 0);
    loop {
        let chunk = read::outdated(handle.reads(), &versions, shards, after, CHUNK).await?;
        let Some(last) = chunk.last() else { return Ok(moved) };
        after = last.uuid();
        for ticket in chunk {
            handle.submit(ticket.shard(), ask(handle, ticket), Command::Reproject { ticket }).await?;
            moved += 1;
        }
    }
}

/// Asked twice it does no harm, so an id of the moment will do.
fn ask(handle: &Handle<Watchdog>, ticket: Id) -> Ask {
    let bytes = ticket.uuid().into_bytes();
    let entropy: [u8; 9] = bytes[7..].try_into().expect("an id has 16 bytes");
    Ask {
        request: RequestKey {
            caller: "service:reproject".into(),
            id: Id::mint(handle.real_now(), ticket.bucket(), entropy),
        },
        content: bytes,
        actor: Actor::Service { name: "sla-watchdog".into() },
        traceparent: String::new(),
    }
}
