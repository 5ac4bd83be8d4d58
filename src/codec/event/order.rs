//! Orders of authorities (APL 20): issued, extended, released, and the institution's own answer.
//!
//! The first three are signed, over the canonical bytes of `codec::authority`. The parts, in order, after
//! the event type and the institution: `number`, `issuer`, `level`, the kind by name (also when `code`
//! says it), `holder`, `kind` and `ref` of the party, `start`, `end`, `notice`, `notice_clause`,
//! `notice_until`; what an event does not have is empty. Where `code` is that of a case (X5), it is one more part.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{EventTime, LevelName, NoticeName, OrderAnswerName, OrderKindName, Text};
use super::object::object;
use super::party::OwnParty;

/// An authority orders something about one of our accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OrderIssued<'a> {
    /// The order's own number.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
    /// Who issued it, as its key is registered.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub issuer: Text<'a>,
    /// The issuer's level.
    pub level: LevelName,
    /// What it orders; may be left to `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<OrderKindName>")]
    pub kind: Option<OrderKindName>,
    /// The platform's code, read by `config/orders/codes.toml`: of the message, which then says the kind; or, beside
    /// `kind`, of the case that the order rests on.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub code: Option<Text<'a>>,
    /// The account, with its holder; kind `account`.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    pub start: EventTime,
    /// Without one it is refused: no term is made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "EventTime")]
    pub end: Option<EventTime>,
    /// When the person is told; `now` if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NoticeName>")]
    pub notice: Option<NoticeName>,
    /// With `deferred`: the clause that allows it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub notice_clause: Option<Text<'a>>,
    /// With `deferred`: the notice leaves then, or with the order's end if that is earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<EventTime>")]
    pub notice_until: Option<EventTime>,
    /// Id of the key, in the registry `orders.keys`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signing_key: Option<Text<'a>>,
    /// 128 hexadecimal digits.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signature: Option<Text<'a>>,
}

/// The order's end moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OrderExtended<'a> {
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub issuer: Text<'a>,
    /// As the order named it.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The new end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "EventTime")]
    pub end: Option<EventTime>,
    /// The platform's message code, which must be one of an extension.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub code: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signing_key: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signature: Option<Text<'a>>,
}

/// The order is over at once, or never acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OrderReleased<'a> {
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub issuer: Text<'a>,
    /// As the order named it.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    /// The platform's code, which must be one of a release, or 0000: the case was cancelled.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub code: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signing_key: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Text<'static>")]
    pub signature: Option<Text<'a>>,
}

/// Staff did what a query or return of funds asks, or could not. The institution's own; not signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OrderAnswered<'a> {
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub number: Text<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub issuer: Text<'a>,
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub party: OwnParty<'a>,
    pub answer: OrderAnswerName,
}
