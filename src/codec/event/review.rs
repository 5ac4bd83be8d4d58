//! What people decide afterwards: appeals, and frauds that were confirmed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{Amount, OutcomeName, Text};
use super::object::{object, optional_object};
use super::party::{Counterparty, OwnParty};

/// A reviewer or authority decided an appeal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AppealDecided<'a> {
    /// The account, card or opening that the measure is on.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The appeal reference from the notice: twelve symbols, dashes and case do not matter.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub appeal_ref: Text<'a>,
    pub outcome: OutcomeName,
    /// How long the rule may use only events after the lift; the rule set's own span if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3650))]
    pub override_days: Option<u16>,
    /// Opaque reference of the member of staff who decided; a token is kept of it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub decider: Option<Text<'a>>,
    /// Why it was upheld: key into the rule set's answers (`notices/answers.toml`).
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub reason: Option<Text<'a>>,
}

/// A transfer or card payment turned out to be part of a fraud. Its time is when that became known.
/// It repeats what the event said: intake looks nothing up (D6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct FraudConfirmed<'a> {
    /// The event's id.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub event_id: Text<'a>,
    /// Those of its parties that are ours; one at least. Of a card payment, the payer is the card's
    /// account.
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
    /// The terminal of a card payment. Dropped and counted unless the source records a basis for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub terminal: Option<Text<'a>>,
    #[serde(default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}
