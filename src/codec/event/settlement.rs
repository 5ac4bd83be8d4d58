//! What became of a payment after it was asked for: taken back, or settled (law.md B11, L8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{Amount, Text};
use super::object::{object, optional_object};
use super::party::{Counterparty, OwnParty};

/// The payer took a transfer back while its settlement was delayed (law.md B11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SettlementCancelled<'a> {
    /// The payer's account.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The measure that delays it, by its disposition id.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub disposition_id: Text<'a>,
}

/// A transfer or card payment was settled. What it says of payer, payee, merchant and amount is compared
/// with what was asked for; payment data must be the same end to end (APL 19).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SettlementRecorded<'a> {
    /// Id of the event that asked for it.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub event_id: Text<'a>,
    /// Those of its parties that are ours, as settled; one at least. Of a card payment, the payer is the
    /// card's account.
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub payer: Option<OwnParty<'a>>,
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub payee: Option<OwnParty<'a>>,
    /// The other side when it is not ours.
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Counterparty<'static>>")]
    pub counterparty: Option<Counterparty<'a>>,
    /// The merchant's terminal, of a card payment. Dropped and counted unless the source records a basis
    /// for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub terminal: Option<Text<'a>>,
    #[serde(default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}
