//! A condition as a sentence.

use super::Page;
use crate::{
    condition::{Arith, Compare, Condition, Expr},
    facts::Value,
    load::names::DONE,
    text::Lang,
};

impl Page<'_> {
    /// A condition in words.
    pub fn condition(&self, condition: &Condition) -> String {
        self.expr(condition.expr(), false)
    }

    fn expr(&self, expr: &Expr, inside: bool) -> String {
        match expr {
            Expr::And(parts) => self.joined(parts, self.say("，且", " and "), inside),
            Expr::Or(parts) => self.joined(parts, self.say("，或", " or "), inside),
            Expr::Not(inner) => self.negated(inner),
            Expr::Fact(name) => self.fact(name),
            Expr::Literal(value) => self.value("", value),
            Expr::Known(name) => format!("{}{}", self.say("已填", "given: "), self.fact(name)),
            Expr::Compare(op, left, right) => self.compared(*op, left, right),
            Expr::In(needle, values) => self.one_of(needle, values, self.say("为", " is ")),
            Expr::InFact(needle, name) => self.among(needle, name, true),
            Expr::Arith(op, left, right) => {
                format!("{} {} {}", self.expr(left, true), sign(*op), self.expr(right, true))
            }
            Expr::Count(name) => format!("{}{}", self.fact(name), self.say("的项数", " (how many)")),
            Expr::AnyOf(name, codes) => self.codes(name, codes, self.say("含", " has ")),
            Expr::AllOf(name, codes) => self.codes(name, codes, self.say("只含", " has only ")),
            Expr::If(when, then, other) => {
                let (when, then, other) =
                    (self.expr(when, false), self.expr(then, false), self.expr(other, false));
                match self.lang {
                    Lang::Zh => format!("{when}时为{then}，否则为{other}"),
                    Lang::En => format!("{then} if {when}, else {other}"),
                }
            }
        }
    }

    fn joined(&self, parts: &[Expr], word: &str, inside: bool) -> String {
        let text = parts.iter().map(|part| self.expr(part, true)).collect::<Vec<_>>().join(word);
        match (inside, self.lang) {
            (false, _) => text,
            (true, Lang::Zh) => format!("（{text}）"),
            (true, Lang::En) => format!("({text})"),
        }
    }

    fn negated(&self, inner: &Expr) -> String {
        match inner {
            Expr::Fact(name) => format!("{}{}", self.fact(name), self.say("：否", ": no")),
            Expr::Known(name) => format!("{}{}", self.say("未填", "not given: "), self.fact(name)),
            Expr::InFact(needle, name) => self.among(needle, name, false),
            Expr::In(needle, values) => self.one_of(needle, values, self.say("不为", " is not ")),
            other => format!("{}{}", self.say("并非", "not "), self.expr(other, true)),
        }
    }

    fn compared(&self, op: Compare, left: &Expr, right: &Expr) -> String {
        let word = match op {
            Compare::Eq => self.say("为", " is "),
            Compare::Ne => self.say("不为", " is not "),
            Compare::Lt => self.say("小于 ", " is less than "),
            Compare::Le => self.say("不超过 ", " is at most "),
            Compare::Gt => self.say("超过 ", " is more than "),
            Compare::Ge => self.say("不少于 ", " is at least "),
        };
        // A code is named by the fact that it is compared with.
        let of = |side: &Expr, other: &Expr| match (side, other) {
            (Expr::Literal(value), Expr::Fact(name)) => self.value(name, value),
            _ => self.expr(side, true),
        };
        format!("{}{word}{}", of(left, right), of(right, left))
    }

    fn one_of(&self, needle: &Expr, values: &[Value], word: &str) -> String {
        let fact = if let Expr::Fact(name) = needle { name.as_str() } else { "" };
        let values: Vec<String> = values.iter().map(|value| self.value(fact, value)).collect();
        format!("{}{word}{}", self.expr(needle, true), values.join(self.say("或", " or ")))
    }

    /// A step that is done or is not; or any other list that has something.
    fn among(&self, needle: &Expr, list: &str, is: bool) -> String {
        let needle = match needle {
            Expr::Literal(value) => self.value(list, value),
            other => self.expr(other, true),
        };
        match (list == DONE, is) {
            (true, true) => format!("{needle}{}", self.say("已完成", " is done")),
            (true, false) => format!("{needle}{}", self.say("未完成", " is not done")),
            (false, true) => format!("{}{}{needle}", self.fact(list), self.say("含", " has ")),
            (false, false) => format!("{}{}{needle}", self.fact(list), self.say("不含", " has not ")),
        }
    }

    fn codes(&self, fact: &str, codes: &[String], word: &str) -> String {
        let codes: Vec<String> = codes.iter().map(|code| self.code(fact, code)).collect();
        format!("{}{word}{}", self.fact(fact), codes.join(self.say("或", " or ")))
    }
}

fn sign(op: Arith) -> &'static str {
    match op {
        Arith::Add => "+",
        Arith::Sub => "-",
        Arith::Mul => "×",
        Arith::Div => "÷",
        Arith::Rem => "mod",
    }
}
