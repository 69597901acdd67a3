//! Conditions: CEL syntax, typed by us, compiled once into a small tree that is evaluated here.
//!
//! Evaluation is total. An absent fact makes a comparison false (`!=` true), an absent flag is false, arithmetic on
//! something absent, across currencies, overflowing or dividing by zero is absent in turn. So a condition never fails
//! in the middle of a batch; `known(x)` asks for presence.

use std::cmp::Ordering;

use serde::{Serialize, Serializer};

use crate::facts::{Facts, Value};

/// A compiled condition; `source` is what the playbook says.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub source: String,
    expr: Expr,
}

impl Condition {
    pub(crate) fn compiled(source: impl Into<String>, expr: Expr) -> Self {
        Self { source: source.into(), expr }
    }

    pub fn holds(&self, facts: &Facts) -> bool {
        self.expr.truth(facts)
    }

    /// What it comes to; a condition is a formula whose value is a flag.
    pub(crate) fn value(&self, facts: &Facts) -> Option<Value> {
        self.expr.eval(facts)
    }

    /// Whether an optional condition holds; none always does.
    pub fn met(condition: Option<&Condition>, facts: &Facts) -> bool {
        condition.is_none_or(|c| c.holds(facts))
    }

    /// Names of the facts it reads.
    pub fn reads(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.expr.collect_names(&mut names);
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn expr(&self) -> &Expr {
        &self.expr
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

/// The compiled tree. Types were checked when it was built.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Literal(Value),
    Fact(String),
    Known(String),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Compare(Compare, Box<Expr>, Box<Expr>),
    /// Membership in a literal list or a `Codes` fact.
    In(Box<Expr>, Vec<Value>),
    InFact(Box<Expr>, String),
    Arith(Arith, Box<Expr>, Box<Expr>),
    Count(String),
    /// Some, or every, element of a `Codes` fact is in the list.
    AnyOf(String, Vec<String>),
    AllOf(String, Vec<String>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
}

impl Expr {
    pub(crate) fn truth(&self, facts: &Facts) -> bool {
        matches!(self.eval(facts), Some(Value::Bool(true)))
    }

    pub(crate) fn eval(&self, facts: &Facts) -> Option<Value> {
        Some(match self {
            Self::Literal(value) => value.clone(),
            Self::Fact(name) => return facts.get(name).cloned(),
            Self::Known(name) => Value::Bool(facts.get(name).is_some()),
            Self::Not(inner) => Value::Bool(!inner.truth(facts)),
            Self::And(parts) => Value::Bool(parts.iter().all(|p| p.truth(facts))),
            Self::Or(parts) => Value::Bool(parts.iter().any(|p| p.truth(facts))),
            Self::Compare(op, left, right) => Value::Bool(compare(*op, left, right, facts)),
            Self::In(needle, list) => Value::Bool(needle.eval(facts).is_some_and(|v| list.contains(&v))),
            Self::InFact(needle, name) => Value::Bool(in_fact(needle.eval(facts), facts.get(name))),
            Self::Arith(op, left, right) => {
                return arith(*op, left.eval(facts)?, right.eval(facts)?);
            }
            Self::Count(name) => match facts.get(name) {
                Some(Value::Codes(codes)) => Value::Int(i64::try_from(codes.len()).ok()?),
                _ => Value::Int(0),
            },
            Self::AnyOf(name, list) => Value::Bool(codes(facts.get(name)).iter().any(|c| list.contains(c))),
            Self::AllOf(name, list) => Value::Bool(codes(facts.get(name)).iter().all(|c| list.contains(c))),
            Self::If(cond, then, other) => {
                return if cond.truth(facts) { then.eval(facts) } else { other.eval(facts) };
            }
        })
    }

    fn collect_names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Literal(_) => {}
            Self::Fact(name)
            | Self::Known(name)
            | Self::Count(name)
            | Self::AnyOf(name, _)
            | Self::AllOf(name, _) => names.push(name),
            Self::Not(inner) | Self::In(inner, _) => inner.collect_names(names),
            Self::InFact(inner, name) => {
                inner.collect_names(names);
                names.push(name);
            }
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|p| p.collect_names(names)),
            Self::Compare(_, a, b) | Self::Arith(_, a, b) => {
                a.collect_names(names);
                b.collect_names(names);
            }
            Self::If(a, b, c) => [a, b, c].into_iter().for_each(|e| e.collect_names(names)),
        }
    }
}

