//! Names as people search for them: whole, by their beginning, by their pinyin initials.

use pinyin::ToPinyin;

use crate::phone::half_width;

/// Prefixes longer than this find nothing that the whole name would not.
const LONGEST_PREFIX: usize = 4;

/// Without spaces and dots, in lower case.
pub fn normalise(text: &str) -> String {
    text.chars()
        .map(half_width)
        .filter(|c| !c.is_whitespace() && !matches!(c, '.' | '·' | '•'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The beginnings of a normalised name, shorter than the whole. One Chinese character is a family
/// name; one Latin letter is nothing.
pub fn prefixes(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let shortest = if name.is_ascii() { 2 } else { 1 };
    (shortest..letters.len().min(LONGEST_PREFIX + 1))
        .map(|length| letters[..length].iter().collect())
        .collect()
}

/// `lxm` for 李小明; `None` without a Chinese character.
pub fn initials(name: &str) -> Option<String> {
    let letters: String =
        name.chars().filter_map(|c| c.to_pinyin().map(|sound| sound.first_letter().to_owned())).collect();
    (!letters.is_empty()).then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_beginning_and_its_initials() {
        let name = normalise(" 李 小明 ");
        assert_eq!(name, "李小明");
        assert_eq!(prefixes(&name), ["李", "李小"]);
        assert_eq!(initials(&name).as_deref(), Some("lxm"));
    }

    #[test]
    fn latin_names_have_prefixes_and_no_initials() {
        let name = normalise("John Smith");
        assert_eq!(name, "johnsmith");
        assert_eq!(prefixes(&name), ["jo", "joh", "john"]);
        assert_eq!(initials(&name), None);
        assert!(prefixes("李").is_empty());
    }
}
