//! The time-ordered log of one subject, and exact sliding windows over it (DESIGN D15, ARCHITECTURE S5, S6).
//!
//! One log serves all windows and aggregates of a subject. A short log is looked through, once for all
//! questions over the same entries (`sweep`). A long one keeps running values (`running`): a cursor per
//! window for count and sum, a "superseded" mark per entry for distinct, a monotone queue for maximum
//! and minimum. Both give the same numbers as a look at each entry (`SubjectLog::scan`), which answers
//! what is asked about the past, under an override's bound, or for one event.
//!
//! A log holds numbers of entries; the entries are in the partition's `Store`.

mod as_of;
mod behind;
mod best;
mod distinct;
mod numbers;
mod packed;
mod plan;
mod running;
mod store;
mod sweep;
mod total;

use super::base::{Fingerprint, Money, TimeMs};
use super::calendar::Calendar;
use super::fact::Feed;
use super::prefetch::prefetch;
use super::signal::{Aggregate, Question};

pub use as_of::{AsOf, AskedFor};
pub use behind::Behind;
use numbers::Numbers;
use packed::Packed;
pub use plan::Plan;
use plan::Planned;
use running::Running;
pub use store::{Known, Store};
use total::{Total, largest_share, optional, returned, saturate};

/// One event in a subject's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: TimeMs,
    pub event: Fingerprint,
    pub other: u64,
    pub amount: Option<Money>,
    pub feed: Feed,
    /// `Mark::bit`s of a transfer; 0 of anything else.
    pub marks: u8,
}

/// Logs longer than this keep running values; shorter ones are looked through, which costs less memory
/// and about as much time.
const SCANNED_MAX: usize = 24;

/// The log of one subject.
#[derive(Clone, Debug, Default)]
pub struct SubjectLog {
    /// By event time; equal times in order of application.
    numbers: Numbers,
    running: Option<Box<Running>>,
}

/// The entries of a log, oldest first.
#[derive(Clone, Copy)]
struct View<'a> {
    numbers: &'a Numbers,
    store: &'a Store,
}

impl<'a> View<'a> {
    fn get(self, place: usize) -> Option<&'a Packed> {
        Some(self.store.get(self.numbers.get(place)?))
    }

    fn range(self, from: usize, to: usize) -> impl DoubleEndedIterator<Item = &'a Packed> {
        self.numbers.range(from, to).map(move |number| self.store.get(number))
    }

    fn newest(self) -> Option<&'a Packed> {
        self.get(self.numbers.len().checked_sub(1)?)
    }

    /// The place of the first entry later than a time.
    fn place_after(self, at: TimeMs) -> usize {
        if self.newest().is_none_or(|newest| newest.at() <= at) {
            return self.numbers.len();
        }
        let (front, back) = self.numbers.slices();
        let is_before = |number: &u32| self.store.get(*number).at() <= at;
        match front.partition_point(is_before) {
            inside if inside < front.len() => inside,
            all => all + back.partition_point(is_before),
        }
    }
}

/// Values of subjects' signals as of one moment, by the signals' numbers: kept, because equal questions
/// and questions over the same entries are answered together.
#[derive(Debug)]
pub struct Values {
    /// Which moment this is; what was kept of another does not count.
    moment: u32,
    slots: Vec<(u32, bool, i64)>,
}

impl Default for Values {
    fn default() -> Values {
        Values { moment: 1, slots: Vec::new() }
    }
}

impl Values {
    /// Forgets the moment, and keeps its memory for the next.
    pub fn clear(&mut self) {
        self.moment = self.moment.wrapping_add(1);
        if self.moment == 0 {
            *self = Values::default();
        }
    }

    #[must_use]
    pub fn get(&self, signal: usize) -> Option<(i64, bool)> {
        let (_, any, value) = self.slots.get(signal).filter(|(moment, ..)| *moment == self.moment)?;
        Some((*value, *any))
    }

    /// Makes room for as many signals as there are.
    fn reserve(&mut self, count: usize) {
        if self.slots.len() < count {
            self.slots.resize(count, (0, false, 0));
        }
    }

    fn keep(&mut self, signal: usize, (value, any): (i64, bool)) {
        if let Some(slot) = self.slots.get_mut(signal) {
            *slot = (self.moment, any, value);
        }
    }
}

impl SubjectLog {
    fn view<'a>(&'a self, store: &'a Store) -> View<'a> {
        View { numbers: &self.numbers, store }
    }

