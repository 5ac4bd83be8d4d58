//! Verifications that a measure asked for: passed or failed. Schema only; nothing here uses them yet.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::Text;
use super::object::object;
use super::party::OwnParty;

/// The party's holder was verified as asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct VerificationPassed<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The measure that asked for it, by its disposition id.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub disposition_id: Text<'a>,
}

/// The party's holder did not pass, or did not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct VerificationFailed<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The measure that asked for it, by its disposition id.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub disposition_id: Text<'a>,
}
