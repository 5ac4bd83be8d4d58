//! Data of Art. 18(4) and authorisations to facts (S22).

use std::sync::Arc;

use super::Destination;
use super::facts::{ANY_KIND, Facts, Maker};
use super::party::{Own, given};
use super::row::in_range;
use crate::codec::event::Text;
use crate::codec::event::authorisation::{AuthorisationGranted, AuthorisationRevoked};
use crate::engine::authorisation::{AuthorisedUse, TraceClass, TraceClasses};
use crate::engine::base::TimeMs;
use crate::engine::fact::{Fact, FactBody};
use crate::engine::life::Word;
use crate::engine::subject::SubjectKind;
use crate::intake::refusal::RefusalCode;

impl Maker<'_> {
    /// The device and location of an event on one of our parties, where the source holds them as data of
    /// abnormal customers; nothing where it holds neither so. It goes before the event's other facts.
    pub(super) fn traces(
        &self,
        own: &Own,
        device: &Option<Text<'_>>,
        location: &Option<Text<'_>>,
        at: TimeMs,
    ) -> Result<Option<(Destination, Fact)>, RefusalCode> {
        let held = |class, id| given(id).filter(|_| self.mapping.abnormal_customers.basis(class).is_some());
        let token = |class, kind, id| {
            let id = held(class, id).map(|id| self.bounded(id)).transpose()?;
            Ok::<_, RefusalCode>(id.map(|id| self.keys.token(kind, id)))
        };
        let device = token(TraceClass::Device, SubjectKind::Device, device)?;
        let location = token(TraceClass::Location, SubjectKind::Address, location)?;
        if device.is_none() && location.is_none() {
            return Ok(None);
        }
        let body = FactBody::TracesSeen { party: own.party.clone(), device, location };
        Ok(Some(self.to_holder(own.holder, at, body)))
    }

    /// The device of a transfer or usage as a subject of its own: nothing where it is data of abnormal
    /// customers.
    pub(super) fn own_device<'t>(
        &mut self,
        device: &'t Option<Text<'_>>,
    ) -> Result<Option<&'t str>, RefusalCode> {
        match self.mapping.abnormal_customers.basis(TraceClass::Device) {
            Some(_) => Ok(None),
            None => self.shared_id(SubjectKind::Device, device),
        }
    }

    /// Whether the source holds locations of abnormal customers.
    pub(super) fn holds_locations(&self) -> bool {
        self.mapping.abnormal_customers.basis(TraceClass::Location).is_some()
    }

    pub(super) fn authorisation_granted(
        &self,
        granted: &AuthorisationGranted<'_>,
        at: TimeMs,
    ) -> Result<Facts, RefusalCode> {
        let own = self.own(&granted.party, &ANY_KIND)?;
        let number = self.authorisation_number(&granted.number)?;
        let opens = AuthorisedUse::from_name(&granted.purpose)
            .ok_or(RefusalCode::AuthorisationPurposeNotGrantable)?;
        let data = granted.data.iter().fold(TraceClasses::default(), |all, class| all.with(class.0));
        if data.is_empty() {
            return Err(RefusalCode::FieldMissing);
        }
        let until = in_range(granted.until.0)?;
        if until <= at {
            return Err(RefusalCode::FieldInvalid);
        }
        let body = FactBody::AuthorisationGranted { number, opens, data, until };
        Ok(vec![self.to_holder(own.holder, at, body)])
    }

    pub(super) fn authorisation_revoked(
        &self,
        revoked: &AuthorisationRevoked<'_>,
        at: TimeMs,
    ) -> Result<Facts, RefusalCode> {
        let own = self.own(&revoked.party, &ANY_KIND)?;
        let number = self.authorisation_number(&revoked.number)?;
        Ok(vec![self.to_holder(own.holder, at, FactBody::AuthorisationRevoked { number })])
    }

    /// It leaves with evidence, so it is tested like a reference.
    fn authorisation_number(&self, number: &str) -> Result<Arc<str>, RefusalCode> {
        if number.trim().is_empty() {
            return Err(RefusalCode::FieldMissing);
        }
        if self.mapping.refs_checked {
            super::look_alike::tested(number)?;
        }
        self.bounded(number).map(Arc::from)
    }
}
