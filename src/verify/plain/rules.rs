//! Rules: when one fires, what softens it, and what came near (S7, S13).

use std::sync::Arc;

use crate::engine::attributes::Attributes;
use crate::engine::base::{Fingerprint, Money, TimeMs, Token};
use crate::engine::disposition::{DispositionId, EndCause};
use crate::engine::evidence::{Evidence, Missed, NEAR_MISSES_MAX, NearMiss, Softened};
use crate::engine::measure::MeasureKind;
use crate::engine::notice::RuleName;
use crate::engine::protection::{Protection, Softening};
use crate::engine::rule::{Rule, RuleOrigin, RuleStatus, Trigger};
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::{Party, SubjectKind};

use super::conditions::{Sight, ratio};
use super::grounds::Ground;
use super::measures::Asked;
use super::retention::Class;
use super::values::{Asker, Reading};
use super::{Plain, PlainError};

/// The last time a rule fired on a party.
pub(super) struct Firing {
    pub event: Fingerprint,
    pub end: TimeMs,
    /// The measure it set; an observed firing set none.
    pub measure: Option<DispositionId>,
}

/// What rules are evaluated on.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub event: Fingerprint,
    /// The name that the event's entries bear: of a correction's replacement, the original.
    pub source: Fingerprint,
    pub at: TimeMs,
    pub holder: Token,
    pub party: &'a Party,
    pub other: Option<Token>,
    /// Where it happened, if the event says.
    pub place: Option<Token>,
    pub amount: Option<Money>,
    /// What conditions may read besides signals.
    pub said: Attributes,
}

/// A protection, what it does, and the authorisations that it was read under.
pub(super) type Softens = (RuleName, Softening, Vec<Arc<str>>);

/// A comparison that fell short comes near from this ratio on, in millionths.
const NEAR: i128 = 800_000;

impl Plain {
    /// Evaluates the rules of a trigger in id order; those that fire act or are observed.
    pub(super) fn evaluate_rules(&mut self, trigger: Trigger, case: Case<'_>) -> Result<(), PlainError> {
        if case.party.subject.kind == SubjectKind::Opening {
            return self.evaluate_on_opening(trigger, case);
        }
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        let mut has_warned = false;
        for rule in &rules.rules {
            if let Some(evidence) = self.fires(&rules, rule, trigger, case) {
                let is_set = self.fire(rule, case, evidence)?.is_some();
                let is_own = matches!(rule.origin, RuleOrigin::Measured(_));
                has_warned |= is_set && is_own && matches!(rule.measure, MeasureKind::Victim(_));
            }
        }
        // Only now: no rule of a case reads what another one of the same case did.
        if has_warned {
            self.note_warning(case);
        }
        Ok(())
    }

    /// The evidence of a rule that fires, or nothing.
    pub(super) fn fires(
        &self,
        rules: &RuleSet,
        rule: &Rule,
        trigger: Trigger,
        case: Case<'_>,
    ) -> Option<Evidence> {
        let is_asked = is_asked(rule, trigger, case) && self.may_ask(rules, rule, case);
        if !is_asked || self.last_firing_stands(rule, case) || self.was_met_already(rule, case) {
            return None;
        }
        let sight = self.sight(rules, rule, case)?;
        if !sight.is_certain(&rule.condition) {
            return None;
        }
        let mut evidence = sight.evidence(&rule.condition);
        evidence.near_misses = self.near_misses(rules, rule, trigger, case);
        if case.party.subject.kind == SubjectKind::Opening {
            evidence.cleared_without.clear();
        }
        Some(evidence)
    }

