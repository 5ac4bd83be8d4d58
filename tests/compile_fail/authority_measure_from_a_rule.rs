//! A rule asks to freeze: no such thing can be asked for (APL 20).
use duecourse::engine::measure::MeasureKind;

fn main() {
    let _ = MeasureKind::AuthorityFreeze;
}
