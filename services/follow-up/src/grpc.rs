//! The contract: requests become commands, words are sealed on the way in.

use std::collections::BTreeMap;

use chassis::{
    Handle,
    rpc::{Caller, answer, parse_id},
};
use chassis_core::{Ask, Refusal, Sealed, Violation};
use follow_up_core::{
    Case, FollowUp, Known, NotReached, Reply,
    command::{Command, RecordAttempt, RecordCall},
    may_see,
};
use proto::{
    Id, Time,
    follow_up::v1::{self as contract, follow_up_service_server::FollowUpService},
};
use tonic::{Request, Response, Status};

use crate::{
    moving, read,
    shown::{Eyes, show},
};

/// The longest note, in characters.
const LONGEST_NOTE: usize = 4_000;
/// The longest answer: a code or a figure.
const LONGEST_ANSWER: usize = 64;
const MOST_ANSWERS: usize = 100;
/// Calls in a list, if the caller does not say, and at most.
const LISTED: u32 = 50;
const MOST_LISTED: u32 = 500;

pub(crate) struct Desk {
    handle: Handle<FollowUp>,
}

impl Desk {
    pub fn new(handle: Handle<FollowUp>) -> Desk {
        Desk { handle }
    }

    /// What follow-up knows of a case.
    async fn known(&self, ticket: Id) -> Result<Known, Refusal> {
        let case: Option<Case> = self.handle.load(ticket).await?;
        case.and_then(|case| case.known).ok_or_else(|| Refusal::not_found("工单", "ticket", ticket))
    }

    /// Seals a note under the customer's key; a ticket without a customer has its own.
    async fn seal(&self, ticket: Id, text: &str) -> Result<Option<Sealed>, Refusal> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let length = text.chars().count();
        if length > LONGEST_NOTE {
            return Err(Refusal::field(
                "text",
                format!("最多 {LONGEST_NOTE} 个字，现有 {length} 个。"),
                format!("at most {LONGEST_NOTE} characters, there are {length}"),
            ));
        }
        let owner = self.known(ticket).await?.customer.unwrap_or(ticket);
        self.handle.vault().seal(owner, text).await.map(Some)
    }

    async fn attempt(
        &self,
        ask: Ask,
        message: contract::RecordAttemptRequest,
    ) -> Result<Response<contract::RecordAttemptResponse>, Refusal> {
        let ticket = parse_id("ticket_id", &message.ticket_id)?;
        let command = Command::RecordAttempt(RecordAttempt {
            ticket,
            cycle: cycle(message.cycle)?,
            call_back: parse_id("follow_up_id", &message.follow_up_id)?,
            outcome: outcome(&message.outcome)?,
            text: self.seal(ticket, &message.text).await?,
        });
        let accepted = self.handle.submit(ticket.shard(), ask, command).await?;
        let Reply::Attempted { next_at } = accepted.reply else { return Err(other_reply()) };
        let position = Some(accepted.at.into());
        let response = contract::RecordAttemptResponse { next_at: next_at.unwrap_or_default().0, position };
        Ok(answer(response, accepted.at))
    }

    async fn call(
        &self,
        ask: Ask,
        message: contract::RecordCallRequest,
    ) -> Result<Response<contract::RecordCallResponse>, Refusal> {
        let ticket = parse_id("ticket_id", &message.ticket_id)?;
        check_answers(&message.answers)?;
        let command = Command::RecordCall(RecordCall {
            ticket,
            cycle: cycle(message.cycle)?,
            call_back: parse_id("follow_up_id", &message.follow_up_id)?,
            text: self.seal(ticket, &message.text).await?,
            answers: message.answers,
        });
        let accepted = self.handle.submit(ticket.shard(), ask, command).await?;
        let Reply::Recorded { unhappy, consequence } = accepted.reply else { return Err(other_reply()) };
        let response = contract::RecordCallResponse {
            unhappy,
            consequence: consequence.code().to_owned(),
            position: Some(accepted.at.into()),
        };
        Ok(answer(response, accepted.at))
    }

    async fn due(
        &self,
        caller: &Caller,
        message: contract::ListDueRequest,
    ) -> Result<contract::ListDueResponse, Refusal> {
        let until = Time(message.until_at.max(0)).set().unwrap_or_else(|| self.handle.now());
        let limit = if message.limit == 0 { LISTED } else { message.limit.min(MOST_LISTED) };
        let actor = caller.actor();
        let branches = read::branches(actor, &message.branch, &self.handle.directory());
        let asker = actor.person().unwrap_or_default();
        let cases = read::due(self.handle.reads(), until, branches.as_deref(), asker, limit).await?;
        let eyes = Eyes { handle: &self.handle, actor, reason: "" };
        let mut follow_ups = Vec::new();
        for case in &cases {
            if let Some(known) = &case.known {
                for call in known.open().filter(|call| call.next_try().is_some_and(|at| at <= until)) {
                    follow_ups.push(show(case.ticket, known, call, &eyes).await?);
                }
            }
        }
        follow_ups.sort_by_key(|call| call.try_at);
        follow_ups.truncate(limit as usize);
        Ok(contract::ListDueResponse { follow_ups })
    }

    async fn of_ticket(
        &self,
        caller: &Caller,
        message: contract::GetFollowUpsRequest,
    ) -> Result<contract::GetFollowUpsResponse, Refusal> {
        let ticket = parse_id("ticket_id", &message.ticket_id)?;
        let known = self.known(ticket).await?;
        if !may_see(&known, caller.actor(), &self.handle.directory()) {
            return Err(unseen());
        }
        let eyes = Eyes { handle: &self.handle, actor: caller.actor(), reason: message.reveal_reason.trim() };
        eyes.check(&known)?;
        let mut follow_ups = Vec::new();
        for call in &known.call_backs {
            follow_ups.push(show(ticket, &known, call, &eyes).await?);
        }
        Ok(contract::GetFollowUpsResponse { follow_ups })
    }
}

