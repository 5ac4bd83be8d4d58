//! IoT cards: the assessment before a sale, what was agreed for a card, and what resellers report (APL 12).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::{AssessmentName, CardRiskName, ResellerName, SceneName, Text, TrafficName};
use super::object::object;
use super::party::OwnParty;

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What was agreed for an IoT card when it was sold, or when its use was agreed anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct IotCardProfiled<'a> {
    /// Kind `iot_card`.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub card: OwnParty<'a>,
    /// The functions it was sold with, the least that its use needs: data, calls, messages.
    #[serde(default, skip_serializing_if = "is_false")]
    pub data: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub voice: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub sms: bool,
    /// The one device it is bound to. Dropped and counted unless the source records a basis for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub device: Option<Text<'a>>,
    /// The region or access point it is to be used at: the carrier's own name of it, written one way.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<'static>>")]
    pub region: Option<Text<'a>>,
    pub traffic: TrafficName,
    pub scene: SceneName,
    /// How risky the use was assessed to be.
    pub risk: CardRiskName,
}

/// A person assessed the risk of a request for an IoT card, before the card is sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RiskAssessed<'a> {
    /// The request that was assessed; kind `opening`.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub opening: OwnParty<'a>,
    pub outcome: AssessmentName,
    /// The institution's own name of the member of staff who assessed it. Becomes a token.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub assessor: Text<'a>,
}

/// A reseller sold a device with an IoT card of ours in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DeviceSaleReported<'a> {
    /// The reseller's number with us. Dropped and counted unless the source records a basis for its kind.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub reseller: Text<'a>,
    pub reseller_kind: ResellerName,
    /// The card in the device; its holder is the user.
    #[serde(borrow, deserialize_with = "object")]
    #[schemars(with = "OwnParty<'static>")]
    pub card: OwnParty<'a>,
}

/// How many devices with IoT cards of ours a reseller has in stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DeviceStockReported<'a> {
    /// The institution's name in the configuration; any other is refused.
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub institution: Text<'a>,
    #[serde(borrow)]
    #[schemars(with = "Text<'static>")]
    pub reseller: Text<'a>,
    pub reseller_kind: ResellerName,
    /// Devices, not money.
    pub in_stock: u32,
}
