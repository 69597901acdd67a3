//! The identity provider: OpenID Connect with authorisation code, PKCE, state
//! and nonce. It says who somebody is; whether he works here and what he may
//! do is the directory's word.
//!
//! What a sign-in under way has to remember is sealed into a cookie of ten
//! minutes: the answer counts for the browser that asked, once.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chassis::config::ProviderConfig;
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, ConfigurationError, CsrfToken, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreProviderMetadata},
};
use proto::Time;
use serde::{Deserialize, Serialize};

/// A person waits in front of the page.
const PATIENCE: Duration = Duration::from_secs(10);
/// Keys are turned over now and then.
const FRESH: Duration = Duration::from_secs(600);
/// From leaving for the provider to coming back.
pub const UNDER_WAY: i64 = 10 * Time::MINUTE;

/// A sign-in that waits for the provider's answer.
#[derive(Serialize, Deserialize)]
pub struct Pending {
    pub state: String,
    nonce: String,
    verifier: String,
    pub to: String,
    pub until: Time,
}

#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("an address does not fit ({0})")]
    Address(#[from] openidconnect::url::ParseError),
    #[error("the client cannot be made ({0})")]
    Client(#[from] reqwest::Error),
}

/// Why nobody was vouched for. Details are for the log; people read what to do.
#[derive(Debug, thiserror::Error)]
pub enum NotVouched {
    #[error("the provider does not answer ({0})")]
    Away(String),
    #[error("the provider did not take the code ({0})")]
    Code(String),
    #[error("the provider's token does not hold ({0})")]
    Token(String),
    #[error("the token has no claim `{0}` with a person's code")]
    Claim(String),
}

/// The configured provider, with what it says of itself.
#[derive(Clone)]
pub struct Provider {
    named: ProviderConfig,
    issuer: IssuerUrl,
    back: RedirectUrl,
    http: reqwest::Client,
    known: Arc<RwLock<Option<(CoreProviderMetadata, Instant)>>>,
}

impl Provider {
    pub fn new(named: &ProviderConfig) -> Result<Provider, ProviderError> {
        Ok(Provider {
            issuer: IssuerUrl::new(named.issuer.clone())?,
            back: RedirectUrl::new(named.redirect_url())?,
            // A redirect would let the provider's answers be fetched from elsewhere.
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(PATIENCE)
                .build()?,
            named: named.clone(),
            known: Arc::default(),
        })
    }

    /// Where the browser is sent, and what to remember until it comes back.
    pub async fn begin(&self, to: &str, now: Time) -> Result<(String, Pending), NotVouched> {
        let client =
            CoreClient::from_provider_metadata(self.metadata(false).await?, self.id(), self.secret())
                .set_redirect_uri(self.back.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (address, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            to: to.to_owned(),
            until: now.plus(UNDER_WAY),
        };
        Ok((address.to_string(), pending))
    }

    /// The person's code that the provider vouches for, in exchange for its code.
    pub async fn vouched(&self, code: String, pending: Pending) -> Result<String, NotVouched> {
        let metadata = self.metadata(false).await?;
        let client = CoreClient::from_provider_metadata(metadata, self.id(), self.secret())
            .set_redirect_uri(self.back.clone());
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error: ConfigurationError| NotVouched::Code(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                openidconnect::RequestTokenError::Request(away) => NotVouched::Away(away.to_string()),
                other => NotVouched::Code(other.to_string()),
            })?;
        let token = answer.id_token().ok_or_else(|| NotVouched::Token("there is none".to_owned()))?;
        let nonce = Nonce::new(pending.nonce);
        let first = token.claims(&client.id_token_verifier(), &nonce);
        if let Err(error) = first {
            // Its keys may have been turned over since they were read.
            if !matches!(&error, openidconnect::ClaimsVerificationError::SignatureVerification(_)) {
                return Err(NotVouched::Token(error.to_string()));
            }
            let metadata = self.metadata(true).await?;
            let client = CoreClient::from_provider_metadata(metadata, self.id(), self.secret());
            let again = token.claims(&client.id_token_verifier(), &nonce);
            again.map_err(|error| NotVouched::Token(error.to_string()))?;
        }
        self.person(token)
    }

    /// The configured claim of a token that was verified.
    fn person(&self, verified: &CoreIdToken) -> Result<String, NotVouched> {
        let missing = || NotVouched::Claim(self.named.claim.clone());
        let text = verified.to_string();
        let payload = text.split('.').nth(1).ok_or_else(missing)?;
        let payload = BASE64.decode(payload).map_err(|_| missing())?;
        let claims: serde_json::Value = serde_json::from_slice(&payload).map_err(|_| missing())?;
        let person = claims.get(&self.named.claim).and_then(|claim| claim.as_str()).map(str::trim);
        person.filter(|person| !person.is_empty()).map(str::to_owned).ok_or_else(missing)
    }

    fn id(&self) -> ClientId {
        ClientId::new(self.named.client_id.clone())
    }

    fn secret(&self) -> Option<ClientSecret> {
        let secret = &self.named.client_secret;
        (!secret.is_empty()).then(|| ClientSecret::new(secret.clone()))
    }

    /// What the provider says of itself, read when it is first needed.
    async fn metadata(&self, anew: bool) -> Result<CoreProviderMetadata, NotVouched> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((metadata, since)) = known
            && !anew
            && since.elapsed() < FRESH
        {
            return Ok(metadata);
        }
        let read = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let metadata = read.map_err(|error| NotVouched::Away(error.to_string()))?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some((metadata.clone(), Instant::now()));
        Ok(metadata)
    }
}
