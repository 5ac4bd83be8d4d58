//! Signatures of authorities over their orders and entries: Ed25519 (RFC 8032) and SM2 with SM3 (GB/T 32918),
//! detached, over canonical bytes.
//!
//! # Canonical bytes
//!
//! `duecourse.authority/1`, a zero byte, then the parts of the event in the order of its type's
//! documentation, each as its length in bytes (four bytes, big-endian) and its UTF-8 text. What the event
//! does not say is the empty text; a time is its milliseconds since 1970 in decimal digits. The event type
//! comes first and the institution second, so that what was signed for one is nothing for another.
//!
//! An SM2 signature is `r` and `s`, 32 bytes each; the signer's distinguishing identifier is the customary
//! `1234567812345678`. Both kinds of signature are 128 hexadecimal digits. A public key is 64 digits for
//! Ed25519 and 130 (`04`, x, y) for SM2.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sm2::dsa::signature::Verifier;

use super::hex::hex;
use super::signing::{SigningError, unhex};
use crate::engine::base::TimeMs;
use crate::engine::order::Level;

/// The customary distinguishing identifier (GB/T 35276).
const SM2_DISTINGUISHING_ID: &str = "1234567812345678";

/// The bytes that an authority signs.
#[derive(Clone, Debug)]
pub struct Canonical(Vec<u8>);

impl Canonical {
    /// Of an event of a type, at an institution.
    #[must_use]
    pub fn new(event_type: &str, institution: &str) -> Canonical {
        let mut canonical = Canonical(b"duecourse.authority/1\0".to_vec());
        canonical.text(event_type);
        canonical.text(institution);
        canonical
    }

    /// Adds a part.
    pub fn text(&mut self, part: &str) {
        // A record is at most 1 MiB long, so a part of it has a length of four bytes.
        self.0.extend((part.len() as u32).to_be_bytes());
        self.0.extend(part.as_bytes());
    }

    /// Adds a time, or that there is none.
    pub fn time(&mut self, at: Option<TimeMs>) {
        self.text(&at.map_or(String::new(), |at| at.0.to_string()));
    }
}

/// The public half of an authority's key.
#[derive(Clone, Debug)]
enum Public {
    Ed25519(VerifyingKey),
    Sm2(Box<sm2::dsa::VerifyingKey>),
}

/// Equal keys have equal encodings.
impl PartialEq for Public {
    fn eq(&self, other: &Public) -> bool {
        match (self, other) {
            (Public::Ed25519(own), Public::Ed25519(its)) => own == its,
            (Public::Sm2(own), Public::Sm2(its)) => own.to_sec1_bytes() == its.to_sec1_bytes(),
            _ => false,
        }
    }
}

impl Eq for Public {}

/// A key that an authority signs with: for which issuer, up to which level, and when (`from <= t < to`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityKey {
    pub id: String,
    /// The only issuer that it may sign for.
    pub issuer: String,
    /// The issuer's level; an order that claims another is not this issuer's.
    pub level: Level,
    public: Public,
    from: TimeMs,
    to: TimeMs,
}

impl AuthorityKey {
    /// # Errors
    /// `NoAuthorityKey` when the algorithm is not known or the digits are no key of it.
    pub fn new(
        (id, issuer, level): (&str, &str, Level),
        algorithm: &str,
        public: &str,
        (from, to): (TimeMs, TimeMs),
    ) -> Result<AuthorityKey, SigningError> {
        let public = match algorithm {
            "ed25519" => unhex::<32>(public)
                .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok())
                // A key of small order would let one signature fit many texts.
                .filter(|key| !key.is_weak())
                .map(Public::Ed25519),
            "sm2" => unhex::<65>(public)
                .and_then(|bytes| sm2::dsa::VerifyingKey::from_sec1_bytes(SM2_DISTINGUISHING_ID, &bytes).ok())
                .map(|key| Public::Sm2(Box::new(key))),
            _ => None,
        };
        let public = public.ok_or(SigningError::NoAuthorityKey)?;
        Ok(AuthorityKey { id: id.to_owned(), issuer: issuer.to_owned(), level, public, from, to })
    }

    #[must_use]
    pub fn is_valid_at(&self, at: TimeMs) -> bool {
        self.from <= at && at < self.to
    }

    /// Whether this key made the signature over exactly these bytes.
    #[must_use]
    pub fn signed(&self, canonical: &Canonical, signature: &str) -> bool {
        let Some(bytes) = unhex::<64>(signature) else { return false };
        match &self.public {
            Public::Ed25519(key) => key.verify_strict(&canonical.0, &Signature::from_bytes(&bytes)).is_ok(),
            Public::Sm2(key) => sm2::dsa::Signature::from_bytes(&bytes)
                .is_ok_and(|signature| key.verify(&canonical.0, &signature).is_ok()),
        }
    }
}

