//! The paragraph of a notice on how to be verified (APL 11, 18, 33).

use super::{moment, span};
use crate::engine::base::Bilingual;
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
        let within = span(within.0);
        told.zh += &format!("请在收到本通知之时起{}内完成。\n", within.zh);
        told.en += &format!("Please do so within {} of receiving this notice.\n", within.en);
    }
    Some(told)
}
