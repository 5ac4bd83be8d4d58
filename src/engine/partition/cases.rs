//! How an appeal, or a request for a human decision, goes its way through the table of appeals (S17).

use std::sync::Arc;

use super::appeals::unmatched;
use super::publish::{Draft, Of};
use super::{EngineError, Out, Partition};
use crate::engine::appeal::{AppealAnswer, AppealAnswered, AppealCase, AppealStep, HumanDecision, Papers};
use crate::engine::base::{Bilingual, Fingerprint, SpanMs, TimeMs, Token};
use crate::engine::disposition::{AppealRef, Disposition, DispositionId, EndCause, Head};
use crate::engine::evidence::Evidence;
use crate::engine::fact::Fact;
use crate::engine::ident::IdKind;
use crate::engine::input::{Effect, UnmatchedReason};
use crate::engine::life::{AppealAct, AppealEvent, Life, OfAppeal, due_of};
use crate::engine::measure::{Lane, Measure, MeasureKind};
use crate::engine::state::MeasureState;
use crate::engine::subject::SubjectKind;
use crate::engine::timer::Timer;

/// The reason that the notice of a milder measure gives.
pub(super) const MILDER_REASON: &str = "human_decision_milder";

/// What happens to a case.
pub(super) struct Tried {
    pub on: AppealEvent,
    pub evidence: Option<Fingerprint>,
    pub cause: (Fingerprint, TimeMs),
}

/// What an act needs to know beside the case.
#[derive(Clone, Copy, Default)]
struct Said<'a> {
    reason: Option<&'a Bilingual>,
    papers: Papers,
}

impl Partition {
    pub(super) fn follows_appeals(&self) -> bool {
        self.rules.as_ref().is_some_and(|active| active.set.lives.appeal.is_some())
    }

    /// A step of an appeal or of a request for a human decision.
    pub(super) fn step_of_appeal(
        &mut self,
        fact: &Fact,
        appeal: AppealRef,
        step: &AppealStep,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Some(id) = self.appealed(fact.route.token, appeal) else {
            return unmatched(fact, UnmatchedReason::AppealUnknown, out);
        };
        let tried = |on, evidence| Tried { on, evidence, cause: (fact.event, fact.at) };
        let (tried, papers) = match step {
            AppealStep::Filed { evidence, papers, .. } => (tried(AppealEvent::Filed, *evidence), *papers),
            AppealStep::Accepted => (tried(AppealEvent::Accepted, None), Papers::default()),
            AppealStep::PapersAsked(papers) => (tried(AppealEvent::PapersAsked, None), *papers),
            AppealStep::PapersGiven(papers) => (tried(AppealEvent::PapersGiven, None), *papers),
            AppealStep::HumanRequested => (tried(AppealEvent::HumanRequested, None), Papers::default()),
            AppealStep::HumanDecided { decision, decider, reason } => {
                return self.decide_as_human(id, *decision, *decider, reason.as_deref(), fact, out);
            }
        };
        let Some(acts) = self.step(id, &tried) else {
            let reason = self.why_none(id, tried.on);
            return unmatched(fact, reason, out);
        };
        for act in acts {
            self.say(id, act, Said { reason: None, papers }, tried.cause, out);
        }
        if tried.on == AppealEvent::Filed
            && let Some(rule) = self.measures.get(&id).map(|measure| measure.rule.clone())
        {
            self.count_outcome(&rule, |count| count.appeals += 1, out)?;
        }
        Ok(())
    }

    /// Why nothing follows on an event.
    fn why_none(&self, id: DispositionId, on: AppealEvent) -> UnmatchedReason {
        let measure = self.measures.get(&id).filter(|_| self.follows_appeals());
        match measure.filter(|_| on == AppealEvent::Filed) {
            Some(measure) if measure.overruled => UnmatchedReason::AppealSettled,
            Some(measure) if measure.case.as_ref().is_some_and(|case| case.open) => {
                UnmatchedReason::AppealOpen
            }
            Some(_) => UnmatchedReason::AppealNoNewEvidence,
            None => UnmatchedReason::AppealStepUnknown,
        }
    }

