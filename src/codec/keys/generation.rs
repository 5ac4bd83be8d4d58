//! Generations of keys: what of a deployment's keys `rekey` replaces, and what is destroyed afterwards.
//!
//! ```text
//! duecourse-keys 2
//! root <64 hexadecimal digits>
//! generation <number> <64 hexadecimal digits>
//! ```
//! Tokens (128 bits) are permuted by four rounds of a Feistel network with HMAC-SM3 (Luby and Rackoff: four
//! rounds of a pseudorandom function are a strong pseudorandom permutation), fingerprints of events (64 bits)
//! by eight rounds with SipHash-2-4.

use std::fmt::Write as _;
use std::hash::Hasher;

use hmac::{Hmac, Mac};
use siphasher::sip::SipHasher24;
use sm3::Sm3;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{KeyError, derived, front_of, keyed, parse_master};
use crate::engine::base::{Fingerprint, Token};

const HEAD: &str = "duecourse-keys 2";
const TOKEN_ROUNDS: u8 = 4;
const FINGERPRINT_ROUNDS: u8 = 8;

/// The key of one generation, and its number.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct GenerationKey {
    number: u32,
    key: [u8; 32],
}

impl std::fmt::Debug for GenerationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GenerationKey({}, ..)", self.number)
    }
}

impl GenerationKey {
    #[must_use]
    pub fn new(number: u32, key: [u8; 32]) -> GenerationKey {
        GenerationKey { number, key }
    }

    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }
}

/// What a generation does to tokens and fingerprints.
#[derive(Clone)]
pub(super) struct Permutations {
    number: u32,
    token: Hmac<Sm3>,
    fingerprint: Zeroizing<[u8; 16]>,
}

impl Permutations {
    pub(super) fn new(generation: &GenerationKey) -> Permutations {
        Permutations {
            number: generation.number,
            token: keyed(&*derived(&generation.key, "permutation of tokens")),
            fingerprint: Zeroizing::new(front_of(&derived(&generation.key, "permutation of fingerprints"))),
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn token(&self, root: Token) -> Token {
        let halves = ((root.0 >> 64) as u64, root.0 as u64);
        let (left, right) = (0..TOKEN_ROUNDS)
            .fold(halves, |(left, right), round| (right, left ^ self.token_round(round, right)));
        Token(u128::from(left) << 64 | u128::from(right))
    }

    pub(super) fn root_token(&self, token: Token) -> Token {
        let halves = ((token.0 >> 64) as u64, token.0 as u64);
        let (left, right) = (0..TOKEN_ROUNDS)
            .rev()
            .fold(halves, |(left, right), round| (right ^ self.token_round(round, left), left));
        Token(u128::from(left) << 64 | u128::from(right))
    }

    pub(super) fn fingerprint(&self, root: Fingerprint) -> Fingerprint {
        let halves = ((root.0 >> 32) as u32, root.0 as u32);
        let (left, right) = (0..FINGERPRINT_ROUNDS)
            .fold(halves, |(left, right), round| (right, left ^ self.fingerprint_round(round, right)));
        Fingerprint(u64::from(left) << 32 | u64::from(right))
    }

    pub(super) fn root_fingerprint(&self, fingerprint: Fingerprint) -> Fingerprint {
        let halves = ((fingerprint.0 >> 32) as u32, fingerprint.0 as u32);
        let (left, right) = (0..FINGERPRINT_ROUNDS)
            .rev()
            .fold(halves, |(left, right), round| (right ^ self.fingerprint_round(round, left), left));
        Fingerprint(u64::from(left) << 32 | u64::from(right))
    }

    fn token_round(&self, round: u8, half: u64) -> u64 {
        let mut mac = self.token.clone();
        mac.update(&[round]);
        mac.update(&half.to_be_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        u64::from_be_bytes(front_of(&full))
    }

    fn fingerprint_round(&self, round: u8, half: u32) -> u32 {
        let mut hasher = SipHasher24::new_with_key(&self.fingerprint);
        hasher.write_u8(round);
        hasher.write_u32(half);
        hasher.finish() as u32
    }
}

/// The secret of a key file, and of which generation.
type Parsed = (Zeroizing<[u8; 32]>, GenerationKey);

/// Reads a key file with generations; `None` when the text is of another form.
///
/// # Errors
/// `MalformedGeneration`, `Destroyed`.
pub fn parse(text: &str) -> Result<Option<Parsed>, KeyError> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.next() != Some(HEAD) {
        return Ok(None);
    }
    let wrong = |_| KeyError::MalformedGeneration;
    let root =
        lines.next().and_then(|line| line.strip_prefix("root ")).ok_or(KeyError::MalformedGeneration)?;
    let root = parse_master(root).map_err(wrong)?;
    let own = lines.next().and_then(|line| line.strip_prefix("generation "));
    let (number, key) = own.and_then(|own| own.split_once(' ')).ok_or(KeyError::MalformedGeneration)?;
    let number = number.parse().map_err(|_| KeyError::MalformedGeneration)?;
    if key.trim() == DESTROYED {
        return Err(KeyError::Destroyed);
    }
    let key = parse_master(key).map_err(wrong)?;
    if lines.next().is_some() {
        return Err(KeyError::MalformedGeneration);
    }
    Ok(Some((root, GenerationKey::new(number, *key))))
}

/// What stands in the place of a key that was destroyed.
pub const DESTROYED: &str = "destroyed";

/// The text of a key file.
#[must_use]
pub fn text(root: &[u8; 32], generation: &GenerationKey) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(256));
    let hexadecimal = |text: &mut String, bytes: &[u8; 32]| {
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
    };
    text.push_str(HEAD);
    text.push_str("\nroot ");
    hexadecimal(&mut text, root);
    let _ = write!(text, "\ngeneration {} ", generation.number);
    hexadecimal(&mut text, &generation.key);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::super::Keys;
    use super::*;
    use crate::engine::subject::SubjectKind;

