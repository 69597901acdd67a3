//! A report is issued: its digest goes on record, so that anybody can check
//! later that the same journals still give the same bytes.

use chassis_core::{About, Aggregate, Column, ColumnKind, Halt, Refusal, Step, Table, Value};
use proto::{Bucket, Id, Shard, Time, reporting::v1::ReportIssued};
use serde::{Deserialize, Serialize};

use crate::command::{Issue, Reply};

/// Where issued reports live: they belong to no ticket.
pub(crate) fn home() -> Shard {
    Shard::new(0).expect("there is a first shard")
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text }
}

pub(crate) const TABLE: &Table = &Table {
    name: "issued",
    columns: &[
        text("report"),
        text("period"),
        text("digest"),
        text("issued_by"),
        Column { name: "issued_at", kind: ColumnKind::Time },
    ],
};

/// One document, as it was handed out first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    pub report: String,
    pub period: String,
    pub digest: String,
    pub by: String,
    pub at: Time,
}

impl Issued {
    pub fn key(issue: &Issue) -> Id {
        id_of(&issue.report, &issue.period, &issue.digest)
    }

    pub fn home() -> Shard {
        home()
    }
}

fn id_of(report: &str, period: &str, digest: &str) -> Id {
    let mut hasher = blake3::Hasher::new();
    for part in [report, period, digest] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Id::of_hash(hash, Bucket::first_of(home()))
}

impl Aggregate for Issued {
    const TABLE: &'static Table = TABLE;

    fn id(&self) -> Id {
        id_of(&self.report, &self.period, &self.digest)
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.report.as_str().into(),
            self.period.as_str().into(),
            self.digest.as_str().into(),
            self.by.as_str().into(),
            self.at.into(),
        ]
    }
}

pub(crate) fn issue(issue: &Issue, step: &mut Step<'_>) -> Result<Reply, Halt> {
    if issue.digest.len() != 64 || !issue.digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Refusal::field(
            "digest",
            "摘要应为 64 位十六进制。",
            "The digest must be 64 hexadecimal digits.",
        )
        .into());
    }
    if issue.from >= issue.to {
        return Err(Refusal::field(
            "period",
            "期间的开始必须早于结束。",
            "The period must begin before it ends.",
        )
        .into());
    }
    if step.get::<Issued>(Issued::key(issue))?.is_some() {
        return Ok(Reply::Issued { again: true, digest: issue.digest.clone() });
    }
    step.put(&Issued {
        report: issue.report.clone(),
        period: issue.period.clone(),
        digest: issue.digest.clone(),
        by: step.actor().code(),
        at: step.now(),
    });
    let said = ReportIssued {
        report: issue.report.clone(),
        period: issue.period.clone(),
        from_at: issue.from.0,
        to_at: issue.to.0,
        digest: issue.digest.clone(),
    };
    step.say(About::default(), said);
    Ok(Reply::Issued { again: false, digest: issue.digest.clone() })
}
