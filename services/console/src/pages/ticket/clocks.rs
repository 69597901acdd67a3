//! Clocks as bars: what is spent, what rested, what is left.

use jiff::tz::TimeZone;
use proto::{Time, sla_watchdog::v1::Clock};

use crate::{
    names::Names,
    pages::ticket::more_time,
    shown::{self, Due},
};

/// The bar's width; positions are parts of it.
const WIDTH: i64 = 1000;

pub struct Shown {
    pub name: String,
    pub state: String,
    /// late, over, ""
    pub tone: &'static str,
    pub due: Option<Due>,
    pub ended: String,
    pub limit: String,
    pub rules: Vec<String>,
    pub spent: i64,
    /// Where it rested: x and width.
    pub rests: Vec<(i64, i64)>,
    pub waits: Vec<String>,
    pub rungs: Vec<String>,
    pub corrections: Vec<String>,
    /// Requests for more time.
    pub extensions: Vec<String>,
    pub is_running: bool,
}

/// Those of this cycle, running ones first, soonest first.
pub fn shown(clocks: &[Clock], cycle: u32, now: Time, zone: &TimeZone, names: &Names<'_>) -> Vec<Shown> {
    let mut current: Vec<&Clock> = clocks.iter().filter(|clock| clock.cycle == cycle).collect();
    current.sort_by_key(|clock| {
        (clock.ended_at != 0, if clock.ended_at == 0 { clock.due_at } else { -clock.ended_at })
    });
    current.into_iter().map(|clock| one(clock, now, zone, names)).collect()
}

fn one(clock: &Clock, now: Time, zone: &TimeZone, names: &Names<'_>) -> Shown {
    let tongue = names.tongue;
    let is_running = clock.ended_at == 0 && matches!(clock.state.as_str(), "running" | "breached" | "paused");
    let until = if clock.ended_at == 0 { now.0 } else { clock.ended_at };
    let place = |at: i64| place(clock, at);
    let rest = |rest: &proto::sla_watchdog::v1::Suspension| {
        let to = if rest.to_at == 0 { until } else { rest.to_at };
        (place(rest.from_at), (place(to) - place(rest.from_at)).max(4))
    };
    let wait = |rest: &proto::sla_watchdog::v1::Suspension| {
        let to = if rest.to_at == 0 { "…".to_owned() } else { shown::moment(Time(rest.to_at), zone) };
        format!("{} {} – {to}", names.wait(&rest.wait), shown::moment(Time(rest.from_at), zone))
    };
    let rung = |rung: &proto::sla_watchdog::v1::Rung| {
        let told = rung.told.join(tongue.say("、", ", "));
        let at = shown::moment(Time(rung.fired_at), zone);
        match tongue.is_english() {
            false => format!("第 {} 级升级 {at} → {} {told}", rung.rung, names.role(&rung.role)),
            true => format!("rung {} at {at} → {} {told}", rung.rung, names.role(&rung.role)),
        }
    };
    let correction = |one: &proto::sla_watchdog::v1::Correction| {
        let change = format!("{} → {}", state(&one.from, names), state(&one.to, names));
        format!("{} {} {change}", shown::moment(Time(one.at), zone), tongue.say("更正", "corrected"))
    };
    Shown {
        name: tongue.say(&clock.name_zh, &clock.name_en).to_owned(),
        state: state(&clock.state, names),
        tone: match clock.state.as_str() {
            "breached" | "met_late" => "late",
            _ if !is_running => "over",
            _ => "",
        },
        due: if is_running { Due::new(Time(clock.due_at), now, zone, tongue) } else { None },
        ended: shown::moment(Time(clock.ended_at), zone),
        limit: limit(&clock.limit, names),
        rules: clock.rules.clone(),
        spent: place(until).max(8),
        rests: clock.suspensions.iter().map(rest).collect(),
        waits: clock.suspensions.iter().map(wait).collect(),
        rungs: clock.rungs.iter().map(rung).collect(),
        extensions: clock.extensions.iter().map(|one| more_time::line(one, zone, names)).collect(),
        corrections: clock.corrections.iter().map(correction).collect(),
        is_running,
    }
}

fn place(clock: &Clock, at: i64) -> i64 {
    let whole = i128::from((clock.due_at - clock.started_at).max(1));
    let spent = i128::from(at - clock.started_at) * i128::from(WIDTH) / whole;
    spent.clamp(0, i128::from(WIDTH)) as i64
}

pub fn state(code: &str, names: &Names<'_>) -> String {
    let (zh, en) = match code {
        "running" => ("计时中", "running"),
        "paused" => ("暂停", "paused"),
        "breached" => ("已逾期", "breached"),
        "met" => ("按时", "met"),
        "met_late" => ("逾期完成", "met late"),
        "cancelled" => ("取消", "cancelled"),
        other => return other.to_owned(),
    };
    names.tongue.say(zh, en).to_owned()
}

/// A limit is written in English; its units have few words.
fn limit(text: &str, names: &Names<'_>) -> String {
    if names.tongue.is_english() {
        return text.to_owned();
    }
    match calendar::Limit::parse(text) {
        Ok(limit) => limit.zh(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_stands_between_start_and_due() {
        let clock = Clock { started_at: 100, due_at: 300, ..Clock::default() };
        assert_eq!(
            (place(&clock, 50), place(&clock, 100), place(&clock, 200), place(&clock, 900)),
            (0, 0, 500, 1000)
        );
        let empty = Clock { started_at: 5, due_at: 0, ..Clock::default() };
        assert_eq!(place(&empty, i64::MAX), 1000, "no deadline is no division by nothing");
    }
}
