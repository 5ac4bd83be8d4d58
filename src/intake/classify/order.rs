//! Orders of authorities to facts: signed and complete, or refused.

use std::sync::Arc;

use super::facts::{Facts, Maker};
use super::party::{Own, given};
use super::row::in_range;
use crate::codec::authority::Canonical;
use crate::codec::event::field::{EventTime, NoticeName, NoticeWhen};
use crate::codec::event::order::{OrderAnswered, OrderExtended, OrderIssued, OrderReleased};
use crate::codec::event::{EventType, OwnParty, PartyKind, Text};
use crate::config::orders::{Codes, Means, Reported};
use crate::engine::base::TimeMs;
use crate::engine::fact::FactBody;
use crate::engine::notice::Telling;
use crate::engine::order::{CaseKind, OrderFact, OrderKind, OrderName, OrderSays, OrderTerms};
use crate::intake::orders::Signed;
use crate::intake::refusal::RefusalCode;

/// What an order can be about.
const ORDERED: [PartyKind; 2] = [PartyKind::Account, PartyKind::PhoneCard];

/// An event's time, and when its signature is tested.
#[derive(Clone, Copy)]
pub struct When {
    pub at: TimeMs,
    pub signed_at: TimeMs,
}

impl Maker<'_> {
    pub fn order_issued(&self, event: &OrderIssued<'_>, when: When) -> Result<Facts, RefusalCode> {
        let (kind, case) = kind_of(event, when.at)?;
        // Payments are an account's; what is linked may be linked to a card as well.
        let parties: &[PartyKind] =
            if kind == OrderKind::LinkedAccounts { &ORDERED } else { &[PartyKind::Account] };
        let (own, name) = self.ordered(&event.party, parties, &event.issuer, &event.number)?;
        let start = in_range(event.start.0)?;
        let end = in_range(event.end.ok_or(RefusalCode::OrderWithoutEnd)?.0)?;
        if end <= start {
            return Err(RefusalCode::OrderTermInvalid);
        }
        let telling = telling(event)?;
        let canonical = issued(&self.settings.institution, event, kind);
        let signed = signed(&event.issuer, &event.signing_key, &event.signature);
        let level = self.settings.orders.tested(signed, &canonical, when.signed_at)?;
        if level != event.level.0 {
            return Err(RefusalCode::OrderKeyOfAnother);
        }
        let terms = OrderTerms { kind, level, start, end, telling, case };
        Ok(self.order(own, name, OrderSays::Issued(terms), when.at))
    }

    pub fn order_extended(&self, event: &OrderExtended<'_>, when: When) -> Result<Facts, RefusalCode> {
        means(&event.code, Means::Extended, when.at)?;
        let (own, name) = self.ordered(&event.party, &ORDERED, &event.issuer, &event.number)?;
        let end = in_range(event.end.ok_or(RefusalCode::OrderWithoutEnd)?.0)?;
        let canonical = extended(&self.settings.institution, event);
        let signed = signed(&event.issuer, &event.signing_key, &event.signature);
        self.settings.orders.tested(signed, &canonical, when.signed_at)?;
        Ok(self.order(own, name, OrderSays::Extended { end }, when.at))
    }

    pub fn order_released(&self, event: &OrderReleased<'_>, when: When) -> Result<Facts, RefusalCode> {
        means(&event.code, Means::Released, when.at)?;
        let (own, name) = self.ordered(&event.party, &ORDERED, &event.issuer, &event.number)?;
        let canonical = released(&self.settings.institution, event);
        let signed = signed(&event.issuer, &event.signing_key, &event.signature);
        self.settings.orders.tested(signed, &canonical, when.signed_at)?;
        Ok(self.order(own, name, OrderSays::Released, when.at))
    }

    pub fn order_answered(&self, event: &OrderAnswered<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let (own, name) = self.ordered(&event.party, &ORDERED, &event.issuer, &event.number)?;
        Ok(self.order(own, name, OrderSays::Answered(event.answer.0), at))
    }

    fn order(&self, own: Own, name: OrderName, says: OrderSays, at: TimeMs) -> Facts {
        let said = OrderFact { name, party: own.party, says };
        vec![self.to_holder(own.holder, at, FactBody::Order(Box::new(said)))]
    }

    /// About which account of whom, and which order.
    fn ordered(
        &self,
        party: &OwnParty<'_>,
        allowed: &[PartyKind],
        issuer: &str,
        number: &str,
    ) -> Result<(Own, OrderName), RefusalCode> {
        is_named(issuer, number)?;
        let own = self.own(party, allowed)?;
        Ok((own, self.order_name(issuer, number)?))
    }

    /// Under which name an authority's word is known.
    pub(super) fn order_name(&self, issuer: &str, number: &str) -> Result<OrderName, RefusalCode> {
        let (issuer, number) = (self.bounded(issuer)?, self.bounded(number)?);
        Ok(OrderName { issuer: Arc::from(issuer), number: Arc::from(number) })
    }
}

/// Whether both parts of a name are there.
pub(super) fn is_named(issuer: &str, number: &str) -> Result<(), RefusalCode> {
    if issuer.is_empty() || number.is_empty() { Err(RefusalCode::FieldMissing) } else { Ok(()) }
}

