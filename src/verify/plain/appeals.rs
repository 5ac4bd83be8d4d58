//! Appeals decided, and what a lift does (S8). How an appeal goes its way is in `proceedings` (S17).

use crate::engine::base::{SpanMs, TimeMs, Token};
use crate::engine::disposition::{AppealRef, DispositionId, EndCause};
use crate::engine::fact::AppealOutcome;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::measure::Lane;

use super::openings::Answer;
use super::{Cause, Occasion, Plain, PlainError};

/// After a lift a rule sees only later events of a party, until the override ends.
pub(super) struct Override {
    pub lift: TimeMs,
    pub until: TimeMs,
}

/// A decision as its fact tells it.
pub(super) struct Decision<'a> {
    pub outcome: AppealOutcome,
    pub override_for: Option<SpanMs>,
    pub decider: Option<Token>,
    pub reason: Option<&'a str>,
}

impl Plain {
    /// The measure of a holder that an appeal reference names, unless it is forgotten.
    pub(super) fn named(&self, holder: Token, appeal: AppealRef) -> Option<DispositionId> {
        let mut all = self.measures.iter().filter(|(_, held)| {
            held.set.notice().appeal == appeal && held.set.head().holder == holder && !held.is_forgotten
        });
        all.next().map(|(id, _)| *id)
    }

    pub(super) fn decide_appeal(
        &mut self,
        occasion: Occasion,
        appeal: AppealRef,
        decision: &Decision<'_>,
    ) -> Result<(), PlainError> {
        let cause = Cause { event: occasion.event, at: occasion.at };
        let Some(id) = self.named(occasion.route.token, appeal) else {
            self.unmatched(cause, UnmatchedReason::AppealUnknown);
            return Ok(());
        };
        let lane = self.measures.get(&id).map(|held| held.set.head().lane);
        if lane == Some(Lane::Authority) {
            self.unmatched(cause, UnmatchedReason::AppealNotOurs);
            return Ok(());
        }
        let has_table = self.rules.as_ref().is_some_and(|rules| rules.lives.appeal.is_some());
        if has_table {
            return self.decide_by_table(id, decision, cause);
        }
        let was_overturned = self.measures.get(&id).is_some_and(|held| held.was_overturned);
        match decision.outcome {
            AppealOutcome::Upheld => Ok(()),
            AppealOutcome::Overturned if was_overturned => {
                self.unmatched(cause, UnmatchedReason::AppealSettled);
                Ok(())
            }
            AppealOutcome::Overturned => self.lift(id, EndCause::Overturned, decision.override_for, cause),
        }
    }

    /// The measure ends and is marked, and its rule looks only at what comes after, for a while.
    pub(super) fn lift(
        &mut self,
        id: DispositionId,
        how: EndCause,
        override_for: Option<SpanMs>,
        cause: Cause,
    ) -> Result<(), PlainError> {
        let (Some(rules), Some(held)) = (self.rules.clone(), self.measures.get(&id)) else { return Ok(()) };
        let (head, is_of_rule) = (held.set.head().clone(), held.is_of_rule);
        let holder = head.holder;
        let until = cause.at.plus(override_for.unwrap_or(rules.settings.override_for));
        let root = held.root;
        self.end_measure(id, how, cause, Some(until));
        for other in self.chain(root) {
            if self.stands(other) {
                self.end_measure(other, how, cause, Some(until));
            }
        }
        let key = (head.rule.id.clone(), head.party.subject);
        self.overrides.insert(key, Override { lift: cause.at, until });
        if is_of_rule {
            self.count_outcome(&head.rule, |count| count.overruled += 1)?;
        }

        let place = self.openings_mut(holder).requests.iter().position(|request| request.answered_by(id));
        if let Some(place) = place.filter(|place| self.is_pending(holder, *place)) {
            self.accept(holder, place, cause, Answer::AcceptedOnAppeal);
            self.answer_again(holder, cause)?;
        }
        Ok(())
    }

    pub(super) fn unmatched(&mut self, cause: Cause, reason: UnmatchedReason) {
        self.effects.push(Effect::Unmatched { event: cause.event, reason });
    }
}
