//! Running values of a long log: what makes a window cost the same whatever its length.

use std::collections::{HashMap, VecDeque};

use super::packed::Packed;
use super::{Plan, Planned, Total, saturate};
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::signal::{Aggregate, Question};
use crate::engine::state::TokenHash;

/// Cursors and values of all planned questions, as of `clock`.
///
/// Entries are named by their number since the log began: place in the deque plus `dropped`.
#[derive(Clone, Debug)]
pub(super) struct Running {
    epoch: u32,
    clock: TimeMs,
    /// Entries dropped from the front so far.
    dropped: u64,
    /// One per delay.
    heads: Vec<Head>,
    /// One per set of entries that a distinct question counts.
    classes: Vec<Class>,
    slots: Vec<Slot>,
}

/// How far the windows of one delay have come.
#[derive(Clone, Copy, Debug)]
struct Head {
    delay: SpanMs,
    /// Number of the first entry that has not come in yet.
    next: u64,
}

/// The running value of one planned question: over the entries from `cursor` to its head.
#[derive(Clone, Debug)]
struct Slot {
    head: usize,
    /// Number of the first entry inside the window.
    cursor: u64,
    kind: SlotKind,
}

#[derive(Clone, Debug)]
enum SlotKind {
    /// Count, sum, average, deviation.
    Total(Total),
    /// Maximum or minimum: numbers and amounts, best first.
    Extreme { deque: VecDeque<(u64, i64)> },
    /// Number, amount and time of the newest entry that feeds it.
    Newest(Option<(u64, i64, TimeMs)>),
    /// Number of the oldest entry in the window that feeds it.
    Oldest(Option<u64>),
    /// Distinct others, by the class that marks superseded entries.
    Distinct { class: usize, total: u64 },
    /// Not kept running.
    Scanned,
}

/// Which entry is the latest of each `other`, and which entries are no longer.
#[derive(Clone, Debug)]
struct Class {
    head: usize,
    planned: Planned,
    latest: HashMap<u64, u64, TokenHash>,
    /// One per entry that has come in and is still in the log: a later one has the same `other`.
    superseded: VecDeque<bool>,
    /// Of the entry that comes in just now: the number of the one it supersedes.
    before: Option<u64>,
    /// Of the entry that came in last, out of order: whether a later one has the same `other`.
    is_superseded: bool,
}

impl Running {
    /// Whether a question is kept running; the others are answered by a scan of their window.
    pub(super) fn keeps(question: &Question) -> bool {
        !matches!(question.aggregate, Aggregate::LargestShare | Aggregate::Returned)
            && question.resembling.is_none()
            && !question.without_event
    }

    pub(super) fn build(entries: &VecDeque<Packed>, plan: &Plan, at: TimeMs) -> Running {
        let mut running = Running {
            epoch: plan.epoch,
            clock: TimeMs::MIN,
            dropped: 0,
            heads: Vec::new(),
            classes: Vec::new(),
            slots: Vec::with_capacity(plan.questions.len()),
        };
        for planned in &plan.questions {
            running.add_slot(planned);
        }
        running.advance(at, entries, plan);
        running
    }

    fn add_slot(&mut self, planned: &Planned) {
        let question = &planned.question;
        if !Running::keeps(question) {
            self.slots.push(Slot { head: 0, cursor: 0, kind: SlotKind::Scanned });
            return;
        }
        let known = self.heads.iter().position(|head| head.delay == question.delay);
        let head = known.unwrap_or_else(|| {
            self.heads.push(Head { delay: question.delay, next: 0 });
            self.heads.len() - 1
        });
        let kind = match question.aggregate {
            Aggregate::Max | Aggregate::Min => SlotKind::Extreme { deque: VecDeque::new() },
            Aggregate::Last | Aggregate::SinceLast => SlotKind::Newest(None),
            Aggregate::SinceFirst => SlotKind::Oldest(None),
            Aggregate::Distinct => SlotKind::Distinct { class: self.class_of(planned, head), total: 0 },
            _ => SlotKind::Total(Total::default()),
        };
        self.slots.push(Slot { head, cursor: 0, kind });
    }

