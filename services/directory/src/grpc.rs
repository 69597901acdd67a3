//! Contract <-> command.

use chassis::{
    Handle, mask,
    rpc::{self, Caller},
};
use chassis_core::{Actor, Ask, Refusal, Violation};
use directory_core::{
    ADMINISTRATORS, ActivateCalendar, ActivatePlaybook, Command, Directory, EndSession, File, Kept, MoveTime,
    NodeLevel, PersonRow, Reply, home,
};
use playbook::Lang;
use proto::{
    Time,
    directory::v1::{self as said, directory_service_server::DirectoryService},
};
use tonic::{Request, Response, Status};

use crate::{
    imports,
    password::Passwords,
    personal, read,
    records::{Preparer, in_order},
    sign_in::{Door, NotSigned},
    tried,
};

type Answer<T> = Result<Response<T>, Status>;

/// Most records in one request.
const MOST_RECORDS: usize = 20_000;
/// Services read contacts in the course of their work.
const SERVICES: [&str; 2] = ["service", "system"];

/// Who may speak for the identity provider, as its own tokens name it.
const CONSOLE: &str = "console";
/// An ended session is remembered as long as its cookie could be shown.
const LONGEST_SESSION: i64 = chassis::config::LONGEST_SESSION_HOURS as i64 * Time::HOUR;

