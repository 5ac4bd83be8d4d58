//! Rules: which are evaluated, in which order, and what a firing does (S7).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::readings::Readings;
use super::sieve::{Candidate, Places, Sieve};
use super::telling::ToldSignal;
use super::{Active, EngineError, Out, Partition};
use crate::engine::attributes::Attributes;
use crate::engine::base::{Fingerprint, SpanMs, TimeMs, Token};
use crate::engine::guard::{Guarded, Guards};
use crate::engine::measure::{Lane, MeasureKind};
use crate::engine::rule::{Condition, Rule, RuleStatus, Trigger};
use crate::engine::ruleset::RuleSet;
use crate::engine::state::{Finding, Firing};
use crate::engine::subject::{Party, SubjectKind};

/// Rules by what sets them off, in id order, and the signals each reads, in order of first mention.
#[derive(Debug, Default)]
pub(crate) struct RuleIndex {
    by_trigger: BTreeMap<(Trigger, SubjectKind), Sieve>,
    signals: Vec<Vec<usize>>,
    names: Vec<Arc<str>>,
    /// The special measure that a rule waits for.
    specials: Vec<Option<Arc<str>>>,
    signal_names: Vec<Arc<str>>,
    signal_numbers: BTreeMap<Arc<str>, usize>,
    /// Signals that others are told of, by the kind they are about, in signal order.
    told: BTreeMap<SubjectKind, Vec<ToldSignal>>,
}

impl RuleIndex {
    pub fn new(set: &RuleSet) -> RuleIndex {
        let mut index = RuleIndex::default();
        let mut by_trigger: BTreeMap<(Trigger, SubjectKind), Vec<(usize, &Rule)>> = BTreeMap::new();
        for (number, rule) in set.rules.iter().enumerate() {
            if rule.status != RuleStatus::Off {
                for trigger in &rule.triggers {
                    by_trigger.entry((*trigger, rule.subject)).or_default().push((number, rule));
                }
            }
            index.signals.push(signals_of(&rule.condition, set));
            index.names.push(Arc::from(rule.id.as_str()));
            index.specials.push(set.specials.get(&rule.id).map(|name| Arc::from(name.as_str())));
        }
        let sieve = |(of, rules): ((Trigger, SubjectKind), Vec<(usize, &Rule)>)| {
            (of, Sieve::new(&rules, &set.signals))
        };
        index.by_trigger = by_trigger.into_iter().map(sieve).collect();
        for (number, signal) in set.signals.iter().enumerate() {
            let name: Arc<str> = Arc::from(signal.name.as_str());
            index.signal_names.push(Arc::clone(&name));
            index.signal_numbers.entry(name).or_insert(number);
            if let Some(told) = ToldSignal::of(number, signal) {
                index.told.entry(signal.subject).or_default().push(told);
            }
        }
        index
    }

    fn triggered(&self, scene: &Scene<'_>) -> Option<&Sieve> {
        self.by_trigger.get(&(scene.trigger, scene.party.subject.kind))
    }

    /// The signals that a rule's condition reads, made ones with their parts.
    pub fn signals(&self, rule: usize) -> &[usize] {
        self.signals.get(rule).map_or(&[], Vec::as_slice)
    }

    /// The special measure without which a rule is not asked.
    pub fn special(&self, rule: usize) -> Option<&str> {
        self.specials.get(rule)?.as_deref()
    }

    /// Signals about a kind of subject that others are told of.
    pub fn told_of(&self, kind: SubjectKind) -> &[ToldSignal] {
        self.told.get(&kind).map_or(&[], Vec::as_slice)
    }

    pub fn signal_name(&self, number: usize) -> Option<&Arc<str>> {
        self.signal_names.get(number)
    }

    pub fn signal_number(&self, name: &str) -> Option<usize> {
        self.signal_numbers.get(name).copied()
    }
}

