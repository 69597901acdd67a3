//! Notify with real engines, and in the place of the services around it such as say what they are
//! told to say.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use chassis::identity::Verifier;
use proto::{AnyEvent, Id, Service, directory::v1 as directory, notify::v1 as contract};
use stage::{Directory, Dispatch, Ground, Intake, Parrot, hatch};
use tonic::{Code, Request, Response, Status};

#[path = "../../core/tests/support/mod.rs"]
pub mod support;

type Answers = BTreeMap<String, Vec<Result<directory::GetContactResponse, Code>>>;

/// The directory's answers about addresses: person -> what it says, one after another.
#[derive(Clone)]
pub struct Addresses {
    answers: Arc<Mutex<Answers>>,
    verifier: Arc<Verifier>,
}

impl Addresses {
    /// Answers at this address for as long as the test runs.
    async fn open(listener: tokio::net::TcpListener, verifier: Arc<Verifier>) -> Addresses {
        let addresses = Addresses { answers: Arc::default(), verifier };
        let service = directory::directory_service_server::DirectoryServiceServer::new(addresses.clone());
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        addresses
    }

    pub fn say(&self, person: &str, answer: Result<directory::GetContactResponse, Code>) {
        self.answers.lock().unwrap().entry(person.to_owned()).or_default().push(answer);
    }

    /// The last answer stays.
    fn ask(&self, person: &str) -> Result<directory::GetContactResponse, Code> {
        let mut all = self.answers.lock().unwrap();
        let Some(answers) = all.get_mut(person) else { return Err(Code::NotFound) };
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    }
}

pub fn phone(number: &str) -> Result<directory::GetContactResponse, Code> {
    Ok(directory::GetContactResponse { phone: number.into(), ..Default::default() })
}

pub fn mail(address: &str) -> Result<directory::GetContactResponse, Code> {
    Ok(directory::GetContactResponse { mail: address.into(), ..Default::default() })
}

type Unsaid<T> = Result<Response<T>, Status>;

fn unsaid<T>() -> Unsaid<T> {
    Err(Status::unimplemented("not in this town"))
}

#[tonic::async_trait]
impl directory::directory_service_server::DirectoryService for Addresses {
    async fn get_contact(
        &self,
        request: Request<directory::GetContactRequest>,
    ) -> Unsaid<directory::GetContactResponse> {
        let token = request.metadata().get("authorization").and_then(|t| t.to_str().ok()).unwrap_or_default();
        let caller = self.verifier.check(token.trim_start_matches("Bearer ")).unwrap();
        assert!(caller.has_role("service"), "notify asks with its own token");
        let request = request.into_inner();
        assert!(request.reason.starts_with("notice "), "and says why: {}", request.reason);
        self.ask(&request.person).map(Response::new).map_err(|code| Status::new(code, "as told"))
    }

