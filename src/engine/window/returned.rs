//! Which other sides were met in both directions inside one window, without a look at each entry.

use std::collections::HashMap;

use super::packed::Packed;
use crate::engine::signal::Question;
use crate::engine::state::TokenHash;

/// Of the entries of a question for `Returned`. An other is known as long as an entry of it is inside.
#[derive(Clone, Debug)]
pub(super) struct Returned {
    feeds: u32,
    returned_by: u32,
    met: HashMap<u64, Met, TokenHash>,
    /// How many were met in both directions.
    both: u32,
}

/// Entries of one other, by direction.
#[derive(Clone, Copy, Debug, Default)]
struct Met {
    there: u32,
    back: u32,
}

impl Met {
    fn is_both(self) -> bool {
        self.there > 0 && self.back > 0
    }
}

impl Returned {
    pub fn of<'a>(question: &Question, entries: impl Iterator<Item = &'a Packed>) -> Returned {
        let mut returned = Returned {
            feeds: question.feeds,
            returned_by: question.returned_by,
            met: HashMap::default(),
            both: 0,
        };
        entries.for_each(|entry| returned.add(entry));
        returned
    }

    /// What an entry counts for in each direction; a feed may be of both.
    fn counted(&self, entry: &Packed) -> (u32, u32) {
        let counts = |feeds: u32| u32::from(entry.feed_bit() & feeds != 0);
        (counts(self.feeds), counts(self.returned_by))
    }

    pub fn add(&mut self, entry: &Packed) {
        let (there, back) = self.counted(entry);
        let met = self.met.entry(entry.other()).or_default();
        let was_both = met.is_both();
        met.there += there;
        met.back += back;
        self.both += u32::from(met.is_both() && !was_both);
    }

    /// Takes out an entry that is there.
    pub fn remove(&mut self, entry: &Packed) {
        let (there, back) = self.counted(entry);
        let Some(met) = self.met.get_mut(&entry.other()) else { return };
        let was_both = met.is_both();
        met.there -= there;
        met.back -= back;
        self.both -= u32::from(was_both && !met.is_both());
        if met.there == 0 && met.back == 0 {
            self.met.remove(&entry.other());
        }
    }

    /// How many, and whether anyone was met at all.
    pub fn value(&self) -> (i64, bool) {
        (i64::from(self.both), !self.met.is_empty())
    }
}
