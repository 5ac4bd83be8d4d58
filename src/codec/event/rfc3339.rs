//! Times as they are nearly always written, read without a general parser: one stands in every event.

use crate::engine::base::TimeMs;
use crate::engine::calendar::days_since_epoch;

/// Reads `2026-01-01T00:00:00[.digits](Z|+hh:mm|-hh:mm)` with every number in its plain range. `None` is
/// for whoever knows the rest of RFC 3339, not a fault. Digits finer than milliseconds are cut off.
pub(super) fn plain(text: &str) -> Option<TimeMs> {
    let bytes = text.as_bytes();
    let (date_time, rest) = bytes.split_at_checked(19)?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|(place, mark)| date_time.get(*place) != Some(mark)) {
        return None;
    }
    let part = |from: usize, to: usize| number(date_time.get(from..to)?);
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let within = (1970..=9000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !within {
        return None;
    }
    let (millis, rest) = fraction(rest)?;
    let offset_minutes = offset(rest)?;
    let minutes = (days_since_epoch(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    Some(TimeMs((minutes * 60 + second) * 1_000 + millis))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

fn days_of(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_since_epoch(next_year, next_month, 1) - days_since_epoch(year, month, 1)
}

/// Milliseconds after the second, and what follows.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', rest)) = rest.split_first() else { return Some((0, rest)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at_checked(count)?;
    if !(1..=9).contains(&count) {
        return None;
    }
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(3);
    Some((padded.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')), rest))
}

/// Minutes that the local time is ahead of UTC.
fn offset(rest: &[u8]) -> Option<i64> {
    match rest {
        b"Z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let ahead = (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
            Some(if *sign == b'-' { -ahead } else { ahead })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_jiff(text: &str) -> Option<TimeMs> {
        let timestamp: jiff::Timestamp = text.parse().ok()?;
        Some(TimeMs(timestamp.as_nanosecond().div_euclid(1_000_000) as i64))
    }

    #[test]
    fn what_is_not_plain_is_left_to_others() {
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:60Z",
            "2026-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-01t00:00:00Z",
            "2026-01-01T00:00:00z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+0800",
            "2026-01-01T00:00:00Z ",
            "2026-01-01T0é:00:00Z",
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
        assert_eq!(plain("2024-02-29T08:00:00.2059+08:00"), Some(TimeMs(1_709_164_800_205)));
    }

    proptest! {
        #[test]
        fn what_is_plain_reads_as_by_the_general_parser(
            text in "(19[6-9]|20[0-9]|21[0-9])[0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,10})?(Z|[+-][0-2][0-9]:[0-6][0-9])",
        ) {
            if let Some(time) = plain(&text) {
                prop_assert_eq!(by_jiff(&text), Some(time), "{}", text);
            }
        }
    }
}
