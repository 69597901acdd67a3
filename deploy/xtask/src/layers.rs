//! Which crate may depend on which.
//!
//! ```text
//! pure      calendar <- playbook <- organisation <- chassis-core <- <service>-core      (and proto, for all but the first two)
//!           chassis-core <- audit
//! shell     chassis
//! stage     stage: what tests of services stand on; only dev-dependencies name it
//! services  <service>: its own core and what is below
//! trial     trial, simulator: every core at once, pure as they are
//! whole     hotline, tests, fuzz-targets: seen by nobody, they see all
//! ```
//!
//! The point is what a core *cannot* do: no clock, no database, no network, so a replay is exact and the simulator runs
//! the very code that serves. proto is let through with what it brings along: the generated contracts name tonic.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::workspace;

const SERVICES: [&str; 8] =
    ["intake", "dispatch", "sla-watchdog", "follow-up", "reporting", "notify", "directory", "console"];

/// Crates that reach outside the process or watch a clock of their own.
const OUTSIDE: [&str; 12] = [
    "tokio",
    "async-nats",
    "sqlx",
    "sqlx-core",
    "tonic",
    "hyper",
    "reqwest",
    "axum",
    "lettre",
    "rustix",
    "mio",
    "opentelemetry-otlp",
];

/// One of our crates: what it names, and every crate of others that comes along (not through proto).
#[derive(Clone, Debug, Default)]
pub struct Crate {
    pub name: String,
    pub needs: BTreeSet<String>,
    /// Also for its tests and build scripts.
    pub needs_for_tests: BTreeSet<String>,
    pub brings_along: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    from: String,
    to: String,
    why: &'static str,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: {}", self.from, self.to, self.why)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer<'a> {
    /// Pure, shared; a lower number may be used by a higher one.
    Shared(u8),
    Proto,
    Core(&'a str),
    Chassis,
    /// Starts servers and a chassis for tests; no program contains it.
    Stage,
    Service(&'a str),
    /// Plays the cores together, in memory.
    Trial,
    Whole,
    /// Sees all of it, and is no part of it.
    Tests,
    /// Builds and runs the others and is used by none of them.
    Tool,
}

impl<'a> Layer<'a> {
    fn of(name: &'a str) -> Option<Layer<'a>> {
        Some(match name {
            "proto" => Layer::Proto,
            "calendar" => Layer::Shared(0),
            "playbook" => Layer::Shared(1),
            "organisation" => Layer::Shared(2),
            "chassis-core" => Layer::Shared(3),
            "audit" => Layer::Shared(4),
            "trial" | "simulator" => Layer::Trial,
            "chassis" => Layer::Chassis,
            "stage" => Layer::Stage,
            "hotline" => Layer::Whole,
            "tests" | "sim" | "fuzz-targets" => Layer::Tests,
            "xtask" | "local-engines" => Layer::Tool,
            service if SERVICES.contains(&service) => Layer::Service(service),
            other => Layer::Core(other.strip_suffix("-core").filter(|it| SERVICES.contains(it))?),
        })
    }

    fn is_pure(self) -> bool {
        matches!(self, Layer::Shared(_) | Layer::Core(_) | Layer::Trial)
    }
}

/// Our crates as cargo sees them.
pub fn workspace() -> Result<Vec<Crate>> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace::root().join("Cargo.toml"))
        .other_options(["--offline".to_owned()])
        .exec()
        .or_else(|_| {
            let mut online = MetadataCommand::new();
            online.manifest_path(workspace::root().join("Cargo.toml")).exec()
        })
        .context("cargo metadata failed")?;
    crates(&metadata)
}

/// Everything that goes the wrong way, in the order of the names.
#[must_use]
pub fn breaches(crates: &[Crate]) -> Vec<Breach> {
    let mut found: Vec<Breach> = crates.iter().flat_map(breaches_of).collect();
    found.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    found
}

fn breaches_of(one: &Crate) -> Vec<Breach> {
    let breach = |to: &str, why| Breach { from: one.name.clone(), to: to.to_owned(), why };
    let Some(from) = Layer::of(&one.name) else {
        return vec![breach(
            "?",
            "a crate without a layer: say in deploy/xtask/src/layers.rs where it belongs",
        )];
    };
    let mut found = Vec::new();
    for name in &one.needs {
        if let Some(why) = Layer::of(name).and_then(|to| refusal(from, to)) {
            found.push(breach(name, why));
        }
    }
    for name in one.needs_for_tests.difference(&one.needs) {
        if let Some(why) = Layer::of(name).and_then(|to| refusal_for_tests(from, to)) {
            found.push(breach(name, why));
        }
    }
    if from.is_pure() {
        let outside = one.brings_along.iter().filter(|it| OUTSIDE.contains(&it.as_str()));
        found.extend(outside.map(|name| breach(name, "a pure crate reaches outside")));
    }
    found
}

/// Why the one may not depend on the other.
fn refusal(from: Layer<'_>, to: Layer<'_>) -> Option<&'static str> {
    match (from, to) {
        (Layer::Tool, Layer::Tool) => None,
        (Layer::Stage, Layer::Tool | Layer::Proto | Layer::Chassis | Layer::Shared(_)) => None,
        (Layer::Stage, _) => Some("the stage knows no service"),
        (Layer::Tests, _) => None,
        (_, Layer::Stage) => Some("the stage is for tests"),
        (Layer::Whole, Layer::Tests) => Some("nothing depends on the whole"),
        (Layer::Whole, _) => None,
        (Layer::Tool, _) => Some("tools know the programs, not the crates"),
        (_, Layer::Tool) => Some("servers are started by tests and tools only"),
        (_, Layer::Whole | Layer::Tests) => Some("nothing depends on the whole"),
        // The rule binder tries a rule book before it is put in force.
        (Layer::Service("directory"), Layer::Trial) => None,
        (_, Layer::Trial) => Some("what serves does not try things out"),
        (Layer::Trial, Layer::Core(_)) => None,
        (Layer::Service(one), Layer::Core(other)) if one == other => None,
        (_, Layer::Core(_)) => Some("a core belongs to its service"),
        (_, Layer::Service(_)) => Some("services hear each other's events, they do not call"),
        (Layer::Shared(one), Layer::Shared(other)) if other >= one => Some("the wrong way round"),
        (Layer::Shared(0 | 1), Layer::Proto) => Some("working time and the language know no contracts"),
        (Layer::Proto, _) => Some("the contracts depend on nothing of ours"),
        (Layer::Shared(_) | Layer::Core(_) | Layer::Trial, Layer::Chassis) => {
            Some("a pure crate reaches outside")
        }
        (Layer::Shared(_) | Layer::Core(_) | Layer::Trial | Layer::Chassis | Layer::Service(_), _) => None,
    }
}

/// Tests may start servers and use what is beside them, not another service.
fn refusal_for_tests(from: Layer<'_>, to: Layer<'_>) -> Option<&'static str> {
    match (from, to) {
        (
            Layer::Service(_) | Layer::Core(_),
            Layer::Service(_) | Layer::Core(_) | Layer::Whole | Layer::Tests,
        ) => refusal(from, to),
        _ => None,
    }
}

