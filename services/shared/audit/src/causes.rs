//! One cause, one effect: what an input says stands together in one journal. A request or an event
//! that speaks again later, or at another shard, took effect twice (P1, P3).

use std::collections::HashMap;

use chassis_core::Entry;

use crate::{Class, Findings, print_of};

/// The last entry of each cause. Timers fire again under the same name and are left out.
#[derive(Default)]
pub(super) struct Causes {
    last: HashMap<u64, Place>,
}

#[derive(Clone, Copy)]
struct Place {
    shard: u16,
    seq: u64,
}

impl Causes {
    pub(super) fn take(&mut self, entry: &Entry, findings: &mut Findings) {
        let is_request = entry.cause.starts_with("request:");
        if !is_request && !entry.cause.starts_with("event:") {
            return;
        }
        let here = Place { shard: entry.at.shard.number(), seq: entry.at.seq };
        // An event may be heard at several shards; a request has one home.
        let shard = if is_request { u16::MAX } else { here.shard };
        let actor = if is_request { entry.actor.as_str() } else { "" };
        let service = entry.at.service.name();
        let key =
            print_of(&[service.as_bytes(), &shard.to_le_bytes(), actor.as_bytes(), entry.cause.as_bytes()]);
        let Some(before) = self.last.insert(key, here) else { return };
        if (before.shard, before.seq + 1) != (here.shard, here.seq) {
            let what = if is_request { "request-carried-out-twice" } else { "event-applied-twice" };
            let text = format!("{}, after {service}/{}/{}", entry.cause, before.shard, before.seq);
            findings.add(Class::Doubled, what, entry.at, text);
        }
    }
}
