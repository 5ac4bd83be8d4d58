//! Generations of keys: what of a deployment's keys `rekey` replaces, and what is destroyed afterwards.
//!
//! ```text
//! duecourse-keys 2
//! root <64 hexadecimal digits>
//! generation <number> <64 hexadecimal digits>
//! partitions <n, the deployment's facts partitions; no such line: 1>
//! ```
//! Tokens (128 bits) are permuted by four rounds of a Feistel network with HMAC-SM3 (Luby and Rackoff: four
//! rounds of a pseudorandom function are a strong pseudorandom permutation), fingerprints of events (64 bits)
//! by eight rounds with SipHash-2-4.
//!
//! A permuted token keeps its facts partition, which is its remainder by n: the quotient alone is permuted. So
//! subjects stay where they are from one generation to the next, and record follows record. Quotients have
//! 128 - log2(n) bits; the network is over the least even number of bits that holds them, and what leaves
//! their range is permuted again until it is in it (cycle walking: Black and Rogaway, "Ciphers with arbitrary
//! finite domains", 2002). That is a permutation of the range, undone by walking backwards, and takes fewer than
//! four turns on average whatever n is. The price: log2(n) bits of a token are the same in all generations, so
//! that a token of one is known to be one of the n-th part of another's. With n = 1 no bit is, and tokens are
//! what they were before keys had an n.

use std::fmt::Write as _;
use std::hash::Hasher;
use std::num::NonZeroU32;

use hmac::{Hmac, Mac};
use siphasher::sip::SipHasher24;
use sm3::Sm3;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{KeyError, derived, front_of, keyed, parse_master};
use crate::codec::hex::push_hex;
use crate::engine::base::{Fingerprint, Token};

const HEAD: &str = "duecourse-keys 2";
const TOKEN_ROUNDS: u8 = 4;
const FINGERPRINT_ROUNDS: u8 = 8;
/// In a key file, before the number of facts partitions.
const PARTITIONS: &str = "partitions ";

/// The key of one generation, its number, and among how many facts partitions its tokens keep theirs.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct GenerationKey {
    number: u32,
    partitions: NonZeroU32,
    key: [u8; 32],
}

impl std::fmt::Debug for GenerationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GenerationKey({}, ..)", self.number)
    }
}

impl GenerationKey {
    /// For one facts partition.
    #[must_use]
    pub fn new(number: u32, key: [u8; 32]) -> GenerationKey {
        GenerationKey { number, partitions: NonZeroU32::MIN, key }
    }

    /// For so many facts partitions.
    #[must_use]
    pub fn over(mut self, partitions: NonZeroU32) -> GenerationKey {
        self.partitions = partitions;
        self
    }

