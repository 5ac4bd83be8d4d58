//! Where a window begins, by a calendar library and day by day: the engine's own arithmetic is what is checked.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::Offset;

use crate::engine::base::TimeMs;
use crate::engine::calendar::{Calendar, CalendarUnit};
use crate::engine::signal::Window;

/// The open lower end of a window that ends at `at`; for a calendar's window the last millisecond before its first day.
pub(super) fn begin(window: Window, at: TimeMs, calendar: &Calendar) -> TimeMs {
    match window {
        Window::Sliding(span) => at.minus(span),
        // Events are of the years 2000 to 2100, which any calendar knows.
        Window::Calendar(unit) => before(unit, at, calendar).unwrap_or(TimeMs::MIN),
    }
}

fn before(unit: CalendarUnit, at: TimeMs, calendar: &Calendar) -> Option<TimeMs> {
    let zone = Offset::from_seconds(calendar.utc_offset_minutes * 60).ok()?;
    let today = zone.to_datetime(Timestamp::from_millisecond(at.0).ok()?).date();
    let first = match unit {
        CalendarUnit::Day => today,
        CalendarUnit::Month => today.first_of_month(),
        CalendarUnit::Year => today.first_of_year(),
        CalendarUnit::WorkingDays(count) => working_days_back(today, count, calendar)?,
    };
    let midnight = zone.to_timestamp(first.at(0, 0, 0, 0)).ok()?;
    Some(TimeMs(midnight.as_millisecond() - 1))
}

/// The day with which the last `count` working days begin, today among them if it is one.
fn working_days_back(today: Date, count: u8, calendar: &Calendar) -> Option<Date> {
    let mut day = today;
    let mut left = i32::from(count) - i32::from(is_working_day(day, calendar));
    while left > 0 {
        day = day.yesterday().ok()?;
        left -= i32::from(is_working_day(day, calendar));
    }
    Some(day)
}

fn is_working_day(day: Date, calendar: &Calendar) -> bool {
    let number = (day - date(1970, 1, 1)).get_days();
    let is_weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    calendar.moved.get(&i64::from(number)).copied().unwrap_or(!is_weekend)
}
