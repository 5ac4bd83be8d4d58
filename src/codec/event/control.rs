//! What decides how everything else is decided: rule sets and go-live (D28).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::Text;

/// A rule set begins to decide, in every facts partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RuleSetActivated<'a> {
    /// The canonical bundle text: all signals, rules, limits and notice texts.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub bundle: Text<'a>,
    /// SHA-256 of the bundle text, 64 lower-case hexadecimal digits.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>", regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: Text<'a>,
    /// Id of the signing key, in the registry `rules.signing_keys`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub signing_key: Option<Text<'a>>,
    /// Ed25519 signature over the bundle text, detached: 128 hexadecimal digits.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub signature: Option<Text<'a>>,
    /// Id of the impact assessment (PIPL 55, 56); production demands one.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub assessment: Option<Text<'a>>,
    /// Why a version that is not above the active one is to begin all the same.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub rollback: Option<Text<'a>>,
}

/// From here on measures are enforced; before it everything only observes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct WentLive<'a> {
    /// Why now, and who decided; production demands it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub reason: Option<Text<'a>>,
}
