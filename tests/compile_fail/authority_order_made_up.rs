//! An order put together by hand, without its checks (APL 20, 31).
use duecourse::engine::base::TimeMs;
use duecourse::engine::measure::{Measure, Order};

fn main() {
    let order = Order { number: String::new(), issuer: String::new(), start: TimeMs(1), end: TimeMs(0) };
    let _ = Measure::AuthorityStopPayment(order);
}
