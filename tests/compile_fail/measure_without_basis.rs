//! A notice without a legal basis.
use duecourse::engine::base::{Bilingual, TimeMs};
use duecourse::engine::disposition::AppealRef;
use duecourse::engine::notice::{Answering, Channels, Notice, Recourse, RuleName};
use duecourse::engine::verifying::HowToVerify;

fn main() {
    let text = Bilingual::default;
    let appeal = AppealRef::from_bits(1);
    let _ = Notice {
        reason: text(),
        rule: RuleName { id: String::new(), version: 1 },
        measure: "opening_refuse",
        scope: text(),
        start: TimeMs(0),
        end: TimeMs(1),
        still_works: text(),
        channels: Channels { offline: text(), online: text() },
        papers: text(),
        verify: HowToVerify::NotAsked,
        recourse: Recourse { answering: Answering::PassedOn, person_on_request: false },
        remedies: text(),
        appeal,
        utc_offset_minutes: 480,
    };
}
