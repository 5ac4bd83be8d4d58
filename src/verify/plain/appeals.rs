//! Appeals decided, and what a lift does (S8).

use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::disposition::{AppealRef, EndCause};
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

impl Plain {
    pub(super) fn decide_appeal(
        &mut self,
        occasion: Occasion,
        appeal: AppealRef,
        outcome: AppealOutcome,
        override_for: Option<SpanMs>,
    ) -> Result<(), PlainError> {
        let holder = occasion.route.token;
        let cause = Cause { event: occasion.event, at: occasion.at };
        let named = self.measures.iter().find(|(_, held)| {
            held.set.notice().appeal == appeal && held.set.head().holder == holder && !held.is_forgotten
        });
        let Some((id, held)) = named else {
            self.unmatched(cause, UnmatchedReason::AppealUnknown);
            return Ok(());
        };
        let id = *id;
        if held.set.head().lane == Lane::Authority {
            self.unmatched(cause, UnmatchedReason::AppealNotOurs);
            return Ok(());
        }
        if outcome == AppealOutcome::Upheld {
            return Ok(());
        }
        if held.was_overturned {
            self.unmatched(cause, UnmatchedReason::AppealSettled);
            return Ok(());
        }
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        let (head, is_of_rule) = (held.set.head().clone(), held.is_of_rule);
        let until = cause.at.plus(override_for.unwrap_or(rules.settings.override_for));
        self.end_measure(id, EndCause::Overturned, cause, Some(until));
        let key = (head.rule.id.clone(), head.party.subject);
        self.overrides.insert(key, Override { lift: cause.at, until });
        if is_of_rule {
            self.count_overruled(&head.rule.id)?;
        }

        let place = self.openings_mut(holder).requests.iter().position(|request| request.answered_by(id));
        if let Some(place) = place.filter(|place| self.is_pending(holder, *place)) {
            self.accept(holder, place, cause, Answer::AcceptedOnAppeal);
            self.answer_again(holder, cause)?;
        }
        Ok(())
    }

    fn unmatched(&mut self, cause: Cause, reason: UnmatchedReason) {
        self.effects.push(Effect::Unmatched { event: cause.event, reason });
    }
}
