//! `hotline playbook backtest`: recorded cases under a rule book, or under two of them.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use anyhow::{Context, bail};
use clap::Args;
use comfy_table::{Table, presets};
use organisation::Snapshot;
use playbook::{Lang, Playbook};
use proto::Time;
use trial::{
    backtest::{self, Agreement, Backtest, Difference, Tally, figure_name},
    recorded::History,
};

use super::{
    Language,
    files::{self, Place},
    journal, per_cent, print, say,
};

#[derive(Debug, Args)]
pub struct BacktestArguments {
    /// The rule book in force: file or folder.
    pub old: PathBuf,
    /// The rule book to compare with.
    pub new: Option<PathBuf>,
    /// An exported journal: what `hotline events tail --all --json` printed.
    #[arg(long, conflicts_with = "log", required_unless_present = "log")]
    pub journal: Option<PathBuf>,
    /// A recorded table (CSV, also gzipped): a row per case or a row per event.
    #[arg(long, requires = "mapping")]
    pub log: Option<PathBuf>,
    /// Which column of the table is what.
    #[arg(long)]
    pub mapping: Option<PathBuf>,
    #[command(flatten)]
    pub place: Place,
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
}

/// Recorded cases, and what a rule book is to be compared with.
pub struct Recording {
    pub histories: Vec<History>,
    pub until: Time,
    /// The clock that stands for the recorded target.
    pub clock: Option<String>,
}

/// One rule book's outcome, and how fast it came.
#[derive(Debug)]
pub struct Outcome {
    pub tally: Tally,
    pub agreement: Agreement,
    pub cases_per_second: u64,
}

pub fn carry_out(arguments: &BacktestArguments) -> anyhow::Result<ExitCode> {
    let lang = arguments.language.into();
    let mut recording = recording(arguments)?;
    let old = run(&arguments.old, arguments, &mut recording)?;
    print(format_args!("{}\n", one(&old, lang)))?;
    let Some(path) = &arguments.new else { return Ok(ExitCode::SUCCESS) };
    let new = run(path, arguments, &mut recording)?;
    print(format_args!("{}\n", one(&new, lang)))?;
    print(format_args!("{}", Difference::between(&old.tally, &new.tally).render(lang)))?;
    Ok(ExitCode::SUCCESS)
}

pub fn recording(arguments: &BacktestArguments) -> anyhow::Result<Recording> {
    let recording = match (&arguments.journal, &arguments.log, &arguments.mapping) {
        (Some(path), ..) => {
            let heard = journal::read(path)?;
            let until = heard.iter().map(|heard| heard.recorded_at).max().unwrap_or_default();
            Recording { histories: backtest::histories(heard), until, clock: None }
        }
        (None, Some(path), Some(mapping)) => {
            let mapping = files::mapping(mapping)?;
            let reading = files::recording(path, &mapping, arguments.language.into())?;
            Recording { histories: reading.histories, until: reading.until, clock: mapping.clock }
        }
        _ => bail!("say --journal FILE, or --log FILE with --mapping FILE"),
    };
    if recording.histories.is_empty() {
        bail!("no case can be made of what is recorded");
    }
    Ok(recording)
}

/// All recorded cases under one rule book.
pub fn run(
    path: &PathBuf,
    arguments: &BacktestArguments,
    recording: &mut Recording,
) -> anyhow::Result<Outcome> {
    let texts = files::texts(std::slice::from_ref(path))?;
    let playbook = files::load(&texts, arguments.language.into())?;
    let branches = backtest::branches(&recording.histories);
    let directory = arguments.place.ground(&playbook, &branches)?.snapshot()?;
    under(&playbook, &directory, recording)
}

/// The same for a rule book that is loaded already.
pub fn under(
    playbook: &Playbook,
    directory: &Snapshot,
    recording: &mut Recording,
) -> anyhow::Result<Outcome> {
    let clock = recording.clock.as_deref();
    if let Some(clock) = clock {
        playbook.clock(clock).with_context(|| format!("{} has no clock `{clock}`", playbook.id))?;
    }
    let began = Instant::now();
    let mut backtest = Backtest::new(playbook, directory, clock);
    for history in &mut recording.histories {
        backtest.take(history, recording.until);
    }
    let (tally, agreement) = backtest.finish();
    let micros = began.elapsed().as_micros().max(1);
    let rate = recording.histories.len() as u128 * 1_000_000 / micros;
    Ok(Outcome { tally, agreement, cases_per_second: u64::try_from(rate).unwrap_or(u64::MAX) })
}

fn one(outcome: &Outcome, lang: Lang) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let names = outcome.tally.total.figures().map(|(figure, _)| figure_name(figure, lang).to_owned());
    table.set_header([String::new()].into_iter().chain(names));
    let clocks = outcome.tally.clocks.iter().map(|(clock, count)| (clock.as_str(), count));
    for (name, count) in [(say(lang, "合计", "in all"), &outcome.tally.total)].into_iter().chain(clocks) {
        let row = count.figures().map(|(_, number)| number.to_string());
        table.add_row([name.to_owned()].into_iter().chain(row));
    }
    let mut out = format!("{table}\n");
    if outcome.agreement.with_target > 0 {
        out.push_str(&agreement(&outcome.agreement, lang));
    }
    for (case_type, cases) in &outcome.tally.unknown {
        let why = say(lang, "规则书里没有这个类型", "the rule book has no such case type");
        out.push_str(&format!("{case_type} x {cases}: {why}\n"));
    }
    let speed = say(lang, "案件/秒（单核）", "cases a second on one core");
    out.push_str(&format!("{} {speed}\n", outcome.cases_per_second));
    out
}

/// Beside the recorder's own targets and flags.
pub fn agreement(agreement: &Agreement, lang: Lang) -> String {
    let share = |what: &str, part: u64, whole: u64, share: u64| {
        format!("{what}: {part} / {whole} = {}\n", per_cent(share))
    };
    share(
        say(lang, "重现的目标时间", "recorded targets reproduced"),
        agreement.reproduced,
        agreement.with_target,
        agreement.reproduced_share(),
    ) + &share(
        say(lang, "其中按时与否一致", "of these, the recorded verdict on time or late"),
        agreement.agreed,
        agreement.flagged,
        agreement.agreed_share(),
    )
}
