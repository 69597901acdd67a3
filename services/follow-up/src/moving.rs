//! Which call-backs of running cases would be otherwise under another version of their rule book.

use chassis::{Handle, moving};
use chassis_core::Refusal;
use follow_up_core::{Case, Change, FollowUp};
use proto::{Time, common::v1::MoveChange, follow_up::v1 as contract};

pub(crate) async fn preview(
    handle: &Handle<FollowUp>,
    asked: &contract::PreviewMoveRequest,
) -> Result<contract::PreviewMoveResponse, Refusal> {
    let now = handle.now();
    let cases = moving::each(handle, asked.target.as_ref(), &asked.cases, |case: &Case, target, facts| {
        let changes = follow_up_core::preview(case, &target.directory, target.version, facts, now)?;
        Ok(changes.into_iter().map(shown).collect())
    });
    Ok(contract::PreviewMoveResponse { cases: cases.await? })
}

fn shown(change: Change) -> MoveChange {
    MoveChange {
        kind: "call_back".to_owned(),
        subject: change.rule,
        instance: change.id.map(|id| id.to_string()).unwrap_or_default(),
        change: change.difference.code().to_owned(),
        old_at: change.old.unwrap_or(Time::UNSET).0,
        new_at: change.new.unwrap_or(Time::UNSET).0,
        ..Default::default()
    }
}