/// The signals of a condition in order of first mention, each made one followed by its parts.
pub(super) fn signals_of(condition: &Condition, set: &RuleSet) -> Vec<usize> {
    let mut signals = Vec::new();
    let mut mention = |signal: usize| {
        if !signals.contains(&signal) {
            signals.push(signal);
        }
    };
    condition.signals(&mut |signal| {
        mention(signal);
        set.parts_of(signal).into_iter().for_each(&mut mention);
    });
    signals
}

/// What rules are evaluated on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    pub trigger: Trigger,
    pub party: &'a Party,
    pub holder: Token,
    /// The other side, for signals of the pair.
    pub other: Option<Token>,
    /// Where the event happened, if it says: for special measures alone (S25), and no evidence.
    pub place: Option<Token>,
    pub attributes: Attributes,
    pub event: Fingerprint,
    /// The name of the event's entries; a correction's replacement keeps the original's.
    pub entry: Fingerprint,
    pub at: TimeMs,
    /// An event to leave out of all logs: what the values would be without it (S13).
    pub left_out: Option<Fingerprint>,
}

/// What of a party's past rules have to look up, found out once for all rules of a scene: what one of them does
/// there counts for no other.
#[derive(Clone, Copy)]
struct Past {
    /// Some rule fired on it.
    fired: bool,
    /// Some rule may not see all of it.
    overridden: bool,
}

/// A rule that fired.
struct Fired<'a> {
    number: usize,
    rule: &'a Rule,
    name: Arc<str>,
    enforced: bool,
    /// It would act, and moved itself to shadow.
    shadowed: bool,
    /// Of an override: the rule sees nothing at or before it.
    bound: Option<TimeMs>,
}

/// What a firing asks for after protections and budgets.
pub(super) struct Asked {
    pub measure: MeasureKind,
    /// For how long it is set.
    pub lasts: SpanMs,
    pub finding: Finding,
    /// Of an override: the rule saw nothing at or before it.
    pub bound: Option<TimeMs>,
}

/// A spent budget leaves the verification of the ladder, for a term of its own. The check of an opening keeps its
/// term: it restricts nobody, and with it the request would lapse.
fn brake(asked: &mut Asked, braked_for: Option<SpanMs>) {
    asked.finding.evidence.braked = true;
    asked.measure = asked.measure.verification();
    if asked.measure != MeasureKind::OpeningCheckFurther {
        asked.lasts = braked_for.map_or(asked.lasts, |braked_for| braked_for.min(asked.lasts));
    }
}

impl Partition {
    /// Evaluates the rules that a scene sets off and publishes what they ask for.
    pub(super) fn run_rules(
        &mut self,
        scene: &Scene<'_>,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Some(sieve) = active.index.triggered(scene) else { return Ok(()) };
        let mut readings = self.take_readings();
        let places = self.sifted(sieve, scene, &mut readings);
        let past = self.past(scene);
        let mut warned = false;
        for candidate in places.iter().filter_map(|place| sieve.get(place)) {
            if let Some(fired) = self.evaluate(candidate, scene, past, active, &mut readings) {
                let protects = fired.rule.lane() == Lane::Victim;
                warned |= self.act(fired, scene, active, &mut readings, out)? && protects;
            }
        }
        readings.places = places;
        self.keep_readings(readings);
        if warned {
            self.feed_warning(scene, active);
        }
        Ok(())
    }

    /// Evaluates the rules of a request to open. The first that acts checks the opening; other enforced
    /// ones are not asked then, observed ones are observed.
    pub(super) fn run_opening_rules(
        &mut self,
        scene: &Scene<'_>,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<bool, EngineError> {
        let Some(sieve) = active.index.triggered(scene) else { return Ok(false) };
        let mut readings = self.take_readings();
        let places = self.sifted(sieve, scene, &mut readings);
        let mut checked = false;
        let past = self.past(scene);
        for candidate in places.iter().filter_map(|place| sieve.get(place)) {
            let Some(fired) = self.evaluate(candidate, scene, past, active, &mut readings) else {
                continue;
            };
            if fired.enforced && checked {
                continue;
            }
            checked |= self.act(fired, scene, active, &mut readings, out)?;
        }
        readings.places = places;
        self.keep_readings(readings);
        Ok(checked)
    }

