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
        let life = self.watched.get(&rule.id).filter(|life| life.version == rule.version);
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
        let of_version = |rule: &&Rule| rule.id == id && rule.version == count.version;
        let Some(rule) = active.set.rules.iter().find(of_version) else { return };
        let (Some(quality), Some(first)) = (rule.quality, table.beginning()) else { return };
        let begun = || RuleLife { version: rule.version, state: Arc::clone(&first.name), shadowed: false };
        let known = self.watched.get(id).filter(|life| life.version == rule.version);
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
                        let rule = RuleName { id: rule.id.clone(), version: rule.version };
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
