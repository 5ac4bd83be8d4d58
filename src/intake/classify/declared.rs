//! Declarations to facts: profiles and assessments of IoT cards, reports of resellers, owners of units.

use super::facts::{Facts, Maker};
use super::party::given;
use crate::codec::event::iot_card::{DeviceSaleReported, DeviceStockReported, IotCardProfiled, RiskAssessed};
use crate::codec::event::unit::BeneficialOwnersDeclared;
use crate::codec::event::{PartyKind, Text};
use crate::engine::base::{TimeMs, Token};
use crate::engine::declared::{CardFunction, CardFunctions, CardProfile, Owner};
use crate::engine::fact::{FactBody, Feed};
use crate::engine::subject::SubjectKind;
use crate::intake::refusal::RefusalCode;

const IOT_CARD: [PartyKind; 1] = [PartyKind::IotCard];
const OPENING: [PartyKind; 1] = [PartyKind::Opening];
const ANY_KIND: [PartyKind; 4] =
    [PartyKind::Account, PartyKind::PhoneCard, PartyKind::IotCard, PartyKind::Opening];

/// Those with a share that counts are at most a handful; more are a mistake.
const OWNERS_MAX: usize = 200;
/// A whole unit, in thousandths.
const WHOLE_PER_MILLE: u32 = 1_000;

impl Maker<'_> {
    /// A region or access point. It is compared with a profile's and enters no log.
    pub fn region(&self, region: Option<&Text<'_>>) -> Result<Option<Token>, RefusalCode> {
        let region = region.map(|text| &**text).filter(|text| !text.is_empty());
        region.map(|text| Ok(self.keys.token(SubjectKind::Address, self.bounded(text)?))).transpose()
    }

    pub fn profiled(&mut self, profiled: &IotCardProfiled<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let own = self.own(&profiled.card, &IOT_CARD)?;
        let device = self.shared(SubjectKind::Device, &profiled.device)?;
        let sold = [
            (profiled.data, CardFunction::Data),
            (profiled.voice, CardFunction::Voice),
            (profiled.sms, CardFunction::Sms),
        ];
        let functions = sold.into_iter().filter(|(has, _)| *has).map(|(_, function)| function);
        let profile = CardProfile {
            functions: functions.fold(CardFunctions::default(), CardFunctions::with),
            device: device.map(|device| device.token),
            region: self.region(profiled.region.as_ref())?,
            traffic: profiled.traffic.0,
            scene: profiled.scene.0,
            risk: profiled.risk.0,
        };
        let body = FactBody::CardProfiled { card: own.party, profile: Box::new(profile) };
        Ok(vec![self.to_holder(own.holder, at, body)])
    }

    pub fn assessed(&mut self, assessed: &RiskAssessed<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let own = self.own(&assessed.opening, &OPENING)?;
        // A kind of its own: who works here is joined with no customer.
        let assessor = self.outside_token(&assessed.assessor)?;
        let opening = own.party.subject.token;
        let body = FactBody::RiskAssessed { opening, passed: assessed.outcome.0, assessor };
        Ok(vec![self.to_holder(own.holder, at, body)])
    }

    pub fn device_sale(&mut self, sold: &DeviceSaleReported<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let own = self.own(&sold.card, &IOT_CARD)?;
        let kind = sold.reseller_kind.0;
        let reseller = self.reseller(kind, &sold.reseller)?;
        let feed = if kind == SubjectKind::Agent { Feed::DeviceSaleAgent } else { Feed::DeviceSaleOutlet };
        Ok(reseller.map(|reseller| self.met(feed, reseller, &own, None, at)).into_iter().collect())
    }

    pub fn device_stock(
        &mut self,
        stock: &DeviceStockReported<'_>,
        at: TimeMs,
    ) -> Result<Facts, RefusalCode> {
        if *stock.institution != *self.settings.institution {
            return Err(RefusalCode::InstitutionUnknown);
        }
        let kind = stock.reseller_kind.0;
        let reseller = self.reseller(kind, &stock.reseller)?;
        let feed = if kind == SubjectKind::Agent { Feed::DeviceStockAgent } else { Feed::DeviceStockOutlet };
        let body = FactBody::StockReported { feed, count: stock.in_stock };
        Ok(reseller.map(|reseller| self.to_subject(reseller, at, body)).into_iter().collect())
    }

    /// A reseller; none without a recorded basis for its kind.
    fn reseller(
        &mut self,
        kind: SubjectKind,
        id: &Text<'_>,
    ) -> Result<Option<crate::engine::subject::Subject>, RefusalCode> {
        let id = Some(id.clone());
        given(&id).ok_or(RefusalCode::FieldMissing)?;
        self.shared(kind, &id)
    }

    pub fn owners(
        &mut self,
        declared: &BeneficialOwnersDeclared<'_>,
        at: TimeMs,
    ) -> Result<Facts, RefusalCode> {
        let own = self.own(&declared.party, &ANY_KIND)?;
        let shares: u32 = declared.owners.iter().map(|owner| u32::from(owner.share_per_mille)).sum();
        if declared.owners.len() > OWNERS_MAX || shares > WHOLE_PER_MILLE {
            return Err(RefusalCode::FieldInvalid);
        }
        let mut owners: Vec<Owner> = Vec::with_capacity(declared.owners.len());
        for owner in &declared.owners {
            let person = self.outside_token(&owner.person)?;
            if owners.iter().any(|known| known.person == person) {
                return Err(RefusalCode::FieldInvalid);
            }
            owners.push(Owner { person, per_mille: owner.share_per_mille });
        }
        let body = FactBody::OwnersDeclared { owners, source: declared.source.0 };
        Ok(vec![self.to_holder(own.holder, at, body)])
    }

    /// Of somebody who is no party here. The kind is that of peers, so no holder, card or account of ours
    /// ever has the same token.
    fn outside_token(&self, id: &Text<'_>) -> Result<Token, RefusalCode> {
        if id.is_empty() {
            return Err(RefusalCode::FieldMissing);
        }
        Ok(self.keys.token(SubjectKind::Counterparty, self.bounded(id)?))
    }
}
