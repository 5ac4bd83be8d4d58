//! Appeals: a decision for the person lifts the measure, marks it overruled, and keeps the rule from
//! using what came before (S8, DESIGN D26). How an appeal goes its way is in `cases` (S17).

use super::cases::Tried;
use super::{EngineError, Out, Partition};
use crate::engine::base::{Bilingual, Fingerprint, SpanMs, TimeMs, Token};
use crate::engine::disposition::{AppealRef, DispositionId, EndCause};
use crate::engine::fact::{AppealOutcome, Fact};
use crate::engine::holder::Request;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::life::AppealEvent;
use crate::engine::limit::Limit;
use crate::engine::measure::Lane;
use crate::engine::state::{MeasureState, Override};
use crate::engine::subject::SubjectKind;

/// How an appeal was decided, by whom, and why.
pub(super) struct Decided<'a> {
    pub outcome: AppealOutcome,
    pub override_for: Option<SpanMs>,
    pub decider: Option<Token>,
    pub reason: Option<&'a str>,
}

impl Partition {
    /// The measure of a holder that bears an appeal reference and is not forgotten.
    pub(super) fn appealed(&self, holder: Token, appeal: AppealRef) -> Option<DispositionId> {
        let id = self.found_by.appeal(appeal)?;
        self.measures.get(&id).filter(|measure| measure.holder == holder).map(|_| id)
    }

    pub(super) fn decide_appeal(
        &mut self,
        fact: &Fact,
        appeal: AppealRef,
        decided: &Decided<'_>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let found = self.appealed(fact.route.token, appeal);
        let Some((id, measure)) = found.and_then(|id| Some((id, self.measures.get(&id)?))) else {
            return unmatched(fact, UnmatchedReason::AppealUnknown, out);
        };
        if measure.lane == Lane::Authority {
            // Only who ordered it ends it, by a release (D26).
            return unmatched(fact, UnmatchedReason::AppealNotOurs, out);
        }
        let (is_overturned, overruled) = (decided.outcome == AppealOutcome::Overturned, measure.overruled);
        if !self.follows_appeals() {
            // Appeals without a table: a decision is all that is heard of them.
            return match is_overturned {
                true if overruled => unmatched(fact, UnmatchedReason::AppealSettled, out),
                true => self.overrule(id, EndCause::Overturned, decided.override_for, fact, out),
                false => Ok(()),
            };
        }
        if measure.decided_by.is_some()
            && (decided.decider.is_none() || decided.decider == measure.decided_by)
        {
            return unmatched(fact, UnmatchedReason::AppealDeciderIsSetter, out);
        }
        if is_overturned && overruled {
            return unmatched(fact, UnmatchedReason::AppealSettled, out);
        }
        let Some(reason) = self.disclosed(decided.reason) else {
            return unmatched(fact, UnmatchedReason::AppealReasonUnknown, out);
        };
        let on = if is_overturned { AppealEvent::Overturned } else { AppealEvent::Upheld };
        let tried = Tried { on, evidence: None, cause: (fact.event, fact.at) };
        let Some(acts) = self.step(id, &tried) else {
            return unmatched(fact, UnmatchedReason::AppealSettled, out);
        };
        for act in acts {
            self.act_on_appeal(id, act, &tried, Some(&reason), decided.override_for, fact, out)?;
        }
        Ok(())
    }

    /// The disclosable reason of an answer, if the rule set has it.
    pub(super) fn disclosed(&self, key: Option<&str>) -> Option<Bilingual> {
        self.rules.as_ref()?.set.notices.answer(key).cloned()
    }

    /// Lifts a measure, marks it overruled, and sets the override (S8).
    pub(super) fn overrule(
        &mut self,
        id: DispositionId,
        cause: EndCause,
        override_for: Option<SpanMs>,
        fact: &Fact,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Some(measure) = self.measures.get_mut(&id) else { return Ok(()) };
        measure.overruled = true;
        let measure = measure.clone();
        let default_for = self.rules.as_ref().map_or(SpanMs(0), |active| active.set.settings.override_for);
        let until = fact.at.plus(override_for.unwrap_or(default_for));
        self.end_measure(id, cause, fact.event, fact.at, Some(until), out);
        // What followed from it falls with it.
        let of_chain: Vec<DispositionId> = self.standing_of(measure.party.subject, measure.root).collect();
        for other in of_chain {
            if let Some(other) = self.measures.get_mut(&other) {
                other.overruled = true;
            }
            self.end_measure(other, cause, fact.event, fact.at, Some(until), out);
        }
        self.set_aside(&measure.rule.id, &measure.party, Override { lift: fact.at, until });
        self.count_outcome(&measure.rule, |count| count.overruled += 1, out)?;
        if measure.party.subject.kind == SubjectKind::Opening {
            self.accept_on_appeal((fact.event, fact.at), &measure, id, out)?;
        }
        Ok(())
    }

    /// The overturned measure was the answer to a request that still waits: it is accepted now.
    fn accept_on_appeal(
        &mut self,
        cause: (Fingerprint, TimeMs),
        measure: &MeasureState,
        id: DispositionId,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let token = measure.party.subject.token;
        let opening = self.holders.get(&measure.holder).and_then(|state| state.opening(token));
        let present =
            opening.filter(|opening| opening.is_pending()).and_then(|opening| opening.request.as_ref());
        let answers_it = present.is_some_and(|request| request.answer.disposition() == Some(id));
        let (true, Some(active)) = (answers_it, self.rules.clone()) else { return Ok(()) };
        self.change_request(measure.holder, token, |request| request.on_appeal = true);
        self.accept_from(&measure.party, measure.holder, cause, &active, out);
        self.answer_again(measure.holder, cause.0, cause.1, out)
    }

    /// Whether an appeal against what a limit said to this very request keeps it from saying it again (S10).
    pub(super) fn is_overruled(&self, limit: &Limit, request: &Request) -> bool {
        let of_opening = self.overrides.get(&request.party.subject).into_iter().flatten();
        let mut of_limit = of_opening.filter(|(rule, _)| **rule == *limit.id);
        of_limit.any(|(_, lifted)| {
            request.at <= lifted.lift && request.at < lifted.until && lifted.until > self.horizons.overrides
        })
    }
}

/// The event goes to the dead letters, with the reason.
pub(super) fn unmatched(fact: &Fact, reason: UnmatchedReason, out: Out<'_>) -> Result<(), EngineError> {
    out.push(Effect::Unmatched { event: fact.event, reason });
    Ok(())
}