    fn class_of(&mut self, planned: &Planned, head: usize) -> usize {
        let same = |class: &Class| class.head == head && class.planned.admits_the_same(planned);
        self.classes.iter().position(same).unwrap_or_else(|| {
            self.classes.push(Class {
                head,
                planned: *planned,
                latest: HashMap::default(),
                superseded: VecDeque::new(),
                before: None,
                is_superseded: false,
            });
            self.classes.len() - 1
        })
    }

    /// Whether the values are of another rule set, or of a later time than asked for.
    pub(super) fn is_outdated(&self, plan: &Plan, at: TimeMs) -> bool {
        self.epoch != plan.epoch || self.clock > at
    }

    /// Whether the values are of a rule set.
    pub(super) fn is_of(&self, plan: &Plan) -> bool {
        self.epoch == plan.epoch
    }

    /// Moves all windows to a time not before `clock`, at which no entry lies in the future.
    pub(super) fn advance(&mut self, at: TimeMs, entries: &VecDeque<Packed>, plan: &Plan) {
        self.clock = at;
        for head in 0..self.heads.len() {
            self.let_in(head, at, entries, plan);
        }
        for (slot, planned) in self.slots.iter_mut().zip(&plan.questions) {
            if matches!(slot.kind, SlotKind::Scanned) {
                continue;
            }
            let question = &planned.question;
            let after = question.window.begin(at.minus(question.delay), &plan.calendar);
            loop {
                let place = (slot.cursor - self.dropped) as usize;
                let Some(entry) = entries.get(place).filter(|entry| entry.at() <= after) else { break };
                if planned.admits(entry) {
                    let next = self.heads.get(slot.head).map_or(0, |head| head.next);
                    slot.evict(entry, self.dropped, next, entries, planned, &self.classes);
                }
                slot.cursor += 1;
            }
        }
    }

    /// Lets the entries into the windows of a delay that have become old enough for it.
    fn let_in(&mut self, head: usize, at: TimeMs, entries: &VecDeque<Packed>, plan: &Plan) {
        let Some(Head { delay, next }) = self.heads.get(head).copied() else { return };
        let (until, mut number) = (at.minus(delay), next);
        while let Some(entry) =
            entries.get((number - self.dropped) as usize).filter(|entry| entry.at() <= until)
        {
            for class in self.classes.iter_mut().filter(|class| class.head == head) {
                class.push(entry, number, self.dropped);
            }
            for (slot, planned) in self.slots.iter_mut().zip(&plan.questions) {
                if slot.head == head && planned.admits(entry) {
                    slot.add(number, entry, planned.question.aggregate, &self.classes);
                }
            }
            number += 1;
        }
        if let Some(head) = self.heads.get_mut(head) {
            head.next = number;
        }
    }

    /// Takes in an entry that came out of order: everything from its place on moves up by one.
    pub(super) fn insert(&mut self, place: usize, entries: &VecDeque<Packed>, plan: &Plan) {
        let number = self.dropped + place as u64;
        let Some(entry) = entries.get(place) else { return };
        for class in &mut self.classes {
            if self.heads.get(class.head).is_some_and(|head| number < head.next) {
                class.insert(entry, number, self.dropped);
            }
        }
        for (slot, planned) in self.slots.iter_mut().zip(&plan.questions) {
            let question = &planned.question;
            let has_come_in = self.heads.get(slot.head).is_some_and(|head| number < head.next);
            if !has_come_in || matches!(slot.kind, SlotKind::Scanned) {
                continue;
            }
            slot.renumber(number);
            let after = question.window.begin(self.clock.minus(question.delay), &plan.calendar);
            if entry.at() <= after {
                slot.cursor += 1;
            } else if planned.admits(entry) {
                slot.insert(number, entry, question.aggregate, &self.classes);
            }
        }
        for head in self.heads.iter_mut().filter(|head| number < head.next) {
            head.next += 1;
        }
        // Where it is the first that has not come in, it may be old enough now.
        self.advance(self.clock, entries, plan);
    }

