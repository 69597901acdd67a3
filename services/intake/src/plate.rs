//! Chinese number plates (GA 36): province, letter, five places; six for new energy.

use thiserror::Error;

use crate::phone::half_width;

/// A text that is no plate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is not a number plate")]
pub struct NoPlate;

impl NoPlate {
    pub fn zh(self) -> &'static str {
        "不是有效的车牌号，如 沪A12345，新能源如 沪AD12345。"
    }

    pub fn en(self) -> &'static str {
        "not a number plate: 沪A12345 is one, 沪AD12345 for new energy."
    }
}

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
/// Trailers, driving schools, police, Hong Kong and Macao, consulates, emergency vehicles.
const SUFFIXES: &str = "挂学警港澳领急";

/// Upper case, without dots, hyphens and spaces.
pub fn normalise(text: &str) -> Result<String, NoPlate> {
    let plate = strip(text);
    let letters: Vec<char> = plate.chars().collect();
    let province = letters.first().is_some_and(|c| PROVINCES.contains(*c));
    let fits = match letters.len() {
        7 | 8 if province => is_tail(&letters[1..]),
        7 => is_embassy(&letters),
        _ => false,
    };
    if fits { Ok(plate) } else { Err(NoPlate) }
}

/// What stands behind the province, as callers often say it: `A12345`.
pub fn tail(plate: &str) -> Option<String> {
    let mut letters = plate.chars();
    letters.next().filter(|first| PROVINCES.contains(*first))?;
    Some(letters.as_str().to_owned())
}

/// A tail alone, for searching.
pub fn normalise_tail(text: &str) -> Option<String> {
    let tail = strip(text);
    is_tail(&tail.chars().collect::<Vec<_>>()).then_some(tail)
}

fn strip(text: &str) -> String {
    text.trim()
        .chars()
        .map(half_width)
        .filter(|c| !matches!(c, ' ' | '.' | '·' | '•' | '・' | '-'))
        .flat_map(char::to_uppercase)
        .collect()
}

/// The letter of the office and five places, or six for new energy.
fn is_tail(letters: &[char]) -> bool {
    let [office, places @ ..] = letters else { return false };
    if !office.is_ascii_uppercase() || *office == 'I' {
        return false;
    }
    match places {
        [body @ .., last] if places.len() == 5 => {
            body.iter().all(is_place) && (is_place(last) || SUFFIXES.contains(*last))
        }
        [kind, body @ .., last] if places.len() == 6 => {
            let small = is_new_energy(*kind) && body.iter().all(is_place) && last.is_ascii_digit();
            let large =
                kind.is_ascii_digit() && body.iter().all(char::is_ascii_digit) && is_new_energy(*last);
            small || large
        }
        _ => false,
    }
}

/// Neither I nor O: they look like digits.
fn is_place(c: &char) -> bool {
    c.is_ascii_digit() || (c.is_ascii_uppercase() && !matches!(c, 'I' | 'O'))
}

fn is_new_energy(c: char) -> bool {
    matches!(c, 'A'..='H' | 'J' | 'K')
}

fn is_embassy(letters: &[char]) -> bool {
    letters[0] == '使' && letters[1..].iter().all(char::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plates_have_one_normal_form() {
        for text in ["沪A12345", "沪a12345", "沪A·12345", "沪A 123.45", "沪-A12345", "沪Ａ１２３４５"]
        {
            assert_eq!(normalise(text).as_deref(), Ok("沪A12345"), "{text}");
        }
    }

    #[test]
    fn new_energy_and_special_plates_are_plates() {
        for text in ["沪AD12345", "粤BF1A345", "京A12345D", "京A1234警", "粤Z1234港", "使123456"] {
            assert_eq!(normalise(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_plate_is_refused() {
        for text in [
            "",
            "沪",
            "A12345",
            "沪112345",
            "沪A1234",
            "沪A123456",
            "沪AI2345",
            "沪A1O345",
            "沪AZ123456",
            "沪AD1234X",
            "海A12345",
        ] {
            assert_eq!(normalise(text), Err(NoPlate), "{text}");
        }
    }

    #[test]
    fn the_tail_is_what_stands_behind_the_province() {
        assert_eq!(tail("沪A12345").as_deref(), Some("A12345"));
        assert_eq!(tail("使123456"), None);
        assert_eq!(normalise_tail("a·12345").as_deref(), Some("A12345"));
        assert_eq!(normalise_tail("12345"), None);
    }
}
