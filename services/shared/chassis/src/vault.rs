//! The vault: personal data and free text are sealed where they are recorded.
//! One key per service and customer, wrapped by a master key; only the vault
//! opens, with person and purpose on record. Destroying a key erases.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use chassis_core::{Actor, Refusal, RefusalKind, Sealed};
use proto::{Bucket, Id};
use sqlx::PgPool;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    config::Config,
    secret::{self, random_bytes},
};

/// Keys kept unwrapped in memory.
const CACHED_KEYS: usize = 20_000;
/// Bytes kept of a search token: enough to find, too few to be sure of.
const TOKEN_BYTES: usize = 9;

#[derive(Debug, Error)]
pub enum VaultError {
    #[error("the master key is not 32 bytes in hex")]
    MasterKey,
    #[error("the master key in {path} cannot be read or written")]
    File { path: std::path::PathBuf, source: std::io::Error },
}

/// Wraps customers' keys; comes from the environment.
pub struct MasterKey {
    wrap: Zeroizing<[u8; 32]>,
    token: Zeroizing<[u8; 32]>,
    request: Zeroizing<[u8; 32]>,
    other: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    pub fn of(config: &Config) -> Result<MasterKey, VaultError> {
        if !config.vault.master_key.is_empty() {
            return MasterKey::from_hex(&config.vault.master_key).ok_or(VaultError::MasterKey);
        }
        let path = config.state_dir.join("vault-key.hex");
        let text = secret::kept(&path, || hex::encode(random_bytes::<32>()))
            .map_err(|source| VaultError::File { path: path.clone(), source })?;
        MasterKey::from_hex(text.trim()).ok_or(VaultError::MasterKey)
    }

    pub fn from_hex(text: &str) -> Option<MasterKey> {
        let key: [u8; 32] = hex::decode(text).ok()?.try_into().ok()?;
        let derive = |context: &str| Zeroizing::new(blake3::derive_key(context, &key));
        Some(MasterKey {
            wrap: derive("hotline 2026 vault wrapping key"),
            token: derive("hotline 2026 search tokens"),
            request: derive("hotline 2026 request content"),
            other: derive("hotline 2026 other keys"),
        })
    }

    /// A key of its own for another purpose, such as the console's cookies. The purpose is a
    /// constant that names who uses it: same purpose, same key, in every replica.
    pub fn key_for(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(purpose, self.other.as_slice()))
    }

    /// The keyed hash by which a repeated request is told from a changed one.
    pub fn content_hash(&self, content: &[u8]) -> [u8; 16] {
        let hash = blake3::keyed_hash(&self.request, content);
        hash.as_bytes()[..16].try_into().expect("a hash has 32 bytes")
    }
}

/// A service's vault.
#[derive(Clone)]
pub struct Vault {
    master: Arc<MasterKey>,
    pool: PgPool,
    keys: Arc<Mutex<HashMap<Id, Arc<Zeroizing<[u8; 32]>>>>>,
}

impl Vault {
    pub fn new(master: Arc<MasterKey>, pool: PgPool) -> Vault {
        Vault { master, pool, keys: Arc::default() }
    }

    /// Seals a text under its owner's key (a customer, a person of the staff).
    pub async fn seal(&self, owner: Id, text: &str) -> Result<Sealed, Refusal> {
        let key = match self.key(owner).await? {
            Some(key) => key,
            None => self.make_key(owner).await?,
        };
        let nonce: [u8; 24] = random_bytes();
        let sealed = XChaCha20Poly1305::new(&Key::from(**key))
            .encrypt(&XNonce::from(nonce), Payload { msg: text.as_bytes(), aad: owner.uuid().as_bytes() })
            .map_err(|_| fault("sealing"))?;
        let body = BASE64.encode([nonce.as_slice(), &sealed].concat());
        let written = format!("{}{owner}.{body}", Sealed::PREFIX);
        Ok(Sealed::parse(&written).expect("begins with the prefix"))
    }

    /// Opens a sealed text; who and why go on record first.
    pub async fn open(&self, sealed: &Sealed, actor: &Actor, purpose: &str) -> Result<String, Refusal> {
        let (owner, _) = parts(sealed).ok_or_else(|| fault("reading a sealed text"))?;
        sqlx::query("insert into vault_opening (owner, actor, purpose) values ($1, $2, $3)")
            .bind(owner.uuid())
            .bind(actor.code())
            .bind(purpose)
            .execute(&self.pool)
            .await
            .map_err(|error| unreachable_store(&error))?;
        self.open_unrecorded(sealed).await
    }