    fn decide_as_human(
        &mut self,
        id: DispositionId,
        decision: HumanDecision,
        decider: Token,
        reason: Option<&str>,
        fact: &Fact,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Some(measure) = self.measures.get(&id).filter(|_| self.follows_appeals()) else {
            return unmatched(fact, UnmatchedReason::AppealStepUnknown, out);
        };
        if measure.lane == Lane::Authority {
            return unmatched(fact, UnmatchedReason::AppealNotOurs, out);
        }
        let Some(reason) = self.disclosed(reason) else {
            return unmatched(fact, UnmatchedReason::AppealReasonUnknown, out);
        };
        let on = match decision {
            HumanDecision::Confirm => AppealEvent::HumanConfirmed,
            HumanDecision::Lift if measure.overruled => {
                return unmatched(fact, UnmatchedReason::AppealSettled, out);
            }
            HumanDecision::Lift => AppealEvent::HumanLifted,
            HumanDecision::Milder(kind) if !can_become(measure, kind, fact.at) => {
                return unmatched(fact, UnmatchedReason::HumanDecisionNotMilder, out);
            }
            HumanDecision::Milder(_) => AppealEvent::HumanMilder,
        };
        let tried = Tried { on, evidence: None, cause: (fact.event, fact.at) };
        let Some(acts) = self.step(id, &tried) else {
            return unmatched(fact, UnmatchedReason::AppealStepUnknown, out);
        };
        for act in acts {
            match (act, decision) {
                (AppealAct::Confirm, _) => {
                    if let Some(measure) = self.measures.get_mut(&id) {
                        measure.decided_by = Some(decider);
                    }
                    self.say(id, act, Said { reason: Some(&reason), ..Said::default() }, tried.cause, out);
                }
                (AppealAct::SetMilder, HumanDecision::Milder(kind)) => {
                    self.set_milder(id, kind, decider, fact, out)?;
                }
                _ => self.act_on_appeal(id, act, &tried, Some(&reason), None, fact, out)?,
            }
        }
        Ok(())
    }

    /// One act after a decision.
    #[expect(clippy::too_many_arguments, reason = "one act: of which case, on what, and how")]
    pub(super) fn act_on_appeal(
        &mut self,
        id: DispositionId,
        act: AppealAct,
        tried: &Tried,
        reason: Option<&Bilingual>,
        override_for: Option<SpanMs>,
        fact: &Fact,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        if act == AppealAct::Lift {
            let by_appeal = tried.on == AppealEvent::Overturned;
            let cause = if by_appeal { EndCause::Overturned } else { EndCause::LiftedByPerson };
            return self.overrule(id, cause, override_for, fact, out);
        }
        self.say(id, act, Said { reason, ..Said::default() }, tried.cause, out);
        Ok(())
    }

    /// The deadline of a case's state was reached, if it is still that state.
    pub(super) fn appeal_due(&mut self, id: DispositionId, entered: u32, due: TimeMs, out: Out<'_>) {
        let Some(measure) = self.measures.get(&id) else { return };
        if measure.case.as_ref().is_none_or(|case| case.entered != entered) {
            return;
        }
        let tried = Tried { on: AppealEvent::Due, evidence: None, cause: (measure.event, due) };
        for act in self.step(id, &tried).unwrap_or_default() {
            self.say(id, act, Said::default(), tried.cause, out);
        }
    }

    /// The time to appeal has passed: the measure is forgotten, unless something is still to be decided.
    pub(super) fn forget_measure(&mut self, id: DispositionId) {
        let Some(measure) = self.measures.get_mut(&id) else { return };
        match &mut measure.case {
            Some(case) if case.open => case.outlived = true,
            _ => {
                self.found_by.remove(id, measure);
                if let Some(measure) = self.measures.remove(&id) {
                    self.touch_anomaly(measure.holder, id);
                    self.keep_measure(id, measure);
                }
            }
        }
    }

    /// Takes the step that the table has for an event, and gives its acts; none when nothing follows.
    pub(super) fn step(&mut self, id: DispositionId, tried: &Tried) -> Option<Vec<AppealAct>> {
        let active = self.rules.clone()?;
        let life = active.set.lives.appeal.as_ref()?;
        let measure = self.measures.get_mut(&id)?;
        let begun = || Some(Box::new(AppealCase::begun(Arc::clone(&life.beginning()?.name))));
        let known = measure.case.take().or_else(begun)?;
        let brings_new = tried.evidence.is_some_and(|brought| !known.evidence.contains(&brought));
        let step = life.step_of(&known.state, tried.on, &measure.appealed(brings_new)).cloned();
        let Some(step) = step else {
            // A case that has not begun is none.
            measure.case = (known.entered > 0 || known.open).then_some(known);
            return None;
        };
        let mut case = known;
        let at = tried.cause.1;
        match tried.on {
            AppealEvent::Filed => (case.since, case.open) = (at, true),
            AppealEvent::HumanRequested => {
                case.since = if case.open { case.since } else { at };
                case.open = true;
            }
            AppealEvent::Due
            | AppealEvent::Accepted
            | AppealEvent::PapersAsked
            | AppealEvent::PapersGiven => {}
            AppealEvent::Upheld
            | AppealEvent::Overturned
            | AppealEvent::HumanConfirmed
            | AppealEvent::HumanLifted
            | AppealEvent::HumanMilder => {
                case.open = false;
                measure.awaits_human = false;
            }
        }
        case.evidence.extend(tried.evidence);
        measure.awaits_human |= step.acts.contains(&AppealAct::QueueHuman);
        if case.outlived && !case.open {
            case.outlived = false;
            let kept_for = active.set.settings.appeal_window;
            self.timers.set(at.plus(kept_for), Timer::MeasureForgotten(id));
        }
        enter(&mut case, life, step.to, &mut |due, entered, worsens| {
            self.timers.set(due, Timer::AppealDue { measure: id, entered, worsens });
        });
        measure.case = Some(case);
        let holder = measure.holder;
        self.touch_anomaly(holder, id);
        Some(step.acts)
    }

