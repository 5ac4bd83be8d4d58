//! The time-ordered log of one subject, and exact sliding windows over it (DESIGN D15, ARCHITECTURE S5, S6).
//!
//! One log serves all windows and aggregates of a subject. A short log is scanned. A long one keeps
//! running values: a cursor per window for count and sum, a "superseded" mark per entry for
//! distinct, a monotone deque for maximum and minimum (SlickDeque, EDBT 2018). Both give the same
//! numbers; a question about the past, or with an override's bound, is always answered by a scan.

mod packed;
mod running;

use std::collections::VecDeque;

use super::base::{Fingerprint, Money, SpanMs, TimeMs};
use super::calendar::Calendar;
use super::fact::Feed;
use super::ruleset::RuleSet;
use super::signal::{Aggregate, OtherSide, Question};
use super::subject::SubjectKind;

use packed::{Packed, number_of};
use running::Running;

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

/// A question and what is worked out of it once.
#[derive(Clone, Copy, Debug)]
struct Planned {
    question: Question,
    feeds: u32,
    /// The number of the only currency that counts; 0 when amounts are not looked at.
    currency: u16,
}

impl Planned {
    fn new(question: &Question) -> Planned {
        let currency = if question.reads_amount() { number_of(question.currency) as u16 } else { 0 };
        Planned { question: *question, feeds: question.feeds_read(), currency }
    }

    /// Whether the question counts an entry, whatever the event it is asked for.
    fn admits(&self, entry: &Packed) -> bool {
        let question = &self.question;
        self.feeds & entry.feed_bit() != 0
            && (self.currency == 0 || self.currency == entry.currency() && self.is_within(entry.minor()))
            && entry.marks() & question.only == question.only
            && entry.marks() & question.without == 0
    }

    fn is_within(&self, minor: i64) -> bool {
        self.question.amount_min.is_none_or(|min| min <= minor)
            && self.question.amount_max.is_none_or(|max| minor <= max)
    }

    /// Whether another question counts the same entries, apart from its window.
    fn admits_the_same(&self, other: &Planned) -> bool {
        let bounds = |planned: &Planned| {
            let question = &planned.question;
            (question.amount_min, question.amount_max, question.only, question.without)
        };
        (self.feeds, self.currency, bounds(self)) == (other.feeds, other.currency, bounds(other))
    }
}

/// The questions asked of logs of one kind of subject, laid out for evaluation. Made anew for each rule set.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// By place; `places` maps a signal's number in the rule set to it.
    questions: Vec<Planned>,
    places: Vec<Option<usize>>,
    /// Union of the feeds that any of them reads.
    feeds: u32,
    reach_max: SpanMs,
    calendar: Calendar,
    /// Changes with every rule set, so that logs notice that their running values are outdated.
    epoch: u32,
}

impl Plan {
    #[must_use]
    pub fn new(rules: &RuleSet, kind: SubjectKind, epoch: u32) -> Plan {
        let mut plan = Plan { epoch, calendar: rules.calendar.clone(), ..Plan::default() };
        for signal in &rules.signals {
            let question = signal.question().filter(|_| signal.subject.log_kind() == kind);
            let place = question.map(|question| plan.add(question));
            plan.places.push(place);
        }
        plan
    }

