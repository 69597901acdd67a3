//! Vehicle identification numbers (ISO 3779, GB 16735): 17 places without I, O and Q.

use thiserror::Error;

use crate::phone::half_width;

/// A text that is no VIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is not a VIN")]
pub struct NoVin;

impl NoVin {
    pub fn zh(self) -> &'static str {
        "车架号应为 17 位，不含字母 I、O、Q。"
    }

    pub fn en(self) -> &'static str {
        "a VIN has 17 places and no letters I, O or Q."
    }
}

pub const LENGTH: usize = 17;
const WEIGHTS: [u32; LENGTH] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
const CHECK_PLACE: usize = 8;

/// Upper case, without spaces and hyphens. The check digit is not demanded: European makers leave it out.
pub fn normalise(text: &str) -> Result<String, NoVin> {
    let vin = strip(text);
    let fits = vin.len() == LENGTH && vin.bytes().all(|b| value(b).is_some());
    if fits { Ok(vin) } else { Err(NoVin) }
}

/// Whether the check digit in place nine is right. A wrong one is worth asking again.
pub fn checks(vin: &str) -> bool {
    let values: Option<Vec<u32>> = vin.bytes().map(value).collect();
    let Some(values) = values.filter(|values| values.len() == LENGTH) else { return false };
    let sum: u32 = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    let expected = match sum % 11 {
        10 => b'X',
        digit => b'0' + digit as u8,
    };
    vin.as_bytes()[CHECK_PLACE] == expected
}

/// The last six places, which callers read out.
pub fn normalise_tail(text: &str) -> Option<String> {
    let tail = strip(text);
    (tail.len() == 6 && tail.bytes().all(|b| value(b).is_some())).then_some(tail)
}

fn strip(text: &str) -> String {
    text.trim()
        .chars()
        .map(half_width)
        .filter(|c| !matches!(c, ' ' | '-'))
        .flat_map(char::to_uppercase)
        .collect()
}

/// What a place counts in the check sum; `None` for what may not stand there.
fn value(place: u8) -> Option<u32> {
    Some(match place {
        b'0'..=b'9' => u32::from(place - b'0'),
        b'A'..=b'H' => u32::from(place - b'A') + 1,
        b'J'..=b'N' => u32::from(place - b'J') + 1,
        b'P' => 7,
        b'R' => 9,
        b'S'..=b'Z' => u32::from(place - b'S') + 2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vin_is_read_and_its_check_digit_known() {
        assert_eq!(normalise("1m8g-dm9a xkp042788").as_deref(), Ok("1M8GDM9AXKP042788"));
        assert!(checks("1M8GDM9AXKP042788"));
        assert!(checks("11111111111111111"));
        assert!(!checks("1M8GDM9A1KP042788"));
    }

    #[test]
    fn what_is_no_vin_is_refused() {
        for text in [
            "",
            "1M8GDM9AXKP04278",
            "1M8GDM9AXKP0427888",
            "IM8GDM9AXKP042788",
            "1M8GDM9AXKPO42788",
            "1M8GDM9AXKQ042788",
            "车架号",
        ] {
            assert_eq!(normalise(text), Err(NoVin), "{text}");
        }
    }

    #[test]
    fn the_last_six_are_a_search_word() {
        assert_eq!(normalise_tail("04 2788").as_deref(), Some("042788"));
        assert_eq!(normalise_tail("04278"), None);
    }
}
