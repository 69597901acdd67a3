//! Clocks as people are shown them.

use organisation::Snapshot;
use proto::{Time, sla_watchdog::v1 as contract};
use sla_watchdog_core::{Case, Ledger};

/// One run of a clock, with what the playbook calls it and which rules it carries.
pub(crate) fn clock(case: &Case, cycle: u32, ledger: &Ledger, directory: &Snapshot) -> contract::Clock {
    let playbook = directory.playbook(&case.playbook, case.version);
    let named = playbook.and_then(|playbook| playbook.clock(&ledger.clock));
    contract::Clock {
        clock: ledger.clock.clone(),
        instance: ledger.instance.clone(),
        cycle,
        state: ledger.state().name().to_owned(),
        started_at: ledger.started_at.0,
        due_at: ledger.shown_due().unwrap_or(Time::UNSET).0,
        ended_at: ledger.ended.map_or(Time::UNSET, |ended| ended.at).0,
        limit: ledger.limit.clone(),
        calendar: ledger.calendar.clone(),
        rules: named.map(|clock| clock.rules.clone()).unwrap_or_default(),
        suspensions: suspensions(ledger),
        rungs: rungs(ledger),
        corrections: corrections(ledger),
        name_zh: named.map_or_else(|| ledger.clock.clone(), |clock| clock.name.zh.clone()),
        name_en: named.map_or_else(|| ledger.clock.clone(), |clock| clock.name.en.clone()),
        ticket_id: case.id.to_string(),
        branch: case.branch.clone(),
        extensions: extensions(ledger),
    }
}

/// What is due in these cases, soonest first.
pub(crate) fn due(
    cases: &[Case],
    until: Option<Time>,
    limit: u32,
    directory: &Snapshot,
) -> Vec<contract::Clock> {
    let mut clocks = Vec::new();
    for case in cases {
        let open = case.clocks.iter().filter(|ledger| ledger.is_live());
        let soon = open
            .filter(|ledger| ledger.shown_due().is_some_and(|due| until.is_none_or(|until| due <= until)));
        clocks.extend(soon.map(|ledger| clock(case, case.cycle, ledger, directory)));
    }
    clocks.sort_by(|a, b| (a.due_at, &a.ticket_id, &a.clock).cmp(&(b.due_at, &b.ticket_id, &b.clock)));
    clocks.truncate(limit as usize);
    clocks
}

fn suspensions(ledger: &Ledger) -> Vec<contract::Suspension> {
    let of = |span: &sla_watchdog_core::Span| contract::Suspension {
        wait: span.wait.clone(),
        from_at: span.from.0,
        to_at: span.to.unwrap_or(Time::UNSET).0,
    };
    ledger.suspensions.iter().map(of).collect()
}

fn rungs(ledger: &Ledger) -> Vec<contract::Rung> {
    let of = |rung: &sla_watchdog_core::RungFired| contract::Rung {
        rung: rung.rung,
        fired_at: rung.fired_at.0,
        role: rung.role.clone(),
        told: rung.told.clone(),
        late: rung.late,
    };
    ledger.rungs.iter().map(of).collect()
}

fn extensions(ledger: &Ledger) -> Vec<contract::Extension> {
    let state = |asked: &sla_watchdog_core::Extended| match &asked.decision {
        None => "asked",
        Some(decision) if decision.granted => "granted",
        Some(_) => "refused",
    };
    let of = |asked: &sla_watchdog_core::Extended| contract::Extension {
        number: asked.number,
        asked_at: asked.asked_at.0,
        asked_by: asked.asked_by.clone(),
        longer: asked.longer.clone(),
        reason: asked.reason.clone(),
        old_due_at: asked.due.unwrap_or(Time::UNSET).0,
        state: state(asked).to_owned(),
        decided_at: asked.decision.as_ref().map_or(Time::UNSET, |decision| decision.at).0,
        decided_by: asked.decision.as_ref().map(|decision| decision.by.clone()).unwrap_or_default(),
    };
    ledger.extensions.iter().map(of).collect()
}

fn corrections(ledger: &Ledger) -> Vec<contract::Correction> {
    let of = |correction: &sla_watchdog_core::Correction| contract::Correction {
        at: correction.at.0,
        from: correction.from.clone(),
        to: correction.to.clone(),
        reason: correction.reason.clone(),
    };
    ledger.corrections.iter().map(of).collect()
}
