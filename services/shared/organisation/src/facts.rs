//! Facts on the wire and in conditions.

use playbook::{Facts, Value};
use proto::common::v1::{CodeList, Fact, Money, fact::Value as Wire};

/// Every fact as events carry it, in the order of names.
pub fn to_proto(facts: &Facts) -> Vec<Fact> {
    facts.iter().map(|(name, value)| Fact { name: name.to_owned(), value: Some(wire(value)) }).collect()
}

/// What came over the wire; a fact without a value, or a date that is none, is left out.
pub fn from_proto(facts: &[Fact]) -> Facts {
    facts.iter().filter_map(|fact| Some((fact.name.clone(), value(fact.value.as_ref()?)?))).collect()
}

fn wire(value: &Value) -> Wire {
    match value {
        Value::Bool(truth) => Wire::Truth(*truth),
        Value::Int(number) => Wire::Integer(*number),
        Value::Code(code) => Wire::Code(code.clone()),
        Value::Money { currency, minor } => Wire::Money(Money { currency: currency.clone(), minor: *minor }),
        Value::Date(date) => Wire::Date(date.to_string()),
        Value::Instant(at) => Wire::Instant(*at),
        Value::Codes(codes) => Wire::Codes(CodeList { code: codes.clone() }),
    }
}

fn value(wire: &Wire) -> Option<Value> {
    Some(match wire {
        Wire::Truth(truth) => Value::Bool(*truth),
        Wire::Integer(number) => Value::Int(*number),
        Wire::Code(code) => Value::Code(code.clone()),
        Wire::Money(money) => Value::Money { currency: money.currency.clone(), minor: money.minor },
        Wire::Date(date) => Value::Date(date.parse().ok()?),
        Wire::Instant(at) => Value::Instant(*at),
        Wire::Codes(list) => Value::Codes(list.code.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_from_the_wire() {
        let facts = Facts::new()
            .with("severity", Value::code("major"))
            .with("amount", Value::Money { currency: "CNY".into(), minor: 12_345 })
            .with("door_blocked", Value::Bool(true))
            .with("score", Value::Int(4))
            .with("bought", Value::Date("2026-02-28".parse().unwrap()))
            .with("preferred_from", Value::Instant(1_700_000_000_000_000))
            .with("tags", Value::Codes(vec!["a".into(), "b".into()]));
        assert_eq!(from_proto(&to_proto(&facts)), facts);
        let empty = Fact { name: "x".into(), value: None };
        assert!(from_proto(&[empty]).is_empty());
    }
}
