//! Publishing: dispositions with their ids, notices and timers (S12, DESIGN D25, D26).

use std::sync::Arc;

use super::lives::{first_deadline, how_to_verify};
use super::rules::{Asked, Scene};
use super::{Active, EngineError, Out, Partition};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::{
    Disposition, DispositionId, EndCause, Head, MeasureEnded, MeasureSet, Observation, OpeningAccepted,
    ReservationLapsed,
};
use crate::engine::evidence::Evidence;
use crate::engine::fact::Fact;
use crate::engine::holder::Request;
use crate::engine::ident::IdKind;
use crate::engine::input::Effect;
use crate::engine::invariant::Before;
use crate::engine::life::Appealed;
use crate::engine::limit::Limit;
use crate::engine::measure::{Lane, Measure};
use crate::engine::notice::{NoticeOf, RuleName};
use crate::engine::purpose::Purpose;
use crate::engine::rule::Rule;
use crate::engine::state::{Finding, Ground, MeasureState};
use crate::engine::subject::Party;
use crate::engine::timer::Timer;
use crate::engine::verifying::{HowToVerify, Risk};

/// The rule name that acceptances and lapses bear.
pub(super) const OPENING_REQUEST: &str = "opening-request";

/// What is to be set, before it has an id or a notice.
pub(super) struct Draft<'a> {
    pub rule: RuleName,
    pub lane: Lane,
    pub measure: Measure,
    pub reason: &'a str,
    pub basis: &'a str,
    pub party: &'a Party,
    pub holder: Token,
    pub event: Fingerprint,
    pub at: TimeMs,
    pub end: TimeMs,
    pub purpose: Purpose,
    pub evidence: Evidence,
    /// Of a rule's measure: what its condition was evaluated on.
    pub ground: Option<Box<Ground>>,
    pub of: Of,
}

/// Whether a measure is the first of its chain, with its rule's risk, or follows another (S14).
#[derive(Clone, Copy)]
pub(super) enum Of {
    First(Risk),
    Follows { root: DispositionId, root_event: Fingerprint, risk: Risk },
}

impl Draft<'_> {
    /// Whether a person chose it: what follows by itself says what it follows.
    pub(super) fn is_by_person(&self) -> bool {
        matches!(self.of, Of::Follows { .. }) && self.evidence.follows.is_none()
    }
}

impl Partition {
    pub(super) fn set_measure_by_rule(
        &mut self,
        rule: &Rule,
        scene: &Scene<'_>,
        asked: Asked,
        active: &Active,
        out: Out<'_>,
    ) -> Result<DispositionId, EngineError> {
        let draft = Draft {
            rule: RuleName { id: rule.id.clone(), version: rule.version },
            lane: rule.lane(),
            measure: Measure::from(asked.measure),
            reason: &rule.reason,
            basis: &rule.basis,
            party: scene.party,
            holder: scene.holder,
            event: scene.event,
            at: scene.at,
            end: scene.at.plus(asked.lasts),
            purpose: asked.finding.purpose,
            evidence: asked.finding.evidence,
            ground: self.ground_of(scene, asked.bound),
            of: Of::First(rule.risk),
        };
        let id = self.set_measure(draft, active, out)?;
        self.count_measure(rule, asked.lasts, scene.at, out)?;
        Ok(id)
    }

    /// Sets a measure that ends by itself.
    pub(super) fn set_measure(
        &mut self,
        draft: Draft<'_>,
        active: &Active,
        out: Out<'_>,
    ) -> Result<DispositionId, EngineError> {
        let set = self.make_measure(draft, true, active)?;
        let id = set.head().id;
        out.push(Effect::Disposed(Box::new(Disposition::MeasureSet(set))));
        Ok(id)
    }

