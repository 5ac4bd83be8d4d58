//! The time-ordered log of one subject, and exact sliding windows over it (DESIGN D15, ARCHITECTURE S5, S6).
//!
//! One log serves all windows and aggregates of a subject. A short log is scanned. A long one keeps
//! running values: a cursor per window for count and sum, a "superseded" mark per entry for
//! distinct, a monotone deque for maximum and minimum (SlickDeque, EDBT 2018). Both give the same
//! numbers; a question about the past, or with an override's bound, is always answered by a scan.

mod running;

use std::collections::VecDeque;

use super::base::{Currency, Fingerprint, Money, SpanMs, TimeMs};
use super::fact::Feed;
use super::ruleset::RuleSet;
use super::signal::{Aggregate, Signal};
use super::subject::SubjectKind;

use running::Running;

/// One event in a subject's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: TimeMs,
    pub event: Fingerprint,
    pub other: u64,
    pub amount: Option<Money>,
    pub feed: Feed,
}

impl Entry {
    /// Whether a signal reads this entry.
    fn feeds(&self, signal: &Planned) -> bool {
        self.feed.bit() & signal.feeds != 0
            && (!signal.aggregate.reads_amount()
                || self.amount.is_some_and(|amount| amount.currency == signal.currency))
    }

    fn minor(&self) -> i64 {
        self.amount.map_or(0, |amount| amount.minor)
    }
}

/// What a signal asks of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Planned {
    feeds: u32,
    aggregate: Aggregate,
    currency: Currency,
    window: SpanMs,
}

/// The signals of one kind of subject, laid out for evaluation. Made anew for each rule set.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// By place; `places` maps a signal's number in the rule set to it.
    signals: Vec<Planned>,
    places: Vec<Option<usize>>,
    /// Union of the feeds that any of them reads.
    feeds: u32,
    window_max: SpanMs,
    /// Changes with every rule set, so that logs notice that their running values are outdated.
    epoch: u32,
}

impl Plan {
    #[must_use]
    pub fn new(rules: &RuleSet, kind: SubjectKind, epoch: u32) -> Plan {
        let mut plan = Plan { epoch, ..Plan::default() };
        for signal in &rules.signals {
            let place = (signal.subject == kind).then(|| plan.add(signal));
            plan.places.push(place);
        }
        plan
    }

    /// Equal questions share one place: a signal declared twice is computed once (D16).
    fn add(&mut self, signal: &Signal) -> usize {
        let planned = Planned {
            feeds: signal.feeds,
            aggregate: signal.aggregate,
            currency: signal.currency,
            window: signal.window,
        };
        self.feeds |= signal.feeds;
        self.window_max = self.window_max.max(signal.window);
        match self.signals.iter().position(|known| *known == planned) {
            Some(place) => place,
            None => {
                self.signals.push(planned);
                self.signals.len() - 1
            }
        }
    }

    /// Whether any signal of this kind reads the feed; what none reads is not kept.
    #[must_use]
    pub fn reads(&self, feed: Feed) -> bool {
        self.feeds & feed.bit() != 0
    }

    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    fn planned(&self, signal: usize) -> Option<(usize, &Planned)> {
        let place = (*self.places.get(signal)?)?;
        Some((place, self.signals.get(place)?))
    }
}

/// Logs longer than this keep running values; shorter ones are scanned, which costs less memory and
/// about as much time.
const SCANNED_MAX: usize = 24;

/// The log of one subject.
#[derive(Clone, Debug, Default)]
pub struct SubjectLog {
    /// By event time; equal times in order of application.
    entries: VecDeque<Entry>,
    running: Option<Box<Running>>,
}

/// As of when, and how far back, a value is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AsOf {
    pub at: TimeMs,
    /// Entries at or before this are forgotten (S5).
    pub horizon: TimeMs,
    /// Entries at or before this are not seen: the lift of an override (S8).
    pub bound: Option<TimeMs>,
}

impl AsOf {
    /// The open lower end of a window.
    fn after(&self, window: SpanMs) -> TimeMs {
        self.at.minus(window).max(self.horizon).max(self.bound.unwrap_or(TimeMs::MIN))
    }
}

