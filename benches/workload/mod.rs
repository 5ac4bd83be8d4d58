//! The workload that the engine's speed and memory are stated for: four subjects an event (account,
//! holder, pair and device), six windows each with four aggregates, 100 rules.
//!
//! Events are transfers of own customers to accounts elsewhere; senders and devices are drawn by Zipf's
//! law, a sender's payees from a circle of its own. Everything comes from a seed.

mod events;
mod pipeline;
mod rules;

pub use events::{Events, Population};
pub use pipeline::{INSTITUTION, Pipeline, Spent};
pub use rules::{Rare, Windows, bundle};
