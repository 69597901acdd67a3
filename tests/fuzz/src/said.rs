//! What every refusal must be.

use chassis_core::{Refusal, Violation};
use playbook::{Diagnostic, Lang};

/// Both languages say something, and they are two languages.
pub fn both(zh: &str, en: &str) {
    assert!(!zh.trim().is_empty() && !en.trim().is_empty(), "a refusal says nothing: {zh:?} / {en:?}");
    assert!(zh.chars().any(is_chinese), "no Chinese in {zh:?}");
    assert!(zh != en, "one language twice: {en:?}");
}

pub fn refusal(refusal: &Refusal) {
    both(&refusal.zh, &refusal.en);
    assert!(!refusal.gate.is_empty());
    refusal.violations.iter().for_each(violation);
}

pub fn violation(violation: &Violation) {
    assert!(!violation.field.is_empty(), "no field: {violation:?}");
    both(&violation.zh, &violation.en);
}

/// A finding names its place in one of these texts, and can be shown.
pub fn diagnostic(found: &Diagnostic, files: &[(&str, &str)]) {
    both(&found.message.zh, &found.message.en);
    found.hint.iter().for_each(|hint| both(&hint.zh, &hint.en));
    if found.line > 0 {
        let file = files.iter().find(|(path, _)| *path == found.file);
        let (_, text) = file.unwrap_or_else(|| panic!("a file that nobody gave: {found:?}"));
        assert!(found.line as usize <= lines(text), "no such line: {found:?}");
    }
    for lang in [Lang::Zh, Lang::En] {
        let shown = found.render(lang);
        assert!(shown.contains(found.code), "{shown}");
        assert!(shown.len() < 20_000, "a finding of {} bytes", shown.len());
    }
}

/// As YAML counts them, and one more for what is missing at the end.
pub fn lines(text: &str) -> usize {
    2 + text.chars().filter(|c| matches!(c, '\n' | '\r')).count()
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
}