    /// Makes a measure and remembers it: its notice is composed first, so without one nothing happens at
    /// all. One that does not end by itself ends with what ordered it (S15, S16).
    pub(super) fn make_measure(
        &mut self,
        draft: Draft<'_>,
        ends_by_itself: bool,
        active: &Active,
    ) -> Result<MeasureSet, EngineError> {
        let is_carved_out = self.is_carved_out(&draft, active);
        let is_automated = !draft.is_by_person();
        let key = &self.identity.id_key;
        let measure = draft.measure;
        let id = key.disposition(
            IdKind::Set,
            &draft.rule,
            draft.party.subject,
            draft.event,
            draft.at,
            measure.name(),
        );
        let appeal = key.appeal(id);
        let (root, root_event, risk) = match draft.of {
            Of::First(risk) => (id, draft.event, risk),
            Of::Follows { root, root_event, risk } => (root, root_event, risk),
        };
        // What an authority lays down lives by its order or entry, and by no table of measures.
        let lives = draft.lane != Lane::Authority;
        let until = first_deadline(measure.name(), (draft.at, draft.end), active);
        let of = Appealed { measure: &measure, lane: draft.lane, is_automated, brings_new: false };
        let notice = active.set.notices.compose(NoticeOf {
            reason: draft.reason,
            basis: draft.basis,
            rule: draft.rule.clone(),
            measure: &measure,
            lane: draft.lane,
            start: draft.at,
            end: draft.end,
            appeal,
            verify: if lives {
                how_to_verify(measure.name(), risk, (draft.at, draft.end), until, active)
            } else {
                HowToVerify::NotAsked
            },
            recourse: active.set.recourse(&of),
        })?;
        let head = Head {
            id,
            lane: draft.lane,
            rule: draft.rule.clone(),
            party: draft.party.clone(),
            holder: draft.holder,
            event: draft.event,
            at: draft.at,
            purpose: draft.purpose,
        };
        let stands = self.measures.get(&id).is_some_and(|known| !known.ended);
        let before = Before { lifted: None, is_carved_out, stands };
        if ends_by_itself {
            self.timers.set(draft.end, Timer::MeasureExpires(id));
            self.timers.set(draft.end.plus(active.set.settings.appeal_window), Timer::MeasureForgotten(id));
        }
        let living = lives
            .then(|| self.begin_life(id, measure.name(), (draft.at, draft.end), draft.event, active))
            .flatten();
        let state = MeasureState {
            appeal,
            lane: draft.lane,
            rule: draft.rule.clone(),
            party: draft.party.clone(),
            holder: draft.holder,
            event: draft.event,
            measure: measure.clone(),
            purpose: draft.purpose,
            end: draft.end,
            ended: false,
            corrected: false,
            overruled: false,
            utc_offset_minutes: active.set.notices.utc_offset_minutes,
            decided_by: None,
            awaits_human: false,
            case: None,
            ground: draft.ground,
            start: draft.at,
            root,
            root_event,
            risk,
            reason: Arc::from(draft.reason),
            basis: Arc::from(draft.basis),
            living,
        };
        self.found_by.insert(id, &state);
        self.measures.insert(id, state);
        self.note_ground(id);
        self.touch_anomaly(draft.holder, id);
        let set = MeasureSet::new(head, measure, notice, draft.evidence);
        self.watch_set(&set, before);
        Ok(set)
    }

    /// What would have been done, by a rule.
    pub(super) fn observe(&mut self, rule: &Rule, scene: &Scene<'_>, asked: Asked, out: Out<'_>) {
        let name = RuleName { id: rule.id.clone(), version: rule.version };
        let measure = Measure::from(asked.measure);
        self.push_observation(
            name,
            rule.lane(),
            measure,
            scene.party,
            scene.holder,
            (scene.event, scene.at),
            asked.finding,
            out,
        );
    }

