//! Orders to hold what is kept of somebody beyond its term, where the law says so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{EventTime, HoldClassName, Text};
use super::object::object;
use super::party::OwnParty;

/// What is kept of the party's holder is held until then: nothing of it is deleted, and nothing is decided
/// by what would have been. The same number again extends or shortens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HoldOrdered<'a> {
    /// An account, card or opening of the holder.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// Number of the order.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
    /// All records, or those of anti-money-laundering review alone.
    pub class: HoldClassName,
    /// RFC 3339 with an offset; it ends by itself.
    pub until: EventTime,
    /// The law that the order names.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub basis: Text<'a>,
}

/// An order to hold ends before its time: what was kept by it alone is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HoldReleased<'a> {
    /// An account, card or opening of the holder.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// Number of the order.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
}
