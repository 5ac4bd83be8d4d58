//! Which feeds of the engine a source can give at all: what `rules check` measures signals against.

use super::{Format, SourceMapping};
use crate::codec::event::EventType;
use crate::engine::authorisation::TraceClass;
use crate::engine::fact::Feed;
use crate::engine::life::Word;
use crate::engine::subject::SubjectKind;

impl SourceMapping {
    /// Whether some record of this source could become an event that gives the feed.
    #[must_use]
    pub fn gives(&self, feed: Feed) -> bool {
        let (kind, met) = behind(feed);
        let class = TraceClass::ALL.iter().copied().find(|class| class.feed() == feed);
        if let Some(class) = class {
            // Uses of cards give it as well as transfers.
            let kinds = [EventType::TransferPosted, EventType::CardUsageRecorded];
            let basis = self.abnormal_customers.basis(class).is_some();
            return basis && kinds.into_iter().any(|kind| self.maps(kind) && self.accepts(kind));
        }
        self.maps(kind)
            && self.accepts(kind)
            && met.is_none_or(|met| self.shared_subjects.basis(met).is_some())
    }

    fn maps(&self, kind: EventType) -> bool {
        self.format == Format::Native
            || self.tables.iter().any(|table| table.events.iter().any(|event| event.event_type == kind))
    }
}

/// The event type behind a feed, and the shared subject that meets somebody in it, which a source keeps
/// only on a recorded basis (D18).
pub(in crate::config) fn behind(feed: Feed) -> (EventType, Option<SubjectKind>) {
    match feed {
        Feed::TransferPayer | Feed::TransferPayee | Feed::LivelihoodPayee | Feed::EssentialPosted => {
            (EventType::TransferPosted, None)
        }
        Feed::TransferDevice => (EventType::TransferPosted, Some(SubjectKind::Device)),
        Feed::CardPaymentCard => (EventType::CardPaymentPosted, None),
        Feed::CardPaymentTerminal => (EventType::CardPaymentPosted, Some(SubjectKind::Terminal)),
        Feed::CardUsageCard | Feed::CallPlacedCard | Feed::CallReceivedCard | Feed::MessageSentCard => {
            (EventType::CardUsageRecorded, None)
        }
        Feed::CardUsageDevice => (EventType::CardUsageRecorded, Some(SubjectKind::Device)),
        Feed::OpeningRequestedHolder => (EventType::OpeningRequested, None),
        Feed::OpeningRequestedAgent => (EventType::OpeningRequested, Some(SubjectKind::Agent)),
        Feed::OpeningRequestedDevice => (EventType::OpeningRequested, Some(SubjectKind::Device)),
        Feed::OpeningRequestedPhoneNumber => (EventType::OpeningRequested, Some(SubjectKind::PhoneNumber)),
        Feed::OpeningRequestedOutlet => (EventType::OpeningRequested, Some(SubjectKind::Outlet)),
        Feed::OpeningRequestedAddress => (EventType::OpeningRequested, Some(SubjectKind::Address)),
        Feed::OpeningRequestedLegalRepresentative => {
            (EventType::OpeningRequested, Some(SubjectKind::LegalRepresentative))
        }
        // Of cards the usage gives it; the basis is of its own kind (`gives`).
        Feed::DeviceSeenCustomer | Feed::LocationSeenCustomer => (EventType::TransferPosted, None),
        // Measures are set on transfers (card payments have no payee to be warned of).
        Feed::VictimWarnedPayer | Feed::PassedOnPayee => (EventType::TransferPosted, None),
        Feed::DeviceSaleAgent => (EventType::DeviceSaleReported, Some(SubjectKind::Agent)),
        Feed::DeviceSaleOutlet => (EventType::DeviceSaleReported, Some(SubjectKind::Outlet)),
        Feed::DeviceStockAgent => (EventType::DeviceStockReported, Some(SubjectKind::Agent)),
        Feed::DeviceStockOutlet => (EventType::DeviceStockReported, Some(SubjectKind::Outlet)),
        Feed::FraudConfirmedPayer | Feed::FraudConfirmedPayee => (EventType::FraudConfirmed, None),
        Feed::FraudConfirmedTerminal => (EventType::FraudConfirmed, Some(SubjectKind::Terminal)),
    }
}
