//! Appeals: a decision for the person lifts the measure, marks it overruled, and keeps the rule from
//! using what came before (S8, DESIGN D26).

use std::sync::Arc;

use super::{EngineError, Out, Partition};
use crate::engine::base::SpanMs;
use crate::engine::disposition::{AppealRef, EndCause};
use crate::engine::fact::{AppealOutcome, Fact};
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::measure::Lane;
use crate::engine::state::{MeasureState, Override};
use crate::engine::subject::SubjectKind;

impl Partition {
    pub(super) fn decide_appeal(
        &mut self,
        fact: &Fact,
        appeal: AppealRef,
        outcome: AppealOutcome,
        override_for: Option<SpanMs>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let found = self.by_appeal.get(&appeal.number()).copied();
        let of_holder = |measure: &&mut MeasureState| measure.holder == fact.route.token;
        let Some((id, measure)) =
            found.and_then(|id| Some((id, self.measures.get_mut(&id).filter(of_holder)?)))
        else {
            out.push(Effect::Unmatched { event: fact.event, reason: UnmatchedReason::AppealUnknown });
            return Ok(());
        };
        if measure.lane == Lane::Authority {
            // Only who ordered it ends it, by a release (D26).
            out.push(Effect::Unmatched { event: fact.event, reason: UnmatchedReason::AppealNotOurs });
            return Ok(());
        }
        if outcome == AppealOutcome::Upheld {
            return Ok(());
        }
        if measure.overruled {
            out.push(Effect::Unmatched { event: fact.event, reason: UnmatchedReason::AppealSettled });
            return Ok(());
        }
        measure.overruled = true;
        let measure = measure.clone();
        let default_for = self.rules.as_ref().map_or(SpanMs(0), |active| active.set.settings.override_for);
        let until = fact.at.plus(override_for.unwrap_or(default_for));
        self.end_measure(id, EndCause::Overturned, fact.event, fact.at, Some(until), out);
        let of_party = self.overrides.get_or_default(measure.party.subject);
        of_party.retain(|(name, _)| **name != *measure.rule.id);
        of_party.push((Arc::from(measure.rule.id.as_str()), Override { lift: fact.at, until }));
        self.count_overruled(&measure.rule.id, out)?;
        if measure.party.subject.kind == SubjectKind::Opening {
            self.accept_on_appeal(fact, &measure, id, out)?;
        }
        Ok(())
    }

    /// The overturned measure was the answer to a request that still waits: it is accepted now.
    fn accept_on_appeal(
        &mut self,
        fact: &Fact,
        measure: &MeasureState,
        id: crate::engine::disposition::DispositionId,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let token = measure.party.subject.token;
        let opening = self.holders.get(&measure.holder).and_then(|state| state.opening(token));
        let present =
            opening.filter(|opening| opening.is_pending()).and_then(|opening| opening.request.as_ref());
        let answers_it = present.is_some_and(|request| request.answer.disposition() == Some(id));
        let (true, Some(active)) = (answers_it, self.rules.clone()) else { return Ok(()) };
        self.change_request(measure.holder, token, |request| request.on_appeal = true);
        let cause = (fact.event, fact.at);
        self.accept_from(&measure.party, measure.holder, cause, &active, out);
        self.answer_again(measure.holder, fact.event, fact.at, out)
    }
}