fn crates(metadata: &Metadata) -> Result<Vec<Crate>> {
    let resolve = metadata.resolve.as_ref().context("cargo metadata resolved nothing")?;
    let names: HashMap<&PackageId, &str> =
        metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
    let mut normal: BTreeMap<&PackageId, Vec<&PackageId>> = BTreeMap::new();
    for node in &resolve.nodes {
        let needed = node.deps.iter().filter(|dependency| {
            let mut kinds = dependency.dep_kinds.iter();
            kinds.any(|it| it.kind == DependencyKind::Normal)
        });
        normal.insert(&node.id, needed.map(|it| &it.pkg).collect());
    }
    let of_ours = metadata.workspace_packages();
    Ok(of_ours
        .iter()
        .map(|package| {
            let declared = |kinds: &[DependencyKind]| {
                let chosen = package.dependencies.iter().filter(|it| kinds.contains(&it.kind));
                chosen.map(|it| it.name.clone()).collect()
            };
            Crate {
                name: package.name.to_string(),
                needs: declared(&[DependencyKind::Normal]),
                needs_for_tests: declared(&[DependencyKind::Development, DependencyKind::Build]),
                brings_along: reached(&package.id, &normal, &names),
            }
        })
        .collect())
}

/// All crates behind `start`, not looking behind proto.
fn reached(
    start: &PackageId,
    normal: &BTreeMap<&PackageId, Vec<&PackageId>>,
    names: &HashMap<&PackageId, &str>,
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        for next in normal.get(id).into_iter().flatten() {
            let name = names.get(next).copied().unwrap_or_default();
            if name != "proto" && seen.insert(*next) {
                open.push(next);
            }
        }
    }
    seen.iter().filter_map(|id| names.get(*id)).map(ToString::to_string).collect()
}
