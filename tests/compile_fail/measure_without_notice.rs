//! A measure without its notice.
use duecourse::engine::disposition::{Head, MeasureSet};
use duecourse::engine::evidence::Evidence;
use duecourse::engine::measure::Measure;

fn set(head: Head) -> MeasureSet {
    MeasureSet::new(head, Measure::OpeningRefuse, Evidence::default())
}

fn main() {
    let _ = set;
}
