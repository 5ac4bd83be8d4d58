//! Times and spans as a person reads them.

use crate::codec::output::envelope::{civil, offset_parts};
use crate::engine::base::{Bilingual, SpanMs, TimeMs};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(in crate::codec::output) fn moment(at: TimeMs, offset: i32) -> Option<Bilingual> {
    let civil = civil(at, offset)?;
    let (year, month, day) = (civil.year(), civil.month(), civil.day());
    let (hour, minute) = (civil.hour(), civil.minute());
    let month_name = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    Some(Bilingual {
        zh: format!("{year}年{month}月{day}日{hour:02}:{minute:02}"),
        en: format!("{day} {month_name} {year}, {hour:02}:{minute:02}"),
    })
}

/// Whole days where it is whole days, else hours, rounded down: we promise no more than we keep to.
pub(super) fn span(ms: i64) -> Bilingual {
    let (days, hours) = (ms / SpanMs::DAY.0, ms / SpanMs::HOUR.0);
    if days > 0 && ms % SpanMs::DAY.0 == 0 {
        let plural = if days == 1 { "" } else { "s" };
        Bilingual { zh: format!("{days}日"), en: format!("{days} day{plural}") }
    } else {
        let plural = if hours == 1 { "" } else { "s" };
        Bilingual { zh: format!("{hours}小时"), en: format!("{hours} hour{plural}") }
    }
}

pub(in crate::codec::output) fn zone(offset: i32) -> Bilingual {
    if offset == 480 {
        return Bilingual { zh: "北京时间".to_owned(), en: "Beijing time".to_owned() };
    }
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = offset_parts(offset);
    let zone = format!("UTC{sign}{hours:02}:{minutes:02}");
    Bilingual { zh: zone.clone(), en: zone }
}
