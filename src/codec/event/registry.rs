//! Every event type, once: its name, its Rust type, its reader and its schema.

use serde::{Deserializer, Serialize, Serializer};

use super::fault::Fault;
use super::object::object;
use super::undeclared::Undeclared;
use super::{
    appeal, authorisation, card_usage, control, correction, hold, holding, iot_card, notice, opening, review,
};
use super::{entry, lead, order};
use super::{settlement, special, transfer, unit, verification};

/// Declares the types. Adding one is adding its file and its line here.
macro_rules! event_types {
    ($($variant:ident $name:literal $type:ty, $static:ty;)*) => {
        /// The kinds of event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType { $($variant,)* }

        impl EventType {
            pub const ALL: &'static [EventType] = &[$(EventType::$variant,)*];

            /// The CloudEvents `type`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(EventType::$variant => $name,)* }
            }

            #[must_use]
            pub fn from_name(name: &str) -> Option<EventType> {
                match name { $($name => Some(EventType::$variant),)* _ => None }
            }

            /// The JSON Schema of its `data`.
            pub(super) fn data_schema(self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                match self { $(EventType::$variant => generator.subschema_for::<$static>(),)* }
            }
        }

        /// An event's data. Whose it is and when it happened stands in the envelope.
        #[derive(Clone, Debug)]
        pub enum Event<'a> { $($variant($type),)* }

        impl<'a> Event<'a> {
            #[must_use]
            pub fn event_type(&self) -> EventType {
                match self { $(Event::$variant(_) => EventType::$variant,)* }
            }

            /// Reads an event's data of a given type.
            ///
            /// # Errors
            /// The deserializer's own; `Fault::of` tells which fault it stands for.
            pub fn deserialize<D: Deserializer<'a>>(kind: EventType, data: D) -> Result<Event<'a>, D::Error> {
                match kind { $(EventType::$variant => object::<D, $type>(data).map(Event::$variant),)* }
            }
        }

        impl Serialize for Event<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Event::$variant(data) => data.serialize(serializer),)* }
            }
        }
    };
}

