//! What is fed during a round: rows of a generated day, as often as needed with another file or rate.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::events::{Events, Shape};

/// Rows a second, unless a fault says otherwise.
pub const RATE: u32 = 150;

/// More rows than a round gets through, so that there is load throughout.
pub const MAIN: Shape = Shape { name: "M", count: 60_000, ..Shape::PLAIN };
pub const HOT: Shape = Shape { name: "H", hot: true, ..MAIN };
pub const GARBAGE: Shape = Shape { name: "G", garbage_percent: 1, ..MAIN };

/// One file of rows and how to find it again.
pub struct Stream {
    pub shape: &'static str,
    pub events: Events,
}

/// Where time is the broker's, rows are dated about when they are fed, so an hour of theirs is a second.
pub const FASTER_IN_BROKER_TIME: u64 = 3_600;

/// Soon: by then the feed has started. Intake takes what is up to a minute ahead.
pub fn start_of_broker_time_ms() -> u64 {
    const SOON_MS: u64 = 5_000;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    u64::try_from(now).unwrap() + SOON_MS
}
