//! What a phone card's holder failed to do is no reason to limit an IoT card (APL 11, 12).
use duecourse::engine::base::{Fingerprint, TimeMs};
use duecourse::engine::measure::{Measure, VerificationLapse};

fn main() {
    let lapse = VerificationLapse::of(&Measure::PhoneCardReverify, Fingerprint(1), TimeMs(0)).unwrap();
    let _ = Measure::IotCardLimit(lapse);
}
