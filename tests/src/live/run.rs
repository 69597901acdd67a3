//! Many scenarios, several at once, and what came of them.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use hotline::playbook::live::{Pack, Played, Results};
use playbook::Lang;
use trial::scenario::Scenario;

use super::{Course, Slot, play};

/// What is played.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the rule books.
    pub folder: PathBuf,
    /// Only this one.
    pub pack: Option<String>,
    /// Only scenarios in whose sentence or file this stands.
    pub scenario: Option<String>,
    /// Every so-manieth only, beginning with one that the seed gives.
    pub share: usize,
    pub seed: usize,
    /// How many at once.
    pub jobs: usize,
    /// Where results are kept; others that stand there stay.
    pub results: PathBuf,
    pub timeline: bool,
}

struct Job {
    pack: Arc<Pack>,
    course: Arc<Course>,
    scenario: Scenario,
}

struct Done {
    played: Played,
    text: String,
    seconds: f64,
    moments: u32,
}

/// What is left to do, and what came of the rest.
struct Desk {
    jobs: Mutex<VecDeque<Job>>,
    done: Mutex<(Results, Tally)>,
    options: Options,
}

/// How many held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    pub wanted: usize,
    pub played: usize,
    pub held: usize,
    pub moments: u32,
    /// All slots together.
    pub seconds: f64,
}

/// Plays what was chosen; a failing one is printed at once.
///
/// # Errors
/// Rule books that cannot be read, engines that do not start.
pub async fn run(options: Options) -> anyhow::Result<Tally> {
    let jobs = jobs(&options)?;
    anyhow::ensure!(!jobs.is_empty(), "no scenario fits");
    let results =
        if options.results.exists() { Results::read(&options.results)? } else { Results::default() };
    let tally = Tally { wanted: jobs.len(), ..Tally::default() };
    let (slots, began) = (options.jobs.max(1), Instant::now());
    let desk = Desk { jobs: Mutex::new(jobs), done: Mutex::new((results, tally)), options };
    // The services have their own tasks; who plays them only asks and waits.
    futures::future::try_join_all((0..slots).map(|_| work(&desk))).await?;
    let tally = desk.done.lock().unwrap_or_else(PoisonError::into_inner).1;
    println!(
        "{} of {} hold in the running services; {:.0} s, {:.1} s each, {} moments",
        tally.held,
        tally.played,
        began.elapsed().as_secs_f64(),
        tally.seconds / tally.played.max(1) as f64,
        tally.moments,
    );
    Ok(tally)
}

fn jobs(options: &Options) -> anyhow::Result<VecDeque<Job>> {
    let mut jobs = VecDeque::new();
    for pack in Pack::all(&options.folder)? {
        if options.pack.as_ref().is_some_and(|only| *only != pack.name) {
            continue;
        }
        let (course, pack) = (Arc::new(Course::of(&pack)?), Arc::new(pack));
        for scenario in &pack.scenarios {
            jobs.push_back(Job { pack: pack.clone(), course: course.clone(), scenario: scenario.clone() });
        }
    }
    let share = options.share.max(1);
    let named = |scenario: &Scenario| {
        let text = options.scenario.as_deref().unwrap_or_default();
        scenario.scenario.contains(text) || scenario.file.contains(text)
    };
    let chosen = jobs.into_iter().filter(|job| named(&job.scenario)).enumerate();
    Ok(chosen.filter(|(place, _)| place % share == options.seed % share).map(|(_, job)| job).collect())
}

async fn work(desk: &Desk) -> anyhow::Result<()> {
    let mut slot = None;
    loop {
        let job = desk.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(job) = job else { break };
        let mut ready = match slot.take() {
            Some(slot) => slot,
            None => Slot::open().await?,
        };
        let done = one(&mut ready, &job, desk.options.timeline).await;
        // Where the system itself failed, nothing is known about its engines.
        slot = done.1.then_some(ready);
        desk.take(done.0)?;
    }
    match slot {
        Some(slot) => slot.close().await,
        None => Ok(()),
    }
}

/// And whether the slot can be used again.
async fn one(slot: &mut Slot, job: &Job, timeline: bool) -> (Done, bool) {
    let began = Instant::now();
    let ended = play(slot, &job.scenario, &job.course).await;
    let sound = ended.is_ok();
    let (held, why, text, moments) = match ended {
        Ok(verdict) => {
            let why = verdict.misses.iter().map(|miss| miss.get(Lang::En).to_owned()).collect();
            let text = if timeline || !verdict.holds() { verdict.render(Lang::En) } else { String::new() };
            (verdict.holds(), why, text, verdict.moments)
        }
        Err(error) => (false, vec![format!("{error:#}")], format!("  {error:#}\n"), 0),
    };
    let played = Played {
        pack: job.pack.name.clone(),
        file: job.scenario.file.clone(),
        scenario: job.scenario.scenario.clone(),
        rules: job.scenario.covers.clone(),
        held,
        why,
        digest: job.scenario.digest.clone(),
        rule_book: job.pack.digest.clone(),
    };
    (Done { played, text, seconds: began.elapsed().as_secs_f64(), moments }, sound)
}

impl Desk {
    fn take(&self, done: Done) -> anyhow::Result<()> {
        let mut kept = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let (results, tally) = &mut *kept;
        tally.played += 1;
        tally.held += usize::from(done.played.held);
        tally.moments += done.moments;
        tally.seconds += done.seconds;
        let mark = if done.played.held { "ok" } else { "FAILED" };
        println!(
            "{}/{} {mark}  {}/{}: {} ({:.1} s)\n{}",
            tally.played,
            tally.wanted,
            done.played.pack,
            done.played.file,
            done.played.scenario,
            done.seconds,
            done.text.trim_end_matches('\n'),
        );
        results.put(done.played);
        results.write(&self.options.results)
    }
}
