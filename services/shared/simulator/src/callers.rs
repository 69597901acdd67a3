//! Callers: each asks until it is answered, always with the same request id.

use std::sync::Arc;

use chassis_core::{Actor, Answer, Ask, Refusal, store::RequestKey};
use proto::{Bucket, Id, Shard, Time};

use crate::{cast::Task, dice::Dice, order::Order};

/// What the caller does with the answer.
#[derive(Clone)]
pub enum Purpose {
    /// Nothing more follows.
    Alone,
    /// The founding goes on.
    Founding,
    /// The caller is known now: his case is opened.
    Identify(usize),
    Open(usize),
    /// Something that somebody had to do: if it is refused, somebody else tries.
    Deed(Box<Task>),
}

pub struct Request {
    pub ask: Arc<Ask>,
    pub order: Order,
    pub purpose: Purpose,
    pub attempts: u32,
    /// Attempts that were sent with other content.
    pub forged: Vec<u32>,
    /// The first answer that settled it; an acceptance stands above a refusal.
    pub outcome: Option<Result<Answer, Refusal>>,
}

impl Request {
    pub fn new(actor: Actor, order: Order, purpose: Purpose, at: Time, dice: &mut Dice) -> Request {
        let id = Id::mint(at, Bucket::first_of(order.home()), dice.bytes());
        Request::under(id, actor, order, purpose)
    }

    /// With an id that says what it is about: asked twice, it is the same request.
    pub fn under(id: Id, actor: Actor, order: Order, purpose: Purpose) -> Request {
        let request = RequestKey { caller: actor.code(), id };
        let ask = Ask { request, content: [0; 16], actor, traceparent: String::new() };
        Request { ask: Arc::new(ask), order, purpose, attempts: 0, forged: Vec::new(), outcome: None }
    }

    pub fn home(&self) -> Shard {
        self.order.home()
    }

    pub fn is_accepted(&self) -> bool {
        matches!(self.outcome, Some(Ok(_)))
    }

    /// The same request id with other content.
    pub fn forgery(&self) -> Arc<Ask> {
        Arc::new(Ask { content: [1; 16], ..(*self.ask).clone() })
    }
}
