//! The words of the life of an entry on the list of joint sanctions (APL 31).

use super::{Vocabulary, words};

words! {
    /// What happens to an entry.
    EntryEvent {
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
        /// Its start lies ahead.
        Ahead "ahead",
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

impl Vocabulary for OfEntry {
    const KIND: &'static str = "entry";
    const DUE: EntryEvent = EntryEvent::Due;
    type On = EntryEvent;
    type If = EntryGuard;
    type Do = EntryAct;
}
