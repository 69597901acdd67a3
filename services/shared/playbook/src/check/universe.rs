//! The facts that the graph's conditions read, each with the finitely many values that matter, packed into one word.

use crate::{
    case::CaseType,
    condition::{Condition, Expr},
    facts::{Facts, Kind, Value},
    form::{FieldKind, Required},
    load::names::DONE,
    model::Playbook,
};

/// Values of a set of facts: a few bits per fact, value number 0 is "absent".
pub(super) type Packed = u64;

pub(super) struct Variable {
    pub name: String,
    /// Without "absent".
    values: Vec<Value>,
    /// Never absent.
    always: bool,
    shift: u32,
}

/// Facts with the number of values that matter.
pub(super) type Costs = Vec<(String, usize)>;

pub(super) struct Universe {
    pub variables: Vec<Variable>,
}

impl Universe {
    /// Fails when the facts do not fit into a word: too much to explore.
    pub fn new(playbook: &Playbook, case_type: &CaseType, conditions: &[&Condition]) -> Result<Self, Costs> {
        let mut names: Vec<&str> = conditions.iter().flat_map(|c| c.reads()).collect();
        names.sort_unstable();
        names.dedup();
        // `done` follows from the marking.
        names.retain(|name| *name != DONE);
        let mut variables = Vec::new();
        let mut shift = 0;
        for name in names {
            let (mut values, always) = domain(playbook, case_type, name, conditions);
            keep_distinct(&mut values, always, conditions);
            let bits = usize::BITS - values.len().leading_zeros();
            variables.push(Variable { name: name.to_owned(), values, always, shift });
            shift += bits;
        }
        let universe = Self { variables };
        if shift > u64::BITS { Err(universe.costs()) } else { Ok(universe) }
    }

    /// The facts that make it large, the worst first.
    pub fn costs(&self) -> Costs {
        let mut costs: Costs = self.variables.iter().map(|v| (v.name.clone(), v.choices())).collect();
        costs.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        costs
    }

    /// How many combinations of values these variables have.
    pub fn ways(&self, variables: &[usize]) -> usize {
        variables.iter().map(|at| self.variables[*at].choices()).fold(1, usize::saturating_mul)
    }

    pub fn facts(&self, packed: Packed) -> Facts {
        self.variables
            .iter()
            .filter_map(|v| {
                v.values.get(v.number(packed).checked_sub(1)?).map(|x| (v.name.clone(), x.clone()))
            })
            .collect()
    }

    pub fn find(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.name == name)
    }

    /// Numbers of the variables that `chosen` picks.
    pub fn indices(&self, chosen: impl Fn(&str) -> bool) -> Vec<usize> {
        (0..self.variables.len()).filter(|at| chosen(&self.variables[*at].name)).collect()
    }

    /// The bits of the variables that `chosen` picks.
    pub fn mask_of(&self, chosen: impl Fn(&str) -> bool) -> u64 {
        self.variables.iter().filter(|v| chosen(&v.name)).fold(0, |m, v| m | v.mask())
    }

    /// Every combination of values of these variables, the others as in `base`.
    pub fn choices(&self, base: Packed, variables: &[usize]) -> Vec<Packed> {
        let mut all = vec![base];
        for variable in variables.iter().map(|at| &self.variables[*at]) {
            let numbers = usize::from(variable.always)..=variable.values.len();
            all = all.iter().flat_map(|p| numbers.clone().map(|n| variable.with(*p, n))).collect();
        }
        all
    }
}

impl Variable {
    fn choices(&self) -> usize {
        self.values.len() + usize::from(!self.always)
    }

    fn mask(&self) -> u64 {
        let bits = usize::BITS - self.values.len().leading_zeros();
        if bits == 0 { 0 } else { (u64::MAX >> (u64::BITS - bits)) << self.shift }
    }

    fn number(&self, packed: Packed) -> usize {
        usize::try_from((packed & self.mask()) >> self.shift).unwrap_or(0)
    }

    fn with(&self, packed: Packed, number: usize) -> Packed {
        (packed & !self.mask()) | ((number as u64) << self.shift)
    }

    /// Sets a value, if it is one of the variable's.
    pub fn set(&self, packed: Packed, value: &Value) -> Packed {
        match self.values.iter().position(|v| v == value) {
            Some(at) => self.with(packed, at + 1),
            None => packed,
        }
    }
}