    /// Equal questions share one place: a signal declared twice is computed once (D16).
    fn add(&mut self, question: &Question) -> usize {
        self.feeds |= question.feeds_read();
        self.reach_max = self.reach_max.max(question.reach());
        match self.questions.iter().position(|known| known.question == *question) {
            Some(place) => place,
            None => {
                self.questions.push(Planned::new(question));
                self.questions.len() - 1
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

    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    fn asked(&self, signal: usize) -> Option<(usize, &Planned)> {
        let place = (*self.places.get(signal)?)?;
        Some((place, self.questions.get(place)?))
    }
}

/// Logs longer than this keep running values; shorter ones are scanned, which costs less memory and
/// about as much time.
const SCANNED_MAX: usize = 24;

/// The log of one subject.
#[derive(Clone, Debug, Default)]
pub struct SubjectLog {
    /// By event time; equal times in order of application.
    entries: VecDeque<Packed>,
    running: Option<Box<Running>>,
}

/// As of when, for which event, and how far back a value is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AsOf {
    pub at: TimeMs,
    /// Entries at or before this are forgotten (S5).
    pub horizon: TimeMs,
    /// Entries at or before this are not seen: the lift of an override (S8).
    pub bound: Option<TimeMs>,
    pub event: AskedFor,
}

/// The event a value is asked for: what "resembling" and "without this event" compare with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedFor {
    /// The name of its entries; none counts as not to be told apart.
    pub entry: Option<Fingerprint>,
    pub amount: Option<i64>,
    pub other: Option<u64>,
    /// An entry to leave out: what the value would be without that event (S13).
    pub left_out: Option<Fingerprint>,
}

impl AsOf {
    /// The bounds of a question's window: the open lower end and the closed upper end.
    #[must_use]
    pub fn bounds(&self, question: &Question, calendar: &Calendar) -> (TimeMs, TimeMs) {
        let to = self.at.minus(question.delay);
        let from = question.window.begin(to, calendar);
        (from.max(self.horizon).max(self.bound.unwrap_or(TimeMs::MIN)), to)
    }

    /// Whether an entry that feeds the question counts for this event.
    fn counts(&self, entry: &Packed, question: &Question) -> bool {
        if question.without_event && self.event.entry == Some(entry.event())
            || self.event.left_out == Some(entry.event())
        {
            return false;
        }
        let Some(wanted) = question.resembling else { return true };
        let Some(amount) = self.event.amount else { return false };
        let scaled = i128::from(entry.minor()) * 1_000;
        let bound = |per_mille: u32| i128::from(amount) * i128::from(per_mille);
        let other = match wanted.other {
            OtherSide::Any => true,
            OtherSide::Same => self.event.other == Some(entry.other()),
            OtherSide::Different => self.event.other.is_some_and(|other| other != entry.other()),
        };
        other && bound(wanted.low_per_mille) <= scaled && scaled <= bound(wanted.high_per_mille)
    }
}

impl SubjectLog {
    /// Rebuilds a log from what a snapshot kept.
    #[must_use]
    pub fn from_entries(entries: impl IntoIterator<Item = Entry>) -> SubjectLog {
        let packed = entries.into_iter().map(|entry| Packed::new(&entry));
        SubjectLog { entries: packed.collect(), running: None }
    }

    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Entry> {
        self.entries.iter().map(Packed::unpacked)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
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
        let packed = Packed::new(&entry);
        if self.entries.back().is_none_or(|newest| newest.at() <= entry.at) {
            self.entries.push_back(packed);
            match &mut self.running {
                Some(running) if !running.is_outdated(plan, entry.at) => {
                    running.advance(entry.at, &self.entries, plan);
                }
                _ => self.running = None,
            }
        } else {
            let place = self.entries.partition_point(|earlier| earlier.at() <= entry.at);
            self.entries.insert(place, packed);
            self.running = None;
        }
        self.forget(horizon);
    }

