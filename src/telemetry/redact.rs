//! Two fences that keep identifiers out of logs: a type for what must not be printed, and a writer
//! that masks whatever looks like an identity, card or phone number.
//!
//! The first fence is the rule (errors name fields and codes, never values); the writer is for the
//! day somebody breaks it, or a library prints more than it should.

use std::fmt;
use std::io::{self, Write};

/// What stands in the place of something that is not shown.
pub const MASK: &str = "[redacted]";

/// A value that no log, error or panic prints.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Redacted<T>(pub T);

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Masks runs of digits that look like a mobile phone number (11 digits), a resident identity number
/// (17 digits and a digit or X) or a payment card (15 to 19 digits with a valid check digit).
/// Numbers of another length, epoch milliseconds among them, stay.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, run) = rest.split_at(start);
        masked.push_str(before);
        let digits = run.find(|c: char| !c.is_ascii_digit()).unwrap_or(run.len());
        let end = match run.get(digits..).and_then(|after| after.chars().next()) {
            Some('x' | 'X') if digits == 17 => digits + 1,
            _ => digits,
        };
        let (number, after) = run.split_at(end);
        masked.push_str(if is_identifying(number) { MASK } else { number });
        rest = after;
    }
    masked.push_str(rest);
    masked
}

fn is_identifying(number: &str) -> bool {
    match number.len() {
        11 => number.starts_with('1') && !number.starts_with("10") && !number.starts_with("12"),
        18 => true,
        15..=19 => has_card_check_digit(number),
        _ => false,
    }
}

/// The Luhn check of payment card numbers.
fn has_card_check_digit(number: &str) -> bool {
    let sum: u32 = number
        .bytes()
        .rev()
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    sum.is_multiple_of(10)
}

/// A writer of log lines that masks each of them. One `write` is one line: that is how the
/// subscriber hands them over.
#[derive(Debug)]
pub struct MaskingWriter<W>(pub W);

impl<W: Write> Write for MaskingWriter<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(mask(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_persons_are_masked_and_others_stay() {
        for (text, masked) in [
            ("phone 13812345678.", "phone [redacted]."),
            ("id 11010519491231002X end", "id [redacted] end"),
            ("id 110105194912310021", "id [redacted]"),
            ("card 6222021234567890128?", "card [redacted]?"),
            ("张三13812345678李四", "张三[redacted]李四"),
            ("offset 12345678 at 1767225600000 ms", "offset 12345678 at 1767225600000 ms"),
            ("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z"),
            ("11010519491231002X13812345678", "[redacted][redacted]"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn a_redacted_value_prints_as_its_mask() {
        let hidden = Redacted("6222021234567890128");
        assert_eq!(format!("{hidden} {hidden:?} {:?}", Some(hidden)), format!("{MASK} {MASK} Some({MASK})"));
    }
}
