//! Use of phone and IoT cards.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{Text, UsageName};
use super::object::object;
use super::party::OwnParty;

/// A phone or IoT card was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CardUsageRecorded<'a> {
    /// Kind `phone_card` or `iot_card`.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub card: OwnParty<'a>,
    /// The device it was used in. Dropped and counted unless the source records a basis for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub device: Option<Text<'a>>,
    /// What for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageName>,
    /// The number at the other end of a call or message. It needs no recorded basis: it is no
    /// subject of its own but, like the counterparty of a transfer, a token inside this card's own
    /// windows, and one that is joined with no other number or card. Kept for calls and messages only.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub peer: Option<Text<'a>>,
    /// Megabytes of open (not directed) traffic that the card used this calendar month, this usage
    /// included, by the carrier's own meter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month_open_megabytes: Option<u32>,
    /// The region or access point where an IoT card was used, written as in its profile, with which it is
    /// compared and nothing else; of a phone card it is dropped. Where the source records that it holds
    /// locations of abnormal customers, it is that of either card.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub region: Option<Text<'a>>,
}
