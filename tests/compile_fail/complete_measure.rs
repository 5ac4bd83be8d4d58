//! All parts together compile, so the other cases fail for what they leave out and nothing else.
use duecourse::engine::base::{Bilingual, Fingerprint, TimeMs};
use duecourse::engine::disposition::{AppealRef, Disposition, Head, MeasureSet, Observation};
use duecourse::engine::evidence::Evidence;
use duecourse::engine::input::Effect;
use duecourse::engine::measure::{Measure, Order, SceneLapse, VerificationLapse};
use duecourse::engine::notice::{Answering, Channels, Notice, Recourse, RuleName};
use duecourse::engine::verifying::HowToVerify;

fn set(head: Head) -> Effect {
    let text = Bilingual::default;
    let notice = Notice {
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
        appeal: AppealRef::from_bits(1),
        utc_offset_minutes: 480,
    };
    let set = MeasureSet::new(head, Measure::OpeningRefuse, notice, Evidence::default());
    Effect::Disposed(Box::new(Disposition::MeasureSet(set)))
}

fn observed(observed: Box<Observation>) -> Effect {
    Effect::Observed(observed)
}

fn main() {
    let _ = (set, observed);
    let standing = Measure::PhoneCardReverify;
    let lapse = VerificationLapse::of(&standing, Fingerprint(1), TimeMs(0)).unwrap();
    let _ = (Measure::PhoneCardLimit(lapse.clone()), Measure::PhoneCardSuspend(lapse));
    let lapse = SceneLapse::of(&Measure::IotCardReverify, Fingerprint(1), TimeMs(0)).unwrap();
    let _ = (Measure::IotCardLimit(lapse.clone()), Measure::IotCardPause(lapse));
    let order = Order::new("1".to_owned(), "issuer".to_owned(), TimeMs(0), TimeMs(1)).unwrap();
    let _ = (Measure::AuthorityStopPayment(order.clone()), Measure::AuthorityFreeze(order));
}
