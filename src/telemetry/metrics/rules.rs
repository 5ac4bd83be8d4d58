//! What rules cost: their harm in the current interval, the brake, and what protections softened (D27, D28).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{GaugeVec, IntCounterVec, Registry};

use super::{BoundedLabel, catalogue, counter_vec, gauge_vec};
use crate::engine::base::TimeMs;
use crate::engine::evidence::Evidence;
use crate::engine::rule::{Rule, RuleStatus};
use crate::engine::ruleset::RuleSet;
use crate::engine::state::RuleCount;

#[derive(Debug)]
pub struct RuleMetrics {
    info: GaugeVec,
    harm: GaugeVec,
    budget: GaugeVec,
    braked: GaugeVec,
    shadowed: GaugeVec,
    pub(super) measures_braked: IntCounterVec,
    pub(super) measures_softened: IntCounterVec,
    rules: BoundedLabel,
    protections: BoundedLabel,
    /// Digest of the rule set whose rules are shown.
    shown: Mutex<Option<[u8; 32]>>,
}

impl RuleMetrics {
    pub(super) fn new(registry: &Registry) -> Result<RuleMetrics, prometheus::Error> {
        Ok(RuleMetrics {
            info: gauge_vec(registry, &catalogue::RULE)?,
            harm: gauge_vec(registry, &catalogue::RULE_HARM)?,
            budget: gauge_vec(registry, &catalogue::RULE_HARM_BUDGET)?,
            braked: gauge_vec(registry, &catalogue::RULE_BRAKED)?,
            shadowed: gauge_vec(registry, &catalogue::RULE_SHADOWED)?,
            measures_braked: counter_vec(registry, &catalogue::MEASURES_BRAKED)?,
            measures_softened: counter_vec(registry, &catalogue::MEASURES_SOFTENED)?,
            rules: BoundedLabel::default(),
            protections: BoundedLabel::default(),
            shown: Mutex::default(),
        })
    }

    /// What softened or braked a measure that is published or observed.
    pub fn evidence(&self, rule: &str, evidence: &Evidence) {
        if evidence.braked {
            self.measures_braked.with_label_values(&[self.rules.admit(rule)]).inc();
        }
        if let Some(softened) = &evidence.softened {
            let protection = self.protections.admit(&softened.by.id);
            self.measures_softened.with_label_values(&[self.rules.admit(rule), protection]).inc();
        }
    }

    /// The rules in force, and what those with a budget have cost in the interval of `newest`, by what a
    /// partition was last told of all.
    pub fn show(&self, rules: &RuleSet, newest: TimeMs, totals: &mut dyn Iterator<Item = (&str, RuleCount)>) {
        self.name(rules);
        let totals: BTreeMap<&str, RuleCount> = totals.collect();
        for rule in &rules.rules {
            let Some(budget) = rule.harm_budget else { continue };
            let interval = newest.0.div_euclid(budget.per.0.max(1));
            let count = totals.get(rule.id.as_str()).filter(|count| count.interval == interval);
            let spent_s = count.map_or(0.0, |count| count.harm_ms as f64 / 1e3);
            let allowed_s = f64::from(budget.hours_max) * 3_600.0;
            let id = [self.rules.admit(&rule.id)];
            self.harm.with_label_values(&id).set(spent_s);
            self.budget.with_label_values(&id).set(allowed_s);
            self.braked.with_label_values(&id).set(f64::from(u8::from(spent_s >= allowed_s)));
        }
    }

    /// The rules that watch themselves, and those versions that moved themselves to shadow.
    pub fn show_shadowed(&self, rules: &RuleSet, shadowed: &mut dyn Iterator<Item = (&str, u32)>) {
        let shadowed: BTreeMap<&str, u32> = shadowed.collect();
        for rule in rules.rules.iter().filter(|rule| rule.quality.is_some()) {
            let is_shadowed = shadowed.get(rule.id.as_str()) == Some(&rule.version);
            let id = [self.rules.admit(&rule.id)];
            self.shadowed.with_label_values(&id).set(f64::from(u8::from(is_shadowed)));
        }
    }

    /// Shows each rule's version and state, in place of those of the rule set before.
    fn name(&self, rules: &RuleSet) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown == Some(rules.sha256) {
            return;
        }
        *shown = Some(rules.sha256);
        for gauges in [&self.info, &self.harm, &self.budget, &self.braked, &self.shadowed] {
            gauges.reset();
        }
        for rule in &rules.rules {
            let (id, version) = (self.rules.admit(&rule.id), rule.version.to_string());
            self.info.with_label_values(&[id, version.as_str(), state(rule)]).set(1.0);
        }
    }
}

/// Whether a rule acts, once its partition is live.
fn state(rule: &Rule) -> &'static str {
    match rule.status {
        RuleStatus::Off => "off",
        _ if rule.may_act() => "enforced",
        RuleStatus::Enforced | RuleStatus::Shadow => "shadow",
    }
}
