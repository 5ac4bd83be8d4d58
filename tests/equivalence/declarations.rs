//! Random declarations: what was agreed for cards, assessed of requests, declared of units, and what
//! resellers report.

use duecourse::engine::base::{Fingerprint, TimeMs, Token};
use duecourse::engine::declared::{
    CardFunctions, CardProfile, CardRisk, Owner, OwnersSource, Scene, TrafficClass,
};
use duecourse::engine::fact::{Fact, FactBody, Feed};
use duecourse::engine::subject::{Subject, SubjectKind};

use super::dice::Dice;
use super::events::{To, Town, party, token};

impl Town {
    /// What was agreed for a card, assessed of a request, or declared of a unit.
    pub fn declaration(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let (number, holder) = Town::holder(dice);
        let recent = self.openings.len().saturating_sub(4);
        let body = match dice.below(3) {
            0 => {
                let kind = if dice.chance(75) { SubjectKind::IotCard } else { SubjectKind::PhoneCard };
                let card = party(kind, number * 10 + dice.below(2) as u64);
                let device = |dice: &mut Dice| token(SubjectKind::Device, dice.below(2) as u64);
                let region = |dice: &mut Dice| token(SubjectKind::Address, dice.below(2) as u64);
                let profile = CardProfile {
                    functions: CardFunctions::from_bits(dice.below(8) as u8).unwrap(),
                    device: dice.chance(70).then(|| device(dice)),
                    region: dice.chance(70).then(|| region(dice)),
                    traffic: *dice.pick(TrafficClass::ALL),
                    scene: *dice.pick(Scene::ALL),
                    risk: *dice.pick(CardRisk::ALL),
                };
                FactBody::CardProfiled { card, profile: Box::new(profile) }
            }
            1 if !self.openings.is_empty() => {
                let (holder, opening, ..) = dice.pick(&self.openings[recent..]).clone();
                let opening = if dice.chance(90) { opening.subject.token } else { Token(5) };
                let passed = dice.chance(60);
                let body = FactBody::RiskAssessed { opening, passed, assessor: Token(9) };
                return vec![self.of_holder(holder, id, at, body)];
            }
            _ => {
                let owner =
                    |dice: &mut Dice, n: u128| Owner { person: Token(n), per_mille: dice.below(500) as u16 };
                let owners = (0..dice.below(3)).map(|n| owner(dice, n as u128)).collect();
                FactBody::OwnersDeclared { owners, source: OwnersSource::Filing }
            }
        };
        vec![self.of_holder(holder, id, at, body)]
    }

    /// A reseller sold a device with a card, or says how many it has.
    pub fn reseller(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let (number, holder) = Town::holder(dice);
        let (kind, sale, stock) = if dice.chance(60) {
            (SubjectKind::Agent, Feed::DeviceSaleAgent, Feed::DeviceStockAgent)
        } else {
            (SubjectKind::Outlet, Feed::DeviceSaleOutlet, Feed::DeviceStockOutlet)
        };
        let about = Subject::new(kind, token(kind, dice.below(2) as u64));
        if dice.chance(35) {
            let body = FactBody::StockReported { feed: stock, count: *dice.pick(&[0, 1, 50, 100]) };
            return vec![(self.to(about.token), Fact { event: id, at, route: about, body })];
        }
        let card = party(SubjectKind::IotCard, number * 10 + dice.below(2) as u64);
        vec![self.met(id, at, sale, about, holder, &card, None)]
    }
}
