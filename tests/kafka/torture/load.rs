//! What is fed during a round: rows of a generated day, as often as needed with another file or rate.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::events::{Events, Shape};

/// Rows a second, unless a fault says otherwise.
pub const RATE: u32 = 150;

/// The rows of a whole round, one in a hundred garbage in those for that.
pub const MAIN: Shape = Shape { name: "M", count: 7_000, ..Shape::PLAIN };
pub const HOT: Shape = Shape { name: "H", count: 2_000, hot: true, ..Shape::PLAIN };
pub const GARBAGE: Shape = Shape { name: "G", count: 3_000, garbage_percent: 1, ..Shape::PLAIN };

/// One file of rows and how to find it again.
pub struct Stream {
    pub shape: &'static str,
    pub events: Events,
}

/// Events are dated so that broker time has just passed them.
pub fn start_of_broker_time_ms() -> u64 {
    const SPAN_OF_ALL_ROWS_MS: u64 = 4 * 86_400_000;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    u64::try_from(now).unwrap() - SPAN_OF_ALL_ROWS_MS
}
