//! Prints the statutory calendar made from a table of holidays:
//! `cargo run -p calendar --example import-holidays -- FILE [VERSION] > deploy/calendars/china.yaml`

use anyhow::Context as _;

const HEADER: &str = "\
# Statutory holidays and make-up working days (调休) of China, from the yearly notices of the State
# Council. Facts from the table NateScarlet/holiday-cn (MIT, copyright 2019 NateScarlet).
# Generated; to add a year, import the longer table with a higher version:
#   cargo run -p calendar --example import-holidays -- FILE VERSION
# Later years are provisional until their notice is in.
";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().context("give the file with the table of holidays")?;
    let version = arguments.next().map_or(Ok(1), |version| version.parse()).context("VERSION is a number")?;
    let table = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let source = calendar::import_holidays(&table, version).with_context(|| file.clone())?;
    print!("{HEADER}{}", source.to_yaml());
    Ok(())
}