pub(super) fn signed<'a>(
    issuer: &'a str,
    key: &'a Option<Text<'_>>,
    signature: &'a Option<Text<'_>>,
) -> Signed<'a> {
    Signed { issuer, key: given(key), signature: given(signature) }
}

/// What is ordered, by name, by the platform's code, or by both alike; or by name, with the code of the case that
/// it rests on.
fn kind_of(event: &OrderIssued<'_>, at: TimeMs) -> Result<(OrderKind, Option<CaseKind>), RefusalCode> {
    let codes = Codes::shipped();
    let (by_code, case) = match given(&event.code) {
        None => (None, None),
        Some(code) => match (codes.order(code, at), codes.report(code, at)) {
            (Some((Means::Issued, kind)), _) => (Some(kind), None),
            (None, Some(Reported::Case(case))) => (None, Some(case)),
            _ => return Err(RefusalCode::OrderCodeUnknown),
        },
    };
    match (event.kind.map(|kind| kind.0), by_code) {
        (None, None) => Err(RefusalCode::FieldMissing),
        (Some(named), Some(coded)) if named != coded => Err(RefusalCode::OrderCodeUnknown),
        (Some(kind), _) | (None, Some(kind)) => Ok((kind, case)),
    }
}

/// A code that an extension or release bears is one of extensions or releases; that a case was cancelled is a
/// release as well.
fn means(code: &Option<Text<'_>>, wanted: Means, at: TimeMs) -> Result<(), RefusalCode> {
    let Some(code) = given(code) else { return Ok(()) };
    let codes = Codes::shipped();
    let is_cancelled = codes.report(code, at) == Some(Reported::Cancelled);
    let meant = codes.order(code, at).map(|(means, _)| means);
    if meant == Some(wanted) || (is_cancelled && wanted == Means::Released) {
        Ok(())
    } else {
        Err(RefusalCode::OrderCodeUnknown)
    }
}

/// When the person is told. A deferral names its clause and its time, and nothing else does.
fn telling(event: &OrderIssued<'_>) -> Result<Telling, RefusalCode> {
    let when = event.notice.map_or(NoticeWhen::Now, |NoticeName(when)| when);
    match (when, given(&event.notice_clause), event.notice_until) {
        (NoticeWhen::Deferred, Some(clause), Some(EventTime(until))) => {
            Ok(Telling::Deferred { clause: Arc::from(clause), until: in_range(until)? })
        }
        (NoticeWhen::Now, None, None) => Ok(Telling::Now),
        (NoticeWhen::ByAuthority, None, None) => Ok(Telling::ByAuthority),
        _ => Err(RefusalCode::OrderNoticeInvalid),
    }
}

/// The parts that stand in every event about an order, up to its party.
fn named(
    kind: EventType,
    institution: &str,
    (number, issuer): (&str, &str),
    (level, order): (&str, &str),
    party: &OwnParty<'_>,
) -> Canonical {
    let mut canonical = Canonical::new(kind.name(), institution);
    for part in [number, issuer, level, order, given(&party.holder).unwrap_or_default()] {
        canonical.text(part);
    }
    canonical.text(party.kind.map_or("", |kind| kind.subject_kind().name()));
    canonical.text(given(&party.reference).unwrap_or_default());
    canonical
}

/// What an authority signs of an order that it issues.
#[must_use]
pub fn issued(institution: &str, event: &OrderIssued<'_>, kind: OrderKind) -> Canonical {
    let what = (event.level.0.name(), kind.name());
    let name = (&*event.number, &*event.issuer);
    let mut canonical = named(EventType::OrderIssued, institution, name, what, &event.party);
    canonical.time(Some(event.start.0));
    canonical.time(event.end.map(|end| end.0));
    canonical.text(event.notice.map_or("", |NoticeName(when)| when.name()));
    canonical.text(given(&event.notice_clause).unwrap_or_default());
    canonical.time(event.notice_until.map(|until| until.0));
    // One more part where the code says more than the kind does.
    if let Some(code) = given(&event.code).filter(|code| Codes::shipped().is_of_case(code)) {
        canonical.text(code);
    }
    canonical
}

/// What an authority signs of an extension.
#[must_use]
pub fn extended(institution: &str, event: &OrderExtended<'_>) -> Canonical {
    let name = (&*event.number, &*event.issuer);
    let mut canonical = named(EventType::OrderExtended, institution, name, ("", ""), &event.party);
    canonical.time(None);
    canonical.time(event.end.map(|end| end.0));
    ends_without_notice(canonical)
}

/// What an authority signs of a release.
#[must_use]
pub fn released(institution: &str, event: &OrderReleased<'_>) -> Canonical {
    let name = (&*event.number, &*event.issuer);
    let mut canonical = named(EventType::OrderReleased, institution, name, ("", ""), &event.party);
    canonical.time(None);
    canonical.time(None);
    ends_without_notice(canonical)
}

fn ends_without_notice(mut canonical: Canonical) -> Canonical {
    for _ in 0..3 {
        canonical.text("");
    }
    canonical
}
