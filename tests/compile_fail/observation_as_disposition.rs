//! What a rule in shadow saw is no disposition and cannot become one (DESIGN D28).
use duecourse::engine::disposition::{Disposition, Observation};

fn act(observed: Observation) -> Disposition {
    observed.into()
}

fn main() {
    let _ = act;
}
