//! Signatures of rule releases: Ed25519 (RFC 8032), detached, over what is released: the institution, the
//! canonical bundle, and the reason of a rollback. So neither can a bundle signed for one institution begin
//! at another, nor one signed as a step forward be brought back as a rollback.
//!
//! A key file and a signature file are one JSON object each, so that a person can see what they hold.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::hex::hex;
use crate::engine::base::TimeMs;

/// What is wrong with a key or signature. Never says what the key was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    #[error("is no `duecourse.signing-key/1`; `duecourse rules keygen` makes one")]
    NoKeyFile,
    #[error("is no `duecourse.signature/2`; `duecourse rules sign` makes one")]
    NoSignatureFile,
    #[error("is no Ed25519 public key: 64 hexadecimal digits, as `rules keygen` prints them")]
    NoPublicKey,
    #[error("is no key of `ed25519` (64 hexadecimal digits) or `sm2` (130, beginning with 04)")]
    NoAuthorityKey,
    #[error("is no signature: 128 hexadecimal digits")]
    NoSignature,
    #[error("the operating system gives no randomness")]
    NoRandomness,
}

/// A private signing key in its file. It never enters a topic, a log or an output.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    schema: String,
    /// The id under which its public half is registered.
    pub id: String,
    /// 64 hexadecimal digits.
    secret: String,
}

/// A signature in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureFile {
    schema: String,
    /// Id of the key.
    pub key: String,
    /// Digest of the bundle text that was signed: tells a person which one it belongs to.
    pub sha256: String,
    pub institution: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// 128 hexadecimal digits.
    pub signature: String,
}

const KEY_SCHEMA: &str = "duecourse.signing-key/1";
const SIGNATURE_SCHEMA: &str = "duecourse.signature/2";

/// What a release signature is made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Released<'a> {
    pub institution: &'a str,
    /// Why a version that is not above the active one is to begin; none for a step forward.
    pub rollback: Option<&'a str>,
    /// The canonical bundle text.
    pub bundle: &'a str,
}

impl Released<'_> {
    /// The signed bytes: `duecourse.release/1`, a zero byte, and the three parts as JSON.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"duecourse.release/1\0".to_vec();
        // A struct of texts always serialises.
        bytes.extend(serde_json::to_vec(self).unwrap_or_default());
        bytes
    }
}

impl KeyFile {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// `NoRandomness`.
    pub fn generate(id: &str) -> Result<KeyFile, SigningError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(|_| SigningError::NoRandomness)?;
        Ok(KeyFile { schema: KEY_SCHEMA.to_owned(), id: id.to_owned(), secret: hex(&*secret) })
    }

    /// # Errors
    /// `NoKeyFile`.
    pub fn parse(text: &str) -> Result<KeyFile, SigningError> {
        let file: KeyFile = serde_json::from_str(text).map_err(|_| SigningError::NoKeyFile)?;
        file.key()?;
        if file.schema == KEY_SCHEMA { Ok(file) } else { Err(SigningError::NoKeyFile) }
    }

    /// The text of the file; wiped when it is dropped.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        // A struct of texts always serialises.
        Zeroizing::new(serde_json::to_string(self).unwrap_or_default() + "\n")
    }

    /// The public half, 64 hexadecimal digits.
    ///
    /// # Errors
    /// `NoKeyFile` when the secret is no key.
    pub fn public(&self) -> Result<String, SigningError> {
        Ok(hex(self.key()?.verifying_key().as_bytes()))
    }

    /// Signs a release.
    ///
    /// # Errors
    /// `NoKeyFile` when the secret is no key.
    pub fn sign(&self, released: &Released<'_>) -> Result<SignatureFile, SigningError> {
        Ok(SignatureFile {
            schema: SIGNATURE_SCHEMA.to_owned(),
            key: self.id.clone(),
            sha256: hex(&Sha256::digest(released.bundle.as_bytes())),
            institution: released.institution.to_owned(),
            rollback: released.rollback.map(str::to_owned),
            signature: hex(&self.key()?.sign(&released.bytes()).to_bytes()),
        })
    }

    fn key(&self) -> Result<SigningKey, SigningError> {
        let secret = Zeroizing::new(unhex::<32>(&self.secret).ok_or(SigningError::NoKeyFile)?);
        Ok(SigningKey::from_bytes(&secret))
    }
}

