//! Remembered answers do not stay for ever.

use proto::Time;

use super::Memory;

impl Memory {
    /// Forgets answers remembered before this moment, at most so many at once.
    pub fn prune(&mut self, before: Time, at_most: usize) -> usize {
        let old = self.remembered.iter().take_while(|(at, _)| *at < before.0).take(at_most);
        let gone: Vec<_> = old.cloned().collect();
        for place in &gone {
            self.remembered.remove(place);
            self.replies.remove(&place.1);
        }
        gone.len()
    }

    pub fn remembered(&self) -> usize {
        self.replies.len()
    }
}
