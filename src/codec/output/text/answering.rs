//! What a notice says of an appeal: who reviews it, and when there is an answer (APL 32, AML 39).

use super::{Words, moment, span, words};
use crate::engine::base::{Bilingual, TimeMs};
use crate::engine::notice::{Answering, Recourse};

/// Who reviews an appeal, and when it is answered.
pub(super) struct Said {
    pub appealing: Words,
    pub when: Bilingual,
    /// That a person may be asked to decide: a line, or nothing.
    pub person: Words,
}

/// `None` when a time lies outside the calendar. Without a time at which it is said, no date is promised.
pub(super) fn said(recourse: Recourse, said_at: Option<TimeMs>, offset: i32) -> Option<Said> {
    let Answering::Within(within) = recourse.answering else { return Some(passed_on()) };
    let span = span(within.0);
    let mut when = Bilingual {
        zh: format!("答复时间：收到申诉后{}内。", span.zh),
        en: format!("Answer: within {} of your appeal.", span.en),
    };
    if let Some(at) = said_at {
        let due = moment(at.plus(within), offset)?;
        when.zh += &format!("您现在申诉的，最迟{}答复。", due.zh);
        when.en += &format!(" If you appeal now, by {} at the latest.", due.en);
    }
    let appealing = words(
        "如果您不同意，可以申诉，由工作人员复核：",
        "If you disagree, you can appeal, and a member of staff will review it:",
    );
    let person = match recourse.person_on_request {
        true => words(
            "· 人工决定：这项处理由系统自动作出，您也可以要求由工作人员作出决定并说明理由，同样只需提供申诉编号。\n",
            "- A person's decision: this was decided by a program alone. You may also ask that a person decide and give you \
             the reasons; the appeal reference is all you need.\n",
        ),
        false => words("", ""),
    };
    Some(Said { appealing, when, person })
}

/// What an authority ordered, it alone reviews: no term of ours is promised for it.
fn passed_on() -> Said {
    Said {
        appealing: words(
            "如果您不同意，可以申诉，由作出决定的机关复核。您可以直接向该机关提出，也可以通过我们提出：",
            "If you disagree, you can appeal. The authority that ordered this reviews it; you can turn to it \
             yourself, or appeal through us:",
        ),
        when: Bilingual {
            zh:
                "答复时间：通过我们提出的，我们收到后即时转交该机关，并告知您；由该机关按照其规定的期限答复。"
                    .to_owned(),
            en:
                "Answer: what you hand in with us we pass on at once, and tell you so. The authority answers \
                 within its own term."
                    .to_owned(),
        },
        person: words("", ""),
    }
}
