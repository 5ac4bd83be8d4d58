//! The deployment's keys, and what they make: tokens, fingerprints, sealed references, ids.
//!
//! One 32-byte master key; every other key is HMAC-SM3 of a label under it, so that no two uses
//! share a key. Tokens join, refs address (DESIGN D5): a token is a one-way keyed pseudonym, a
//! sealed ref can be opened again by whoever holds the key, and only where a measure leaves.

mod cache;

use std::hash::Hasher;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use hmac::{Hmac, Mac};
use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher24x128};
use sm3::Sm3;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::engine::base::{Fingerprint, Token};
use crate::engine::ident::IdKey;
use crate::engine::subject::{SealedRef, SubjectKind};
use cache::Cache;

/// The algorithm of tokens, recorded beside the key epoch wherever state names its keys (D5).
pub const TOKEN_ALGORITHM: &str = "HMAC-SM3";
/// The key epoch. Keys never change under live state (D6); `rekey` begins a new generation.
pub const KEY_EPOCH: u32 = 1;

/// A published key: whoever reads the source can undo its tokens. For trying things out only.
const DEVELOPMENT_MASTER: [u8; 32] = *b"duecourse development key, fixed";

/// What is wrong with a master key. Never says what the key was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    #[error("the key file `{path}` cannot be read: {cause}")]
    Unreadable { path: String, cause: String },
    #[error("a master key is 64 hexadecimal digits (32 bytes), on one line")]
    Malformed,
}

/// In place of a kind of subject, in tokens of staff.
const STAFF: u8 = 0xf0;

/// Where a master key comes from: a file now, a hardware module in a certified site (D5).
pub trait KeyProvider {
    /// The 32 bytes of the master key.
    ///
    /// # Errors
    /// `KeyError` when it cannot be had; the text names the place and never the key.
    fn master(&self) -> Result<Zeroizing<[u8; 32]>, KeyError>;
}

/// A master key in a file: 64 hexadecimal digits, white space around them allowed.
pub struct KeyFile<'a>(pub &'a Path);

impl KeyProvider for KeyFile<'_> {
    fn master(&self) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let text = std::fs::read_to_string(self.0).map(Zeroizing::new).map_err(|error| {
            KeyError::Unreadable { path: self.0.display().to_string(), cause: error.kind().to_string() }
        })?;
        parse_master(&text)
    }
}

/// Reads a master key from the text of its file.
///
/// # Errors
/// `KeyError::Malformed` unless it is 64 hexadecimal digits.
pub fn parse_master(text: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let digits = text.trim_ascii().as_bytes();
    if digits.len() != 64 {
        return Err(KeyError::Malformed);
    }
    let mut master = Zeroizing::new([0; 32]);
    for (byte, pair) in master.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair
            .iter()
            .try_fold(0, |byte, digit| Some(byte << 4 | hex_digit(*digit)?))
            .ok_or(KeyError::Malformed)?;
    }
    Ok(master)
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The keys of one deployment. Shared between threads; cloning gives the same keys and an empty cache.
pub struct Keys {
    secrets: Secrets,
    /// The token key, already worked into the MAC: cloning it saves two of four compressions.
    token_mac: Hmac<Sm3>,
    development: bool,
    cache: Mutex<Cache>,
}

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Secrets {
    token: [u8; 32],
    fingerprint: [u8; 16],
    cache: [u8; 16],
    seal: [u8; 64],
    id: [u8; 32],
    check: [u8; 8],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.development { "Keys(development)" } else { "Keys(..)" })
    }
}

impl Clone for Keys {
    fn clone(&self) -> Keys {
        Keys {
            secrets: self.secrets.clone(),
            token_mac: self.token_mac.clone(),
            development: self.development,
            cache: Mutex::new(Cache::new()),
        }
    }
}