    /// What an act tells.
    fn say(
        &mut self,
        id: DispositionId,
        act: AppealAct,
        said: Said<'_>,
        (event, at): (Fingerprint, TimeMs),
        out: Out<'_>,
    ) {
        let answer = match act {
            AppealAct::TellReceived => AppealAnswer::Received,
            AppealAct::TellAccepted => AppealAnswer::Accepted,
            AppealAct::TellPapers => AppealAnswer::PapersAsked,
            AppealAct::TellUpheld => AppealAnswer::Upheld,
            AppealAct::Forward => AppealAnswer::Forwarded,
            AppealAct::Overdue => AppealAnswer::Overdue,
            AppealAct::QueueHuman => AppealAnswer::HumanDecisionDue,
            AppealAct::Confirm => AppealAnswer::Confirmed,
            AppealAct::Lift | AppealAct::SetMilder => return,
        };
        let (Some(measure), Some(active)) = (self.measures.get(&id), &self.rules) else { return };
        let name = crate::engine::life::Word::name(answer);
        let key = &self.identity.id_key;
        let (rule, party) = (measure.rule.clone(), measure.party.clone());
        let own = key.disposition(IdKind::Answered, &rule, party.subject, event, at, name);
        let (holder, lane, purpose) = (measure.holder, measure.lane, measure.purpose);
        let remedies = active.set.notices.remedies.get(lane.name()).cloned().unwrap_or_default();
        let answered = AppealAnswered {
            head: Head { id: own, lane, rule, party, holder, event, at, purpose },
            of: id,
            measure: measure.measure.clone(),
            appeal: measure.appeal,
            answer,
            reason: said.reason.cloned(),
            papers: said.papers,
            due: measure.case.as_ref().and_then(|case| case.due),
            remedies,
            utc_offset_minutes: measure.utc_offset_minutes,
        };
        out.push(Effect::Disposed(Box::new(Disposition::AppealAnswered(answered))));
    }

    /// A person decided for a milder measure: it lasts as long as the one whose place it takes.
    fn set_milder(
        &mut self,
        id: DispositionId,
        kind: MeasureKind,
        decider: Token,
        fact: &Fact,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let (Some(old), Some(active)) = (self.measures.get(&id).cloned(), self.rules.clone()) else {
            return Ok(());
        };
        let Some(life) = &active.set.lives.appeal else { return Ok(()) };
        let ground = self.ground_again(&old);
        self.end_measure(id, EndCause::Replaced, fact.event, fact.at, None, out);
        let draft = Draft {
            rule: old.rule,
            lane: old.lane,
            measure: Measure::from(kind),
            reason: MILDER_REASON,
            basis: &life.basis,
            party: &old.party,
            holder: old.holder,
            event: fact.event,
            at: fact.at,
            end: old.end,
            purpose: old.purpose,
            evidence: Evidence::default(),
            ground,
            of: Of::Follows { root: old.root, root_event: old.root_event, risk: old.risk },
        };
        let set = self.set_measure(draft, &active, out)?;
        if let Some(measure) = self.measures.get_mut(&set) {
            measure.decided_by = Some(decider);
        }
        Ok(())
    }
}

/// Enters a state, unless the case is in it already; its deadline counts from when the appeal was filed.
fn enter(case: &mut AppealCase, life: &Life<OfAppeal>, to: usize, set: &mut dyn FnMut(TimeMs, u32, bool)) {
    let Some(state) = life.state(to).filter(|state| state.name != case.state) else { return };
    case.state = Arc::clone(&state.name);
    case.entered += 1;
    case.due = due_of(state, case.since);
    if let (Some(at), Some(due)) = (case.due, state.due) {
        set(at, case.entered, due.worsens);
    }
}

/// Whether a milder measure may take the place of one that stands; answers to openings have none.
fn can_become(measure: &MeasureState, kind: MeasureKind, at: TimeMs) -> bool {
    let own = MeasureKind::ALL.into_iter().find(|own| Measure::from(*own) == measure.measure);
    !measure.ended
        && at < measure.end
        && measure.party.subject.kind != SubjectKind::Opening
        && own.is_some_and(|own| kind.is_milder_than(own))
}
