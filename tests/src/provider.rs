//! An identity provider for tests: real HTTP, real signatures, and faults on demand. It vouches
//! for whom it is told, without asking him anything.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const CLIENT: &str = "hotline-console";
pub const SECRET: &str = "a secret of the test";
/// Made for this test; it signs nothing else.
const RSA: &str = include_str!("../keys/provider-rsa.pem");
const MODULUS: &str = "7FzNURr5Qmd3zZQiq7aFnXTBsPNwHp5mpCgzg4bs60mli4lrQzrXGf47pypbQDuIrpUWJ9W1ofnvwT62aGCJz2reNCAZP_0cr7W6yGWwP9GwJ0_sGntk2liXNJmc-Fbrgh9XCgj1rhTqsFM2Q2ndLpgu-q9aRizzt8YWUfZbaf3IhqU5xo0PbFq67JW5__FiLeVAl0r5EC4iDOc_2ZfZVqMmxrbmMFRg76xUs6LrESi_lzkuam2tuTL0vjInmdDJxubhsEUkKQqJQ1Fr7mwDdKS-AJhJJxB9jiXIs8CtpPtP1PYUGU8LcDKzJZucsP_nriO9aRDgZI4Ww73nDaMtDQ";

/// What the provider does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    WrongNonce,
    Expired,
    WrongAudience,
    WrongIssuer,
    /// Signed by somebody else under our key's name.
    ForeignKey,
    /// The payload was changed after signing.
    Changed,
    NoSuchClaim,
    /// Refuses at once, as for somebody who clicks "cancel".
    Denies,
}

/// What was asked for when a code was given.
struct Given {
    nonce: String,
    challenge: String,
    back: String,
}

pub struct Wishes {
    pub person: String,
    pub fault: Fault,
    /// RS256 as most providers sign, or EdDSA.
    pub eddsa: bool,
    /// Exchanges of codes that were refused.
    pub refused: u32,
}

#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    wishes: Arc<Mutex<Wishes>>,
    given: Arc<Mutex<HashMap<String, Given>>>,
}

impl Provider {
    pub async fn start() -> Provider {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://localhost:{}", listener.local_addr().expect("bound").port());
        let wishes = Wishes { person: String::new(), fault: Fault::None, eddsa: false, refused: 0 };
        let provider = Provider { issuer, wishes: Arc::new(Mutex::new(wishes)), given: Arc::default() };
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        provider
    }

    pub fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn codes(&self) -> MutexGuard<'_, HashMap<String, Given>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn discovery(State(provider): State<Provider>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", provider.issuer);
    Json(json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "EdDSA"],
    }))
}

fn ed_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

async fn keys() -> Json<Value> {
    let x = BASE64.encode(ed_key(7).verifying_key().to_bytes());
    Json(json!({ "keys": [
        { "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "rsa", "n": MODULUS, "e": "AQAB" },
        { "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "ed", "x": x },
    ]}))
}

type Pairs = HashMap<String, String>;

async fn authorize(State(provider): State<Provider>, Query(asked): Query<Pairs>) -> Response {
    let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let right = text("client_id") == CLIENT
        && text("response_type") == "code"
        && text("code_challenge_method") == "S256"
        && text("scope").split(' ').any(|scope| scope == "openid");
    if !right {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let (back, state) = (text("redirect_uri"), text("state"));
    if provider.wishes().fault == Fault::Denies {
        return Redirect::to(&format!("{back}?error=access_denied&state={state}")).into_response();
    }
    let code = BASE64.encode(chassis::secret::random_bytes::<16>());
    let given = Given { nonce: text("nonce"), challenge: text("code_challenge"), back: back.clone() };
    provider.codes().insert(code.clone(), given);
    Redirect::to(&format!("{back}?code={code}&state={state}")).into_response()
}

/// A code counts once, for who knows the secret and the verifier.
async fn token(State(provider): State<Provider>, headers: HeaderMap, Form(asked): Form<Pairs>) -> Response {
    let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let given = provider.codes().remove(&text("code"));
    let challenge = BASE64.encode(Sha256::digest(text("code_verifier").as_bytes()));
    let basic = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let known =
        basic.starts_with("Basic ") || (text("client_id") == CLIENT && text("client_secret") == SECRET);
    let right =
        given.filter(|given| known && given.challenge == challenge && given.back == text("redirect_uri"));
    let Some(given) = right else {
        provider.wishes().refused += 1;
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    };
    let id_token = signed(&provider, &given);
    Json(json!({ "access_token": "nothing", "token_type": "Bearer", "expires_in": 60, "id_token": id_token }))
        .into_response()
}

fn signed(provider: &Provider, given: &Given) -> String {
    let wishes = provider.wishes();
    let now = now();
    let is = |fault| wishes.fault == fault;
    let expires = if is(Fault::Expired) { now - 600 } else { now + 300 };
    let mut claims = json!({
        "iss": if is(Fault::WrongIssuer) { "https://elsewhere.example" } else { &provider.issuer },
        "sub": format!("subject of {}", wishes.person),
        "aud": if is(Fault::WrongAudience) { "another-client" } else { CLIENT },
        "iat": now - 1,
        "exp": expires,
        "nonce": if is(Fault::WrongNonce) { "another" } else { &given.nonce },
    });
    let claim = if is(Fault::NoSuchClaim) { "nickname" } else { "preferred_username" };
    claims[claim] = json!(wishes.person);
    let seed = if is(Fault::ForeignKey) { 8 } else { 7 };
    let token = if wishes.eddsa || is(Fault::ForeignKey) {
        let pem = ed_key(seed).to_pkcs8_der().expect("a key can be written down");
        let header = Header { kid: Some("ed".to_owned()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(pem.as_bytes()))
    } else {
        let key = EncodingKey::from_rsa_pem(RSA.as_bytes()).expect("the test's key");
        let header = Header { kid: Some("rsa".to_owned()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &claims, &key)
    };
    let token = token.expect("it signs");
    if !is(Fault::Changed) {
        return token;
    }
    claims["preferred_username"] = json!("QH-ADM");
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[1] = BASE64.encode(claims.to_string());
    parts.join(".")
}

#[allow(clippy::disallowed_methods, reason = "a provider dates its tokens by its own clock")]
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
