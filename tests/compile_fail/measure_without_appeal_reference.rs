//! A notice without an appeal reference.
use duecourse::engine::base::{Bilingual, TimeMs};
use duecourse::engine::notice::{Answering, Channels, Notice, Recourse, RuleName};
use duecourse::engine::verifying::HowToVerify;

fn main() {
    let text = Bilingual::default;
    let _ = Notice {
        reason: text(),
        basis: text(),
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
        utc_offset_minutes: 480,
    };
}
