//! Running values of a long log: what makes a window cost the same whatever its length.

use std::collections::{HashMap, VecDeque};

use super::{Entry, Plan, saturate};
use crate::engine::base::TimeMs;
use crate::engine::signal::{Aggregate, Question};
use crate::engine::state::TokenHash;

/// Cursors and values of all planned signals, as of `clock`.
///
/// Entries are named by their number since the log began: place in the deque plus `dropped`.
#[derive(Clone, Debug)]
pub(super) struct Running {
    epoch: u32,
    clock: TimeMs,
    /// Entries dropped from the front so far.
    dropped: u64,
    slots: Vec<Slot>,
    /// One per set of feeds that a distinct signal reads.
    classes: Vec<Class>,
}

/// The running value of one planned signal.
#[derive(Clone, Debug)]
struct Slot {
    /// Number of the first entry inside the window.
    cursor: u64,
    kind: SlotKind,
}

#[derive(Clone, Debug)]
enum SlotKind {
    /// Count or sum: entries that feed it, and their total.
    Total { fed: u64, total: i128 },
    /// Maximum or minimum: numbers and amounts, best first.
    Extreme { deque: VecDeque<(u64, i64)> },
    /// Number and amount of the newest entry that feeds it.
    Last { newest: Option<(u64, i64)> },
    /// Distinct others, by the class that marks superseded entries.
    Distinct { class: usize, total: u64 },
    /// Not kept running.
    Scanned,
}

/// Which entry is the latest of each `other`, and which entries are no longer.
#[derive(Clone, Debug)]
struct Class {
    feeds: u32,
    latest: HashMap<u64, u64, TokenHash>,
    /// One per entry still in the log: a later entry has the same `other`.
    superseded: VecDeque<bool>,
}

impl Running {
    /// Whether a question is kept running; the others are answered by a scan of their window.
    pub(super) fn keeps(question: &Question) -> bool {
        matches!(
            question.aggregate,
            Aggregate::Count
                | Aggregate::Sum
                | Aggregate::Max
                | Aggregate::Min
                | Aggregate::Last
                | Aggregate::Distinct
        ) && question.delay.0 == 0
            && question.resembling.is_none()
            && !question.without_event
    }

    pub(super) fn build(entries: &VecDeque<Entry>, plan: &Plan) -> Running {
        let mut running = Running {
            epoch: plan.epoch,
            clock: TimeMs::MIN,
            dropped: 0,
            slots: Vec::new(),
            classes: Vec::new(),
        };
        for planned in &plan.questions {
            let kind = running.slot_kind(planned);
            running.slots.push(Slot { cursor: 0, kind });
        }
        for place in 0..entries.len() {
            running.push_at(place, entries, plan);
        }
        running
    }

    fn slot_kind(&mut self, planned: &Question) -> SlotKind {
        match planned.aggregate {
            _ if !Running::keeps(planned) => SlotKind::Scanned,
            Aggregate::Max | Aggregate::Min => SlotKind::Extreme { deque: VecDeque::new() },
            Aggregate::Last => SlotKind::Last { newest: None },
            Aggregate::Distinct => {
                let known = self.classes.iter().position(|class| class.feeds == planned.feeds);
                let class = known.unwrap_or_else(|| {
                    self.classes.push(Class {
                        feeds: planned.feeds,
                        latest: HashMap::default(),
                        superseded: VecDeque::new(),
                    });
                    self.classes.len() - 1
                });
                SlotKind::Distinct { class, total: 0 }
            }
            _ => SlotKind::Total { fed: 0, total: 0 },
        }
    }

    /// Whether the values are of another rule set, or of a later time than asked for.
    pub(super) fn is_outdated(&self, plan: &Plan, at: TimeMs) -> bool {
        self.epoch != plan.epoch || self.clock > at
    }

    /// Takes in the entry that was just appended.
    pub(super) fn push(&mut self, entries: &VecDeque<Entry>, plan: &Plan) {
        if self.epoch == plan.epoch && !entries.is_empty() {
            self.push_at(entries.len() - 1, entries, plan);
        }
    }

    fn push_at(&mut self, place: usize, entries: &VecDeque<Entry>, plan: &Plan) {
        let Some(entry) = entries.get(place) else { return };
        let number = self.dropped + place as u64;
        // Entries leave the windows before the new one comes in, so that a repeat can tell whether
        // its predecessor is still inside.
        self.advance(entry.at, entries, plan);
        let previous: Vec<Option<u64>> =
            self.classes.iter_mut().map(|class| class.push(entry, number, self.dropped)).collect();
        for (slot, planned) in self.slots.iter_mut().zip(&plan.questions) {
            if entry.feeds(planned) {
                slot.add(number, entry.minor(), planned.aggregate, &previous);
            }
        }
    }

