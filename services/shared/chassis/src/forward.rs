//! Commands for shards whose writer is another replica: over NATS, answered by
//! the owner. No stream captures them.

use std::{sync::Arc, time::Duration};

use chassis_core::{Answer, Ask, Core, Outcome, Refusal, RefusalKind, aside::Order, store::RequestKey};
use futures::StreamExt;
use proto::{Shard, envelope::Position, subject};
use serde::{Deserialize, Serialize};

use crate::handle::{Handle, Wanted, unavailable};

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct WireAsk {
    caller: String,
    id: proto::Id,
    content: [u8; 16],
    actor: chassis_core::Actor,
    traceparent: String,
}

#[derive(Serialize, Deserialize)]
struct WireCommand {
    ask: WireAsk,
    /// Empty with an order.
    command: Vec<u8>,
    /// About quarantine, instead of a command.
    #[serde(default)]
    order: Option<Order>,
}

#[derive(Serialize, Deserialize)]
enum WireOutcome {
    Accepted { reply: Vec<u8>, at: Position },
    Refused(Refusal),
}

/// Sends commands to owners elsewhere.
#[derive(Clone)]
pub(crate) struct Forwarder {
    nats: async_nats::Client,
}

impl Forwarder {
    pub fn new(nats: async_nats::Client) -> Forwarder {
        Forwarder { nats }
    }

    pub async fn submit<C: Core>(&self, home: Shard, ask: &Ask, wanted: &Wanted<C>) -> Outcome {
        let (command, order) = match wanted {
            Wanted::Command(command) => (rmp_serde::to_vec_named(&**command).map_err(|_| no_owner())?, None),
            Wanted::Order(order) => (Vec::new(), Some(order.clone())),
        };
        let wire = WireCommand {
            ask: WireAsk {
                caller: ask.request.caller.clone(),
                id: ask.request.id,
                content: ask.content,
                actor: ask.actor.clone(),
                traceparent: ask.traceparent.clone(),
            },
            command,
            order,
        };
        let payload = rmp_serde::to_vec_named(&wire).map_err(|_| no_owner())?;
        let request = self.nats.request(subject::command(C::SERVICE, home), payload.into());
        let message = match tokio::time::timeout(PATIENCE, request).await {
            Ok(Ok(message)) => message,
            Ok(Err(_)) | Err(_) => return Err(no_owner()),
        };
        match rmp_serde::from_slice(&message.payload) {
            Ok(WireOutcome::Accepted { reply, at }) => Ok(Answer { reply, at }),
            Ok(WireOutcome::Refused(refusal)) => Err(refusal),
            Err(_) => Err(no_owner()),
        }
    }
}

/// Takes forwarded commands for the shards owned here; others stay silent.
pub(crate) async fn receive<C: Core>(handle: Handle<C>, nats: async_nats::Client) {
    let subject = format!("hotline.command.{}.*", C::SERVICE);
    let Ok(mut messages) = nats.subscribe(subject).await else {
        tracing::warn!("cannot subscribe to forwarded commands");
        return;
    };
    while let Some(message) = messages.next().await {
        let home = message.subject.rsplit('.').next().and_then(|n| Shard::new(n.parse().ok()?));
        let (Some(home), Some(reply)) = (home, message.reply) else { continue };
        if !handle.owns(home) {
            continue;
        }
        let (handle, nats) = (handle.clone(), nats.clone());
        tokio::spawn(async move {
            let outcome = carry_out(&handle, home, &message.payload).await;
            let wire = match outcome {
                Ok(answer) => WireOutcome::Accepted { reply: answer.reply, at: answer.at },
                Err(refusal) => WireOutcome::Refused(refusal),
            };
            let payload = rmp_serde::to_vec_named(&wire).unwrap_or_default();
            if let Err(error) = nats.publish(reply, payload.into()).await {
                tracing::warn!(%error, "a forwarded command's answer could not be sent");
            }
        });
    }
}

async fn carry_out<C: Core>(handle: &Handle<C>, home: Shard, payload: &[u8]) -> Outcome {
    let malformed = || {
        Refusal::new(
            RefusalKind::Invalid,
            "forwarded",
            "转发的请求无法读取。",
            "A forwarded request cannot be read.",
        )
    };
    let wire: WireCommand = rmp_serde::from_slice(payload).map_err(|_| malformed())?;
    let wanted = match wire.order {
        Some(order) => Wanted::Order(order),
        None => Wanted::Command(Arc::new(rmp_serde::from_slice(&wire.command).map_err(|_| malformed())?)),
    };
    let ask = Ask {
        request: RequestKey { caller: wire.ask.caller, id: wire.ask.id },
        content: wire.ask.content,
        actor: wire.ask.actor,
        traceparent: wire.ask.traceparent,
    };
    handle.submit_here(home, Arc::new(ask), wanted).await
}

fn no_owner() -> Refusal {
    unavailable(
        "no-owner",
        "该分片暂时没有负责的副本，请稍后重试。",
        "No replica owns this shard at the moment; try again.",
    )
}
