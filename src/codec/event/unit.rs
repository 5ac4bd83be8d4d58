//! Units: who owns them (APL 15).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{OwnersSourceName, Text};
use super::object::object;
use super::party::OwnParty;

/// The beneficial owners of a unit were declared; they take the place of those declared before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct BeneficialOwnersDeclared<'a> {
    /// An account, card or request of the unit: its holder is who is owned.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// Where the declaration comes from.
    pub source: OwnersSourceName,
    /// None when the unit has none that count.
    #[serde(borrow)]
    #[schemars(with = "Vec<BeneficialOwner<'static>>")]
    pub owners: Vec<BeneficialOwner<'a>>,
}

/// One beneficial owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BeneficialOwner<'a> {
    /// Their identity number. Becomes a token of a kind of its own, which is joined with no customer.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub person: Text<'a>,
    /// Their share, in thousandths of the unit; all together at most 1000.
    pub share_per_mille: u16,
}
