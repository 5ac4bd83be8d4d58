//! `calendar.toml`: the days that the State Council's yearly notices move, as dated data (D15).

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::files::{CalendarFile, HolidayNotice};
use super::load::Bundle;
use super::values::{date, standing};
use crate::engine::calendar::{Calendar, days_since_epoch};

const FILE: &str = "calendar.toml";
/// The longest holiday is nine days; more is a slip of the pen.
const SPAN_DAYS_MAX: i64 = 15;

/// The calendar of a zone, `utc_offset_minutes` east of UTC.
pub(super) fn calendar(bundle: &mut Bundle, utc_offset_minutes: i32) -> Calendar {
    let mut calendar = Calendar { utc_offset_minutes, moved: BTreeMap::new() };
    let Some(file) = bundle.file::<CalendarFile>(FILE) else {
        return calendar;
    };
    for (place, notice) in file.notices.iter().enumerate() {
        let key = |part: &str| format!("notices.{place}.{part}");
        bundle.note(FILE, &key("dated"), date(&notice.dated, 0));
        bundle.note(FILE, &key("status"), standing(&notice.status));
        if notice.source.trim().is_empty() {
            bundle.problems.add(FILE, &key("source"), "is empty; name the notice");
        }
        for (part, written, works) in [("off", &notice.off, false), ("works", &notice.works, true)] {
            for text in written {
                let days = bundle.note(FILE, &key(part), days(text, notice)).unwrap_or_default();
                for day in days {
                    if calendar.moved.insert(day, works).is_some() {
                        bundle.problems.add(FILE, &key(part), format!("`{text}` names a day twice"));
                    }
                }
            }
        }
    }
    // A day that works as its weekday would is no move.
    let plain = Calendar { utc_offset_minutes, moved: BTreeMap::new() };
    calendar.moved.retain(|day, works| plain.is_working_day(*day) != *works);
    calendar
}

/// The days of `2026-10-01` or `2026-10-01/2026-10-07`, since 1970-01-01.
fn days(text: &str, notice: &HolidayNotice) -> Result<Vec<i64>, String> {
    let (first, last) = text.split_once('/').unwrap_or((text, text));
    let (first, last) = (day(first, notice)?, day(last, notice)?);
    if last < first || last - first >= SPAN_DAYS_MAX {
        return Err(format!(
            "`{text}` is no span of days; the first day stands first, {SPAN_DAYS_MAX} at most"
        ));
    }
    Ok((first..=last).collect())
}

fn day(text: &str, notice: &HolidayNotice) -> Result<i64, String> {
    let parsed: Option<Date> = text.parse().ok().filter(|_| text.len() == 10);
    let day = parsed.ok_or_else(|| format!("`{text}` is no date; write it as `2026-10-01`"))?;
    if (day.year() - notice.year).abs() > 1 {
        return Err(format!("`{text}` is not of the year {}", notice.year));
    }
    Ok(days_since_epoch(day.year().into(), day.month().into(), day.day().into()))
}
