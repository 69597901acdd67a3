//! The version that running cases would be moved to: an active one, or one whose files are at hand and that nobody has
//! activated. Every owner of a part of a case looks at it alike.

use std::sync::Arc;

use chassis_core::{Aggregate, Core, Refusal, Violation};
use organisation::Snapshot;
use playbook::{Facts, Lang};
use proto::common::v1::{MoveChange, MovePreview, MoveTarget, MovingCase};
use tonic::Status;

use crate::{
    Handle,
    recovery::ADMINISTRATORS,
    rpc::{Caller, parse_id, require_role_at_root},
};

/// Cases that one question may be about.
pub const MOST_CASES: usize = 500;

/// A directory that knows the version, and its number.
pub struct Target {
    pub directory: Snapshot,
    pub playbook: String,
    pub version: u32,
}

impl Target {
    /// # Errors
    /// Nobody has activated this version, the files have faults, or they are not newer than what is active.
    pub fn of(directory: &Arc<Snapshot>, wanted: Option<&MoveTarget>) -> Result<Target, Refusal> {
        let Some(wanted) = wanted else {
            return Err(Refusal::field("target", "缺少目标版本。", "The target is missing."));
        };
        let playbook = wanted.playbook.clone();
        if wanted.candidate.is_empty() {
            directory.playbook(&playbook, wanted.version).ok_or_else(|| unknown(wanted))?;
            return Ok(Target { directory: Snapshot::clone(directory), playbook, version: wanted.version });
        }
        let files: Vec<(&str, &str)> =
            wanted.candidate.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
        let (with, book) = directory.with_candidate(&files).map_err(|problems| {
            let faults = problems.iter().map(|problem| Violation {
                field: "target.candidate".into(),
                zh: problem.render(Lang::Zh),
                en: problem.render(Lang::En),
            });
            Refusal::invalid(faults.collect())
        })?;
        let newest = directory.active_playbook(&book.id).map_or(0, |active| active.version);
        if book.id != playbook || book.version <= newest {
            return Err(Refusal::field(
                "target.candidate",
                format!("须为规则手册 {playbook} 第 {newest} 版之后的版本。"),
                format!("A version of playbook `{playbook}` that is newer than {newest} is wanted."),
            ));
        }
        Ok(Target { directory: with, playbook, version: book.version })
    }
}

fn unknown(wanted: &MoveTarget) -> Refusal {
    let MoveTarget { playbook, version, .. } = wanted;
    Refusal::field(
        "target.version",
        format!("规则手册 {playbook} 没有第 {version} 版。"),
        format!("There is no version {version} of playbook `{playbook}`."),
    )
}

/// What concerns everybody's cases is for administrators of the group.
#[allow(clippy::result_large_err, reason = "tonic's status is what handlers return")]
pub fn administrator(caller: &Caller, directory: &Snapshot) -> Result<(), Status> {
    require_role_at_root(caller, &ADMINISTRATORS, directory)
}

/// # Errors
/// More cases than one question may be about.
fn few_enough(cases: &[MovingCase]) -> Result<(), Refusal> {
    if cases.len() <= MOST_CASES {
        return Ok(());
    }
    Err(Refusal::field(
        "cases",
        format!("一次最多 {MOST_CASES} 件。"),
        format!("At most {MOST_CASES} at once."),
    ))
}

/// What a service found for a case: changes, or why it cannot be moved.
pub fn preview(ticket: &str, found: Result<Vec<MoveChange>, Refusal>) -> MovePreview {
    let ticket_id = ticket.to_owned();
    match found {
        Ok(changes) => MovePreview { ticket_id, changes, ..Default::default() },
        Err(refusal) => MovePreview {
            ticket_id,
            gate: refusal.gate.to_string(),
            reason_zh: refusal.zh,
            reason_en: refusal.en,
            changes: Vec::new(),
        },
    }
}

/// Looks at each case as this service keeps it; one that it has not heard of yet has nothing to change here.
///
/// # Errors
/// The target does not fit, there are too many cases, or the store does not answer.
pub async fn each<C: Core, T: Aggregate>(
    handle: &Handle<C>,
    target: Option<&MoveTarget>,
    cases: &[MovingCase],
    look: impl Fn(&T, &Target, &Facts) -> Result<Vec<MoveChange>, Refusal>,
) -> Result<Vec<MovePreview>, Refusal> {
    few_enough(cases)?;
    let target = Target::of(&handle.directory(), target)?;
    let mut previews = Vec::with_capacity(cases.len());
    for moving in cases {
        let id = parse_id("cases.ticket_id", &moving.ticket_id)?;
        let case: Option<T> = handle.load(id).await?;
        let found = match &case {
            Some(case) => look(case, &target, &organisation::facts::from_proto(&moving.facts)),
            None => Ok(Vec::new()),
        };
        previews.push(preview(&moving.ticket_id, found));
    }
    Ok(previews)
}