    /// The places of the rules that may hold, in memory to be given back to the readings.
    fn sifted(&self, sieve: &Sieve, scene: &Scene<'_>, readings: &mut Readings) -> Places {
        let mut places = std::mem::take(&mut readings.places);
        self.sift(sieve, scene, readings, &mut places);
        places
    }

    /// Publishes a firing and remembers it. Gives whether a measure was set.
    fn act(
        &mut self,
        fired: Fired<'_>,
        scene: &Scene<'_>,
        active: &Arc<Active>,
        readings: &mut Readings,
        out: Out<'_>,
    ) -> Result<bool, EngineError> {
        let rule = fired.rule;
        let near_misses = self.near_misses(fired.number, scene, active, readings);
        // A rule under an override reads its own values, which others cannot use.
        let mut own = Readings::default();
        let readings = if fired.bound.is_some() { &mut own } else { readings };
        let wanted = active.index.signals(fired.number);
        let mut finding =
            self.find(&rule.condition, rule.purpose, wanted, scene, fired.bound, active, readings);
        finding.evidence.near_misses = near_misses;
        finding.evidence.shadowed = fired.shadowed;
        let lasts = rule.measure_for;
        let mut asked = Asked { measure: rule.measure, lasts, finding, bound: fired.bound };
        let is_left = self.protect(rule, fired.enforced, &mut asked, scene, active, readings);
        let is_set = fired.enforced && is_left;
        // A braked rule leaves the party alone for as long as it would have acted on it, too.
        let until = scene.at.plus(lasts);
        let firing = Firing { until, is_over: false, event: scene.event };
        let of_party = self.firings.get_or_default(scene.party.subject);
        of_party.retain(|(name, _)| *name != fired.name);
        of_party.push((fired.name, firing));
        if !is_set {
            self.observe(rule, scene, asked, out);
            return Ok(false);
        }
        if self.is_spent(rule, scene.at) {
            brake(&mut asked, active.set.settings.braked_for);
        }
        let id = self.set_measure_by_rule(rule, scene, asked, active, out)?;
        if scene.party.subject.kind == SubjectKind::Opening {
            self.check_opening(scene.holder, scene.party.subject.token, id);
        }
        Ok(true)
    }

    /// Whether a condition is certainly true on a scene.
    pub(super) fn holds(
        &mut self,
        condition: &Condition,
        scene: &Scene<'_>,
        bound: Option<TimeMs>,
        active: &Active,
        readings: &mut Readings,
    ) -> bool {
        let mut value = |signal: usize| self.reading(signal, scene, bound, active, readings).interval;
        condition.eval(&mut value, &scene.attributes) == Some(true)
    }

