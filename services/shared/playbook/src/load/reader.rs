//! The combinators: they read a piece of the tree, report what is wrong with it and go on with a stand-in, so that one
//! run finds everything. A stand-in never reaches anybody: a playbook with errors is not returned.

use std::collections::BTreeMap;

use calendar::Limit;

use super::names::Names;
use crate::{
    diagnostic::{Diagnostic, Gravity, closest},
    text::Text,
    yaml::{Entry, Node, Span, Yaml},
};

/// More findings than this nobody reads, and of a large file they could fill the memory: the last one stays the last.
pub(crate) const MOST_FOUND: usize = 1_000;
/// What is shown of a long line, and of a text that repeats one, in characters.
const LONGEST_SHOWN: usize = 400;

pub(crate) struct Source {
    pub path: String,
    pub lines: Vec<String>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            // As YAML counts them: a carriage return alone ends a line too.
            lines: text.lines().flat_map(|line| line.split('\r')).map(str::to_owned).collect(),
        }
    }
}

/// Where a part of the playbook stands, by a path such as `clocks/feedback_24h`.
pub(crate) type Places = BTreeMap<String, Span>;

pub(crate) struct Ctx {
    pub sources: Vec<Source>,
    pub found: Vec<Diagnostic>,
    pub names: Names,
    pub places: Places,
}

impl Ctx {
    pub fn error(
        &mut self,
        code: &'static str,
        span: Span,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) -> &mut Diagnostic {
        let at = diagnostic(&self.sources, code, Gravity::Error, span, Text::new(zh, en));
        self.found.truncate(MOST_FOUND);
        self.found.push(at);
        self.found.last_mut().expect("just pushed")
    }

    pub fn hinted(&mut self, code: &'static str, span: Span, message: (String, String), hint: (&str, &str)) {
        self.error(code, span, message.0, message.1).hint = Some(shown(Text::new(hint.0, hint.1)));
    }

    /// An unknown word, with the closest known one as the hint.
    pub fn unknown<'k>(
        &mut self,
        code: &'static str,
        span: Span,
        what: (&str, &str),
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        let hint = match closest(word, known.iter().copied()) {
            Some(near) => Some(Text::new(format!("是不是“{near}”？"), format!("did you mean `{near}`?"))),
            None if known.is_empty() => None,
            None => {
                let list = known.iter().take(12).copied().collect::<Vec<_>>().join(", ");
                let more = if known.len() > 12 { ", ..." } else { "" };
                Some(Text::new(format!("可用的有：{list}{more}"), format!("known: {list}{more}")))
            }
        };
        self.error(
            code,
            span,
            format!("没有这个{}：{word}", what.0),
            format!("unknown {} `{word}`", what.1),
        )
        .hint = hint.map(shown);
    }

    pub fn place(&mut self, path: impl Into<String>, span: Span) {
        self.places.insert(path.into(), span);
    }

    /// A mapping; anything else is reported and read as an empty one.
    pub fn object<'n>(&mut self, node: &'n Node) -> Object<'n> {
        if !matches!(node.value, Yaml::Map(_)) {
            self.error("PB0004", node.span, "这里要写成“键: 值”的形式", "a mapping is expected here");
            return Object { span: node.span, entries: &[], asked: Vec::new(), whole: false };
        }
        Object { span: node.span, entries: node.entries(), asked: Vec::new(), whole: true }
    }

    /// The entries of a mapping whose keys are ids.
    pub fn entries<'n>(&mut self, node: &'n Node) -> &'n [Entry] {
        if node.is_null() {
            return &[];
        }
        if !matches!(node.value, Yaml::Map(_)) {
            self.error(
                "PB0004",
                node.span,
                "这里要写成“名称: 内容”的形式",
                "a mapping of ids is expected here",
            );
            return &[];
        }
        for entry in node.entries() {
            self.check_id(&entry.key, entry.key_span);
        }
        node.entries()
    }

    pub fn check_id(&mut self, id: &str, span: Span) {
        let fine = id.starts_with(|c: char| c.is_ascii_lowercase())
            && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
        if !fine || id.len() > 64 {
            self.hinted(
                "PB0009",
                span,
                (format!("“{id}”不能作名称"), format!("`{id}` is not an id")),
                (
                    "用小写字母开头，只含小写字母、数字、_ 和 -，不超过 64 个",
                    "lower-case letters, digits, `_` and `-`, a letter first, 64 at most",
                ),
            );
        }
    }

    pub fn string(&mut self, node: &Node) -> String {
        match node.scalar() {
            Some(text) if !text.trim().is_empty() => text.trim().to_owned(),
            Some(_) => {
                self.error("PB0006", node.span, "这里不能为空", "this must not be empty");
                String::new()
            }
            None => {
                self.error(
                    "PB0004",
                    node.span,
                    "这里要写一个词或一句话",
                    "a word or a text is expected here",
                );
                String::new()
            }
        }
    }

    /// A code: an id used as a value.
    pub fn code(&mut self, node: &Node) -> String {
        let code = self.string(node);
        if !code.is_empty() {
            self.check_id(&code, node.span);
        }
        code
    }

    pub fn flag(&mut self, node: &Node) -> bool {
        match node.scalar() {
            Some("true") => true,
            Some("false") => false,
            _ => {
                self.error(
                    "PB0006",
                    node.span,
                    "这里只能写 true 或 false",
                    "`true` or `false` is expected here",
                );
                false
            }
        }
    }

    pub fn int(&mut self, node: &Node, low: i64, high: i64) -> i64 {
        match node.scalar().and_then(|t| t.parse::<i64>().ok()) {
            Some(n) if (low..=high).contains(&n) => n,
            _ => {
                self.error(
                    "PB0006",
                    node.span,
                    format!("这里要写 {low} 到 {high} 之间的整数"),
                    format!("a whole number from {low} to {high} is expected here"),
                );
                low
            }
        }
    }

    pub fn count(&mut self, node: &Node, low: u32, high: u32) -> u32 {
        u32::try_from(self.int(node, low.into(), high.into())).unwrap_or(low)
    }

    /// An amount in the playbook's currency: `5000` or `5000.00`, as minor units.
    pub fn amount(&mut self, node: &Node) -> i64 {
        match node.scalar().and_then(minor_units) {
            Some(minor) => minor,
            None => {
                self.hinted(
                    "PB0006",
                    node.span,
                    ("这里要写金额".into(), "an amount is expected here".into()),
                    (
                        "写成 5000 或 5000.00，不带千分位",
                        "write 5000 or 5000.00, without thousands separators",
                    ),
                );
                0
            }
        }
    }

    /// A text in both languages: `{ zh: ..., en: ... }`.
    pub fn text(&mut self, node: &Node) -> Text {
        let mut object = self.object(node);
        let zh = object.get("zh").map(|n| self.string(n));
        let en = object.get("en").map(|n| self.string(n));
        if object.whole && zh.is_none() {
            self.error("PB0007", object.span, "缺中文（zh）", "the Chinese text (`zh`) is missing");
        }
        if object.whole && en.is_none() {
            self.error("PB0007", object.span, "缺英文（en）", "the English text (`en`) is missing");
        }
        // `{ en: a, b }` is read as a second key `b`: say what is meant instead of "unknown key".
        match node.entries().iter().find(|e| e.node.is_null() && !matches!(e.key.as_str(), "zh" | "en")) {
            Some(stray) => self.hinted(
                "PB0002",
                stray.key_span,
                (
                    format!("“{}”成了另一个键", stray.key),
                    format!("`{}` has become a key of its own", stray.key),
                ),
                ("含逗号的文字要加引号", "a text with a comma needs quotes"),
            ),
            None => object.done(self),
        }
        Text { zh: zh.unwrap_or_default(), en: en.unwrap_or_default() }
    }

    /// A limit, or the name of a parameter that is one.
    pub fn limit(&mut self, node: &Node) -> (Limit, Option<String>) {
        let stand_in = Limit::Wall { minutes: 1 };
        let Some(text) = node.scalar() else {
            self.error("PB0008", node.span, "这里要写时限", "a limit is expected here");
            return (stand_in, None);
        };
        if let Some(limit) = self.names.limits.get(text) {
            return (limit.clone(), Some(text.to_owned()));
        }
        match Limit::parse(text) {
            Ok(limit) => (limit, None),
            Err(error) => {
                let near = closest(text, self.names.limits.keys().map(String::as_str)).map(str::to_owned);
                let at = self.error("PB0008", node.span, error.zh(), error.to_string());
                at.hint = near.map(|n| {
                    Text::new(format!("是不是参数“{n}”？"), format!("did you mean the parameter `{n}`?"))
                });
                (stand_in, None)
            }
        }
    }

    pub fn one_of<T: Copy>(&mut self, node: &Node, words: &[(&str, T)]) -> T {
        let given = node.scalar().unwrap_or_default();
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == given) {
            return *value;
        }
        self.unknown("PB0006", node.span, ("选项", "word"), given, words.iter().map(|(w, _)| *w));
        words[0].1
    }
}

