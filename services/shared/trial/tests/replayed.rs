//! What was lived through the services, exported and replayed, gives the same verdicts; another limit gives others.

use std::{collections::BTreeSet, sync::Arc};

use chassis_core::Heard;
use organisation::Snapshot;
use playbook::{Lang, Playbook};
use proto::{Bucket, Service, Time, envelope::Position};
use trial::{
    Mapping, Sheet,
    backtest::{self, Backtest, Difference, Tally},
    ground::Ground,
    recorded::{self, History, SheetRow},
    scenario::{Acting, simulate},
    town::{Deed, Town, What},
};

const SHOP: &str = include_str!("../../../../deploy/playbooks/bicycle-shop/playbook.yaml");

fn stage(text: &str) -> (Arc<Playbook>, Snapshot) {
    let files = [("shop.yaml", text)];
    let playbook = Playbook::load(&files).expect("sound");
    let ground = Ground::imagined(&playbook, &BTreeSet::from(["B1".to_owned()]), &[]).with(&files);
    (Arc::new(playbook), ground.snapshot().expect("it folds"))
}

fn at(text: &str) -> Time {
    text.parse::<jiff::Timestamp>().expect("an instant").into()
}

fn opening() -> Deed {
    let mut deed = Deed::new(What::Open);
    deed.form.insert("customer_name".into(), "X".into());
    deed.form.insert("category".into(), "wheel".into());
    deed
}

/// A repair that nobody takes for three days, then is estimated and left: as its services said it.
fn lived() -> (Town, Vec<Heard>) {
    let (playbook, directory) = stage(SHOP);
    let mut town = Town::new(directory, playbook, "B1", at("2026-03-02T02:00:00Z"));
    town.act(&opening()).expect("opened");
    town.advance(at("2026-03-05T02:30:00Z"));
    town.act(&Deed::new(What::Acknowledge)).expect("taken over");
    let mut estimate = Deed::new(What::Done);
    estimate.step = Some("estimate".into());
    estimate.form.insert("price".into(), 200.into());
    town.act(&estimate).expect("estimated");
    town.advance(at("2026-03-20T02:00:00Z"));
    let own = [Service::Intake, Service::Dispatch, Service::FollowUp];
    let heard = town.happened().iter().enumerate().filter(|(_, said)| own.contains(&said.service)).map(
        |(seq, said)| Heard {
            at: Position {
                service: said.service,
                shard: Bucket::of_hash(0).shard(),
                epoch: 1,
                seq: seq as u64,
            },
            event: said.event.clone(),
            subject: None,
            branch: None,
            actor: String::new(),
            hops: 0,
            recorded_at: said.at,
            occurred_at: None,
        },
    );
    let heard = heard.filter(|heard| heard.event.ticket().is_some()).collect();
    (town, heard)
}

fn tally(text: &str, histories: &mut [History], until: Time) -> Tally {
    let (playbook, directory) = stage(text);
    let mut backtest = Backtest::new(&playbook, &directory, None);
    histories.iter_mut().for_each(|history| backtest.take(history, until));
    backtest.finish().0
}

#[test]
fn a_replayed_journal_gives_the_verdicts_that_were_given() {
    let (town, heard) = lived();
    let mut histories = backtest::histories(heard);
    assert_eq!(histories.len(), 1);
    let found = tally(SHOP, &mut histories, town.now());
    let watched = town.watched().expect("it was watched");
    let ledgers: Vec<_> = watched.all_clocks().map(|(_, ledger)| ledger).collect();
    let late = ledgers.iter().filter(|ledger| ledger.breached.is_some()).count() as u64;
    let rungs: u64 = ledgers.iter().map(|ledger| ledger.rungs.len() as u64).sum();
    assert_eq!(
        (found.total.started, found.total.breached, found.total.rungs),
        (ledgers.len() as u64, late, rungs)
    );
    assert_eq!((late, rungs), (2, 3), "hand-off with two rungs, the whole with one");
    assert_eq!(found.told["owner"], 2);
}

