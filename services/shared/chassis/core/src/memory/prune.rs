//! Remembered answers do not stay for ever.

use proto::Time;

use super::{Memory, kept::decode};

impl Memory {
    /// Forgets answers remembered before this moment, at most so many at once.
    pub fn prune(&mut self, before: Time, at_most: usize) -> usize {
        let old = |kept: &Vec<u8>| {
            let (_, _, _, _, _, at): (u16, [u8; 16], Vec<u8>, u32, u64, Time) = decode(kept);
            at < before
        };
        let gone: Vec<_> = self
            .replies
            .iter()
            .filter(|(_, kept)| old(kept))
            .map(|(key, _)| key.clone())
            .take(at_most)
            .collect();
        gone.iter().for_each(|key| {
            self.replies.remove(key);
        });
        gone.len()
    }

    pub fn remembered(&self) -> usize {
        self.replies.len()
    }
}
