//! `hotline playbook limits`: the limits of an existing desk, from its own targets.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::Context;
use calendar::{Calendar, CalendarSource};
use clap::Args;
use comfy_table::{Table, presets};
use playbook::Lang;
use trial::limits::{self, Cause, Given, Learnt, Names, Reproduction};

use super::{Language, files, per_cent, print, say};

#[derive(Debug, Args)]
pub struct Limits {
    /// The recorded requests (CSV, also gzipped).
    pub table: PathBuf,
    /// Which column is what: `kind` and `target` are needed.
    #[arg(long)]
    pub mapping: PathBuf,
    /// The desk's hours and days off; parents first.
    #[arg(long = "calendar", value_name = "FILE", required = true)]
    pub calendars: Vec<PathBuf>,
    /// Write the rule book here.
    #[arg(long, short)]
    pub out: Option<PathBuf>,
    /// Learn from the first half of each kind's rows only, and reproduce the second.
    #[arg(long)]
    pub prove: bool,
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
}

/// What was learned, and how it came out on the other half if that was asked.
#[derive(Debug)]
pub struct Outcome {
    pub learnt: BTreeMap<String, Learnt>,
    pub reproduction: Option<Reproduction>,
}

pub fn carry_out(limits: &Limits) -> anyhow::Result<ExitCode> {
    let lang = limits.language.into();
    let outcome = run(limits)?;
    print(format_args!("{}\n", learnt_table(&outcome.learnt, lang)))?;
    if let Some(reproduction) = &outcome.reproduction {
        print(format_args!("{}\n", report(reproduction, lang)))?;
    }
    if let Some(out) = &limits.out {
        std::fs::write(out, rule_book(limits, &outcome)?)
            .with_context(|| format!("{} cannot be written", out.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The rule book that says what was learned, under the names of the mapping.
pub fn rule_book(limits: &Limits, outcome: &Outcome) -> anyhow::Result<String> {
    let mapping = files::mapping(&limits.mapping)?;
    let column = mapping.kind.as_ref();
    let field = mapping.facts.iter().find(|(_, fact)| Some(*fact) == column).map(|(name, _)| name.as_str());
    let case_type = match &mapping.case_type {
        trial::recorded::Source::Fixed { fixed } => fixed.as_str(),
        trial::recorded::Source::Column(_) => "request",
    };
    let names = Names {
        playbook: "recorded-limits",
        case_type,
        field: field.context("name the `kind` column under `facts` too, so that conditions can read it")?,
        clock: mapping.clock.as_deref().unwrap_or("target"),
    };
    Ok(limits::rule_book(&names, &outcome.learnt))
}

pub fn run(limits: &Limits) -> anyhow::Result<Outcome> {
    let mapping = files::mapping(&limits.mapping)?;
    mapping
        .kind
        .as_ref()
        .context("the mapping names no `kind`: the column whose values have a limit each")?;
    let calendar = calendar(&limits.calendars)?;
    let reading = files::recording(&limits.table, &mapping, limits.language.into())?;
    let rows = Given::of(&reading);
    if !limits.prove {
        let learnt = limits::learn(&calendar, &rows.iter().collect::<Vec<_>>());
        return Ok(Outcome { learnt, reproduction: None });
    }
    let (first, second) = limits::halves(&rows);
    let learnt = limits::learn(&calendar, &first);
    let reproduction = limits::reproduce(&calendar, &learnt, &second);
    Ok(Outcome { learnt, reproduction: Some(reproduction) })
}

fn calendar(paths: &[PathBuf]) -> anyhow::Result<Calendar> {
    let mut sources = Vec::new();
    for path in paths {
        let source = CalendarSource::from_yaml(&files::text(path)?).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("{}: {}", path.display(), lines.join("\n"))
        })?;
        sources.push(source);
    }
    let last = sources.last().context("a calendar is needed")?;
    Calendar::compile(last, &sources).map_err(|problems| {
        anyhow::anyhow!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn learnt_table(learnt: &BTreeMap<String, Learnt>, lang: Lang) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        say(lang, "类别", "kind"),
        say(lang, "时限", "limit"),
        say(lang, "符合", "explains"),
        say(lang, "行数", "of rows"),
        say(lang, "以前", "before"),
    ]);
    for (kind, found) in learnt {
        let limit = |limit: &calendar::Limit| match lang {
            Lang::Zh => limit.zh(),
            Lang::En => limit.to_string(),
        };
        let before = found.before.as_ref().map(|(old, last)| {
            let day = last.strftime("%Y-%m-%d");
            format!("{} ({} {day})", limit(old), say(lang, "止于", "until"))
        });
        table.add_row([
            kind.clone(),
            limit(&found.limit),
            found.explained.to_string(),
            found.rows.to_string(),
            before.unwrap_or_default(),
        ]);
    }
    table
}

/// How many kinds are shown with their misses.
const KINDS_SHOWN: usize = 15;

/// The share, and the misses by cause.
pub fn report(found: &Reproduction, lang: Lang) -> String {
    let mut out = format!(
        "{}: {} / {} = {}\n\n",
        say(lang, "后一半目标时间得到重现", "targets of the second half reproduced"),
        found.reproduced,
        found.rows,
        per_cent(found.share() as u64)
    );
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([say(lang, "未重现的原因", "misses by cause"), say(lang, "行数", "rows")]);
    for (cause, rows) in found.by_cause() {
        table.add_row([cause_name(cause, lang).to_owned(), rows.to_string()]);
    }
    out.push_str(&format!("{table}\n\n"));
    let mut kinds = Table::new();
    kinds.load_style(presets::NOTHING);
    kinds.set_header([say(lang, "类别", "kind"), say(lang, "原因", "cause"), say(lang, "行数", "rows")]);
    for (kind, causes) in found.by_kind().into_iter().take(KINDS_SHOWN) {
        for (cause, rows) in causes {
            kinds.add_row([kind.to_owned(), cause_name(cause, lang).to_owned(), rows.to_string()]);
        }
    }
    out.push_str(&format!("{kinds}\n"));
    out
}

fn cause_name(cause: Cause, lang: Lang) -> &'static str {
    say(lang, cause.zh(), cause.en())
}
