//! `cargo xtask test`: every test, then the examples of the documentation, and one line at the end that sums up.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use local_engines::{Postgres, PostgresOptions};

use crate::workspace::{cargo, phase, shown, succeed};
use crate::{browser, buf, live, python};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    live: live::Args,
    /// For the test runner (`-p intake-core`, a name's part, ...); without any, everything runs.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    runner: Vec<String>,
}

/// Runs these tests of the whole; what browsers see is kept in a folder.
pub async fn run_taking_pictures(folder: &Path, filter: &str) -> Result<ExitCode> {
    phase("the program that tests start", build_program)?;
    let mut surroundings = surroundings().await?;
    surroundings.variables.push(("SCREENSHOTS", folder.display().to_string()));
    // Without a browser there are no pictures: that is a failure here.
    surroundings.variables.push(("CI", "true".to_owned()));
    let words = ["--test", "all", "-E", filter];
    let words = words.map(str::to_owned);
    let outcome = phase("pages", || run_tests(&words, &surroundings.variables));
    if let Some(postgres) = surroundings.postgres {
        postgres.stop().await?;
    }
    Ok(if outcome?.status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the tests find in their environment.
struct Surroundings {
    variables: Vec<(&'static str, String)>,
    /// None where the environment named one.
    postgres: Option<Postgres>,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    if args.live.live_scenarios {
        return live::run(args.live).await;
    }
    let began = Instant::now();
    if args.runner.is_empty() || args.runner.iter().any(|word| word == "tests") {
        phase("the program that tests start", build_program)?;
    }
    let surroundings = surroundings().await?;
    let outcome = phase("tests", || run_tests(&args.runner, &surroundings.variables));
    // The examples need no server.
    if let Some(postgres) = surroundings.postgres {
        postgres.stop().await?;
    }
    let tests = outcome?;
    let mut summary = tests.summary;
    let mut passed = tests.status.success();
    if args.runner.is_empty() {
        let examples = phase("examples of the documentation", run_examples)?;
        passed &= examples.status.success();
        summary = format!("{summary}; examples: {}", examples.summary);
    }
    let word = if passed { "passed" } else { "FAILED" };
    println!("{word} after {:.0} s: {summary}", began.elapsed().as_secs_f64());
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn surroundings() -> Result<Surroundings> {
    let tools = tokio::task::spawn_blocking(|| {
        anyhow::Ok((python::python_env()?, buf::buf_binary()?, browser::tools()?, browser::chromium()))
    });
    let ((url, postgres), tools) = tokio::try_join!(postgres(), async { tools.await? })?;
    let mut variables = vec![
        ("TEST_DATABASE_URL", url),
        ("HOTLINE_PYTHON", tools.0.display().to_string()),
        ("BUF", tools.1.display().to_string()),
        ("BROWSER_TOOLS", tools.2.display().to_string()),
    ];
    variables.extend(tools.3.map(|chromium| ("CHROMIUM", chromium.display().to_string())));
    Ok(Surroundings { variables, postgres })
}

/// One Postgres for the whole run (each test has a database of its own in it): with a process per test, as nextest has
/// it, a server per test would cost more than the tests.
async fn postgres() -> Result<(String, Option<Postgres>)> {
    if let Some(named) = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()) {
        return Ok((named, None));
    }
    let options = PostgresOptions { fresh: true, ..PostgresOptions::new(local_engines::scratch("run")?) };
    let postgres = Postgres::start(options).await.context("Postgres did not start")?;
    Ok((postgres.url(), Some(postgres)))
}

struct Ran {
    status: ExitStatus,
    summary: String,
}

/// The program that tests across services start and kill; of the same profile as the tests.
fn build_program() -> Result<()> {
    succeed(cargo().args(["build", "--workspace", "--bin", "hotline"]))
}

fn run_tests(runner: &[String], variables: &[(&'static str, String)]) -> Result<Ran> {
    let nextest = has_nextest();
    let mut command = cargo();
    if nextest {
        command.args(["nextest", "run"]);
    } else {
        command.args(["test", "--lib", "--bins", "--tests"]);
    }
    let chosen = ["-p", "--package", "--workspace"];
    if !runner.iter().any(|word| chosen.contains(&word.as_str())) {
        command.arg("--workspace");
    }
    command.args(runner).envs(variables.iter().cloned());
    eprintln!("   {}", shown(&command));
    if nextest {
        let (status, said) = watch(command, Watched::Stderr, |line| line.contains("Summary ["))?;
        let summary = said.last().map_or("nextest gave no summary", |line| line.trim());
        return Ok(Ran { status, summary: summary.to_owned() });
    }
    count_results(command)
}

fn run_examples() -> Result<Ran> {
    let mut command = cargo();
    command.args(["test", "--doc", "--workspace", "--quiet"]);
    count_results(command)
}

/// The built-in runner sums up per program only.
fn count_results(command: Command) -> Result<Ran> {
    let (status, said) = watch(command, Watched::Stdout, |line| line.contains("test result:"))?;
    let total = |what: &str| -> u64 { said.iter().filter_map(|line| number_before(line, what)).sum() };
    let summary =
        format!("{} passed, {} failed, {} skipped", total("passed"), total("failed"), total("ignored"));
    Ok(Ran { status, summary })
}

fn number_before(line: &str, what: &str) -> Option<u64> {
    let before = line.split(what).next().filter(|before| before.len() < line.len())?;
    before.split_whitespace().next_back()?.parse().ok()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Watched {
    Stdout,
    Stderr,
}

/// Runs a command to its end, showing its output as it comes, and keeps the lines of one stream that matter.
fn watch(
    mut command: Command,
    stream: Watched,
    matters: fn(&str) -> bool,
) -> Result<(ExitStatus, Vec<String>)> {
    if std::io::stderr().is_terminal() {
        // It writes into a pipe now and would think nobody looks.
        command.env("CARGO_TERM_COLOR", "always");
    }
    match stream {
        Watched::Stdout => command.stdout(Stdio::piped()),
        Watched::Stderr => command.stderr(Stdio::piped()),
    };
    let name = shown(&command);
    let mut child = command.spawn().with_context(|| format!("cannot run `{name}`"))?;
    let output: Box<dyn Read + Send> = match stream {
        Watched::Stdout => Box::new(child.stdout.take().context("the output was asked for")?),
        Watched::Stderr => Box::new(child.stderr.take().context("the output was asked for")?),
    };
    let reading = thread::spawn(move || pass_on(output, stream, matters));
    let status = child.wait().with_context(|| format!("cannot wait for `{name}`"))?;
    let kept = reading.join().unwrap_or_default();
    Ok((status, kept))
}

fn pass_on(output: Box<dyn Read + Send>, stream: Watched, matters: fn(&str) -> bool) -> Vec<String> {
    let mut kept = Vec::new();
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        // A closed terminal ends the showing, not the tests.
        let _ = match stream {
            Watched::Stdout => writeln!(std::io::stdout(), "{line}"),
            Watched::Stderr => writeln!(std::io::stderr(), "{line}"),
        };
        if matters(&line) {
            kept.push(line);
        }
    }
    kept
}

fn has_nextest() -> bool {
    let mut probe = cargo();
    probe.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_programs_are_counted() {
        let line =
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(number_before(line, "passed"), Some(12));
        assert_eq!(number_before(line, "ignored"), Some(3));
        assert_eq!(number_before("running 3 tests", "passed"), None);
    }

    #[test]
    fn lines_that_matter_are_kept_while_all_are_shown() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo 'test result: x'; exit 3"]);
        let (status, kept) = watch(command, Watched::Stdout, |line| line.contains("result")).unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(kept, ["test result: x"]);
    }
}
