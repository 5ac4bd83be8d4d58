//! Short logs: all windows over a set of entries in one pass, from the newest entry back.
//!
//! A window that reaches further back holds all that a shorter one holds, so each lane's value is what
//! has been added up when the pass leaves its window.

use super::packed::Packed;
use super::plan::{Plan, Set};
use super::total::{Total, optional};
use super::{AsOf, SCANNED_MAX, View, saturate};
use crate::engine::base::TimeMs;
use crate::engine::signal::{Aggregate, Question};

/// Lanes taken in one pass.
const LANES_MAX: usize = 16;

/// What has been added up so far.
struct Swept {
    total: Total,
    largest: i64,
    smallest: i64,
    newest: Option<(TimeMs, i64)>,
    oldest: TimeMs,
    others: [u64; SCANNED_MAX],
    others_count: usize,
}

/// Gives the value of every question of a set, with its place in the plan. The log has `SCANNED_MAX`
/// entries at most, and no question asks what the values would be without an event.
pub(super) fn sweep(
    set: usize,
    log: View<'_>,
    plan: &Plan,
    as_of: AsOf,
    keep: &mut dyn FnMut(usize, (i64, bool)),
) {
    let Some(set) = plan.sets.get(set) else { return };
    let until = as_of.at.minus(set.planned.question.delay);
    let end = log.place_after(until);
    for lanes in set.lanes.chunks(LANES_MAX) {
        // By their open lower ends, the latest first.
        let mut bounds = [(TimeMs::MIN, 0); LANES_MAX];
        for (bound, number) in bounds.iter_mut().zip(lanes) {
            let window = plan.lanes.get(*number).map(|lane| lane.window);
            *bound = (window.map_or(until, |window| as_of.after(window, until, plan.calendar())), *number);
        }
        let bounds = bounds.get_mut(..lanes.len()).unwrap_or(&mut []);
        bounds.sort_unstable_by_key(|(after, _)| std::cmp::Reverse(*after));
        let mut swept = Swept::new();
        let mut entries = log.range(0, end).rev().peekable();
        for (after, number) in bounds {
            while let Some(entry) = entries.next_if(|entry| entry.at() > *after) {
                if set.planned.admits(entry) {
                    swept.add(entry, set);
                }
            }
            for place in plan.lanes.get(*number).iter().flat_map(|lane| &lane.questions) {
                if let Some(asked) = plan.questions.get(*place) {
                    keep(*place, swept.value(&asked.planned.question, as_of, until, *after));
                }
            }
        }
    }
}

impl Swept {
    fn new() -> Swept {
        Swept {
            total: Total::default(),
            largest: i64::MIN,
            smallest: i64::MAX,
            newest: None,
            oldest: TimeMs::MIN,
            others: [0; SCANNED_MAX],
            others_count: 0,
        }
    }

    fn add(&mut self, entry: &Packed, set: &Set) {
        let minor = entry.minor();
        self.total = self.total.plus(minor);
        self.largest = self.largest.max(minor);
        self.smallest = self.smallest.min(minor);
        self.newest = self.newest.or(Some((entry.at(), minor)));
        self.oldest = entry.at();
        if set.distinct {
            let known = self.others.get(..self.others_count).unwrap_or(&[]);
            if !known.contains(&entry.other())
                && let Some(slot) = self.others.get_mut(self.others_count)
            {
                *slot = entry.other();
                self.others_count += 1;
            }
        }
    }

    fn value(&self, question: &Question, as_of: AsOf, until: TimeMs, after: TimeMs) -> (i64, bool) {
        let any = self.total.count > 0;
        let since = |then: TimeMs| saturate(i128::from(as_of.at.0) - i128::from(then.0));
        match question.aggregate {
            Aggregate::Max => optional(any.then_some(self.largest)),
            Aggregate::Min => optional(any.then_some(self.smallest)),
            Aggregate::Last => optional(self.newest.map(|(_, minor)| minor)),
            Aggregate::SinceLast => match self.newest {
                Some((newest, _)) => (since(newest), true),
                None => (saturate(i128::from(until.0) - i128::from(after.0)), false),
            },
            Aggregate::SinceFirst => optional(any.then(|| since(self.oldest))),
            Aggregate::Distinct => (self.others_count as i64, any),
            aggregate => (self.total.value(aggregate), any),
        }
    }
}
