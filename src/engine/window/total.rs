//! What windows add up: exact, in integers.

use super::packed::Packed;
use crate::engine::base::saturate;
use crate::engine::signal::{Aggregate, Question};

/// Count, sum and sum of squares of amounts: what average and deviation are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub count: i128,
    pub sum: i128,
    /// Amounts are below 2^53, so this and its product with a count below 2^20 are exact in 127 bits.
    pub squares: i128,
}

impl Total {
    pub fn of<'a>(entries: impl Iterator<Item = &'a Packed>) -> Total {
        entries.fold(Total::default(), |total, entry| total.plus(entry.minor()))
    }

    pub fn plus(self, minor: i64) -> Total {
        let minor = i128::from(minor);
        Total {
            count: self.count + 1,
            sum: self.sum + minor,
            squares: self.squares.saturating_add(minor * minor),
        }
    }

    /// What is left without a part of it.
    pub fn minus(self, part: Total) -> Total {
        Total {
            count: self.count - part.count,
            sum: self.sum - part.sum,
            squares: self.squares.saturating_sub(part.squares),
        }
    }

    /// Of a count, sum, average or deviation.
    pub fn value(self, aggregate: Aggregate) -> i64 {
        saturate(match aggregate {
            Aggregate::Sum => self.sum,
            Aggregate::Average => self.average(),
            Aggregate::Deviation => self.deviation(),
            _ => self.count,
        })
    }

    fn average(self) -> i128 {
        if self.count == 0 { 0 } else { self.sum.div_euclid(self.count) }
    }

    fn deviation(self) -> i128 {
        if self.count == 0 {
            return 0;
        }
        let spread = self.squares.saturating_mul(self.count) - self.sum.saturating_mul(self.sum);
        spread.max(0).isqrt() / self.count
    }
}

/// The largest sum of one other, per mille of all.
pub(super) fn largest_share<'a>(window: impl Iterator<Item = &'a Packed>) -> (i64, bool) {
    let mut by_other: Vec<(u64, i128)> =
        window.map(|entry| (entry.other(), i128::from(entry.minor()))).collect();
    by_other.sort_unstable();
    let sums = by_other
        .chunk_by(|a, b| a.0 == b.0)
        .map(|of_one| of_one.iter().map(|(_, minor)| minor).sum::<i128>());
    let (all, largest) = sums.fold((0, 0), |(all, largest), sum| (all + sum, sum.max(largest)));
    (per_mille(largest, all), !by_other.is_empty())
}

/// Rounded down; 0 of nothing.
pub(super) fn per_mille(part: i128, all: i128) -> i64 {
    if all > 0 { saturate(part * 1_000 / all) } else { 0 }
}

/// Others met by both sets of feeds.
pub(super) fn returned<'a>(window: impl Iterator<Item = &'a Packed>, question: &Question) -> (i64, bool) {
    let mut met: Vec<(u64, bool)> = Vec::new();
    for entry in window {
        let bit = entry.feed_bit();
        if bit & question.feeds != 0 {
            met.push((entry.other(), false));
        }
        if bit & question.returned_by != 0 {
            met.push((entry.other(), true));
        }
    }
    met.sort_unstable();
    met.dedup();
    let both = met.chunk_by(|a, b| a.0 == b.0).filter(|of_one| of_one.len() == 2).count();
    (saturate(both as i128), !met.is_empty())
}

pub(super) fn optional(value: Option<i64>) -> (i64, bool) {
    (value.unwrap_or(0), value.is_some())
}
