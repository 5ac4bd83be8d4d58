//! What customers already have: with us (stated), and elsewhere (the Art. 16 platform's answer).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{HolderKindName, ProductName, Text};
use super::object::object;
use super::party::OwnParty;

/// A holding existed before we were told of it: the bootstrap of limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HoldingStated<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub holding: OwnParty<'a>,
    pub product: ProductName,
    pub holder_kind: HolderKindName,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Text<'static>>")]
    pub co_holders: Vec<Text<'a>>,
}

/// The lawful platform answered how many of a product the person holds elsewhere (APL 16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HoldingsAnswered<'a> {
    /// The request that was asked about; kind `opening`.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub opening: OwnParty<'a>,
    pub product: ProductName,
    pub elsewhere_count: u32,
}
