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
}

/// From here on measures are enforced; before it everything only observes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct WentLive {}
