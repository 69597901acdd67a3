//! Contacts for sources that name nobody. They are made from the row's key alone, never from its
//! text, so nobody's real name or number can come in through the back door.

use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invention {
    Phone,
    Name,
    Plate,
}

/// A block that no subscriber in China has.
const BLOCK: &str = "142";
const FAMILY: [&str; 24] = [
    "赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "褚", "卫", "蒋", "沈", "韩", "杨", "朱",
    "秦", "许", "何", "吕", "施", "张", "孔",
];
const GIVEN: [&str; 20] = [
    "一鸣", "文博", "晓岚", "建国", "雨桐", "志强", "思远", "美玲", "海涛", "雪梅", "子轩", "丽华", "俊杰",
    "秀英", "国栋", "婷婷", "明哲", "桂兰", "浩然", "静怡",
];
const PROVINCES: [&str; 12] = ["京", "沪", "粤", "苏", "浙", "鲁", "川", "鄂", "湘", "皖", "闽", "豫"];
/// Plates know no I and no O.
const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The same row of the same source gives the same person; that two rows share a number is unlikely
/// among a hundred million.
pub fn invent(what: Invention, source: &str, key: &str) -> String {
    let mut dice = Dice::of(source, key, what);
    match what {
        Invention::Phone => format!("{BLOCK}{:08}", dice.below(100_000_000)),
        Invention::Name => format!("{}{}", dice.choose(&FAMILY), dice.choose(&GIVEN)),
        Invention::Plate => {
            let letter = |dice: &mut Dice| char::from(LETTERS[dice.below(LETTERS.len() as u64) as usize]);
            let province = dice.choose(&PROVINCES);
            format!("{province}{}{}{:04}", letter(&mut dice), letter(&mut dice), dice.below(10_000))
        }
    }
}

/// A hash drawn out as far as it is needed.
struct Dice(blake3::OutputReader);

impl Dice {
    fn of(source: &str, key: &str, what: Invention) -> Dice {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{what:?}\n{source}\n{key}").as_bytes());
        Dice(hasher.finalize_xof())
    }

    fn below(&mut self, limit: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % limit
    }

    fn choose<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_row_keeps_its_invented_person() {
        for what in [Invention::Phone, Invention::Name, Invention::Plate] {
            assert_eq!(invent(what, "s", "1"), invent(what, "s", "1"));
            assert_ne!(invent(what, "s", "1"), invent(what, "s", "2"), "{what:?}");
        }
    }

    #[test]
    fn invented_numbers_and_plates_are_such_as_intake_takes() {
        for row in 0..2_000 {
            let phone = invent(Invention::Phone, "s", &row.to_string());
            assert_eq!(intake::phone::normalise(&phone), Ok(format!("+86{phone}")));
            assert!(phone.starts_with(BLOCK));
            let plate = invent(Invention::Plate, "s", &row.to_string());
            assert_eq!(intake::plate::normalise(&plate), Ok(plate.clone()), "{plate}");
        }
    }

    #[test]
    fn few_rows_share_a_number() {
        let phones: HashSet<String> =
            (0..3_600).map(|row| invent(Invention::Phone, "s", &row.to_string())).collect();
        assert_eq!(phones.len(), 3_600);
    }
}
