//! What rules did: measures, overruled ones and harm, here and over all partitions (S7, S9).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::report::ReportBody;
use crate::engine::rule::Rule;
use crate::engine::state::RuleCount;

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
    pub(super) fn count_measure(
        &mut self,
        rule: &Rule,
        lasts: SpanMs,
        at: TimeMs,
    ) -> Result<(), PlainError> {
        let count = self.rule_counts.entry(rule.id.clone()).or_default();
        count.measures += 1;
        let mut is_told = count.measures.is_power_of_two();
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

    pub(super) fn count_overruled(&mut self, rule: &str) -> Result<(), PlainError> {
        self.rule_counts.entry(rule.to_owned()).or_default().overruled += 1;
        self.tell_count(rule)
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
        let count = RuleCount {
            measures: of_rule.values().map(|count| count.measures).sum(),
            overruled: of_rule.values().map(|count| count.overruled).sum(),
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

fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
