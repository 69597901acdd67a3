//! Telephone numbers as people write them into lists.

/// What a cell held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phones {
    pub good: Vec<String>,
    /// Pieces that are no number.
    pub bad: Vec<String>,
}

/// Land line with area code and perhaps an extension, mobile, or a 400 or 800
/// number.
pub fn is_phone(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    match parts.as_slice() {
        [one] => is_mobile(one) || is_service_number(one),
        [area, number] if is_area(area) => digits(number, 7..=8),
        [area, number, extension] if is_area(area) => digits(number, 7..=8) && digits(extension, 1..=5),
        [head, ..] if matches!(*head, "400" | "800") => is_service_number(&parts.concat()),
        _ => false,
    }
}

fn is_area(text: &str) -> bool {
    matches!(text.len(), 3 | 4) && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_mobile(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 11
        && bytes[0] == b'1'
        && (b'3'..=b'9').contains(&bytes[1])
        && bytes.iter().all(u8::is_ascii_digit)
}

fn is_service_number(text: &str) -> bool {
    text.len() == 10
        && (text.starts_with("400") || text.starts_with("800"))
        && text.bytes().all(|b| b.is_ascii_digit())
}

/// Reads a cell with one number or several: `021-5133 0126/55550122`. A
/// further number without an area code has that of the one before.
pub fn read(cell: &str) -> Phones {
    let mut phones = Phones::default();
    let mut area: Option<String> = None;
    for piece in cell.split(['/', '、', ';', '；', '，', ',']) {
        let piece: String = piece.chars().filter(|c| !c.is_whitespace()).map(narrow).collect();
        if piece.is_empty() {
            continue;
        }
        let with_area = area.as_ref().map(|area| format!("{area}-{piece}")).filter(|number| is_phone(number));
        if is_phone(&piece) {
            area = piece.split_once('-').map(|(area, _)| area.to_owned()).filter(|area| is_area(area));
            phones.good.push(piece);
        } else if let Some(number) = with_area {
            phones.good.push(number);
        } else {
            phones.bad.push(piece);
        }
    }
    phones.good.dedup();
    phones
}

/// Full-width digits and dashes as the plain ones.
fn narrow(c: char) -> char {
    match c {
        '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32).unwrap_or(c),
        '－' | '—' | '–' | '―' => '-',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(cell: &str) -> (Vec<String>, Vec<String>) {
        let phones = read(cell);
        (phones.good, phones.bad)
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn numbers_are_told_from_other_digits() {
        for good in
            ["021-12345678", "0564-1234567", "010-12345678-202", "13812345678", "4001234567", "400-123-4567"]
        {
            assert!(is_phone(good), "{good}");
        }
        for bad in [
            "12345678",
            "021-123456",
            "12812345678",
            "1381234567",
            "0572-1234567x",
            "010--1234567",
            "",
            "400-1234",
        ] {
            assert!(!is_phone(bad), "{bad}");
        }
    }

    #[test]
    fn a_further_number_has_the_area_of_the_first() {
        assert_eq!(both("021-11112222/33334444"), (words(&["021-11112222", "021-33334444"]), vec![]));
        assert_eq!(both("0515- 88772555"), (words(&["0515-88772555"]), vec![]));
        assert_eq!(both("0516-80001234/"), (words(&["0516-80001234"]), vec![]));
        assert_eq!(both("０２１－１１１１２２２２"), (words(&["021-11112222"]), vec![]));
    }

    #[test]
    fn what_is_no_number_is_named() {
        assert_eq!(both("5236777"), (vec![], words(&["5236777"])));
        assert_eq!(both("0312-1110888/899"), (words(&["0312-1110888"]), words(&["899"])));
        assert_eq!(both("010-81112222-602/607/3"), (words(&["010-81112222-602"]), words(&["607", "3"])));
        assert_eq!(both(""), (vec![], vec![]));
    }
}
