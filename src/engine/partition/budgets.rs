//! What rules did, and what they may still do: counts and harm budgets (S7, S9, DESIGN D28).

use std::sync::Arc;

use super::{EngineError, Out, Partition};
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::report::ReportBody;
use crate::engine::rule::{HarmBudget, Rule};
use crate::engine::state::RuleCount;

impl Partition {
    /// Whether a rule has used up the harm budget of an event's interval, here or over all partitions.
    pub(super) fn is_spent(&self, rule: &Rule, at: TimeMs) -> bool {
        let Some(budget) = rule.harm_budget else { return false };
        let interval = interval_of(budget, at);
        let here = self.harms.get(&rule.id).and_then(|harms| harms.get(&interval)).copied();
        let total = self.totals.get(&rule.id).filter(|total| total.interval == interval);
        let harm_ms = here.unwrap_or(0).max(total.map_or(0, |total| total.harm_ms));
        harm_ms >= hours(budget.hours_max)
    }

    /// Counts a measure and its harm. At each doubling of measures, and at each sixteenth of the budget,
    /// the rule's own partition is told (kind iii).
    pub(super) fn count_measure(&mut self, rule: &Rule, at: TimeMs, out: Out<'_>) -> Result<(), EngineError> {
        let count = self.counts.entry(rule.id.clone()).or_default();
        count.measures += 1;
        let mut is_told = count.measures.is_power_of_two();
        if let Some(budget) = rule.harm_budget {
            let interval = interval_of(budget, at);
            let harm_ms = self.harms.entry(rule.id.clone()).or_default().entry(interval).or_default();
            let before = *harm_ms;
            *harm_ms = before.saturating_add(u64::try_from(rule.measure_for.0).unwrap_or(0));
            let step = hours((budget.hours_max / 16).max(1));
            is_told |= before / step < *harm_ms / step;
            // A late event's harm belongs to an earlier interval; the latest one is told.
            if interval >= count.interval {
                (count.interval, count.harm_ms) = (interval, *harm_ms);
            }
        }
        let count = *count;
        if is_told { self.tell_count(&rule.id, count, out) } else { Ok(()) }
    }

    /// Counts a measure that was overturned, if a rule set it: holdings limits are not counted.
    pub(super) fn count_overruled(&mut self, rule: &str, out: Out<'_>) -> Result<(), EngineError> {
        let Some(count) = self.counts.get_mut(rule) else { return Ok(()) };
        count.overruled += 1;
        let count = *count;
        self.tell_count(rule, count, out)
    }

    fn tell_count(&mut self, rule: &str, count: RuleCount, out: Out<'_>) -> Result<(), EngineError> {
        let Some(active) = self.rules.clone() else { return Ok(()) };
        let body = ReportBody::RuleCounted { rule: Arc::from(rule), count };
        self.send(own_partition(rule, self.identity.partitions), body, &active, out)
    }
}

/// The number of the budget's interval that a time lies in.
fn interval_of(budget: HarmBudget, at: TimeMs) -> i64 {
    at.0.div_euclid(budget.per.0.max(1))
}

/// Whole hours in milliseconds.
fn hours(hours: u32) -> u64 {
    u64::from(hours) * SpanMs::HOUR.0.unsigned_abs()
}

/// The partition that adds up a rule's counts: FNV-1a 64 of its id.
fn own_partition(rule: &str, partitions: u32) -> u32 {
    let hash = rule.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash % u64::from(partitions.max(1))) as u32
}
