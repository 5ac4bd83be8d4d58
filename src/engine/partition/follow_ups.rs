//! Measures that follow another: whether one may be set, and setting it (S14, DESIGN D26 to D28).

use sha2::{Digest, Sha256};

use super::lives::{Cause, Next};
use super::protecting::Harder;
use super::publish::{Draft, Of};
use super::readings::Readings;
use super::rules::Scene;
use super::settlements::SETTLEMENT;
use super::{Active, EngineError, Out, Partition};
use crate::engine::attributes::Attributes;
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::disposition::{DispositionId, HeldBack};
use crate::engine::evidence::Evidence;
use crate::engine::fact::Feed;
use crate::engine::holder::Holder;
use crate::engine::life::{Life, MeasureEvent, OfMeasure};
use crate::engine::measure::Measure;
use crate::engine::protection::Softening;
use crate::engine::rule::{Rule, Trigger};
use crate::engine::state::MeasureState;

/// Why somebody was not verified: keys into the table of disclosable reasons.
pub const REASON_FAILED: &str = "verification_failed";
pub const REASON_NOT_DONE: &str = "verification_not_done";

impl Partition {
    /// What may be set after a measure, softened where something protects the party, or why nothing may.
    pub(super) fn allowed(
        &mut self,
        measure: &MeasureState,
        next: Next,
        cause: Cause,
        active: &Active,
    ) -> Result<Next, HeldBack> {
        let rule = active.set.rules.iter().find(|rule| rule.id == measure.rule.id);
        let acts = rule.map_or(measure.rule.id == SETTLEMENT, Rule::may_act);
        if !acts {
            return Err(HeldBack::RuleSilent);
        }
        if measure.awaits_human {
            return Err(HeldBack::AwaitsHuman);
        }
        if self.is_set_aside(measure, cause.at) {
            return Err(HeldBack::Override);
        }
        let next = self.softened(measure, next, cause, active)?;
        if rule.is_some_and(|rule| self.is_spent(rule, cause.at)) {
            return Err(HeldBack::BudgetSpent);
        }
        Ok(next)
    }

    /// Whether what the measure rests on was set aside by a lift since.
    fn is_set_aside(&self, measure: &MeasureState, at: TimeMs) -> bool {
        let of_party = self.overrides.get(&measure.party.subject).into_iter().flatten();
        let of_rule = of_party.filter(|(name, _)| **name == *measure.rule.id);
        of_rule.into_iter().any(|(_, lifted)| {
            at < lifted.until && measure.start <= lifted.lift && lifted.until > self.horizons.overrides
        })
    }

    /// A protection that certainly holds makes a follow-up milder; one that is no harder than what stands is not set.
    fn softened(
        &mut self,
        measure: &MeasureState,
        next: Next,
        cause: Cause,
        active: &Active,
    ) -> Result<Next, HeldBack> {
        let (Some(standing), Some(asked)) = (measure.measure.kind(), next.measure.kind()) else {
            return Ok(next);
        };
        let party = measure.party.subject;
        // What follows is about the payment or use that the first measure was about, as it was told then.
        let ground = measure.ground.as_deref();
        let said = ground.map_or_else(Attributes::default, |ground| ground.attributes);
        let said = Holder::said_of(self.holders.get(&measure.holder), party, cause.at, said);
        let scene = Scene {
            trigger: Trigger::Feed(Feed::TransferPayer),
            party: &measure.party,
            holder: measure.holder,
            other: ground.and_then(|ground| ground.other),
            place: None,
            attributes: said,
            event: cause.event,
            entry: cause.event,
            at: cause.at,
            left_out: None,
        };
        let mut readings = Readings::default();
        let harder = Harder { measure: asked, rule: &measure.rule.id };
        let Some(protection) = self.protection_against(harder, &scene, None, active, &mut readings) else {
            return Ok(next);
        };
        let softened = self.softened_by(protection, asked, &scene, active);
        match protection.softening {
            Softening::AtMost(kind) if standing.is_milder_than(kind) => {
                Ok(Next { measure: Measure::from(kind), softened: Some(softened), ..next })
            }
            Softening::AtMost(_) | Softening::Waive => Err(HeldBack::Protected(softened.by)),
        }
    }

    /// Sets what follows; it is counted as the rule's, for as long as it may stand.
    #[expect(clippy::too_many_arguments, reason = "one step: of what, to what, why and when")]
    pub(super) fn set_following(
        &mut self,
        before: DispositionId,
        measure: &MeasureState,
        next: Next,
        life: &Life<OfMeasure>,
        cause: Cause,
        active: &Active,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let lasts = life.terms.get(next.act.sets().unwrap_or_default()).copied().unwrap_or(SpanMs::DAY);
        let end = cause.at.plus(lasts);
        let failed = cause.on == MeasureEvent::VerificationFailed;
        let evidence = Evidence {
            follows: Some(before),
            softened: next.softened,
            digest: Sha256::digest([]).into(),
            strength_millionths: 1_000_000,
            ..Evidence::default()
        };
        let draft = Draft {
            rule: measure.rule.clone(),
            lane: measure.lane,
            measure: next.measure,
            reason: if failed { REASON_FAILED } else { REASON_NOT_DONE },
            basis: &life.basis,
            party: &measure.party,
            holder: measure.holder,
            event: cause.event,
            at: cause.at,
            end,
            purpose: measure.purpose,
            evidence,
            ground: self.ground_again(measure),
            of: Of::Follows { root: measure.root, root_event: measure.root_event, risk: measure.risk },
        };
        self.set_measure(draft, active, out)?;
        // What was found is spoken for until the last of its measures is over.
        let of_party = self.firings.get_mut(&measure.party.subject).into_iter().flatten();
        for (name, firing) in of_party {
            let is_known = firing.until > self.horizons.firings;
            if **name == *measure.rule.id && firing.event == measure.root_event && is_known {
                firing.until = firing.until.max(end);
            }
        }
        match active.set.rules.iter().find(|rule| rule.id == measure.rule.id) {
            Some(rule) => self.count_measure(rule, lasts, cause.at, out),
            None => Ok(()),
        }
    }
}
