//! Civil days, months, years and working days of the institution's zone (DESIGN D15).
//!
//! Pure integer arithmetic: the calendar is dated data of the rule set, so the same log always
//! counts the same days. Mainland China keeps one offset all year; a zone here is an offset.

use std::collections::BTreeMap;

use super::base::{SpanMs, TimeMs};

/// What is a working day, and where a day begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    pub utc_offset_minutes: i32,
    /// Days that the State Council's yearly notice moves, by days since 1970-01-01: true works although
    /// it is a Saturday or Sunday, false is off although it is not. All others go by the weekday.
    pub moved: BTreeMap<i64, bool>,
}

/// A stretch of the calendar that ends at the moment asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CalendarUnit {
    /// The day so far.
    Day,
    /// The calendar month so far.
    Month,
    /// The calendar year so far.
    Year,
    /// This day and the days before it, back to the midnight with which the n-th last working day
    /// began; days off in between belong to it. 1 to 60.
    WorkingDays(u8),
}

/// A year has at most this many days; what a calendar window may reach back.
const YEAR_DAYS_MAX: i64 = 366;

impl CalendarUnit {
    /// The longest it can be. Between two working days there are never more than 14 days off.
    #[must_use]
    pub fn span_max(self) -> SpanMs {
        SpanMs::days(match self {
            CalendarUnit::Day => 1,
            CalendarUnit::Month => 31,
            CalendarUnit::Year => YEAR_DAYS_MAX,
            CalendarUnit::WorkingDays(count) => i64::from(count) * 15 + 1,
        })
    }
}

impl Calendar {
    /// The last moment before the unit that `at` lies in: an open lower end.
    #[must_use]
    pub fn before(&self, unit: CalendarUnit, at: TimeMs) -> TimeMs {
        let day = self.day_of(at);
        let first = match unit {
            CalendarUnit::Day => day,
            CalendarUnit::Month => {
                let (year, month, _) = civil(day);
                days_since_epoch(year, month, 1)
            }
            CalendarUnit::Year => days_since_epoch(civil(day).0, 1, 1),
            CalendarUnit::WorkingDays(count) => self.nth_last_working_day(day, count),
        };
        TimeMs(first * SpanMs::DAY.0 - self.offset_ms() - 1)
    }

    /// Days since 1970-01-01 in the zone.
    #[must_use]
    pub fn day_of(&self, at: TimeMs) -> i64 {
        at.0.saturating_add(self.offset_ms()).div_euclid(SpanMs::DAY.0)
    }

    /// The first moment of the next day in the zone.
    #[must_use]
    pub fn day_after(&self, at: TimeMs) -> TimeMs {
        TimeMs((self.day_of(at) + 1).saturating_mul(SpanMs::DAY.0).saturating_sub(self.offset_ms()))
    }

    #[must_use]
    pub fn is_working_day(&self, day: i64) -> bool {
        // 1970-01-01 was a Thursday: 0 is Monday here.
        let weekday = (day + 3).rem_euclid(7);
        self.moved.get(&day).copied().unwrap_or(weekday < 5)
    }

    fn nth_last_working_day(&self, day: i64, count: u8) -> i64 {
        let earliest = day - i64::from(count) * 15;
        let mut working = 0;
        let mut candidate = day;
        loop {
            working += u8::from(self.is_working_day(candidate));
            if working >= count || candidate <= earliest {
                return candidate;
            }
            candidate -= 1;
        }
    }

    fn offset_ms(&self) -> i64 {
        i64::from(self.utc_offset_minutes) * 60_000
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level date algorithms").
#[must_use]
pub fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month, day of a number of days since 1970-01-01; the inverse of `days_since_epoch`.
#[must_use]
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shanghai() -> Calendar {
        Calendar { utc_offset_minutes: 480, moved: BTreeMap::new() }
    }

    fn at(year: i64, month: i64, day: i64, hour: i64) -> TimeMs {
        TimeMs(days_since_epoch(year, month, day) * SpanMs::DAY.0 + (hour - 8) * SpanMs::HOUR.0)
    }

    #[test]
    fn civil_days_agree_with_jiff_over_two_centuries() {
        let epoch = jiff::civil::date(1970, 1, 1);
        for days in (-20_000_i64..60_000).step_by(1) {
            let date = epoch.checked_add(jiff::Span::new().days(days)).unwrap();
            let found = civil(days);
            assert_eq!(found, (date.year().into(), date.month().into(), date.day().into()));
            assert_eq!(days_since_epoch(found.0, found.1, found.2), days);
        }
    }

    #[test]
    fn a_day_begins_at_local_midnight() {
        let calendar = shanghai();
        let midnight = at(2024, 3, 1, 0);
        assert_eq!(calendar.before(CalendarUnit::Day, midnight), TimeMs(midnight.0 - 1));
        assert_eq!(
            calendar.before(CalendarUnit::Day, TimeMs(midnight.0 - 1)),
            TimeMs(at(2024, 2, 29, 0).0 - 1)
        );
    }

    #[test]
    fn months_and_years_end_where_they_end() {
        let calendar = shanghai();
        assert_eq!(
            calendar.before(CalendarUnit::Month, at(2024, 2, 29, 23)),
            TimeMs(at(2024, 2, 1, 0).0 - 1)
        );
        assert_eq!(calendar.before(CalendarUnit::Month, at(2024, 3, 1, 0)), TimeMs(at(2024, 3, 1, 0).0 - 1));
        assert_eq!(
            calendar.before(CalendarUnit::Year, at(2023, 12, 31, 23)),
            TimeMs(at(2023, 1, 1, 0).0 - 1)
        );
        assert_eq!(calendar.before(CalendarUnit::Year, at(2024, 1, 1, 0)), TimeMs(at(2024, 1, 1, 0).0 - 1));
    }

    #[test]
    fn working_days_skip_weekends_and_follow_moved_days() {
        let mut calendar = shanghai();
        // Wednesday 2024-10-09 is the third last working day's end: Wed 9, Tue 8, Mon 7.
        assert_eq!(
            calendar.before(CalendarUnit::WorkingDays(3), at(2024, 10, 9, 12)),
            TimeMs(at(2024, 10, 7, 0).0 - 1)
        );
        // National Day 2024: 1 to 7 October off, Sunday 29 September and Saturday 12 October at work.
        for day in 1..=7 {
            calendar.moved.insert(days_since_epoch(2024, 10, day), false);
        }
        calendar.moved.insert(days_since_epoch(2024, 9, 29), true);
        assert_eq!(
            calendar.before(CalendarUnit::WorkingDays(3), at(2024, 10, 9, 12)),
            TimeMs(at(2024, 9, 30, 0).0 - 1)
        );
        assert_eq!(
            calendar.before(CalendarUnit::WorkingDays(4), at(2024, 10, 9, 12)),
            TimeMs(at(2024, 9, 29, 0).0 - 1)
        );
    }
}
