//! What was said, as a line that expectations match and people read.

use playbook::Lang;
use proto::{AnyEvent, Time};

use super::Happened;

/// One event, reduced to what a rule book decides about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub at: Time,
    /// `clock.breached`
    pub event: &'static str,
    /// The step, clock, call-back rule or message that it is about.
    pub about: String,
    /// Which run of a clock, hand-off or stage.
    pub instance: String,
    pub outcome: String,
    /// The role that it went to, and the persons.
    pub role: String,
    pub persons: Vec<String>,
    pub rung: u32,
    pub due: Option<Time>,
}

/// `None` for what only the services need to hear.
#[allow(clippy::too_many_lines, reason = "one arm an event; nothing to share")]
pub fn line_of(happened: &Happened) -> Option<Line> {
    let line = |event: &'static str, about: &str| Line {
        at: happened.at,
        event,
        about: about.to_owned(),
        ..Line::default()
    };
    let one = |person: &str| if person.is_empty() { Vec::new() } else { vec![person.to_owned()] };
    let due = |at: i64| Time(at).set();
    Some(match &happened.event {
        AnyEvent::TicketOpened(e) => {
            Line { outcome: e.severity.clone(), ..line("ticket.opened", &e.category) }
        }
        AnyEvent::TicketReclassified(e) => {
            Line { outcome: e.severity.clone(), ..line("ticket.reclassified", &e.category) }
        }
        AnyEvent::TicketMoved(e) => Line {
            instance: e.version().to_string(),
            outcome: e.severity.clone(),
            ..line("ticket.moved", &e.reason)
        },
        AnyEvent::TicketLinked(e) => line("ticket.linked", &e.relation),
        AnyEvent::TicketNoted(e) => {
            Line { outcome: format!("{}{}", e.wait_begun, e.wait_ended), ..line("ticket.noted", &e.kind) }
        }
        AnyEvent::TicketLinkClosed(e) => {
            Line { outcome: e.outcome.clone(), ..line("ticket.link_closed", &e.step) }
        }
        AnyEvent::WorkLinkAsked(e) => {
            Line { outcome: e.case_type.clone(), ..line("work.link_asked", &e.step) }
        }
        AnyEvent::TicketClosed(e) => line("ticket.closed", &e.outcome),
        AnyEvent::TicketReopened(e) => line("ticket.reopened", &e.reason),
        AnyEvent::ContactLogged(e) => line("contact.logged", &e.category),
        AnyEvent::WorkDispatched(e) => Line {
            role: e.role.clone(),
            persons: one(&e.assignee),
            instance: e.hand_off.to_string(),
            ..line("work.dispatched", "")
        },
        AnyEvent::WorkAcknowledged(e) => Line { persons: one(&e.by), ..line("work.acknowledged", "") },
        AnyEvent::WorkRefused(e) => {
            Line { persons: one(&e.by), outcome: e.reason.clone(), ..line("work.refused", "") }
        }
        AnyEvent::WorkStepReady(e) => {
            Line { role: e.role.clone(), persons: one(&e.assignee), ..line("work.step_ready", &e.step) }
        }
        AnyEvent::WorkStepDone(e) => Line { persons: one(&e.by), ..line("work.step_done", &e.step) },
        AnyEvent::WorkWithdrawn(e) => Line { outcome: e.reason.clone(), ..line("work.withdrawn", &e.step) },
        AnyEvent::WorkCompleted(_) => line("work.completed", ""),
        AnyEvent::ApprovalAsked(e) => Line {
            role: e.role.clone(),
            persons: one(&e.approver),
            instance: e.stage.to_string(),
            ..line("approval.asked", &e.step)
        },
        AnyEvent::ApprovalDecided(e) => Line {
            outcome: e.decision.clone(),
            instance: e.stage.to_string(),
            ..line("approval.decided", &e.step)
        },
        AnyEvent::ApprovalVerbal(e) => Line {
            role: e.role.clone(),
            persons: one(&e.by),
            instance: e.stage.to_string(),
            ..line("approval.verbal", &e.step)
        },
        AnyEvent::ApprovalConfirmed(e) => Line {
            persons: one(&e.by),
            outcome: e.decision.clone(),
            instance: e.stage.to_string(),
            ..line("approval.confirmed", &e.step)
        },
        AnyEvent::ClockStarted(e) => {
            Line { instance: e.instance.clone(), due: due(e.due_at), ..line("clock.started", &e.clock) }
        }
        AnyEvent::ClockPaused(e) => Line {
            instance: e.instance.clone(),
            outcome: if e.paused { e.wait.clone() } else { String::new() },
            due: due(e.due_at),
            ..line(if e.paused { "clock.paused" } else { "clock.moved" }, &e.clock)
        },
        AnyEvent::ClockWarned(e) => Line {
            instance: e.instance.clone(),
            persons: e.told.clone(),
            due: due(e.due_at),
            ..line("clock.warned", &e.clock)
        },
        AnyEvent::ClockBreached(e) => {
            Line { instance: e.instance.clone(), due: due(e.due_at), ..line("clock.breached", &e.clock) }
        }
        AnyEvent::ClockMet(e) => Line {
            instance: e.instance.clone(),
            outcome: match (e.cancelled, e.late) {
                (true, _) => "cancelled",
                (false, true) => "late",
                (false, false) => "in_time",
            }
            .to_owned(),
            due: due(e.due_at),
            ..line("clock.met", &e.clock)
        },
        AnyEvent::ClockVerdictCorrected(e) => Line {
            instance: e.instance.clone(),
            outcome: e.to.clone(),
            ..line("clock.verdict_corrected", &e.clock)
        },
        AnyEvent::ClockExtensionAsked(e) => Line {
            instance: e.instance.clone(),
            role: e.role.clone(),
            persons: e.told.clone(),
            due: due(e.due_at),
            ..line("clock.extension_asked", &e.clock)
        },
        AnyEvent::ClockExtensionDecided(e) => Line {
            instance: e.instance.clone(),
            outcome: if e.granted { "approved" } else { "refused" }.to_owned(),
            persons: e.told.clone(),
            due: due(e.due_at),
            ..line("clock.extension_decided", &e.clock)
        },
        AnyEvent::EscalationRaised(e) => Line {
            instance: e.instance.clone(),
            rung: e.rung,
            role: e.role.clone(),
            persons: e.told.clone(),
            outcome: e.action.clone(),
            ..line("escalation.raised", &e.clock)
        },
        AnyEvent::FollowUpScheduled(e) => {
            Line { role: e.role.clone(), due: due(e.due_at), ..line("follow_up.scheduled", &e.rule) }
        }
        AnyEvent::FollowUpRecorded(e) => Line { persons: one(&e.by), ..line("follow_up.recorded", &e.rule) },
        AnyEvent::FollowUpAttempted(e) => {
            Line { outcome: e.outcome.clone(), ..line("follow_up.attempted", &e.rule) }
        }
        AnyEvent::SurveyAnswered(e) => Line {
            outcome: if e.unhappy { "unhappy" } else { "happy" }.to_owned(),
            ..line("survey.answered", &e.rule)
        },
        AnyEvent::FollowUpCompleted(e) => {
            Line { outcome: e.outcome.clone(), ..line("follow_up.completed", &e.rules.join(", ")) }
        }
        AnyEvent::NoticeQueued(e) => {
            Line { role: e.role.clone(), persons: one(&e.recipient), ..line("notice.queued", &e.rule) }
        }
        _ => return None,
    })
}

