//! Where to reach a person: asked of the directory each time, because people move.

use std::time::Duration;

use chassis::{Handle, core::Refusal};
use notify_core::Notify;
use proto::{
    Service,
    directory::v1::{
        GetContactRequest, GetContactResponse, directory_service_client::DirectoryServiceClient,
    },
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
    #[error("the directory's address {0} does not fit")]
    Address(String),
    #[error("a token could not be signed")]
    Token(#[source] chassis::identity::IdentityError),
    /// Comes back: nobody is given up for it.
    #[error("the directory cannot be reached: {0}")]
    Away(Code),
    #[error("the directory does not know this person")]
    NoPerson,
    #[error("the directory refused: {0}")]
    Refused(Code),
    #[error(transparent)]
    Store(#[from] Refusal),
}

/// The directory, called with notify's own token.
pub(crate) struct Contacts {
    handle: Handle<Notify>,
    channel: Option<Channel>,
}

impl Contacts {
    pub fn new(handle: Handle<Notify>) -> Contacts {
        let addresses = handle.config().peers_of(Service::Directory);
        let endpoints = addresses.iter().filter_map(|address| Endpoint::from_shared(address.clone()).ok());
        let endpoints: Vec<Endpoint> =
            endpoints.map(|e| e.connect_timeout(Duration::from_secs(2)).timeout(PATIENCE)).collect();
        let channel = match endpoints.as_slice() {
            [] => None,
            [only] => Some(only.connect_lazy()),
            _ => Some(Channel::balance_list(endpoints.into_iter())),
        };
        Contacts { handle, channel }
    }

    /// Asks for a person's addresses; the reason goes on record there.
    pub async fn of(&self, person: &str, reason: &str) -> Result<GetContactResponse, ContactError> {
        let channel = self.channel.clone().ok_or_else(|| {
            ContactError::Address(self.handle.config().peers_of(Service::Directory).join(", "))
        })?;
        let token = self.handle.issuer().for_service(Service::Notify.name()).map_err(ContactError::Token)?;
        let mut request =
            Request::new(GetContactRequest { person: person.to_owned(), reason: reason.to_owned() });
        let bearer = format!("Bearer {token}").parse().map_err(|_| ContactError::Refused(Code::Internal))?;
        request.metadata_mut().insert("authorization", bearer);
        let answer = DirectoryServiceClient::new(channel).get_contact(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| match status.code() {
            Code::NotFound => ContactError::NoPerson,
            code @ (Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::ResourceExhausted
            | Code::Unknown) => ContactError::Away(code),
            code => ContactError::Refused(code),
        })
    }
}