/// Beside the loop, on a thread that may take its time. Whoever may not change anything is refused by the core, unread.
async fn looked_through(caller: &Caller, activate: ActivatePlaybook) -> Result<ActivatePlaybook, Status> {
    let may = |held: &chassis_core::Grant| ADMINISTRATORS.contains(&held.role.as_str());
    if !caller.actor().grants().iter().any(may) {
        return Ok(activate);
    }
    let looked = tokio::task::spawn_blocking(|| activate.checked()).await;
    let looked = looked.map_err(|error| Status::internal(error.to_string()))?;
    looked.map_err(|refusal| caller.status(refusal))
}

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
        within(request.nodes.len() + request.persons.len()).map_err(|refusal| caller.status(refusal))?;
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
        let activate = looked_through(&caller, ActivatePlaybook::new(files)).await?;
        let accepted = self.submit(&caller, ask, Command::ActivatePlaybook(activate)).await?;
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
        let signed = self.door.renew(person, caller.session()).await;
        let signed = signed.map_err(|why| not_renewed(&caller, why))?;
        Ok(Response::new(said::RenewTokenResponse { token: signed.token, expires_at: signed.expires_at.0 }))
    }

    async fn sign_in_vouched(
        &self,
        request: Request<said::SignInVouchedRequest>,
    ) -> Answer<said::SignInVouchedResponse> {
        let caller = Caller::of(&request)?;
        let is_console = matches!(caller.actor(), Actor::System { code, .. } if code == CONSOLE);
        if !(is_console
            && caller.actor().has_role("service")
            && self.handle.config().identity.provider.is_set())
        {
            return Err(caller.status(vouches_not()));
        }
        let person = request.into_inner().person;
        let signed = self.door.vouched(&person).await.map_err(|why| not_renewed(&caller, why))?;
        Ok(Response::new(said::SignInVouchedResponse {
            token: signed.token,
            expires_at: signed.expires_at.0,
        }))
    }

    async fn check_session(
        &self,
        request: Request<said::CheckSessionRequest>,
    ) -> Answer<said::CheckSessionResponse> {
        let caller = Caller::of(&request)?;
        let Some(person) = caller.actor().person() else { return Err(not_signed()) };
        let goes_on = self.door.goes_on(person, caller.session()).await;
        goes_on.map_err(|why| not_renewed(&caller, why))?;
        Ok(Response::new(said::CheckSessionResponse {}))
    }

    async fn end_session(
        &self,
        request: Request<said::EndSessionRequest>,
    ) -> Answer<said::EndSessionResponse> {
        let caller = Caller::of(&request)?;
        let Some(person) = caller.actor().person() else { return Err(not_signed()) };
        let person = person.to_owned();
        let request = request.into_inner();
        let ask = caller.ask(&request.request_id, &request)?;
        let session = caller.session().map(|session| session.id.clone()).filter(|_| !request.everywhere);
        let now = self.handle.real_now();
        let end = EndSession { person, session, until: now.plus(LONGEST_SESSION), now };
        let accepted = self.submit(&caller, ask, Command::EndSession(end)).await?;
        Ok(rpc::answer(said::EndSessionResponse { position: Some(accepted.at.into()) }, accepted.at))
    }

    async fn get_settings(
        &self,
        request: Request<said::GetSettingsRequest>,
    ) -> Answer<said::GetSettingsResponse> {
        let caller = Caller::of(&request)?;
        let Some(person) = caller.actor().person() else { return Err(not_signed()) };
        let filters = personal::filters(&self.handle, person).await;
        let filters = filters.map_err(|refusal| caller.status(refusal))?;
        Ok(Response::new(said::GetSettingsResponse { filters }))
    }

    async fn preview_files(
        &self,
        request: Request<said::PreviewFilesRequest>,
    ) -> Answer<said::PreviewFilesResponse> {
        let caller = Caller::of(&request)?;
        rpc::require_role(&caller, &ADMINISTRATORS)?;
        let request = request.into_inner();
        let preparer = Preparer { handle: &self.handle, passwords: &self.passwords };
        let preview = async {
            let reading = imports::read(&request.files, &request.parent)?;
            within(reading.nodes.len() + reading.persons.len())?;
            let prepared = imports::prepare(&preparer, &reading).await?;
            let preview = imports::changes(&preparer, &prepared.import).await?;
            Ok(imports::shown(reading, prepared, preview))
        };
        preview.await.map(Response::new).map_err(|refusal: Refusal| caller.status(refusal))
    }

    async fn import_files(
        &self,
        request: Request<said::ImportFilesRequest>,
    ) -> Answer<said::ImportFilesResponse> {
        let caller = Caller::of(&request)?;
        rpc::require_role(&caller, &ADMINISTRATORS)?;
        let request = request.into_inner();
        let ask = caller.ask(&request.request_id, &request)?;
        let say = |refusal| caller.status(refusal);
        let reading = imports::read(&request.files, &request.parent).map_err(say)?;
        within(reading.nodes.len() + reading.persons.len()).map_err(say)?;
        let preparer = Preparer { handle: &self.handle, passwords: &self.passwords };
        let mut prepared = imports::prepare(&preparer, &reading).await.map_err(say)?;
        prepared.import.as_previewed = Some(request.digest);
        let accepted = self.submit(&caller, ask, Command::Import(prepared.import)).await?;
        let Reply::Imported { nodes, persons, unchanged, bad } = accepted.reply else {
            return Err(unexpected(&accepted.reply));
        };
        let left_out = prepared.bad.into_iter().chain(bad).map(|b| said::BadRecord {
            place: b.place,
            field: b.field,
            reason_zh: b.zh,
            reason_en: b.en,
        });
        let bad = reading.bad.into_iter().chain(left_out).collect();
        let position = Some(accepted.at.into());
        let response = said::ImportFilesResponse { nodes, persons, unchanged, bad, position };
        Ok(rpc::answer(response, accepted.at))
    }

    async fn simulate_case(
        &self,
        request: Request<said::SimulateCaseRequest>,
    ) -> Answer<said::SimulateCaseResponse> {
        let caller = Caller::of(&request)?;
        let lang = if caller.wants_chinese() { Lang::Zh } else { Lang::En };
        let played = tried::simulate(self.handle.reads(), request.into_inner(), lang).await;
        played.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn keep_filter(
        &self,
        request: Request<said::KeepFilterRequest>,
    ) -> Answer<said::KeepFilterResponse> {
        let caller = Caller::of(&request)?;
        let Some(person) = caller.actor().person() else { return Err(not_signed()) };
        let person = person.to_owned();
        let request = request.into_inner();
        let ask = caller.ask(&request.request_id, &request)?;
        let keep = personal::keep(&self.handle, person, request.filter.unwrap_or_default()).await;
        let keep = keep.map_err(|refusal| caller.status(refusal))?;
        let accepted = self.submit(&caller, ask, Command::KeepFilter(keep)).await?;
        Ok(rpc::answer(said::KeepFilterResponse { position: Some(accepted.at.into()) }, accepted.at))
    }
}

fn not_renewed(caller: &Caller, why: NotSigned) -> Status {
    match why {
        NotSigned::Wrong => not_signed(),
        NotSigned::Refused(refusal) => caller.status(refusal),
    }
}

fn vouches_not() -> Refusal {
    Refusal::denied(
        "not-the-console",
        "只有控制台可以代身份提供方登录，且须已配置身份提供方。",
        "Only the console speaks for the identity provider, and one must be configured.",
    )
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

fn within(records: usize) -> Result<(), Refusal> {
    if records <= MOST_RECORDS {
        return Ok(());
    }
    Err(Refusal::field(
        "nodes",
        format!("一次最多导入 {MOST_RECORDS} 条记录，请分批。"),
        format!("at most {MOST_RECORDS} records in one request; import in parts"),
    ))
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
