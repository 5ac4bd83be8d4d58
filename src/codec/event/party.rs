//! Parties of an event: those of ours, with all that addresses them, and those outside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::Text;
use crate::engine::subject::SubjectKind;

/// What a party of ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PartyKind {
    /// A bank account, payment account or debit card.
    Account,
    PhoneCard,
    IotCard,
    /// A request to open something, by the institution's own number of it.
    Opening,
}

impl PartyKind {
    #[must_use]
    pub fn subject_kind(self) -> SubjectKind {
        match self {
            PartyKind::Account => SubjectKind::Account,
            PartyKind::PhoneCard => SubjectKind::PhoneCard,
            PartyKind::IotCard => SubjectKind::IotCard,
            PartyKind::Opening => SubjectKind::Opening,
        }
    }
}

/// A party of ours: one of the institution's own accounts, cards or openings.
///
/// The first four are required in native events. A mapped source may leave institution and kind to
/// its configuration, and the holder too if it declares `holder_from = account`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnParty<'a> {
    /// The institution's name in the configuration; any other is refused.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub institution: Option<Text<'a>>,
    /// The holder's customer or identity number. Becomes a token; never leaves.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub holder: Option<Text<'a>>,
    /// The institution's own opaque reference: never an identity, card or phone number. It is
    /// sealed, and opened where a measure or notice leaves for the institution.
    #[serde(borrow, rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub reference: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "PartyKind")]
    pub kind: Option<PartyKind>,
}

impl<'a> OwnParty<'a> {
    /// A complete party.
    #[must_use]
    pub fn new(
        institution: impl Into<Text<'a>>,
        holder: impl Into<Text<'a>>,
        reference: impl Into<Text<'a>>,
        kind: PartyKind,
    ) -> OwnParty<'a> {
        OwnParty {
            institution: Some(institution.into()),
            holder: Some(holder.into()),
            reference: Some(reference.into()),
            kind: Some(kind),
        }
    }
}

/// Whoever is at another institution. It has no state with us: a token inside our customer's windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counterparty<'a> {
    /// The account number as the payment carries it. Becomes a token; never leaves.
    #[serde(borrow)]
    pub account: Text<'a>,
}