event_types! {
    TransferPosted "transfer_posted" transfer::TransferPosted<'a>, transfer::TransferPosted<'static>;
    CardPaymentPosted "card_payment_posted" transfer::CardPaymentPosted<'a>, transfer::CardPaymentPosted<'static>;
    OpeningRequested "opening_requested" opening::OpeningRequested<'a>, opening::OpeningRequested<'static>;
    OpeningOpened "opening_opened" opening::OpeningOpened<'a>, opening::OpeningOpened<'static>;
    OpeningAbandoned "opening_abandoned" opening::OpeningAbandoned<'a>, opening::OpeningAbandoned<'static>;
    OpeningClosed "opening_closed" opening::OpeningClosed<'a>, opening::OpeningClosed<'static>;
    OpeningChanged "opening_changed" opening::OpeningChanged<'a>, opening::OpeningChanged<'static>;
    HoldingStated "holding_stated" holding::HoldingStated<'a>, holding::HoldingStated<'static>;
    HoldingsAnswered "holdings_answered" holding::HoldingsAnswered<'a>, holding::HoldingsAnswered<'static>;
    CardUsageRecorded "card_usage_recorded" card_usage::CardUsageRecorded<'a>, card_usage::CardUsageRecorded<'static>;
    VerificationPassed "verification_passed" verification::VerificationPassed<'a>, verification::VerificationPassed<'static>;
    VerificationFailed "verification_failed" verification::VerificationFailed<'a>, verification::VerificationFailed<'static>;
    NoticeDelivered "notice_delivered" notice::NoticeDelivered<'a>, notice::NoticeDelivered<'static>;
    NoticeUndeliverable "notice_undeliverable" notice::NoticeUndeliverable<'a>, notice::NoticeUndeliverable<'static>;
    AppealDecided "appeal_decided" review::AppealDecided<'a>, review::AppealDecided<'static>;
    FraudConfirmed "fraud_confirmed" review::FraudConfirmed<'a>, review::FraudConfirmed<'static>;
    EventCorrected "event_corrected" correction::EventCorrected<'a>, correction::EventCorrected<'static>;
    RuleSetActivated "rule_set_activated" control::RuleSetActivated<'a>, control::RuleSetActivated<'static>;
    WentLive "went_live" control::WentLive<'a>, control::WentLive<'static>;
    AppealFiled "appeal_filed" appeal::AppealFiled<'a>, appeal::AppealFiled<'static>;
    AppealAccepted "appeal_accepted" appeal::AppealAccepted<'a>, appeal::AppealAccepted<'static>;
    AppealPapersAsked "appeal_papers_asked" appeal::AppealPapers<'a>, appeal::AppealPapers<'static>;
    AppealPapersGiven "appeal_papers_given" appeal::AppealPapers<'a>, appeal::AppealPapers<'static>;
    HumanDecisionRequested "human_decision_requested" appeal::HumanDecisionRequested<'a>, appeal::HumanDecisionRequested<'static>;
    HumanDecisionMade "human_decision_made" appeal::HumanDecisionMade<'a>, appeal::HumanDecisionMade<'static>;
    SettlementCancelled "settlement_cancelled" settlement::SettlementCancelled<'a>, settlement::SettlementCancelled<'static>;
    SettlementRecorded "settlement_recorded" settlement::SettlementRecorded<'a>, settlement::SettlementRecorded<'static>;
    SharingExplained "sharing_explained" verification::SharingExplained<'a>, verification::SharingExplained<'static>;
    HoldOrdered "hold_ordered" hold::HoldOrdered<'a>, hold::HoldOrdered<'static>;
    HoldReleased "hold_released" hold::HoldReleased<'a>, hold::HoldReleased<'static>;
    IotCardProfiled "iot_card_profiled" iot_card::IotCardProfiled<'a>, iot_card::IotCardProfiled<'static>;
    RiskAssessed "risk_assessed" iot_card::RiskAssessed<'a>, iot_card::RiskAssessed<'static>;
    DeviceSaleReported "device_sale_reported" iot_card::DeviceSaleReported<'a>, iot_card::DeviceSaleReported<'static>;
    DeviceStockReported "device_stock_reported" iot_card::DeviceStockReported<'a>, iot_card::DeviceStockReported<'static>;
    BeneficialOwnersDeclared "beneficial_owners_declared" unit::BeneficialOwnersDeclared<'a>, unit::BeneficialOwnersDeclared<'static>;
    OrderIssued "order_issued" order::OrderIssued<'a>, order::OrderIssued<'static>;
    OrderExtended "order_extended" order::OrderExtended<'a>, order::OrderExtended<'static>;
    OrderReleased "order_released" order::OrderReleased<'a>, order::OrderReleased<'static>;
    EntryListed "entry_listed" entry::EntryListed<'a>, entry::EntryListed<'static>;
    EntryRevoked "entry_revoked" entry::EntryRevoked<'a>, entry::EntryRevoked<'static>;
    AuthorisationGranted "authorisation_granted" authorisation::AuthorisationGranted<'a>, authorisation::AuthorisationGranted<'static>;
    AuthorisationRevoked "authorisation_revoked" authorisation::AuthorisationRevoked<'a>, authorisation::AuthorisationRevoked<'static>;
    OrderAnswered "order_answered" order::OrderAnswered<'a>, order::OrderAnswered<'static>;
    SpecialMeasureOrdered "special_measure_ordered" special::SpecialMeasureOrdered<'a>, special::SpecialMeasureOrdered<'static>;
    SpecialMeasureReleased "special_measure_released" special::SpecialMeasureReleased<'a>, special::SpecialMeasureReleased<'static>;
    LeadAnswered "lead_answered" lead::LeadAnswered<'a>, lead::LeadAnswered<'static>;
}

impl<'a> Event<'a> {
    /// Reads an event's data from its JSON. Fields that the type does not declare are added to
    /// `undeclared`, their paths under `prefix`.
    ///
    /// # Errors
    /// `Fault` when the text is not JSON or not data of this type.
    pub fn from_json(
        kind: EventType,
        json: &'a str,
        prefix: &str,
        undeclared: &mut Undeclared,
    ) -> Result<Event<'a>, Fault> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let mut ignore = |path: serde_ignored::Path<'_>| undeclared.add_ignored(prefix, &path);
        let event = Event::deserialize(kind, serde_ignored::Deserializer::new(&mut reader, &mut ignore))
            .map_err(|error| Fault::of_json(&error))?;
        reader.end().map_err(|error| Fault::of_json(&error))?;
        Ok(event)
    }
}
