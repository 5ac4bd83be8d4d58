//! Money that moves: transfers and card payments.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{Amount, Text};
use super::object::{object, optional_object};
use super::party::{Counterparty, OwnParty};

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A transfer was posted. Exactly two of `payer`, `payee` and `counterparty` are given: payer and
/// payee when both are ours, the counterparty in the place of the one that is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct TransferPosted<'a> {
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub payer: Option<OwnParty<'a>>,
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub payee: Option<OwnParty<'a>>,
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Counterparty<'static>>")]
    pub counterparty: Option<Counterparty<'a>>,
    #[serde(deserialize_with = "object")]
    pub amount: Amount,
    /// Salary, pension or another inflow that the law protects: it feeds nothing and triggers nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub protected: bool,
    /// The device the payer used. Dropped and counted unless the source records a basis for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub device: Option<Text<'a>>,
}

/// A payment with a card was posted on the card's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CardPaymentPosted<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub card: OwnParty<'a>,
    #[serde(deserialize_with = "object")]
    pub amount: Amount,
    /// The terminal. Dropped and counted unless the source records a basis for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub terminal: Option<Text<'a>>,
}
