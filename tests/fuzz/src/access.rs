//! Who may come in, and how a process is set up: tokens and the configuration.

use std::sync::LazyLock;

use chassis::{
    Config,
    identity::{Issuer, LONGEST},
};
use chassis_core::{Actor, Grant};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey, spki::der::pem::LineEnding},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proto::Service;

use crate::{headed, text};

pub const TOKEN_WORDS: &[&str] = &[
    "edit\n",
    "claims\n",
    "raw\n",
    ".",
    "=",
    "eyJhbGciOiJub25lIn0",
    "eyJhbGciOiJIUzI1NiJ9",
    "\"aud\":\"hotline\"",
    "\"exp\":18446744073709551615",
    "\"kind\":\"person\"",
    "[",
    "{\"a\":",
];

static PEM: LazyLock<String> = LazyLock::new(|| {
    let pem = SigningKey::from_bytes(&[7; 32]).to_pkcs8_pem(LineEnding::LF).expect("a key in PEM");
    pem.to_string()
});
static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::from_pem(&PEM).expect("our key"));

/// `raw`: a token as it stands. `edit`: bytes of a fresh token changed, (place, byte) after (place, byte). `claims`: any
/// claims under our own signature.
pub fn token(data: &[u8]) {
    let Some((how, body)) = headed(data) else { return };
    match how {
        "raw" => {
            let Some(token) = text(body) else { return };
            assert!(ISSUER.verifier().check(token).is_err(), "nobody signed this");
        }
        "edit" => edited(body),
        "claims" => signed(body),
        _ => {}
    }
}

/// However it was changed: it says what was signed, or nothing.
fn edited(edits: &[u8]) {
    let grants = vec![Grant { role: "call-centre-agent".into(), node: "G".into() }];
    let actor = Actor::Person { code: "P1".into(), grants };
    let mut token = ISSUER.issue(&actor, LONGEST).expect("a token").into_bytes();
    for edit in edits.chunks_exact(2) {
        let place = usize::from(edit[0]) % token.len();
        token[place] = edit[1];
    }
    let Some(token) = text(&token) else { return };
    if let Ok(read) = ISSUER.verifier().check(token) {
        assert_eq!(read, actor);
    }
}

fn signed(claims: &[u8]) {
    let Ok(claims) = serde_json::from_slice::<serde_json::Value>(claims) else { return };
    let key = EncodingKey::from_ed_pem(PEM.as_bytes()).expect("our key");
    let token = jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &key).expect("a token");
    if let Ok(actor) = ISSUER.verifier().check(&token) {
        let says = |name: &str| claims.get(name).and_then(serde_json::Value::as_str);
        let kind = if says("kind") == Some("person") { "person" } else { "system" };
        assert_eq!(Some(actor.code()), says("sub").map(|sub| format!("{kind}:{sub}")));
    }
}

pub const CONFIGURATION_WORDS: &[&str] = &[
    "base_port = 65535\n",
    "[console]\n",
    "port = 0\n",
    "shards = \"0-15\"\n",
    "listen = \"::\"\n",
    "[peers]\n",
    "database_url = \"postgres://a:b@[::1]:5432/c?sslmode=require&host=/x\"\n",
    "environment = \"production\"\n",
    "[",
    "{a=",
    "a.",
    "\"\"\"",
    "'",
    "=",
    "HOTLINE_PEERS__SLA_WATCHDOG=http://a:1\n",
    "\n=====\n",
    "HOTLINE_A__",
];

/// A configuration file, then variables, one a line: refused, or every address it gives can be used.
pub fn configuration(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let (file, variables) = text.split_once(crate::PARTING).unwrap_or((text, ""));
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    match Config::parse(file, variables.map(|(name, value)| (name.to_owned(), value.to_owned()))) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(config) => {
            let ports: Vec<u16> =
                Service::ALL.into_iter().map(|service| config.address(service).port()).collect();
            assert!(ports.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ports:?}");
            assert!(config.console_address().port() > 0);
            assert!(!config.owned_shards().expect("they were checked").is_empty());
            assert!(
                Service::ALL
                    .into_iter()
                    .all(|service| config.peers_of(service).iter().all(|peer| peer.len() <= text.len() + 64))
            );
        }
    }
}
