//! Rules: which are evaluated, in which order, and what a firing does (S7).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::readings::Readings;
use super::{Active, EngineError, Out, Partition};
use crate::engine::attributes::Attributes;
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::measure::Measure;
use crate::engine::rule::{Rule, RuleStatus, Trigger};
use crate::engine::ruleset::RuleSet;
use crate::engine::state::{Finding, Firing};
use crate::engine::subject::{Party, SubjectKind};

/// Rules by what sets them off, in id order, and the signals each reads, in order of first mention.
#[derive(Debug, Default)]
pub(crate) struct RuleIndex {
    by_trigger: BTreeMap<Trigger, Vec<usize>>,
    signals: Vec<Vec<usize>>,
    names: Vec<Arc<str>>,
}

impl RuleIndex {
    pub fn new(set: &RuleSet) -> RuleIndex {
        let mut index = RuleIndex::default();
        for (number, rule) in set.rules.iter().enumerate() {
            if rule.status != RuleStatus::Off {
                for trigger in &rule.triggers {
                    index.by_trigger.entry(*trigger).or_default().push(number);
                }
            }
            let mut signals = Vec::new();
            let mut mention = |signal: usize| {
                if !signals.contains(&signal) {
                    signals.push(signal);
                }
            };
            rule.condition.signals(&mut |signal| {
                mention(signal);
                set.parts_of(signal).into_iter().for_each(&mut mention);
            });
            index.signals.push(signals);
            index.names.push(Arc::from(rule.id.as_str()));
        }
        index
    }

    fn triggered(&self, trigger: Trigger) -> &[usize] {
        self.by_trigger.get(&trigger).map_or(&[], Vec::as_slice)
    }

    fn signals(&self, rule: usize) -> &[usize] {
        self.signals.get(rule).map_or(&[], Vec::as_slice)
    }
}

/// What rules are evaluated on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    pub trigger: Trigger,
    pub party: &'a Party,
    pub holder: Token,
    /// The other side, for signals of the pair.
    pub other: Option<Token>,
    pub attributes: Attributes,
    pub event: Fingerprint,
    /// The name of the event's entries; a correction's replacement keeps the original's.
    pub entry: Fingerprint,
    pub at: TimeMs,
}

/// A rule that fired.
pub(super) struct Fired<'a> {
    pub rule: &'a Rule,
    pub name: Arc<str>,
    pub enforced: bool,
    pub finding: Finding,
}

impl Partition {
    /// Evaluates the rules that a scene sets off and publishes what they ask for.
    pub(super) fn run_rules(
        &mut self,
        scene: &Scene<'_>,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let mut readings = self.take_readings();
        for number in active.index.triggered(scene.trigger) {
            if let Some(fired) = self.evaluate(*number, scene, active, &mut readings) {
                self.act(fired, scene, active, out)?;
            }
        }
        self.keep_readings(readings);
        Ok(())
    }

    /// Evaluates the rules of a request to open. The first that fires enforced checks the opening;
    /// later ones are not asked, observed ones are observed.
    pub(super) fn run_opening_rules(
        &mut self,
        scene: &Scene<'_>,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<bool, EngineError> {
        let mut readings = self.take_readings();
        let mut checked = false;
        for number in active.index.triggered(scene.trigger) {
            let Some(fired) = self.evaluate(*number, scene, active, &mut readings) else { continue };
            if fired.enforced && checked {
                continue;
            }
            checked |= fired.enforced;
            self.act(fired, scene, active, out)?;
        }
        self.keep_readings(readings);
        Ok(checked)
    }

    /// Publishes a firing and remembers it.
    fn act(
        &mut self,
        fired: Fired<'_>,
        scene: &Scene<'_>,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let rule = fired.rule;
        let firing = Firing { until: scene.at.plus(rule.measure_for), event: scene.event };
        let of_party = self.firings.entry(scene.party.subject).or_default();
        of_party.retain(|(name, _)| *name != fired.name);
        of_party.push((fired.name, firing));
        if !fired.enforced {
            self.observe(rule, scene, fired.finding, out);
            return Ok(());
        }
        let id = self.set_measure_by_rule(rule, scene, fired.finding, active, out)?;
        if scene.party.subject.kind == SubjectKind::Opening {
            self.check_opening(scene.holder, scene.party.subject.token, id);
        }
        Ok(())
    }

    /// Whether a rule fires on a scene, and why.
    fn evaluate<'a>(
        &mut self,
        number: usize,
        scene: &Scene<'_>,
        active: &'a Arc<Active>,
        readings: &mut Readings,
    ) -> Option<Fired<'a>> {
        let rule = active.set.rules.get(number)?;
        let name = active.index.names.get(number)?;
        if rule.subject != scene.party.subject.kind || !rule.is_in_force(scene.at) {
            return None;
        }
        let bound = self.bound(name, scene)?;
        let mut own = Readings::default();
        let readings = if bound.is_some() { &mut own } else { readings };
        let mut value = |signal: usize| self.reading(signal, scene, bound, active, readings).interval;
        if rule.condition.eval(&mut value, &scene.attributes) != Some(true)
            || self.has_fired(rule, name, scene)
        {
            return None;
        }
        let enforced = rule.may_act() && self.live;
        let finding = self.find(rule, active.index.signals(number), scene, bound, active, readings);
        Some(Fired { rule, name: Arc::clone(name), enforced, finding })
    }

    /// Whether the rule's last firing on the party still holds, or was for this very event.
    fn has_fired(&self, rule: &Rule, name: &Arc<str>, scene: &Scene<'_>) -> bool {
        let of_party = self.firings.get(&scene.party.subject);
        let last = of_party.and_then(|all| all.iter().find(|(known, _)| known == name));
        last.is_some_and(|(_, firing)| {
            firing.event == scene.event || !rule.measure.is_per_event() && scene.at < firing.until
        })
    }

    /// `None` when an override keeps the rule from this event; else the override's bound, if there is one.
    fn bound(&self, name: &Arc<str>, scene: &Scene<'_>) -> Option<Option<TimeMs>> {
        let of_party = self.overrides.get(&scene.party.subject);
        let lifted = of_party.and_then(|all| all.iter().find(|(known, _)| known == name));
        match lifted.filter(|(_, lifted)| scene.at < lifted.until) {
            Some((_, lifted)) if scene.at <= lifted.lift => None,
            Some((_, lifted)) => Some(Some(lifted.lift)),
            None => Some(None),
        }
    }

    pub(super) fn measure_of(rule: &Rule) -> Measure {
        Measure::from(rule.measure)
    }
}
