//! Special measures to facts for all partitions: signed, approved, bounded and with an end, or refused (APL 35).

use std::sync::Arc;

use super::facts::{Facts, Maker};
use super::order::{When, is_named, signed};
use super::party::given;
use super::row::in_range;
use crate::codec::authority::Canonical;
use crate::codec::event::special::{SpecialMeasureOrdered, SpecialMeasureReleased};
use crate::codec::event::{EventType, Text};
use crate::engine::base::Token;
use crate::engine::fact::FactBody;
use crate::engine::order::OrderName;
use crate::engine::special::{SpecialFact, SpecialSays, SpecialTerms};
use crate::engine::subject::SubjectKind;
use crate::intake::refusal::RefusalCode;

/// More places than that are no area.
const PLACES_MAX: usize = 1_000;

impl Maker<'_> {
    pub fn special_ordered(
        &self,
        event: &SpecialMeasureOrdered<'_>,
        when: When,
    ) -> Result<Facts, RefusalCode> {
        let name = self.special_name(&event.institution, &event.issuer, &event.number)?;
        let approval = given(&event.approval).ok_or(RefusalCode::SpecialWithoutApproval)?;
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if event.measure.is_empty() || !event.measure.bytes().all(is_plain) {
            return Err(RefusalCode::FieldInvalid);
        }
        let places = [
            (SubjectKind::Outlet, &event.outlets),
            (SubjectKind::Terminal, &event.terminals),
            // As a usage names its region.
            (SubjectKind::Address, &event.regions),
        ];
        let mut tokens: Vec<Token> = Vec::new();
        for (kind, names) in places {
            for name in names {
                tokens.push(self.keys.token(kind, self.bounded(name)?));
            }
        }
        tokens.sort_unstable();
        tokens.dedup();
        let terms = SpecialTerms {
            approval: Arc::from(self.bounded(approval)?),
            measure: Arc::from(self.bounded(&event.measure)?),
            level: event.level.0,
            start: in_range(event.start.0)?,
            end: in_range(event.end.ok_or(RefusalCode::OrderWithoutEnd)?.0)?,
            places: tokens,
            products: event.products.iter().map(|product| product.0).collect(),
        };
        if terms.end <= terms.start {
            return Err(RefusalCode::OrderTermInvalid);
        }
        if !terms.is_bounded() || terms.places.len() > PLACES_MAX {
            return Err(RefusalCode::SpecialUnbounded);
        }
        let by = signed(&event.issuer, &event.signing_key, &event.signature);
        let level = self.settings.orders.tested(by, &ordered(event), when.signed_at)?;
        if level != event.level.0 {
            return Err(RefusalCode::OrderKeyOfAnother);
        }
        let said = SpecialFact { name, says: SpecialSays::Ordered(terms) };
        Ok(vec![self.to_all(when.at, FactBody::Special(Box::new(said)))])
    }

    pub fn special_released(
        &self,
        event: &SpecialMeasureReleased<'_>,
        when: When,
    ) -> Result<Facts, RefusalCode> {
        let name = self.special_name(&event.institution, &event.issuer, &event.number)?;
        let by = signed(&event.issuer, &event.signing_key, &event.signature);
        self.settings.orders.tested(by, &released(event), when.signed_at)?;
        let said = SpecialFact { name, says: SpecialSays::Released };
        Ok(vec![self.to_all(when.at, FactBody::Special(Box::new(said)))])
    }

    fn special_name(&self, institution: &str, issuer: &str, number: &str) -> Result<OrderName, RefusalCode> {
        if *institution != *self.settings.institution {
            return Err(RefusalCode::InstitutionUnknown);
        }
        is_named(issuer, number)?;
        self.order_name(issuer, number)
    }
}

/// What an authority signs of a special measure.
#[must_use]
pub fn ordered(event: &SpecialMeasureOrdered<'_>) -> Canonical {
    let mut canonical = Canonical::new(EventType::SpecialMeasureOrdered.name(), &event.institution);
    for part in [&*event.number, &*event.issuer, event.level.0.name()] {
        canonical.text(part);
    }
    canonical.text(given(&event.approval).unwrap_or_default());
    canonical.text(&event.measure);
    canonical.time(Some(event.start.0));
    canonical.time(event.end.map(|end| end.0));
    for names in [&event.outlets, &event.terminals, &event.regions] {
        list(&mut canonical, names);
    }
    canonical.text(&event.products.len().to_string());
    event.products.iter().for_each(|product| canonical.text(product.0.name()));
    canonical
}

fn list(canonical: &mut Canonical, names: &[Text<'_>]) {
    canonical.text(&names.len().to_string());
    names.iter().for_each(|name| canonical.text(name));
}

/// What an authority signs of its release.
#[must_use]
pub fn released(event: &SpecialMeasureReleased<'_>) -> Canonical {
    let mut canonical = Canonical::new(EventType::SpecialMeasureReleased.name(), &event.institution);
    for part in [&*event.number, &*event.issuer] {
        canonical.text(part);
    }
    canonical
}
