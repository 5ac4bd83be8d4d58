//! A measure put together by hand, around its constructor.
use duecourse::engine::disposition::{Head, MeasureSet};
use duecourse::engine::evidence::Evidence;
use duecourse::engine::measure::Measure;

fn set(head: Head) -> MeasureSet {
    MeasureSet { head, measure: Measure::OpeningRefuse, evidence: Evidence::default() }
}

fn main() {
    let _ = set;
}
