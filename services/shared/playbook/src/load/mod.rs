//! From text to a playbook: read, gather names, decode, check what stands alone.
//!
//! Every problem is found in one run. What concerns the playbook as a whole (can a case get stuck, does a clock run at
//! every moment) is the business of `check`, which needs a playbook that loaded.

mod case;
mod cells;
mod clock;
mod condition;
mod derived;
pub(crate) mod document;
pub mod duty;
mod follow_up;
mod form;
mod head;
mod matrix;
pub mod names;
mod people;
pub(crate) mod reader;
mod steps;
pub(crate) mod table;
mod telling;
mod typing;

use std::{collections::BTreeMap, sync::Arc};

use self::{
    document::Document,
    names::Names,
    reader::{Ctx, Places, Source},
};
use crate::{
    diagnostic::Diagnostic,
    model::Playbook,
    yaml::{self, Node},
};

/// Where the parts of a playbook stand, so that later findings can point at them.
#[derive(Default)]
pub(crate) struct Origin {
    pub sources: Vec<Source>,
    pub places: Places,
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|s| &s.path)).finish()
    }
}

/// Loads a playbook from its files, given as (path, text).
///
/// # Errors
/// Everything that is wrong, in the order of the files.
pub(crate) fn load(files: &[(&str, &str)]) -> Result<Playbook, Vec<Diagnostic>> {
    let sources = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    let mut ctx = Ctx { sources, found: Vec::new(), names: Names::default(), places: BTreeMap::new() };
    let mut roots = read_all(&mut ctx, files);
    // Half a text would be reported as a hundred things missing.
    if ctx.found.iter().any(|d| d.code == "PB0001") {
        return Err(ctx.found);
    }
    if let Some((text, root)) = duty::expanded(&roots, files.len()) {
        ctx.sources.push(Source::new(duty::FILE, &text));
        roots.push(root);
    }
    let document = Document::new(&mut ctx, &roots);
    names::gather(&mut ctx, &document);
    let playbook = decode(&mut ctx, &document);
    if ctx.found.is_empty() {
        return Ok(Playbook { origin: Origin { sources: ctx.sources, places: ctx.places }, ..playbook });
    }
    let order = |d: &Diagnostic| (ctx.sources.iter().position(|s| s.path == d.file), d.line, d.column);
    let mut found = ctx.found;
    found.sort_by_key(order);
    found.dedup();
    Err(found)
}

fn read_all(ctx: &mut Ctx, files: &[(&str, &str)]) -> Vec<Node> {
    let mut problems = Vec::new();
    let roots =
        files.iter().enumerate().filter_map(|(at, (_, text))| yaml::read(at, text, &mut problems)).collect();
    for problem in problems {
        ctx.error(problem.code, problem.span, problem.message.zh, problem.message.en);
    }
    roots
}

fn decode(ctx: &mut Ctx, document: &Document<'_>) -> Playbook {
    let id = needed(ctx, document, "playbook").map(|n| ctx.code(n)).unwrap_or_default();
    let version = needed(ctx, document, "version").map_or(1, |n| ctx.count(n, 1, u32::MAX));
    let name = needed(ctx, document, "name").map(|n| ctx.text(n)).unwrap_or_default();
    let line = needed(ctx, document, "line").map(|n| ctx.code(n)).unwrap_or_default();
    let currency = needed(ctx, document, "currency").map(|n| currency(ctx, n)).unwrap_or_default();
    let roles = ctx.roles(document);
    let params = ctx.params(document);
    let waits = ctx.waits(document);
    let mut types = ctx
        .section(document, "types")
        .into_iter()
        .map(|e| (e.key.clone(), ctx.case_type(e)))
        .collect::<BTreeMap<_, _>>();
    if types.is_empty() {
        ctx.error(
            "PB0003",
            document.start(),
            "至少要有一个类型（types）",
            "at least one case type (`types`) is needed",
        );
    }
    let tables = ctx.tables(document);
    let derived = Arc::new(ctx.derivation(&tables, &types));
    types.values_mut().for_each(|case_type| case_type.derived = Arc::clone(&derived));
    let duties = ctx.duties(document);
    let matrices = ctx.matrices(document);
    let mut clocks = ctx.clocks(document);
    clocks.extend(ctx.paper_clocks(&matrices, &types));
    Playbook {
        id,
        version,
        name,
        line,
        currency,
        roles,
        params,
        waits,
        types,
        tables,
        matrices,
        clocks,
        duties,
        follow_ups: ctx.follow_ups(document),
        tells: ctx.tells(document),
        figures: ctx.figures(document),
        reports: ctx.reports(document),
        privacy: ctx.privacy(document),
        origin: Origin::default(),
    }
}

fn needed<'n>(ctx: &mut Ctx, document: &Document<'n>, key: &str) -> Option<&'n Node> {
    let node = document.get(key);
    if node.is_none() {
        ctx.error("PB0003", document.start(), format!("缺少“{key}”"), format!("`{key}` is missing"));
    }
    node
}

fn currency(ctx: &mut Ctx, node: &Node) -> String {
    let code = ctx.string(node);
    // Amounts are read as hundredths, so only currencies with two minor digits will do.
    const TWO_DIGITS: &[&str] = &["CNY", "EUR", "USD", "HKD", "MOP", "TWD", "GBP", "SGD", "CHF", "AUD"];
    if !TWO_DIGITS.contains(&code.as_str()) {
        ctx.unknown("PB0006", node.span, ("货币", "currency"), &code, TWO_DIGITS.iter().copied());
    }
    code
}
