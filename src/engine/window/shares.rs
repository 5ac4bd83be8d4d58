//! What each other side has of one window's sum, and which has the most, without a look at each entry.
//!
//! Invariants: an other is known as long as an entry of it is inside; `by_sum` has each known other's sum once.

use std::collections::{BTreeMap, HashMap};

use super::packed::Packed;
use super::total::per_mille;
use crate::engine::state::TokenHash;

#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    of: HashMap<u64, Share, TokenHash>,
    /// How many others have each sum.
    by_sum: BTreeMap<i128, u32>,
}

/// Entries of one other, and their sum in minor units.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    entries: u32,
    sum: i128,
}

impl Shares {
    pub fn of<'a>(entries: impl Iterator<Item = &'a Packed>) -> Shares {
        let mut shares = Shares::default();
        entries.for_each(|entry| shares.add(entry));
        shares
    }

    pub fn add(&mut self, entry: &Packed) {
        let share = self.of.entry(entry.other()).or_default();
        if share.entries > 0 {
            let_go(&mut self.by_sum, share.sum);
        }
        share.entries += 1;
        share.sum += i128::from(entry.minor());
        *self.by_sum.entry(share.sum).or_default() += 1;
    }

    /// Takes out an entry that is there.
    pub fn remove(&mut self, entry: &Packed) {
        let Some(share) = self.of.get_mut(&entry.other()) else { return };
        let_go(&mut self.by_sum, share.sum);
        share.entries -= 1;
        share.sum -= i128::from(entry.minor());
        if share.entries == 0 {
            self.of.remove(&entry.other());
        } else {
            *self.by_sum.entry(share.sum).or_default() += 1;
        }
    }

    /// The largest, per mille of a sum of all, and whether there is any.
    pub fn largest(&self, all: i128) -> (i64, bool) {
        let largest = self.by_sum.last_key_value().map_or(0, |(sum, _)| *sum);
        (per_mille(largest, all), !self.by_sum.is_empty())
    }
}

fn let_go(by_sum: &mut BTreeMap<i128, u32>, sum: i128) {
    if let Some(count) = by_sum.get_mut(&sum) {
        *count -= 1;
        if *count == 0 {
            by_sum.remove(&sum);
        }
    }
}
