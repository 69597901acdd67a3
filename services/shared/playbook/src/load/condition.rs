//! CEL conditions: parsed by the `cel` crate, typed and compiled here.

use cel::{
    common::ast::SourceInfo,
    parser::{ParseErrors, Parser, PrattParser},
};

use super::{
    names::{Fact, Names},
    reader::{Ctx, Source},
    typing,
};
use crate::{
    condition::{Condition, Expr},
    diagnostic::{Diagnostic, closest},
    facts::{Kind, Value},
    yaml::{Node, Span, Yaml},
};

/// The longest condition accepted, in characters: more belongs into a decision table.
const LONGEST: usize = 1000;

/// The deepest nesting, well within any thread's stack.
const DEEPEST: u16 = 48;

impl Ctx {
    pub fn condition(&mut self, node: &Node) -> Condition {
        let source = self.string(node);
        let expr = self.expression(node, &source, Kind::Bool).unwrap_or(Expr::Literal(Value::Bool(false)));
        Condition::compiled(source, expr)
    }

    /// What a cell computes: the text behind its `=`.
    pub fn formula(&mut self, node: &Node, source: &str, kind: Kind) -> Condition {
        if source.is_empty() {
            self.error("PB0006", node.span, "“=”后面要有算式", "a formula is expected behind `=`");
        }
        let expr = self.expression(node, source, kind).unwrap_or(Expr::Literal(Value::Bool(false)));
        Condition::compiled(source, expr)
    }

    fn expression(&mut self, node: &Node, source: &str, kind: Kind) -> Option<Expr> {
        if source.is_empty() {
            return None;
        }
        if source.chars().count() > LONGEST {
            self.error(
                "PB0203",
                node.span,
                "条件太长，请改用决策表",
                "the condition is too long: use a decision table",
            );
            return None;
        }
        let parsed = PrattParser::new().max_recursion_depth(DEEPEST).parse(source);
        let ast = match parsed {
            Ok(ast) => ast,
            Err(errors) => {
                self.unreadable(node, source, &errors);
                return None;
            }
        };
        // This parser is fast and safe but does not say where things stand. Only when something is wrong is the text
        // read again by the one that does: a playbook has hundreds of conditions, and nearly all are right.
        let before = self.found.len();
        let expr = typing::checked(self, node, (source, kind), &ast, SourceInfo::default());
        if self.found.len() > before
            && is_simple(source)
            && let Ok((ast, info)) = Parser::new().parse_with_source_info(source)
        {
            self.found.truncate(before);
            return typing::checked(self, node, (source, kind), &ast, info);
        }
        expr
    }

    fn unreadable(&mut self, node: &Node, source: &str, errors: &ParseErrors) {
        let error = errors.errors.first();
        let detail = error.map(|e| e.msg.clone()).unwrap_or_default();
        let column = error.map_or(0, |e| u32::try_from(e.pos.1 - 1).unwrap_or(0));
        let span = within(node, source, column, 1);
        let message = (format!("条件写得不对：{detail}"), format!("the condition cannot be read: {detail}"));
        self.error("PB0201", span, message.0, message.1);
    }
}

impl Condition {
    /// Compiles a condition by itself, over facts of these kinds.
    ///
    /// # Errors
    /// What is wrong with it, placed on line 1 of a file without a name.
    pub fn parse(source: &str, currency: &str, facts: &[(&str, Kind)]) -> Result<Self, Vec<Diagnostic>> {
        let mut names = Names { currency: currency.to_owned(), ..Names::default() };
        let declared =
            facts.iter().map(|(name, kind)| ((*name).to_owned(), Fact { kind: *kind, domain: None }));
        names.facts.extend(declared);
        let sources = vec![Source::new("", source)];
        let mut ctx = Ctx { sources, found: Vec::new(), names, places: Default::default() };
        let length = u32::try_from(source.chars().count()).unwrap_or(u32::MAX);
        let span = Span { file: 0, line: 1, column: 1, length };
        let value = Yaml::Scalar { text: source.to_owned(), plain: true };
        let condition = ctx.condition(&Node { span, value });
        if ctx.found.is_empty() { Ok(condition) } else { Err(ctx.found) }
    }
}

/// Whether the parser that knows places can read it without a deep stack.
fn is_simple(source: &str) -> bool {
    let count = |set: &str| source.chars().filter(|c| set.contains(*c)).count();
    count("([{") <= 12 && count("+-*/%<>=!&|?") <= 40
}

/// The place of a part of the source; the whole node when the text is folded over lines.
pub(super) fn within(node: &Node, source: &str, start: u32, length: u32) -> Span {
    let Yaml::Scalar { plain, .. } = &node.value else { return node.span };
    let quote = u32::from(!plain);
    let one_line = node.span.length as usize == source.chars().count() + 2 * quote as usize;
    if one_line { node.span.part(start + quote, length.max(1)) } else { node.span }
}

impl Ctx {
    /// Reports a fact that does not exist, or must not be read.
    pub fn unknown_fact(&mut self, span: Span, name: &str) {
        if self.names.sealed.contains(name) {
            self.hinted(
                "PB0205",
                span,
                (
                    format!("“{name}”是个人信息或自由文本，条件不能读"),
                    format!("`{name}` is personal or free text: conditions cannot read it"),
                ),
                ("请在表单上另设一个选择或是否字段", "add a choice or yes-no field to the form for it"),
            );
            return;
        }
        let known: Vec<String> = self.names.facts.keys().chain(self.names.values.keys()).cloned().collect();
        self.unknown("PB0103", span, ("事实", "fact"), name, known.iter().map(String::as_str));
    }

    /// Reports a code that a fact can never have.
    pub fn code_of(&mut self, span: Span, fact: &str, code: &str) -> bool {
        let Some(domain) = self.names.facts.get(fact).and_then(|f| f.domain.clone()) else { return true };
        if domain.contains(code) {
            return true;
        }
        let list = domain.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let near = closest(code, domain.iter().map(String::as_str)).unwrap_or(&list).to_owned();
        self.hinted(
            "PB0204",
            span,
            (format!("“{fact}”不会是“{code}”"), format!("`{fact}` is never `{code}`")),
            (&format!("可用：{near}"), &format!("possible: {near}")),
        );
        false
    }
}
