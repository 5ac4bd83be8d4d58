//! Orders to hold records, and their release: signed, with a basis and an end, or refused.

use super::facts::{ANY_KIND, Facts, Maker};
use super::order::{When, is_named, signed};
use super::party::{Own, given};
use super::row::in_range;
use crate::codec::authority::Canonical;
use crate::codec::event::hold::{HoldOrdered, HoldReleased};
use crate::codec::event::{EventType, OwnParty};
use crate::engine::fact::FactBody;
use crate::engine::order::OrderName;
use crate::intake::refusal::RefusalCode;

impl Maker<'_> {
    /// It says on what it rests, and it ends.
    pub fn hold_ordered(&self, event: &HoldOrdered<'_>, when: When) -> Result<Facts, RefusalCode> {
        let (own, name) = self.held(&event.party, &event.issuer, &event.number)?;
        if event.basis.trim().is_empty() {
            return Err(RefusalCode::FieldMissing);
        }
        let until = in_range(event.until.0)?;
        if until <= when.at {
            return Err(RefusalCode::FieldInvalid);
        }
        let by = signed(&event.issuer, &event.signing_key, &event.signature);
        self.settings.orders.tested(by, &ordered(&self.settings.institution, event), when.signed_at)?;
        let body = FactBody::HoldOrdered { name, class: event.class.0, until };
        Ok(vec![self.to_holder(own.holder, when.at, body)])
    }

    pub fn hold_released(&self, event: &HoldReleased<'_>, when: When) -> Result<Facts, RefusalCode> {
        let (own, name) = self.held(&event.party, &event.issuer, &event.number)?;
        let by = signed(&event.issuer, &event.signing_key, &event.signature);
        self.settings.orders.tested(by, &released(&self.settings.institution, event), when.signed_at)?;
        Ok(vec![self.to_holder(own.holder, when.at, FactBody::HoldReleased { name })])
    }

    /// Whose records, and under which order.
    fn held(
        &self,
        party: &OwnParty<'_>,
        issuer: &str,
        number: &str,
    ) -> Result<(Own, OrderName), RefusalCode> {
        is_named(issuer.trim(), number.trim())?;
        let own = self.own(party, &ANY_KIND)?;
        Ok((own, self.order_name(issuer, number)?))
    }
}

fn named(
    kind: EventType,
    institution: &str,
    (number, issuer): (&str, &str),
    party: &OwnParty<'_>,
) -> Canonical {
    let mut canonical = Canonical::new(kind.name(), institution);
    let holder = given(&party.holder).unwrap_or_default();
    let kind = party.kind.map_or("", |kind| kind.subject_kind().name());
    for part in [number, issuer, holder, kind, given(&party.reference).unwrap_or_default()] {
        canonical.text(part);
    }
    canonical
}

/// What is signed of an order to hold.
#[must_use]
pub fn ordered(institution: &str, event: &HoldOrdered<'_>) -> Canonical {
    let name = (&*event.number, &*event.issuer);
    let mut canonical = named(EventType::HoldOrdered, institution, name, &event.party);
    canonical.text(event.class.0.name());
    canonical.time(Some(event.until.0));
    canonical.text(&event.basis);
    canonical
}

/// What is signed of its release.
#[must_use]
pub fn released(institution: &str, event: &HoldReleased<'_>) -> Canonical {
    let name = (&*event.number, &*event.issuer);
    let mut canonical = named(EventType::HoldReleased, institution, name, &event.party);
    canonical.text("");
    canonical.time(None);
    canonical.text("");
    canonical
}