/// `5000`, `5000.5`, `5000.50` as hundredths.
pub(crate) fn minor_units(text: &str) -> Option<i64> {
    let (whole, cents) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(cents) || cents.len() > 2 {
        return None;
    }
    let cents: i64 = format!("{cents:0<2}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)
}

pub(crate) fn diagnostic(
    sources: &[Source],
    code: &'static str,
    gravity: Gravity,
    span: Span,
    message: Text,
) -> Diagnostic {
    let source = sources.get(span.file);
    let line = (span.line as usize).checked_sub(1);
    Diagnostic {
        code,
        gravity,
        file: source.map(|s| s.path.clone()).unwrap_or_default(),
        line: span.line,
        column: span.column,
        length: span.length,
        excerpt: clipped(source.zip(line).and_then(|(s, l)| s.lines.get(l)).map_or("", String::as_str)),
        message: shown(message),
        hint: None,
    }
}

fn shown(text: Text) -> Text {
    Text::new(clipped(&text.zh), clipped(&text.en))
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A mapping being read: it remembers what was asked for, so that what is left over is reported.
pub(crate) struct Object<'n> {
    pub span: Span,
    entries: &'n [Entry],
    asked: Vec<String>,
    whole: bool,
}

impl<'n> Object<'n> {
    /// The value under a key, unless it is empty.
    pub fn get(&mut self, key: &str) -> Option<&'n Node> {
        self.asked.push(key.to_owned());
        self.entries.iter().find(|e| e.key == key).map(|e| &e.node).filter(|n| !n.is_null())
    }

    /// As `get`; its absence is an error.
    pub fn need(&mut self, ctx: &mut Ctx, key: &str) -> Option<&'n Node> {
        let node = self.get(key);
        if node.is_none() && self.whole {
            ctx.error("PB0003", self.span, format!("缺少“{key}”"), format!("`{key}` is missing"));
        }
        node
    }

    /// Reports every key that nobody asked for.
    pub fn done(self, ctx: &mut Ctx) {
        for entry in self.entries.iter().filter(|e| !self.asked.contains(&e.key)) {
            ctx.unknown(
                "PB0002",
                entry.key_span,
                ("键", "key"),
                &entry.key,
                self.asked.iter().map(String::as_str),
            );
        }
    }
}