    /// Among how many facts partitions its tokens keep theirs.
    #[must_use]
    pub fn partitions(&self) -> NonZeroU32 {
        self.partitions
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
    partitions: NonZeroU32,
    token: Hmac<Sm3>,
    fingerprint: Zeroizing<[u8; 16]>,
}

impl Permutations {
    pub(super) fn new(generation: &GenerationKey) -> Permutations {
        Permutations {
            number: generation.number,
            partitions: generation.partitions,
            token: keyed(&*derived(&generation.key, "permutation of tokens")),
            fingerprint: Zeroizing::new(front_of(&derived(&generation.key, "permutation of fingerprints"))),
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn partitions(&self) -> NonZeroU32 {
        self.partitions
    }

    pub(super) fn token(&self, root: Token) -> Token {
        self.walked(root, |halves, mask| {
            (0..TOKEN_ROUNDS)
                .fold(halves, |(left, right), round| (right, left ^ self.token_round(round, right) & mask))
        })
    }

    pub(super) fn root_token(&self, token: Token) -> Token {
        self.walked(token, |halves, mask| {
            (0..TOKEN_ROUNDS)
                .rev()
                .fold(halves, |(left, right), round| (right ^ self.token_round(round, left) & mask, left))
        })
    }

    /// Permutes the quotient of a token by the partitions; its remainder, the partition, stays.
    fn walked(&self, token: Token, permuted: impl Fn((u64, u64), u64) -> (u64, u64)) -> Token {
        let partitions = u128::from(self.partitions.get());
        // A quotient has at most 128 - log2(n) bits.
        let half_bits = u64::BITS - self.partitions.ilog2() / 2;
        let mask = u64::MAX >> (u64::BITS - half_bits);
        let (mut quotient, remainder) = (token.0 / partitions, token.0 % partitions);
        loop {
            let halves = ((quotient >> half_bits) as u64, quotient as u64 & mask);
            let (left, right) = permuted(halves, mask);
            quotient = u128::from(left) << half_bits | u128::from(right);
            // Any other quotient is no token's. The walk ends: it would come back to where it began.
            let whole = quotient.checked_mul(partitions).and_then(|whole| whole.checked_add(remainder));
            if let Some(whole) = whole {
                return Token(whole);
            }
        }
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
    let partitions = match lines.next() {
        None => Some(NonZeroU32::MIN),
        Some(line) => line.strip_prefix(PARTITIONS).and_then(|count| count.parse().ok()),
    };
    match (partitions, lines.next()) {
        (Some(partitions), None) => Ok(Some((root, GenerationKey::new(number, *key).over(partitions)))),
        _ => Err(KeyError::MalformedGeneration),
    }
}

/// What stands in the place of a key that was destroyed.
pub const DESTROYED: &str = "destroyed";

/// The text of a key file.
#[must_use]
pub fn text(root: &[u8; 32], generation: &GenerationKey) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(256));
    text.push_str(HEAD);
    text.push_str("\nroot ");
    push_hex(&mut text, root);
    let _ = write!(text, "\ngeneration {} ", generation.number);
    push_hex(&mut text, &generation.key);
    text.push('\n');
    if generation.partitions > NonZeroU32::MIN {
        let _ = writeln!(text, "{PARTITIONS}{}", generation.partitions);
    }
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

    fn over(number: u32, partitions: u32) -> GenerationKey {
        generation(number).over(NonZeroU32::new(partitions).unwrap())
    }

    /// Tokens all over the range, and those at its ends.
    fn some_tokens() -> Vec<Token> {
        let keys = Keys::derive(&[7; 32]);
        let of = |number: u32| keys.token(SubjectKind::Account, &number.to_string());
        let ends = (0..40).flat_map(|number| [Token(number), Token(u128::MAX - number)]);
        (0..200).map(of).chain(ends).collect()
    }

    #[test]
    fn a_permuted_token_keeps_its_partition_and_can_be_undone() {
        for partitions in [1, 2, 3, 4, 7, 12, 16, 63, 64, 10_000, u32::MAX] {
            let own = Permutations::new(&over(1, partitions));
            let tokens = some_tokens();
            let mut permuted: Vec<Token> = tokens.iter().map(|token| own.token(*token)).collect();
            for (root, token) in tokens.iter().zip(&permuted) {
                assert_eq!(token.partition(partitions), root.partition(partitions), "of {partitions}");
                assert_eq!((own.root_token(*token), own.token(own.root_token(*root))), (*root, *root));
            }
            permuted.sort_unstable();
            permuted.dedup();
            assert_eq!(permuted.len(), tokens.len(), "two became one of {partitions}");
            let same = tokens.iter().filter(|token| own.token(**token) == **token).count();
            assert_eq!(same, 0, "of {partitions}");
        }
    }

    #[test]
    fn tokens_of_keys_in_use_stay_what_they_are() {
        let token = Keys::of_generation(&[7; 32], &generation(1)).token(SubjectKind::Account, "A-1");
        assert_eq!(token, Keys::of_generation(&[7; 32], &over(1, 1)).token(SubjectKind::Account, "A-1"));
        // As `token` printed it before there was a number of partitions.
        assert_eq!(token, Token(0x0c15_de27_d40d_a0dc_a942_fdf1_a529_1d76));
    }

    #[test]
    fn what_one_generation_made_can_be_said_in_the_next() {
        let root = [7; 32];
        let plain = Keys::derive(&root);
        let [one, two] = [1, 2].map(|number| Keys::of_generation(&root, &over(number, 5)));
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
        assert_ne!(one.check(), Keys::of_generation(&root, &over(1, 2)).check(), "it makes other tokens");
    }

    #[test]
    fn a_key_file_reads_back_and_a_destroyed_one_says_so() {
        let text = text(&[7; 32], &generation(3));
        let (root, read) = parse(&text).unwrap().unwrap();
        assert_eq!((*root, read.number, read.key), ([7; 32], 3, [3; 32]));
        let gone = text.replace(&"03".repeat(32), DESTROYED);
        assert_eq!(parse(&gone).unwrap_err(), KeyError::Destroyed);
        assert_eq!(read.partitions.get(), 1, "no number of partitions stands in it");
        let spread = super::text(&[7; 32], &over(3, 12));
        let (_, read) = parse(&spread).unwrap().unwrap();
        assert_eq!((read.number, read.key, read.partitions.get()), (3, [3; 32], 12));
        for wrong in [
            "duecourse-keys 2\n",
            &text.replace("root", "rood"),
            &format!("{}x", *text),
            &spread.replace("12", "0"),
            &spread.replace("12", "many"),
            &format!("{}partitions 12\n", *spread),
        ] {
            assert_eq!(parse(wrong).unwrap_err(), KeyError::MalformedGeneration, "{wrong}");
        }
        assert!(parse(&"ab".repeat(32)).unwrap().is_none());
        assert_eq!(format!("{read:?}"), "GenerationKey(3, ..)");
    }
}