#[test]
fn another_limit_shows_where_it_makes_a_difference() {
    let (town, heard) = lived();
    let mut histories = backtest::histories(heard);
    let until = town.now();
    let old = tally(SHOP, &mut histories, until);
    let longer = SHOP.replace("    limit: 3 working days\n", "    limit: 30 working days\n");
    let difference = Difference::between(&old, &tally(&longer, &mut histories, until));
    let text = difference.render(Lang::En);
    for wanted in ["B1 · repair: late 2 -> 1 (-1)", "whole: late 1 -> 0 (-1)", "owner: 2 -> 1 (-1)"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("hand_off"), "{text}");
    assert!(Difference::between(&old, &old).is_empty());
    assert!(difference.render(Lang::Zh).contains("逾期"), "in Chinese, too");
}

#[test]
fn other_tables_judge_recorded_cases_otherwise() {
    let (town, heard) = lived();
    let mut histories = backtest::histories(heard);
    let strict = SHOP.replace("urgent: false }, then: low }", "urgent: false }, then: high }");
    let (old, new) = (tally(SHOP, &mut histories, town.now()), tally(&strict, &mut histories, town.now()));
    let difference = Difference::between(&old, &new);
    assert_eq!(difference.severities["high"], (0, 1));
    assert_eq!(tally(SHOP, &mut histories, town.now()), old, "the recording is left as it was");
}

#[test]
fn recorded_requests_are_compared_with_their_own_verdicts() {
    let mapping = "
case: id
type: { fixed: repair }
branch: { fixed: B1 }
zone: Asia/Shanghai
facts: { category: what }
opened: opened
closed: closed
target: target
on_time: { column: flag, yes: ok, no: late }
clock: whole
";
    let mapping = Mapping::parse("m.yaml", mapping).expect("it fits");
    let own = |row: &[&str]| row.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>();
    let rows: [&[&str]; 4] = [
        &["1", "wheel", "2026-03-02 10:00", "2026-03-04 10:00", "2026-03-05 10:00", "ok"],
        &["2", "wheel", "2026-03-02 10:00", "2026-03-06 10:00", "2026-03-05 10:00", "late"],
        &["3", "brake", "2026-03-02 10:00", "2026-03-06 10:00", "2026-03-05 10:00", "ok"],
        &["4", "brake", "2026-03-02 10:00", "2026-03-06 10:00", "2026-03-06 10:00", "ok"],
    ];
    let sheet = Sheet {
        headings: own(&["id", "what", "opened", "closed", "target", "flag"]),
        rows: rows
            .iter()
            .enumerate()
            .map(|(n, row)| SheetRow { line: n as u64 + 2, fields: own(row) })
            .collect(),
    };
    let mut reading = recorded::read(&mapping, &sheet).expect("the columns are there");
    let until = reading.until;
    // Closing meets the clock here, as at a desk that records nothing else.
    let (playbook, directory) =
        stage(&SHOP.replace("stop: [work.completed]", "stop: [work.completed, ticket.closed]"));
    let mut backtest = Backtest::new(&playbook, &directory, Some("whole"));
    reading.histories.iter_mut().for_each(|history| backtest.take(history, until));
    let (tally, agreement) = backtest.finish();
    assert_eq!((agreement.with_target, agreement.reproduced, agreement.agreed), (4, 3, 2));
    assert_eq!(agreement.disagreeing, [4], "flagged in time and closed after the target");
    assert_eq!((tally.clocks["whole"].met, tally.clocks["whole"].breached), (1, 3));
}

#[test]
fn nobody_acting_lets_every_clock_run_out() {
    let (playbook, directory) = stage(SHOP);
    let place = ("B1", at("2026-03-02T02:00:00Z"), at("2026-03-12T02:00:00Z"));
    let outcome = simulate(&opening(), &directory, &playbook, place, Acting::Never);
    assert!(outcome.holds());
    let events: Vec<&str> = outcome.timeline.iter().map(|line| line.event).collect();
    assert_eq!(events.iter().filter(|event| **event == "clock.breached").count(), 2);
    assert_eq!(events.iter().filter(|event| **event == "escalation.raised").count(), 3);
    assert!(outcome.render(Lang::Zh).contains("升级 hand_off 1 #1 -> owner"), "{}", outcome.render(Lang::Zh));
}
