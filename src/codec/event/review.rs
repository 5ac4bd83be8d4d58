//! What people decide afterwards: appeals, and frauds that were confirmed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{OutcomeName, Text};
use super::object::{object, optional_object};
use super::party::OwnParty;

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
}

/// An event turned out to be part of a fraud. No rule here uses it yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct FraudConfirmed<'a> {
    /// The event's id.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub event_id: Text<'a>,
    /// Those of its parties that are ours; one at least.
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub payer: Option<OwnParty<'a>>,
    #[serde(borrow, default, deserialize_with = "optional_object", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub payee: Option<OwnParty<'a>>,
}
