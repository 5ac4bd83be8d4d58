//! The small written forms of configuration: spans, dates, zones, names out of a closed list.

use crate::config::nearest::nearest;
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::calendar::CalendarUnit;
use crate::engine::signal::Window;

/// Reads `90s`, `30m`, `6h`, `30d`.
///
/// # Errors
/// What a span looks like.
pub(crate) fn span(text: &str) -> Result<SpanMs, String> {
    let wrong =
        || format!("`{text}` is no span of time; write a whole number and s, m, h or d, such as `6h`");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let unit_ms: i64 = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return Err(wrong()),
    };
    let digits = text.strip_suffix(unit).ok_or_else(wrong)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: i64 = digits.parse().map_err(|_| wrong())?;
    count.checked_mul(unit_ms).map(SpanMs).ok_or_else(wrong)
}

/// Reads a span that lies between two bounds, both included.
pub(crate) fn span_within(text: &str, low: SpanMs, high: SpanMs) -> Result<SpanMs, String> {
    let value = span(text)?;
    if value < low || value > high {
        return Err(format!(
            "`{text}` is out of bounds: at least {}, at most {}",
            written(low),
            written(high)
        ));
    }
    Ok(value)
}

/// A span as a person writes it, in the largest unit that divides it.
#[must_use]
pub(crate) fn written(span: SpanMs) -> String {
    [(86_400_000, 'd'), (3_600_000, 'h'), (60_000, 'm'), (1_000, 's')]
        .into_iter()
        .find(|(unit_ms, _)| span.0 % unit_ms == 0)
        .map_or_else(|| format!("{} ms", span.0), |(unit_ms, unit)| format!("{}{unit}", span.0 / unit_ms))
}

/// Reads a span within bounds, `day`, `month`, `year`, or `5 working days`.
pub(crate) fn window(text: &str, low: SpanMs, high: SpanMs) -> Result<Window, String> {
    let unit =
        match text {
            "day" => CalendarUnit::Day,
            "month" => CalendarUnit::Month,
            "year" => CalendarUnit::Year,
            _ => match text.strip_suffix(" working days").or_else(|| text.strip_suffix(" working day")) {
                Some(count) => CalendarUnit::WorkingDays(
                    count.parse().ok().filter(|count| (1..=60).contains(count)).ok_or_else(|| {
                        format!("`{text}` is no count of working days; at least 1, at most 60")
                    })?,
                ),
                None => {
                    return span_within(text, low, high).map(Window::Sliding).map_err(|why| {
                        if span(text).is_ok() {
                            why
                        } else {
                            format!("{why}; or `day`, `month`, `year`, `5 working days`")
                        }
                    });
                }
            },
        };
    Ok(Window::Calendar(unit))
}

/// Reads `+08:00`: minutes east of UTC.
pub(crate) fn zone(text: &str) -> Result<i32, String> {
    let wrong = || format!("`{text}` is no offset from UTC; write it as `+08:00`");
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(wrong)?;
    let number = |digits: &str, max: i32| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i32>().ok().filter(|value| plain && *value <= max).ok_or_else(wrong)
    };
    Ok(sign * (number(hours, 14)? * 60 + number(minutes, 59)?))
}

/// Reads an ISO date as its first moment, `utc_offset_minutes` east of UTC.
pub(crate) fn date(text: &str, utc_offset_minutes: i32) -> Result<TimeMs, String> {
    let wrong = || format!("`{text}` is no date; write it as `2016-12-01`");
    let day: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    if text.len() != 10 {
        return Err(wrong());
    }
    let offset = jiff::tz::Offset::from_seconds(utc_offset_minutes * 60).map_err(|_| wrong())?;
    let moment = offset.to_timestamp(day.at(0, 0, 0, 0)).map_err(|_| wrong())?;
    Ok(TimeMs(moment.as_millisecond()))
}

/// Looks a name up in a closed list; the error names the nearest.
pub(crate) fn named<T>(
    what: &str,
    text: &str,
    known: impl IntoIterator<Item = (&'static str, T)>,
) -> Result<T, String> {
    let mut names = Vec::new();
    for (name, value) in known {
        if name == text {
            return Ok(value);
        }
        names.push(name);
    }
    Err(match nearest(text, names.iter().copied()) {
        Some(near) => format!("unknown {what} `{text}`; did you mean `{near}`?"),
        None => format!("unknown {what} `{text}`; known: {}", names.join(", ")),
    })
}

/// How well a figure is established, in the words of `law.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The statute or full official document was read.
    Verified,
    /// Public source code of bank systems only: practice, not law.
    Practice,
    /// Press copy, vendor or exam page only.
    Unconfirmed,
    /// Sources disagree about it.
    Conflicting,
    /// Not found in writing.
    FromMemory,
    /// Our own choice within the law.
    Policy,
}

impl Standing {
    /// Whether a figure may be in force without anybody having decided so.
    pub(crate) fn is_established(self) -> bool {
        matches!(self, Standing::Verified | Standing::Policy)
    }

    /// What a person who switches it on is told.
    pub(crate) fn doubt(self) -> Option<&'static str> {
        match self {
            Standing::Verified | Standing::Policy => None,
            Standing::Practice => Some(
                "is in force and was read in the code of bank systems alone, which is practice and no law; have counsel find the text",
            ),
            Standing::Unconfirmed => Some(
                "is in force and unconfirmed: only press, vendor or exam pages say so; have counsel confirm it",
            ),
            Standing::Conflicting => {
                Some("is in force and its sources conflict; have counsel say which figure holds")
            }
            Standing::FromMemory => {
                Some("is in force and stands here from memory; have counsel find the text")
            }
        }
    }
}

pub(crate) fn standing(text: &str) -> Result<Standing, String> {
    named(
        "status",
        text,
        [
            ("verified_text", Standing::Verified),
            ("verified_code", Standing::Practice),
            ("verified_press", Standing::Unconfirmed),
            ("verified_web", Standing::Unconfirmed),
            ("conflict", Standing::Conflicting),
            ("from_memory", Standing::FromMemory),
            ("policy", Standing::Policy),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_alike() {
        for text in ["90s", "30m", "6h", "30d", "400d"] {
            assert_eq!(written(span(text).unwrap()), text);
        }
        for text in ["", "d", "5", "-5d", "1.5h", "5 d", "5w", "+5d", "99999999999999999999d"] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dates_begin_at_local_midnight() {
        // 2016-12-01T00:00+08:00 is 2016-11-30T16:00Z.
        assert_eq!(date("2016-12-01", 480), Ok(TimeMs(1_480_521_600_000)));
        for text in ["2016-13-01", "2016-1-1", "2016-12-01T00:00", "yesterday"] {
            assert!(date(text, 480).is_err(), "{text}");
        }
    }

    #[test]
    fn zones_are_signed_hours_and_minutes() {
        assert_eq!(zone("+08:00"), Ok(480));
        assert_eq!(zone("-03:30"), Ok(-210));
        for text in ["08:00", "+8:00", "+15:00", "+08:60", "Asia/Shanghai", "", "+0八:00"] {
            assert!(zone(text).is_err(), "{text}");
        }
    }
}
