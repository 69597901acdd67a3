//! Sees to it that every branch has its almanac: whenever the directory has changed, the writer of each is asked to look
//! up the duties of its rule books. Asked twice it does no harm; but with a thousand branches and a dozen rule books a
//! person's new telephone must not ask twelve thousand times, so only those are asked whose plan rests on something that
//! changed.

use std::{collections::HashMap, time::Duration};

use calendar::CalendarVersion;
use chassis::Handle;
use chassis_core::{Actor, Ask, Refusal, store::RequestKey};
use intake_core::{Command, Intake, command::PlanDuties, keys};
use organisation::Snapshot;
use proto::{Id, Shard};

/// Between looks when nothing has changed: shards may have changed hands, or a try failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the plan of one branch for one rule book rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Basis {
    version: u32,
    zone: Option<String>,
    calendar: Option<CalendarVersion>,
}

/// Runs until dropped.
pub(crate) async fn keep_up(handle: Handle<Intake>) {
    let mut planned = HashMap::new();
    let mut looked: Option<(u64, Vec<Shard>)> = None;
    handle.did_chores(0);
    loop {
        let owned: Vec<Shard> = Shard::all().filter(|shard| handle.owns(*shard)).collect();
        let seen = handle.directory().seq();
        let now = (seen, owned);
        if looked.as_ref() != Some(&now) {
            match bring_up(&handle, &now.1, &mut planned).await {
                Ok(()) => {
                    if !now.1.is_empty() {
                        handle.did_chores(seen);
                    }
                    looked = Some(now);
                }
                Err(refusal) => tracing::warn!(%refusal, "planning duties stopped: trying again"),
            }
        }
        handle.directory_beyond(seen, PATIENCE).await;
    }
}

async fn bring_up(
    handle: &Handle<Intake>,
    owned: &[Shard],
    planned: &mut HashMap<Id, Basis>,
) -> Result<(), Refusal> {
    let wanted = wanted(&handle.directory(), |shard| owned.contains(&shard));
    // What is owned no more, closed down, or without duties is planned anew when it comes back.
    planned.retain(|almanac, _| wanted.contains_key(almanac));
    for (almanac, (plan, basis)) in wanted {
        if planned.get(&almanac) == Some(&basis) {
            continue;
        }
        handle.submit(almanac.shard(), ask(handle, almanac), Command::PlanDuties(plan)).await?;
        planned.insert(almanac, basis);
    }
    Ok(())
}

/// Every almanac that there has to be, with what its plan rests on.
fn wanted(directory: &Snapshot, owns: impl Fn(Shard) -> bool) -> HashMap<Id, (PlanDuties, Basis)> {
    let books = directory.playbook_ids().filter_map(|id| directory.active_playbook(id));
    let books: Vec<_> = books.filter(|book| !book.duties.is_empty()).collect();
    let mut wanted = HashMap::new();
    for node in directory.nodes().filter(|node| node.level == "branch" && !node.closed) {
        for book in &books {
            let almanac = keys::almanac(&book.id, &node.code);
            if owns(almanac.shard()) {
                let basis = Basis {
                    version: book.version,
                    zone: directory.zone_of(&node.code).map(str::to_owned),
                    calendar: directory.calendar_of(&node.code).map(|calendar| calendar.version().clone()),
                };
                let plan = PlanDuties { playbook: book.id.clone(), branch: node.code.clone() };
                wanted.insert(almanac, (plan, basis));
            }
        }
    }
    wanted
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

#[cfg(test)]
mod tests {
    use proto::{AnyEvent, directory::v1 as said};

    use super::*;

    const SHOP: &str = include_str!("../../../deploy/playbooks/bicycle-shop/playbook.yaml");
    const DUTY: &str = "duties:\n  count_tools:\n    name: { zh: 清点工具, en: count the tools }\n    role: mechanic\n    \
                        recurs: FREQ=WEEKLY;BYDAY=WE\n    due: end of shift\n    proof: list\n    tell_late: owner\n\
                        figures:\n";
    const HOURS: &str = "id: hours\nversion: 1\nzone: Asia/Shanghai\nweek:\n  daily: [\"09:00-18:00\"]\n";

    fn apply(snapshot: &mut Snapshot, event: impl Into<AnyEvent>) {
        snapshot.apply(snapshot.seq() + 1, &event.into()).unwrap();
    }

    fn node(code: &str, parent: &str, level: &str, calendar: &str) -> said::Node {
        said::Node {
            code: code.into(),
            parent: parent.into(),
            level: level.into(),
            calendar: calendar.into(),
            zone: "Asia/Shanghai".into(),
            ..Default::default()
        }
    }

    fn group() -> Snapshot {
        let mut snapshot = Snapshot::default();
        let calendar = said::CalendarActivated { id: "hours".into(), version: 1, source: HOURS.into() };
        apply(&mut snapshot, calendar);
        let nodes = vec![
            node("G", "", "group", "hours"),
            node("B1", "G", "branch", ""),
            node("B2", "G", "branch", ""),
        ];
        apply(&mut snapshot, said::DirectoryChanged { nodes, ..Default::default() });
        let text = SHOP.replace("figures:\n", DUTY);
        let file = said::DocumentFile { path: "playbook.yaml".into(), text };
        let book = said::PlaybookActivated { id: "bicycle-shop".into(), version: 1, files: vec![file] };
        apply(&mut snapshot, book);
        snapshot
    }

    fn changed(before: &Snapshot, after: &Snapshot) -> Vec<String> {
        let (before, after) = (wanted(before, |_| true), wanted(after, |_| true));
        let differs =
            |id: &&Id| before.get(*id).map(|(_, basis)| basis) != after.get(*id).map(|(_, basis)| basis);
        let mut branches: Vec<String> =
            after.keys().filter(differs).map(|id| after[id].0.branch.clone()).collect();
        branches.sort();
        branches
    }

    #[test]
    fn only_what_a_plan_rests_on_plans_it_anew() {
        let before = group();
        assert_eq!(changed(&Snapshot::default(), &before), ["B1", "B2"]);
        let mut person = before.clone();
        let persons = vec![said::Person { code: "P".into(), ..Default::default() }];
        apply(&mut person, said::DirectoryChanged { persons, ..Default::default() });
        assert!(changed(&before, &person).is_empty(), "nobody's duties change with a person");
        let mut moved = before.clone();
        let nodes = vec![said::Node { zone: "Asia/Urumqi".into(), ..node("B2", "G", "branch", "") }];
        apply(&mut moved, said::DirectoryChanged { nodes, ..Default::default() });
        assert_eq!(changed(&before, &moved), ["B2"]);
        let mut longer = before.clone();
        let source = HOURS.replace("version: 1", "version: 2").replace("18:00", "20:00");
        apply(&mut longer, said::CalendarActivated { id: "hours".into(), version: 2, source });
        assert_eq!(changed(&before, &longer), ["B1", "B2"]);
    }

    #[test]
    fn a_closed_branch_has_no_almanac_to_be_kept_and_others_home_is_theirs() {
        let mut closed = group();
        let nodes = vec![said::Node { closed: true, ..node("B1", "G", "branch", "") }];
        apply(&mut closed, said::DirectoryChanged { nodes, ..Default::default() });
        assert_eq!(wanted(&closed, |_| true).len(), 1);
        assert!(wanted(&closed, |_| false).is_empty());
    }
}
