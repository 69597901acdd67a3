//! A Postgres of the test's own, and an invented ticket.

use std::collections::{BTreeMap, BTreeSet};

use intake_core::{
    Ticket, number,
    state::{FileCheck, Judged, PlaybookVersion, Progress, State},
};
use playbook::Facts;
use proto::{Bucket, Id, Service, Shard, Time};
use stage::Store;

pub async fn store() -> Store {
    Store::new(Service::Intake, &intake::MIGRATIONS).await
}

/// The `n`-th ticket of a day, a minute apart.
pub fn ticket(n: u8, branch: &str) -> Ticket {
    let opened_at = Time(1_772_416_800_000_000 + i64::from(n) * Time::MINUTE);
    let shard = Shard::new(0).expect("the first");
    Ticket {
        id: Id::mint(opened_at, Bucket::first_of(shard), [n; 9]),
        number: number::format(shard, n.into()),
        playbook: PlaybookVersion { id: "test".into(), version: 1 },
        case_type: "complaint".into(),
        branch: branch.into(),
        customer: None,
        asset: None,
        channel: "phone".into(),
        taken_by: "person:P0".into(),
        opened_at,
        file_check: FileCheck::Unknown,
        facts: Facts::new(),
        step_facts: Facts::new(),
        personal: BTreeMap::new(),
        judged: Judged { category: "repair".into(), severity: "general".into(), ..Judged::default() },
        floor: None,
        barred: BTreeSet::new(),
        cycle: 1,
        state: State::Open(Progress::new(opened_at)),
        past: Vec::new(),
        notes: Vec::new(),
        waits: BTreeMap::new(),
        links: Vec::new(),
        tokens: Vec::new(),
    }
}