    /// Takes out the entries of an event; true if there were any.
    pub fn remove(&mut self, event: Fingerprint, feed: Feed) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| !(entry.event() == event && entry.feed_bit() == feed.bit()));
        let removed = self.entries.len() != before;
        if removed {
            self.running = None;
        }
        removed
    }

    fn forget(&mut self, horizon: TimeMs) {
        while self.entries.front().is_some_and(|oldest| oldest.at() <= horizon) {
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
        let Some((place, planned)) = plan.asked(signal) else { return (0, false) };
        let newest_first = self.entries.back().is_none_or(|newest| newest.at() <= as_of.at);
        let whole = as_of.bound.is_none()
            && as_of.event.left_out.is_none()
            && as_of.at.minus(plan.reach_max) >= as_of.horizon;
        if self.entries.len() <= SCANNED_MAX || !newest_first || !whole || !Running::keeps(&planned.question)
        {
            return self.scan_planned(planned, plan.calendar(), as_of);
        }
        let known = self.running.take().filter(|running| !running.is_outdated(plan, as_of.at));
        let running = self
            .running
            .insert(known.unwrap_or_else(|| Box::new(Running::build(&self.entries, plan, as_of.at))));
        running.value(place, &self.entries, plan, as_of.at)
    }

    /// The entries behind a value, oldest first; those that `Returned` is answered by, too.
    pub fn behind(
        &self,
        question: &Question,
        calendar: &Calendar,
        as_of: AsOf,
    ) -> impl DoubleEndedIterator<Item = Entry> {
        self.inside(Planned::new(question), calendar, as_of).map(Packed::unpacked)
    }

    fn inside(
        &self,
        planned: Planned,
        calendar: &Calendar,
        as_of: AsOf,
    ) -> impl DoubleEndedIterator<Item = &Packed> {
        let (after, until) = as_of.bounds(&planned.question, calendar);
        let from = self.entries.partition_point(|entry| entry.at() <= after);
        let to = self.entries.partition_point(|entry| entry.at() <= until).max(from);
        self.entries
            .range(from..to)
            .filter(move |entry| planned.admits(entry) && as_of.counts(entry, &planned.question))
    }

    /// The value by looking at each entry of the window.
    pub fn scan(&self, question: &Question, calendar: &Calendar, as_of: AsOf) -> (i64, bool) {
        self.scan_planned(&Planned::new(question), calendar, as_of)
    }

    fn scan_planned(&self, planned: &Planned, calendar: &Calendar, as_of: AsOf) -> (i64, bool) {
        let question = &planned.question;
        let window = self.inside(*planned, calendar, as_of);
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

/// Count, sum and sum of squares of amounts: what average and deviation are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Total {
    count: i128,
    sum: i128,
    /// Amounts are below 2^53, so this and its product with a count below 2^20 are exact in 127 bits.
    squares: i128,
}

impl Total {
    fn of<'a>(entries: impl Iterator<Item = &'a Packed>) -> Total {
        entries.fold(Total::default(), |total, entry| total.plus(entry.minor()))
    }

    fn plus(self, minor: i64) -> Total {
        let minor = i128::from(minor);
        Total {
            count: self.count + 1,
            sum: self.sum + minor,
            squares: self.squares.saturating_add(minor * minor),
        }
    }

    /// Without an amount that counted before.
    fn less(self, minor: i64) -> Total {
        let minor = i128::from(minor);
        Total {
            count: self.count - 1,
            sum: self.sum - minor,
            squares: self.squares.saturating_sub(minor * minor),
        }
    }

    /// Of a count, sum, average or deviation.
    fn value(self, aggregate: Aggregate) -> i64 {
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
fn largest_share<'a>(window: impl Iterator<Item = &'a Packed>) -> (i64, bool) {
    let mut by_other: Vec<(u64, i128)> =
        window.map(|entry| (entry.other(), i128::from(entry.minor()))).collect();
    by_other.sort_unstable();
    let sums = by_other
        .chunk_by(|a, b| a.0 == b.0)
        .map(|of_one| of_one.iter().map(|(_, minor)| minor).sum::<i128>());
    let (all, largest) = sums.fold((0, 0), |(all, largest), sum| (all + sum, sum.max(largest)));
    (if all > 0 { saturate(largest * 1_000 / all) } else { 0 }, !by_other.is_empty())
}

/// Others met by both sets of feeds.
fn returned<'a>(window: impl Iterator<Item = &'a Packed>, question: &Question) -> (i64, bool) {
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

fn optional(value: Option<i64>) -> (i64, bool) {
    (value.unwrap_or(0), value.is_some())
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
