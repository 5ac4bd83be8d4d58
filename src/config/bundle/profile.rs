//! The two operating points that a bundle is made for (`--profile`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::named;

/// Which thresholds hold and which rules run. It is part of the bundle, so the log names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// At most one false alert in a thousand.
    Strict,
    /// At most one in a hundred.
    Wide,
}

impl Profile {
    pub const ALL: [Profile; 2] = [Profile::Strict, Profile::Wide];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::Strict => "strict",
            Profile::Wide => "wide",
        }
    }

    /// # Errors
    /// The names there are.
    pub fn from_name(name: &str) -> Result<Profile, String> {
        named("profile", name, Profile::ALL.map(|profile| (profile.name(), profile)))
    }
}
