//! The number that is read out to the customer: shard, sequence, check digit (`07-00123-8`). Each
//! shard counts for itself, so no two writers share a counter; the Luhn digit catches a digit
//! misheard on the phone.

use proto::Shard;

/// The number of the `sequence`-th ticket of a shard.
pub fn format(shard: Shard, sequence: u64) -> String {
    let body = format!("{:02}{sequence:05}", shard.number());
    let check = luhn(&body);
    format!("{}-{}-{check}", &body[..2], &body[2..])
}

/// Reads a number as people write it: with or without hyphens, spaces, full-width digits.
/// `None` if it is not a number of ours.
pub fn parse(text: &str) -> Option<String> {
    let mut digits = String::new();
    for c in text.trim().chars() {
        match c {
            '0'..='9' => digits.push(c),
            '０'..='９' => digits.push(char::from(b'0' + (u32::from(c) - u32::from('０')) as u8)),
            '-' | '－' | '–' | '—' | ' ' | '\u{3000}' | '#' | '№' => {}
            _ => return None,
        }
    }
    let (body, _) = digits.split_at_checked(digits.len().checked_sub(1)?)?;
    let sequence = body.get(2..).filter(|sequence| sequence.len() >= 5)?;
    let shard = Shard::new(body.get(..2)?.parse().ok()?)?;
    let canonical = format(shard, sequence.parse().ok()?);
    // Its check digit is the right one, and a longer sequence than five digits never begins with a zero.
    (canonical.chars().filter(char::is_ascii_digit).eq(digits.chars())).then_some(canonical)
}

/// The check digit that makes the whole divisible by ten (ISO/IEC 7812-1, annex B).
fn luhn(body: &str) -> u8 {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match place % 2 {
                0 if digit > 4 => 2 * digit - 9,
                0 => 2 * digit,
                _ => digit,
            }
        })
        .sum();
    ((10 - sum % 10) % 10) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shard(number: u16) -> Shard {
        Shard::new(number).expect("a shard")
    }

    #[test]
    fn the_check_digit_is_luhns() {
        assert_eq!(luhn("7992739871"), 3);
        assert_eq!(format(shard(7), 123), format!("07-00123-{}", luhn("0700123")));
        assert_eq!(format(shard(15), 1_234_567).len(), "15-1234567-0".len());
    }

    #[test]
    fn a_number_is_read_however_it_is_written() {
        let number = format(shard(7), 123);
        let plain: String = number.chars().filter(char::is_ascii_digit).collect();
        let spaced = number.replace('-', " ");
        let wide: String =
            plain.chars().map(|c| char::from_u32(u32::from(c) - 0x30 + 0xff10).expect("a digit")).collect();
        for text in [&number, &plain, &spaced, &wide, &format!(" #{number} ")] {
            assert_eq!(parse(text).as_ref(), Some(&number), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "0", "07-0123-4", "abc", "99-00123-1", "沪A12345", "07-000123-4"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_noticed(number in 0u16..16, sequence in 1u64..10_000_000, place in 0usize..8, add in 1u8..10) {
            let right = format(shard(number), sequence);
            prop_assert_eq!(parse(&right), Some(right.clone()));
            let mut digits: Vec<u8> = right.bytes().filter(u8::is_ascii_digit).collect();
            digits[place] = b'0' + (digits[place] - b'0' + add) % 10;
            let wrong = String::from_utf8(digits).expect("digits");
            prop_assert_eq!(parse(&wrong), None);
        }
    }
}
