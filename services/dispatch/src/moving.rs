//! Which steps and approvals of running cases would be otherwise under another version of their rule book.

use chassis::{Handle, moving};
use chassis_core::Refusal;
use dispatch_core::{Change, Dispatch, Work};
use proto::{common::v1::MoveChange, dispatch::v1 as contract};

pub(crate) async fn preview(
    handle: &Handle<Dispatch>,
    asked: &contract::PreviewMoveRequest,
) -> Result<contract::PreviewMoveResponse, Refusal> {
    let cases = moving::each(handle, asked.target.as_ref(), &asked.cases, |work: &Work, target, facts| {
        let changes = dispatch_core::preview(work, &target.directory, target.version, facts)?;
        Ok(changes.into_iter().map(shown).collect())
    });
    Ok(contract::PreviewMoveResponse { cases: cases.await? })
}

fn shown(change: Change) -> MoveChange {
    let (kind, how) = change.kind.codes();
    MoveChange {
        kind: kind.to_owned(),
        subject: change.step,
        change: how.to_owned(),
        before: change.before,
        after: change.after,
        ..Default::default()
    }
}
