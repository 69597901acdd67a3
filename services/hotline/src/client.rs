//! gRPC to the services, as whoever the token names.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::Context;
use chassis::{
    Config,
    core::{Actor, Grant},
    identity::{Issuer, service_actor},
};
use proto::{
    Service,
    directory::v1::{
        ListNodesRequest, ListPersonsRequest, Person, directory_service_client::DirectoryServiceClient,
    },
    dispatch::v1::dispatch_service_client::DispatchServiceClient,
    follow_up::v1::follow_up_service_client::FollowUpServiceClient,
    intake::v1::intake_service_client::IntakeServiceClient,
    journal::v1::{
        journal_service_client::JournalServiceClient, quarantine_service_client::QuarantineServiceClient,
    },
    notify::v1::notify_service_client::NotifyServiceClient,
    reporting::v1::reporting_service_client::ReportingServiceClient,
    sla_watchdog::v1::sla_watchdog_service_client::SlaWatchdogServiceClient,
};
use tonic::{
    Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

/// A channel with a token.
pub type Link = InterceptedService<Channel, Bearer>;

/// A token that is signed anew before it expires.
#[derive(Clone)]
pub struct Bearer {
    issuer: Arc<Issuer>,
    actor: Arc<Actor>,
    held: Arc<Mutex<Option<(Instant, String)>>>,
}

impl Bearer {
    fn token(&self) -> Result<String, Status> {
        let mut held = self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((at, token)) = held.as_ref()
            && at.elapsed() < Duration::from_secs(600)
        {
            return Ok(token.clone());
        }
        let token = self
            .issuer
            .issue(&self.actor, chassis::identity::LONGEST)
            .map_err(|error| Status::unauthenticated(error.to_string()))?;
        *held = Some((Instant::now(), token.clone()));
        Ok(token)
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = format!("Bearer {}", self.token()?);
        let value = value.parse().map_err(|_| Status::internal("the token does not fit a header"))?;
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

/// The way to all services.
#[derive(Clone)]
pub struct Connection {
    pub config: Arc<Config>,
    issuer: Arc<Issuer>,
    channels: Arc<HashMap<Service, Channel>>,
    root: Arc<str>,
}

impl Connection {
    /// Connects lazily, with the signing key of the configuration.
    pub async fn open(config: Config) -> anyhow::Result<Connection> {
        let issuer = Arc::new(Issuer::of(&config).context("no signing key, so no token")?);
        let mut channels = HashMap::new();
        for service in Service::ALL {
            let address = config.peers_of(service).into_iter().next().context("a service without address")?;
            let channel =
                Endpoint::from_shared(address)?.connect_timeout(Duration::from_secs(3)).connect_lazy();
            channels.insert(service, channel);
        }
        let mut connection =
            Connection { config: Arc::new(config), issuer, channels: Arc::new(channels), root: "*".into() };
        if let Some(root) = connection.find_root().await {
            connection.root = root.into();
        }
        Ok(connection)
    }

    /// The root of the organisation, once there is one.
    async fn find_root(&self) -> Option<String> {
        let mut directory = self.directory(&service_actor("cli"));
        let ask = ListNodesRequest { level: "group".to_owned(), after: String::new(), limit: 1 };
        let nodes = directory.list_nodes(ask).await.ok()?.into_inner().nodes;
        nodes.into_iter().next().map(|node| node.code)
    }

    /// The command line itself: a system with all that a call-centre agent may do.
    pub fn system(&self) -> Actor {
        let grant = |role: &str| Grant { role: role.to_owned(), node: self.root.to_string() };
        Actor::System { code: "cli".to_owned(), grants: vec![grant("system"), grant("service")] }
    }

    /// A person with the roles that the directory knows.
    pub async fn person(&self, code: &str) -> anyhow::Result<Actor> {
        let persons = self.persons().await?;
        let person = persons
            .into_iter()
            .find(|person| person.code == code)
            .with_context(|| format!("the directory has no person `{code}`"))?;
        let grants =
            person.roles.into_iter().map(|role| Grant { role: role.role, node: role.node }).collect();
        Ok(Actor::Person { code: person.code, grants })
    }

    /// Everybody whom the directory knows, page by page.
    pub async fn persons(&self) -> anyhow::Result<Vec<Person>> {
        let mut directory = self.directory(&self.system());
        let mut persons: Vec<Person> = Vec::new();
        loop {
            let after = persons.last().map(|person| person.code.clone()).unwrap_or_default();
            let ask = ListPersonsRequest { after, limit: 2_000, ..ListPersonsRequest::default() };
            let page =
                directory.list_persons(ask).await.map_err(|status| anyhow::anyhow!(explain(&status)))?;
            let page = page.into_inner().persons;
            if page.is_empty() {
                return Ok(persons);
            }
            persons.extend(page.into_iter().filter_map(|entry| entry.person));
        }
    }

    pub async fn token(&self, person: Option<&str>) -> anyhow::Result<String> {
        let actor = match person {
            Some(code) => self.person(code).await?,
            None => self.system(),
        };
        Ok(self.issuer.issue(&actor, chassis::identity::LONGEST)?)
    }

    fn link(&self, service: Service, actor: &Actor) -> Link {
        let bearer =
            Bearer { issuer: self.issuer.clone(), actor: Arc::new(actor.clone()), held: Arc::default() };
        InterceptedService::new(self.channels[&service].clone(), bearer)
    }

    pub fn intake(&self, actor: &Actor) -> IntakeServiceClient<Link> {
        IntakeServiceClient::new(self.link(Service::Intake, actor))
    }

    pub fn dispatch(&self, actor: &Actor) -> DispatchServiceClient<Link> {
        DispatchServiceClient::new(self.link(Service::Dispatch, actor))
    }

    pub fn watchdog(&self, actor: &Actor) -> SlaWatchdogServiceClient<Link> {
        SlaWatchdogServiceClient::new(self.link(Service::SlaWatchdog, actor))
    }

    pub fn follow_up(&self, actor: &Actor) -> FollowUpServiceClient<Link> {
        FollowUpServiceClient::new(self.link(Service::FollowUp, actor))
    }

    pub fn reporting(&self, actor: &Actor) -> ReportingServiceClient<Link> {
        ReportingServiceClient::new(self.link(Service::Reporting, actor))
    }

    pub fn notify(&self, actor: &Actor) -> NotifyServiceClient<Link> {
        NotifyServiceClient::new(self.link(Service::Notify, actor))
    }

    pub fn directory(&self, actor: &Actor) -> DirectoryServiceClient<Link> {
        DirectoryServiceClient::new(self.link(Service::Directory, actor))
    }

    pub fn quarantine(&self, service: Service, actor: &Actor) -> QuarantineServiceClient<Link> {
        QuarantineServiceClient::new(self.link(service, actor))
    }

    /// Who gives an order: a person of the directory, else the command line itself.
    pub async fn orderer(&self, person: Option<&str>) -> anyhow::Result<Actor> {
        match person {
            Some(code) => self.person(code).await,
            None => Ok(self.system()),
        }
    }

    /// The journal of every replica of a service: what only the owner of a shard does is asked of each.
    pub fn journals(
        &self,
        service: Service,
        actor: &Actor,
    ) -> anyhow::Result<Vec<JournalServiceClient<Link>>> {
        let bearer =
            Bearer { issuer: self.issuer.clone(), actor: Arc::new(actor.clone()), held: Arc::default() };
        let client = |address: String| {
            let channel =
                Endpoint::from_shared(address)?.connect_timeout(Duration::from_secs(3)).connect_lazy();
            Ok(JournalServiceClient::new(InterceptedService::new(channel, bearer.clone())))
        };
        self.config.peers_of(service).into_iter().map(client).collect()
    }

    pub fn journal(&self, service: Service) -> JournalServiceClient<Link> {
        JournalServiceClient::new(self.link(service, &service_actor("cli")))
    }
}

/// A fresh request id.
#[allow(clippy::disallowed_methods, reason = "a caller's request id is dated by the caller's clock")]
pub fn request_id() -> String {
    Uuid::now_v7().to_string()
}

/// A status as people read it: the sentence, the gate, the fields.
pub fn explain(status: &Status) -> String {
    use tonic_types::StatusExt;
    let mut text = format!("{:?}: {}", status.code(), status.message());
    if let Some(request) = status.get_details_bad_request() {
        for violation in request.field_violations {
            text.push_str(&format!("\n  {}: {}", violation.field, violation.description));
        }
    }
    text
}
