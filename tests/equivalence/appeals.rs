//! Random appeals, decisions on them, and requests for a human decision.

use std::sync::Arc;

use duecourse::engine::appeal::{AppealReason, AppealStep, HumanDecision, Paper, Papers};
use duecourse::engine::base::{Fingerprint, SpanMs, TimeMs, Token};
use duecourse::engine::disposition::AppealRef;
use duecourse::engine::fact::{AppealOutcome, Fact, FactBody};
use duecourse::engine::measure::{AccountStep, MeasureKind, VictimStep};

use super::dice::Dice;
use super::events::{To, Town};

/// What somebody may decide for; not all of it is milder than what stands.
const MILDER: [MeasureKind; 8] = [
    MeasureKind::Account(AccountStep::VerifyTransaction),
    MeasureKind::Account(AccountStep::VerifyTransaction),
    MeasureKind::Account(AccountStep::VerifyTransaction),
    MeasureKind::Account(AccountStep::VerifyTransaction),
    MeasureKind::Account(AccountStep::ReverifyIdentity),
    MeasureKind::Account(AccountStep::StopNonCounter),
    MeasureKind::Victim(VictimStep::Warn),
    MeasureKind::OpeningCheckFurther,
];

impl Town {
    /// A decision, mostly of an appeal that somebody may have made.
    pub fn appeal(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let known = (!self.appeals.is_empty()).then(|| *dice.pick(&self.appeals));
        // What a person decided about is another's to review.
        let reviewed = self.decided.last().copied().filter(|_| dice.chance(40));
        let known = reviewed.or_else(|| self.going_on(dice, 70)).or(known);
        let (appeal, holder) = match known {
            Some((appeal, holder)) if dice.chance(92) => (appeal, holder),
            Some((appeal, _)) => (appeal, Town::holder(dice).1),
            None => (AppealRef::from_bits(dice.next()), Town::holder(dice).1),
        };
        let outcome = if dice.chance(80) { AppealOutcome::Overturned } else { AppealOutcome::Upheld };
        let override_for = dice.chance(30).then(|| SpanMs(*dice.pick(&[0, 5_000, 50_000])));
        let decider = dice.chance(80).then(|| Token(dice.below(2) as u128));
        let body =
            FactBody::AppealDecided { appeal, outcome, override_for, decider, reason: Town::reason(dice) };
        vec![self.of_holder(holder, id, at, body)]
    }

    fn reason(dice: &mut Dice) -> Option<Arc<str>> {
        (!dice.chance(40)).then(|| Arc::from(if dice.chance(95) { "why" } else { "not a reason" }))
    }

    /// One of the last cases that somebody began, so that cases go on.
    fn going_on(&self, dice: &mut Dice, percent: u64) -> Option<(AppealRef, Token)> {
        let recent = self.cases.len().saturating_sub(2);
        (!self.cases.is_empty() && dice.chance(percent)).then(|| *dice.pick(&self.cases[recent..]))
    }

    /// A step of an appeal: one that begins is mostly against one of the last measures.
    pub fn step_of_appeal(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let begins = self.cases.is_empty() || dice.chance(35);
        let recent = self.appeals.len().saturating_sub(2);
        let going_on = if begins { None } else { self.going_on(dice, 95) };
        let (appeal, holder) = match (going_on, self.appeals.is_empty()) {
            (Some(case), _) => case,
            (None, true) => (AppealRef::from_bits(dice.next()), Town::holder(dice).1),
            (None, false) => *dice.pick(&self.appeals[recent..]),
        };
        let papers = Papers::default().with(*dice.pick(&[Paper::Other, Paper::IncomeProof]));
        let weights = if begins { [60, 2, 2, 2, 40, 2] } else { [8, 10, 24, 10, 6, 42] };
        let step = match dice.weighted(&weights) {
            0 => AppealStep::Filed {
                reason: AppealReason::Other,
                papers,
                evidence: dice.chance(60).then(|| Fingerprint(dice.below(4) as u64)),
            },
            1 => AppealStep::Accepted,
            2 => AppealStep::PapersAsked(papers),
            3 => AppealStep::PapersGiven(papers),
            4 => AppealStep::HumanRequested,
            _ => AppealStep::HumanDecided {
                decision: match dice.below(8) {
                    0 | 1 => HumanDecision::Confirm,
                    2 => HumanDecision::Lift,
                    _ => HumanDecision::Milder(*dice.pick(&MILDER)),
                },
                decider: Token(dice.below(2) as u128),
                reason: Town::reason(dice),
            },
        };
        if begins {
            self.cases.push((appeal, holder));
        }
        if matches!(step, AppealStep::HumanDecided { .. }) {
            self.decided.push((appeal, holder));
        }
        vec![self.of_holder(holder, id, at, FactBody::Appeal { appeal, step })]
    }
}
