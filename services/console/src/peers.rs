//! gRPC to the services: as the person who looks, or as the console itself
//! (the directory's journal only).

use std::{collections::HashMap, sync::Arc, time::Duration};

use chassis::{Config, identity::Issuer};
use proto::{
    Service,
    directory::v1::directory_service_client::DirectoryServiceClient,
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
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use crate::language::Tongue;

/// Somebody waits in front of the page.
const PATIENCE: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(3);
/// Work lists of a whole group and figures of all branches.
const LARGEST: usize = 64 << 20;

pub type Link = InterceptedService<Channel, Bearer>;

/// Whose token, and which language the answer shall have.
#[derive(Clone)]
pub struct Bearer {
    token: MetadataValue<Ascii>,
    language: &'static str,
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.token.clone());
        request.metadata_mut().insert("accept-language", MetadataValue::from_static(self.language));
        Ok(request)
    }
}

/// The way to all services.
#[derive(Clone)]
pub struct Peers {
    channels: Arc<HashMap<Service, Channel>>,
    issuer: Arc<Issuer>,
}

impl Peers {
    /// Connects when first needed, and anew whenever it must.
    pub fn new(config: &Config, issuer: Arc<Issuer>) -> Result<Peers, tonic::transport::Error> {
        let mut channels = HashMap::new();
        for service in Service::ALL {
            let mut endpoints = Vec::new();
            for address in config.peers_of(service) {
                endpoints.push(Endpoint::from_shared(address)?.timeout(PATIENCE).connect_timeout(CONNECT));
            }
            let channel = match endpoints.len() {
                1 => endpoints.remove(0).connect_lazy(),
                _ => Channel::balance_list(endpoints.into_iter()),
            };
            channels.insert(service, channel);
        }
        Ok(Peers { channels: Arc::new(channels), issuer })
    }

    /// With somebody's token.
    pub fn with(&self, token: &str, tongue: Tongue) -> Result<Asker, Status> {
        let token = format!("Bearer {token}").parse();
        let token = token.map_err(|_| Status::unauthenticated("the token does not fit a header"))?;
        Ok(Asker { channels: self.channels.clone(), bearer: Bearer { token, language: tongue.code() } })
    }

    /// Before there is a token.
    pub fn door(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channels[&Service::Directory].clone())
    }

    /// As the console itself.
    #[allow(clippy::result_large_err, reason = "tonic's status is what clients work with")]
    pub fn journal(&self, service: Service) -> Result<JournalServiceClient<Link>, Status> {
        Ok(JournalServiceClient::new(self.own()?.link(service)).max_decoding_message_size(LARGEST))
    }

    /// As the console itself, for whom the identity provider has vouched.
    #[allow(clippy::result_large_err, reason = "tonic's status is what clients work with")]
    pub fn own_directory(&self) -> Result<DirectoryServiceClient<Link>, Status> {
        Ok(self.own()?.directory())
    }

    #[allow(clippy::result_large_err, reason = "tonic's status is what clients work with")]
    fn own(&self) -> Result<Asker, Status> {
        let token = self.issuer.for_service("console");
        let token = token.map_err(|error| Status::unauthenticated(error.to_string()))?;
        self.with(&token, Tongue(playbook::Lang::En))
    }
}

/// Asks the services as one person.
#[derive(Clone)]
pub struct Asker {
    channels: Arc<HashMap<Service, Channel>>,
    bearer: Bearer,
}

macro_rules! client {
    ($name:ident, $client:ident, $service:ident) => {
        pub fn $name(&self) -> $client<Link> {
            $client::new(self.link(Service::$service)).max_decoding_message_size(LARGEST)
        }
    };
}

impl Asker {
    fn link(&self, service: Service) -> Link {
        InterceptedService::new(self.channels[&service].clone(), self.bearer.clone())
    }

    /// What a service could not decide: for administrators.
    pub fn quarantine(&self, service: Service) -> QuarantineServiceClient<Link> {
        QuarantineServiceClient::new(self.link(service)).max_decoding_message_size(LARGEST)
    }

    client!(intake, IntakeServiceClient, Intake);
    client!(dispatch, DispatchServiceClient, Dispatch);
    client!(watchdog, SlaWatchdogServiceClient, SlaWatchdog);
    client!(follow_up, FollowUpServiceClient, FollowUp);
    client!(reporting, ReportingServiceClient, Reporting);
    client!(notify, NotifyServiceClient, Notify);
    client!(directory, DirectoryServiceClient, Directory);
}