    /// Adds a number at the end, in the order of a snapshot.
    fn append(&mut self, number: u32) {
        self.numbers.insert(self.numbers.len(), number);
    }

    pub fn entries<'a>(&'a self, store: &'a Store) -> impl DoubleEndedIterator<Item = Entry> + 'a {
        self.view(store).range(0, self.len()).map(Packed::unpacked)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an entry of the store, added for this log too, at its event time, after those of the same
    /// time, and drops forgotten ones. The entry itself is later than `horizon`.
    pub fn insert(&mut self, number: u32, store: &mut Store, plan: &Plan, horizon: TimeMs) {
        let at = store.get(number).at();
        let place = self.view(store).place_after(at);
        let is_newest = place == self.len();
        self.numbers.insert(place, number);
        let log = View { numbers: &self.numbers, store };
        match &mut self.running {
            Some(running) if is_newest && !running.is_outdated(plan, at) => running.advance(at, log, plan),
            Some(running) if !is_newest && running.is_of(plan) => running.insert(place, log, plan),
            _ => self.running = None,
        }
        self.forget(store, horizon);
    }

    /// Asks for the memory that the next entry of a time will need, in four steps: each reads what the one
    /// before asked for. They are hints and change nothing.
    pub fn expect_running(&self) {
        self.numbers.expect_queue();
        self.running.iter().for_each(|running| prefetch(&**running));
    }

    pub fn expect_windows(&self) {
        self.running.iter().for_each(|running| running.expect_lanes());
        self.numbers.expect(0);
        self.numbers.expect(self.len().saturating_sub(1));
    }

    pub fn expect_numbers(&self, at: TimeMs) {
        for place in self.running.iter().flat_map(|running| running.leaving(at)) {
            self.numbers.expect(place);
            // The first that stays.
            self.numbers.expect(place + 1);
        }
    }

    pub fn expect_entries(&self, at: TimeMs, store: &Store) {
        let expect = |place: usize| self.numbers.get(place).iter().for_each(|number| store.expect(*number));
        match &self.running {
            Some(running) => {
                for place in running.leaving(at) {
                    expect(place);
                    expect(place + 1);
                }
                expect(0);
                expect(self.len().saturating_sub(1));
            }
            None if self.len() <= SCANNED_MAX => (0..self.len()).for_each(expect),
            None => {}
        }
    }

    /// Takes out the entries of an event; true if there were any.
    pub fn remove(&mut self, event: Fingerprint, feed: Feed, store: &mut Store) -> bool {
        self.take_out(store, |entry| entry.event() == event && entry.feed_bit() == feed.bit())
    }

    /// Takes out all entries of some feeds; true if there were any.
    pub fn remove_feeds(&mut self, feeds: u32, store: &mut Store) -> bool {
        self.take_out(store, |entry| entry.feed_bit() & feeds != 0)
    }

    fn take_out(&mut self, store: &mut Store, is_out: impl Fn(&Packed) -> bool) -> bool {
        let before = self.len();
        let mut removed = Vec::new();
        self.numbers.retain(|number| {
            let goes = is_out(store.get(number));
            if goes {
                removed.push(number);
            }
            !goes
        });
        removed.into_iter().for_each(|number| store.release(number));
        let any = self.len() != before;
        if any {
            self.running = None;
        }
        any
    }

    /// Drops the entries at or before a time.
    pub fn forget(&mut self, store: &mut Store, horizon: TimeMs) {
        while self.view(store).get(0).is_some_and(|oldest| oldest.at() <= horizon) {
            let Some(number) = self.numbers.pop_front() else { return };
            // A late entry can push the horizon past what is still inside a window as of that entry.
            match &mut self.running {
                Some(running) if running.has_left_front() => running.dropped_front(store.get(number)),
                _ => self.running = None,
            }
            store.release(number);
        }
        if self.len() <= SCANNED_MAX / 2 {
            self.running = None;
        }
    }

    /// The value of a signal (its number in the rule set) and whether any entry was in its window.
    /// `values` are of this log as of the same moment. None if running values must move first.
    pub fn value(
        &self,
        signal: usize,
        store: &Store,
        plan: &Plan,
        as_of: AsOf,
        values: &mut Values,
    ) -> Option<(i64, bool)> {
        let Some(asked) = plan.asked(signal) else { return Some((0, false)) };
        values.reserve(plan.signals_count());
        let lane = asked.lane.filter(|_| as_of.event.left_out.is_none());
        let set = lane.and_then(|lane| plan.lanes.get(lane)).map(|lane| lane.set);
        match set.and_then(|set| Some((set, plan.sets.get(set)?))) {
            Some((_, set)) if self.len() <= SCANNED_MAX => {
                sweep::sweep(set, self.view(store), plan, as_of, values);
            }
            Some((number, set)) if self.is_whole(store, plan, as_of) => {
                let running = self.running.as_ref().filter(|running| running.is_as_of(plan, as_of.at))?;
                running.values(number, set, self.view(store), plan, as_of, values);
            }
            _ => values.keep(signal, self.scan_planned(&asked.planned, store, plan.calendar(), as_of)),
        }
        Some(values.get(signal).unwrap_or_default())
    }

    /// Moves running values to a time, or builds them.
    pub fn run_to(&mut self, at: TimeMs, store: &Store, plan: &Plan) {
        let log = View { numbers: &self.numbers, store };
        match &mut self.running {
            Some(running) if !running.is_outdated(plan, at) => running.advance(at, log, plan),
            running => *running = Some(Box::new(Running::build(log, plan, at))),
        }
    }

    /// Whether running values answer: about now, and about all there is.
    fn is_whole(&self, store: &Store, plan: &Plan, as_of: AsOf) -> bool {
        self.view(store).newest().is_none_or(|newest| newest.at() <= as_of.at)
            && as_of.bound.is_none()
            && as_of.at.minus(plan.reach_max) >= as_of.horizon
    }

    /// The entries behind a value, oldest first; those that `Returned` is answered by, too.
    pub fn behind<'a>(
        &'a self,
        question: &Question,
        store: &'a Store,
        calendar: &Calendar,
        as_of: AsOf,
    ) -> impl DoubleEndedIterator<Item = Entry> + use<'a> {
        self.inside(Planned::new(question), store, calendar, as_of).map(Packed::unpacked)
    }

    fn inside<'a>(
        &'a self,
        planned: Planned,
        store: &'a Store,
        calendar: &Calendar,
        as_of: AsOf,
    ) -> impl DoubleEndedIterator<Item = &'a Packed> + use<'a> {
        let (after, until) = as_of.bounds(&planned.question, calendar);
        let log = self.view(store);
        let to = log.place_after(until);
        let from = log.place_after(after).min(to);
        let counted = as_of.counted(&planned.question);
        log.range(from, to).filter(move |entry| planned.admits(entry) && counted.counts(entry))
    }

    /// The value by looking at each entry of the window.
    pub fn scan(&self, question: &Question, store: &Store, calendar: &Calendar, as_of: AsOf) -> (i64, bool) {
        self.scan_planned(&Planned::new(question), store, calendar, as_of)
    }

    fn scan_planned(
        &self,
        planned: &Planned,
        store: &Store,
        calendar: &Calendar,
        as_of: AsOf,
    ) -> (i64, bool) {
        let question = &planned.question;
        let window = self.inside(*planned, store, calendar, as_of);
        let (after, until) = as_of.bounds(question, calendar);
        match question.aggregate {
            Aggregate::Count => {
                let count = window.count();
                (saturate(count as i128), count > 0)
            }
            Aggregate::Sum | Aggregate::Average | Aggregate::Deviation => {
                let total = Total::of(window);
                (total.value(question.aggregate), total.count > 0)
            }
            Aggregate::Max => optional(window.map(Packed::minor).max()),
            Aggregate::Min => optional(window.map(Packed::minor).min()),
            Aggregate::Last => optional(window.map(Packed::minor).next_back()),
            Aggregate::Distinct => {
                let mut others: Vec<u64> = window.map(|entry| entry.other()).collect();
                others.sort_unstable();
                others.dedup();
                (saturate(others.len() as i128), !others.is_empty())
            }
            Aggregate::LargestShare => largest_share(window),
            Aggregate::Returned => returned(window, question),
            Aggregate::SinceLast => match window.map(Packed::at).next_back() {
                Some(newest) => (saturate(i128::from(as_of.at.0) - i128::from(newest.0)), true),
                None => (saturate(i128::from(until.0) - i128::from(after.0)), false),
            },
            Aggregate::SinceFirst => {
                let mut window = window;
                let oldest =
                    window.next().map(|entry| saturate(i128::from(as_of.at.0) - i128::from(entry.at().0)));
                optional(oldest)
            }
        }
    }
}

#[cfg(test)]
mod tests;
