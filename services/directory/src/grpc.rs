//! Contract <-> command.

use chassis::{
    Handle, mask,
    rpc::{self, Caller},
};
use chassis_core::{Ask, Refusal, Violation};
use directory_core::{
    ADMINISTRATORS, ActivateCalendar, ActivatePlaybook, Command, Directory, File, Kept, MoveTime, NodeLevel,
    PersonRow, Reply, home,
};
use proto::{
    Time,
    directory::v1::{self as said, directory_service_server::DirectoryService},
};
use tonic::{Request, Response, Status};

use crate::{
    password::Passwords,
    read,
    records::{Preparer, in_order},
    sign_in::{Door, NotSigned},
};

type Answer<T> = Result<Response<T>, Status>;

/// Most records in one request.
const MOST_RECORDS: usize = 20_000;
/// Services read contacts in the course of their work.
const SERVICES: [&str; 2] = ["service", "system"];

/// Serves the contract.
pub struct Desk {
    handle: Handle<Directory>,
    passwords: Passwords,
    door: Door,
}

impl Desk {
    pub fn new(handle: Handle<Directory>) -> Desk {
        let passwords = Passwords::new();
        Desk { door: Door::new(handle.clone(), passwords.clone()), handle, passwords }
    }

    async fn submit(
        &self,
        caller: &Caller,
        ask: Ask,
        command: Command,
    ) -> Result<chassis::Accepted<Reply>, Status> {
        self.handle.submit(home(), ask, command).await.map_err(|refusal| caller.status(refusal))
    }

    async fn open(&self, caller: &Caller, kept: Option<&Kept>, purpose: &str) -> Result<String, Status> {
        let Some(kept) = kept else { return Ok(String::new()) };
        let opened = self.handle.vault().open(&kept.sealed, caller.actor(), purpose).await;
        opened.map_err(|refusal| caller.status(refusal))
    }

    async fn masked(&self, row: &PersonRow) -> Result<String, Refusal> {
        let Some(kept) = &row.name else { return Ok(String::new()) };
        Ok(mask::name(&self.handle.vault().open_unrecorded(&kept.sealed).await?))
    }
}

/// The core says what it did; another reply would be a fault of ours.
fn unexpected(reply: &Reply) -> Status {
    tracing::error!(?reply, "the core answered something else than it was asked");
    Status::internal("unexpected reply")
}

#[tonic::async_trait]
impl DirectoryService for Desk {
    async fn import_records(
        &self,
        request: Request<said::ImportRecordsRequest>,
    ) -> Answer<said::ImportRecordsResponse> {
        let caller = Caller::of(&request)?;
        // The core decides; asked here too, because hashing passwords is expensive.
        rpc::require_role(&caller, &ADMINISTRATORS)?;
        let request = request.into_inner();
        let ask = caller.ask(&request.request_id, &request)?;
        if request.nodes.len() + request.persons.len() > MOST_RECORDS {
            return Err(caller.status(too_many()));
        }
        let places: Vec<String> = places(&request);
        let preparer = Preparer { handle: &self.handle, passwords: &self.passwords };
        let prepared = preparer.prepare(request).await.map_err(|refusal| caller.status(refusal))?;
        let accepted = self.submit(&caller, ask, Command::Import(prepared.import)).await?;
        let Reply::Imported { nodes, persons, unchanged, bad } = accepted.reply else {
            return Err(unexpected(&accepted.reply));
        };
        let bad = in_order(prepared.bad.into_iter().chain(bad).collect(), &places);
        let bad = bad.into_iter().map(|b| said::BadRecord {
            place: b.place,
            field: b.field,
            reason_zh: b.zh,
            reason_en: b.en,
        });
        let response = said::ImportRecordsResponse {
            nodes,
            persons,
            unchanged,
            bad: bad.collect(),
            position: Some(accepted.at.into()),
        };
        Ok(rpc::answer(response, accepted.at))
    }

