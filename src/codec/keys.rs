//! The deployment's keys, and what they make: tokens, fingerprints, sealed references, ids.
//!
//! One 32-byte master key; every other key is HMAC-SM3 of a label under it, so that no two uses
//! share a key. Tokens join, refs address (DESIGN D5): a token is a one-way keyed pseudonym, a
//! sealed ref can be opened again by whoever holds the key, and only where a measure leaves.
//!
//! A key file may hold a generation key beside the master key, then called root. Tokens and fingerprints are
//! then made of the root and put through a permutation under the generation key, and refs are sealed under
//! the generation key alone. `rekey` undoes one permutation and does the next, so that all tokens go on to
//! join, counterparties' too, of which no ref is kept; and when the generation key of a finished generation
//! is destroyed, nobody can tie its tokens to identifiers or to those of another, the root at hand or not; but
//! that a token of facts partition p is one of those that partition p had before, since subjects stay in their
//! partitions.

pub(crate) mod cache;
pub mod generation;
pub mod names;
mod provider;

use std::hash::Hasher;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
use generation::{GenerationKey, Permutations};
use names::Names;

pub use provider::{KeyError, KeyFile, KeyProvider, parse_master};

/// The algorithm of tokens, recorded beside the key epoch wherever state names its keys (D5).
pub const TOKEN_ALGORITHM: &str = "HMAC-SM3";
/// The key epoch. Keys never change under live state (D6); `rekey` begins a new generation.
pub const KEY_EPOCH: u32 = 1;

/// A published key: whoever reads the source can undo its tokens. For trying things out only.
const DEVELOPMENT_MASTER: [u8; 32] = *b"duecourse development key, fixed";

/// In place of a kind of subject, in tokens of staff.
const STAFF: u8 = 0xf0;

/// Identifiers whose tokens are kept where nobody says how many.
const CACHE_ENTRIES: usize = 1 << 17;