#[tonic::async_trait]
impl FollowUpService for Desk {
    async fn record_attempt(
        &self,
        request: Request<contract::RecordAttemptRequest>,
    ) -> Result<Response<contract::RecordAttemptResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        self.attempt(ask, message).await.map_err(|refusal| caller.status(refusal))
    }

    async fn record_call(
        &self,
        request: Request<contract::RecordCallRequest>,
    ) -> Result<Response<contract::RecordCallResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        self.call(ask, message).await.map_err(|refusal| caller.status(refusal))
    }

    async fn preview_move(
        &self,
        request: Request<contract::PreviewMoveRequest>,
    ) -> Result<Response<contract::PreviewMoveResponse>, Status> {
        let caller = Caller::of(&request)?;
        chassis::moving::administrator(&caller, &self.handle.directory())?;
        let found = moving::preview(&self.handle, request.get_ref()).await;
        found.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn list_due(
        &self,
        request: Request<contract::ListDueRequest>,
    ) -> Result<Response<contract::ListDueResponse>, Status> {
        let caller = Caller::of(&request)?;
        let due = self.due(&caller, request.into_inner()).await;
        due.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn get_follow_ups(
        &self,
        request: Request<contract::GetFollowUpsRequest>,
    ) -> Result<Response<contract::GetFollowUpsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let found = self.of_ticket(&caller, request.into_inner()).await;
        found.map(Response::new).map_err(|refusal| caller.status(refusal))
    }
}

fn cycle(cycle: u32) -> Result<u32, Refusal> {
    if cycle == 0 {
        return Err(Refusal::field(
            "cycle",
            "须写明工单的轮次，从 1 起。",
            "names the cycle that was seen, from 1",
        ));
    }
    Ok(cycle)
}

fn outcome(code: &str) -> Result<NotReached, Refusal> {
    NotReached::parse(code).ok_or_else(|| {
        let codes = NotReached::ALL.map(NotReached::code).join(", ");
        Refusal::field("outcome", format!("须为其中之一：{codes}。"), format!("one of {codes}"))
    })
}

/// Answers are codes and figures. Free text belongs into the note, where it is sealed.
fn check_answers(answers: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let plain = |text: &str| {
        text.len() <= LONGEST_ANSWER
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'+'))
    };
    if answers.len() > MOST_ANSWERS || answers.keys().any(|question| !plain(question)) {
        return Err(Refusal::field("answers", "问题编号不对。", "question ids are codes of the playbook"));
    }
    let bad: Vec<Violation> = answers
        .iter()
        .filter(|(_, answer)| !plain(answer.trim()))
        .map(|(question, _)| Violation {
            field: format!("answers.{question}"),
            zh: "只能是选项代码、数字或 yes / no；其他内容请写在备注里。".to_owned(),
            en: "an option's code, a figure, or yes / no; everything else belongs into the note".to_owned(),
        })
        .collect();
    if bad.is_empty() { Ok(()) } else { Err(Refusal::invalid(bad)) }
}

fn unseen() -> Refusal {
    Refusal::denied("not-yours", "您不能查看这个工单的回访。", "You may not see the follow-up of this case.")
}

fn other_reply() -> Refusal {
    Refusal::new(
        chassis_core::RefusalKind::AlreadyExists,
        "request-id",
        "这个请求号已用于另一种请求，请换一个新的请求号。",
        "This request id was used for another kind of request; use a new one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(q, a)| ((*q).to_owned(), (*a).to_owned())).collect()
    }

    #[test]
    fn free_text_does_not_pass_as_an_answer() {
        assert!(
            check_answers(&answers(&[("satisfied", "5"), ("again", " yes "), ("why", "price-1.5")])).is_ok()
        );
        let refusal = check_answers(&answers(&[("satisfied", "5"), ("why", "李先生 138...")])).unwrap_err();
        assert_eq!(refusal.violations.len(), 1);
        assert_eq!(refusal.violations[0].field, "answers.why");
        assert!(check_answers(&answers(&[("李先生", "5")])).is_err());
        let long = "9".repeat(LONGEST_ANSWER + 1);
        assert!(check_answers(&answers(&[("satisfied", &long)])).is_err());
    }

    #[test]
    fn a_command_names_its_cycle_and_outcome() {
        assert!(cycle(0).is_err());
        assert_eq!(cycle(2), Ok(2));
        assert_eq!(outcome("busy"), Ok(NotReached::Busy));
        assert_eq!(outcome("reached").unwrap_err().violations[0].field, "outcome");
    }
}