    /// Moves all cursors to a time not before `clock`.
    fn advance(&mut self, at: TimeMs, entries: &VecDeque<Entry>, plan: &Plan) {
        self.clock = at;
        for (slot, planned) in self.slots.iter_mut().zip(&plan.questions) {
            let after = planned.window.begin(at, &plan.calendar);
            loop {
                let place = (slot.cursor - self.dropped) as usize;
                let Some(entry) = entries.get(place).filter(|entry| entry.at <= after) else { break };
                if entry.feeds(planned) {
                    slot.evict(entry.minor(), place, &self.classes);
                }
                slot.cursor += 1;
            }
        }
    }

    /// Whether the oldest entry has left every window.
    pub(super) fn has_left_front(&self) -> bool {
        self.slots.iter().all(|slot| slot.cursor > self.dropped)
    }

    /// The oldest entry, which has left every window, has left the log.
    pub(super) fn dropped_front(&mut self, gone: &Entry) {
        for class in &mut self.classes {
            class.drop_front(gone, self.dropped);
        }
        self.dropped += 1;
    }

    pub(super) fn value(
        &mut self,
        place: usize,
        entries: &VecDeque<Entry>,
        plan: &Plan,
        at: TimeMs,
    ) -> (i64, bool) {
        self.advance(at, entries, plan);
        let aggregate = plan.questions.get(place).map(|planned| planned.aggregate);
        let (Some(slot), Some(aggregate)) = (self.slots.get(place), aggregate) else { return (0, false) };
        slot.value(aggregate)
    }
}

impl Slot {
    fn add(&mut self, number: u64, minor: i64, aggregate: Aggregate, previous: &[Option<u64>]) {
        match &mut self.kind {
            SlotKind::Total { fed, total } => {
                *fed += 1;
                *total += i128::from(minor);
            }
            SlotKind::Extreme { deque } => {
                let beaten = |old: i64| if aggregate == Aggregate::Max { old <= minor } else { old >= minor };
                while deque.back().is_some_and(|(_, old)| beaten(*old)) {
                    deque.pop_back();
                }
                deque.push_back((number, minor));
                while deque.front().is_some_and(|(first, _)| *first < self.cursor) {
                    deque.pop_front();
                }
            }
            SlotKind::Last { newest } => *newest = Some((number, minor)),
            SlotKind::Scanned => {}
            SlotKind::Distinct { class, total } => {
                let before = previous.get(*class).copied().flatten();
                if before.is_none_or(|before| before < self.cursor) {
                    *total += 1;
                }
            }
        }
    }

    fn evict(&mut self, minor: i64, place: usize, classes: &[Class]) {
        match &mut self.kind {
            SlotKind::Total { fed, total } => {
                *fed -= 1;
                *total -= i128::from(minor);
            }
            SlotKind::Distinct { class, total } => {
                let superseded = classes.get(*class).and_then(|class| class.superseded.get(place));
                if superseded == Some(&false) {
                    *total -= 1;
                }
            }
            SlotKind::Extreme { .. } | SlotKind::Last { .. } | SlotKind::Scanned => {}
        }
    }

    fn value(&self, aggregate: Aggregate) -> (i64, bool) {
        match &self.kind {
            SlotKind::Total { fed, total } => {
                let value = if aggregate == Aggregate::Count { i128::from(*fed) } else { *total };
                (saturate(value), *fed > 0)
            }
            SlotKind::Extreme { deque } => {
                let inside = deque.partition_point(|(number, _)| *number < self.cursor);
                deque.get(inside).map_or((0, false), |(_, minor)| (*minor, true))
            }
            SlotKind::Last { newest } => newest
                .filter(|(number, _)| *number >= self.cursor)
                .map_or((0, false), |(_, minor)| (minor, true)),
            SlotKind::Distinct { total, .. } => (saturate(i128::from(*total)), *total > 0),
            SlotKind::Scanned => (0, false),
        }
    }
}

impl Class {
    /// Notes a new entry; gives the number of the one it supersedes.
    fn push(&mut self, entry: &Entry, number: u64, dropped: u64) -> Option<u64> {
        self.superseded.push_back(false);
        if entry.feed.bit() & self.feeds == 0 {
            return None;
        }
        let before = self.latest.insert(entry.other, number)?;
        if let Some(mark) = self.superseded.get_mut((before - dropped) as usize) {
            *mark = true;
        }
        Some(before)
    }

    fn drop_front(&mut self, gone: &Entry, number: u64) {
        self.superseded.pop_front();
        if self.latest.get(&gone.other) == Some(&number) {
            self.latest.remove(&gone.other);
        }
    }
}
