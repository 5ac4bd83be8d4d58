//! What an authority says of a lead that was referred to it (APL 26).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{LeadOutcomeName, LeadSubjectName, Text};
use super::object::optional_object;
use super::party::OwnParty;

/// An authority answered a lead. What the lead was about is repeated, so nothing is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct LeadAnswered<'a> {
    /// The institution's name in the configuration; any other is refused.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub institution: Text<'a>,
    /// The lead's reference, such as `L-0123-4567-89AB`.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub lead_ref: Text<'a>,
    pub outcome: LeadOutcomeName,
    /// The card or account that the lead is about.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_object")]
    #[schemars(with = "Option<OwnParty<'static>>")]
    pub party: Option<OwnParty<'a>>,
    /// Of a lead about a shared subject: its kind, and its identifier as other events give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<LeadSubjectName>")]
    pub subject_kind: Option<LeadSubjectName>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub subject: Option<Text<'a>>,
}
