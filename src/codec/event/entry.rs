//! Entries on the list of joint sanctions (APL 31): a person is listed, or the entry is revoked.
//!
//! Both are signed, over the canonical bytes of `codec::authority`. The parts, in order, after the event type
//! and the institution: `number`, `issuer`, `level`, `holder`, `category`, `test`, `approval`, `start`,
//! `end`, `regime`; what an event does not have is empty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{CategoryName, EventTime, LevelName, ListingTestName, RegimeName, Text};

/// One person is listed. The entry names nobody else, and reaches nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct EntryListed<'a> {
    /// The entry's own number.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
    /// Who decided, as its key is registered.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub issuer: Text<'a>,
    /// The issuer's level: `prefecture` or above.
    pub level: LevelName,
    /// The institution's name in the configuration; any other is refused.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub institution: Text<'a>,
    /// The person's customer or identity number. Becomes a token; never leaves.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub holder: Text<'a>,
    pub category: CategoryName,
    /// Which test was found met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "ListingTestName")]
    pub test: Option<ListingTestName>,
    /// With `below_count`: the number of the provincial approval.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub approval: Option<Text<'a>>,
    pub start: EventTime,
    /// Without one it is refused: no term is made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "EventTime")]
    pub end: Option<EventTime>,
    /// `legacy` for an entry under the five-year rules before: stored, and never acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<RegimeName>")]
    pub regime: Option<RegimeName>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signing_key: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signature: Option<Text<'a>>,
}

/// The entry is withdrawn: everything it did ends at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct EntryRevoked<'a> {
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub issuer: Text<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub institution: Text<'a>,
    /// As the entry named them.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub holder: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signing_key: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signature: Option<Text<'a>>,
}
