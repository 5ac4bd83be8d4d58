//! The workload of the Kafka-to-Kafka bench and of the comparison with other stream processors: events,
//! signals and rules, described in `benches/peers/README.md` and made from a seed.
//!
//! An event is a transfer of one of our customers to an account elsewhere, about 400 bytes of JSON. It
//! concerns four subjects (account, holder, pair, device); each has six windows of four aggregates. Of
//! 100 rules 76 read account, holder and pair, and 24 the device. About one event in a hundred is adverse.

mod events;
mod rules;

#[allow(unused_imports, reason = "what only writes events reads none")]
pub use events::{Events, Population, number_at, number_of, time_of};
pub use rules::{Windows, write_folder};

pub const INSTITUTION: &str = "demo-bank";
