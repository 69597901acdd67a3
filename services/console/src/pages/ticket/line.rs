//! Everything that happened, in one line of time: who, when, why, under which rule.

use jiff::tz::TimeZone;
use proto::Time;

use crate::{
    names::Names,
    pages::{
        calls,
        ticket::{Case, steps},
    },
    shown,
};

pub struct Day {
    pub day: String,
    pub moments: Vec<Moment>,
}

pub struct Moment {
    pub at: i64,
    pub time: String,
    pub sign: &'static str,
    /// late, good, ""
    pub tone: &'static str,
    pub what: String,
    pub who: String,
    /// People's words, masked or opened.
    pub words: String,
    pub rules: Vec<String>,
}

struct Line<'a> {
    names: &'a Names<'a>,
    moments: Vec<Moment>,
}

impl Line<'_> {
    fn say(&self, zh: &str, en: &str) -> String {
        self.names.tongue.say(zh, en).to_owned()
    }

    fn add(&mut self, at: i64, sign: &'static str, what: String) -> &mut Moment {
        self.moments.push(Moment {
            at,
            time: String::new(),
            sign,
            tone: "",
            what,
            who: String::new(),
            words: String::new(),
            rules: Vec::new(),
        });
        self.moments.last_mut().expect("it was just put there")
    }

    fn who(&self, code: &str) -> String {
        shown::actor(code, self.names.tongue)
    }
}

/// The newest day first, within it the newest moment first.
pub fn days(case: &Case, names: &Names<'_>, zone: &TimeZone) -> Vec<Day> {
    let mut line = Line { names, moments: Vec::new() };
    of_intake(case, &mut line);
    of_dispatch(case, &mut line);
    of_watchdog(case, &mut line);
    of_follow_up(case, &mut line);
    of_notify(case, &mut line);
    let mut moments = line.moments;
    moments.retain(|moment| moment.at != 0);
    moments.sort_by_key(|moment| std::cmp::Reverse(moment.at));
    let mut days: Vec<Day> = Vec::new();
    for mut moment in moments {
        let day = shown::day(Time(moment.at), zone);
        moment.time = shown::time_of_day(Time(moment.at), zone);
        match days.last_mut().filter(|known| known.day == day) {
            Some(known) => known.moments.push(moment),
            None => days.push(Day { day, moments: vec![moment] }),
        }
    }
    days
}

fn of_intake(case: &Case, line: &mut Line<'_>) {
    let ticket = &case.ticket;
    let what = format!("{} ({})", line.say("立项", "Opened"), line.names.channel(&ticket.channel));
    let rules = ticket.reasons.iter().map(|code| line.names.reason(code).1).filter(|rule| !rule.is_empty());
    let rules: Vec<String> = rules.collect();
    line.add(ticket.opened_at, "●", what).rules = rules;
    for note in &ticket.notes {
        let what = match note.kind.as_str() {
            "chaser" => line.say("客户催办", "The customer asked again"),
            "contact" => line.say("与客户联系", "Contact with the customer"),
            "internal" => line.say("内部备注", "Internal note"),
            "wait" => line.say("等待开始或结束", "A wait began or ended"),
            other => other.to_owned(),
        };
        let who = line.who(&note.actor);
        let moment = line.add(note.at, "✎", what);
        (moment.who, moment.words) = (who, note.text.clone());
    }
    if ticket.closed_at != 0 {
        let what = line.say("销项", "Closed");
        line.add(ticket.closed_at, "■", what).tone = "good";
    }
}