impl SubjectLog {
    /// Rebuilds a log from what a snapshot kept.
    #[must_use]
    pub fn from_entries(entries: impl IntoIterator<Item = Entry>) -> SubjectLog {
        SubjectLog { entries: entries.into_iter().collect(), running: None }
    }

    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an entry at its event time, after those of the same time, and drops forgotten ones.
    pub fn insert(&mut self, entry: Entry, plan: &Plan, horizon: TimeMs) {
        if entry.at <= horizon {
            return;
        }
        if self.entries.back().is_none_or(|newest| newest.at <= entry.at) {
            self.entries.push_back(entry);
            if let Some(running) = &mut self.running {
                running.push(&self.entries, plan);
            }
        } else {
            let place = self.entries.partition_point(|earlier| earlier.at <= entry.at);
            self.entries.insert(place, entry);
            self.running = None;
        }
        self.forget(horizon);
    }

    /// Takes out the entries of an event; true if there were any.
    pub fn remove(&mut self, event: Fingerprint, feed: Feed) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| !(entry.event == event && entry.feed == feed));
        let removed = self.entries.len() != before;
        if removed {
            self.running = None;
        }
        removed
    }

    fn forget(&mut self, horizon: TimeMs) {
        while self.entries.front().is_some_and(|oldest| oldest.at <= horizon) {
            let Some(gone) = self.entries.pop_front() else { return };
            // A late entry can push the horizon past what is still inside a window as of that entry.
            match &mut self.running {
                Some(running) if running.has_left_front() => running.dropped_front(&gone),
                _ => self.running = None,
            }
        }
    }

    /// The value of a signal (its number in the rule set) and whether any entry was in its window.
    pub fn value(&mut self, signal: usize, plan: &Plan, as_of: AsOf) -> (i64, bool) {
        let Some((place, planned)) = plan.planned(signal) else { return (0, false) };
        let newest_first = self.entries.back().is_none_or(|newest| newest.at <= as_of.at);
        let whole = as_of.bound.is_none() && as_of.at.minus(plan.window_max) >= as_of.horizon;
        if self.entries.len() <= SCANNED_MAX || !newest_first || !whole {
            return scan(&self.entries, planned, as_of);
        }
        if self.running.as_ref().is_none_or(|running| running.is_outdated(plan, as_of.at)) {
            self.running = Some(Box::new(Running::build(&self.entries, plan)));
        }
        match &mut self.running {
            Some(running) => running.value(place, &self.entries, plan, as_of.at),
            None => scan(&self.entries, planned, as_of),
        }
    }

    /// The entries behind a value, oldest first.
    pub fn behind(&self, signal: &Signal, as_of: AsOf) -> impl DoubleEndedIterator<Item = &Entry> {
        let after = as_of.after(signal.window);
        let planned = Planned {
            feeds: signal.feeds,
            aggregate: signal.aggregate,
            currency: signal.currency,
            window: signal.window,
        };
        let from = self.entries.partition_point(|entry| entry.at <= after);
        let to = self.entries.partition_point(|entry| entry.at <= as_of.at).max(from);
        self.entries.range(from..to).filter(move |entry| entry.feeds(&planned))
    }
}

/// The value by looking at each entry of the window.
fn scan(entries: &VecDeque<Entry>, planned: &Planned, as_of: AsOf) -> (i64, bool) {
    let after = as_of.after(planned.window);
    let from = entries.partition_point(|entry| entry.at <= after);
    let to = entries.partition_point(|entry| entry.at <= as_of.at).max(from);
    let window = entries.range(from..to).filter(|entry| entry.feeds(planned));
    match planned.aggregate {
        Aggregate::Count => {
            let count = window.count();
            (saturate(count as i128), count > 0)
        }
        Aggregate::Sum => {
            let (sum, any) =
                window.fold((0_i128, false), |(sum, _), entry| (sum + i128::from(entry.minor()), true));
            (saturate(sum), any)
        }
        Aggregate::Max => optional(window.map(Entry::minor).max()),
        Aggregate::Min => optional(window.map(Entry::minor).min()),
        Aggregate::Last => optional(window.map(Entry::minor).next_back()),
        Aggregate::Distinct => {
            let mut others: Vec<u64> = window.map(|entry| entry.other).collect();
            others.sort_unstable();
            others.dedup();
            (saturate(others.len() as i128), !others.is_empty())
        }
    }
}

fn optional(value: Option<i64>) -> (i64, bool) {
    (value.unwrap_or(0), value.is_some())
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
