//! The event stream, read while the day goes on.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use futures::StreamExt;
use proto::{AnyEvent, envelope, subject};

use crate::demo::tally::Tally;

/// What has been heard so far.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Tally>>);

impl Heard {
    /// Looks without keeping it from being written for long.
    pub fn look<R>(&self, at: impl FnOnce(&Tally) -> R) -> R {
        at(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn hear(&self, message: &async_nats::Message) {
        let header = |name: &str| {
            message
                .headers
                .as_ref()
                .and_then(|headers| headers.get(name))
                .map(|value| value.as_str().to_owned())
        };
        let (Some(id), Some(kind)) = (header(envelope::ID), header(envelope::TYPE)) else { return };
        // A type that this program does not know is nothing that it counts.
        if let Ok(event) = AnyEvent::decode(&kind, &message.payload) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).hear(&id, &event);
        }
    }
}

/// Begins to listen; what is said from here on is counted.
pub async fn listen(
    nats_url: &str,
) -> anyhow::Result<(Heard, impl Future<Output = anyhow::Result<()>> + use<>)> {
    let client = chassis::nats::connect(nats_url, "hotline-demo").await.context("NATS cannot be reached")?;
    let consumer = jetstream::new(client)
        .create_consumer_on_stream(
            pull::Config {
                deliver_policy: DeliverPolicy::New,
                ack_policy: AckPolicy::None,
                filter_subject: "hotline.event.>".to_owned(),
                ..pull::Config::default()
            },
            subject::EVENT_STREAM,
        )
        .await
        .context("the event stream cannot be read")?;
    let mut messages = consumer.messages().await?;
    let heard = Heard::default();
    let ears = heard.clone();
    let listening = async move {
        while let Some(message) = messages.next().await {
            let message = message?;
            ears.hear(&message);
        }
        anyhow::bail!("the event stream ended")
    };
    Ok((heard, listening))
}
