//! Refs that look like what they must not be: identity, card and phone numbers.
//!
//! A ref leaves with every notice. Somebody who fills that field with an identity number has made a
//! mistake that must be found before the first one leaves.

use crate::intake::refusal::RefusalCode;

/// Digits of the longest card number.
const LONGEST: usize = 19;

/// Refuses a ref that looks like an identifier of a person. Spaces and dashes do not hide one.
pub fn tested(reference: &str) -> Result<(), RefusalCode> {
    let mut plain = [0_u8; LONGEST + 1];
    let mut len = 0;
    for byte in reference.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
        // What is longer than any of them is none.
        let Some(slot) = plain.get_mut(len) else { return Ok(()) };
        *slot = byte;
        len += 1;
    }
    let plain = plain.get(..len).unwrap_or(&[]);
    let number = plain.strip_prefix(b"+86").unwrap_or(plain);
    if is_identity(plain) {
        Err(RefusalCode::RefLooksLikeIdentity)
    } else if is_card(plain) {
        Err(RefusalCode::RefLooksLikeCard)
    } else if is_phone(number) {
        Err(RefusalCode::RefLooksLikePhone)
    } else {
        Ok(())
    }
}

/// A resident identity number (GB 11643): 17 digits and a check symbol. Either a right check symbol
/// or a date of birth in its place gives it away.
fn is_identity(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else {
        return false;
    };
    let shape =
        body.len() == 17 && all_digits(body) && (last.is_ascii_digit() || matches!(last, b'X' | b'x'));
    shape && (identity_check(body) == last.to_ascii_uppercase() || has_birth_date(body))
}

/// The check symbol of ISO 7064 MOD 11-2.
fn identity_check(body: &[u8]) -> u8 {
    let sum = body.iter().fold(0, |sum: u32, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    match (12 - sum) % 11 {
        10 => b'X',
        value => b'0' + value as u8,
    }
}

fn has_birth_date(body: &[u8]) -> bool {
    let number = |from: usize, to: usize| {
        body.get(from..to)
            .unwrap_or_default()
            .iter()
            .fold(0u32, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    (1900..=2099).contains(&number(6, 10))
        && (1..=12).contains(&number(10, 12))
        && (1..=31).contains(&number(12, 14))
}

/// 13 to 19 digits with a right check digit (ISO/IEC 7812, Luhn).
fn is_card(text: &[u8]) -> bool {
    if !(13..=19).contains(&text.len()) || !all_digits(text) {
        return false;
    }
    let sum: u32 = text.iter().rev().enumerate().fold(0, |sum, (place, digit)| {
        let value = u32::from(digit - b'0') << (place % 2);
        sum + if value > 9 { value - 9 } else { value }
    });
    sum.is_multiple_of(10)
}

/// A mobile number of the mainland: 11 digits, 13 to 19 in front.
fn is_phone(text: &[u8]) -> bool {
    text.len() == 11 && all_digits(text) && matches!(text, [b'1', b'3'..=b'9', ..])
}

fn all_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_persons_are_recognised() {
        use RefusalCode::{RefLooksLikeCard, RefLooksLikeIdentity, RefLooksLikePhone};
        for (text, code) in [
            ("11010519491231002X", RefLooksLikeIdentity),
            ("11010519491231002x", RefLooksLikeIdentity),
            ("440524188001010014", RefLooksLikeIdentity),
            ("110105194912310021", RefLooksLikeIdentity),
            ("110105 1949 1231 0020", RefLooksLikeIdentity),
            ("4111111111111111", RefLooksLikeCard),
            ("4111-1111-1111-1111", RefLooksLikeCard),
            ("6222020000000000000", RefLooksLikeCard),
            ("13800138000", RefLooksLikePhone),
            ("+8613800138000", RefLooksLikePhone),
            ("+86 138-0013-8000", RefLooksLikePhone),
        ] {
            assert_eq!(tested(text), Err(code), "{text}");
        }
    }

    #[test]
    fn opaque_refs_pass() {
        for text in [
            "A009486",
            "4111111111111112",
            "12800138000",
            "1380013800",
            "OPEN-2024-000001",
            "000000000000001199",
            "账户一",
        ] {
            assert_eq!(tested(text), Ok(()), "{text}");
        }
    }
}
