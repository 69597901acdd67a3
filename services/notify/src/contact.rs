//! Where to reach a person: asked of the directory each time, because people move. A customer is asked for at intake, for
//! his number stands nowhere else.

use std::time::Duration;

use chassis::{Handle, core::Refusal};
use notify_core::Notify;
use proto::{
    Id, Service,
    directory::v1::{
        GetContactRequest, GetContactResponse, directory_service_client::DirectoryServiceClient,
    },
    intake::v1::{GetCustomerAddressRequest, intake_service_client::IntakeServiceClient},
};
use thiserror::Error;
use tonic::{
    Code, Request,
    transport::{Channel, Endpoint},
};

/// A directory that does not answer in this time is down.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no address.
#[derive(Debug, Error)]
pub(crate) enum ContactError {
    #[error("the address {0} of a service does not fit")]
    Address(String),
    #[error("a token could not be signed")]
    Token(#[source] chassis::identity::IdentityError),
    /// Comes back: nobody is given up for it.
    #[error("the service that knows the address cannot be reached: {0}")]
    Away(Code),
    #[error("the directory does not know this person")]
    NoPerson,
    #[error("the customer wants no messages")]
    NotWanted,
    #[error("refused by the service that knows the address: {0}")]
    Refused(Code),
    #[error(transparent)]
    Store(#[from] Refusal),
}

/// Directory and intake, called with notify's own token.
pub(crate) struct Contacts {
    handle: Handle<Notify>,
    directory: Option<Channel>,
    intake: Option<Channel>,
}

impl Contacts {
    pub fn new(handle: Handle<Notify>) -> Contacts {
        let (directory, intake) = (way_to(&handle, Service::Directory), way_to(&handle, Service::Intake));
        Contacts { handle, directory, intake }
    }

    /// Asks for a person's addresses; the reason goes on record there.
    pub async fn of(&self, person: &str, reason: &str) -> Result<GetContactResponse, ContactError> {
        let channel = self.open(self.directory.as_ref(), Service::Directory)?;
        let asked = GetContactRequest { person: person.to_owned(), reason: reason.to_owned() };
        let answer = DirectoryServiceClient::new(channel).get_contact(self.signed(asked)?).await;
        answer.map(tonic::Response::into_inner).map_err(|status| trouble(status.code()))
    }

    /// Asks for a customer's number, unless he wants no messages; the reason goes on record there.
    pub async fn of_customer(&self, customer: Id, reason: &str) -> Result<GetContactResponse, ContactError> {
        let channel = self.open(self.intake.as_ref(), Service::Intake)?;
        let asked =
            GetCustomerAddressRequest { customer_id: customer.to_string(), reason: reason.to_owned() };
        let answer = IntakeServiceClient::new(channel).get_customer_address(self.signed(asked)?).await;
        let address = answer.map_err(|status| trouble(status.code()))?.into_inner();
        if !address.wanted {
            return Err(ContactError::NotWanted);
        }
        Ok(GetContactResponse { phone: address.phone, ..Default::default() })
    }

    fn open(&self, channel: Option<&Channel>, service: Service) -> Result<Channel, ContactError> {
        let none = || ContactError::Address(self.handle.config().peers_of(service).join(", "));
        channel.cloned().ok_or_else(none)
    }

    fn signed<T>(&self, message: T) -> Result<Request<T>, ContactError> {
        let token = self.handle.issuer().for_service(Service::Notify.name()).map_err(ContactError::Token)?;
        let mut request = Request::new(message);
        let bearer = format!("Bearer {token}").parse().map_err(|_| ContactError::Refused(Code::Internal))?;
        request.metadata_mut().insert("authorization", bearer);
        Ok(request)
    }
}

fn way_to(handle: &Handle<Notify>, service: Service) -> Option<Channel> {
    let addresses = handle.config().peers_of(service);
    let endpoints = addresses.iter().filter_map(|address| Endpoint::from_shared(address.clone()).ok());
    let endpoints: Vec<Endpoint> =
        endpoints.map(|e| e.connect_timeout(Duration::from_secs(2)).timeout(PATIENCE)).collect();
    match endpoints.as_slice() {
        [] => None,
        [only] => Some(only.connect_lazy()),
        _ => Some(Channel::balance_list(endpoints.into_iter())),
    }
}

fn trouble(code: Code) -> ContactError {
    match code {
        Code::NotFound => ContactError::NoPerson,
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::ResourceExhausted
        | Code::Unknown => ContactError::Away(code),
        code => ContactError::Refused(code),
    }
}