    /// Whether the oldest entry has left every window.
    pub(super) fn has_left_front(&self) -> bool {
        self.heads.iter().all(|head| head.next > self.dropped)
            && self
                .slots
                .iter()
                .all(|slot| slot.cursor > self.dropped || matches!(slot.kind, SlotKind::Scanned))
    }

    /// The oldest entry, which has left every window, has left the log.
    pub(super) fn dropped_front(&mut self, gone: &Packed) {
        for class in &mut self.classes {
            class.drop_front(gone, self.dropped);
        }
        self.dropped += 1;
    }

    pub(super) fn value(
        &mut self,
        place: usize,
        entries: &VecDeque<Packed>,
        plan: &Plan,
        at: TimeMs,
    ) -> (i64, bool) {
        if at != self.clock {
            self.advance(at, entries, plan);
        }
        let (Some(slot), Some(planned)) = (self.slots.get(place), plan.questions.get(place)) else {
            return (0, false);
        };
        slot.value(&planned.question, self.dropped, entries, plan, at)
    }
}

impl Slot {
    fn add(&mut self, number: u64, entry: &Packed, aggregate: Aggregate, classes: &[Class]) {
        let minor = entry.minor();
        match &mut self.kind {
            SlotKind::Total(total) => *total = total.plus(minor),
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
            SlotKind::Newest(newest) => *newest = Some((number, minor, entry.at())),
            SlotKind::Oldest(oldest) => *oldest = oldest.or(Some(number)),
            SlotKind::Scanned => {}
            SlotKind::Distinct { class, total } => {
                let before = classes.get(*class).and_then(|class| class.before);
                if before.is_none_or(|before| before < self.cursor) {
                    *total += 1;
                }
            }
        }
    }

    /// Entries from a number on have moved up by one.
    fn renumber(&mut self, from: u64) {
        let move_up = |number: &mut u64| *number += u64::from(*number >= from);
        match &mut self.kind {
            SlotKind::Extreme { deque } => deque.iter_mut().for_each(|(number, _)| move_up(number)),
            SlotKind::Newest(newest) => newest.iter_mut().for_each(|(number, _, _)| move_up(number)),
            SlotKind::Oldest(oldest) => oldest.iter_mut().for_each(move_up),
            SlotKind::Total(_) | SlotKind::Distinct { .. } | SlotKind::Scanned => {}
        }
    }

    /// An entry came in between those inside the window.
    fn insert(&mut self, number: u64, entry: &Packed, aggregate: Aggregate, classes: &[Class]) {
        let minor = entry.minor();
        match &mut self.kind {
            SlotKind::Total(total) => *total = total.plus(minor),
            SlotKind::Extreme { deque } => {
                let beats = |one: i64, other: i64| {
                    if aggregate == Aggregate::Max { other <= one } else { other >= one }
                };
                let mut place = deque.partition_point(|(known, _)| *known < number);
                if deque.get(place).is_some_and(|(_, later)| beats(*later, minor)) {
                    return;
                }
                deque.insert(place, (number, minor));
                while let Some(before) = place.checked_sub(1)
                    && deque.get(before).is_some_and(|(_, old)| beats(minor, *old))
                {
                    deque.remove(before);
                    place = before;
                }
            }
            SlotKind::Newest(newest) => {
                if newest.is_none_or(|(known, _, _)| known < number) {
                    *newest = Some((number, minor, entry.at()));
                }
            }
            SlotKind::Oldest(oldest) => {
                *oldest = Some(oldest.map_or(number, |known| known.min(number)));
            }
            SlotKind::Distinct { class, total } => {
                let Some(class) = classes.get(*class).filter(|class| !class.is_superseded) else { return };
                if class.before.is_none_or(|before| before < self.cursor) {
                    *total += 1;
                }
            }
            SlotKind::Scanned => {}
        }
    }

