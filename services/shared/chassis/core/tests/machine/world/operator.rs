//! Somebody who sees to what is in quarantine: redrives it, too early mostly,
//! and discards a note now and then.

use std::{collections::BTreeMap, sync::Arc};

use chassis_core::{
    Actor, Ask, Core, Happening, Outcome, RefusalKind,
    aside::{Fault, Order, SetAside, Wish},
    store::RequestKey,
};
use proto::{Event, Id, Time, intake::v1::TicketNoted};

use super::World;
use crate::node::Node;

#[derive(Default)]
pub struct Operator {
    /// Asked under this request until it is answered: at the till, or at the mirror.
    asking: Option<(bool, Arc<Ask>, Order)>,
    tokens: BTreeMap<u64, Id>,
    pub redriven: usize,
    /// By their ids in quarantine: what was meant to be discarded, as its cause.
    pub discarding: BTreeMap<String, String>,
}

impl Operator {
    pub fn is_asked(&self, token: u64) -> bool {
        self.tokens.contains_key(&token)
    }

    pub fn is_busy(&self) -> bool {
        self.asking.is_some()
    }

    pub fn answered(&mut self, token: u64, outcome: &Outcome) {
        let asked = self.asking.as_ref().map(|(_, ask, _)| ask.request.id);
        if self.tokens.get(&token).copied() != asked {
            return;
        }
        let kind = outcome.as_ref().err().map(|refusal| refusal.kind);
        match kind {
            Some(RefusalKind::Exhausted | RefusalKind::Unavailable) => {}
            // Already gone, or not the first any more: what is there is looked at again. The database's no is Internal.
            None | Some(RefusalKind::NotFound | RefusalKind::Precondition | RefusalKind::Internal) => {
                self.redriven += usize::from(kind.is_none());
                self.asking = None;
            }
            Some(other) => panic!("the operator was answered {other:?}"),
        }
    }
}

/// The first of each queue; a command that was answered waits for nobody.
fn heads<C: Core>(node: &Node<C>) -> Vec<SetAside> {
    let mut heads: Vec<SetAside> = Vec::new();
    for aside in node.store.set_aside() {
        let is_behind = aside.aggregate.is_some() && heads.iter().any(|h| h.aggregate == aside.aggregate);
        let is_answered = aside.kind == "command" && aside.fault != Some(Fault::Died);
        if !is_behind && !is_answered {
            heads.push(aside);
        }
    }
    heads
}

impl World {
    pub(super) fn see_to_quarantine(&mut self) {
        if self.operator.asking.is_none() && (!self.faulty || self.dice.chance(150)) {
            let at_till = self.dice.chance(500);
            let heads = if at_till { heads(&self.till) } else { heads(&self.mirror) };
            if heads.is_empty() {
                return;
            }
            let head = &heads[self.dice.below(heads.len())];
            let discards = self.faulty && head.kind == TicketNoted::TYPE && self.dice.chance(200);
            if discards {
                self.operator.discarding.insert(head.id.to_string(), head.cause.clone());
            }
            let wish = if discards { Wish::Discard } else { Wish::Redrive };
            let order = Order { id: head.id, wish, reason: "mended".to_owned() };
            let entropy = [0; 9].map(|_: u8| self.dice.roll() as u8);
            let id = Id::mint(Time(self.clock), head.id.bucket(), entropy);
            let actor = Actor::Person { code: "T9".to_owned(), grants: Vec::new() };
            let request = RequestKey { caller: actor.code(), id };
            let ask = Arc::new(Ask { request, content: [9; 16], actor, traceparent: String::new() });
            self.operator.asking = Some((at_till, ask, order));
        }
        let Some((at_till, ask, order)) = self.operator.asking.clone() else { return };
        self.tokens += 1;
        let token = self.tokens;
        self.operator.tokens.insert(token, ask.request.id);
        if at_till {
            self.till.hear(Happening::Order { token, ask, order }, self.now);
        } else {
            self.mirror.hear(Happening::Order { token, ask, order }, self.now);
        }
    }

    pub(super) fn is_quarantine_seen_to(&self) -> bool {
        heads(&self.till).is_empty() && heads(&self.mirror).is_empty()
    }
}
