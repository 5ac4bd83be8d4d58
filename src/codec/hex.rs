//! Lower-case hexadecimal, as ids, tokens and digests are written.

use crate::engine::base::{Fingerprint, Token};
use crate::engine::disposition::DispositionId;

const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

/// Two digits a byte. Outputs are full of them, and `format!` takes ten times as long for one.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text
}

/// The same at the end of a text.
pub fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // In bounds: both are below 16.
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// A disposition id as 32 hex digits.
#[must_use]
pub fn id_hex(id: DispositionId) -> String {
    hex(&id.0.to_be_bytes())
}

/// A token as 32 hex digits.
#[must_use]
pub fn token_hex(token: Token) -> String {
    hex(&token.0.to_be_bytes())
}

/// An event's fingerprint as 16 hex digits.
#[must_use]
pub fn event_hex(event: Fingerprint) -> String {
    hex(&event.0.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_two_digits() {
        let bytes: Vec<u8> = (0..=255).collect();
        let expected: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex(&bytes), expected);
        assert_eq!(hex(&[]), "");
    }
}
