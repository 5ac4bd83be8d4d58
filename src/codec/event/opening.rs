//! The life of an opening: requested, opened, abandoned, closed, changed.
//!
//! Each event repeats the opening, its product and its holders: intake looks nothing up (D6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{HolderKindName, ProductName, Text};
use super::object::{object, optional_object};
use super::party::OwnParty;

/// Somebody asks to open a holding. It is answered before it happens (D23).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OpeningRequested<'a> {
    /// The request itself; kind `opening`.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub opening: OwnParty<'a>,
    pub product: ProductName,
    pub holder_kind: HolderKindName,
    /// Holders beside the routing one. Each counts it towards their own limits.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Text<'static>>")]
    pub co_holders: Vec<Text<'a>>,
    /// The agent who brought the request. This and the next five are dropped and counted unless
    /// the source records a basis for them.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub agent: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub device: Option<Text<'a>>,
    /// The contact phone number given.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub phone_number: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub outlet: Option<Text<'a>>,
    /// The address given: the institution's number of it or its normalised text, so that one address
    /// is always written one way.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub address: Option<Text<'a>>,
    /// Of a unit: its legal representative. Dropped and counted unless the source records a basis for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub legal_representative: Option<Text<'a>>,
    /// Independent channels by which the identity was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_channels: Option<u8>,
}

/// What was requested exists now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OpeningOpened<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub opening: OwnParty<'a>,
    /// The account or card that came of it; same holder, kind as the product demands.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub holding: OwnParty<'a>,
    pub product: ProductName,
    pub holder_kind: HolderKindName,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Text<'static>>")]
    pub co_holders: Vec<Text<'a>>,
}

/// The request came to nothing; its slot is free again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OpeningAbandoned<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub opening: OwnParty<'a>,
    pub product: ProductName,
    pub holder_kind: HolderKindName,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Text<'static>>")]
    pub co_holders: Vec<Text<'a>>,
}

/// A holding was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OpeningClosed<'a> {
    /// The request it came of; absent for a holding that was stated.
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub opening: Option<OwnParty<'a>>,
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub holding: OwnParty<'a>,
    pub product: ProductName,
    pub holder_kind: HolderKindName,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Text<'static>>")]
    pub co_holders: Vec<Text<'a>>,
}

/// The class of an open holding changed to `product`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OpeningChanged<'a> {
    /// The request it came of; absent for a holding that was stated.
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub opening: Option<OwnParty<'a>>,
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub holding: OwnParty<'a>,
    /// The class it has from now on.
    pub product: ProductName,
    pub holder_kind: HolderKindName,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Text<'static>>")]
    pub co_holders: Vec<Text<'a>>,
}
