//! Suspension straight from a signal: it demands a lapsed verification (APL 11).
use duecourse::engine::base::Fingerprint;
use duecourse::engine::measure::Measure;

fn main() {
    let signal = Fingerprint(1);
    let _ = Measure::PhoneCardSuspend(signal);
}
