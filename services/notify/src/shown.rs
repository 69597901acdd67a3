//! Notices as people are shown them: words and addresses stay sealed, unless somebody gives a reason.

use chassis::Handle;
use chassis_core::{Actor, Refusal, RefusalKind};
use notify_core::{Notice, NoticeState, Notify, channel_code};
use proto::{Time, notify::v1 as contract};

/// Whether the words are opened, and for whom.
pub(crate) struct Eyes<'a> {
    pub handle: &'a Handle<Notify>,
    pub actor: &'a Actor,
    /// Empty: sealed.
    pub reason: &'a str,
}

impl Eyes<'_> {
    /// Only roles that the ticket's playbook names may reveal, each time with a reason on record.
    fn check(&self, notice: &Notice) -> Result<(), Refusal> {
        let directory = self.handle.directory();
        let playbook = directory.playbook(&notice.matter.playbook, notice.matter.version);
        let roles = playbook.and_then(|p| p.privacy.reveal.get("*")).map_or(&[][..], Vec::as_slice);
        let may = self.actor.grants().iter().any(|grant| {
            roles.contains(&grant.role) && directory.is_within(&notice.matter.branch, &grant.node)
        });
        if may {
            return Ok(());
        }
        Err(Refusal::denied(
            "reveal",
            "您的岗位不能查看通知原文；不写查看原因时可以看到发送记录。",
            "Your role may not reveal what was sent; without a reason you see the record of it.",
        ))
    }

    async fn words(&self, notice: &Notice) -> Result<String, Refusal> {
        let NoticeState::Sent { text: Some(text), .. } = &notice.state else { return Ok(String::new()) };
        if self.reason.is_empty() {
            return Ok(String::new());
        }
        self.check(notice)?;
        match self.handle.vault().open(text, self.actor, self.reason).await {
            // Erased as the law wants it: the record stays, the words are gone.
            Err(refusal) if refusal.kind == RefusalKind::NotFound => Ok(String::new()),
            other => other,
        }
    }
}

pub(crate) async fn show(notice: &Notice, eyes: &Eyes<'_>) -> Result<contract::Notice, Refusal> {
    let (ended_at, may_be_double, reason) = match &notice.state {
        NoticeState::Queued { .. } => (Time::UNSET, false, ""),
        NoticeState::Waiting { reason, .. } => (Time::UNSET, false, reason.as_str()),
        NoticeState::Sent { at, may_be_double, .. } => (*at, *may_be_double, ""),
        NoticeState::Failed { at, reason } => (*at, false, reason.as_str()),
    };
    Ok(contract::Notice {
        ticket: Some(notice.matter.to_ref(notice.ticket)),
        notice_id: notice.id.to_string(),
        rule: notice.rule.clone(),
        recipient: notice.recipient.clone(),
        role: notice.role.clone(),
        channel: channel_code(notice.channel).to_owned(),
        state: notice.state_code().to_owned(),
        tries: notice.tries,
        queued_at: notice.queued_at.0,
        ended_at: ended_at.0,
        may_be_double,
        reason: reason.to_owned(),
        text: eyes.words(notice).await?,
    })
}
