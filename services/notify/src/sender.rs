//! The executor: a queued notice becomes a message.

use std::{collections::BTreeMap, time::Duration};

use chassis::{
    Config, Executor, Handle, Later,
    core::{Entry, Refusal},
    executor::Acting,
};
use chassis_core::Sealed;
use notify_core::{
    Case, Command, Notice, NoticeState, Notify, Outcome, Report, channel_code, people::CUSTOMER, words,
};
use playbook::{Channel, Lang};
use proto::{AnyEvent, Event, Id, directory::v1::GetContactResponse, notify::v1::NoticeQueued};
use thiserror::Error;

use crate::{
    contact::{ContactError, Contacts},
    mail::{Letter, Mail, MailError},
    outbox::{Line, Outbox, OutboxError},
};

/// The directory names no language of a person's: the house speaks Chinese.
const LANGUAGE: Lang = Lang::Zh;
/// What is ours is asked again this soon.
const SOON: Duration = Duration::from_secs(2);

#[derive(Debug, Error)]
pub(crate) enum WayError {
    #[error("notify.channels: {0} is no channel (sms, mail, file, webhook)")]
    Channel(String),
    #[error("notify.channels.{channel}: `{adapter}` is no adapter (file, smtp)")]
    Adapter { channel: String, adapter: String },
    #[error("notify.channels.{0} is smtp, but notify.smtp_url is empty")]
    NoServer(String),
    #[error(transparent)]
    Mail(#[from] MailError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Adapter {
    File,
    Smtp,
}

/// How each channel goes out.
pub(crate) struct Ways {
    adapters: BTreeMap<String, Adapter>,
    mail: Option<Mail>,
    outbox: Outbox,
}

impl Ways {
    pub fn of(config: &Config) -> Result<Ways, WayError> {
        let notify = &config.notify;
        let mail = match notify.smtp_url.as_str() {
            "" => None,
            url => Some(Mail::of(url, &notify.sender)?),
        };
        let known = [Channel::Sms, Channel::Mail, Channel::File, Channel::Webhook].map(channel_code);
        let mut adapters = BTreeMap::new();
        for (channel, adapter) in &notify.channels {
            if !known.contains(&channel.as_str()) {
                return Err(WayError::Channel(channel.clone()));
            }
            let adapter = match adapter.as_str() {
                "file" => Adapter::File,
                "smtp" if mail.is_none() => return Err(WayError::NoServer(channel.clone())),
                "smtp" => Adapter::Smtp,
                other => {
                    return Err(WayError::Adapter { channel: channel.clone(), adapter: other.to_owned() });
                }
            };
            adapters.insert(channel.clone(), adapter);
        }
        Ok(Ways { adapters, mail, outbox: Outbox::in_state_dir(&config.state_dir) })
    }

    fn adapter(&self, channel: Channel) -> Adapter {
        self.adapters.get(channel_code(channel)).copied().unwrap_or(Adapter::File)
    }
}

pub(crate) struct Sender {
    handle: Handle<Notify>,
    contacts: Contacts,
    ways: Ways,
}

/// Why a message did not go out.
enum Trouble {
    /// Ours: the entry is tried again.
    Later(String),
    /// The try failed, and is reported.
    Failed { reason: &'static str, for_good: bool },
}

impl Sender {
    pub fn new(handle: Handle<Notify>, ways: Ways) -> Sender {
        Sender { contacts: Contacts::new(handle.clone()), handle, ways }
    }

    async fn carry_out(&self, entry: &Entry, again: bool) -> Result<Option<Report>, Later> {
        let Some(id) = notice_of(entry) else { return Ok(None) };
        let Some(notice) = self.handle.load::<Notice>(id).await.map_err(later)? else { return Ok(None) };
        // The entry of a try that is over, read again: nothing is left to do.
        let NoticeState::Queued { since } = notice.state else { return Ok(None) };
        if since != entry.recorded_at {
            return Ok(None);
        }
        let outcome = match self.send(&notice, again).await {
            Ok(outcome) => outcome,
            Err(Trouble::Failed { reason, for_good }) => {
                // The journal has it, and people see it among the messages.
                tracing::info!(notice = %id, reason, for_good, "a notice could not be sent");
                Outcome::Failed { reason: reason.to_owned(), for_good }
            }
            Err(Trouble::Later(why)) => return Err(Later { why, after: SOON }),
        };
        Ok(Some(Report { notice: id, queued_at: since, outcome }))
    }

    async fn send(&self, notice: &Notice, again: bool) -> Result<Outcome, Trouble> {
        self.refuse_barred(notice).await?;
        let text = self.words(notice)?;
        let contact = self.contact(notice).await?;
        let adapter = self.ways.adapter(notice.channel);
        let to = address(notice, adapter, &contact)
            .ok_or(Trouble::Failed { reason: "no-address", for_good: true })?;
        // Sealed first: once it is out, nothing may keep it from being reported.
        let (sealed_text, sealed_to) = (self.seal(notice, &text).await?, self.seal(notice, &to).await?);
        let may_be_double = match adapter {
            Adapter::File => {
                self.file(notice, &to, text, again).await?;
                false
            }
            Adapter::Smtp => {
                self.mail(notice, &to, &text).await?;
                again
            }
        };
        Ok(Outcome::Sent { text: Some(sealed_text), to: Some(sealed_to), may_be_double })
    }

