//! What an authority says of a lead, as a fact of what the lead is about (ARCHITECTURE S23).

use super::facts::{Facts, Maker};
use super::party::given;
use crate::codec::event::PartyKind;
use crate::codec::event::lead::LeadAnswered;
use crate::engine::base::TimeMs;
use crate::engine::fact::FactBody;
use crate::engine::lead::LeadRef;
use crate::intake::refusal::RefusalCode;

/// What of ours a lead can be about.
const REFERRED: [PartyKind; 3] = [PartyKind::PhoneCard, PartyKind::IotCard, PartyKind::Account];

impl Maker<'_> {
    /// One fact for the partition of what the lead is about. Whether there is such a lead is known there.
    pub fn lead_answered(&mut self, answered: &LeadAnswered<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        if *answered.institution != *self.settings.institution {
            return Err(RefusalCode::InstitutionUnknown);
        }
        if answered.lead_ref.is_empty() {
            return Err(RefusalCode::FieldMissing);
        }
        let lead = LeadRef::parse(&answered.lead_ref).ok_or(RefusalCode::FieldInvalid)?;
        let lead = self.keys.names().lead(lead);
        let body = FactBody::LeadAnswered { lead, outcome: answered.outcome.0 };
        match (&answered.party, answered.subject_kind, given(&answered.subject)) {
            (Some(party), None, None) => {
                let own = self.own(party, &REFERRED)?;
                Ok(vec![self.to_holder(own.holder, at, body)])
            }
            (None, Some(kind), Some(_)) => {
                // Without a recorded basis for its kind nothing was ever referred about it (D18).
                let subject = self.shared(kind.0, &answered.subject)?;
                Ok(subject.map(|subject| self.to_subject(subject, at, body)).into_iter().collect())
            }
            _ => Err(RefusalCode::FieldInvalid),
        }
    }
}
