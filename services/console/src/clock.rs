//! The machine's clock, in one place. Countdowns and cookies are reckoned with
//! it; nothing is decided by it.

use organisation::TimeLaw;
use proto::Time;
use uuid::Uuid;

/// Real time by this machine.
#[allow(clippy::disallowed_methods, reason = "cookies end and countdowns run by the clock on the wall")]
pub fn real_now() -> Time {
    Time::from(jiff::Timestamp::now())
}

/// Business time, as near as this machine's clock is to the database's.
pub fn business_now(law: TimeLaw) -> Time {
    law.business(real_now())
}

/// A fresh request id: made with the form, so that sending it twice does it once.
#[allow(clippy::disallowed_methods, reason = "a caller's request id is dated by the caller's clock")]
pub fn request_id() -> String {
    Uuid::now_v7().to_string()
}
