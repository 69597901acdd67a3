//! `hotline playbook`: a rule book read, checked, shown and tried, from its files alone. No service is asked, but to activate it.
//!
//! ```text
//! files.rs  rule books, calendars, an organisation, a recording from disk --> trial (pure) --> a text for people
//! ```

pub mod backtest;
mod books;
pub mod check;
pub mod files;
pub mod journal;
pub mod limits;
pub mod live;
pub mod rules;
pub mod scenarios;

use std::{
    fmt::Display,
    io::{ErrorKind, Write as _},
    process::ExitCode,
};

use clap::{Subcommand, ValueEnum};
use playbook::Lang;

#[derive(Debug, Subcommand)]
pub enum PlaybookCommand {
    /// Everything questionable about a rule book, each with its place and a hint.
    Check(check::Check),
    /// The rule book as a document.
    Show(check::Show),
    /// Documents of rule books beside their files: compared, or written anew.
    Books(books::Books),
    /// The JSON Schema for editors.
    Schema,
    /// Put a version in force; show what it would change for running cases, or move them to it.
    Activate(crate::activate_command::Activate),
    /// Play scenarios through the cores that serve, in simulated time.
    Test(scenarios::Test),
    /// One imagined case: everything that would happen, and when.
    Simulate(scenarios::Simulate),
    /// Rules of a catalogue: which rule books carry them, which scenarios show that they hold.
    Rules(rules::Rules),
    /// Learn the limits of an existing desk from its recorded targets, as a rule book.
    Limits(limits::Limits),
    /// What a rule book would have made of recorded cases; with two, where they differ.
    Backtest(backtest::BacktestArguments),
}

/// The language of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    #[default]
    En,
    #[value(name = "zh-CN", alias = "zh")]
    Chinese,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Lang {
        match language {
            Language::En => Lang::En,
            Language::Chinese => Lang::Zh,
        }
    }
}

/// One of two texts.
pub(crate) fn say<'t>(lang: Lang, zh: &'t str, en: &'t str) -> &'t str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// Prints; that nobody reads on (`| head`) is an error like any other.
pub(crate) fn print(text: impl Display) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}")?;
    out.flush()
}

/// Hundredths of a per cent as people read them.
pub(crate) fn per_cent(hundredths: u64) -> String {
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// What a shell says of programs that a closed pipe has ended: 128 + SIGPIPE.
const UNREAD: u8 = 141;

/// Ends quietly when whoever reads has seen enough.
pub fn carry_out(command: PlaybookCommand) -> anyhow::Result<ExitCode> {
    let unread = |error: &anyhow::Error| {
        error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    };
    match run(command) {
        Err(error) if unread(&error) => Ok(ExitCode::from(UNREAD)),
        ended => ended,
    }
}

fn run(command: PlaybookCommand) -> anyhow::Result<ExitCode> {
    match command {
        PlaybookCommand::Check(check) => check::check(&check),
        PlaybookCommand::Show(show) => check::show(&show),
        PlaybookCommand::Books(books) => books::carry_out(&books),
        PlaybookCommand::Schema => {
            print(format_args!("{}\n", serde_json::to_string_pretty(&playbook::schema::schema())?))?;
            Ok(ExitCode::SUCCESS)
        }
        // Asks the services, so it needs their configuration: see `cli`.
        PlaybookCommand::Activate(_) => anyhow::bail!("asks the services, which this does not"),
        PlaybookCommand::Test(test) => scenarios::test(&test),
        PlaybookCommand::Simulate(simulate) => scenarios::simulate(&simulate),
        PlaybookCommand::Rules(rules) => rules::carry_out(&rules),
        PlaybookCommand::Limits(limits) => limits::carry_out(&limits),
        PlaybookCommand::Backtest(backtest) => backtest::carry_out(&backtest),
    }
}
