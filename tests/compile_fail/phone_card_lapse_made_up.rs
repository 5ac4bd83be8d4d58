//! A lapse of a verification that never was: only its life can make one (APL 11).
use duecourse::engine::base::{Fingerprint, TimeMs};
use duecourse::engine::measure::{Measure, VerificationLapse};

fn main() {
    let lapse = VerificationLapse { event: Fingerprint(1), at: TimeMs(0) };
    let _ = Measure::PhoneCardSuspend(lapse);
}
