//! The type checker of conditions: CEL's tree in, our typed tree out, every fault reported.

use cel::common::ast::{CallExpr, Expr as Cel, IdedExpr, LiteralValue, SourceInfo, operators};

use super::{
    condition::within,
    reader::{Ctx, minor_units},
};
use crate::{
    condition::{Arith, Compare, Expr},
    facts::{Kind, Value},
    yaml::{Node, Span},
};

struct Typed {
    kind: Kind,
    expr: Expr,
}

struct Checker<'a> {
    ctx: &'a mut Ctx,
    node: &'a Node,
    source: &'a str,
    info: SourceInfo,
}

/// The compiled tree of what is to come to a value of this kind; `None` when something was reported.
pub(super) fn checked(
    ctx: &mut Ctx,
    node: &Node,
    (source, kind): (&str, Kind),
    ast: &IdedExpr,
    info: SourceInfo,
) -> Option<Expr> {
    let mut checker = Checker { ctx, node, source, info };
    let typed = checker.check(ast)?;
    if typed.kind != kind {
        checker.wrong(ast, kind, typed.kind);
        return None;
    }
    Some(typed.expr)
}

impl Checker<'_> {
    fn span(&self, ast: &IdedExpr) -> Span {
        let Some((start, stop)) = self.info.offset_for(ast.id) else { return self.node.span };
        // Offsets are bytes; columns are characters.
        let chars = |bytes: u32| {
            self.source
                .get(..bytes as usize)
                .map_or(bytes, |s| u32::try_from(s.chars().count()).unwrap_or(bytes))
        };
        let (start, stop) = (chars(start), chars(stop));
        within(self.node, self.source, start, (stop + 1).saturating_sub(start))
    }

    fn wrong(&mut self, ast: &IdedExpr, want: Kind, is: Kind) {
        let span = self.span(ast);
        self.ctx.error(
            "PB0202",
            span,
            format!("这里要的是 {}，写的是 {}", want.as_str(), is.as_str()),
            format!("{} is expected here, this is {}", want.as_str(), is.as_str()),
        );
    }

    fn refuse(&mut self, ast: &IdedExpr, zh: &str, en: &str) -> Option<Typed> {
        let span = self.span(ast);
        self.ctx.hinted(
            "PB0203",
            span,
            (format!("条件里不能用{zh}"), format!("{en} cannot be used in a condition")),
            (
                "可用：比较、&&、||、!、in、?:、整数日期金额的加减、known、count、any、all、money、date",
                "allowed: comparison, && || !, in, ?:, arithmetic of integers, dates and money, known, count, any, all, money, date",
            ),
        );
        None
    }

    fn check(&mut self, ast: &IdedExpr) -> Option<Typed> {
        match &ast.expr {
            Cel::Ident(name) => self.name(ast, name),
            Cel::Literal(literal) => self.literal(ast, literal),
            Cel::Call(call) => self.call(ast, call),
            Cel::Select(_) => self.refuse(ast, "“.”取字段", "field selection"),
            Cel::Comprehension(_) => self.refuse(ast, "宏", "a macro"),
            Cel::List(_) => self.refuse(ast, "单独的列表", "a list outside `in`, `any`, `all`"),
            Cel::Map(_) | Cel::Struct(_) | Cel::Unspecified => self.refuse(ast, "这种结构", "this construct"),
        }
    }

    fn name(&mut self, ast: &IdedExpr, name: &str) -> Option<Typed> {
        if let Some(fact) = self.ctx.names.facts.get(name) {
            return Some(Typed { kind: fact.kind, expr: Expr::Fact(name.to_owned()) });
        }
        if let Some(value) = self.ctx.names.values.get(name) {
            return Some(Typed { kind: value.kind(), expr: Expr::Literal(value.clone()) });
        }
        self.unknown_fact(ast, name);
        None
    }

    fn unknown_fact(&mut self, ast: &IdedExpr, name: &str) {
        let span = self.span(ast);
        self.ctx.unknown_fact(span, name);
    }

    fn literal(&mut self, ast: &IdedExpr, literal: &LiteralValue) -> Option<Typed> {
        let value = match literal {
            LiteralValue::Boolean(b) => Value::Bool(*b.inner()),
            LiteralValue::Int(n) => Value::Int(*n.inner()),
            LiteralValue::String(s) => Value::code(s.inner()),
            LiteralValue::Double(_) => return self.refuse(ast, "小数", "a fraction"),
            LiteralValue::Bytes(_) | LiteralValue::Null | LiteralValue::UInt(_) => {
                return self.refuse(ast, "这种值", "this kind of value");
            }
        };
        Some(Typed { kind: value.kind(), expr: Expr::Literal(value) })
    }

    fn call(&mut self, ast: &IdedExpr, call: &CallExpr) -> Option<Typed> {
        if call.target.is_some() {
            return self.refuse(ast, "“.”调用", "a method call");
        }
        let args = call.args.as_slice();
        match (call.func_name.as_str(), args) {
            (operators::LOGICAL_NOT, [a]) => {
                let inner = self.truth(a)?;
                Some(truth(Expr::Not(Box::new(inner))))
            }
            (operators::LOGICAL_AND, parts) => self.all_true(parts).map(|p| truth(Expr::And(p))),
            (operators::LOGICAL_OR, parts) => self.all_true(parts).map(|p| truth(Expr::Or(p))),
            (operators::CONDITIONAL, [c, a, b]) => self.choice(c, a, b),
            (operators::IN, [needle, list]) => self.member(needle, list),
            (operators::NEGATE, [a]) => self.negate(a),
            ("known", [a]) => self.known(a),
            ("count" | "size", [a]) => {
                self.codes_fact(a).map(|name| Typed { kind: Kind::Int, expr: Expr::Count(name) })
            }
            ("any" | "all", [fact, list]) => self.quantified(call.func_name == "all", fact, list),
            ("money", [a]) => self.money(a),
            ("date", [a]) => self.date(a),
            (name, [a, b]) => match (comparison(name), arithmetic(name)) {
                (Some(op), _) => self.compare(op, a, b),
                (None, Some(op)) => self.arith(ast, op, a, b),
                (None, None) => self.refuse(ast, &format!("函数 {name}"), &format!("the function `{name}`")),
            },
            (name, _) => self.refuse(ast, &format!("函数 {name}"), &format!("the function `{name}`")),
        }
    }

    fn truth(&mut self, ast: &IdedExpr) -> Option<Expr> {
        let typed = self.check(ast)?;
        if typed.kind != Kind::Bool {
            self.wrong(ast, Kind::Bool, typed.kind);
            return None;
        }
        Some(typed.expr)
    }

    fn all_true(&mut self, parts: &[IdedExpr]) -> Option<Vec<Expr>> {
        // Every part is checked, so that all their faults are found at once.
        let checked: Vec<Option<Expr>> = parts.iter().map(|p| self.truth(p)).collect();
        checked.into_iter().collect()
    }

    fn choice(&mut self, c: &IdedExpr, a: &IdedExpr, b: &IdedExpr) -> Option<Typed> {
        let (cond, then, other) = (self.truth(c), self.check(a), self.check(b));
        let (cond, then, other) = (cond?, then?, other?);
        if then.kind != other.kind {
            self.wrong(b, then.kind, other.kind);
            return None;
        }
        Some(Typed {
            kind: then.kind,
            expr: Expr::If(Box::new(cond), Box::new(then.expr), Box::new(other.expr)),
        })
    }

    fn compare(&mut self, op: Compare, a: &IdedExpr, b: &IdedExpr) -> Option<Typed> {
        let (left, right) = (self.check(a), self.check(b));
        let (left, right) = (left?, right?);
        if left.kind != right.kind {
            self.wrong(b, left.kind, right.kind);
            return None;
        }
        let ordered = matches!(left.kind, Kind::Int | Kind::Money | Kind::Date | Kind::Instant);
        let equality = matches!(op, Compare::Eq | Compare::Ne);
        if left.kind == Kind::Codes {
            return self.refuse(
                a,
                "列表的比较（请用 in、any、all）",
                "comparison of lists (use `in`, `any`, `all`)",
            );
        }
        if !equality && !ordered {
            return self.refuse(a, "代码和真假的大小比较", "order between codes or flags");
        }
        self.codes_known(&left.expr, b, &right.expr);
        self.codes_known(&right.expr, a, &left.expr);
        Some(truth(Expr::Compare(op, Box::new(left.expr), Box::new(right.expr))))
    }

    /// A literal code compared with a fact must be one that the fact can have.
    fn codes_known(&mut self, fact: &Expr, ast: &IdedExpr, literal: &Expr) {
        if let (Expr::Fact(name), Expr::Literal(Value::Code(code))) = (fact, literal) {
            let span = self.span(ast);
            self.ctx.code_of(span, name, code);
        }
    }

    fn member(&mut self, needle: &IdedExpr, list: &IdedExpr) -> Option<Typed> {
        let typed = self.check(needle)?;
        if let Cel::Ident(name) = &list.expr {
            let fact = self.codes_fact(list)?;
            if typed.kind != Kind::Code {
                self.wrong(needle, Kind::Code, typed.kind);
                return None;
            }
            self.codes_known(&Expr::Fact(name.clone()), needle, &typed.expr);
            return Some(truth(Expr::InFact(Box::new(typed.expr), fact)));
        }
        let mut values = Vec::new();
        for item in self.list(list)? {
            let value = self.check(item)?;
            if value.kind != typed.kind {
                self.wrong(item, typed.kind, value.kind);
                return None;
            }
            self.codes_known(&typed.expr, item, &value.expr);
            match value.expr {
                Expr::Literal(value) => values.push(value),
                _ => return self.refuse(item, "列表里的变量", "a variable inside a list"),
            }
        }
        Some(truth(Expr::In(Box::new(typed.expr), values)))
    }

    fn list<'l>(&mut self, ast: &'l IdedExpr) -> Option<&'l [IdedExpr]> {
        match &ast.expr {
            Cel::List(list) if list.optional_indices.is_empty() => Some(&list.elements),
            _ => {
                self.refuse(ast, "不是列表的东西", "anything but a list or a list fact on the right of `in`");
                None
            }
        }
    }

    fn quantified(&mut self, every: bool, fact: &IdedExpr, list: &IdedExpr) -> Option<Typed> {
        let name = self.codes_fact(fact)?;
        let mut codes = Vec::new();
        for item in self.list(list)? {
            match &item.expr {
                Cel::Literal(LiteralValue::String(code)) => {
                    let span = self.span(item);
                    self.ctx.code_of(span, &name, code.inner());
                    codes.push(code.inner().to_owned());
                }
                _ => return self.refuse(item, "代码以外的元素", "anything but codes in this list"),
            }
        }
        Some(truth(if every { Expr::AllOf(name, codes) } else { Expr::AnyOf(name, codes) }))
    }

    fn codes_fact(&mut self, ast: &IdedExpr) -> Option<String> {
        let typed = self.check(ast)?;
        match typed.expr {
            Expr::Fact(name) if typed.kind == Kind::Codes => Some(name),
            _ => {
                self.wrong(ast, Kind::Codes, typed.kind);
                None
            }
        }
    }

    fn known(&mut self, ast: &IdedExpr) -> Option<Typed> {
        match &ast.expr {
            Cel::Ident(name) if self.ctx.names.facts.contains_key(name) => {
                Some(truth(Expr::Known(name.clone())))
            }
            Cel::Ident(name) => {
                self.unknown_fact(ast, name);
                None
            }
            _ => self.refuse(ast, "known(表达式)", "`known` of anything but a fact"),
        }
    }

    fn negate(&mut self, a: &IdedExpr) -> Option<Typed> {
        let typed = self.check(a)?;
        if typed.kind != Kind::Int {
            self.wrong(a, Kind::Int, typed.kind);
            return None;
        }
        let zero = Expr::Literal(Value::Int(0));
        Some(Typed { kind: Kind::Int, expr: Expr::Arith(Arith::Sub, Box::new(zero), Box::new(typed.expr)) })
    }

    fn arith(&mut self, ast: &IdedExpr, op: Arith, a: &IdedExpr, b: &IdedExpr) -> Option<Typed> {
        let (left, right) = (self.check(a), self.check(b));
        let (left, right) = (left?, right?);
        let kind = match (left.kind, op, right.kind) {
            (Kind::Int, _, Kind::Int) => Kind::Int,
            (Kind::Money, Arith::Add | Arith::Sub, Kind::Money) => Kind::Money,
            (Kind::Money, Arith::Mul | Arith::Div, Kind::Int) | (Kind::Int, Arith::Mul, Kind::Money) => {
                Kind::Money
            }
            (Kind::Date, Arith::Add | Arith::Sub, Kind::Int) => Kind::Date,
            (Kind::Date, Arith::Sub, Kind::Date) => Kind::Int,
            (l, _, r) => {
                let what = (
                    format!("{} 与 {} 之间的这种运算", l.as_str(), r.as_str()),
                    format!("this operation on {} and {}", l.as_str(), r.as_str()),
                );
                return self.refuse(ast, &what.0, &what.1);
            }
        };
        Some(Typed { kind, expr: Expr::Arith(op, Box::new(left.expr), Box::new(right.expr)) })
    }

    fn money(&mut self, a: &IdedExpr) -> Option<Typed> {
        let minor = match &a.expr {
            Cel::Literal(LiteralValue::String(text)) => minor_units(text.inner()),
            Cel::Literal(LiteralValue::Int(n)) => n.inner().checked_mul(100),
            _ => None,
        };
        match minor {
            Some(minor) => {
                let currency = self.ctx.names.currency.clone();
                Some(Typed { kind: Kind::Money, expr: Expr::Literal(Value::Money { currency, minor }) })
            }
            None => self.refuse(
                a,
                "这样写的金额（写 money(5000) 或 money('5000.50')）",
                "an amount written so (write money(5000) or money('5000.50'))",
            ),
        }
    }

    fn date(&mut self, a: &IdedExpr) -> Option<Typed> {
        let date = match &a.expr {
            Cel::Literal(LiteralValue::String(text)) => text.inner().parse::<jiff::civil::Date>().ok(),
            _ => None,
        };
        match date {
            Some(date) => Some(Typed { kind: Kind::Date, expr: Expr::Literal(Value::Date(date)) }),
            None => self.refuse(
                a,
                "这样写的日期（写 date('2026-01-31')）",
                "a date written so (write date('2026-01-31'))",
            ),
        }
    }
}

fn truth(expr: Expr) -> Typed {
    Typed { kind: Kind::Bool, expr }
}

fn comparison(name: &str) -> Option<Compare> {
    Some(match name {
        operators::EQUALS => Compare::Eq,
        operators::NOT_EQUALS => Compare::Ne,
        operators::LESS => Compare::Lt,
        operators::LESS_EQUALS => Compare::Le,
        operators::GREATER => Compare::Gt,
        operators::GREATER_EQUALS => Compare::Ge,
        _ => return None,
    })
}

fn arithmetic(name: &str) -> Option<Arith> {
    Some(match name {
        operators::ADD => Arith::Add,
        operators::SUBSTRACT => Arith::Sub,
        operators::MULTIPLY => Arith::Mul,
        operators::DIVIDE => Arith::Div,
        operators::MODULO => Arith::Rem,
        _ => return None,
    })
}
