//! A list entry put together by hand, without its checks (APL 31).
use duecourse::engine::base::TimeMs;
use duecourse::engine::entry::Category;
use duecourse::engine::measure::{Listing, Measure};

fn main() {
    let (number, issuer, category) = (String::new(), String::new(), Category::B);
    let listing = Listing { number, issuer, category, start: TimeMs(1), end: TimeMs(0) };
    let _ = Measure::ListedLimitOutflow(listing);
}
