//! Which entries of a set are superseded: what makes a distinct count a running one.

use std::collections::{HashMap, VecDeque};

use super::packed::Packed;
use crate::engine::state::TokenHash;

/// Which entry is the latest of each `other`, and which entries are no longer.
#[derive(Clone, Debug, Default)]
pub(super) struct Distinct {
    pub latest: HashMap<u64, u32, TokenHash>,
    /// One per entry that has come in and is still in the log.
    pub superseded: VecDeque<bool>,
}

/// How an entry that came in stands to others with the same `other`; of sets that look at that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alike {
    /// The one before it.
    pub before: Option<u32>,
    /// There is a later one.
    pub is_superseded: bool,
}

impl Distinct {
    /// Notes the entry that came in last, and gives the one before it with the same `other`.
    pub fn supersede(&mut self, entry: &Packed, number: u32, dropped: u32) -> Option<u32> {
        let before = self.latest.insert(entry.other(), number)?;
        self.mark((before - dropped) as usize);
        Some(before)
    }

    pub fn insert(&mut self, entry: &Packed, number: u32, dropped: u32) -> Alike {
        let known = self.latest.get(&entry.other()).copied();
        if known.is_some_and(|known| known > number) {
            self.mark((number - dropped) as usize);
            return Alike { before: None, is_superseded: true };
        }
        Alike { before: self.supersede(entry, number, dropped), is_superseded: false }
    }

    pub fn mark(&mut self, place: usize) {
        if let Some(mark) = self.superseded.get_mut(place) {
            *mark = true;
        }
    }

    pub fn is_superseded(&self, place: usize) -> bool {
        self.superseded.get(place).copied().unwrap_or(false)
    }
}
