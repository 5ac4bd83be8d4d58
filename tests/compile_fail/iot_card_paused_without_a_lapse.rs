//! Pausing an IoT card straight from a signal: it demands that its use was not confirmed (APL 12).
use duecourse::engine::base::Fingerprint;
use duecourse::engine::measure::Measure;

fn main() {
    let signal = Fingerprint(1);
    let _ = Measure::IotCardPause(signal);
}
