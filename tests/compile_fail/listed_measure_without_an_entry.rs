//! A measure of joint sanctions without an entry on the list (APL 31).
use duecourse::engine::measure::Measure;

fn main() {
    let _: Measure = Measure::ListedLimitCard;
}
