//! YAML as a tree that knows where everything stands.
//!
//! Built from the parser's events rather than from a ready-made value, because a playbook wants the words as written
//! (`24h`, `-`, `on`), every duplicate key, and the place of each. Anchors, aliases, tags and merge keys are refused:
//! a rule book should read the way it runs.

use std::collections::HashSet;

use calendar::DEEPEST_YAML;
use saphyr_parser::{Event, Parser, ScalarStyle, Span as YamlSpan};

use crate::{load::reader::MOST_FOUND, text::Text};

/// A place in one of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub file: usize,
    /// From 1; 0: no place.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    pub length: u32,
}

impl Span {
    /// A part of this one, when it stands on one line.
    pub fn part(self, offset: u32, length: u32) -> Span {
        Span { column: self.column + offset, length, ..self }
    }
}

#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    pub value: Yaml,
}

#[derive(Clone, Debug)]
pub enum Yaml {
    Scalar { text: String, plain: bool },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub node: Node,
}

/// Something the reader refuses, with its code.
pub(crate) struct Problem {
    pub code: &'static str,
    pub span: Span,
    pub message: Text,
}

impl Node {
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Yaml::Scalar { text, plain: true } if text.is_empty() || text == "~" || text == "null")
    }

    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Yaml::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Yaml::Map(entries) => entries,
            _ => &[],
        }
    }

    /// A value of a mapping, without complaints: for looking ahead.
    pub fn peek(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|e| e.key == key).map(|e| &e.node)
    }

    /// A list's items; anything else counts as a list of one.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Yaml::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }
}

/// A file as a tree, for programs that look at a rule book rather than follow it; `None` if it is not well formed.
pub fn tree(text: &str) -> Option<Node> {
    let mut problems = Vec::new();
    read(0, text, &mut problems).filter(|_| problems.is_empty())
}

/// Reads one file. Problems are collected; a syntax error ends the file.
pub(crate) fn read(file: usize, text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut reader = Reader { file, problems, stack: Vec::new(), root: None };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => {
                reader.take(event, span);
                // The tree is read, and dropped, by functions that call themselves.
                if reader.stack.len() > DEEPEST_YAML {
                    let at = reader.span(span);
                    let (zh, en) = ("嵌套太深", "nested too deep");
                    reader.problem(
                        "PB0001",
                        at,
                        format!("{zh}：最多 {DEEPEST_YAML} 层"),
                        format!("{en}: {DEEPEST_YAML} levels at most"),
                    );
                    return None;
                }
            }
            Err(error) => {
                let mark = error.marker();
                let span = place(file, mark.line(), mark.col(), 1);
                reader.problem(
                    "PB0001",
                    span,
                    format!("YAML 语法错误：{}", error.info()),
                    format!("YAML syntax: {}", error.info()),
                );
                return None;
            }
        }
    }
    reader.root
}

fn place(file: usize, line: usize, column: usize, length: usize) -> Span {
    let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span { file, line: cut(line), column: cut(column).saturating_add(1), length: cut(length) }
}

enum Open {
    List { span: Span, items: Vec<Node> },
    Map { span: Span, entries: Vec<Entry>, seen: HashSet<String>, key: Option<(String, Span)> },
}

struct Reader<'p> {
    file: usize,
    problems: &'p mut Vec<Problem>,
    stack: Vec<Open>,
    root: Option<Node>,
}

impl Reader<'_> {
    fn problem(&mut self, code: &'static str, span: Span, zh: String, en: String) {
        if self.problems.len() <= MOST_FOUND {
            self.problems.push(Problem { code, span, message: Text::new(zh, en) });
        }
    }

    fn span(&self, span: YamlSpan) -> Span {
        let length = if span.start.line() == span.end.line() { span.end.col() - span.start.col() } else { 1 };
        place(self.file, span.start.line(), span.start.col(), length.max(1))
    }

    fn take(&mut self, event: Event<'_>, at: YamlSpan) {
        let span = self.span(at);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(span, anchor != 0, tag.is_some());
                let plain = style == ScalarStyle::Plain;
                self.put(Node { span, value: Yaml::Scalar { text: text.into_owned(), plain } });
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(span, anchor != 0, tag.is_some());
                self.stack.push(Open::List { span: Span { length: 1, ..span }, items: Vec::new() });
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(span, anchor != 0, tag.is_some());
                self.stack.push(Open::Map {
                    span: Span { length: 1, ..span },
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    key: None,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(_) => {
                self.refuse_extras(span, true, false);
                self.put(Node { span, value: Yaml::Scalar { text: String::new(), plain: true } });
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
    }

    fn refuse_extras(&mut self, span: Span, anchor: bool, tag: bool) {
        if anchor || tag {
            self.problem(
                "PB0010",
                span,
                "规则书里不能用锚点、别名和标签".into(),
                "anchors, aliases and tags are not allowed in a playbook".into(),
            );
        }
    }

    fn close(&mut self) {
        match self.stack.pop() {
            Some(Open::List { span, items }) => self.put(Node { span, value: Yaml::List(items) }),
            Some(Open::Map { span, entries, .. }) => self.put(Node { span, value: Yaml::Map(entries) }),
            None => {}
        }
    }

    fn put(&mut self, node: Node) {
        let mut refused = None;
        match self.stack.last_mut() {
            None if self.root.is_none() => self.root = Some(node),
            None => {
                refused = Some(("PB0011", node.span, "一个文件只能有一个文档", "a file holds one document"))
            }
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, seen, key, .. }) => match key.take() {
                None => match node.value {
                    Yaml::Scalar { text, .. } => *key = Some((text, node.span)),
                    _ => {
                        refused = Some(("PB0004", node.span, "键必须是一个词", "a key must be a word"));
                        *key = Some((String::new(), node.span));
                    }
                },
                Some((word, key_span)) => {
                    if seen.insert(word.clone()) {
                        entries.push(Entry { key: word, key_span, node });
                    } else {
                        refused =
                            Some(("PB0005", key_span, "同一个键写了两次", "this key stands here twice"));
                    }
                }
            },
        }
        if let Some((code, span, zh, en)) = refused {
            self.problem(code, span, zh.into(), en.into());
        }
    }
}