    fn generation(number: u32) -> GenerationKey {
        GenerationKey::new(number, [number as u8; 32])
    }

    #[test]
    fn what_one_generation_made_can_be_said_in_the_next() {
        let root = [7; 32];
        let plain = Keys::derive(&root);
        let [one, two] = [1, 2].map(|number| Keys::of_generation(&root, &generation(number)));
        for id in ["A-1", "A-2", "", "6222020000000000"] {
            for kind in SubjectKind::ALL {
                let tokens = [&plain, &one, &two].map(|keys| keys.token(kind, id));
                assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2] && tokens[0] != tokens[2]);
                assert_eq!(plain.token_in(tokens[0], &one), tokens[1]);
                assert_eq!(one.token_in(tokens[1], &two), tokens[2]);
                assert_eq!(two.token_in(tokens[2], &plain), tokens[0]);
            }
            let staff = [&plain, &one, &two].map(|keys| keys.staff(id));
            assert_eq!(plain.token_in(staff[0], &one), staff[1]);
            assert_eq!(one.token_in(staff[1], &two), staff[2]);
            let marks = [&plain, &one, &two].map(|keys| keys.fingerprint(id));
            assert!(marks[0] != marks[1] && marks[1] != marks[2]);
            assert_eq!(one.fingerprint_in(marks[1], &two), marks[2]);
            assert_eq!(two.fingerprint_in(marks[2], &plain), marks[0]);
        }
        assert_eq!(one.token_in(Token::default(), &two), Token::default());
        assert!(one.has_root_of(&two) && one.has_root_of(&plain));
        assert!(!one.has_root_of(&Keys::of_generation(&[8; 32], &generation(1))));
    }

    #[test]
    fn a_ref_opens_under_its_own_generation_alone() {
        let root = [7; 32];
        let [one, two] = [1, 2].map(|number| Keys::of_generation(&root, &generation(number)));
        let sealed = one.seal("ACC-1");
        assert_eq!(one.open(&sealed).as_deref(), Some("ACC-1"));
        assert_eq!((two.open(&sealed), Keys::derive(&root).open(&sealed)), (None, None));
        assert_ne!(one.check(), two.check());
    }

    #[test]
    fn a_key_file_reads_back_and_a_destroyed_one_says_so() {
        let text = text(&[7; 32], &generation(3));
        let (root, read) = parse(&text).unwrap().unwrap();
        assert_eq!((*root, read.number, read.key), ([7; 32], 3, [3; 32]));
        let gone = text.replace(&"03".repeat(32), DESTROYED);
        assert_eq!(parse(&gone).unwrap_err(), KeyError::Destroyed);
        for wrong in ["duecourse-keys 2\n", &text.replace("root", "rood"), &format!("{}x", *text)] {
            assert_eq!(parse(wrong).unwrap_err(), KeyError::MalformedGeneration, "{wrong}");
        }
        assert!(parse(&"ab".repeat(32)).unwrap().is_none());
        assert_eq!(format!("{read:?}"), "GenerationKey(3, ..)");
    }
}
