//! Sees to it that every branch has its almanac: whenever the directory has changed, the writer of each is asked to look
//! up the duties of its rule books. Asked twice it does no harm.

use std::time::Duration;

use chassis::Handle;
use chassis_core::{Actor, Ask, Refusal, store::RequestKey};
use intake_core::{Command, Intake, command::PlanDuties, keys};
use proto::{Id, Shard};

/// Between looks when nothing has changed: shards may have changed hands, or a try failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs until dropped.
pub(crate) async fn keep_up(handle: Handle<Intake>) {
    let mut done: Option<(u64, Vec<Shard>)> = None;
    handle.did_chores(0);
    loop {
        let owned: Vec<Shard> = Shard::all().filter(|shard| handle.owns(*shard)).collect();
        let seen = handle.directory().seq();
        let wanted = (seen, owned);
        if done.as_ref() != Some(&wanted) && !wanted.1.is_empty() {
            match bring_up(&handle, &wanted.1).await {
                Ok(()) => {
                    handle.did_chores(wanted.0);
                    done = Some(wanted);
                }
                Err(refusal) => tracing::warn!(%refusal, "planning duties stopped: trying again"),
            }
        }
        handle.directory_beyond(seen, PATIENCE).await;
    }
}

async fn bring_up(handle: &Handle<Intake>, owned: &[Shard]) -> Result<(), Refusal> {
    let directory = handle.directory();
    let with_duties = |id: &&str| directory.active_playbook(id).is_some_and(|book| !book.duties.is_empty());
    let playbooks: Vec<&str> = directory.playbook_ids().filter(with_duties).collect();
    for node in directory.nodes().filter(|node| node.level == "branch" && !node.closed) {
        for playbook in &playbooks {
            let almanac = keys::almanac(playbook, &node.code);
            if owned.contains(&almanac.shard()) {
                let plan = PlanDuties { playbook: (*playbook).to_owned(), branch: node.code.clone() };
                handle.submit(almanac.shard(), ask(handle, almanac), Command::PlanDuties(plan)).await?;
            }
        }
    }
    Ok(())
}

fn ask(handle: &Handle<Intake>, almanac: Id) -> Ask {
    let bytes = almanac.uuid().into_bytes();
    let entropy: [u8; 9] = bytes[7..].try_into().expect("an id has 16 bytes");
    Ask {
        request: RequestKey {
            caller: "service:duties".into(),
            id: Id::mint(handle.real_now(), almanac.bucket(), entropy),
        },
        content: bytes,
        actor: Actor::Service { name: "intake".into() },
        traceparent: String::new(),
    }
}
