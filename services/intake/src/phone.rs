//! Phones in one normal form: E.164. A number without a country is Chinese.

use std::sync::LazyLock;

use phonenumber::{Mode, country};
use thiserror::Error;

/// Why a text is no phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PhoneError {
    #[error("several numbers stand in one field")]
    Several,
    #[error("it is not a number that can be dialled")]
    NotDialled,
}

impl PhoneError {
    pub fn zh(self) -> &'static str {
        match self {
            PhoneError::Several => "一栏只能填一个号码，请只填一个（如 021-55550126）。",
            PhoneError::NotDialled => "不是有效的电话号码，请填手机号或带区号的固定电话。",
        }
    }

    pub fn en(self) -> &'static str {
        match self {
            PhoneError::Several => "one number is expected, and several stand here (021-55550126, say).",
            PhoneError::NotDialled => {
                "not a number that can be dialled: a mobile number or one with its area code is expected."
            }
        }
    }
}

/// `+8613812345678` out of `138 1234-5678`, `0086...`, `+86 ...`, full-width digits.
pub fn normalise(text: &str) -> Result<String, PhoneError> {
    let text: String = text.trim().chars().map(half_width).collect();
    if text.contains(['/', '、', ';', '；', ',', '，', '|', '或', '\n']) {
        return Err(PhoneError::Several);
    }
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    // Nine in ten calls are Chinese mobiles: no need to ask the world's numbering plans.
    if let Some(mobile) = chinese_mobile(&digits) {
        return Ok(format!("+86{mobile}"));
    }
    parse(&digits)
}

fn chinese_mobile(digits: &str) -> Option<&str> {
    let national = ["+86", "0086", "86"].iter().find_map(|prefix| digits.strip_prefix(prefix));
    let national = national.filter(|rest| rest.len() == 11).unwrap_or(digits);
    let fits = national.len() == 11
        && national.bytes().all(|b| b.is_ascii_digit())
        && national.starts_with('1')
        && matches!(national.as_bytes()[1], b'3'..=b'9');
    fits.then_some(national)
}

/// International prefixes as people here dial them.
fn parse(digits: &str) -> Result<String, PhoneError> {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let international = digits.strip_prefix("00").map(|rest| format!("+{rest}"));
    let dialled = international.as_deref().unwrap_or(digits);
    if !plain(dialled.strip_prefix('+').unwrap_or(dialled)) || !is_whole(dialled) {
        return Err(PhoneError::NotDialled);
    }
    // The plans drop zeros that they take for a prefix, and what is left may be no number any more: it must read as itself.
    let number = valid(dialled).ok_or(PhoneError::NotDialled)?;
    if valid(&number).as_ref() == Some(&number) { Ok(number) } else { Err(PhoneError::NotDialled) }
}

/// E.164, by the world's numbering plans.
fn valid(dialled: &str) -> Option<String> {
    static PLANS: LazyLock<&phonenumber::metadata::Database> =
        LazyLock::new(|| &phonenumber::metadata::DATABASE);
    let number = phonenumber::parse_with(&PLANS, Some(country::CN), dialled).ok()?;
    phonenumber::is_valid_with(&PLANS, &number).then(|| number.format().mode(Mode::E164).to_string())
}

/// The numbering plan reads any digits in a row, so it takes 57-85000012 for 0578-5000012, and an extension for a part of
/// the number. Here a landline has its area code with the zero in front, and at most eleven digits behind that.
fn is_whole(dialled: &str) -> bool {
    const WITHOUT_AREA: [&str; 6] = ["1", "400", "800", "86", "95", "96"];
    match dialled.strip_prefix('0') {
        Some(rest) => rest.len() <= 11,
        None => dialled.starts_with('+') || WITHOUT_AREA.iter().any(|prefix| dialled.starts_with(prefix)),
    }
}

pub(crate) fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        '‐' | '–' | '—' => '-',
        other => other,
    }
}

/// The digits that people remember: without country code and trunk zero.
pub fn national(e164: &str) -> &str {
    e164.strip_prefix("+86").unwrap_or_else(|| e164.trim_start_matches('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mobile_is_read_however_it_is_written() {
        for text in [
            "13812345678",
            "138 1234 5678",
            "138-1234-5678",
            "+86 13812345678",
            "008613812345678",
            "8613812345678",
            "１３８１２３４５６７８",
        ] {
            assert_eq!(normalise(text).as_deref(), Ok("+8613812345678"), "{text}");
        }
    }

    #[test]
    fn a_landline_needs_its_area_code() {
        assert_eq!(normalise("021-55550100").as_deref(), Ok("+862155550100"));
        assert_eq!(normalise("(021) 5555 0100").as_deref(), Ok("+862155550100"));
        assert_eq!(normalise("55550100"), Err(PhoneError::NotDialled));
        assert_eq!(normalise("57-85000012"), Err(PhoneError::NotDialled), "not 0578-5000012");
        assert_eq!(normalise("0571-85000012-801"), Err(PhoneError::NotDialled), "an extension");
        assert_eq!(normalise("400-850-0012").as_deref(), Ok("+864008500012"));
    }

    #[test]
    fn other_countries_are_dialled_with_their_code() {
        assert_eq!(normalise("+1 650 253 0000").as_deref(), Ok("+16502530000"));
        assert_eq!(normalise("00852 2345 6789").as_deref(), Ok("+85223456789"));
    }

    #[test]
    fn two_numbers_in_one_field_are_named_as_such() {
        for text in ["021-55550126/55550122", "021-55550126、021-55550122", "13812345678,13912345678"] {
            assert_eq!(normalise(text), Err(PhoneError::Several), "{text}");
        }
    }

    #[test]
    fn what_nobody_can_dial_is_refused() {
        for text in [
            "",
            "12345",
            "12812345678",
            "1381234567",
            "138123456789",
            "abc",
            "+86",
            "00",
            "++8613812345678",
            "138x2345678",
            // Each would be kept as a number that is refused when it is looked for.
            "+9610012405701",
            "00470005900",
        ] {
            assert_eq!(normalise(text), Err(PhoneError::NotDialled), "{text}");
        }
    }
}
