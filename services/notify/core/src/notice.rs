//! One telling of one person.

use chassis_core::{About, Aggregate, Column, ColumnKind, Sealed, Step, Table, Value};
use playbook::{Channel, Facts};
use proto::{Id, Time, notify::v1 as said};
use serde::{Deserialize, Serialize};

use crate::signal::Matter;

pub(crate) const TABLE: &Table = &Table {
    name: "notice",
    columns: &[
        Column { name: "state", kind: ColumnKind::Text },
        Column { name: "ticket", kind: ColumnKind::Text },
        Column { name: "branch", kind: ColumnKind::Text },
        Column { name: "recipient", kind: ColumnKind::Text },
        Column { name: "rule", kind: ColumnKind::Text },
        Column { name: "channel", kind: ColumnKind::Text },
        Column { name: "queued_at", kind: ColumnKind::Time },
    ],
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub id: Id,
    pub ticket: Id,
    pub matter: Matter,
    /// Whose key seals the words.
    pub customer: Option<Id>,
    /// The playbook's rule, or the built-in one of the ladder.
    pub rule: String,
    /// A person's directory code; empty when nobody was found.
    pub recipient: String,
    /// The role, or the part in the case, for which the person is told.
    pub role: String,
    pub channel: Channel,
    pub occasion: Occasion,
    pub queued_at: Time,
    /// Tries that are over.
    pub tries: u32,
    pub state: NoticeState,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NoticeState {
    /// The executor is to send it; `since` names the try.
    Queued {
        since: Time,
    },
    /// A try failed; the next one is due then.
    Waiting {
        until: Time,
        reason: String,
    },
    Sent {
        at: Time,
        may_be_double: bool,
        text: Option<Sealed>,
        to: Option<Sealed>,
    },
    /// For good.
    Failed {
        at: Time,
        reason: String,
    },
}

/// What the message is about, as it was then: a case goes on while a message waits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Occasion {
    pub event: String,
    pub step: Option<String>,
    pub clock: Option<String>,
    pub rung: Option<u32>,
    /// The rung does more than telling: `reroute`, `raise`, `plan`.
    pub action: Option<String>,
    /// Told later than the ladder says, after an outage.
    pub late: bool,
    /// The role that the event names (of a hand-off, an approval, a rung).
    pub role: Option<String>,
    pub due_at: Option<Time>,
    pub at: Time,
    pub attempts: Option<u32>,
    /// Currency and minor units.
    pub amount: Option<(String, i64)>,
    pub category: Option<String>,
    pub severity: Option<String>,
    pub brand: Option<String>,
    pub opened_at: Option<Time>,
    pub reasons: Vec<String>,
    /// Facts of the case that the template names.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
}

impl Notice {
    /// Says that somebody is to be told, and keeps it; the executor reads the entry.
    pub(crate) fn queue(mut self, step: &mut Step<'_>) {
        self.state = NoticeState::Queued { since: step.now() };
        let event = said::NoticeQueued {
            ticket: Some(self.matter.to_ref(self.ticket)),
            notice_id: self.id.to_string(),
            rule: self.rule.clone(),
            recipient: self.recipient.clone(),
            role: self.role.clone(),
            channel: channel_code(self.channel).to_owned(),
        };
        step.say(self.about(), event);
        step.put(&self);
    }

    pub(crate) fn sent(
        mut self,
        text: Option<Sealed>,
        to: Option<Sealed>,
        may_be_double: bool,
        step: &mut Step<'_>,
    ) {
        self.tries += 1;
        self.state = NoticeState::Sent { at: step.now(), may_be_double, text, to };
        let event = said::NoticeSent {
            ticket: Some(self.matter.to_ref(self.ticket)),
            notice_id: self.id.to_string(),
            rule: self.rule.clone(),
            recipient: self.recipient.clone(),
            channel: channel_code(self.channel).to_owned(),
            may_be_double,
        };
        step.say(self.about(), event);
        step.put(&self);
    }

    /// Says that a try failed; `again` is when the next one comes, `None` that none does.
    pub(crate) fn failed(&mut self, reason: &str, again: Option<Time>, step: &mut Step<'_>) {
        self.state = match again {
            Some(until) => NoticeState::Waiting { until, reason: reason.to_owned() },
            None => NoticeState::Failed { at: step.now(), reason: reason.to_owned() },
        };
        let event = said::NoticeFailed {
            ticket: Some(self.matter.to_ref(self.ticket)),
            notice_id: self.id.to_string(),
            rule: self.rule.clone(),
            recipient: self.recipient.clone(),
            channel: channel_code(self.channel).to_owned(),
            reason: reason.to_owned(),
            r#final: again.is_none(),
        };
        step.say(self.about(), event);
        step.put(self);
    }

    /// As the contract names it: a try that failed is still queued for the next.
    pub fn state_code(&self) -> &'static str {
        match self.state {
            NoticeState::Queued { .. } | NoticeState::Waiting { .. } => "queued",
            NoticeState::Sent { .. } => "sent",
            NoticeState::Failed { .. } => "failed",
        }
    }

    fn about(&self) -> About {
        About::ticket(self.ticket, &self.matter.branch)
    }
}

/// The code on the wire.
pub fn channel_code(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "sms",
        Channel::Mail => "mail",
        Channel::File => "file",
        Channel::Webhook => "webhook",
    }
}

impl Aggregate for Notice {
    const TABLE: &'static Table = TABLE;

    fn id(&self) -> Id {
        self.id
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.state_code().into(),
            self.ticket.into(),
            self.matter.branch.as_str().into(),
            self.recipient.as_str().into(),
            self.rule.as_str().into(),
            channel_code(self.channel).into(),
            self.queued_at.into(),
        ]
    }
}