/// The keys of one deployment. Shared between threads; cloning gives the same keys and an empty cache.
pub struct Keys {
    secrets: Secrets,
    /// The token key, already worked into the MAC: cloning it saves two of four compressions.
    token_mac: Hmac<Sm3>,
    generation: Option<Permutations>,
    names: Arc<Names>,
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
            generation: self.generation.clone(),
            names: Arc::clone(&self.names),
            development: self.development,
            cache: Mutex::new(Cache::new(self.locked().entries())),
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
            generation: None,
            names: Arc::default(),
            development: *master == DEVELOPMENT_MASTER,
            cache: Mutex::new(Cache::new(CACHE_ENTRIES)),
        }
    }

    /// The keys of one generation: the root's, with tokens, fingerprints and seals under the generation key.
    #[must_use]
    pub fn of_generation(root: &[u8; 32], generation: &GenerationKey) -> Keys {
        let mut keys = Keys::derive(root);
        let key = generation.bytes();
        let (front, back) = keys.secrets.seal.split_at_mut(32);
        front.copy_from_slice(&*derived(key, "seal/1"));
        back.copy_from_slice(&*derived(key, "seal/2"));
        // Which root, which generation and for how many partitions: no key is given away.
        let check = match generation.partitions() {
            NonZeroU32::MIN => derived(key, "check"),
            partitions => derived(key, &format!("check/{partitions}")),
        };
        keys.secrets.check.iter_mut().zip(check.iter()).for_each(|(own, its)| *own ^= its);
        keys.generation = Some(Permutations::new(generation));
        keys
    }

    /// Keys that also know what measures of earlier generations are called.
    #[must_use]
    pub fn knowing(mut self, names: Names) -> Keys {
        self.names = Arc::new(names);
        self
    }

    /// With room for the tokens and sealed refs of so many identifiers.
    #[must_use]
    pub fn caching(mut self, entries: usize) -> Keys {
        self.cache = Mutex::new(Cache::new(entries));
        self
    }

    fn locked(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how many identifiers there is room.
    pub(crate) fn cache_entries(&self) -> usize {
        self.locked().entries()
    }

    /// What measures of earlier generations are called in this one.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The number of the generation: 1 for a key without generations.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation.as_ref().map_or(KEY_EPOCH, Permutations::number)
    }

    /// Among how many facts partitions tokens keep theirs from one generation to the next; `None` for a key without
    /// generations, which leaves every token where it is.
    #[must_use]
    pub fn partitions(&self) -> Option<NonZeroU32> {
        self.generation.as_ref().map(Permutations::partitions)
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
        let master = provider.master()?;
        let keys = match provider.generation()? {
            Some(generation) => Keys::of_generation(&master, &generation),
            None => Keys::derive(&master),
        };
        Ok(keys.knowing(provider.names()?))
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
        let mut cache = self.locked();
        cache.token(tag, || self.mac_token(kind, id))
    }

    /// The tokens of several identifiers, as far as they are given: what the cache has of them is fetched
    /// at once, not one after the other.
    #[must_use]
    pub fn tokens<const N: usize>(&self, ids: [Option<(SubjectKind, &str)>; N]) -> [Option<Token>; N] {
        let tagged = ids.map(|id| id.map(|(kind, id)| (self.cache_tag(kind, id), kind, id)));
        let mut cache = self.locked();
        tagged.iter().flatten().for_each(|(tag, ..)| cache.expect(*tag));
        tagged.map(|id| id.map(|(tag, kind, id)| cache.token(tag, || self.mac_token(kind, id))))
    }

    /// The token of one of our parties and its sealed ref: what a fact carries of it.
    #[must_use]
    pub fn party(&self, kind: SubjectKind, id: &str) -> (Token, SealedRef) {
        let tag = self.cache_tag(kind, id);
        let mut cache = self.locked();
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
        let token = Token(u128::from_be_bytes(front_of(&full)));
        self.generation.as_ref().map_or(token, |own| own.token(token))
    }

    /// The same, and the token of the party's holder.
    #[must_use]
    pub fn party_of(&self, kind: SubjectKind, id: &str, holder: &str) -> (Token, SealedRef, Token) {
        let (tag, of_holder) = (self.cache_tag(kind, id), self.cache_tag(SubjectKind::Holder, holder));
        let mut cache = self.locked();
        cache.expect(tag);
        cache.expect(of_holder);
        let token = cache.token(tag, || self.mac_token(kind, id));
        let sealed = cache.sealed(tag, || self.seal(id));
        let holder = cache.token(of_holder, || self.mac_token(SubjectKind::Holder, holder));
        (token, sealed, holder)
    }

    /// The keyed 64-bit fingerprint of an event id (SipHash-2-4).
    #[must_use]
    pub fn fingerprint(&self, event_id: &str) -> Fingerprint {
        let mut hasher = SipHasher24::new_with_key(&self.secrets.fingerprint);
        hasher.write(event_id.as_bytes());
        let fingerprint = Fingerprint(hasher.finish());
        self.generation.as_ref().map_or(fingerprint, |own| own.fingerprint(fingerprint))
    }

    /// A token of this generation as that of another one of the same root. What names nobody (0) stays.
    #[must_use]
    pub fn token_in(&self, token: Token, other: &Keys) -> Token {
        if token == Token::default() {
            return token;
        }
        let root = self.generation.as_ref().map_or(token, |own| own.root_token(token));
        other.generation.as_ref().map_or(root, |its| its.token(root))
    }

    /// The same of a fingerprint.
    #[must_use]
    pub fn fingerprint_in(&self, fingerprint: Fingerprint, other: &Keys) -> Fingerprint {
        let root = self.generation.as_ref().map_or(fingerprint, |own| own.root_fingerprint(fingerprint));
        other.generation.as_ref().map_or(root, |its| its.fingerprint(root))
    }

    /// Whether two generations have one root, so that what one made can be said in the other.
    #[must_use]
    pub fn has_root_of(&self, other: &Keys) -> bool {
        // Both are MAC outputs of secrets, compared where both keys are at hand.
        self.secrets.token == other.secrets.token
    }

    /// Seals the institution's ref of a party: AES-SIV (RFC 5297), the same bytes every time.
    #[must_use]
    pub fn seal(&self, reference: &str) -> SealedRef {
        let sealed = self.siv().encrypt([SEAL_LABEL], reference.as_bytes());
        // The cipher refuses only texts of more than 2^36 bytes; an empty seal opens to nothing.
        SealedRef(sealed.unwrap_or_default().into())
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
        let token = Token(u128::from_be_bytes(front_of(&full)));
        self.generation.as_ref().map_or(token, |own| own.token(token))
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
        let together =
            keys.tokens([Some((SubjectKind::Account, "A1")), None, Some((SubjectKind::Holder, "H"))]);
        assert_eq!(together, [Some(token), None, Some(keys.token(SubjectKind::Holder, "H"))]);
        let (of_party, sealed, of_holder) = keys.party_of(SubjectKind::Account, "A1", "H");
        assert_eq!((of_party, Some(of_holder)), (token, together[2]));
        assert_eq!(keys.party(SubjectKind::Account, "A1"), (token, sealed));
        assert_eq!(token, keys.mac_token(SubjectKind::Account, "A1"));
        assert_eq!(token, keys.clone().token(SubjectKind::Account, "A1"));
        assert_ne!(token, keys.token(SubjectKind::Holder, "A1"));
        assert_ne!(token, keys.token(SubjectKind::Account, "A2"));
        assert_ne!(token, other.token(SubjectKind::Account, "A1"));
    }

    #[test]
    fn every_token_survives_more_identifiers_than_the_cache_holds() {
        let keys = Keys::development().caching(4_000);
        let ids: Vec<String> = (0..5_000).map(|n| format!("id-{n}")).collect();
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
        Arc::make_mut(&mut touched.0)[3] ^= 1;
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
