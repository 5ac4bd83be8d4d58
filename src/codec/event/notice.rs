//! What became of a notice: the clock of a verification runs from delivery (law.md T3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{DeliveryName, Text};
use super::object::object;
use super::party::OwnParty;

/// The notice reached the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct NoticeDelivered<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The measure it was about, by its disposition id.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub disposition_id: Text<'a>,
    /// The way by which it came.
    pub channel: DeliveryName,
}

/// The notice could not be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct NoticeUndeliverable<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The measure it was about, by its disposition id.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub disposition_id: Text<'a>,
    /// The way that was tried.
    pub channel: DeliveryName,
}
