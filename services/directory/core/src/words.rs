//! What a code may look like. Codes stand in subjects, headers and URLs, so
//! they are plain; a full stop is out because subjects are divided by it, but for persons, who stand in none.

/// Longest code accepted.
const LONGEST: usize = 64;

/// Letters, digits, `-` and `_`, beginning with a letter or digit.
pub fn is_code(text: &str) -> bool {
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Codes of persons may be made of several, as accounts often are: `zhang.san`, `gm.B1`. No subject holds one.
pub fn is_person_code(text: &str) -> bool {
    text.len() <= LONGEST && text.split('.').all(is_code)
}

/// What a message may repeat of a value that does not fit. Columns get mixed
/// up, and a name that stands where a code should must not be kept in a reply.
pub(crate) fn shown(text: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | ' ' | '.');
    if text.len() <= LONGEST && text.chars().all(plain) { text } else { "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_code_may_be_made_of_several() {
        for good in ["SF-E01-GM", "zhang.san", "gm.B1", "a.b.c"] {
            assert!(is_person_code(good), "{good}");
        }
        for bad in ["", ".", "gm.", ".B1", "gm..B1", "张.三", &format!("{}.b", "a".repeat(LONGEST))] {
            assert!(!is_person_code(bad), "{bad}");
        }
    }

    #[test]
    fn what_may_be_a_name_is_not_repeated() {
        assert_eq!(shown("A 1"), "A 1");
        assert_eq!(shown("某某某"), "…");
    }

    #[test]
    fn codes_are_plain_words() {
        for good in ["A12075", "G", "hx-east", "A12075-GM", "7_a"] {
            assert!(is_code(good), "{good}");
        }
        for bad in ["", "-a", "a b", "a.b", "东区", "a>", &"x".repeat(65)] {
            assert!(!is_code(bad), "{bad}");
        }
    }
}