    /// How a rule sees a case; nothing if an override sets the case aside.
    fn sight<'a>(&'a self, rules: &'a RuleSet, rule: &Rule, case: Case<'_>) -> Option<Sight<'a>> {
        let party = case.party.subject;
        let set_aside = self.overrides.get(&(rule.id.clone(), party));
        let forgotten = self.horizon(Class::Overrides);
        let stands = |until: TimeMs| case.at < until && until > forgotten;
        let bound = match set_aside.filter(|set_aside| stands(set_aside.until)) {
            Some(set_aside) if case.at <= set_aside.lift => return None,
            Some(set_aside) => set_aside.lift,
            None => TimeMs::MIN,
        };
        let asker = Asker { source: case.source, amount: case.amount, other: case.other };
        let reading = Reading { party, holder: case.holder, at: case.at, bound, asker, without: None };
        Some(Sight { plain: self, rules, reading, said: case.said })
    }

    /// A measure of the rule on the party bears the event of the case, and no correction took it back.
    fn was_met_already(&self, rule: &Rule, case: Case<'_>) -> bool {
        let known = self.measures.values().filter(|held| !held.is_forgotten);
        let mut of_case = known.filter(|held| {
            let head = held.set.head();
            (&head.rule.id, head.party.subject, head.event) == (&rule.id, case.party.subject, case.event)
        });
        of_case.any(|held| held.ended != Some(EndCause::Corrected))
    }

    fn last_firing_stands(&self, rule: &Rule, case: Case<'_>) -> bool {
        let last = self.last_firings.get(&(rule.id.clone(), case.party.subject));
        let Some(last) = last.filter(|last| last.end > self.horizon(Class::Firings)) else {
            return false;
        };
        // With all that followed from its measure, a firing is one.
        let chain = last.measure.map(|root| self.chain(root)).unwrap_or_default();
        let was_ended = chain.iter().any(|id| self.was_ended_early(*id));
        let ends = chain.iter().filter_map(|id| self.measures.get(id)).map(|held| held.set.notice().end);
        let end = ends.fold(last.end, TimeMs::max);
        last.event == case.event || (!rule.measure.is_per_event() && case.at < end && !was_ended)
    }

    /// The other rules that would have fired with a little more.
    fn near_misses(&self, rules: &RuleSet, fired: &Rule, trigger: Trigger, case: Case<'_>) -> Vec<NearMiss> {
        let miss = |rule: &Rule| {
            let sight = self.sight(rules, rule, case)?;
            let (held, missed): (Vec<_>, Vec<_>) =
                sight.comparisons(&rule.condition).into_iter().partition(|(_, truth)| truth.holds());
            let is_near = missed
                .iter()
                .all(|(shown, truth)| truth.is_found() && ratio(shown).is_some_and(|ratio| ratio >= NEAR));
            let missed = missed
                .into_iter()
                .map(|(shown, truth)| Missed { shown, uncertain: truth.is_open() })
                .collect();
            let is_miss = !sight.is_certain(&rule.condition) && !held.is_empty() && is_near;
            is_miss
                .then(|| NearMiss { rule: RuleName { id: rule.id.clone(), version: rule.version }, missed })
        };
        let others = rules.rules.iter().filter(|rule| {
            rule.id != fired.id && is_asked(rule, trigger, case) && self.may_ask(rules, rule, case)
        });
        others.filter_map(miss).take(NEAR_MISSES_MAX).collect()
    }

    pub(super) fn is_enforced(&self, rule: &Rule) -> bool {
        let watched = self.watched.get(&(rule.id.clone(), rule.version));
        self.would_act(rule) && !watched.is_some_and(|(_, shadowed)| *shadowed)
    }

    /// Whether it acts, unless it moved itself to shadow.
    fn would_act(&self, rule: &Rule) -> bool {
        rule.status == RuleStatus::Enforced
            && !matches!(rule.origin, RuleOrigin::Measured(None))
            && self.is_live
    }

    /// A rule fired: it sets a measure and tells the rule's own partition, or is observed. Gives the
    /// measure that was set.
    pub(super) fn fire(
        &mut self,
        rule: &Rule,
        case: Case<'_>,
        mut evidence: Evidence,
    ) -> Result<Option<DispositionId>, PlainError> {
        let Some(rules) = self.rules.clone() else { return Ok(None) };
        let mut measure = rule.measure;
        let mut is_set = self.is_enforced(rule);
        evidence.shadowed = !is_set && self.would_act(rule);
        // What only observes says what would have been done: since semantics 3 that is so for protections, too.
        let is_protected = is_set || rules.semantics >= 3;
        if let Some((by, softening, authorisations)) =
            self.softening(&rules, rule, case).filter(|_| is_protected)
        {
            let waived = softening == Softening::Waive;
            evidence.softened = Some(Softened { by, asked: rule.measure, waived, authorisations });
            match softening {
                Softening::Waive => is_set = false,
                Softening::AtMost(milder) => measure = milder,
            }
        }
        if !is_set {
            self.observe(&Asked::by_rule(&rules, rule, measure), case, evidence);
            self.remember_firing(rule, case, None);
            return Ok(None);
        }
        let mut lasts = rule.measure_for;
        if self.is_braked(rule, case.at) {
            evidence.braked = true;
            measure = mildest_of_ladder(measure);
            let keeps_its_term = case.party.subject.kind == SubjectKind::Opening;
            lasts = rules.settings.braked_for.filter(|_| !keeps_its_term).map_or(lasts, |own| lasts.min(own));
        }
        let saw =
            self.sight(&rules, rule, case).map(|sight| Ground { reading: sight.reading, said: sight.said });
        let asked = Asked { lasts, ..Asked::by_rule(&rules, rule, measure) };
        let id = self.set_measure(&asked, case, evidence)?;
        if let (Some(sight), Some(held)) = (saw, self.measures.get_mut(&id)) {
            held.ground = Some(sight);
        }
        self.remember_firing(rule, case, Some(id));
        self.count_measure(rule, lasts, case.at)?;
        Ok(Some(id))
    }

    /// What protects the party from a rule's measure, if anything does.
    fn softening(&self, rules: &RuleSet, rule: &Rule, case: Case<'_>) -> Option<Softens> {
        // A limit of the law is softened where it would limit or stop, and only there.
        let names = ["account_limit_non_counter", "account_stop_non_counter"];
        let keeps_from_paying = names.iter().any(|name| MeasureKind::from_name(name) == Some(rule.measure));
        if matches!(rule.origin, RuleOrigin::Limit { .. }) && !keeps_from_paying {
            return None;
        }
        let sight = self.sight(rules, rule, case)?;
        let reaches = |protection: &Protection| {
            protection.subject == case.party.subject.kind
                && protection.measures.contains(&rule.measure)
                && (protection.rules.is_empty() || protection.rules.contains(&rule.id))
        };
        mildest(rules, rule.measure, &sight, reaches)
    }

    fn remember_firing(&mut self, rule: &Rule, case: Case<'_>, measure: Option<DispositionId>) {
        let firing = Firing { event: case.event, end: case.at.plus(rule.measure_for), measure };
        self.last_firings.insert((rule.id.clone(), case.party.subject), firing);
    }
}

