//! What happened, as a hash that tells whether two runs were the same, and as lines for whoever wants to read them.

use std::collections::VecDeque;

/// Lines kept for the report of a failure.
const KEPT: usize = 60;

#[derive(Default)]
pub struct Trace {
    hash: u64,
    /// Print every line, keep the last ones, or neither: making lines takes most of the time.
    pub listening: Listening,
    kept: VecDeque<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listening {
    #[default]
    Nobody,
    Keep,
    Print,
}

impl Trace {
    /// Everything that happens leaves its mark.
    pub fn mark(&mut self, what: u64, detail: u64) {
        let mixed = self.hash.rotate_left(5) ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ detail;
        self.hash = mixed.wrapping_mul(0xff51_afd7_ed55_8ccd);
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn say(&mut self, now: u64, line: impl FnOnce() -> String) {
        if self.listening == Listening::Nobody {
            return;
        }
        let line = format!("{} {}", clock(now), line());
        if self.listening == Listening::Print {
            println!("{line}");
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(line);
    }

    pub fn last_lines(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().map(String::as_str)
    }
}

/// Day and time of the world, which begins on day 1 at seven.
pub fn clock(now: u64) -> String {
    let seconds = now / 1_000_000 + 7 * 3_600;
    let (day, rest) = (seconds / 86_400 + 1, seconds % 86_400);
    format!("{day}d {:02}:{:02}:{:02}.{:06}", rest / 3_600, rest / 60 % 60, rest % 60, now % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_marks_matters() {
        let (mut one, mut other) = (Trace::default(), Trace::default());
        one.mark(1, 2);
        one.mark(3, 4);
        other.mark(3, 4);
        other.mark(1, 2);
        assert_ne!(one.hash(), other.hash());
    }

    #[test]
    fn the_last_lines_are_kept() {
        let mut trace = Trace { listening: Listening::Keep, ..Trace::default() };
        (0..100).for_each(|line| trace.say(line, || line.to_string()));
        assert_eq!(trace.last_lines().count(), KEPT);
        assert_eq!(trace.last_lines().last(), Some("1d 07:00:00.000099 99"));
    }
}
