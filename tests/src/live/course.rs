//! One scenario from beginning to end, in the cores and in the services side by side.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, bail};
use chassis::core::Refusal;
use jiff::tz::TimeZone;
use organisation::Snapshot;
use playbook::{Lang, Playbook};
use proto::Time;
use trial::{
    ground::Ground,
    scenario::{self, Miss, Scenario, Stage, check, deeds, judge, wall},
    town::{Deed, Line, line_of},
};

use super::{
    Slot, World,
    eyes::Eyes,
    hands::Hands,
    record::{Record, opened_at, place_of},
    rest::{Rest, rest},
};

/// Stamps creep on by microseconds, and so does what is reckoned from them: what is one moment in the cores lies this close
/// together in the services.
const SLACK: i64 = Time::SECOND;
/// More moments than any scenario has.
const MOST_MOMENTS: u32 = 20_000;
/// So many lines that differ are told.
const SHOWN: usize = 12;

/// A rule book on its ground.
pub struct Course {
    pub ground: Ground,
    pub directory: Snapshot,
    pub playbook: Arc<Playbook>,
}

/// What came of a scenario in the services.
pub struct Verdict {
    pub misses: Vec<Miss>,
    pub timeline: Vec<Line>,
    pub zone: TimeZone,
    /// How often time was moved.
    pub moments: u32,
}

impl Verdict {
    pub fn holds(&self) -> bool {
        self.misses.is_empty()
    }

    /// What did not come true, then the timeline.
    pub fn render(&self, lang: Lang) -> String {
        let clock = |at: Time| wall(&self.zone, at);
        let misses = self.misses.iter().map(|miss| format!("  {}\n", miss.get(lang)));
        let lines = self
            .timeline
            .iter()
            .map(|line| format!("    {}  {}\n", clock(line.at), line.render(lang, clock)));
        misses.chain(lines).collect()
    }
}

impl Course {
    /// A rule book with an organisation as small as its scenarios allow: the very one that they have in the cores.
    ///
    /// # Errors
    /// A rule book that does not load.
    pub fn of(pack: &hotline::playbook::live::Pack) -> anyhow::Result<Course> {
        let files = hotline::playbook::files::borrowed(&pack.texts);
        let playbook = hotline::playbook::files::load(&pack.texts, Lang::En)?;
        let branches = pack.scenarios.iter().map(|scenario| scenario.branch.clone()).collect();
        let ground = Ground::imagined(&playbook, &branches, &[]).with(&files);
        Ok(Course { directory: ground.snapshot()?, ground, playbook: Arc::new(playbook) })
    }
}

/// Plays a scenario in a world of its own.
///
/// # Errors
/// The system itself failed: no rule says so.
pub async fn play(slot: &mut Slot, scenario: &Scenario, course: &Course) -> anyhow::Result<Verdict> {
    let stage = Stage::set(scenario, &course.directory, &course.playbook);
    let kept = scenario.calendar.as_deref().and_then(|id| course.ground.clone().kept(id, &scenario.branch));
    let world = slot.world(kept.as_ref().unwrap_or(&course.ground), stage.start).await?;
    let mut playing = Playing { world: &world, stage, record: Record::new(&scenario.branch), moments: 0 };
    let verdict = playing.play(scenario).await;
    drop(playing);
    slot.clear(world).await?;
    verdict
}

struct Playing<'w> {
    world: &'w World,
    stage: Stage,
    record: Record,
    moments: u32,
}

