//! Orders to hold what is kept of somebody beyond its term, where the law says so.
//!
//! Both are signed, over the canonical bytes of `codec::authority`. The parts, in order, after the event type
//! and the institution: `number`, `issuer`, `holder`, `kind` and `ref` of the party, `class`, `until`, `basis`;
//! what a release does not have is empty. Where the law itself lays down the term and no authority orders it,
//! the office of the institution that answers for it signs, under a key and a name of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{EventTime, HoldClassName, Text};
use super::object::object;
use super::party::OwnParty;

/// What is kept of the party's holder is held until then: nothing of it is deleted, and nothing is decided
/// by what would have been. The same order again extends or shortens it.
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
    /// Who issued it, as its key is registered.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub issuer: Text<'a>,
    /// All records, or those of anti-money-laundering review alone.
    pub class: HoldClassName,
    /// RFC 3339 with an offset; it ends by itself.
    pub until: EventTime,
    /// The law that the order names.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub basis: Text<'a>,
    /// Id of the key, in the registry `orders.keys`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signing_key: Option<Text<'a>>,
    /// 128 hexadecimal digits.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signature: Option<Text<'a>>,
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
    /// Who issued it, as its key is registered.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub issuer: Text<'a>,
    /// Id of the key, in the registry `orders.keys`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signing_key: Option<Text<'a>>,
    /// 128 hexadecimal digits.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signature: Option<Text<'a>>,
}
