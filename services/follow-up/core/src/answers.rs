//! Answers against questions: what does not fit is refused, all at once.

use std::collections::BTreeMap;

use chassis_core::{Refusal, Violation};
use playbook::{Facts, FollowUp as Rule, Question, QuestionKind, Value};

/// The answers as facts, named by question.
pub fn read(rule: &Rule, given: &BTreeMap<String, String>) -> Result<Facts, Refusal> {
    let mut facts = Facts::new();
    let mut violations = Vec::new();
    for name in given.keys().filter(|name| !rule.questions.iter().any(|q| q.id == **name)) {
        violations.push(violation(name, "没有这个问题。", "there is no such question."));
    }
    for question in &rule.questions {
        let answer = given.get(&question.id).map(|text| text.trim()).filter(|text| !text.is_empty());
        match answer.map(|text| value(&question.kind, text)) {
            Some(Ok(value)) => {
                facts.set(question.id.clone(), value);
            }
            Some(Err((zh, en))) => violations.push(violation(&question.id, zh, en)),
            None if question.required => violations.push(missing(question)),
            None => {}
        }
    }
    if violations.is_empty() { Ok(facts) } else { Err(Refusal::invalid(violations)) }
}

/// One answer, or what it should have been.
fn value(kind: &QuestionKind, text: &str) -> Result<Value, (String, String)> {
    match kind {
        QuestionKind::Scale { low, high } => {
            text.parse().ok().filter(|n| (*low..=*high).contains(n)).map(Value::Int).ok_or_else(|| {
                (
                    format!("应为 {low} 到 {high} 的整数。"),
                    format!("a whole number from {low} to {high} is expected."),
                )
            })
        }
        QuestionKind::Choice(choices) => {
            choices.iter().find(|c| c.code == text).map(|c| Value::code(&c.code)).ok_or_else(|| {
                let codes = choices.iter().map(|c| c.code.as_str()).collect::<Vec<_>>().join(", ");
                (format!("应为其中之一：{codes}。"), format!("one of {codes} is expected."))
            })
        }
        QuestionKind::YesNo => match text {
            "yes" | "true" => Ok(Value::Bool(true)),
            "no" | "false" => Ok(Value::Bool(false)),
            _ => Err(("应为 yes 或 no。".to_owned(), "yes or no is expected.".to_owned())),
        },
    }
}

fn missing(question: &Question) -> Violation {
    violation(
        &question.id,
        format!("“{}”必须回答。", question.text.zh),
        format!("an answer to \"{}\" is required.", question.text.en),
    )
}

fn violation(question: &str, zh: impl Into<String>, en: impl Into<String>) -> Violation {
    Violation { field: format!("answers.{question}"), zh: zh.into(), en: en.into() }
}
