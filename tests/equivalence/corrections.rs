//! Random corrections of what happened.

use duecourse::engine::base::{Fingerprint, Money, SpanMs, TimeMs};
use duecourse::engine::fact::{Dated, Fact, FactBody, TransferDetails};

use super::dice::Dice;
use super::events::{To, Town};

impl Town {
    /// A correction of an earlier event: mostly truthful about what was, sometimes not.
    pub fn correction(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let recent = self.history.len().saturating_sub(10);
        let Some(original) = (!self.history.is_empty()).then(|| dice.pick(&self.history[recent..]).clone())
        else {
            return self.transfer(dice, id, at);
        };
        let moved = SpanMs(*dice.pick(&[0, 0, 1_000, 15_000]));
        let amount = Town::amount(dice);
        let gone = dice.chance(35);
        let mut facts = Vec::new();
        for (to, fact) in &original.facts {
            let is_plain = !matches!(
                fact.body,
                FactBody::Corrected { .. }
                    | FactBody::AppealDecided { .. }
                    | FactBody::Appeal { .. }
                    | FactBody::HoldOrdered { .. }
                    | FactBody::HoldReleased { .. }
                    | FactBody::WentLive
            );
            if !is_plain {
                continue;
            }
            let body = Box::new(fact.body.clone());
            let before = dice.chance(92).then(|| Dated { at: fact.at, body: body.clone() });
            let after_at = if dice.chance(50) { fact.at.minus(moved) } else { fact.at.plus(moved) };
            let details = dice.chance(30).then(|| Town::details(dice));
            let after = (!gone)
                .then(|| Dated { at: after_at, body: with_details(with_amount(body, amount), details) });
            let body = FactBody::Corrected { original: original.id, before, after };
            facts.push((*to, Fact { event: id, at, route: fact.route, body }));
        }
        if facts.is_empty() { self.transfer(dice, id, at) } else { facts }
    }
}

fn with_amount(mut body: Box<FactBody>, new: Money) -> Box<FactBody> {
    match body.as_mut() {
        FactBody::Transfer { amount, .. } | FactBody::CardPayment { amount, .. } => *amount = new,
        FactBody::Met { amount: Some(amount), .. }
        | FactBody::FraudConfirmed { amount: Some(amount), .. } => {
            *amount = new;
        }
        _ => {}
    }
    body
}

fn with_details(mut body: Box<FactBody>, new: Option<TransferDetails>) -> Box<FactBody> {
    if let (FactBody::Transfer { details, .. }, Some(new)) = (body.as_mut(), new) {
        *details = TransferDetails { essential: details.essential, ..new };
    }
    body
}
