//! Which clocks of running cases would be otherwise under another version of their rule book.

use chassis::{Handle, moving};
use chassis_core::Refusal;
use proto::{Time, common::v1::MoveChange, sla_watchdog::v1 as contract};
use sla_watchdog_core::{Case, Change, Watchdog};

pub(crate) async fn preview(
    handle: &Handle<Watchdog>,
    asked: &contract::PreviewMoveRequest,
) -> Result<contract::PreviewMoveResponse, Refusal> {
    let now = handle.now();
    let cases = moving::each(handle, asked.target.as_ref(), &asked.cases, |case: &Case, target, facts| {
        let changes = sla_watchdog_core::preview(case, &target.directory, target.version, facts, now)?;
        Ok(changes.into_iter().map(shown).collect())
    });
    Ok(contract::PreviewMoveResponse { cases: cases.await? })
}

fn shown(change: Change) -> MoveChange {
    MoveChange {
        kind: "clock".to_owned(),
        subject: change.clock,
        instance: change.instance,
        change: change.difference.code().to_owned(),
        old_at: change.old.unwrap_or(Time::UNSET).0,
        new_at: change.new.unwrap_or(Time::UNSET).0,
        breaches: change.breaches,
        ..Default::default()
    }
}