    /// For masking in lists: the clear text does not leave the service.
    pub async fn open_unrecorded(&self, sealed: &Sealed) -> Result<String, Refusal> {
        let (owner, body) = parts(sealed).ok_or_else(|| fault("reading a sealed text"))?;
        let Some(key) = self.key(owner).await? else {
            return Err(Refusal::new(
                RefusalKind::NotFound,
                "erased",
                "该资料已按规定删除。",
                "This data has been erased.",
            ));
        };
        let (nonce, sealed) = body.split_at_checked(24).ok_or_else(|| fault("reading a sealed text"))?;
        let nonce: [u8; 24] = nonce.try_into().expect("split at 24");
        let clear = XChaCha20Poly1305::new(&Key::from(**key))
            .decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: owner.uuid().as_bytes() })
            .map_err(|_| fault("opening"))?;
        String::from_utf8(clear).map_err(|_| fault("opening"))
    }

    /// A keyed, truncated token of a text, for finding it again.
    pub fn token(&self, kind: &str, text: &str) -> String {
        hex::encode(&self.hash(kind, text)[..TOKEN_BYTES])
    }

    /// The home of something known by a text of its own (a phone, a plate, a VIN).
    pub fn home(&self, kind: &str, text: &str) -> Bucket {
        let hash = self.hash(kind, text);
        Bucket::of_hash(u64::from_le_bytes(hash[..8].try_into().expect("a hash has 32 bytes")))
    }

    /// The id of something known by a text of its own. Same text, same id.
    pub fn id(&self, kind: &str, text: &str) -> Id {
        let hash = self.hash(kind, text);
        Id::of_hash(hash[16..].try_into().expect("a hash has 32 bytes"), self.home(kind, text))
    }

    fn hash(&self, kind: &str, text: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.master.token);
        hasher.update(kind.as_bytes());
        hasher.update(&[0]);
        hasher.update(text.as_bytes());
        *hasher.finalize().as_bytes()
    }

    async fn key(&self, owner: Id) -> Result<Option<Arc<Zeroizing<[u8; 32]>>>, Refusal> {
        if let Some(key) = self.cache().get(&owner) {
            return Ok(Some(key.clone()));
        }
        let wrapped: Option<Vec<u8>> = sqlx::query_scalar("select wrapped from vault_key where owner = $1")
            .bind(owner.uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| unreachable_store(&error))?;
        wrapped.map(|wrapped| self.unwrap(owner, &wrapped)).transpose()
    }

    async fn make_key(&self, owner: Id) -> Result<Arc<Zeroizing<[u8; 32]>>, Refusal> {
        let key = Zeroizing::new(random_bytes::<32>());
        let nonce: [u8; 24] = random_bytes();
        let wrapped = XChaCha20Poly1305::new(&Key::from(*self.master.wrap))
            .encrypt(&XNonce::from(nonce), Payload { msg: key.as_slice(), aad: owner.uuid().as_bytes() })
            .map_err(|_| fault("wrapping a key"))?;
        // Two callers may make one at once: the first stays, both get it back.
        let stored: Vec<u8> = sqlx::query_scalar(
            "insert into vault_key as k (owner, wrapped) values ($1, $2) \
             on conflict (owner) do update set wrapped = k.wrapped returning wrapped",
        )
        .bind(owner.uuid())
        .bind([nonce.as_slice(), &wrapped].concat())
        .fetch_one(&self.pool)
        .await
        .map_err(|error| unreachable_store(&error))?;
        self.unwrap(owner, &stored)
    }

    fn unwrap(&self, owner: Id, wrapped: &[u8]) -> Result<Arc<Zeroizing<[u8; 32]>>, Refusal> {
        let (nonce, body) = wrapped.split_at_checked(24).ok_or_else(|| fault("unwrapping a key"))?;
        let nonce: [u8; 24] = nonce.try_into().expect("split at 24");
        let key = XChaCha20Poly1305::new(&Key::from(*self.master.wrap))
            .decrypt(&XNonce::from(nonce), Payload { msg: body, aad: owner.uuid().as_bytes() })
            .map_err(|_| fault("unwrapping a key (is the master key the right one?)"))?;
        let key: [u8; 32] = key.try_into().map_err(|_| fault("unwrapping a key"))?;
        let key = Arc::new(Zeroizing::new(key));
        let mut cache = self.cache();
        if cache.len() >= CACHED_KEYS {
            cache.clear();
        }
        cache.insert(owner, key.clone());
        Ok(key)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<Id, Arc<Zeroizing<[u8; 32]>>>> {
        self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn parts(sealed: &Sealed) -> Option<(Id, Vec<u8>)> {
    let (owner, body) = sealed.as_written().strip_prefix(Sealed::PREFIX)?.split_once('.')?;
    Some((owner.parse().ok()?, BASE64.decode(body).ok()?))
}

fn fault(what: &str) -> Refusal {
    Refusal::new(
        RefusalKind::Internal,
        "vault",
        "加密资料无法处理，没有任何改动；已记录待查。",
        format!("The vault failed at {what}; nothing was changed."),
    )
}

fn unreachable_store(error: &sqlx::Error) -> Refusal {
    tracing::warn!(%error, "the vault cannot reach its store");
    let mut refusal = Refusal::new(
        RefusalKind::Unavailable,
        "store",
        "数据库暂时不可用，请稍后重试。",
        "The database cannot be reached now; try again.",
    );
    refusal.retry_after_ms = Some(500);
    refusal
}
