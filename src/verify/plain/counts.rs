//! What rules did: measures, overruled ones and harm, here and over all partitions (S7, S9, S19).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::input::Effect;
use crate::engine::lead::LeadRule;
use crate::engine::life::{RuleAct, RuleEvent, RuleGuard};
use crate::engine::notice::RuleName;
use crate::engine::report::ReportBody;
use crate::engine::rule::Rule;
use crate::engine::ruleset::RuleSet;
use crate::engine::state::{RuleCount, RuleShadowed};

use super::{Plain, PlainError};

fn hours(count: u32) -> u64 {
    u64::from(count) * SpanMs::HOUR.0.unsigned_abs()
}

/// The interval of a rule's harm budget that a time lies in.
fn interval_of(rule: &Rule, at: TimeMs) -> i64 {
    rule.harm_budget.map_or(0, |budget| at.0.div_euclid(budget.per.0))
}

impl Plain {
    /// Whether the harm budget of a rule is spent in the interval of a time, here or over all.
    pub(super) fn is_braked(&self, rule: &Rule, at: TimeMs) -> bool {
        let Some(budget) = rule.harm_budget else { return false };
        let interval = interval_of(rule, at);
        let here = self.harms.get(&(rule.id.clone(), interval)).copied();
        let total = self.rule_totals.get(&rule.id).filter(|total| total.interval == interval);
        let is_spent =
            |harm_ms: Option<u64>| harm_ms.is_some_and(|harm_ms| harm_ms >= hours(budget.hours_max));
        is_spent(here) || is_spent(total.map(|total| total.harm_ms))
    }

    /// One more enforced measure of a rule, and its harm; told at powers of two and at sixteenths.
    pub(super) fn count_measure(&mut self, rule: &Rule, lasts: SpanMs, at: TimeMs) -> Result<(), PlainError> {
        let count = self.rule_counts.entry(rule.id.clone()).or_default();
        if rule.version > count.version {
            // A later version starts afresh; harm is of the rule.
            *count = RuleCount { version: rule.version, ..RuleCount::default() };
        }
        let mut is_told = false;
        if rule.version == count.version {
            count.measures += 1;
            count.restricted_ms += lasts.0.unsigned_abs();
            let step = rule.quality.map(|quality| u64::from((quality.measures_min / 16).max(1)));
            is_told = count.measures.is_power_of_two()
                || step.is_some_and(|step| count.measures.is_multiple_of(step));
        }
        if let Some(budget) = rule.harm_budget {
            let interval = interval_of(rule, at);
            let harm_ms = self.harms.entry((rule.id.clone(), interval)).or_default();
            let before = *harm_ms;
            *harm_ms += lasts.0.unsigned_abs();
            let step = hours((budget.hours_max / 16).max(1));
            is_told |= before / step < *harm_ms / step;
        }
        if is_told { self.tell_count(&rule.id) } else { Ok(()) }
    }

    /// One more lead of a rule; it did no harm.
    pub(super) fn count_lead(&mut self, rule: &LeadRule) -> Result<(), PlainError> {
        let (id, version) = (&rule.terms.id, rule.terms.version);
        let count = self.rule_counts.entry(id.clone()).or_default();
        if version > count.version {
            *count = RuleCount { version, ..RuleCount::default() };
        }
        if version < count.version {
            return Ok(());
        }
        count.measures += 1;
        let step = rule.quality.map(|quality| u64::from((quality.measures_min / 16).max(1)));
        let is_told =
            count.measures.is_power_of_two() || step.is_some_and(|step| count.measures.is_multiple_of(step));
        if is_told { self.tell_count(id) } else { Ok(()) }
    }

    /// What became of a measure of a rule, if its version is the latest that set one here.
    pub(super) fn count_outcome(
        &mut self,
        rule: &RuleName,
        add: impl FnOnce(&mut RuleCount),
    ) -> Result<(), PlainError> {
        match self.rule_counts.get_mut(&rule.id) {
            Some(count) if count.version == rule.version => {
                add(count);
                self.tell_count(&rule.id)
            }
            _ => Ok(()),
        }
    }

    fn tell_count(&mut self, rule: &str) -> Result<(), PlainError> {
        let mut count = self.rule_counts.get(rule).copied().unwrap_or_default();
        let harms = self.harms.iter().filter(|((named, _), _)| named == rule);
        if let Some(((_, interval), harm_ms)) = harms.max_by_key(|((_, interval), _)| *interval) {
            (count.interval, count.harm_ms) = (*interval, *harm_ms);
        }
        let home = fnv1a_64(rule.as_bytes()) % u64::from(self.identity.partitions.max(1));
        let body = ReportBody::RuleCounted { rule: Arc::from(rule), count };
        self.send(u32::try_from(home).unwrap_or(0), body)
    }

