//! The time-ordered log of one subject, and exact sliding windows over it (DESIGN D15, ARCHITECTURE S5, S6).
//!
//! One log serves all windows and aggregates of a subject. A short log is looked through, once for all
//! questions over the same entries (`sweep`). A long one keeps running values (`running`): a cursor per
//! window for count and sum, a "superseded" mark per entry for distinct, a monotone queue for maximum
//! and minimum, amounts by size for those like an event's, sums by other side for the largest share, who was met
//! in which direction. Both give the same numbers as a look at each entry (`SubjectLog::scan`), which answers what
//! is asked about the past, under an override's bound, or for one event. What no window can exceed is known
//! without a look (`most`), so most logs are never asked: running values begin with the first question.
//!
//! A log holds numbers of entries; the entries are in the partition's `Store`.

mod as_of;
mod behind;
mod best;
mod distinct;
mod kept;
mod known;
mod lane;
mod most;
mod numbers;
mod ordered;
mod own;
mod packed;
mod plan;
mod returned;
mod running;
mod running_values;
mod scan;
mod shares;
mod store;
mod sweep;
mod total;
mod values;
mod view;

use std::collections::VecDeque;

use super::base::{Fingerprint, Money, SpanMs, TimeMs};
use super::fact::Feed;
use super::prefetch::prefetch;

pub use as_of::{AsOf, AskedFor};
pub use behind::Behind;
pub use known::{Known, LogBatch};
use most::Ceiling;
pub use most::{Bound, Most};
use numbers::Few;
use packed::Packed;
use plan::By;
pub use plan::{Plan, Plans};
use running::Running;
use running_values::Place;
pub use store::Store;
pub use values::Values;
use view::View;

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

/// Building running values costs about as much as looking at each entry so many times.
const BUILD_COST: usize = 4;

/// The log of one subject: numbers of entries by event time; equal times in order of application.
#[derive(Clone, Debug)]
pub struct SubjectLog(Form);

#[derive(Clone, Debug)]
enum Form {
    Few(Few),
    Many(Box<Many>),
}

/// A log with more entries than have room in place.
#[derive(Clone, Debug)]
struct Many {
    numbers: VecDeque<u32>,
    ceiling: Ceiling,
    /// Entries that came in since running values were asked for last.
    unasked: u32,
    /// Entries that were looked at since there have been no running values.
    scanned: u32,
    running: Option<Place>,
}

impl Default for SubjectLog {
    fn default() -> SubjectLog {
        SubjectLog(Form::Few(Few::default()))
    }
}

impl Many {
    fn view<'a>(&'a self, store: &'a Store) -> View<'a> {
        let (front, back) = self.numbers.as_slices();
        View { front, back, store }
    }
}

impl SubjectLog {
    fn view<'a>(&'a self, store: &'a Store) -> View<'a> {
        match &self.0 {
            Form::Few(few) => View { front: few.numbers(), back: &[], store },
            Form::Many(many) => many.view(store),
        }
    }

