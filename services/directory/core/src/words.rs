//! What a code may look like. Codes stand in subjects, headers and URLs, so
//! they are plain; a full stop is out because subjects are divided by it.

/// Longest code accepted.
const LONGEST: usize = 64;

/// Letters, digits, `-` and `_`, beginning with a letter or digit.
pub fn is_code(text: &str) -> bool {
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::is_code;

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
