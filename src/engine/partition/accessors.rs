//! What others read of a partition.

use std::sync::Arc;

use super::{Identity, Partition};
use crate::engine::base::TimeMs;
use crate::engine::cover::Coverage;
use crate::engine::input::Tally;
use crate::engine::ruleset::RuleSet;
use crate::engine::state::{InForce, RuleCount};

impl Partition {
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    #[must_use]
    pub fn partition_time(&self) -> TimeMs {
        self.partition_time
    }

    #[must_use]
    pub fn newest_time(&self) -> TimeMs {
        self.newest_time
    }

    /// When the next timer is due.
    #[must_use]
    pub fn next_timer(&self) -> Option<TimeMs> {
        self.timers.first_due()
    }

    /// What was counted since the partition was made or restored.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    #[must_use]
    pub fn rules(&self) -> Option<&Arc<RuleSet>> {
        self.rules.as_ref().map(|active| &active.set)
    }

    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// The canonical text of the active rule set.
    #[must_use]
    pub fn bundle(&self) -> Option<&Arc<str>> {
        self.rules.as_ref().map(|active| &active.bundle)
    }

    /// Where what is in force began.
    #[must_use]
    pub fn in_force(&self) -> InForce {
        self.in_force
    }

    /// Measures set and overruled over all partitions, as last told by each rule's own partition.
    pub fn rule_totals(&self) -> impl Iterator<Item = (&str, RuleCount)> + '_ {
        self.totals.iter().map(|(rule, count)| (rule.as_str(), *count))
    }

    /// Subjects with a log, and entries in all logs: what the state retains.
    #[must_use]
    pub fn retained(&self) -> (usize, usize) {
        // A count, so map order cannot show.
        (self.logs.len(), self.logs.values().map(|log| log.len()).sum())
    }
}