    /// The counts of rules that a new rule set lacks go after its term, and harm of long ago (S20).
    pub(super) fn drop_counts(&mut self, rules: &RuleSet) {
        let acts = |id: &str| {
            rules.rules.iter().any(|rule| rule.id == id)
                || rules.leads.rules.iter().any(|rule| rule.terms.id == id)
        };
        let mut ids: Vec<String> = self.rule_counts.keys().cloned().collect();
        ids.extend(self.harms.keys().map(|(id, _)| id.clone()));
        ids.extend(self.heard_counts.keys().map(|(id, _)| id.to_string()));
        ids.extend(self.rule_totals.keys().cloned());
        let mut retired = BTreeMap::new();
        for id in ids.into_iter().filter(|id| !acts(id)) {
            let since = self.retired.get(&id).copied().unwrap_or(self.newest_time);
            retired.insert(id, since);
        }
        let over = self.newest_time.minus(rules.retention.counts);
        let is_gone = |id: &str| retired.get(id).is_some_and(|since: &TimeMs| *since <= over);
        self.rule_counts.retain(|id, _| !is_gone(id));
        self.harms.retain(|(id, _), _| !is_gone(id));
        self.heard_counts.retain(|(id, _), _| !is_gone(id));
        self.rule_totals.retain(|id, _| !is_gone(id));
        let intervals: Vec<(String, i64)> = self.harms.keys().cloned().collect();
        for (id, interval) in &intervals {
            let budget = rules.rules.iter().find(|rule| rule.id == *id).and_then(|rule| rule.harm_budget);
            let is_latest = intervals.iter().all(|(of, other)| of != id || other <= interval);
            if budget.is_some_and(|budget| (interval + 1) * budget.per.0 <= over.0) && !is_latest {
                self.harms.remove(&(id.clone(), *interval));
            }
        }
        retired.retain(|_, since| *since > over);
        self.retired = retired;
    }

    /// A partition told what a rule did there: all are told what it did everywhere.
    pub(super) fn hear_count(
        &mut self,
        origin: u32,
        rule: &Arc<str>,
        count: RuleCount,
    ) -> Result<(), PlainError> {
        self.heard_counts.insert((rule.clone(), origin), count);
        if self.rules.is_none() {
            return Ok(());
        }
        let of_rule: BTreeMap<_, _> =
            self.heard_counts.iter().filter(|((named, _), _)| named == rule).collect();
        let interval = of_rule.values().map(|count| count.interval).max().unwrap_or(0);
        let of_interval = of_rule.values().filter(|count| count.interval == interval);
        let version = of_rule.values().map(|count| count.version).max().unwrap_or(0);
        let of_version: Vec<_> = of_rule.values().filter(|count| count.version == version).collect();
        let sum = |part: fn(&RuleCount) -> u64| of_version.iter().map(|count| part(count)).sum();
        let count = RuleCount {
            version,
            measures: sum(|count| count.measures),
            overruled: sum(|count| count.overruled),
            appeals: sum(|count| count.appeals),
            verified: sum(|count| count.verified),
            failed: sum(|count| count.failed),
            restricted_ms: sum(|count| count.restricted_ms),
            interval,
            harm_ms: of_interval.map(|count| count.harm_ms).sum(),
        };
        for destination in 0..self.identity.partitions {
            let rule = rule.clone();
            self.send(destination, ReportBody::RuleTotalled { rule, count })?;
        }
        Ok(())
    }
}

impl Plain {
    /// All are told what a rule did everywhere; one that watches itself may have gone too far (S19).
    pub(super) fn hear_total(&mut self, id: &Arc<str>, count: RuleCount) {
        self.rule_totals.insert(id.to_string(), count);
        let Some(rules) = self.rules.clone() else { return };
        let Some(table) = &rules.lives.rule else { return };
        let of_rules = rules.rules.iter().map(|rule| (&rule.id, rule.version, rule.quality));
        let of_leads =
            rules.leads.rules.iter().map(|rule| (&rule.terms.id, rule.terms.version, rule.quality));
        let mut all = of_rules.chain(of_leads);
        let named = all.find(|(named, version, _)| ***named == **id && *version == count.version);
        let Some((name, version, Some(quality))) = named else { return };
        let share = |part: u64, max: u32| part * 1_000 > count.measures * u64::from(max);
        let is_beyond = count.measures >= u64::from(quality.measures_min)
            && (share(count.overruled, quality.overturned_per_mille_max)
                || share(count.verified, quality.verified_per_mille_max));
        let key = (name.clone(), version);
        let Some(first) = table.states.get(table.first) else { return };
        let (state, mut shadowed) =
            self.watched.get(&key).cloned().unwrap_or((first.name.to_string(), false));
        let is_so = |guard: &RuleGuard| match guard {
            RuleGuard::BeyondBound => is_beyond,
        };
        let fits = table.steps.iter().find(|step| {
            let from = table.states.get(step.from);
            step.on == RuleEvent::Counted
                && from.is_some_and(|from| *from.name == *state)
                && step.only_if.iter().all(is_so)
        });
        let Some(step) = fits else { return };
        let home = fnv1a_64(name.as_bytes()) % u64::from(self.identity.partitions.max(1));
        for act in &step.acts {
            shadowed = *act == RuleAct::ToShadow;
            if shadowed && home == u64::from(self.identity.partition) {
                let rule = RuleName { id: name.clone(), version };
                self.effects.push(Effect::RuleShadowed(Box::new(RuleShadowed { rule, count, quality })));
            }
        }
        let state = table.states.get(step.to).map_or(state, |to| to.name.to_string());
        self.watched.insert(key, (state, shadowed));
    }
}

fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
