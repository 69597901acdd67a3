//! What a move would change, as lines.

use std::{
    collections::BTreeMap,
    fmt::{Display, Formatter, Result as Written, Write as _},
};

use proto::{Time, common::v1::MoveChange};

use super::Looked;

/// A case and everything of it that would be otherwise; nothing for one that stays as it is.
pub(super) fn case(looked: &Looked) -> String {
    let mut text = String::new();
    if looked.changes.is_empty() && !looked.is_blocked() {
        return text;
    }
    let it = &looked.reference;
    let version = it.playbook.as_ref().map_or(0, |book| book.version);
    let mut line = |words: std::fmt::Arguments<'_>| {
        // Into a string nothing fails.
        let _ = writeln!(text, "{words}");
    };
    line(format_args!("{}  {} at {}, version {version}", it.number, it.case_type, it.branch));
    for (gate, zh, en) in &looked.blocked {
        line(format_args!("  cannot be moved ({gate}): {en} / {zh}"));
    }
    for change in looked.changes.iter().filter(|_| !looked.is_blocked()) {
        line(format_args!("  {}", words(change)));
    }
    text
}

fn words(change: &MoveChange) -> String {
    let about = match (change.subject.as_str(), change.instance.as_str()) {
        ("", _) => String::new(),
        (subject, "") => format!(" {subject}"),
        (subject, instance) => format!(" {subject} ({instance})"),
    };
    let at = |at| Time(at).set().map_or_else(|| "-".to_owned(), |at| at.to_string());
    let roles = |codes: &[String]| if codes.is_empty() { "-".to_owned() } else { codes.join(", ") };
    let (old, new) = match change.kind.as_str() {
        "clock" | "call_back" => (at(change.old_at), at(change.new_at)),
        _ => (roles(&change.before), roles(&change.after)),
    };
    let late = if change.breaches { ", late at once" } else { "" };
    format!("{}{about} {}: {old} -> {new}{late}", change.kind, change.change)
}

/// Over all cases.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub cases: usize,
    blocked: BTreeMap<String, usize>,
    changed: usize,
    changes: BTreeMap<(String, String), usize>,
    late: usize,
}

impl Sum {
    pub fn add(&mut self, looked: &Looked) {
        self.cases += 1;
        for (gate, ..) in looked.blocked.iter().take(1) {
            *self.blocked.entry(gate.clone()).or_default() += 1;
        }
        if looked.is_blocked() {
            return;
        }
        self.changed += usize::from(!looked.changes.is_empty());
        for change in &looked.changes {
            *self.changes.entry((change.kind.clone(), change.change.clone())).or_default() += 1;
            self.late += usize::from(change.breaches);
        }
    }
}

impl Display for Sum {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        writeln!(f, "{} running cases, {} would be otherwise", self.cases, self.changed)?;
        for ((kind, change), count) in &self.changes {
            writeln!(f, "  {kind} {change}: {count}")?;
        }
        if self.late > 0 {
            writeln!(f, "  late at once: {}", self.late)?;
        }
        for (gate, count) in &self.blocked {
            writeln!(f, "  cannot be moved ({gate}): {count}")?;
        }
        Ok(())
    }
}
