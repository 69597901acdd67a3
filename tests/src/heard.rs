//! The event stream, as any subscriber reads it: nothing here comes from a service's own state.

use std::time::Duration;

use async_nats::{
    HeaderMap,
    jetstream::{
        self,
        consumer::{AckPolicy, DeliverPolicy, pull},
    },
};
use futures::StreamExt;
use proto::{AnyEvent, envelope, subject};

/// One event with its headers.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: String,
    pub id: String,
    pub headers: HeaderMap,
    pub event: AnyEvent,
}

impl Event {
    /// Whether it is about this ticket.
    pub fn concerns(&self, ticket: &str) -> bool {
        self.event.ticket().is_some_and(|named| named.ticket_id == ticket)
    }
}

/// All that the stream holds; what was published twice is there once.
pub async fn all(nats: &str) -> anyhow::Result<Vec<Event>> {
    let client = chassis::nats::connect(nats, "hotline-tests").await?;
    let stream = jetstream::new(client).get_stream(subject::EVENT_STREAM).await?;
    let mut left = stream.cached_info().state.messages;
    let consumer = stream
        .create_consumer(pull::Config {
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::None,
            inactive_threshold: Duration::from_secs(30),
            ..pull::Config::default()
        })
        .await?;
    let mut messages = consumer.messages().await?;
    let mut seen = std::collections::HashSet::new();
    let mut all = Vec::new();
    while left > 0 {
        let Some(message) = tokio::time::timeout(Duration::from_secs(20), messages.next()).await? else {
            break;
        };
        let message = message?;
        left = message.info().map_err(|error| anyhow::anyhow!(error))?.pending;
        let headers = message.headers.clone().unwrap_or_default();
        let text = |name: &str| headers.get(name).map(|value| value.as_str().to_owned()).unwrap_or_default();
        let (id, kind) = (text(envelope::ID), text(envelope::TYPE));
        if seen.insert(id.clone()) {
            let event = AnyEvent::decode(&kind, &message.payload)?;
            all.push(Event { kind, id, headers, event });
        }
    }
    Ok(all)
}
