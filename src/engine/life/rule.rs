//! The words of the life of a rule that watches itself (DESIGN D28).

use super::{Vocabulary, words};

words! {
    /// What happens to a rule.
    RuleEvent {
        /// What all partitions did was told.
        Counted "counted",
        /// A later version of it began to decide.
        Renewed "renewed",
        Due "due",
    }
}

words! {
    /// What a step of a rule may depend on.
    RuleGuard {
        /// More of its measures were overturned or verified than its bound allows.
        BeyondBound "beyond_bound",
    }
}

words! {
    /// What a step of a rule does.
    RuleAct {
        /// It only observes from here on, and an alarm goes off.
        ToShadow "to_shadow",
        Restore "restore",
    }
}

/// The vocabulary of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfRule;

impl Vocabulary for OfRule {
    const KIND: &'static str = "rule";
    const DUE: RuleEvent = RuleEvent::Due;
    type On = RuleEvent;
    type If = RuleGuard;
    type Do = RuleAct;
}
