//! Who speaks: short-lived tokens (JWT, EdDSA) naming a person or a system
//! with roles at organisation nodes.

use std::path::PathBuf;

use chassis_core::{Actor, Grant};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{config::Config, secret};

/// No token lives longer.
pub const LONGEST: u64 = 15 * 60;
const AUDIENCE: &str = "hotline";

#[derive(Debug, Error)]
pub enum IdentityError {
    #[error("the signing key {path} cannot be read or written")]
    File { path: PathBuf, source: std::io::Error },
    #[error("the signing key {path} is not an Ed25519 key in PKCS#8 PEM")]
    Key { path: PathBuf },
    #[error("signing failed")]
    Sign(#[source] jsonwebtoken::errors::Error),
    #[error("the token is not valid: {0}")]
    Token(#[source] jsonwebtoken::errors::Error),
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    /// `person` or `system`
    kind: String,
    grants: Vec<Grant>,
    aud: String,
    iat: u64,
    exp: u64,
    /// Of people who signed in; tools and services have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<Session>,
}

/// What a token was signed in by. It goes on into every renewal, so that ending a session ends
/// all tokens to come, whoever holds a copy of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: String,
    /// Real time of signing in.
    pub since: proto::Time,
    pub by: SignedInBy,
}

/// Who made sure that it is he.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignedInBy {
    /// The directory, by his password.
    Password,
    /// The identity provider of the configuration.
    Provider,
}

/// Signs tokens: the directory for people, each service for itself.
pub struct Issuer {
    key: EncodingKey,
    public_pem: String,
}

/// Checks tokens.
pub struct Verifier {
    key: DecodingKey,
}

impl Issuer {
    pub fn of(config: &Config) -> Result<Issuer, IdentityError> {
        let given = &config.identity.signing_key_file;
        let ours = given.as_os_str().is_empty();
        let path = if ours { config.state_dir.join("signing-key.pem") } else { given.clone() };
        let pem = if ours { secret::kept(&path, new_pem) } else { std::fs::read_to_string(&path) };
        let pem = pem.map_err(|source| IdentityError::File { path: path.clone(), source })?;
        Issuer::from_pem(&pem).ok_or(IdentityError::Key { path })
    }

    pub fn from_pem(pem: &str) -> Option<Issuer> {
        let key = SigningKey::from_pkcs8_pem(pem).ok()?;
        let public_pem = key.verifying_key().to_public_key_pem(LineEnding::LF).ok()?;
        Some(Issuer { key: EncodingKey::from_ed_pem(pem.as_bytes()).ok()?, public_pem })
    }

    pub fn verifier(&self) -> Verifier {
        let key = DecodingKey::from_ed_pem(self.public_pem.as_bytes()).expect("our own public key");
        Verifier { key }
    }

    /// A token for this actor, at most 15 minutes.
    pub fn issue(&self, actor: &Actor, seconds: u64) -> Result<String, IdentityError> {
        self.issue_in(actor, seconds, None)
    }

    /// The same for somebody who signed in.
    pub fn issue_in(
        &self,
        actor: &Actor,
        seconds: u64,
        session: Option<Session>,
    ) -> Result<String, IdentityError> {
        let (kind, sub) = match actor {
            Actor::Person { code, .. } => ("person", code),
            Actor::System { code, .. } => ("system", code),
            Actor::Service { name } => ("system", name),
        };
        let now = unix_now();
        let claims = Claims {
            sub: sub.clone(),
            kind: kind.to_owned(),
            grants: actor.grants().to_vec(),
            aud: AUDIENCE.to_owned(),
            iat: now,
            exp: now + seconds.min(LONGEST),
            session,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.key).map_err(IdentityError::Sign)
    }

    /// What a service of ours shows to another.
    pub fn for_service(&self, name: &str) -> Result<String, IdentityError> {
        self.issue(&service_actor(name), LONGEST)
    }
}

fn new_pem() -> String {
    let key = SigningKey::from_bytes(&secret::random_bytes());
    key.to_pkcs8_pem(LineEnding::LF).expect("a key that was just made can be written down").to_string()
}

/// A service speaking to a service: may read journals and contacts.
pub fn service_actor(name: &str) -> Actor {
    let grant = Grant { role: "service".to_owned(), node: "*".to_owned() };
    Actor::System { code: name.to_owned(), grants: vec![grant] }
}

impl Verifier {
    pub fn check(&self, token: &str) -> Result<Actor, IdentityError> {
        self.check_with_session(token).map(|(actor, _)| actor)
    }

    pub fn check_with_session(&self, token: &str) -> Result<(Actor, Option<Session>), IdentityError> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        validation.leeway = 5;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key, &validation)
            .map_err(IdentityError::Token)?
            .claims;
        let actor = match claims.kind.as_str() {
            "person" => Actor::Person { code: claims.sub, grants: claims.grants },
            _ => Actor::System { code: claims.sub, grants: claims.grants },
        };
        Ok((actor, claims.session))
    }
}

/// Tokens are dated by the machine's clock, as everywhere.
#[allow(clippy::disallowed_methods, reason = "a token's life is not business time")]
fn unix_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map(|d| d.as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(seed: u8) -> Issuer {
        let pem = SigningKey::from_bytes(&[seed; 32]).to_pkcs8_pem(LineEnding::LF).unwrap();
        Issuer::from_pem(&pem).unwrap()
    }

    fn agent() -> Actor {
        let grants = vec![Grant { role: "call-centre-agent".into(), node: "G".into() }];
        Actor::Person { code: "P1".into(), grants }
    }

    #[test]
    fn a_token_names_its_actor() {
        let issuer = issuer(1);
        let token = issuer.issue(&agent(), 60).unwrap();
        assert_eq!(issuer.verifier().check(&token).unwrap(), agent());
    }

    #[test]
    fn a_session_goes_along_and_tools_have_none() {
        let issuer = issuer(1);
        let session = Session { id: "s1".into(), since: proto::Time(7), by: SignedInBy::Provider };
        let token = issuer.issue_in(&agent(), 60, Some(session.clone())).unwrap();
        assert_eq!(issuer.verifier().check_with_session(&token).unwrap(), (agent(), Some(session)));
        let tool = issuer.issue(&agent(), 60).unwrap();
        assert_eq!(issuer.verifier().check_with_session(&tool).unwrap().1, None);
    }

    #[test]
    fn a_foreign_or_changed_token_is_refused() {
        let token = issuer(1).issue(&agent(), 60).unwrap();
        assert!(issuer(2).verifier().check(&token).is_err());
        let mut forged = token.clone();
        forged.replace_range(40..41, if &token[40..41] == "A" { "B" } else { "A" });
        assert!(issuer(1).verifier().check(&forged).is_err());
        assert!(issuer(1).verifier().check("").is_err());
    }
}
