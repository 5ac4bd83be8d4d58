//! Measures as they are set, observed, ended and forgotten (S3, S12, S14).

use crate::engine::base::{SpanMs, TimeMs, Token};
use crate::engine::disposition::{
    Disposition, DispositionId, EndCause, Head, MeasureEnded, MeasureSet, Observation,
};
use crate::engine::evidence::Evidence;
use crate::engine::ident::IdKind;
use crate::engine::input::Effect;
use crate::engine::measure::{Lane, Measure, MeasureKind};
use crate::engine::notice::{NoticeOf, RuleName};
use crate::engine::purpose::Purpose;
use crate::engine::rule::{Rule, RuleOrigin};
use crate::engine::ruleset::RuleSet;
use crate::engine::verifying::{DeliveryChannel, Risk};

use super::conditions::mentioned;
use super::grounds::Ground;
use super::lives::{Stay, first_due, told_to_verify};
use super::openings::Adverse;
use super::proceedings::{Proceeding, expected};
use super::rules::Case;
use super::time::Timer;
use super::{Cause, Plain, PlainError};

/// A measure that was set here.
#[derive(Clone)]
pub(super) struct Held {
    pub set: MeasureSet,
    /// The first of its chain.
    pub root: DispositionId,
    pub risk: Risk,
    /// Keys of its wording.
    pub reason: String,
    pub basis: String,
    /// The states of its life so far; none if it only expires.
    pub stays: Vec<Stay>,
    pub undeliverable: Vec<DeliveryChannel>,
    /// Set by a rule, not by a limit on holdings: what is done in its name is counted.
    pub is_of_rule: bool,
    /// How it ended first.
    pub ended: Option<EndCause>,
    pub was_overturned: bool,
    /// Its time to appeal has passed.
    pub is_forgotten: bool,
    /// Place by order of setting.
    pub order: u64,
    /// The person who set or confirmed it.
    pub decided_by: Option<Token>,
    pub proceeding: Option<Proceeding>,
    /// Of a rule's firing: what it saw.
    pub ground: Option<Ground>,
}

/// In whose name something is published.
pub(super) struct Name {
    pub rule: RuleName,
    pub lane: Lane,
    pub purpose: Purpose,
}

/// What a rule or a limit asks for.
pub(super) struct Asked {
    pub name: Name,
    pub reason: String,
    pub basis: String,
    pub measure: Measure,
    pub lasts: SpanMs,
    pub is_of_rule: bool,
    pub risk: Risk,
    /// Of a measure that follows another, the first of its chain.
    pub root: Option<DispositionId>,
}

impl Asked {
    /// What a rule asks for, or what that was softened to.
    pub fn by_rule(rules: &RuleSet, rule: &Rule, measure: MeasureKind) -> Asked {
        let signals = mentioned(&rule.condition).into_iter().filter_map(|number| rules.signals.get(number));
        let purpose = signals.fold(rule.purpose, |joined, signal| joined.join(signal.purpose));
        let lane = match rule.origin {
            RuleOrigin::Measured(_) => rule.measure.lane(),
            RuleOrigin::Limit { .. } => Lane::Limit,
        };
        Asked {
            name: Name { rule: RuleName { id: rule.id.clone(), version: rule.version }, lane, purpose },
            is_of_rule: true,
            reason: rule.reason.clone(),
            basis: rule.basis.clone(),
            measure: measure.into(),
            lasts: rule.measure_for,
            risk: rule.risk,
            root: None,
        }
    }

    pub fn by_limit(adverse: &Adverse<'_>, lasts: SpanMs) -> Asked {
        let limit = adverse.limit;
        Asked {
            name: Name {
                rule: RuleName { id: limit.id.clone(), version: limit.version },
                lane: Lane::Limit,
                purpose: Purpose::SHARED_COUNT,
            },
            reason: adverse.reason.to_owned(),
            basis: limit.basis.clone(),
            measure: adverse.kind.into(),
            lasts,
            is_of_rule: false,
            risk: Risk::Medium,
            root: None,
        }
    }
}

impl Plain {
    pub(super) fn head(&self, kind: IdKind, name: &Name, measure: &str, case: Case<'_>) -> Head {
        let Case { event, at, holder, .. } = case;
        let party = case.party.clone();
        let id = self.identity.id_key.disposition(kind, &name.rule, party.subject, event, at, measure);
        let (lane, rule, purpose) = (name.lane, name.rule.clone(), name.purpose);
        Head { id, lane, rule, party, holder, event, at, purpose }
    }

