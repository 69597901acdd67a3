//! Seeds changed by chance, and pieces grown long: what a short run tries. The same seed gives the same inputs.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::Target;

/// No input is longer.
pub const LONGEST: usize = 64 * 1024;

/// Changes seeds of one target.
pub struct Mutator<'a> {
    dice: StdRng,
    target: &'a Target,
    seeds: &'a [Vec<u8>],
}

impl<'a> Mutator<'a> {
    /// `seeds` is not empty.
    #[must_use]
    pub fn new(seed: u64, target: &'a Target, seeds: &'a [Vec<u8>]) -> Mutator<'a> {
        Mutator { dice: StdRng::seed_from_u64(seed), target, seeds }
    }

    /// A seed with one to eight changes.
    pub fn changed(&mut self) -> Vec<u8> {
        let mut input = self.seeds[self.below(self.seeds.len())].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let to = (at + self.below(16)).min(input.len());
        match self.below(8) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.dice.random(),
            2 => drop(input.drain(at..to)),
            3 => {
                let piece = input[at..to].repeat(1 + self.below(6));
                splice(input, at, &piece);
            }
            4 => self.line(input),
            5 => {
                let other = &self.seeds[self.below(self.seeds.len())];
                let from = self.below(other.len() + 1);
                let piece = &other[from..(from + 64).min(other.len())];
                splice(input, at, piece);
            }
            6 => splice(input, at, NUMBERS[self.below(NUMBERS.len())].as_bytes()),
            _ => splice(input, at, self.target.words[self.below(self.target.words.len())].as_bytes()),
        }
    }

    /// A line is dropped, doubled or moved.
    fn line(&mut self, input: &mut Vec<u8>) {
        let mut lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == b'\n').collect();
        if lines.is_empty() {
            return;
        }
        let (from, to) = (self.below(lines.len()), self.below(lines.len()));
        let line = lines[from];
        if self.below(2) == 0 {
            lines.remove(from);
        }
        if self.below(3) > 0 {
            lines.insert(to.min(lines.len()), line);
        }
        *input = lines.concat();
    }

    fn below(&mut self, end: usize) -> usize {
        self.dice.random_range(0..end.max(1))
    }
}

/// Ends of ranges, and letters that are more than one byte, or more than one letter when changed in case.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "255",
    "65536",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "1e309",
    "字",
    "ß",
    "\u{feff}",
    "𠮷",
];

fn splice(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    input.splice(at..at, piece.iter().copied());
}

/// Every piece of the target's language repeated until it is long: alone, and behind each seed and its first line. What
/// nests too deep, or takes longer than it should, shows here.
pub fn grown(target: &Target, seeds: &[Vec<u8>], length: usize) -> Vec<Vec<u8>> {
    let mut beginnings: Vec<&[u8]> = vec![b""];
    for seed in seeds.iter().take(3) {
        let line = seed.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        beginnings.extend([&seed[..line], &seed[..]]);
    }
    let mut grown = Vec::new();
    for beginning in beginnings {
        for word in target.words {
            grown.push([beginning, &word.as_bytes().repeat(length / word.len())].concat());
        }
    }
    grown
}
