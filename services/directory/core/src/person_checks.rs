//! Which persons of an import fit. A deputy may come in the same import, so a
//! person who falls out takes along those whom he stands in for.

use std::collections::BTreeMap;

use crate::{
    command::{BadRecord, NodeInput, PersonInput},
    node_checks::{bad_code, twice},
    state::Catalogue,
    words::{is_code, is_person_code, shown},
};

/// The persons that fit, by code; the others are reported.
pub(crate) fn fitting<'a>(
    inputs: &'a [PersonInput],
    nodes: &BTreeMap<&str, &NodeInput>,
    catalogue: &Catalogue,
    bad: &mut Vec<BadRecord>,
) -> BTreeMap<&'a str, &'a PersonInput> {
    let node_exists = |code: &str| nodes.contains_key(code) || catalogue.nodes.contains_key(code);
    let mut plan: BTreeMap<&str, &PersonInput> = BTreeMap::new();
    for input in inputs {
        if let Some(why) = by_himself(input, &node_exists) {
            bad.push(why);
        } else if let Some(first) = plan.get(input.code.as_str()) {
            bad.push(twice(&input.place, &input.code, &first.place));
        } else {
            plan.insert(&input.code, input);
        }
    }
    loop {
        let exists = |code: &str| plan.contains_key(code) || catalogue.persons.contains(code);
        let broken: Vec<(&str, BadRecord)> = plan
            .iter()
            .filter_map(|(code, input)| {
                let deputy = input.deputy.as_deref().filter(|deputy| !exists(deputy))?;
                Some((*code, unknown_deputy(&input.place, deputy)))
            })
            .collect();
        if broken.is_empty() {
            return plan;
        }
        for (code, why) in broken {
            plan.remove(code);
            bad.push(why);
        }
    }
}

fn unknown_deputy(place: &str, deputy: &str) -> BadRecord {
    let deputy = shown(deputy);
    BadRecord::new(
        place,
        "deputy",
        format!("代理人 {deputy} 不存在（或未被接受）。"),
        format!("There is no deputy {deputy} (or he was not accepted)."),
    )
}

fn bad_person_code(place: &str, code: &str) -> BadRecord {
    let code = shown(code);
    BadRecord::new(
        place,
        "code",
        format!(
            "“{code}”不能作人员代码：只用字母、数字、-、_ 和中间的 .，以字母或数字开头，最多 64 个字符。"
        ),
        format!(
            "`{code}` is no person's code: letters, digits, -, _ and full stops inside only, beginning with a letter or digit, at most 64."
        ),
    )
}

fn by_himself(input: &PersonInput, node_exists: &dyn Fn(&str) -> bool) -> Option<BadRecord> {
    let say = |field: &str, zh: String, en: String| Some(BadRecord::new(&input.place, field, zh, en));
    if !is_person_code(&input.code) {
        return Some(bad_person_code(&input.place, &input.code));
    }
    if input.name.is_none() {
        return say("name", "缺少姓名。".into(), "The name is missing.".into());
    }
    for held in &input.roles {
        if !is_code(&held.role) {
            return Some(bad_code(&input.place, "roles", &held.role));
        }
        if !node_exists(&held.node) {
            return say(
                "roles",
                format!("角色 {} 所在的组织 {} 不存在（或未被接受）。", held.role, shown(&held.node)),
                format!(
                    "Role {} is at {}, which does not exist (or was not accepted).",
                    held.role, held.node
                ),
            );
        }
    }
    if let Some(skill) = input.skills.iter().find(|skill| !is_code(skill)) {
        return Some(bad_code(&input.place, "skills", skill));
    }
    if input.deputy.as_deref() == Some(&input.code) {
        return say("deputy", "不能代理自己。".into(), "Nobody stands in for himself.".into());
    }
    if input.absences.iter().any(|(from, to)| from >= to) {
        return say(
            "absences",
            "缺勤的开始必须早于结束。".into(),
            "An absence must begin before it ends.".into(),
        );
    }
    None
}
