//! Weather on the lines.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Field, LONGER, Outcome};
use crate::faults::{
    crew::{Seat, Side},
    links::To,
    plan::{Breadth, Kind, Strike},
    probe,
    proxy::{Line, Weather},
};

/// A cut that lasts longer than this deposes an owner: its session dies of silence after ten seconds.
const DEPOSED: Duration = Duration::from_secs(12);
/// As long as for an owner that is dead.
const TAKE_OVER: Duration = Duration::from_secs(15);

pub async fn strike(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let owner = probe::owner(&field.rig, strike.service).await.unwrap_or(Side::A);
    let owner = Seat { service: strike.service, side: owner };
    let from: Vec<Seat> = match strike.breadth {
        Breadth::Owner => vec![owner],
        Breadth::Service => vec![owner, owner.other()],
        Breadth::Everybody => Seat::all().collect(),
    };
    let lines: Vec<&Line> = field.rig.links.chosen(&from, |to| is_struck(strike.kind, to)).collect();
    let struck = Instant::now();
    match strike.kind {
        Kind::HalfOpen => lines.iter().for_each(|line| line.let_die()),
        Kind::Resets => lines.iter().for_each(|line| line.reset()),
        kind => lines.iter().for_each(|line| line.set(weather(kind, strike.amount))),
    }
    if matches!(strike.kind, Kind::HalfOpen | Kind::Resets) {
        // Nothing heals them: they have to be found out.
        return Ok(struck);
    }
    let alone = strike.kind == Kind::CutPostgres && strike.breadth == Breadth::Owner;
    if alone && strike.lasts > DEPOSED {
        let owned = probe::until_owned(&field.rig, &[owner.other()], struck, TAKE_OVER * LONGER).await;
        outcome.taken_over(owned, TAKE_OVER);
    }
    sleep(strike.lasts.saturating_sub(struck.elapsed())).await;
    for line in lines {
        line.set(Weather::Clear);
    }
    Ok(Instant::now())
}

fn is_struck(kind: Kind, to: To) -> bool {
    match kind {
        Kind::CutPostgres | Kind::SlowPostgres => to == To::Postgres,
        Kind::CutNats | Kind::SlowNats => matches!(to, To::Nats(_)),
        Kind::CutPeers | Kind::SlowPeers => matches!(to, To::Peer(_)),
        _ => true,
    }
}

fn weather(kind: Kind, amount: u64) -> Weather {
    match kind {
        // A batch makes two round trips of it; two calls over the line make four.
        Kind::SlowPostgres => Weather::Slow(Duration::from_millis(amount / 2)),
        Kind::SlowNats | Kind::SlowPeers => Weather::Slow(Duration::from_millis(amount)),
        _ => Weather::Cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_strikes_its_own_lines() {
        let peer = To::Peer(Seat { service: proto::Service::Notify, side: Side::B });
        let lines = [To::Postgres, To::Nats(0), peer];
        let struck = |kind| lines.map(|to| is_struck(kind, to));
        assert_eq!(struck(Kind::CutPostgres), [true, false, false]);
        assert_eq!(struck(Kind::SlowNats), [false, true, false]);
        assert_eq!(struck(Kind::CutPeers), [false, false, true]);
        assert_eq!(struck(Kind::HalfOpen), [true, true, true]);
    }
}
