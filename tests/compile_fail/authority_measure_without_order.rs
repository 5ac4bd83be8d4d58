//! A freeze without an authority's order (APL 20).
use duecourse::engine::measure::Measure;

fn main() {
    let _: Measure = Measure::AuthorityFreeze;
}
