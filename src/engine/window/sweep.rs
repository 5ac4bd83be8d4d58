//! Short logs: all windows over a set of entries in one pass, from the newest entry back.
//!
//! A window that reaches further back holds all that a shorter one holds, so each lane's value is what
//! has been added up when the pass leaves its window.

use super::own::Own;
use super::packed::Packed;
use super::plan::{Answer, Plan, Set};
use super::total::Total;
use super::{AsOf, SCANNED_MAX, Values, View};
use crate::engine::base::{TimeMs, saturate};
use crate::engine::signal::Aggregate;

/// Lanes taken in one pass.
const LANES_MAX: usize = 16;

/// What has been added up so far. The sum of so few amounts, each below 2^53, fits.
struct Swept {
    count: u32,
    /// Of the paid ones; so are sum to `last`.
    paid: u32,
    sum: i64,
    squares: i128,
    /// What of that the event itself brought, where a question leaves it out.
    own: Own,
    largest: i64,
    smallest: i64,
    last: Option<i64>,
    newest: Option<TimeMs>,
    oldest: TimeMs,
    others: [u64; SCANNED_MAX],
    others_count: usize,
}

/// Gives the value of every signal of a lane's set. The log has `SCANNED_MAX` entries at most, and no signal
/// asks what the values would be without an event.
pub(super) fn sweep(lane: usize, log: View<'_>, plan: &Plan, as_of: AsOf, values: &mut Values) {
    let Some(set) = plan.set_of(lane).and_then(|set| plan.sets.get(set)) else { return };
    let until = as_of.at.minus(set.planned.question.delay);
    let end = log.place_after(until);
    for lanes in set.lanes.chunks(LANES_MAX) {
        // By their open lower ends, the latest first: nearly so already, for the shortest window is first.
        let mut bounds = [(TimeMs::MIN, 0); LANES_MAX];
        for (bound, number) in bounds.iter_mut().zip(lanes) {
            let window = plan.lanes.get(*number).map(|lane| lane.window);
            *bound = (window.map_or(until, |window| as_of.after(window, until, plan.calendar())), *number);
        }
        let bounds = bounds.get_mut(..lanes.len()).unwrap_or(&mut []);
        bounds.sort_unstable_by_key(|(after, _)| std::cmp::Reverse(*after));
        let mut swept = Swept::new();
        let mut entries = log.range(0, end).rev();
        let mut next = entries.next();
        for (after, number) in bounds {
            while let Some(entry) = next.filter(|entry| entry.at() > *after) {
                if set.planned.admits(entry) {
                    swept.add(entry, set);
                    if set.without_event && as_of.is_own(entry) {
                        swept.own = swept.own.plus(set, entry);
                    }
                }
                next = entries.next();
            }
            for answer in plan.lanes.get(*number).iter().flat_map(|lane| &lane.answers) {
                values.keep(answer.signal, swept.value(*answer, as_of, until, *after));
            }
        }
    }
}

impl Swept {
    fn new() -> Swept {
        Swept {
            count: 0,
            paid: 0,
            sum: 0,
            squares: 0,
            own: Own::default(),
            largest: i64::MIN,
            smallest: i64::MAX,
            last: None,
            newest: None,
            oldest: TimeMs::MIN,
            others: [0; SCANNED_MAX],
            others_count: 0,
        }
    }

    fn add(&mut self, entry: &Packed, set: &Set) {
        self.count += 1;
        self.newest = self.newest.or(Some(entry.at()));
        self.oldest = entry.at();
        if set.is_paid(entry) {
            let minor = entry.minor();
            self.paid += 1;
            self.sum += minor;
            if set.squares {
                self.squares += i128::from(minor) * i128::from(minor);
            }
            self.largest = self.largest.max(minor);
            self.smallest = self.smallest.min(minor);
            self.last = self.last.or(Some(minor));
        }
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

    fn value(&self, answer: Answer, as_of: AsOf, until: TimeMs, after: TimeMs) -> (i64, bool) {
        let aggregate = answer.aggregate;
        if answer.without_event {
            let all = Total { count: self.count.into(), ..Total::default() };
            let total = if aggregate.reads_amount() { self.total() } else { all };
            let others = total.minus(self.own.of(aggregate));
            return (others.value(aggregate), others.count > 0);
        }
        let any = if aggregate.reads_amount() { self.paid > 0 } else { self.count > 0 };
        let since = |then: TimeMs| saturate(i128::from(as_of.at.0) - i128::from(then.0));
        let value = match aggregate {
            Aggregate::Count => i64::from(self.count),
            Aggregate::Sum => self.sum,
            Aggregate::Max if any => self.largest,
            Aggregate::Min if any => self.smallest,
            Aggregate::Distinct => self.others_count as i64,
            Aggregate::Last => self.last.unwrap_or(0),
            Aggregate::SinceLast => match self.newest {
                Some(newest) => since(newest),
                None => saturate(i128::from(until.0) - i128::from(after.0)),
            },
            Aggregate::SinceFirst if any => since(self.oldest),
            Aggregate::Average | Aggregate::Deviation => self.total().value(aggregate),
            // Of nothing; the last two are not kept in sets.
            Aggregate::Max
            | Aggregate::Min
            | Aggregate::SinceFirst
            | Aggregate::LargestShare
            | Aggregate::Returned => 0,
        };
        (value, any)
    }

    fn total(&self) -> Total {
        Total { count: self.paid.into(), sum: self.sum.into(), squares: self.squares }
    }
}