/// The values that matter and whether the fact is always there.
fn domain(
    playbook: &Playbook,
    case_type: &CaseType,
    name: &str,
    conditions: &[&Condition],
) -> (Vec<Value>, bool) {
    let codes =
        |codes: &[crate::form::Choice]| codes.iter().map(|c| Value::code(&c.code)).collect::<Vec<_>>();
    match name {
        "severity" => return (codes(&case_type.severities), true),
        "category" if !case_type.categories.is_empty() => return (codes(&case_type.categories), true),
        "channel" => return (codes(&case_type.channels), true),
        "type" => return (vec![Value::code(&case_type.id)], true),
        "outcome" => return (crate::load::names::OUTCOMES.iter().map(|o| Value::code(*o)).collect(), false),
        _ => {}
    }
    let fields = case_type.form.iter().chain(case_type.steps.iter().flat_map(|s| &s.fields));
    if let Some(field) = fields.into_iter().find(|f| f.name == name) {
        let always = field.required == Required::Always;
        match &field.kind {
            // An absent flag counts as false.
            FieldKind::Bool => return (vec![Value::Bool(false), Value::Bool(true)], true),
            FieldKind::Choice(choices) => return (codes(choices), always),
            _ => {}
        }
    }
    if let Some((table, column)) = case_type.derived.table_of(name) {
        let rows = || table.rows.iter().chain(&table.otherwise);
        let computed = rows().any(|row| row.formulas.iter().any(|(at, _)| *at == column));
        let said: Vec<Value> = rows().filter_map(|row| row.out.get(column).cloned()).collect();
        if !computed && said.iter().all(|value| matches!(value, Value::Code(_))) {
            return (distinct(said), false);
        }
    }
    let mut values: Vec<Value> = Vec::new();
    let mut add = |value: Value| {
        if !values.contains(&value) {
            values.push(value);
        }
    };
    conditions.iter().for_each(|c| mentioned(c.expr(), &mut |v| around(v).into_iter().for_each(&mut add)));
    let kind = fact_kind(playbook, case_type, name);
    if matches!(name, "repeat" | "reopened") || kind == Some(Kind::Bool) {
        return (vec![Value::Bool(false), Value::Bool(true)], true);
    }
    values.retain(|v| kind.is_none_or(|k| v.kind() == k));
    (values, false)
}

fn distinct(values: Vec<Value>) -> Vec<Value> {
    let mut kept = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

/// Codes that no condition mentions all behave alike: one of them, or "absent", stands for the rest.
fn keep_distinct(values: &mut Vec<Value>, always: bool, conditions: &[&Condition]) {
    let mut named: Vec<Value> = Vec::new();
    conditions.iter().for_each(|c| mentioned(c.expr(), &mut |v| named.push(v.clone())));
    let mut spare = usize::from(always);
    values.retain(|value| {
        let distinct = !matches!(value, Value::Code(_)) || named.contains(value);
        distinct || std::mem::replace(&mut spare, 0) == 1
    });
}

fn fact_kind(playbook: &Playbook, case_type: &CaseType, name: &str) -> Option<Kind> {
    let fields = case_type.form.iter().chain(case_type.steps.iter().flat_map(|s| &s.fields));
    let field = fields.flat_map(|f| f.facts()).find(|(n, _)| n == name).map(|(_, kind)| kind);
    let question =
        playbook.follow_ups.iter().flat_map(|f| &f.questions).find(|q| q.id == name).map(|q| q.fact());
    let derived = case_type.derived.table_of(name).and_then(|(table, column)| {
        // A formula's kind is not kept; the literals that it is compared with have it.
        let plain = table.rows.iter().chain(&table.otherwise).find(|row| row.formulas.is_empty())?;
        plain.out.get(column).map(Value::kind)
    });
    field.or(question).or(derived)
}

/// Literals of a condition.
pub(super) fn mentioned(expr: &Expr, take: &mut impl FnMut(&Value)) {
    match expr {
        Expr::Literal(value) => take(value),
        Expr::Fact(_) | Expr::Known(_) | Expr::Count(_) => {}
        Expr::AnyOf(_, codes) | Expr::AllOf(_, codes) => codes.iter().for_each(|c| take(&Value::code(c))),
        Expr::Not(inner) | Expr::InFact(inner, _) => mentioned(inner, take),
        Expr::In(inner, values) => {
            mentioned(inner, take);
            values.iter().for_each(take);
        }
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|p| mentioned(p, take)),
        Expr::Compare(_, a, b) | Expr::Arith(_, a, b) => {
            mentioned(a, take);
            mentioned(b, take);
        }
        Expr::If(a, b, c) => [a, b, c].into_iter().for_each(|e| mentioned(e, take)),
    }
}

/// A value and its neighbours, so that both sides of a comparison come up.
fn around(value: &Value) -> Vec<Value> {
    match value {
        Value::Int(n) => [-1, 0, 1].iter().filter_map(|d| n.checked_add(*d)).map(Value::Int).collect(),
        Value::Money { currency, minor } => {
            let near = [-1, 0, 1].iter().filter_map(|d| minor.checked_add(*d)).filter(|m| *m >= 0);
            near.map(|minor| Value::Money { currency: currency.clone(), minor }).collect()
        }
        Value::Code(code) => vec![value.clone(), Value::Codes(vec![code.clone()])],
        other => vec![other.clone()],
    }
}