    fn running<'a>(&self, store: &'a Store) -> Option<&'a Running> {
        match &self.0 {
            Form::Few(_) => None,
            Form::Many(many) => store.running.get(many.running),
        }
    }

    /// Puts a number in its place; a new form where the old one has no room.
    fn put(&mut self, place: usize, number: u32, store: &Store) {
        match &mut self.0 {
            Form::Few(few) => {
                if few.insert(place, number) {
                    return;
                }
                let mut queue = VecDeque::with_capacity(2 * numbers::FEW);
                queue.extend(few.numbers());
                queue.insert(place, number);
                let ceiling = Ceiling::of(queue.iter().map(|number| store.get(*number)));
                let many = Many { numbers: queue, ceiling, unasked: 0, scanned: 0, running: None };
                self.0 = Form::Many(Box::new(many));
            }
            Form::Many(many) => {
                many.ceiling.insert(place, store.get(number));
                numbers::insert(&mut many.numbers, place, number);
            }
        }
    }

    /// Adds a number at the end, in the order of a snapshot.
    fn append(&mut self, number: u32, store: &Store) {
        self.put(self.len(), number, store);
    }

    pub fn entries<'a>(&'a self, store: &'a Store) -> impl DoubleEndedIterator<Item = Entry> + 'a {
        self.view(store).range(0, self.len()).map(Packed::unpacked)
    }

    /// The entries of one time, in order of application.
    pub fn entries_at<'a>(&'a self, at: TimeMs, store: &'a Store) -> impl Iterator<Item = Entry> + 'a {
        let log = self.view(store);
        let from = log.place_after(at.minus(SpanMs(1)));
        log.range(from, log.place_after(at)).map(Packed::unpacked)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Few(few) => few.len(),
            Form::Many(many) => many.numbers.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What no value of any question exceeds.
    #[must_use]
    pub fn most(&self, store: &Store) -> Most {
        match &self.0 {
            Form::Few(few) => Most::of(few.numbers().iter().map(|number| store.get(*number))),
            Form::Many(many) => many.ceiling.most(many.numbers.len()),
        }
    }

    /// Adds an entry of the store, added for this log too, at its event time, after those of the same
    /// time, and drops forgotten ones. The entry itself is later than `horizon`.
    pub fn insert(&mut self, number: u32, store: &mut Store, plan: &Plan, horizon: TimeMs) {
        let at = store.get(number).at();
        let place = self.view(store).place_after(at);
        let is_newest = place == self.len();
        self.put(place, number, store);
        if let Form::Many(many) = &mut self.0 {
            many.note(place, is_newest, at, store, plan, horizon);
        }
        self.forget(store, horizon);
    }

    /// Asks for the memory that the next entry of a time will need, in five steps: each reads what the
    /// one before asked for. They are hints and change nothing.
    pub fn expect_numbers(&self) {
        if let Form::Many(many) = &self.0 {
            prefetch(&**many);
        }
    }

    pub fn expect_ends(&self, store: &Store) {
        if let Form::Many(many) = &self.0 {
            many.numbers.front().into_iter().chain(many.numbers.back()).for_each(prefetch);
            self.running(store).into_iter().for_each(prefetch);
        }
    }

    pub fn expect_entries(&self, store: &Store) {
        match &self.0 {
            Form::Few(few) => few.numbers().iter().for_each(|number| store.expect(*number)),
            Form::Many(many) => {
                let ends = many.numbers.front().into_iter().chain(many.numbers.back());
                ends.for_each(|number| store.expect(*number));
                self.running(store).into_iter().for_each(Running::expect_lanes);
            }
        }
    }

    pub fn expect_cursors(&self, store: &Store) {
        self.running(store).into_iter().for_each(|running| running.expect_cursors(self.view(store)));
    }

    pub fn expect_leaving(&self, store: &Store) {
        self.running(store).into_iter().for_each(|running| running.expect_leaving(self.view(store)));
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
        let mut removed = Vec::new();
        let mut stays = |number: u32| {
            let goes = is_out(store.get(number));
            if goes {
                removed.push(number);
            }
            !goes
        };
        match &mut self.0 {
            Form::Few(few) => few.retain(stays),
            Form::Many(many) => many.numbers.retain(|number| stays(*number)),
        }
        if removed.is_empty() {
            return false;
        }
        removed.into_iter().for_each(|number| store.release(number));
        if let Form::Many(many) = &mut self.0 {
            many.drop_running(store);
            many.ceiling = Ceiling::of(many.numbers.iter().map(|number| store.get(*number)));
        }
        self.shrink(store);
        true
    }

    /// Drops the entries at or before a time.
    pub fn forget(&mut self, store: &mut Store, horizon: TimeMs) {
        let mut any = false;
        while self.view(store).get(0).is_some_and(|oldest| oldest.at() <= horizon) {
            let number = match &mut self.0 {
                Form::Few(few) => few.pop_front(),
                Form::Many(many) => many.pop_front(store),
            };
            let Some(number) = number else { return };
            store.release(number);
            any = true;
        }
        if any {
            self.shrink(store);
        }
    }

    /// Forgets running values; they are built anew when they are asked for.
    pub fn drop_running(&mut self, store: &mut Store) {
        if let Form::Many(many) = &mut self.0 {
            many.drop_running(store);
        }
    }

    /// After entries went: a form with less room.
    fn shrink(&mut self, store: &mut Store) {
        let Form::Many(many) = &mut self.0 else { return };
        if many.numbers.len() <= SCANNED_MAX / 2 {
            many.drop_running(store);
        }
        if many.numbers.len() < numbers::FEW {
            self.0 = Form::Few(many.numbers.iter().copied().collect());
        } else {
            numbers::shrink(&mut many.numbers);
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
        let by = if as_of.event.left_out.is_none() { asked.by } else { By::Scan };
        let (view, is_short) = (self.view(store), self.len() <= SCANNED_MAX);
        let running = || self.running(store).filter(|running| running.is_as_of(plan, as_of.at));
        match by {
            By::Lane(lane) if is_short => sweep::sweep(lane, view, plan, as_of, values),
            By::Lane(lane) if self.is_whole(store, plan, as_of) => {
                running()?.values(lane, view, plan, as_of, values);
            }
            By::Amounts(_) | By::Shares(_) | By::Returned(_)
                if !is_short && self.is_whole(store, plan, as_of) =>
            {
                values.keep(signal, running()?.kept_value(asked, view, as_of)?);
            }
            _ => values.keep(signal, self.scan_planned(&asked.planned, store, plan.calendar(), as_of)),
        }
        Some(values.get(signal).unwrap_or_default())
    }

    /// The same where running values must move. They are built when looking through windows instead has
    /// cost as much: a log that is asked now and then never has any.
    pub fn value_moved(
        &mut self,
        signal: usize,
        store: &mut Store,
        plan: &Plan,
        as_of: AsOf,
        values: &mut Values,
    ) -> (i64, bool) {
        if let (Form::Many(many), Some(asked)) = (&mut self.0, plan.asked(signal))
            && many.running.is_none()
        {
            let (after, until) = as_of.bounds(&asked.planned.question, plan.calendar());
            let view = many.view(store);
            let looked_at = view.place_after(until).saturating_sub(view.place_after(after));
            many.scanned = many.scanned.saturating_add(u32::try_from(looked_at).unwrap_or(u32::MAX));
            if (many.scanned as usize) < many.numbers.len().saturating_mul(BUILD_COST) {
                let value = self.scan_planned(&asked.planned, store, plan.calendar(), as_of);
                values.keep(signal, value);
                return value;
            }
        }
        self.run_to(as_of.at, signal, store, plan);
        self.value(signal, store, plan, as_of, values).unwrap_or_default()
    }

    /// Moves running values to a time, or builds them, with what one signal needs of them.
    fn run_to(&mut self, at: TimeMs, signal: usize, store: &mut Store, plan: &Plan) {
        let Form::Many(many) = &mut self.0 else { return };
        let running = store.running.take(&mut many.running).filter(|running| !running.is_outdated(plan, at));
        let mut running = running.unwrap_or_else(|| Box::new(Running::new(plan)));
        running.advance(at, many.view(store), plan);
        if let Some(asked) = plan.asked(signal) {
            running.keep(asked, many.view(store), plan);
        }
        many.running = store.running.put(running);
        (many.unasked, many.scanned) = (0, 0);
    }

    /// Whether running values answer: about now, and about all there is.
    fn is_whole(&self, store: &Store, plan: &Plan, as_of: AsOf) -> bool {
        self.view(store).newest().is_none_or(|newest| newest.at() <= as_of.at)
            && as_of.bound.is_none()
            && as_of.at.minus(plan.reach_max) >= as_of.horizon
    }
}

impl Many {
    /// An entry was put in its place. Running values take in the newest when they are asked for next, and
    /// others at once.
    fn note(
        &mut self,
        place: usize,
        is_newest: bool,
        at: TimeMs,
        store: &mut Store,
        plan: &Plan,
        horizon: TimeMs,
    ) {
        let Some(mut running) = store.running.take(&mut self.running) else { return };
        // What nobody has asked for while all entries changed costs more to keep than to build anew.
        self.unasked = self.unasked.saturating_add(1);
        let is_wanted = self.unasked as usize <= self.numbers.len();
        let log = self.view(store);
        if !is_wanted || !running.is_of(plan) || is_newest && running.is_outdated(plan, at) {
            return;
        }
        if is_newest {
            running.let_wait();
        } else {
            running.insert(place, log, plan);
        }
        // An entry that is about to go must have come in and left all windows before.
        if log.get(0).is_some_and(|oldest| oldest.at() <= horizon)
            && let Some(newest) = log.newest()
        {
            running.catch_up(newest.at(), log, plan);
        }
        self.running = store.running.put(running);
    }

    fn drop_running(&mut self, store: &mut Store) {
        store.running.take(&mut self.running);
    }

    fn pop_front(&mut self, store: &mut Store) -> Option<u32> {
        let number = self.numbers.pop_front()?;
        let running = store.running.take(&mut self.running);
        let entry = store.get(number);
        self.ceiling.drop_front(entry, self.numbers.len());
        // A late entry can push the horizon past what is still inside a window as of that entry.
        if let Some(mut running) = running.filter(|running| running.has_left_front()) {
            running.dropped_front(entry);
            self.running = store.running.put(running);
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests;