/// Whether a rule is asked on a case at all.
fn is_asked(rule: &Rule, trigger: Trigger, case: Case<'_>) -> bool {
    let in_force = match rule.origin {
        RuleOrigin::Measured(_) => true,
        RuleOrigin::Limit { effective_from, effective_to } => {
            effective_from <= case.at && effective_to.is_none_or(|to| case.at < to)
        }
    };
    rule.status != RuleStatus::Off
        && in_force
        && rule.subject == case.party.subject.kind
        && rule.triggers.contains(&trigger)
}

/// Of the protections that reach a measure, hold and change it, the one that leaves least of it: nothing, or the lowest
/// step; of several that leave the same, the one with the least id. Before semantics 3 the least id alone decides.
pub(super) fn mildest(
    rules: &RuleSet,
    asked: MeasureKind,
    sight: &Sight<'_>,
    reaches: impl Fn(&Protection) -> bool,
) -> Option<Softens> {
    let changes = |protection: &Protection| match protection.softening {
        Softening::Waive => true,
        Softening::AtMost(kind) => kind.is_milder_than(asked),
    };
    let hold: Vec<&Protection> = rules
        .protections
        .iter()
        .filter(|protection| {
            reaches(protection) && changes(protection) && sight.is_certain(&protection.condition)
        })
        .collect();
    let softens = if rules.semantics < 3 {
        hold.first()?
    } else {
        hold.iter().min_by_key(|protection| match protection.softening {
            Softening::Waive => (None, &protection.id),
            Softening::AtMost(kind) => (Some(kind), &protection.id),
        })?
    };
    let by = RuleName { id: softens.id.clone(), version: softens.version };
    Some((by, softens.softening, sight.authorisations(&softens.condition)))
}

/// The mildest measure of the same ladder: the verification that a spent budget leaves.
fn mildest_of_ladder(measure: MeasureKind) -> MeasureKind {
    let milder = MeasureKind::ALL.into_iter().filter(|kind| kind.is_milder_than(measure));
    milder.min().unwrap_or(measure)
}