    /// A bar may have come since the notice was queued (DG-03).
    async fn refuse_barred(&self, notice: &Notice) -> Result<(), Trouble> {
        let case =
            self.handle.load::<Case>(notice.ticket).await.map_err(|refusal| Trouble::Later(refusal.en))?;
        match case.and_then(|case| case.known) {
            Some(known) if known.barred.contains(&notice.recipient) => {
                Err(Trouble::Failed { reason: "barred", for_good: true })
            }
            _ => Ok(()),
        }
    }

    fn words(&self, notice: &Notice) -> Result<String, Trouble> {
        let directory = self.handle.directory();
        let playbook = directory
            .playbook(&notice.matter.playbook, notice.matter.version)
            .ok_or_else(|| Trouble::Later("the ticket's playbook is not read yet".to_owned()))?;
        words::render(notice, playbook, &directory, LANGUAGE, "")
            .ok_or(Trouble::Failed { reason: "no-template", for_good: true })
    }

    async fn contact(&self, notice: &Notice) -> Result<GetContactResponse, Trouble> {
        let reason = format!("notice {}", notice.id);
        let found = match notice.customer.filter(|_| notice.recipient == CUSTOMER) {
            Some(customer) => self.contacts.of_customer(customer, &reason).await,
            None => self.contacts.of(&notice.recipient, &reason).await,
        };
        found.map_err(|error| match error {
            ContactError::NotWanted => Trouble::Failed { reason: "not-wanted", for_good: true },
            ContactError::NoPerson => Trouble::Failed { reason: "no-person", for_good: true },
            ContactError::Refused(_) => Trouble::Failed { reason: "directory-refused", for_good: false },
            error @ (ContactError::Address(_)
            | ContactError::Token(_)
            | ContactError::Away(_)
            | ContactError::Store(_)) => Trouble::Later(error.to_string()),
        })
    }

    async fn seal(&self, notice: &Notice, text: &str) -> Result<Sealed, Trouble> {
        let owner = notice.customer.unwrap_or(notice.ticket);
        self.handle.vault().seal(owner, text).await.map_err(|refusal| Trouble::Later(refusal.en))
    }

    async fn file(&self, notice: &Notice, to: &str, text: String, again: bool) -> Result<(), Trouble> {
        let line = Line {
            id: notice.id.to_string(),
            channel: channel_code(notice.channel).to_owned(),
            to: to.to_owned(),
            ticket: notice.matter.number.clone(),
            text,
            at: self.handle.now().to_timestamp().to_string(),
        };
        self.ways.outbox.put(line, again).await.map_err(|error: OutboxError| {
            tracing::error!(error = %chain(&error), "the outbox failed");
            Trouble::Failed { reason: "outbox", for_good: false }
        })
    }

    async fn mail(&self, notice: &Notice, to: &str, text: &str) -> Result<(), Trouble> {
        let mail =
            self.ways.mail.as_ref().ok_or(Trouble::Failed { reason: "no-mail-server", for_good: false })?;
        let subject = format!("[{}] 工单通知 / Ticket notice", notice.matter.number);
        let id = notice.id.to_string();
        let sent = mail.send(&Letter { id: &id, to, subject, text }).await;
        sent.map_err(|error| match error {
            MailError::Recipient(_) | MailError::Build(_) => {
                Trouble::Failed { reason: "bad-address", for_good: true }
            }
            MailError::Refused(_) => Trouble::Failed { reason: "refused", for_good: true },
            MailError::Away(_) | MailError::Url(_) | MailError::Sender(_) => {
                Trouble::Failed { reason: "unreachable", for_good: false }
            }
        })
    }
}

impl Executor<Notify> for Sender {
    fn name(&self) -> &'static str {
        "sender"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == NoticeQueued::TYPE
    }

    fn act<'a>(&'a self, entry: &'a Entry, again: bool) -> Acting<'a, Notify> {
        Box::pin(async move {
            let report = self.carry_out(entry, again).await?;
            Ok(report.map(|report| (report.notice.shard(), Command::Report(report))))
        })
    }
}

fn notice_of(entry: &Entry) -> Option<Id> {
    match AnyEvent::decode(&entry.kind, &entry.payload) {
        Ok(AnyEvent::NoticeQueued(queued)) => queued.notice_id.parse().ok(),
        _ => None,
    }
}

/// Where a message goes by this way; `None` if the directory has no such address.
fn address(notice: &Notice, adapter: Adapter, contact: &GetContactResponse) -> Option<String> {
    let address = match (adapter, notice.channel) {
        (Adapter::Smtp, _) | (Adapter::File, Channel::Mail) => contact.mail.clone(),
        (Adapter::File, Channel::Sms) => contact.phone.clone(),
        (Adapter::File, Channel::File | Channel::Webhook) => notice.recipient.clone(),
    };
    Some(address).filter(|address| !address.is_empty())
}

fn later(refusal: Refusal) -> Later {
    Later { why: refusal.en, after: SOON }
}

/// An error with what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
