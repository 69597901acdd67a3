//! Looking from outside: who owns a service's shards, and whether a case goes all the way.

use std::{sync::Arc, time::Duration};

use proto::{
    SHARDS, Service, dispatch::v1::GetWorkRequest, journal::v1::PassedRequest, reporting::v1::GetRowRequest,
};
use tokio::time::{Instant, sleep, timeout};

use crate::faults::{
    crew::{Seat, Side},
    load::Desk,
    rig::Rig,
};

const ANSWER: Duration = Duration::from_secs(1);
/// As long as a dead owner is waited for.
const CHANGING_HANDS: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(50);

/// How many shards this replica owns. `Passed` is answered by the writer itself, after a round trip: who answers it
/// for a shard holds its lock at that moment.
pub async fn shards(rig: &Rig, seat: Seat, patience: Duration) -> usize {
    let mut journal = rig.side(seat.side).journal(seat.service);
    let asked = timeout(patience, journal.passed(PassedRequest { until_at: 0 })).await;
    asked.ok().and_then(Result::ok).map_or(0, |answer| answer.into_inner().heads.len())
}

fn all(service: Service) -> usize {
    if service == Service::Directory { 1 } else { usize::from(SHARDS) }
}

/// Who owns the most of it. What the last strike left behind may be changing hands just now.
pub async fn owner(rig: &Rig, service: Service) -> Option<Side> {
    let since = Instant::now();
    while since.elapsed() < CHANGING_HANDS {
        let (a, b) = tokio::join!(
            shards(rig, Seat { service, side: Side::A }, ANSWER),
            shards(rig, Seat { service, side: Side::B }, ANSWER)
        );
        if a + b > 0 {
            return Some(if a >= b { Side::A } else { Side::B });
        }
        sleep(LOOK).await;
    }
    None
}

/// Until these replicas answer for all shards of their service; how long after `since`.
pub async fn until_owned(
    rig: &Rig,
    seats: &[Seat],
    since: Instant,
    limit: Duration,
) -> Result<Duration, String> {
    let wanted = seats.first().map_or(0, |seat| all(seat.service));
    loop {
        let asked = seats.iter().map(|seat| shards(rig, *seat, ANSWER));
        let owned: usize = futures::future::join_all(asked).await.into_iter().sum();
        if owned >= wanted {
            return Ok(since.elapsed());
        }
        if since.elapsed() > limit {
            let names: Vec<String> = seats.iter().map(ToString::to_string).collect();
            return Err(format!("{} own {owned} of {wanted} shards after {limit:?}", names.join(", ")));
        }
        sleep(LOOK).await;
    }
}

/// Until every service has all its shards at one of its replicas.
pub async fn until_all_owned(rig: &Rig, since: Instant, limit: Duration) -> Result<Duration, String> {
    let services = Service::ALL.map(|service| async move {
        let seats = [Side::A, Side::B].map(|side| Seat { service, side });
        until_owned(rig, &seats, since, limit).await
    });
    let owned = futures::future::join_all(services).await;
    owned.into_iter().try_fold(Duration::ZERO, |longest, one| Ok(longest.max(one?)))
}

/// A case of our own is opened, reaches a branch and stands on the board: every service and all transport between them
/// works. How long after `since`.
pub async fn errand(
    rig: &Rig,
    desk: &Arc<Desk>,
    since: Instant,
    limit: Duration,
) -> Result<Duration, String> {
    let all_the_way = async {
        let accepted = desk.take_one(None).await.ok_or("an errand was not accepted")?;
        let actor = rig.connection.system();
        let (mut placed, mut shown) = (false, false);
        for turn in 0.. {
            let side = rig.side(if turn % 2 == 0 { Side::A } else { Side::B });
            let ask = GetWorkRequest { ticket_id: accepted.ticket.clone(), reveal_reason: String::new() };
            let work = timeout(ANSWER, async { side.dispatch(&actor).get_work(ask).await }).await;
            let work = work.ok().and_then(Result::ok).and_then(|answer| answer.into_inner().work);
            placed |= work.is_some();
            let ask = GetRowRequest { ticket_id: accepted.ticket.clone(), after: None };
            let row = timeout(ANSWER, async { side.reporting(&actor).get_row(ask).await }).await;
            shown |= row.ok().and_then(Result::ok).and_then(|answer| answer.into_inner().row).is_some();
            if placed && shown {
                break;
            }
            sleep(LOOK).await;
        }
        Ok::<(), &str>(())
    };
    match timeout(limit.saturating_sub(since.elapsed()).max(ANSWER), all_the_way).await {
        Ok(Ok(())) => Ok(since.elapsed()),
        Ok(Err(why)) => Err(why.to_owned()),
        Err(_) => Err(format!("a case did not go all the way within {limit:?}")),
    }
}
