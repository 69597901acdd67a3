//! An exported journal: what `hotline events tail --all --json` prints, one event a line.

use std::{
    io::{BufRead, BufReader},
    path::Path,
};

use anyhow::{Context, bail};
use chassis_core::Heard;
use jiff::Timestamp;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use proto::{AnyEvent, DESCRIPTORS, Time, envelope::Position};
use serde_json::Value;

/// Every event of the file that belongs to a case, in the order of the file.
pub fn read(path: &Path) -> anyhow::Result<Vec<Heard>> {
    let pool = DescriptorPool::decode(DESCRIPTORS)?;
    let file = std::fs::File::open(path).with_context(|| format!("reading {}", path.display()))?;
    let reader: Box<dyn BufRead> = match path.extension().is_some_and(|it| it.eq_ignore_ascii_case("gz")) {
        true => Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(file))),
        false => Box::new(BufReader::new(file)),
    };
    let mut heard = Vec::new();
    for (at, line) in reader.lines().enumerate() {
        let line = line.with_context(|| format!("reading {}", path.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        heard.extend(event(&pool, &line).with_context(|| format!("{}, line {}", path.display(), at + 1))?);
    }
    Ok(heard)
}

/// `None`: an event that is about no case.
fn event(pool: &DescriptorPool, line: &str) -> anyhow::Result<Option<Heard>> {
    let value: Value = serde_json::from_str(line).context("this is no JSON")?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = text("type");
    let descriptor = pool.get_message_by_name(kind);
    let descriptor = descriptor.with_context(|| format!("event type `{kind}` is unknown to this program"))?;
    let Some(data) = value.get("data") else { bail!("the event has no `data`") };
    let message = DynamicMessage::deserialize(descriptor, data).context("`data` does not fit its type")?;
    let event = AnyEvent::decode(kind, &message.encode_to_vec())?;
    if event.ticket().is_none() {
        return Ok(None);
    }
    let at: Position = text("id").parse().with_context(|| format!("`{}` is no position", text("id")))?;
    let recorded: Timestamp =
        text("time").parse().with_context(|| format!("`{}` is no time", text("time")))?;
    Ok(Some(Heard {
        at,
        event,
        subject: None,
        branch: None,
        actor: String::new(),
        hops: 0,
        recorded_at: Time::from(recorded),
        occurred_at: None,
    }))
}

#[cfg(test)]
mod tests {
    use proto::{Event as _, common::v1::TicketRef, dispatch::v1::WorkStepDone, intake::v1::TicketClosed};
    use serde_json::json;

    use super::*;

    /// As `hotline events tail --json` prints it.
    fn line(kind: &str, id: &str, payload: &[u8]) -> String {
        let pool = DescriptorPool::decode(DESCRIPTORS).expect("our own");
        let descriptor = pool.get_message_by_name(kind).expect("a type of ours");
        let data = DynamicMessage::decode(descriptor, payload).expect("it fits");
        json!({ "id": id, "type": kind, "time": "2026-03-02T10:00:00.000001Z", "data": data }).to_string()
    }

    fn ticket() -> Option<TicketRef> {
        Some(TicketRef { ticket_id: "t".into(), cycle: 2, branch: "B1".into(), ..Default::default() })
    }

    #[test]
    fn what_was_exported_is_read_again() {
        let done = WorkStepDone { ticket: ticket(), step: "mend".into(), ..Default::default() };
        let closed = TicketClosed { ticket: ticket(), outcome: "settled".into(), ..Default::default() };
        let place = |seq| Position {
            service: proto::Service::Dispatch,
            shard: proto::Bucket::of_hash(0).shard(),
            epoch: 1,
            seq,
        };
        let lines = [
            line(WorkStepDone::TYPE, &place(7).to_string(), &done.encode_to_vec()),
            String::new(),
            line(TicketClosed::TYPE, &place(8).to_string(), &closed.encode_to_vec()),
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        std::fs::write(&path, lines.join("\n")).expect("written");
        let heard = read(&path).expect("it is read");
        assert_eq!(heard.iter().map(|heard| heard.at).collect::<Vec<_>>(), [place(7), place(8)]);
        assert_eq!(heard[0].event, AnyEvent::WorkStepDone(done));
        assert_eq!(heard[1].event, AnyEvent::TicketClosed(closed));
        assert_eq!(heard[1].recorded_at, Time(1_772_445_600_000_001));
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        for (text, wanted) in [("{", "no JSON"), (r#"{"type":"hotline.x"}"#, "unknown to this program")] {
            std::fs::write(&path, format!("\n{text}\n")).expect("written");
            let error = format!("{:#}", read(&path).expect_err("refused"));
            assert!(error.contains("line 2") && error.contains(wanted), "{error}");
        }
    }
}
