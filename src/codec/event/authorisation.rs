//! What a customer authorises about their data of Art. 18(4), and takes back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{EventTime, Text, TraceClassName};
use super::object::object;
use super::party::OwnParty;

/// The party's holder opens another use of the device or location data that is held of them while an anomaly
/// is open: a use that serves themselves. It ends, and they can take it back at any moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AuthorisationGranted<'a> {
    /// An account, card or opening of the holder.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// Number of the record of what the customer agreed to. Evidence names it, so it says nothing of them.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
    /// The use that it opens: `victim` (warn or call a likely victim) or `protection` (soften a measure). No
    /// authorisation opens any other.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub purpose: Text<'a>,
    /// The classes of data that it opens.
    #[schemars(length(min = 1))]
    pub data: Vec<TraceClassName>,
    /// RFC 3339 with an offset; it ends by itself.
    pub until: EventTime,
}

/// An authorisation is taken back: from then on nothing is evaluated under it, of whatever time the question
/// is. A revoked number never holds again; what is agreed to anew has a number of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AuthorisationRevoked<'a> {
    /// An account, card or opening of the holder.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// Number of the authorisation.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
}
