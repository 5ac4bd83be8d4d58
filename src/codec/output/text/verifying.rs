//! The paragraph of a notice on how to be verified (APL 11, 18, 33).

use super::{Words, moment, span, words};
use crate::engine::base::{Bilingual, SpanMs};
use crate::engine::verifying::HowToVerify;

/// The paragraph, with its line ends; empty where nothing is asked. `None` when a time lies outside the
/// calendar.
pub(super) fn paragraph(verify: &HowToVerify, offset: i32) -> Option<Bilingual> {
    let HowToVerify::Asked { methods, within, until } = verify else { return Some(Bilingual::default()) };
    let mut told = Bilingual {
        zh: "\n您可以任选一种方式完成核验，通过后本项处理即时解除：\n".to_owned(),
        en: "\nYou can be verified in any one of these ways; once you are, this is lifted at once:\n"
            .to_owned(),
    };
    for method in methods {
        told.zh += &format!("· {}\n", method.zh);
        told.en += &format!("- {}\n", method.en);
    }
    if let Some(until) = until {
        let until = moment(*until, offset)?;
        told.zh += &format!("请在{}前完成。{}\n", until.zh, OTHERWISE.zh);
        told.en += &format!("Please do so before {}. {}\n", until.en, OTHERWISE.en);
    } else if let Some(within) = within {
        let within = hours_or_days(*within);
        told.zh += &format!("请在收到本通知之时起{}内完成。{}\n", within.zh, OTHERWISE.zh);
        told.en += &format!("Please do so within {} of receiving this notice. {}\n", within.en, OTHERWISE.en);
    }
    Some(told)
}

/// What may follow where a time runs: nobody is to be surprised by it.
const OTHERWISE: Words = words(
    "到期没有完成的，可能会采取进一步的措施，届时另行通知您；以后您仍然可以随时完成核验。",
    "If it is not done by then, something further may follow, of which we will tell you; you can still be verified at \
     any time after that.",
);

/// Up to three days in hours: a day could be read as the day of the calendar.
fn hours_or_days(within: SpanMs) -> Bilingual {
    let hours = within.0 / SpanMs::HOUR.0;
    if within > SpanMs::days(3) || within.0 % SpanMs::HOUR.0 != 0 || hours < 2 {
        return span(within.0);
    }
    Bilingual { zh: format!("{hours}小时"), en: format!("{hours} hours") }
}