    /// The entry at the cursor, which counted, leaves; `next` is the first that has not come in.
    fn evict(
        &mut self,
        entry: &Packed,
        dropped: u64,
        next: u64,
        entries: &VecDeque<Packed>,
        planned: &Planned,
        classes: &[Class],
    ) {
        let place = (self.cursor - dropped) as usize;
        match &mut self.kind {
            SlotKind::Total(total) => *total = total.less(entry.minor()),
            SlotKind::Distinct { class, total } => {
                let superseded = classes.get(*class).and_then(|class| class.superseded.get(place));
                if superseded == Some(&false) {
                    *total -= 1;
                }
            }
            SlotKind::Oldest(oldest) => {
                let come_in = ((next - dropped) as usize).min(entries.len()).max(place + 1);
                let next = entries.range(place + 1..come_in).position(|entry| planned.admits(entry));
                *oldest = next.map(|further| self.cursor + 1 + further as u64);
            }
            SlotKind::Extreme { .. } | SlotKind::Newest(_) | SlotKind::Scanned => {}
        }
    }

    fn value(
        &self,
        question: &Question,
        dropped: u64,
        entries: &VecDeque<Packed>,
        plan: &Plan,
        at: TimeMs,
    ) -> (i64, bool) {
        let until = at.minus(question.delay);
        let since = |then: TimeMs| saturate(i128::from(at.0) - i128::from(then.0));
        match &self.kind {
            SlotKind::Total(total) => (total.value(question.aggregate), total.count > 0),
            SlotKind::Extreme { deque } => {
                let inside = deque.partition_point(|(number, _)| *number < self.cursor);
                deque.get(inside).map_or((0, false), |(_, minor)| (*minor, true))
            }
            SlotKind::Newest(newest) => match newest.filter(|(number, _, _)| *number >= self.cursor) {
                Some((_, _, then)) if question.aggregate == Aggregate::SinceLast => (since(then), true),
                Some((_, minor, _)) => (minor, true),
                None if question.aggregate == Aggregate::SinceLast => {
                    let after = question.window.begin(until, &plan.calendar);
                    (saturate(i128::from(until.0) - i128::from(after.0)), false)
                }
                None => (0, false),
            },
            SlotKind::Oldest(oldest) => {
                let entry = oldest.and_then(|number| entries.get((number - dropped) as usize));
                entry.map(Packed::at).map_or((0, false), |then| (since(then), true))
            }
            SlotKind::Distinct { total, .. } => (saturate(i128::from(*total)), *total > 0),
            SlotKind::Scanned => (0, false),
        }
    }
}

impl Class {
    /// Notes an entry that comes in, and the number of the one it supersedes.
    fn push(&mut self, entry: &Packed, number: u64, dropped: u64) {
        self.superseded.push_back(false);
        self.before = None;
        if !self.planned.admits(entry) {
            return;
        }
        self.before = self.latest.insert(entry.other(), number);
        let mark = self.before.and_then(|before| self.superseded.get_mut((before - dropped) as usize));
        if let Some(mark) = mark {
            *mark = true;
        }
    }

    /// Notes an entry that came out of order.
    fn insert(&mut self, entry: &Packed, number: u64, dropped: u64) {
        // Each moves up by itself, so map order cannot show.
        for latest in self.latest.values_mut() {
            *latest += u64::from(*latest >= number);
        }
        let place = (number - dropped) as usize;
        self.superseded.insert(place, false);
        (self.before, self.is_superseded) = (None, false);
        if !self.planned.admits(entry) {
            return;
        }
        let known = self.latest.get(&entry.other()).copied();
        self.is_superseded = known.is_some_and(|known| known > number);
        let marked = if self.is_superseded {
            Some(place)
        } else {
            self.before = self.latest.insert(entry.other(), number);
            self.before.map(|before| (before - dropped) as usize)
        };
        if let Some(mark) = marked.and_then(|place| self.superseded.get_mut(place)) {
            *mark = true;
        }
    }

    fn drop_front(&mut self, gone: &Packed, number: u64) {
        self.superseded.pop_front();
        if self.latest.get(&gone.other()) == Some(&number) {
            self.latest.remove(&gone.other());
        }
    }
}
