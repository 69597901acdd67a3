//! Seals what only this console may read again: cookies and attachments.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use chassis::{secret::random_bytes, vault::MasterKey};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

const NONCE: usize = 24;

/// One key for one purpose; what is sealed under a name opens under that name only.
#[derive(Clone)]
pub struct Seal {
    key: Zeroizing<[u8; 32]>,
}

impl Seal {
    pub fn new(master: &MasterKey, purpose: &str) -> Seal {
        Seal { key: master.key_for(purpose) }
    }

    pub fn close(&self, name: &str, clear: &[u8]) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE] = random_bytes();
        let sealed = XChaCha20Poly1305::new(&Key::from(*self.key))
            .encrypt(&XNonce::from(nonce), Payload { msg: clear, aad: name.as_bytes() });
        sealed.ok().map(|sealed| [nonce.as_slice(), &sealed].concat())
    }

    pub fn open(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        XChaCha20Poly1305::new(&Key::from(*self.key))
            .decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: name.as_bytes() })
            .ok()
    }

    /// A value as text for a cookie or a form.
    pub fn write<T: Serialize>(&self, name: &str, value: &T) -> Option<String> {
        Some(BASE64.encode(self.close(name, &serde_json::to_vec(value).ok()?)?))
    }

    pub fn read<T: DeserializeOwned>(&self, name: &str, text: &str) -> Option<T> {
        serde_json::from_slice(&self.open(name, &BASE64.decode(text).ok()?)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(purpose: &str) -> Seal {
        Seal::new(&MasterKey::from_hex(&"7f".repeat(32)).unwrap(), purpose)
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_and_name_only() {
        let text = seal("a").write("cookie", &("P1", 7)).unwrap();
        assert_eq!(seal("a").read::<(String, i32)>("cookie", &text), Some(("P1".to_owned(), 7)));
        assert_eq!(seal("a").read::<(String, i32)>("other", &text), None);
        assert_eq!(seal("b").read::<(String, i32)>("cookie", &text), None);
        let mut changed = text.into_bytes();
        changed[40] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(seal("a").read::<(String, i32)>("cookie", &changed), None);
        assert_eq!(seal("a").read::<(String, i32)>("cookie", ""), None);
    }
}