    /// What would have been answered, by a limit, before go-live.
    pub(super) fn observe_limit(
        &mut self,
        limit: &Limit,
        measure: Measure,
        request: &Request,
        fact: &Fact,
        finding: Finding,
        out: Out<'_>,
    ) {
        let name = RuleName { id: limit.id.clone(), version: limit.version };
        let (holder, cause) = (fact.route.token, (fact.event, request.at));
        self.push_observation(name, Lane::Limit, measure, &request.party, holder, cause, finding, out);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one record, named at the two calls above")]
    pub(super) fn push_observation(
        &mut self,
        rule: RuleName,
        lane: Lane,
        measure: Measure,
        party: &Party,
        holder: Token,
        (event, at): (Fingerprint, TimeMs),
        finding: Finding,
        out: Out<'_>,
    ) {
        let key = &self.identity.id_key;
        let id = key.disposition(IdKind::Observed, &rule, party.subject, event, at, measure.name());
        let purpose = finding.purpose;
        let head = Head { id, lane, rule, party: party.clone(), holder, event, at, purpose };
        out.push(Effect::Observed(Box::new(Observation { head, measure, evidence: finding.evidence })));
    }

    /// Ends a measure, unless it has ended. An overturned one ends even after it expired (S8).
    pub(super) fn end_measure(
        &mut self,
        id: DispositionId,
        cause: EndCause,
        event: Fingerprint,
        at: TimeMs,
        override_until: Option<TimeMs>,
        out: Out<'_>,
    ) {
        let Some(measure) = self.measures.get_mut(&id) else { return };
        measure.ended = true;
        measure.corrected |= cause == EndCause::Corrected;
        measure.ground = None;
        let measure = measure.clone();
        self.drop_ground(measure.holder, id);
        self.touch_anomaly(measure.holder, id);
        let name = measure.measure.name();
        let key = &self.identity.id_key;
        let ended_id = key.disposition(IdKind::Ended, &measure.rule, measure.party.subject, event, at, name);
        if !cause.keeps_firing() {
            // The firing that set it holds no more; a later firing of the same rule does.
            let of_party = self.firings.get_mut(&measure.party.subject).into_iter().flatten();
            for (name, firing) in of_party {
                if **name == *measure.rule.id && firing.event == measure.root_event {
                    firing.is_over = true;
                }
            }
        }
        let head = Head {
            id: ended_id,
            lane: measure.lane,
            rule: measure.rule,
            party: measure.party,
            holder: measure.holder,
            event,
            at,
            purpose: measure.purpose,
        };
        let ended = MeasureEnded {
            head,
            ended: id,
            measure: measure.measure,
            appeal: measure.appeal,
            cause,
            override_until,
            utc_offset_minutes: measure.utc_offset_minutes,
            is_told: measure.lane != Lane::Authority || self.tells_of(measure.holder, id),
        };
        self.watch_end(id, &ended);
        out.push(Effect::Disposed(Box::new(Disposition::MeasureEnded(ended))));
    }

    /// Ends a measure that still stands; does nothing to one that does not.
    pub(super) fn end_if_standing(
        &mut self,
        id: DispositionId,
        cause: EndCause,
        event: Fingerprint,
        at: TimeMs,
        out: Out<'_>,
    ) {
        if self.measures.get(&id).is_some_and(|measure| !measure.ended) {
            self.end_measure(id, cause, event, at, None, out);
        }
    }

    /// Publishes the acceptance of a request.
    pub(super) fn publish_acceptance(
        &mut self,
        party: &Party,
        holder: Token,
        (event, at): (Fingerprint, TimeMs),
        reserved_until: TimeMs,
        out: Out<'_>,
    ) {
        let head = self.opening_head(IdKind::Accepted, party, holder, (event, at));
        out.push(Effect::Disposed(Box::new(Disposition::OpeningAccepted(OpeningAccepted {
            head,
            reserved_until,
        }))));
    }

    pub(super) fn publish_lapse(&mut self, request: &Request, holder: Token, due: TimeMs, out: Out<'_>) {
        let cause = (request.reserved_by, due);
        let head = self.opening_head(IdKind::Lapsed, &request.party, holder, cause);
        out.push(Effect::Disposed(Box::new(Disposition::ReservationLapsed(ReservationLapsed { head }))));
    }

    fn opening_head(
        &self,
        kind: IdKind,
        party: &Party,
        holder: Token,
        (event, at): (Fingerprint, TimeMs),
    ) -> Head {
        let version = self.rules.as_ref().map_or(0, |active| active.set.version);
        let rule = RuleName { id: OPENING_REQUEST.to_owned(), version };
        let id = self.identity.id_key.disposition(kind, &rule, party.subject, event, at, "");
        let purpose = Purpose::SHARED_COUNT;
        Head { id, lane: Lane::Limit, rule, party: party.clone(), holder, event, at, purpose }
    }
}
