//! `hotline events tail`: the event stream as an analyst sees it.

use std::process::ExitCode;

use anyhow::Context;
use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use chassis::Config;
use clap::Subcommand;
use futures::StreamExt;
use prost_reflect::{DescriptorPool, DynamicMessage};
use proto::{DESCRIPTORS, envelope, subject};

#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Print events as they come.
    Tail {
        /// One JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
        /// From the beginning of the stream.
        #[arg(long)]
        all: bool,
        /// Only these subjects, e.g. `hotline.event.intake.>`.
        #[arg(long, default_value = "hotline.event.>")]
        subject: String,
        /// Stop after this many.
        #[arg(long)]
        count: Option<u64>,
    },
}

pub async fn carry_out(config: Config, command: EventsCommand) -> anyhow::Result<ExitCode> {
    let EventsCommand::Tail { json, all, subject, count } = command;
    let client = chassis::nats::connect(&config.nats_url, "hotline-events")
        .await
        .with_context(|| "NATS cannot be reached (nats_url in the configuration)")?;
    let consumer = jetstream::new(client)
        .create_consumer_on_stream(
            pull::Config {
                deliver_policy: if all { DeliverPolicy::All } else { DeliverPolicy::New },
                ack_policy: AckPolicy::None,
                filter_subject: subject,
                ..pull::Config::default()
            },
            subject::EVENT_STREAM,
        )
        .await
        .context("the event stream cannot be read; has a service been started?")?;
    let pool = DescriptorPool::decode(DESCRIPTORS)?;
    let mut messages = consumer.messages().await?;
    let mut left = count;
    while left != Some(0)
        && let Some(message) = messages.next().await
    {
        let message = message?;
        print(&pool, &message, json)?;
        left = left.map(|left| left - 1);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(pool: &DescriptorPool, message: &async_nats::Message, json: bool) -> anyhow::Result<()> {
    let header = |name: &str| {
        message.headers.as_ref().and_then(|h| h.get(name)).map(|v| v.as_str().to_owned()).unwrap_or_default()
    };
    let data = decoded(pool, &header(envelope::TYPE), &message.payload);
    if json {
        let line = serde_json::json!({
            "specversion": header(envelope::SPEC_VERSION),
            "id": header(envelope::ID),
            "type": header(envelope::TYPE),
            "source": header(envelope::SOURCE),
            "subject": header(envelope::SUBJECT),
            "time": header(envelope::TIME),
            "sequence": header(envelope::SEQUENCE),
            "data": data,
        });
        println!("{line}");
        return Ok(());
    }
    let name = message.subject.splitn(5, '.').nth(4).unwrap_or(&message.subject).to_owned();
    println!("{}  {:<26} {:<22} {}", header(envelope::TIME), header(envelope::ID), name, data);
    Ok(())
}

fn decoded(pool: &DescriptorPool, kind: &str, payload: &[u8]) -> serde_json::Value {
    pool.get_message_by_name(kind)
        .and_then(|descriptor| DynamicMessage::decode(descriptor, payload).ok())
        .and_then(|message| serde_json::to_value(&message).ok())
        .unwrap_or(serde_json::Value::Null)
}
