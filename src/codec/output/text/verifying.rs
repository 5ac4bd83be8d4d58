//! The paragraph of a notice on how to be verified (APL 11, 18, 33).

use super::{moment, span};
use crate::engine::base::{Bilingual, SpanMs};
use crate::engine::verifying::HowToVerify;

/// The paragraph, with its line ends; empty where nothing is asked. `None` when a time lies outside the
/// calendar.
pub(super) fn paragraph(verify: &HowToVerify, offset: i32) -> Option<Bilingual> {
    let HowToVerify::Asked { methods, within, until } = verify else { return Some(Bilingual::default()) };
    let mut told = Bilingual {
        zh: "\n您可以任选一种方式完成核验，通过后即时恢复：\n".to_owned(),
        en: "\nYou can be verified in any one of these ways; once you are, everything works again at once:\n"
            .to_owned(),
    };
    for method in methods {
        told.zh += &format!("· {}\n", method.zh);
        told.en += &format!("- {}\n", method.en);
    }
    if let Some(until) = until {
        let until = moment(*until, offset)?;
        told.zh += &format!("请在{}前完成。\n", until.zh);
        told.en += &format!("Please do so before {}.\n", until.en);
    } else if let Some(within) = within {
        let within = hours_or_days(*within);
        told.zh += &format!("请在收到本通知之时起{}内完成。\n", within.zh);
        told.en += &format!("Please do so within {} of receiving this notice.\n", within.en);
    }
    Some(told)
}

/// Up to three days in hours: a day could be read as the day of the calendar.
fn hours_or_days(within: SpanMs) -> Bilingual {
    let hours = within.0 / SpanMs::HOUR.0;
    if within > SpanMs::days(3) || within.0 % SpanMs::HOUR.0 != 0 || hours < 2 {
        return span(within.0);
    }
    Bilingual { zh: format!("{hours}小时"), en: format!("{hours} hours") }
}