impl SignatureFile {
    /// # Errors
    /// `NoSignatureFile`.
    pub fn parse(text: &str) -> Result<SignatureFile, SigningError> {
        let file: SignatureFile = serde_json::from_str(text).map_err(|_| SigningError::NoSignatureFile)?;
        if file.schema == SIGNATURE_SCHEMA { Ok(file) } else { Err(SigningError::NoSignatureFile) }
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        // A struct of texts always serialises.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// A registered public key and when it may sign: `from <= t < to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredKey {
    pub id: String,
    public: VerifyingKey,
    from: TimeMs,
    to: TimeMs,
}

impl RegisteredKey {
    /// # Errors
    /// `NoPublicKey`.
    pub fn new(id: &str, public: &str, (from, to): (TimeMs, TimeMs)) -> Result<RegisteredKey, SigningError> {
        let bytes = unhex::<32>(public).ok_or(SigningError::NoPublicKey)?;
        let public = VerifyingKey::from_bytes(&bytes).map_err(|_| SigningError::NoPublicKey)?;
        // A key of small order would let one signature fit many texts.
        if public.is_weak() {
            return Err(SigningError::NoPublicKey);
        }
        Ok(RegisteredKey { id: id.to_owned(), public, from, to })
    }

    #[must_use]
    pub fn is_valid_at(&self, at: TimeMs) -> bool {
        self.from <= at && at < self.to
    }

    /// Whether this key made the signature over exactly this release.
    #[must_use]
    pub fn signed(&self, released: &Released<'_>, signature: &str) -> bool {
        self.made(&released.bytes(), signature)
    }

    fn made(&self, message: &[u8], signature: &str) -> bool {
        let Some(bytes) = unhex::<64>(signature) else { return false };
        self.public.verify_strict(message, &Signature::from_bytes(&bytes)).is_ok()
    }
}

/// Exactly `N` bytes in lower-case hexadecimal.
pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = pair.iter().try_fold(0, |byte, part| Some(byte << 4 | digit(*part)?))?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(key: &KeyFile) -> RegisteredKey {
        RegisteredKey::new(&key.id, &key.public().unwrap(), (TimeMs(10), TimeMs(20))).unwrap()
    }

    fn step(bundle: &str) -> Released<'_> {
        Released { institution: "demo-bank", rollback: None, bundle }
    }

    #[test]
    fn a_signature_fits_its_release_and_key_and_no_other() {
        let (key, other) = (KeyFile::generate("a").unwrap(), KeyFile::generate("b").unwrap());
        let signature = key.sign(&step("{}")).unwrap().signature;
        assert!(registered(&key).signed(&step("{}"), &signature));
        assert!(!registered(&key).signed(&step("{ }"), &signature));
        assert!(!registered(&key).signed(&Released { institution: "other-bank", ..step("{}") }, &signature));
        assert!(!registered(&key).signed(&Released { rollback: Some("why"), ..step("{}") }, &signature));
        assert!(!registered(&key).signed(&Released { rollback: Some(""), ..step("{}") }, &signature));
        assert!(!registered(&other).signed(&step("{}"), &signature));
        let mut changed = signature.into_bytes();
        changed[5] = if changed[5] == b'0' { b'1' } else { b'0' };
        assert!(!registered(&key).signed(&step("{}"), std::str::from_utf8(&changed).unwrap()));
        assert!(!registered(&key).signed(&step("{}"), ""));
    }

    /// RFC 8032, 7.1, test 1: the empty text.
    #[test]
    fn it_is_the_published_algorithm() {
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        let key = RegisteredKey::new("rfc", public, (TimeMs::MIN, TimeMs(0))).unwrap();
        assert!(key.made(b"", signature));
        assert!(!key.made(b"x", signature));
    }

    #[test]
    fn files_read_back_and_others_are_refused() {
        let key = KeyFile::generate("release-2026").unwrap();
        let again = KeyFile::parse(&key.text()).unwrap();
        assert_eq!((again.public(), &again.id), (key.public(), &key.id));
        let signature = key.sign(&step("{}")).unwrap();
        assert_eq!(SignatureFile::parse(&signature.text()), Ok(signature.clone()));
        assert!(matches!(KeyFile::parse(&signature.text()), Err(SigningError::NoKeyFile)));
        assert_eq!(SignatureFile::parse(&key.text()), Err(SigningError::NoSignatureFile));
        assert!(RegisteredKey::new("a", "00", (TimeMs(0), TimeMs(1))).is_err());
        let neutral = format!("01{}", "0".repeat(62));
        assert!(RegisteredKey::new("a", &neutral, (TimeMs(0), TimeMs(1))).is_err(), "small order");
    }

    #[test]
    fn a_key_is_valid_from_its_start_to_before_its_end() {
        let key = registered(&KeyFile::generate("a").unwrap());
        assert_eq!([9, 10, 19, 20].map(|at| key.is_valid_at(TimeMs(at))), [false, true, true, false]);
    }
}
