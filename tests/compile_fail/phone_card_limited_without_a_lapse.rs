//! Limiting a phone card as if it needed no witness (APL 11).
use duecourse::engine::measure::Measure;

fn main() {
    let _: Measure = Measure::PhoneCardLimit;
}