impl Line {
    /// Whether it is about this one, perhaps among others.
    pub fn is_about(&self, one: &str) -> bool {
        self.about == one || self.about.split(", ").any(|about| about == one)
    }

    /// For a timeline: what, about what, to whom, until when.
    pub fn render(&self, lang: Lang, clock: impl Fn(Time) -> String) -> String {
        let mut text = name(self.event, lang).to_owned();
        for part in [&self.about, &self.instance, &self.outcome] {
            if !part.is_empty() {
                text.push_str(&format!(" {part}"));
            }
        }
        if self.rung > 0 {
            text.push_str(&format!(" #{}", self.rung));
        }
        if !self.role.is_empty() {
            text.push_str(&format!(" -> {}", self.role));
        }
        if !self.persons.is_empty() {
            text.push_str(&format!(" ({})", self.persons.join(", ")));
        }
        if let Some(due) = self.due {
            let until = match lang {
                Lang::Zh => "，期限 ",
                Lang::En => ", due ",
            };
            text.push_str(&format!("{until}{}", clock(due)));
        }
        text
    }
}

fn name(event: &'static str, lang: Lang) -> &'static str {
    const NAMES: &[(&str, &str, &str)] = &[
        ("ticket.opened", "立案", "opened"),
        ("ticket.reclassified", "重新定级", "judged anew"),
        ("ticket.linked", "关联", "linked"),
        ("ticket.moved", "移到新版规则", "moved to another version"),
        ("ticket.link_closed", "关联工单办结", "linked case closed"),
        ("work.link_asked", "另开关联工单", "linked case wanted"),
        ("ticket.noted", "备注", "noted"),
        ("ticket.closed", "结案", "closed"),
        ("ticket.reopened", "重新打开", "re-opened"),
        ("contact.logged", "登记联系", "contact logged"),
        ("work.dispatched", "派单", "handed off"),
        ("work.acknowledged", "接单", "taken over"),
        ("work.refused", "退单", "given back"),
        ("work.step_ready", "可办步骤", "step ready"),
        ("work.step_done", "步骤完成", "step done"),
        ("work.withdrawn", "收回", "withdrawn"),
        ("work.completed", "派工完成", "work completed"),
        ("approval.asked", "申请审批", "approval asked"),
        ("approval.decided", "审批", "approval"),
        ("approval.verbal", "口头同意", "approved by word of mouth"),
        ("approval.confirmed", "补手续", "paper"),
        ("clock.started", "计时开始", "clock starts"),
        ("clock.paused", "计时暂停", "clock stands still"),
        ("clock.moved", "计时恢复", "clock goes on"),
        ("clock.warned", "预警", "warning"),
        ("clock.breached", "逾期", "DEADLINE MISSED"),
        ("clock.met", "计时结束", "clock ends"),
        ("clock.extension_asked", "申请延期", "more time asked"),
        ("clock.extension_decided", "延期审批", "more time"),
        ("clock.verdict_corrected", "更正", "verdict corrected"),
        ("escalation.raised", "升级", "ESCALATION"),
        ("follow_up.scheduled", "安排回访", "call-back planned"),
        ("follow_up.attempted", "回访呼叫", "call-back tried"),
        ("follow_up.recorded", "回访记录", "call-back recorded"),
        ("survey.answered", "回访回答", "answered"),
        ("follow_up.completed", "回访完成", "call-backs over"),
        ("notice.queued", "通知", "message"),
    ];
    let found = NAMES.iter().find(|(known, ..)| *known == event);
    found.map_or(event, |(_, zh, en)| match lang {
        Lang::Zh => zh,
        Lang::En => en,
    })
}
