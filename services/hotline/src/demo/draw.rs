//! Chance that repeats: each decision has its own die, thrown by the seed and by what is decided, so that it does not
//! matter in which order the cast gets to decide.

/// The seed of a cast.
#[derive(Clone, Copy, Debug)]
pub struct Draws(pub u64);

/// The dice of one decision.
pub struct Draw(blake3::OutputReader);

impl Draws {
    /// The dice of the decision that these words name.
    pub fn of(self, words: &[&str]) -> Draw {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0.to_le_bytes());
        for word in words {
            hasher.update(&(word.len() as u64).to_le_bytes());
            hasher.update(word.as_bytes());
        }
        Draw(hasher.finalize_xof())
    }
}

impl Draw {
    /// 0 to 1, without 1.
    fn unit(&mut self) -> f64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True in this share of all cases.
    pub fn happens(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// From `low` up to, not including, `high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.unit() * (high - low).max(1) as f64) as i64
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get((self.unit() * of.len() as f64) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_decision_falls_the_same_way() {
        let throw = |seed, words: &[&str]| {
            let mut draw = Draws(seed).of(words);
            (draw.between(0, 1_000_000), draw.between(0, 1_000_000))
        };
        assert_eq!(throw(7, &["judge", "1"]), throw(7, &["judge", "1"]));
        assert_ne!(throw(7, &["judge", "1"]), throw(8, &["judge", "1"]));
        assert_ne!(throw(7, &["judge", "1"]), throw(7, &["judg", "e1"]));
        let (first, second) = throw(7, &["judge", "1"]);
        assert_ne!(first, second);
    }

    #[test]
    fn shares_and_bounds_are_kept() {
        let hits = (0..10_000).filter(|n: &u32| Draws(1).of(&[&n.to_string()]).happens(0.2)).count();
        assert!((1_800..2_200).contains(&hits), "{hits}");
        assert!((0..1_000).all(|n: u32| (3..5).contains(&Draws(1).of(&[&n.to_string()]).between(3, 5))));
        assert_eq!(Draws(1).of(&[]).pick::<u8>(&[]), None);
        assert!(Draws(1).of(&[]).pick(&[1, 2]).is_some());
    }
}