    async fn import_records(
        &self,
        _: Request<directory::ImportRecordsRequest>,
    ) -> Unsaid<directory::ImportRecordsResponse> {
        unsaid()
    }
    async fn activate_playbook(
        &self,
        _: Request<directory::ActivatePlaybookRequest>,
    ) -> Unsaid<directory::ActivatePlaybookResponse> {
        unsaid()
    }
    async fn activate_calendar(
        &self,
        _: Request<directory::ActivateCalendarRequest>,
    ) -> Unsaid<directory::ActivateCalendarResponse> {
        unsaid()
    }
    async fn move_time(&self, _: Request<directory::MoveTimeRequest>) -> Unsaid<directory::MoveTimeResponse> {
        unsaid()
    }
    async fn list_nodes(
        &self,
        _: Request<directory::ListNodesRequest>,
    ) -> Unsaid<directory::ListNodesResponse> {
        unsaid()
    }
    async fn list_persons(
        &self,
        _: Request<directory::ListPersonsRequest>,
    ) -> Unsaid<directory::ListPersonsResponse> {
        unsaid()
    }
    async fn sign_in_vouched(
        &self,
        _: Request<directory::SignInVouchedRequest>,
    ) -> Unsaid<directory::SignInVouchedResponse> {
        unsaid()
    }
    async fn check_session(
        &self,
        _: Request<directory::CheckSessionRequest>,
    ) -> Unsaid<directory::CheckSessionResponse> {
        unsaid()
    }
    async fn end_session(
        &self,
        _: Request<directory::EndSessionRequest>,
    ) -> Unsaid<directory::EndSessionResponse> {
        unsaid()
    }
    async fn get_settings(
        &self,
        _: Request<directory::GetSettingsRequest>,
    ) -> Unsaid<directory::GetSettingsResponse> {
        unsaid()
    }
    async fn keep_filter(
        &self,
        _: Request<directory::KeepFilterRequest>,
    ) -> Unsaid<directory::KeepFilterResponse> {
        unsaid()
    }
    async fn preview_files(
        &self,
        _: Request<directory::PreviewFilesRequest>,
    ) -> Unsaid<directory::PreviewFilesResponse> {
        unsaid()
    }
    async fn import_files(
        &self,
        _: Request<directory::ImportFilesRequest>,
    ) -> Unsaid<directory::ImportFilesResponse> {
        unsaid()
    }
    async fn simulate_case(
        &self,
        _: Request<directory::SimulateCaseRequest>,
    ) -> Unsaid<directory::SimulateCaseResponse> {
        unsaid()
    }
    async fn sign_in(&self, _: Request<directory::SignInRequest>) -> Unsaid<directory::SignInResponse> {
        unsaid()
    }
    async fn renew_token(
        &self,
        _: Request<directory::RenewTokenRequest>,
    ) -> Unsaid<directory::RenewTokenResponse> {
        unsaid()
    }
}

pub struct Town {
    pub addresses: Addresses,
    pub ticket: Id,
    intake: Parrot<Intake>,
    dispatch: Parrot<Dispatch>,
    directory: Parrot<Directory>,
    ground: Ground,
}

impl Town {
    pub async fn new() -> Town {
        let desk = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = format!("http://{}", desk.local_addr().unwrap());
        let ground = Ground::prepare(Service::Notify, &[("PEERS__DIRECTORY", there)]).await;
        let addresses = Addresses::open(desk, ground.setup.verifier.clone()).await;
        let town = Town {
            directory: hatch(&ground.setup).await,
            intake: hatch(&ground.setup).await,
            dispatch: hatch(&ground.setup).await,
            addresses,
            ticket: support::House::new().ticket,
            ground,
        };
        for entry in support::entries("shop", 1, include_str!("../../core/tests/support/playbook.yaml")) {
            town.directory.say(entry).await;
        }
        stage::apart(notify::run(town.ground.setup.clone()));
        town
    }

    /// Makes intake or dispatch say something about the ticket.
    pub async fn say(&self, event: AnyEvent) {
        match event {
            AnyEvent::WorkDispatched(_) => self.dispatch.say(event).await,
            _ => self.intake.say(event).await,
        };
    }

    /// The list of notices, as a person with this role at this node is shown it.
    pub async fn list(
        &self,
        person: &str,
        role: &str,
        node: &str,
        reason: &str,
    ) -> Result<Vec<contract::Notice>, Status> {
        let door = self.ground.address(Service::Notify);
        let mut client = contract::notify_service_client::NotifyServiceClient::connect(door)
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let ask = contract::ListNoticesRequest {
            ticket_id: self.ticket.to_string(),
            reveal_reason: reason.into(),
            limit: 0,
        };
        let request = self.ground.request(&stage::person(person, role, node), ask);
        client.list_notices(request).await.map(|answer| answer.into_inner().notices)
    }

    /// The lines of a channel's outbox: id, address, words.
    pub fn outbox(&self, channel: &str) -> Vec<(String, String)> {
        let path = self.ground.setup.config.state_dir.join("outbox").join(format!("{channel}.jsonl"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let field = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        text.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| (field(&line, "to"), field(&line, "text")))
            .collect()
    }
}
