//! How business time runs: real, accelerated or by hand, for trying things
//! out. It never runs backwards, for the stamps of journals do not either.

use chassis_core::{About, Halt, Refusal, Step};
use organisation::TimeLaw;
use proto::Time;

use crate::{
    command::{MoveTime, Reply},
    state::TimeRule,
};

/// A thousand years a second is more than anybody can watch.
const FASTEST_MILLI: u64 = 31_557_600_000_000;

pub(crate) fn move_time(wanted: &MoveTime, step: &mut Step<'_>) -> Result<Reply, Halt> {
    if wanted.production {
        return Err(Refusal::precondition(
            "production",
            "生产环境不能改变业务时间；没有改动。",
            "Business time cannot be moved in production; nothing was changed.",
        )
        .into());
    }
    let now = business_now(wanted, step)?;
    let rule = new_rule(wanted, now)?;
    if rule.business_at < now {
        return Err(backwards(now, rule.business_at).into());
    }
    step.put(&rule);
    step.say(About::default(), rule.says());
    Ok(Reply::TimeMoved)
}

/// Under the law in force; exact, where the step's own stamp has crept on a
/// microsecond with every batch.
fn business_now(wanted: &MoveTime, step: &Step<'_>) -> Result<Time, Halt> {
    let rule = step.get::<TimeRule>(TimeRule::key())?;
    if rule.is_none() && step.directory().seq() == 0 {
        // Nothing was ever said: configuration may have set the beginning back, and then the step is stamped with that.
        return Ok(wanted.database_at.min(step.now()));
    }
    let law = rule
        .map_or_else(TimeLaw::default, |rule| TimeLaw::of(&rule.says()).expect("only known modes are kept"));
    Ok(law.business(wanted.database_at))
}

fn new_rule(wanted: &MoveTime, now: Time) -> Result<TimeRule, Refusal> {
    let (business_at, factor_milli) = match wanted.mode.as_str() {
        "real" => (wanted.database_at, 1000),
        "manual" => (wanted.business_at.unwrap_or(now), 0),
        "accelerated" if (1..=FASTEST_MILLI).contains(&wanted.factor_milli) => {
            (wanted.business_at.unwrap_or(now), wanted.factor_milli)
        }
        "accelerated" => {
            return Err(Refusal::field(
                "factor_milli",
                "加速倍数必须大于零（千分之一为单位）。",
                "The factor must be above zero (in thousandths).",
            ));
        }
        other => {
            return Err(Refusal::field(
                "mode",
                format!("没有时间模式“{other}”；可用：real、accelerated、manual。"),
                format!("There is no mode `{other}`; there are real, accelerated, manual."),
            ));
        }
    };
    Ok(TimeRule { mode: wanted.mode.clone(), business_at, database_at: wanted.database_at, factor_milli })
}

fn backwards(now: Time, wanted: Time) -> Refusal {
    Refusal::precondition(
        "backwards",
        format!("业务时间现在是 {now}，不能退回 {wanted}；没有改动。"),
        format!("Business time is {now} now and cannot go back to {wanted}; nothing was changed."),
    )
}
