//! The words of the life of an entry on the list of joint sanctions (APL 31).

use super::{Vocabulary, words};

words! {
    /// What happens to an entry.
    EntryEvent {
        /// It was heard of, and does not act yet or never will.
        Listed "listed",
        /// Its start was reached.
        Started "started",
        Revoked "revoked",
        /// Its end was reached, or the sum of its like reached the longest term.
        Due "due",
    }
}

words! {
    /// What a step of an entry may depend on.
    EntryGuard {
        /// It was made under the rules before the joint sanctions.
        Legacy "legacy",
    }
}

words! {
    /// What a step of an entry does.
    EntryAct {
        Set "set",
        End "end",
        /// The authority is told what was done.
        Answer "answer",
    }
}

/// The vocabulary of list entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfEntry;

impl OfEntry {
    /// The longest term of category A, of category B, and of all entries of a person without a break.
    pub const TERMS: [&'static str; 3] = ["category_a", "category_b", "continuous"];
}

impl Vocabulary for OfEntry {
    const KIND: &'static str = "entry";
    const DUE: EntryEvent = EntryEvent::Due;
    const HAS_OWN_END: bool = true;
    const FIGURES: &'static [&'static str] = &OfEntry::TERMS;
    type On = EntryEvent;
    type If = EntryGuard;
    type Do = EntryAct;
}
