//! Everything a schema holds as lines of text: two stores that hold the same say the same.

use serde_bytes::ByteBuf;

use super::{Kept, Memory, decode, id_of};
use crate::{
    aggregate::RowKey,
    store::{LoadPlan, RequestKey},
};

impl Memory {
    /// One line per row of every table, sorted.
    pub fn dump(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for shard in self.heads.keys().map(|number| super::shard_of(*number)) {
            lines.push(format!("shard {:?} published {}", self.head(shard), self.published(shard)));
            lines.extend(self.journal(shard, 0).map(|entry| format!("journal {entry:?}")));
        }
        for ((table, id), kept) in &self.rows {
            let (body, columns): (ByteBuf, Vec<Option<Kept>>) = decode(kept);
            let body: &[u8] = &body;
            let key = RowKey { table, id: id_of(*id) };
            lines.push(format!("row {} {} {body:?} {columns:?}", key.table, key.id));
        }
        for ((id, name), due) in &self.timers {
            lines.push(format!("timer {} {name} {due}", id_of(*id)));
        }
        lines.extend(self.cursors().map(|cursor| format!("cursor {cursor:?}")));
        lines.extend(self.pairs().map(|pair| format!("pair {pair:?}")));
        for (id, caller) in self.replies.keys() {
            let request = RequestKey { caller: caller.clone(), id: id_of(*id) };
            let found =
                self.load(&LoadPlan { rows: Vec::new(), requests: vec![request], queue: None }).replies;
            lines.extend(found.iter().map(|reply| format!("reply {reply:?}")));
        }
        for (seq, kept) in &self.directory {
            let (kind, payload, at): (String, ByteBuf, i64) = decode(kept);
            let payload: &[u8] = &payload;
            lines.push(format!("directory {seq} {kind} {payload:?} {at}"));
        }
        lines.extend(self.set_aside().iter().map(|aside| format!("quarantine {aside:?}")));
        lines.extend(self.tenures().map(|tenure| format!("tenure {tenure:?}")));
        lines.extend(self.rewindings.iter().map(|rewinding| format!("{rewinding:?}")));
        lines.sort();
        lines
    }
}
