//! Special temporary measures in an area, approved by the national mechanism (APL 35).
//!
//! Both events are signed, over the canonical bytes of `codec::authority`. The parts, in order, after the event
//! type and the institution: `number`, `issuer`, `level`, `approval`, `measure`, `start`, `end`, then each of
//! `outlets`, `terminals`, `regions` and `products` as its count and its texts; what an event does not have is empty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{EventTime, LevelName, ProductName, Text};

/// While it stands, rules that wait for it may ask for a verification, and for nothing harder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SpecialMeasureOrdered<'a> {
    /// The institution's name in the configuration; any other is refused.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub institution: Text<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
    /// Who issued it, as its key is registered.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub issuer: Text<'a>,
    pub level: LevelName,
    /// Reference of the approval by the national mechanism; without one it is refused.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub approval: Option<Text<'a>>,
    /// The name by which rules wait for it: lower-case letters, digits and `_`.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub measure: Text<'a>,
    pub start: EventTime,
    /// Without one it is refused: no term is made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "EventTime")]
    pub end: Option<EventTime>,
    /// Where requests are made, as they name it.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Text<'static>>")]
    pub outlets: Vec<Text<'a>>,
    /// Where cards pay.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Text<'static>>")]
    pub terminals: Vec<Text<'a>>,
    /// Where IoT cards are used.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Text<'static>>")]
    pub regions: Vec<Text<'a>>,
    /// Classes of product; all if there is none. A place or a class has to be named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<ProductName>")]
    pub products: Vec<ProductName>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signing_key: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signature: Option<Text<'a>>,
}

/// It is over at once, or never stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SpecialMeasureReleased<'a> {
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub institution: Text<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub issuer: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signing_key: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signature: Option<Text<'a>>,
}