/// An authority's private key, for scenarios and tests: a deployment never holds one.
pub enum AuthoritySecret {
    Ed25519(Box<SigningKey>),
    Sm2(Box<sm2::dsa::SigningKey>),
}

impl AuthoritySecret {
    /// From 32 bytes; `None` when they are no key of the algorithm.
    #[must_use]
    pub fn from_bytes(algorithm: &str, secret: &[u8; 32]) -> Option<AuthoritySecret> {
        match algorithm {
            "ed25519" => Some(AuthoritySecret::Ed25519(Box::new(SigningKey::from_bytes(secret)))),
            "sm2" => sm2::dsa::SigningKey::from_slice(SM2_DISTINGUISHING_ID, secret)
                .ok()
                .map(|key| AuthoritySecret::Sm2(Box::new(key))),
            _ => None,
        }
    }

    /// The public half in hexadecimal digits.
    #[must_use]
    pub fn public(&self) -> String {
        match self {
            AuthoritySecret::Ed25519(key) => hex(key.verifying_key().as_bytes()),
            AuthoritySecret::Sm2(key) => hex(&key.verifying_key().to_sec1_bytes()),
        }
    }

    /// The signature in hexadecimal digits; `None` when it cannot be made.
    #[must_use]
    pub fn sign(&self, canonical: &Canonical) -> Option<String> {
        match self {
            AuthoritySecret::Ed25519(key) => Some(hex(&Signer::sign(&**key, &canonical.0).to_bytes())),
            AuthoritySecret::Sm2(key) => {
                let signature: sm2::dsa::Signature = key.try_sign(&canonical.0).ok()?;
                Some(hex(&signature.to_bytes()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(number: &str, end: i64) -> Canonical {
        let mut canonical = Canonical::new("order_issued", "bank-a");
        canonical.text(number);
        canonical.time(Some(TimeMs(end)));
        canonical
    }

    #[test]
    fn each_algorithm_signs_these_bytes_and_no_others() {
        for algorithm in ["ed25519", "sm2"] {
            let secret = AuthoritySecret::from_bytes(algorithm, &[7; 32]).unwrap();
            let named = ("k", "police", Level::Prefecture);
            let term = (TimeMs(10), TimeMs(20));
            let key = AuthorityKey::new(named, algorithm, &secret.public(), term).unwrap();
            let signature = secret.sign(&canonical("A1", 5)).unwrap();
            assert!(key.signed(&canonical("A1", 5), &signature), "{algorithm}");
            assert!(!key.signed(&canonical("A1", 6), &signature), "{algorithm}");
            assert!(!key.signed(&canonical("A", 15), &signature), "{algorithm}");
            assert!(!key.signed(&canonical("A1", 5), &signature[2..]), "{algorithm}");
            let other = AuthoritySecret::from_bytes(algorithm, &[8; 32]).unwrap();
            let stranger = AuthorityKey::new(named, algorithm, &other.public(), term).unwrap();
            assert!(!stranger.signed(&canonical("A1", 5), &signature), "{algorithm}");
            assert_eq!([9, 10, 19, 20].map(|at| key.is_valid_at(TimeMs(at))), [false, true, true, false]);
        }
        let named = ("k", "police", Level::Prefecture);
        for (algorithm, public) in [("rsa", "00"), ("sm2", "00"), ("ed25519", ""), ("sm2", &"0".repeat(130))]
        {
            let key = AuthorityKey::new(named, algorithm, public, (TimeMs(0), TimeMs(1)));
            assert_eq!(key.map(|_| ()), Err(SigningError::NoAuthorityKey), "{algorithm}");
        }
    }

    /// Parts cannot be moved between fields: each is preceded by its length.
    #[test]
    fn what_is_signed_is_exactly_documented() {
        let mut canonical = Canonical::new("order_released", "b");
        canonical.text("");
        canonical.time(None);
        canonical.time(Some(TimeMs(1_000)));
        let expected = [
            b"duecourse.authority/1\0".as_slice(),
            b"\0\0\0\x0eorder_released\0\0\0\x01b",
            b"\0\0\0\0\0\0\0\0\0\0\0\x041000",
        ]
        .concat();
        assert_eq!(canonical.0, expected);
    }
}
