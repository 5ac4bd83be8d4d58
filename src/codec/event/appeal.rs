//! Appeals and requests for a human decision, as they go their way (APL 32, AML 39, PIPL 24).
//!
//! Each repeats the party and the appeal reference of the notice: intake looks nothing up (D6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{AppealReasonName, HumanDecisionName, PaperName, Text};
use super::object::object;
use super::party::OwnParty;

/// A person appeals against a measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AppealFiled<'a> {
    /// The account, card or opening that the measure is on.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The appeal reference from the notice: twelve symbols, dashes and case do not matter.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub appeal_ref: Text<'a>,
    pub reason: AppealReasonName,
    /// Papers that were brought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub papers: Vec<PaperName>,
    /// Id of evidence that was not there before. Only its keyed fingerprint is kept.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub evidence_id: Option<Text<'a>>,
}

/// The appeal was accepted for review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AppealAccepted<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub appeal_ref: Text<'a>,
}

/// The reviewer asks for papers, or the person gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AppealPapers<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub appeal_ref: Text<'a>,
    #[schemars(length(min = 1))]
    pub papers: Vec<PaperName>,
}

/// The person asks that a human decide about an automated measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HumanDecisionRequested<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub appeal_ref: Text<'a>,
}

/// A person decided about an automated measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HumanDecisionMade<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub appeal_ref: Text<'a>,
    pub decision: HumanDecisionName,
    /// With `milder`: the measure that takes its place, by name.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub measure: Option<Text<'a>>,
    /// Opaque reference of the member of staff; a token is kept of it.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub decider: Text<'a>,
    /// Key into the rule set's answers (`notices/answers.toml`).
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub reason: Option<Text<'a>>,
}
