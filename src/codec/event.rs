//! The native events: Rust types that are the one source of the JSON, its schemas and its reader.
//!
//! One file per family; `registry` names every type once. Texts are borrowed from the record. A
//! field that no type declares is dropped and counted; a field with the wrong type is refused.

pub mod appeal;
pub mod authorisation;
pub mod card_usage;
pub mod control;
pub mod correction;
pub mod entry;
pub mod envelope;
mod fault;
pub mod field;
pub mod hold;
pub mod holding;
pub mod iot_card;
pub mod lead;
mod name;
pub mod notice;
mod object;
pub mod opening;
pub mod order;
pub mod party;
pub mod plain;
mod registry;
pub mod review;
mod rfc3339;
pub mod schema;
pub mod settlement;
pub mod special;
pub mod transfer;
mod undeclared;
pub mod unit;
pub mod verification;

pub use fault::Fault;
pub use field::{Amount, EventTime, Text};
pub use party::{Counterparty, OwnParty, PartyKind};
pub use registry::{Event, EventType};
pub use undeclared::Undeclared;
