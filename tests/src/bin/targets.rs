//! `targets [DATA] [--language zh-CN]`: targets that others recorded, and what our arithmetic and our rule books make of them.
//!
//! Learns each kind's limit from the first half of its rows, reproduces the second half, writes the limits into a rule
//! book, replays every request under it beside the recorded verdicts, changes one limit and shows the difference, and
//! replays a help desk's log. Fails below the targets.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use clap::Parser;
use hotline::playbook::{
    Language,
    backtest::{self, BacktestArguments, Outcome},
    files::Place,
    limits::{self, Limits},
};
use playbook::Lang;
use trial::backtest::Difference;

/// 95 % of the recorded targets, 99 % of the recorded verdicts.
const TARGETS: u64 = 9_500;
const VERDICTS: u64 = 9_900;

#[derive(Debug, Parser)]
struct Arguments {
    /// Where the recordings lie.
    #[arg(default_value = "../shared/data")]
    data: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    language: Language,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir().context("no folder for the rule books")?;
    let requests = arguments.data.join("service-requests-2015-h1.csv.gz");
    let rule_book = targets(&arguments, &requests, folder.path())?;
    verdicts(&arguments, &requests, &rule_book)?;
    help_desk(&arguments)?;
    Ok(ExitCode::SUCCESS)
}

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recorded").join(name)
}

/// First half and second half of every kind's rows.
fn targets(arguments: &Arguments, requests: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let lang: Lang = arguments.language.into();
    let limits = Limits {
        table: requests.to_owned(),
        mapping: recorded("service-requests.yaml"),
        calendars: vec![recorded("city-desk.yaml")],
        out: None,
        prove: true,
        language: arguments.language,
    };
    let outcome = limits::run(&limits)?;
    let reproduction = outcome.reproduction.as_ref().context("nothing was reproduced")?;
    println!("{}", limits::report(reproduction, lang));
    let path = folder.join("limits.yaml");
    std::fs::write(&path, limits::rule_book(&limits, &outcome)?)?;
    ensure!(reproduction.share() as u64 >= TARGETS, "fewer than 95 % of the targets are reproduced");
    Ok(path)
}

/// Every request under the learned limits, beside its recorded verdict; then with one limit changed.
fn verdicts(arguments: &Arguments, requests: &Path, rule_book: &Path) -> anyhow::Result<()> {
    let lang: Lang = arguments.language.into();
    let changed = rule_book.with_file_name("changed.yaml");
    let text = std::fs::read_to_string(rule_book)?;
    let (old, new) = (
        "== 'street_light_outages'\", limit: 10 working days",
        "== 'street_light_outages'\", limit: 5 working days",
    );
    ensure!(text.contains(old), "the limit that is to be changed is not the one learned");
    std::fs::write(&changed, text.replace(old, new))?;
    let backtest = BacktestArguments {
        old: rule_book.to_owned(),
        new: Some(changed),
        journal: None,
        log: Some(requests.to_owned()),
        mapping: Some(recorded("service-requests.yaml")),
        place: Place { calendars: vec![recorded("city-desk.yaml")], directory: Vec::new() },
        language: arguments.language,
    };
    let (old, new) = both(&backtest)?;
    println!("{}", backtest::agreement(&old.agreement, lang));
    println!("{}", Difference::between(&old.tally, &new.tally).render(lang));
    println!("{} / {} cases a second", old.cases_per_second, new.cases_per_second);
    ensure!(
        old.agreement.agreed_share() >= VERDICTS,
        "fewer than 99 % of the verdicts are the recorded ones"
    );
    Ok(())
}

fn both(arguments: &BacktestArguments) -> anyhow::Result<(Outcome, Outcome)> {
    let mut recording = backtest::recording(arguments)?;
    let old = backtest::run(&arguments.old, arguments, &mut recording)?;
    let new = arguments.new.as_ref().context("two rule books")?;
    Ok((old, backtest::run(new, arguments, &mut recording)?))
}

fn help_desk(arguments: &Arguments) -> anyhow::Result<()> {
    let backtest = BacktestArguments {
        old: recorded("help-desk/playbook.yaml"),
        new: None,
        journal: None,
        log: Some(arguments.data.join("help-desk-log.csv.gz")),
        mapping: Some(recorded("help-desk.yaml")),
        place: Place::default(),
        language: arguments.language,
    };
    backtest::carry_out(&backtest)?;
    Ok(())
}