impl Keys {
    /// All keys of a deployment, from its master key.
    #[must_use]
    pub fn derive(master: &[u8; 32]) -> Keys {
        let mut seal = [0; 64];
        let (front, back) = seal.split_at_mut(32);
        front.copy_from_slice(&*derived(master, "seal/1"));
        back.copy_from_slice(&*derived(master, "seal/2"));
        let secrets = Secrets {
            token: *derived(master, "token"),
            fingerprint: front_of(&derived(master, "fingerprint")),
            cache: front_of(&derived(master, "cache")),
            seal,
            id: *derived(master, "id"),
            check: front_of(&derived(master, "check")),
        };
        let token_mac = keyed(&secrets.token);
        Keys {
            secrets,
            token_mac,
            development: *master == DEVELOPMENT_MASTER,
            cache: Mutex::new(Cache::new()),
        }
    }

    /// The fixed development key. Production refuses it: see `is_development`.
    #[must_use]
    pub fn development() -> Keys {
        Keys::derive(&DEVELOPMENT_MASTER)
    }

    /// The keys of a provider.
    ///
    /// # Errors
    /// Those of the provider.
    pub fn from_provider(provider: &dyn KeyProvider) -> Result<Keys, KeyError> {
        provider.master().map(|master| Keys::derive(&master))
    }

    /// True for the published key, whichever way it was given.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// Eight bytes that tell two master keys apart and give nothing away, for a log to name its key.
    #[must_use]
    pub fn check(&self) -> [u8; 8] {
        self.secrets.check
    }

    /// The token of an identifier: the first 16 bytes of HMAC-SM3 over kind and identifier.
    #[must_use]
    pub fn token(&self, kind: SubjectKind, id: &str) -> Token {
        let tag = self.cache_tag(kind, id);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.token(tag, || self.mac_token(kind, id))
    }

    /// The token of one of our parties and its sealed ref: what a fact carries of it.
    #[must_use]
    pub fn party(&self, kind: SubjectKind, id: &str) -> (Token, SealedRef) {
        let tag = self.cache_tag(kind, id);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let token = cache.token(tag, || self.mac_token(kind, id));
        let sealed = cache.sealed(tag, || self.seal(id));
        (token, sealed)
    }

