//! What lists show of personal data.

/// `138****5678`; short numbers show their last two digits.
pub fn phone(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    // The country code is no secret and only lengthens the line.
    let digits =
        if digits.len() == 13 && digits.starts_with(&['8', '6']) { &digits[2..] } else { &digits[..] };
    if digits.len() < 8 {
        return format!("***{}", tail(digits, 2));
    }
    format!("{}****{}", digits[..3].iter().collect::<String>(), tail(digits, 4))
}

/// The family name and stars: `李**`.
pub fn name(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().collect();
    first + &"*".repeat(letters.count().min(3))
}

/// `沪A****8`
pub fn plate(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() < 4 {
        return "***".to_owned();
    }
    format!("{}****{}", letters[..2].iter().collect::<String>(), tail(&letters, 1))
}

/// Free text: only that there is some, and how much.
pub fn text(text: &str) -> String {
    format!("[{}]", text.chars().count())
}

fn tail(letters: &[char], count: usize) -> String {
    letters[letters.len().saturating_sub(count)..].iter().collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn masks_leave_enough_to_recognise() {
        assert_eq!(super::phone("13812345678"), "138****5678");
        assert_eq!(super::phone("+86 138 1234 5678"), "138****5678");
        assert_eq!(super::phone("02155"), "***55");
        assert_eq!(super::name("李小明"), "李**");
        assert_eq!(super::plate("沪A12348"), "沪A****8");
        assert_eq!(super::text("噪音很大"), "[4]");
        assert_eq!(super::name(""), "");
    }
}