    async fn activate_playbook(
        &self,
        request: Request<said::ActivatePlaybookRequest>,
    ) -> Answer<said::ActivatePlaybookResponse> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let ask = caller.ask(&request.request_id, &request)?;
        let files = request.files.into_iter().map(|file| File { path: file.path, text: file.text }).collect();
        let accepted =
            self.submit(&caller, ask, Command::ActivatePlaybook(ActivatePlaybook { files })).await?;
        let Reply::PlaybookActive { id, version } = accepted.reply else {
            return Err(unexpected(&accepted.reply));
        };
        tracing::info!(playbook = %id, version, "a playbook is in force");
        let response = said::ActivatePlaybookResponse { id, version, position: Some(accepted.at.into()) };
        Ok(rpc::answer(response, accepted.at))
    }

    async fn activate_calendar(
        &self,
        request: Request<said::ActivateCalendarRequest>,
    ) -> Answer<said::ActivateCalendarResponse> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let ask = caller.ask(&request.request_id, &request)?;
        let command = Command::ActivateCalendar(ActivateCalendar { source: request.source });
        let accepted = self.submit(&caller, ask, command).await?;
        let Reply::CalendarActive { id, version } = accepted.reply else {
            return Err(unexpected(&accepted.reply));
        };
        tracing::info!(calendar = %id, version, "a calendar is in force");
        let response = said::ActivateCalendarResponse { id, version, position: Some(accepted.at.into()) };
        Ok(rpc::answer(response, accepted.at))
    }

    async fn move_time(&self, request: Request<said::MoveTimeRequest>) -> Answer<said::MoveTimeResponse> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let ask = caller.ask(&request.request_id, &request)?;
        let wanted = MoveTime {
            mode: request.mode,
            business_at: Time(request.business_at).set(),
            factor_milli: request.factor_milli,
            database_at: self.handle.real_now(),
            production: self.handle.config().is_production(),
        };
        let accepted = self.submit(&caller, ask, Command::MoveTime(wanted)).await?;
        Ok(rpc::answer(said::MoveTimeResponse { position: Some(accepted.at.into()) }, accepted.at))
    }

    async fn list_nodes(&self, request: Request<said::ListNodesRequest>) -> Answer<said::ListNodesResponse> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        if !request.level.is_empty() && NodeLevel::parse(&request.level).is_none() {
            return Err(caller.status(unknown_level()));
        }
        let rows = read::nodes(self.handle.reads(), &request.level, &request.after, request.limit).await;
        let rows = rows.map_err(|refusal| caller.status(refusal))?;
        Ok(Response::new(said::ListNodesResponse { nodes: rows.iter().map(|row| row.says()).collect() }))
    }

    async fn list_persons(
        &self,
        request: Request<said::ListPersonsRequest>,
    ) -> Answer<said::ListPersonsResponse> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let rows =
            read::persons(self.handle.reads(), &request.node, &request.role, &request.after, request.limit)
                .await;
        let rows = rows.map_err(|refusal| caller.status(refusal))?;
        let mut persons = Vec::with_capacity(rows.len());
        for row in &rows {
            let name = self.masked(row).await.map_err(|refusal| caller.status(refusal))?;
            persons.push(said::PersonEntry { person: Some(row.says()), name });
        }
        Ok(Response::new(said::ListPersonsResponse { persons }))
    }

    async fn get_contact(
        &self,
        request: Request<said::GetContactRequest>,
    ) -> Answer<said::GetContactResponse> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let is_service = SERVICES.iter().any(|role| caller.actor().has_role(role));
        let reason = request.reason.trim();
        if reason.is_empty() && !is_service {
            return Err(caller.status(no_reason()));
        }
        let purpose = if reason.is_empty() { "telling" } else { reason };
        let row = self.handle.load::<PersonRow>(PersonRow::key(&request.person)).await;
        let row = row.map_err(|refusal| caller.status(refusal))?;
        let Some(row) = row else {
            return Err(caller.status(Refusal::not_found("员工", "person", &request.person)));
        };
        let response = said::GetContactResponse {
            name: self.open(&caller, row.name.as_ref(), purpose).await?,
            phone: self.open(&caller, row.phone.as_ref(), purpose).await?,
            mail: self.open(&caller, row.mail.as_ref(), purpose).await?,
        };
        Ok(Response::new(response))
    }

    /// The only call without a token.
    async fn sign_in(&self, request: Request<said::SignInRequest>) -> Answer<said::SignInResponse> {
        let request = request.into_inner();
        match self.door.sign_in(request.person.trim(), &request.password).await {
            Ok(signed) => Ok(Response::new(said::SignInResponse {
                token: signed.token,
                expires_at: signed.expires_at.0,
            })),
            Err(NotSigned::Wrong) => {
                Err(Status::unauthenticated("工号或密码不正确。 The person code or the password is wrong."))
            }
            Err(NotSigned::Refused(refusal)) => Err(rpc::status(refusal)),
        }
    }

    async fn renew_token(
        &self,
        request: Request<said::RenewTokenRequest>,
    ) -> Answer<said::RenewTokenResponse> {
        let caller = Caller::of(&request)?;
        let Some(person) = caller.actor().person() else { return Err(not_signed()) };
        match self.door.renew(person).await {
            Ok(signed) => Ok(Response::new(said::RenewTokenResponse {
                token: signed.token,
                expires_at: signed.expires_at.0,
            })),
            Err(NotSigned::Wrong) => Err(not_signed()),
            Err(NotSigned::Refused(refusal)) => Err(caller.status(refusal)),
        }
    }
}

fn not_signed() -> Status {
    Status::unauthenticated(
        "账号已停用或不存在，请重新登录。 The account is disabled or gone; sign in again.",
    )
}

fn places(request: &said::ImportRecordsRequest) -> Vec<String> {
    let nodes = request.nodes.iter().map(|record| record.place.clone());
    nodes.chain(request.persons.iter().map(|record| record.place.clone())).collect()
}

fn too_many() -> Refusal {
    Refusal::field(
        "nodes",
        format!("一次最多导入 {MOST_RECORDS} 条记录，请分批。"),
        format!("at most {MOST_RECORDS} records in one request; import in parts"),
    )
}

fn unknown_level() -> Refusal {
    let known = NodeLevel::ALL.map(NodeLevel::as_str).join(", ");
    let violation = Violation {
        field: "level".to_owned(),
        zh: format!("没有这个层级；可用：{known}。"),
        en: format!("no such level; there are {known}"),
    };
    Refusal::invalid(vec![violation])
}

fn no_reason() -> Refusal {
    Refusal::field("reason", "查看联系方式须说明理由，并会记录。", "a reason is needed, and kept on record")
}