    /// The token of a member of staff, from the institution's opaque reference: to tell two of them apart
    /// and for nothing else. No kind of subject has this number, so it joins with none.
    #[must_use]
    pub fn staff(&self, reference: &str) -> Token {
        let mut mac = self.token_mac.clone();
        mac.update(&[STAFF]);
        mac.update(reference.as_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        Token(u128::from_be_bytes(front_of(&full)))
    }

    /// The keyed 64-bit fingerprint of an event id (SipHash-2-4).
    #[must_use]
    pub fn fingerprint(&self, event_id: &str) -> Fingerprint {
        let mut hasher = SipHasher24::new_with_key(&self.secrets.fingerprint);
        hasher.write(event_id.as_bytes());
        Fingerprint(hasher.finish())
    }

    /// Seals the institution's ref of a party: AES-SIV (RFC 5297), the same bytes every time.
    #[must_use]
    pub fn seal(&self, reference: &str) -> SealedRef {
        let sealed = self.siv().encrypt([SEAL_LABEL], reference.as_bytes());
        // The cipher refuses only texts of more than 2^36 bytes; an empty seal opens to nothing.
        SealedRef(sealed.unwrap_or_default().into_boxed_slice())
    }

    /// Opens a sealed ref. `None` when it was sealed under another key or has been touched.
    #[must_use]
    pub fn open(&self, sealed: &SealedRef) -> Option<String> {
        let text = self.siv().decrypt([SEAL_LABEL], &sealed.0).ok()?;
        String::from_utf8(text).ok()
    }

    /// The key of disposition ids and appeal references.
    #[must_use]
    pub fn id_key(&self) -> IdKey {
        IdKey::new(self.secrets.id)
    }

    fn siv(&self) -> Aes256Siv {
        Aes256Siv::new(&self.secrets.seal.into())
    }

    fn mac_token(&self, kind: SubjectKind, id: &str) -> Token {
        let mut mac = self.token_mac.clone();
        mac.update(&[kind as u8]);
        mac.update(id.as_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        Token(u128::from_be_bytes(front_of(&full)))
    }

    /// By which the cache knows an identifier: a keyed 128-bit hash, so that it holds none of them.
    fn cache_tag(&self, kind: SubjectKind, id: &str) -> u128 {
        let mut hasher = SipHasher24x128::new_with_key(&self.secrets.cache);
        hasher.write_u8(kind as u8);
        hasher.write(id.as_bytes());
        hasher.finish128().as_u128()
    }
}

const SEAL_LABEL: &[u8] = b"duecourse.ref/1";

fn keyed(key: &[u8]) -> Hmac<Sm3> {
    // HMAC takes a key of any length, so this cannot fail.
    <Hmac<Sm3> as Mac>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes any key"))
}

fn derived(master: &[u8; 32], label: &str) -> Zeroizing<[u8; 32]> {
    let mut mac = keyed(master);
    mac.update(b"duecourse.keys/1\0");
    mac.update(label.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn front_of<const N: usize>(full: &[u8; 32]) -> [u8; N] {
    let mut front = [0; N];
    front.iter_mut().zip(full).for_each(|(to, from)| *to = *from);
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_depends_on_kind_identifier_and_key_and_not_on_the_cache() {
        let keys = Keys::development();
        let other = Keys::derive(&[7; 32]);
        let token = keys.token(SubjectKind::Account, "A1");
        assert_eq!(token, keys.token(SubjectKind::Account, "A1"));
        assert_eq!(token, keys.mac_token(SubjectKind::Account, "A1"));
        assert_eq!(token, keys.clone().token(SubjectKind::Account, "A1"));
        assert_ne!(token, keys.token(SubjectKind::Holder, "A1"));
        assert_ne!(token, keys.token(SubjectKind::Account, "A2"));
        assert_ne!(token, other.token(SubjectKind::Account, "A1"));
    }

    #[test]
    fn every_token_survives_more_identifiers_than_the_cache_holds() {
        let keys = Keys::development();
        let ids: Vec<String> = (0..cache::SLOTS + cache::SLOTS / 4).map(|n| format!("id-{n}")).collect();
        for id in &ids {
            let (token, sealed) = keys.party(SubjectKind::Account, id);
            assert_eq!(token, keys.token(SubjectKind::Account, id));
            assert_eq!(sealed, keys.party(SubjectKind::Account, id).1);
        }
        for id in ids.iter().step_by(997) {
            assert_eq!(keys.token(SubjectKind::Account, id), keys.mac_token(SubjectKind::Account, id));
            assert_eq!(keys.open(&keys.party(SubjectKind::Account, id).1).as_deref(), Some(id.as_str()));
        }
    }

    #[test]
    fn a_sealed_ref_opens_under_its_own_key_only() {
        let keys = Keys::development();
        let sealed = keys.seal("6222-账户-1");
        assert_eq!(sealed, keys.seal("6222-账户-1"));
        assert_eq!(keys.open(&sealed).as_deref(), Some("6222-账户-1"));
        assert_eq!(Keys::derive(&[7; 32]).open(&sealed), None);
        let mut touched = sealed.clone();
        touched.0[3] ^= 1;
        assert_eq!(keys.open(&touched), None);
        assert_eq!(keys.open(&SealedRef::default()), None);
    }

    #[test]
    fn a_key_file_is_64_hexadecimal_digits() {
        let text = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n";
        assert_eq!(parse_master(text).map(|master| (master[1], master[31])), Ok((0x11, 0xff)));
        for wrong in ["", "00", &text[2..], &text.replace('0', "g"), &text.replacen("00", "é", 1)] {
            assert_eq!(parse_master(wrong), Err(KeyError::Malformed));
        }
    }

    #[test]
    fn only_the_published_key_is_the_development_key() {
        assert!(Keys::development().is_development());
        assert!(!Keys::derive(&[0; 32]).is_development());
        assert_ne!(Keys::development().check(), Keys::derive(&[0; 32]).check());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", Keys::derive(&[0x41; 32])), "Keys(..)");
        assert_eq!(format!("{:?}", Keys::development()), "Keys(development)");
    }
}