fn codes(value: Option<&Value>) -> &[String] {
    match value {
        Some(Value::Codes(codes)) => codes,
        _ => &[],
    }
}

fn in_fact(needle: Option<Value>, fact: Option<&Value>) -> bool {
    match (needle, fact) {
        (Some(Value::Code(code)), Some(Value::Codes(codes))) => codes.contains(&code),
        _ => false,
    }
}

fn compare(op: Compare, left: &Expr, right: &Expr, facts: &Facts) -> bool {
    let (left, right) = (left.eval(facts), right.eval(facts));
    match op {
        // An absent flag is false, so that `flag == false` and `!flag` agree.
        Compare::Eq => equal(left, right),
        Compare::Ne => !equal(left, right),
        _ => match (left, right) {
            (Some(a), Some(b)) => order(&a, &b).is_some_and(|o| fits(op, o)),
            _ => false,
        },
    }
}

fn equal(left: Option<Value>, right: Option<Value>) -> bool {
    match (left, right) {
        (Some(a), Some(b)) => a == b,
        (Some(Value::Bool(b)), None) | (None, Some(Value::Bool(b))) => !b,
        _ => false,
    }
}

pub(crate) fn fits(op: Compare, order: Ordering) -> bool {
    match op {
        Compare::Eq => order == Ordering::Equal,
        Compare::Ne => order != Ordering::Equal,
        Compare::Lt => order == Ordering::Less,
        Compare::Le => order != Ordering::Greater,
        Compare::Gt => order == Ordering::Greater,
        Compare::Ge => order != Ordering::Less,
    }
}

/// Order of two values of the same kind; money of different currencies has none.
pub(crate) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) | (Value::Instant(a), Value::Instant(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Money { currency: c, minor: a }, Value::Money { currency: d, minor: b }) => {
            (c == d).then(|| a.cmp(b))
        }
        _ => None,
    }
}

fn arith(op: Arith, left: Value, right: Value) -> Option<Value> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => int(op, a, b).map(Value::Int),
        (Value::Money { currency, minor }, Value::Money { currency: other, minor: b })
            if currency == other =>
        {
            match op {
                Arith::Add => Some(Value::Money { currency, minor: minor.checked_add(b)? }),
                Arith::Sub => Some(Value::Money { currency, minor: minor.checked_sub(b)? }),
                _ => None,
            }
        }
        (Value::Money { currency, minor }, Value::Int(n)) if op == Arith::Mul => {
            Some(Value::Money { currency, minor: minor.checked_mul(n)? })
        }
        (Value::Money { currency, minor }, Value::Int(n)) if op == Arith::Div => {
            Some(Value::Money { currency, minor: rounded(minor, n)? })
        }
        (Value::Int(n), Value::Money { currency, minor }) if op == Arith::Mul => {
            Some(Value::Money { currency, minor: minor.checked_mul(n)? })
        }
        (Value::Date(date), Value::Int(days)) => {
            let days = if op == Arith::Sub { days.checked_neg()? } else { days };
            let span = jiff::Span::new().try_days(days).ok()?;
            date.checked_add(span).ok().map(Value::Date)
        }
        (Value::Date(a), Value::Date(b)) if op == Arith::Sub => {
            let span = a.since((jiff::Unit::Day, b)).ok()?;
            Some(Value::Int(i64::from(span.get_days())))
        }
        _ => None,
    }
}

/// A share of an amount, to the nearest minor unit, half of one upwards.
fn rounded(minor: i64, parts: i64) -> Option<i64> {
    let (minor, parts) = (i128::from(minor), i128::from(parts));
    let (minor, parts) = if parts < 0 { (-minor, -parts) } else { (minor, parts) };
    let doubled = minor.checked_mul(2)?.checked_add(parts)?;
    i64::try_from(doubled.checked_div_euclid(parts.checked_mul(2)?)?).ok()
}

fn int(op: Arith, a: i64, b: i64) -> Option<i64> {
    match op {
        Arith::Add => a.checked_add(b),
        Arith::Sub => a.checked_sub(b),
        Arith::Mul => a.checked_mul(b),
        Arith::Div => a.checked_div(b),
        Arith::Rem => a.checked_rem(b),
    }
}