impl Playing<'_> {
    async fn play(&mut self, scenario: &Scenario) -> anyhow::Result<Verdict> {
        let mut misses = std::mem::take(&mut self.stage.misses);
        for (place, deed) in deeds(scenario) {
            match self.stage.moment_of(deed) {
                Ok(at) => self.pass_to(at).await?,
                Err(miss) => misses.push(miss),
            }
            let refused = self.act(deed).await.with_context(|| format!("deed {place}, {:?}", deed.what))?;
            misses.extend(judge(place, deed, refused.as_ref()));
        }
        let end = self.stage.end_of(scenario).unwrap_or_else(|miss| {
            misses.push(miss);
            None
        });
        self.pass_to(end).await?;
        self.judge(scenario, misses).await
    }

    /// Both worlds come to a moment; all that falls due on the way happens at its own.
    async fn pass_to(&mut self, at: Option<Time>) -> anyhow::Result<()> {
        let Some(at) = at else { return self.settle().await.map(|_| ()) };
        let last = if self.says_before(at) { at.plus(SLACK) } else { at };
        loop {
            let rest = self.settle().await?;
            let Some(first) = rest.due.iter().min().filter(|due| **due <= last) else { break };
            let so_soon = last.min(first.plus(SLACK));
            let together = rest.due.iter().filter(|due| **due <= so_soon).max();
            self.move_time(*together.unwrap_or(first)).await?;
        }
        if at > self.world.now() {
            self.move_time(at).await?;
            self.settle().await?;
        }
        Ok(())
    }

    /// Brings the cores to a moment; whether anything was said of itself at that very moment, and so before the deed.
    fn says_before(&mut self, at: Time) -> bool {
        let town = &mut self.stage.town;
        let before = town.happened().len();
        town.advance(at);
        town.happened()[before..].iter().any(|happened| happened.at.plus(SLACK) > at)
    }

    async fn move_time(&mut self, at: Time) -> anyhow::Result<()> {
        self.moments += 1;
        if self.moments > MOST_MOMENTS {
            bail!("after {MOST_MOMENTS} moments something still falls due: {at}");
        }
        self.world.move_time(at).await
    }

    async fn settle(&mut self) -> anyhow::Result<Rest> {
        let rest = rest(self.world).await?;
        self.record.catch_up(self.world, &rest.heads).await?;
        Ok(rest)
    }

    /// The same person does the same in both; how the services answer is what counts.
    async fn act(&mut self, deed: &Deed) -> anyhow::Result<Option<Refusal>> {
        let intent = match self.stage.town.intend(deed) {
            Ok(None) => return Ok(None),
            Ok(Some(intent)) => intent,
            Err(nothing_to_do) => return Ok(Some(nothing_to_do)),
        };
        let hands = Hands {
            world: self.world,
            actor: self.stage.town.actor(&intent.by),
            playbook: self.stage.town.playbook(),
            ticket: match intent.ticket {
                Some((ticket, _)) => self.same_case(&ticket.to_string()).unwrap_or_default(),
                None => String::new(),
            },
            cycle: intent.ticket.map_or(0, |(_, cycle)| cycle),
        };
        let done = hands.carry_out(&intent.doing).await?;
        // What the cores say to it shows in their timeline.
        let _ = self.stage.town.carry_out(&intent);
        self.settle().await?;
        Ok(done.err())
    }

    /// The case in the services that is this one in the cores.
    fn same_case(&self, ticket: &str) -> Option<String> {
        opened_at(self.record.happened(), &place_of(self.stage.town.happened(), ticket)?)
    }

    async fn judge(&mut self, scenario: &Scenario, mut misses: Vec<Miss>) -> anyhow::Result<Verdict> {
        let Stage { town, zone, .. } = &self.stage;
        let timeline = self.record.timeline();
        let ticket = town.ticket().and_then(|ticket| self.same_case(&ticket.id.to_string()));
        let eyes = Eyes::look(self.world, town, ticket.as_deref()).await?;
        for expectation in &scenario.then {
            misses.extend(check(expectation, &eyes, &timeline, zone));
        }
        let pure: Vec<Line> = town.happened().iter().filter_map(line_of).collect();
        misses.extend(differences(&pure, &timeline, zone));
        Ok(Verdict { misses, timeline, zone: zone.clone(), moments: self.moments })
    }
}

/// Lines that only one side has: to the minute, for stamps creep on by microseconds.
fn differences(pure: &[Line], live: &[Line], zone: &TimeZone) -> Vec<Miss> {
    let clock = |at: Time| wall(zone, at);
    let mut count: BTreeMap<String, i64> = BTreeMap::new();
    let text = |line: &Line| format!("{}  {}", clock(line.at), line.render(Lang::En, clock));
    pure.iter().for_each(|line| *count.entry(text(line)).or_default() += 1);
    live.iter().for_each(|line| *count.entry(text(line)).or_default() -= 1);
    let differ = count.into_iter().filter(|(_, count)| *count != 0);
    let miss = |(text, count): (String, i64)| {
        let (zh, en) = if count > 0 {
            ("服务中没有发生", "not in the services")
        } else {
            ("只在服务中发生", "only in the services")
        };
        scenario::Miss { text: playbook::Text::new(format!("{zh}：{text}"), format!("{en}: {text}")) }
    };
    differ.map(miss).take(SHOWN).collect()
}
