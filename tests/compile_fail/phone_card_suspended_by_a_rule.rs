//! A rule asks to suspend a phone card: no such thing can be asked for (APL 11).
use duecourse::engine::measure::MeasureKind;

fn main() {
    let _ = MeasureKind::PhoneCardSuspend;
}
