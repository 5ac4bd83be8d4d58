//! Rules that watch themselves: one whose measures are overturned or found needless too often moves itself
//! to shadow, in every partition, by what the rule's own partition told all (S19, DESIGN D28).

use std::sync::Arc;

use super::budgets::own_partition;
use super::{Out, Partition};
use crate::engine::input::Effect;
use crate::engine::life::{RuleAct, RuleEvent, RuleGuard};
use crate::engine::notice::RuleName;
use crate::engine::rule::Rule;
use crate::engine::state::{RuleCount, RuleLife, RuleShadowed};

impl Partition {
    /// Whether this version of a rule only observes because of what it did.
    pub(super) fn is_shadowed(&self, rule: &Rule) -> bool {
        self.is_version_shadowed(&rule.id, rule.version)
    }

    pub(super) fn is_version_shadowed(&self, rule: &str, version: u32) -> bool {
        let life = self.watched.get(rule).filter(|life| life.version == version);
        life.is_some_and(|life| life.shadowed)
    }

    /// The rules that moved themselves to shadow, by the version that did.
    pub fn rules_shadowed(&self) -> impl Iterator<Item = (&str, u32)> + '_ {
        let shadowed = self.watched.iter().filter(|(_, life)| life.shadowed);
        shadowed.map(|(rule, life)| (rule.as_str(), life.version))
    }

    /// What all partitions did was told: the rule's life goes on.
    pub(super) fn watch(&mut self, id: &str, count: &RuleCount, out: Out<'_>) {
        let Some(active) = self.rules.clone() else { return };
        let Some(table) = &active.set.lives.rule else { return };
        let version = count.version;
        let (Some(quality), Some(first)) = (active.set.quality_of(id, version), table.beginning()) else {
            return;
        };
        let begun = || RuleLife { version, state: Arc::clone(&first.name), shadowed: false };
        let known = self.watched.get(id).filter(|life| life.version == version);
        let mut life = known.cloned().unwrap_or_else(begun);
        let step = table.next(&life.state, RuleEvent::Counted, |guard| match guard {
            RuleGuard::BeyondBound => quality.is_passed_by(count),
        });
        let Some(step) = step else { return };
        if let Some(state) = table.state(step.to) {
            life.state = Arc::clone(&state.name);
        }
        for act in &step.acts {
            match act {
                RuleAct::ToShadow => {
                    life.shadowed = true;
                    if own_partition(id, self.identity.partitions) == self.identity.partition {
                        let rule = RuleName { id: id.to_owned(), version };
                        let shadowed = RuleShadowed { rule, count: *count, quality };
                        out.push(Effect::RuleShadowed(Box::new(shadowed)));
                    }
                }
                RuleAct::Restore => life.shadowed = false,
            }
        }
        self.watched.insert(id.to_owned(), life);
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::rule::Quality;
    use crate::engine::state::RuleCount;

    const BOUNDS: Quality =
        Quality { overturned_per_mille_max: 200, verified_per_mille_max: 900, measures_min: 50 };

    fn did(measures: u64, overruled: u64, verified: u64) -> RuleCount {
        RuleCount { version: 1, measures, overruled, verified, ..RuleCount::default() }
    }

    #[test]
    fn a_bound_is_passed_beyond_it_and_not_at_it() {
        assert!(!BOUNDS.is_passed_by(&did(50, 10, 45)), "a fifth, and nine in ten: both at the bound");
        assert!(BOUNDS.is_passed_by(&did(50, 11, 0)) && BOUNDS.is_passed_by(&did(50, 0, 46)));
        assert!(!BOUNDS.is_passed_by(&did(49, 49, 49)), "from so few nothing is concluded");
        assert!(!BOUNDS.is_passed_by(&RuleCount::default()));
        let most = did(u64::MAX, u64::MAX / 5, 0);
        assert!(!BOUNDS.is_passed_by(&most), "large counts do not overflow");
    }

    #[test]
    fn only_what_the_latest_version_did_adds_up_and_harm_is_of_all() {
        let harm = |count: RuleCount, interval, harm_ms| RuleCount { interval, harm_ms, ..count };
        let old = harm(did(900, 900, 0), 7, 5);
        let new = |measures| RuleCount { version: 2, ..harm(did(measures, 1, 0), 7, 3) };
        let total = RuleCount::total([old, new(4), new(6)].iter());
        assert_eq!((total.version, total.measures, total.overruled), (2, 10, 2));
        assert_eq!((total.interval, total.harm_ms), (7, 11));
        let afresh = old.of_version(2);
        assert_eq!((afresh.version, afresh.measures, afresh.harm_ms), (2, 0, 5));
        assert_eq!(afresh.of_version(1), afresh, "an earlier version does not come back");
    }
}
