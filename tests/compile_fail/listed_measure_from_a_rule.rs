//! A rule asks for a measure of joint sanctions: no such thing can be asked for (APL 31).
use duecourse::engine::measure::MeasureKind;

fn main() {
    let _ = MeasureKind::ListedLimitOutflow;
}
