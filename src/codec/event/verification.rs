//! Verifications that a measure asked for: passed or failed. Of a camera's or a document's picture
//! nothing is in here, and nothing is taken: the result and the method are enough (law.md T4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{MethodName, Text};
use super::object::object;
use super::party::OwnParty;

/// The party's holder was verified as asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct VerificationPassed<'a> {
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The measure that asked for it, by its disposition id, or any that followed from that one.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub disposition_id: Text<'a>,
    /// One that serves the measure's risk; a weaker one settles nothing.
    pub method: MethodName,
}

/// The party's holder did not pass.
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
    pub method: MethodName,
}

/// Why several people use one phone number was explained, and the explanation accepted (law.md B17):
/// parents and children, elderly people who are helped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SharingExplained<'a> {
    /// An account, card or opening of the holder who explained it.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The number, as openings give it. What is told of it counts for this holder no more.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub phone_number: Text<'a>,
}
