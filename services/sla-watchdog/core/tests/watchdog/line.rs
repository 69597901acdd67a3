//! What the watchdog says, as the tests read it.

use proto::{AnyEvent, Time};

use super::group::show;

/// An event as the tests read it.
pub fn line(event: &AnyEvent) -> String {
    let due = |micros: i64| if micros == 0 { "-".to_owned() } else { show(Time(micros)) };
    let name = |clock: &str, instance: &str| {
        if instance.is_empty() { clock.to_owned() } else { format!("{clock}/{instance}") }
    };
    match event {
        AnyEvent::ClockStarted(e) => format!("started {} due {}", name(&e.clock, &e.instance), due(e.due_at)),
        AnyEvent::ClockPaused(e) if e.paused => {
            format!("paused {} for {}", name(&e.clock, &e.instance), e.wait)
        }
        AnyEvent::ClockPaused(e) => format!("moved {} due {}", name(&e.clock, &e.instance), due(e.due_at)),
        AnyEvent::ClockWarned(e) => format!("warned {} -> {}", name(&e.clock, &e.instance), e.told.join(" ")),
        AnyEvent::ClockBreached(e) => {
            format!("breached {} due {}", name(&e.clock, &e.instance), due(e.due_at))
        }
        AnyEvent::ClockMet(e) => {
            let how = if e.cancelled {
                "cancelled"
            } else if e.late {
                "met late"
            } else {
                "met"
            };
            format!("{how} {} at {}", name(&e.clock, &e.instance), due(e.met_at))
        }
        AnyEvent::ClockVerdictCorrected(e) => {
            format!(
                "corrected {} {}->{} ({}) -> {}",
                name(&e.clock, &e.instance),
                e.from,
                e.to,
                e.reason,
                e.told.join(" ")
            )
        }
        AnyEvent::EscalationRaised(e) => {
            let marks =
                [if e.late { " late" } else { "" }, if e.action.is_empty() { "" } else { " " }, &e.action]
                    .concat();
            format!(
                "rung {} of {} -> {} as {}@{}{marks}",
                e.rung,
                name(&e.clock, &e.instance),
                e.told.join(" "),
                e.role,
                e.node
            )
        }
        other => format!("{other:?}"),
    }
}
