//! Call-backs as people are shown them: words masked, unless somebody gives a reason.

use chassis::{Handle, mask};
use chassis_core::{Actor, Refusal, RefusalKind, Sealed};
use follow_up_core::{CallBack, CallBackState, FollowUp, Known};
use proto::{Id, follow_up::v1 as contract};

/// Whether the words are opened, and for whom.
pub(crate) struct Eyes<'a> {
    pub handle: &'a Handle<FollowUp>,
    pub actor: &'a Actor,
    /// Empty: masked.
    pub reason: &'a str,
}

impl Eyes<'_> {
    /// Only roles that the playbook names may reveal, each time with a reason on record.
    pub fn check(&self, known: &Known) -> Result<(), Refusal> {
        if self.reason.is_empty() || self.may_reveal(known) {
            return Ok(());
        }
        Err(Refusal::denied(
            "reveal",
            "您的岗位不能查看通话内容原文；可以查看隐藏后的记录。",
            "Your role may not reveal what was said; the masked record is open to you.",
        ))
    }

    fn may_reveal(&self, known: &Known) -> bool {
        let directory = self.handle.directory();
        let Some(playbook) = directory.playbook(&known.matter.playbook, known.matter.version) else {
            return false;
        };
        let roles = playbook.privacy.reveal.get("*").map_or(&[][..], Vec::as_slice);
        self.actor.grants().iter().any(|grant| {
            roles.contains(&grant.role) && directory.is_within(&known.matter.branch, &grant.node)
        })
    }

    async fn words(&self, sealed: Option<&Sealed>) -> Result<String, Refusal> {
        let Some(sealed) = sealed else { return Ok(String::new()) };
        let vault = self.handle.vault();
        let opened = if self.reason.is_empty() {
            vault.open_unrecorded(sealed).await.map(|text| mask::text(&text))
        } else {
            vault.open(sealed, self.actor, self.reason).await
        };
        match opened {
            // Erased as the law wants it: the record stays, the words are gone.
            Err(refusal) if refusal.kind == RefusalKind::NotFound => Ok(String::new()),
            other => other,
        }
    }
}

pub(crate) async fn show(
    ticket: Id,
    known: &Known,
    call: &CallBack,
    eyes: &Eyes<'_>,
) -> Result<contract::FollowUp, Refusal> {
    let (answers, unhappy) = match &call.state {
        CallBackState::Recorded { answers, unhappy, .. } => {
            (organisation::facts::to_proto(answers), *unhappy)
        }
        CallBackState::Scheduled { .. } | CallBackState::GivenUp { .. } | CallBackState::Cancelled { .. } => {
            (Vec::new(), false)
        }
    };
    let mut matter = known.matter.to_ref(ticket);
    matter.cycle = call.cycle;
    Ok(contract::FollowUp {
        ticket: Some(matter),
        follow_up_id: call.id.to_string(),
        rule: call.rule.clone(),
        kind: call.kind_code().to_owned(),
        role: call.role.clone(),
        state: call.state_code().to_owned(),
        try_at: call.next_try().unwrap_or(call.try_at).0,
        due_at: call.due_at.0,
        attempts: attempts(call),
        answers,
        unhappy,
        text: eyes.words(call.text.as_ref()).await?,
    })
}

/// Every call that was made, the one that reached the customer last.
fn attempts(call: &CallBack) -> Vec<contract::Attempt> {
    let missed = call.attempts.iter().map(|attempt| contract::Attempt {
        at: attempt.at.0,
        by: attempt.by.clone(),
        outcome: attempt.outcome.code().to_owned(),
    });
    let reached = match &call.state {
        CallBackState::Recorded { at, by, .. } => {
            Some(contract::Attempt { at: at.0, by: by.clone(), outcome: "reached".to_owned() })
        }
        CallBackState::Scheduled { .. } | CallBackState::GivenUp { .. } | CallBackState::Cancelled { .. } => {
            None
        }
    };
    missed.chain(reached).collect()
}
