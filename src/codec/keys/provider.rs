//! Where keys come from: a file now, a hardware module in a certified site (D5).

use std::path::Path;

use zeroize::Zeroizing;

use super::generation::{self, GenerationKey};
use super::names::Names;

/// What is wrong with a master key. Never says what the key was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    #[error("the key file `{path}` cannot be read: {cause}")]
    Unreadable { path: String, cause: String },
    #[error("a master key is 64 hexadecimal digits (32 bytes), on one line")]
    Malformed,
    #[error(
        "a key file with generations is `duecourse-keys 2`, `root` and 64 digits, `generation`, its number and 64 digits, each on a line, and a line `partitions` and their number if it is for more than one facts partition"
    )]
    MalformedGeneration,
    #[error("the key of this generation was destroyed")]
    Destroyed,
    #[error("a list of names has `appeal` or `measure`, the name then and the name now on each line")]
    MalformedNames,
}

/// Where a master key comes from: a file now, a hardware module in a certified site (D5).
pub trait KeyProvider {
    /// The 32 bytes of the master key.
    ///
    /// # Errors
    /// `KeyError` when it cannot be had; the text names the place and never the key.
    fn master(&self) -> Result<Zeroizing<[u8; 32]>, KeyError>;

    /// The key of the present generation, where there are generations, and its number.
    ///
    /// # Errors
    /// As `master`.
    fn generation(&self) -> Result<Option<GenerationKey>, KeyError> {
        Ok(None)
    }

    /// What measures of earlier generations are called in this one.
    ///
    /// # Errors
    /// As `master`.
    fn names(&self) -> Result<Names, KeyError> {
        Ok(Names::default())
    }
}

/// A master key in a file: 64 hexadecimal digits, white space around them allowed; or a root and the key of a
/// generation (see `generation`).
pub struct KeyFile<'a>(pub &'a Path);

impl KeyProvider for KeyFile<'_> {
    fn master(&self) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let text = self.text()?;
        match generation::parse(&text)? {
            Some((root, _)) => Ok(root),
            None => parse_master(&text),
        }
    }

    fn generation(&self) -> Result<Option<GenerationKey>, KeyError> {
        Ok(generation::parse(&self.text()?)?.map(|(_, generation)| generation))
    }

    fn names(&self) -> Result<Names, KeyError> {
        let path = Names::path(self.0);
        match std::fs::read_to_string(&path) {
            Ok(text) => Names::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Names::default()),
            Err(error) => Err(KeyError::Unreadable {
                path: path.display().to_string(),
                cause: error.kind().to_string(),
            }),
        }
    }
}

impl KeyFile<'_> {
    fn text(&self) -> Result<Zeroizing<String>, KeyError> {
        std::fs::read_to_string(self.0).map(Zeroizing::new).map_err(|error| KeyError::Unreadable {
            path: self.0.display().to_string(),
            cause: error.kind().to_string(),
        })
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
