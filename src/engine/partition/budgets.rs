//! What rules did, and what they may still do: counts and harm budgets (S7, S9, DESIGN D28).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{EngineError, Out, Partition};
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::lead::LeadRule;
use crate::engine::notice::RuleName;
use crate::engine::report::ReportBody;
use crate::engine::rule::{HarmBudget, Quality, Rule};
use crate::engine::ruleset::RuleSet;
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
    pub(super) fn count_measure(
        &mut self,
        rule: &Rule,
        lasts: SpanMs,
        at: TimeMs,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let count = self.counts.entry(rule.id.clone()).or_default();
        *count = count.of_version(rule.version);
        let mut is_told = false;
        // A measure of an earlier version is no sign of how good the later one is.
        if count.version == rule.version {
            count.measures += 1;
            count.restricted_ms = count.restricted_ms.saturating_add(u64::try_from(lasts.0).unwrap_or(0));
            is_told = count.measures.is_power_of_two()
                || rule.quality.is_some_and(|quality| is_step(count.measures, quality));
        }
        if let Some(budget) = rule.harm_budget {
            let interval = interval_of(budget, at);
            let harm_ms = self.harms.entry(rule.id.clone()).or_default().entry(interval).or_default();
            let before = *harm_ms;
            *harm_ms = before.saturating_add(u64::try_from(lasts.0).unwrap_or(0));
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

    /// Counts a lead as one thing that its rule did: it restricts nobody, so it does no harm.
    pub(super) fn count_lead(&mut self, rule: &LeadRule, out: Out<'_>) -> Result<(), EngineError> {
        let RuleName { id, version } = rule.terms.name();
        let count = self.counts.entry(id.clone()).or_default();
        *count = count.of_version(version);
        if count.version != version {
            return Ok(());
        }
        count.measures += 1;
        let count = *count;
        let is_told = count.measures.is_power_of_two()
            || rule.quality.is_some_and(|quality| is_step(count.measures, quality));
        if is_told { self.tell_count(&id, count, out) } else { Ok(()) }
    }

    /// Counts what became of a measure, if a rule's latest version set it: holdings limits are not counted.
    pub(super) fn count_outcome(
        &mut self,
        rule: &RuleName,
        add: impl FnOnce(&mut RuleCount),
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        match self.note_outcome(rule, add) {
            Some(count) => self.tell_count(&rule.id, count, out),
            None => Ok(()),
        }
    }

    /// The same, to be told with what is next: verifications are many.
    pub(super) fn note_outcome(
        &mut self,
        rule: &RuleName,
        add: impl FnOnce(&mut RuleCount),
    ) -> Option<RuleCount> {
        let of_version = |count: &&mut RuleCount| count.version == rule.version;
        let count = self.counts.get_mut(&rule.id).filter(of_version)?;
        add(count);
        Some(*count)
    }

    /// A rule set was activated: what is counted of rules that are gone for long goes, and old harm
    /// (S20); that a version moved itself to shadow is not forgotten.
    pub(super) fn forget_counts(&mut self, set: &RuleSet) {
        let over = self.newest_time.minus(set.retention.counts);
        let of_leads = set.leads.rules.iter().map(|rule| rule.terms.id.as_str());
        let acting: BTreeSet<&str> = set.rules.iter().map(|rule| rule.id.as_str()).chain(of_leads).collect();
        let counted = self.counts.keys().chain(self.harms.keys()).chain(self.heard.keys());
        let counted = counted.chain(self.totals.keys());
        for id in counted.filter(|id| !acting.contains(id.as_str())) {
            self.retired.entry(id.clone()).or_insert(self.newest_time);
        }
        self.retired.retain(|id, _| !acting.contains(id.as_str()));
        let is_gone = |since: &TimeMs| *since <= over;
        let gone: Vec<String> =
            self.retired.iter().filter(|(_, since)| is_gone(since)).map(|(id, _)| id.clone()).collect();
        for id in &gone {
            self.retired.remove(id);
            self.counts.remove(id);
            self.harms.remove(id);
            self.heard.remove(id);
            self.totals.remove(id);
        }
        for rule in &set.rules {
            let (Some(budget), Some(harms)) = (rule.harm_budget, self.harms.get_mut(&rule.id)) else {
                continue;
            };
            let latest = harms.last_key_value().map(|(interval, _)| *interval);
            let ends = |interval: i64| interval.saturating_add(1).saturating_mul(budget.per.0.max(1));
            harms.retain(|interval, _| Some(*interval) == latest || ends(*interval) > over.0);
        }
    }

    fn tell_count(&mut self, rule: &str, count: RuleCount, out: Out<'_>) -> Result<(), EngineError> {
        let Some(active) = self.rules.clone() else { return Ok(()) };
        let body = ReportBody::RuleCounted { rule: Arc::from(rule), count };
        self.send(own_partition(rule, self.identity.partitions), body, &active, out)
    }
}

/// A sixteenth of the measures without which nothing is concluded was set once more: so a total lags
/// behind by less than that for each partition.
fn is_step(measures: u64, quality: Quality) -> bool {
    measures.is_multiple_of(u64::from((quality.measures_min / 16).max(1)))
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
pub(super) fn own_partition(rule: &str, partitions: u32) -> u32 {
    let hash = rule.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash % u64::from(partitions.max(1))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::Bilingual;
    use crate::engine::ident::IdKey;
    use crate::engine::input::TimeMode;
    use crate::engine::measure::{AccountStep, MeasureKind};
    use crate::engine::partition::Identity;
    use crate::engine::purpose::Purpose;
    use crate::engine::rule::{Condition, RuleOrigin, RuleStatus};
    use crate::engine::subject::SubjectKind;

    const DAY: i64 = 86_400_000;

    fn partition() -> Partition {
        let identity =
            Identity { partition: 0, partitions: 4, id_key: IdKey::new([7; 32]), time: TimeMode::Event };
        Partition::new(identity)
    }

    /// Its measures last a day; two of them spend its budget of 48 hours a day.
    fn rule() -> Rule {
        Rule {
            id: "r".to_owned(),
            version: 1,
            title: Bilingual::default(),
            status: RuleStatus::Enforced,
            subject: SubjectKind::Account,
            triggers: Vec::new(),
            condition: Condition::All(Vec::new()),
            measure: MeasureKind::Account(AccountStep::StopNonCounter),
            measure_for: SpanMs::DAY,
            purpose: Purpose::ANTI_FRAUD,
            basis: String::new(),
            reason: String::new(),
            origin: RuleOrigin::Measured(None),
            harm_budget: Some(HarmBudget { hours_max: 48, per: SpanMs::DAY }),
            quality: None,
            risk: crate::engine::verifying::Risk::Medium,
        }
    }

    fn set(partition: &mut Partition, rule: &Rule, at: i64) {
        partition.count_measure(rule, rule.measure_for, TimeMs(at), &mut Vec::new()).unwrap();
    }

    #[test]
    fn a_budget_is_spent_at_its_hours_and_whole_again_in_the_next_interval() {
        let (mut partition, rule) = (partition(), rule());
        set(&mut partition, &rule, DAY);
        assert!(!partition.is_spent(&rule, TimeMs(2 * DAY - 1)), "24 of 48 hours");
        set(&mut partition, &rule, 2 * DAY - 1);
        assert!(partition.is_spent(&rule, TimeMs(DAY)) && partition.is_spent(&rule, TimeMs(2 * DAY - 1)));
        assert!(!partition.is_spent(&rule, TimeMs(2 * DAY)) && !partition.is_spent(&rule, TimeMs(DAY - 1)));
        assert!(!partition.is_spent(&Rule { harm_budget: None, ..rule }, TimeMs(DAY)));
    }

    #[test]
    fn what_all_partitions_did_spends_it_here_too() {
        let (mut partition, rule) = (partition(), rule());
        let all = RuleCount { interval: 3, harm_ms: 48 * 3_600_000, ..RuleCount::default() };
        partition.totals.insert(rule.id.clone(), all);
        assert!(partition.is_spent(&rule, TimeMs(3 * DAY)));
        assert!(!partition.is_spent(&rule, TimeMs(4 * DAY)), "that was told of another interval");
        let less = RuleCount { harm_ms: all.harm_ms - 1, ..all };
        partition.totals.insert(rule.id.clone(), less);
        assert!(!partition.is_spent(&rule, TimeMs(3 * DAY)));
    }

    #[test]
    fn a_late_event_counts_in_its_own_interval_and_the_latest_is_told() {
        let (mut partition, rule) = (partition(), rule());
        set(&mut partition, &rule, 5 * DAY);
        set(&mut partition, &rule, 2 * DAY);
        set(&mut partition, &rule, 2 * DAY + 1);
        assert!(partition.is_spent(&rule, TimeMs(2 * DAY)) && !partition.is_spent(&rule, TimeMs(5 * DAY)));
        let told = RuleCount {
            version: 1,
            measures: 3,
            restricted_ms: 3 * 86_400_000,
            interval: 5,
            harm_ms: 24 * 3_600_000,
            ..RuleCount::default()
        };
        assert_eq!(partition.counts["r"], told);
        let mut overrule = |id: &str, version| {
            let name = RuleName { id: id.to_owned(), version };
            partition.count_outcome(&name, |count| count.overruled += 1, &mut Vec::new()).unwrap();
        };
        overrule("r", 1);
        overrule("a_limit_of_holdings", 1);
        overrule("r", 2);
        assert_eq!(partition.counts["r"], RuleCount { overruled: 1, ..told });
    }

    #[test]
    fn a_rule_has_one_partition_that_adds_up_whatever_their_number() {
        assert_eq!(own_partition("pass_through", 1), 0);
        let own: Vec<u32> = (1..=8).map(|partitions| own_partition("pass_through", partitions)).collect();
        assert!(own.iter().zip(1..).all(|(own, partitions)| *own < partitions), "{own:?}");
        // FNV-1a 64 of the empty text is its offset basis.
        assert_eq!(own_partition("", 1_000), (0xcbf2_9ce4_8422_2325_u64 % 1_000) as u32);
    }
}