fn of_dispatch(case: &Case, line: &mut Line<'_>) {
    let Some(work) = &case.work else { return };
    for back in &work.given_back {
        let what = format!(
            "{}: {}",
            line.say("退单", "Given back"),
            super::deeds::refusal(&back.reason, line.names.tongue)
        );
        let who = line.who(&back.by);
        let moment = line.add(back.given_back_at, "↩", what);
        (moment.who, moment.words, moment.tone) = (who, back.text.clone(), "late");
    }
    for step in work.steps.iter().filter(|step| step.done_at != 0) {
        let name = line.names.tongue.say(&step.name_zh, &step.name_en);
        let what = format!("{}: {name}", line.say("完成", "Done"));
        let rule = line.names.case_type.and_then(|kind| kind.step(&step.id));
        let rules = rule.map(|rule| rule.rules.clone()).unwrap_or_default();
        let who = line.who(&step.done_by);
        let moment = line.add(step.done_at, "✓", what);
        (moment.who, moment.rules, moment.tone) = (who, rules, "good");
    }
    for approval in &work.approvals {
        let subject = format!("{} {}", line.names.step(&approval.step), steps::amount(approval));
        for stage in &approval.stages {
            let what = format!("{}: {subject}", line.say("请示审批", "Approval asked for"));
            let who = format!("{} {}", line.names.role(&stage.role), stage.approver);
            line.add(stage.asked_at, "◈", what).who = who;
            let verdict = match stage.decision.as_str() {
                "approved" => line.say("审批同意", "Approved"),
                "rejected" => line.say("审批驳回", "Rejected"),
                _ => continue,
            };
            let who = line.who(&stage.by);
            let moment = line.add(stage.decided_at, "◆", format!("{verdict}: {subject}"));
            (moment.who, moment.words) = (who, stage.text.clone());
            moment.tone = if stage.decision == "approved" { "good" } else { "late" };
        }
    }
}

fn of_watchdog(case: &Case, line: &mut Line<'_>) {
    for clock in &case.clocks {
        let name = line.names.tongue.say(&clock.name_zh, &clock.name_en).to_owned();
        if matches!(clock.state.as_str(), "breached" | "met_late") {
            let what = format!("{}: {name}", line.say("逾期", "Deadline missed"));
            let moment = line.add(clock.due_at, "▲", what);
            (moment.rules, moment.tone) = (clock.rules.clone(), "late");
        }
        if matches!(clock.state.as_str(), "met" | "met_late") {
            let what = format!(
                "{}: {name}",
                if clock.state == "met" {
                    line.say("按时", "In time")
                } else {
                    line.say("逾期完成", "Done late")
                }
            );
            let late = clock.state == "met_late";
            line.add(clock.ended_at, "◷", what).tone = if late { "late" } else { "good" };
        }
        for rung in &clock.rungs {
            let what = format!(
                "{} {}: {name} → {}",
                line.say("升级", "Escalated, rung"),
                rung.rung,
                line.names.role(&rung.role)
            );
            let who = rung.told.join(line.names.tongue.say("、", ", "));
            let moment = line.add(rung.fired_at, "⇧", what);
            (moment.who, moment.tone) = (who, "late");
        }
        for correction in &clock.corrections {
            let what = format!("{}: {name}", line.say("判定更正", "Verdict corrected"));
            line.add(correction.at, "↺", what).words = correction.reason.clone();
        }
        for rest in &clock.suspensions {
            let what =
                format!("{}: {name} ({})", line.say("暂停计时", "Clock paused"), line.names.wait(&rest.wait));
            line.add(rest.from_at, "⏸", what);
        }
    }
}

fn of_follow_up(case: &Case, line: &mut Line<'_>) {
    for call in &case.follow_ups {
        let name = calls::rule_name(&call.rule, line.names);
        for attempt in &call.attempts {
            let outcome = calls::outcome(&attempt.outcome, line.names.tongue);
            let who = line.who(&attempt.by);
            line.add(attempt.at, "☎", format!("{name}: {outcome}")).who = who;
        }
    }
}

fn of_notify(case: &Case, line: &mut Line<'_>) {
    for notice in &case.notices {
        let at = if notice.ended_at == 0 { notice.queued_at } else { notice.ended_at };
        let what = match notice.state.as_str() {
            "sent" => line.say("已通知", "Told"),
            "failed" => line.say("通知失败", "Telling failed"),
            _ => line.say("待发通知", "To be told"),
        };
        let who = format!("{} {} ({})", line.names.role(&notice.role), notice.recipient, notice.channel);
        let moment = line.add(at, "✉", what);
        moment.who = who;
        moment.tone = if notice.state == "failed" { "late" } else { "" };
    }
}