    /// Sets a measure, with its notice, from the time of the case.
    pub(super) fn set_measure(
        &mut self,
        asked: &Asked,
        case: Case<'_>,
        evidence: Evidence,
    ) -> Result<DispositionId, PlainError> {
        let head = self.head(IdKind::Set, &asked.name, asked.measure.name(), case);
        let id = head.id;
        let end = case.at.plus(asked.lasts);
        let Some(rules) = self.rules.clone() else {
            return Err(PlainError::Rules("no rule set is active".to_owned()));
        };
        let first_due = first_due(&rules, asked.measure.name(), (case.at, end));
        // What is of a chain and says not what it follows, a person chose.
        let is_by_person = asked.root.is_some() && evidence.follows.is_none();
        let notice = rules.notices.compose(NoticeOf {
            reason: &asked.reason,
            basis: &asked.basis,
            rule: asked.name.rule.clone(),
            measure: &asked.measure,
            lane: asked.name.lane,
            start: case.at,
            end,
            appeal: self.identity.id_key.appeal(id),
            verify: told_to_verify(&rules, asked.measure.name(), asked.risk, (case.at, end), first_due),
            recourse: expected(&rules, &asked.measure, asked.name.lane, is_by_person),
        })?;
        let set = MeasureSet::new(head, asked.measure.clone(), notice, evidence);
        self.effects.push(Effect::Disposed(Box::new(Disposition::MeasureSet(set.clone()))));
        self.set_timer(end, Timer::MeasureExpires(id));
        self.set_timer(end.plus(rules.settings.appeal_window), Timer::MeasureForgotten(id));
        let held = Held {
            stays: self.first_stay(&rules, id, asked.measure.name(), (case.at, end), case.event),
            set,
            root: asked.root.unwrap_or(id),
            risk: asked.risk,
            reason: asked.reason.clone(),
            basis: asked.basis.clone(),
            undeliverable: Vec::new(),
            is_of_rule: asked.is_of_rule,
            ended: None,
            was_overturned: false,
            is_forgotten: false,
            order: self.next_order(),
            decided_by: None,
            proceeding: None,
            ground: None,
        };
        if asked.name.lane == Lane::Anomaly {
            self.measures_of.entry(case.holder).or_default().insert(id);
        }
        self.concerned.insert(case.holder);
        self.measures.insert(id, held);
        Ok(id)
    }

    /// A measure that an authority laid down: no rule's risk, chain or ground is behind it.
    pub(super) fn held_of_authority(&mut self, set: MeasureSet) -> Held {
        Held {
            stays: Vec::new(),
            root: set.head().id,
            risk: Risk::default(),
            reason: String::new(),
            basis: String::new(),
            undeliverable: Vec::new(),
            is_of_rule: false,
            ended: None,
            was_overturned: false,
            is_forgotten: false,
            order: self.next_order(),
            decided_by: None,
            proceeding: None,
            ground: None,
            set,
        }
    }

    /// Shows what would have been done.
    pub(super) fn observe(&mut self, asked: &Asked, case: Case<'_>, evidence: Evidence) {
        let head = self.head(IdKind::Observed, &asked.name, asked.measure.name(), case);
        let observation = Observation { head, measure: asked.measure.clone(), evidence };
        self.effects.push(Effect::Observed(Box::new(observation)));
    }

    /// Ends a measure, or ends it again on appeal.
    pub(super) fn end_measure(
        &mut self,
        id: DispositionId,
        how: EndCause,
        cause: Cause,
        override_until: Option<TimeMs>,
    ) {
        let Some(held) = self.measures.get(&id) else { return };
        let set = &held.set;
        let (event, at) = (cause.event, cause.at);
        let (head, name) = (set.head(), set.measure().name());
        let ended_id =
            self.identity.id_key.disposition(IdKind::Ended, &head.rule, head.party.subject, event, at, name);
        let ended = MeasureEnded {
            head: Head { id: ended_id, event, at, ..head.clone() },
            ended: id,
            measure: set.measure().clone(),
            appeal: set.notice().appeal,
            cause: how,
            override_until,
            utc_offset_minutes: set.notice().utc_offset_minutes,
            is_told: self.tells_person(id),
        };
        self.effects.push(Effect::Disposed(Box::new(Disposition::MeasureEnded(ended))));

        let is_first_end = self.stands(id);
        if let Some(held) = self.measures.get_mut(&id) {
            self.concerned.insert(held.set.head().holder);
            held.was_overturned |= how.overrules();
            // An end on appeal counts even after expiry: the firing no longer holds.
            if is_first_end || how.overrules() {
                held.ended = Some(how);
            }
        }
    }

    /// True while a measure has not ended.
    pub(super) fn stands(&self, id: DispositionId) -> bool {
        self.measures.get(&id).is_some_and(|held| held.ended.is_none())
    }

    pub(super) fn was_ended_early(&self, id: DispositionId) -> bool {
        let ended = self.measures.get(&id).and_then(|held| held.ended);
        ended.is_some_and(|how| {
            !matches!(how, EndCause::Expired | EndCause::Replaced | EndCause::Followed | EndCause::Verified)
        })
    }

    /// A measure's own end was reached. If it answered a request, the request lapses with it.
    pub(super) fn expire(&mut self, id: DispositionId, due: TimeMs) -> Result<(), PlainError> {
        let Some(held) = self.measures.get(&id).filter(|held| held.ended.is_none()) else {
            return Ok(());
        };
        let (event, holder) = (held.set.head().event, held.set.head().holder);
        self.end_measure(id, EndCause::Expired, Cause { event, at: due }, None);
        for request in &mut self.openings_mut(holder).requests {
            request.lapsed |= request.answered_by(id);
        }
        Ok(())
    }

    pub(super) fn forget(&mut self, id: DispositionId) {
        let Some(held) = self.measures.get_mut(&id) else { return };
        self.concerned.insert(held.set.head().holder);
        match &mut held.proceeding {
            Some(proceeding) if proceeding.is_open => proceeding.is_kept = true,
            _ => held.is_forgotten = true,
        }
    }
}