    /// Whether a rule fires on a scene.
    fn evaluate<'a>(
        &mut self,
        candidate: &Candidate,
        scene: &Scene<'_>,
        past: Past,
        active: &'a Active,
        readings: &mut Readings,
    ) -> Option<Fired<'a>> {
        let number = candidate.number;
        let rule = active.set.rules.get(number)?;
        let name = active.index.names.get(number)?;
        // Who is busy is often under a measure of the rule already, and windows cost more than to find that out.
        if past.fired && self.has_fired(rule, name, scene) {
            return None;
        }
        let settled =
            if past.overridden { None } else { self.settle(&candidate.guards, scene, active, readings) };
        if settled == Some(false) {
            return None;
        }
        if !rule.is_in_force(scene.at) || !self.special_stands(number, scene, active) {
            return None;
        }
        let bound = self.bound(name, scene)?;
        let holds = match (bound, settled) {
            (Some(_), _) => self.holds(&rule.condition, scene, bound, active, &mut Readings::default()),
            (None, Some(holds)) => holds,
            (None, None) => self.holds(&rule.condition, scene, None, active, readings),
        };
        if !holds || self.has_set(rule, scene) {
            return None;
        }
        let may_act = rule.may_act() && self.live;
        let shadowed = may_act && self.is_shadowed(rule);
        let name = Arc::clone(name);
        Some(Fired { number, rule, name, enforced: may_act && !shadowed, shadowed, bound })
    }

    /// Whether a condition holds, as far as its guards alone say so. Under an override a rule reads other
    /// values than these.
    fn settle(
        &mut self,
        guards: &Guards,
        scene: &Scene<'_>,
        active: &Active,
        readings: &mut Readings,
    ) -> Option<bool> {
        let mut is_whole = guards.is_whole;
        for guard in &guards.all {
            let left = match guard.left {
                Guarded::Signal(number) => self.certain(number, scene, active, readings),
                Guarded::Field(field) => scene.attributes.get(field),
            };
            match left {
                Some(left) if !guard.holds(left) => return Some(false),
                Some(_) => {}
                None => is_whole = false,
            }
        }
        is_whole.then_some(true)
    }

    fn past(&self, scene: &Scene<'_>) -> Past {
        let party = &scene.party.subject;
        Past {
            fired: self.firings.get(party).is_some(),
            overridden: !self.overrides.is_empty() && self.overrides.get(party).is_some(),
        }
    }

    /// Whether the rule's last firing on the party still holds, or was for this very event.
    fn has_fired(&self, rule: &Rule, name: &Arc<str>, scene: &Scene<'_>) -> bool {
        let of_party = self.firings.get(&scene.party.subject);
        let last = of_party.and_then(|all| all.iter().find(|(known, _)| known == name));
        last.filter(|(_, firing)| firing.until > self.horizons.firings).is_some_and(|(_, firing)| {
            let holds = !firing.is_over && scene.at < firing.until;
            firing.event == scene.event || !rule.measure.is_per_event() && holds
        })
    }

    /// Whether the rule has set a measure on the party for this very event, which no correction took back.
    fn has_set(&self, rule: &Rule, scene: &Scene<'_>) -> bool {
        let mut of_event = self.found_by.event(scene.event).filter_map(|id| self.measures.get(&id));
        of_event.any(|measure| {
            measure.party.subject == scene.party.subject && measure.rule.id == rule.id && !measure.corrected
        })
    }

    /// `None` when an override keeps the rule from this event; else the override's bound, if there is one.
    fn bound(&self, name: &Arc<str>, scene: &Scene<'_>) -> Option<Option<TimeMs>> {
        if self.overrides.is_empty() {
            return Some(None);
        }
        let of_party = self.overrides.get(&scene.party.subject);
        let lifted = of_party.and_then(|all| all.iter().find(|(known, _)| known == name));
        let forgotten = self.horizons.overrides;
        match lifted.filter(|(_, lifted)| scene.at < lifted.until && lifted.until > forgotten) {
            Some((_, lifted)) if scene.at <= lifted.lift => None,
            Some((_, lifted)) => Some(Some(lifted.lift)),
            None => Some(None),
        }
    }

    /// The other rules of a scene that could have been evaluated on it and may have come near, each with
    /// its bound, in id order.
    pub(super) fn others_near<'a>(
        &self,
        fired: usize,
        scene: &Scene<'_>,
        active: &'a Active,
        readings: &mut Readings,
    ) -> Vec<(&'a Rule, Option<TimeMs>)> {
        let Some(sieve) = active.index.triggered(scene) else { return Vec::new() };
        let others = self.near(sieve, scene, readings).into_iter().filter(|other| other.number != fired);
        let in_force = others.filter_map(|candidate| {
            let rule = active.set.rules.get(candidate.number).filter(|rule| rule.is_in_force(scene.at))?;
            if !self.special_stands(candidate.number, scene, active) {
                return None;
            }
            Some((rule, self.bound(active.index.names.get(candidate.number)?, scene)?))
        });
        in_force.collect()
    }
}
