//! Running values of a long log: what makes a window cost the same whatever its length.
//!
//! Invariants, for each set of entries that count alike (same feeds, currency, bounds, marks and delay):
//! * R1 entries below `next` have come in, in order; those from `next` on are too young for the delay;
//! * R2 a lane's `cursor` is the first entry of the set inside its window, or `next` if there is none;
//! * R3 a lane's count and sums are those of the set's entries from `cursor` on;
//! * R4 an entry is superseded if a later one that has come in has the same `other`; a lane's distinct
//!   count is of those from `cursor` on that are not;
//! * R5 before `due` nothing leaves a lane.

use std::collections::VecDeque;

use super::distinct::{Alike, Distinct};
use super::packed::Packed;
use super::plan::{Plan, Planned, Set as SetPlan};
use super::total::Total;
use super::{View, saturate};
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::signal::{Aggregate, Question, Window};

/// Cursors and values of all questions that are kept running, as of `clock`.
///
/// Entries are named by their number since the values were built: place in the log plus `dropped`.
#[derive(Clone, Debug)]
pub(super) struct Running {
    epoch: u32,
    clock: TimeMs,
    /// Entries dropped from the front so far.
    dropped: u32,
    /// By their place in the plan.
    sets: Box<[Set]>,
    lanes: Box<[Lane]>,
}

/// The entries that count alike: what its lanes share.
#[derive(Clone, Debug, Default)]
struct Set {
    next: u32,
    /// The last of them that has come in.
    newest: Option<u32>,
    /// Candidates for the maximum and minimum of any lane, best first: each is beaten by none that came
    /// later (SlickDeque, EDBT 2018).
    largest: VecDeque<u32>,
    smallest: VecDeque<u32>,
    distinct: Option<Box<Distinct>>,
}

/// One window over a set.
#[derive(Clone, Debug)]
struct Lane {
    cursor: u32,
    count: u32,
    distinct: u32,
    due: TimeMs,
    sum: i128,
    /// Where a deviation is asked for.
    squares: Option<Box<i128>>,
}

impl Running {
    pub fn build(log: View<'_>, plan: &Plan, at: TimeMs) -> Running {
        let set = |set: &SetPlan| Set { distinct: set.distinct.then(Box::default), ..Set::default() };
        let lane = |squares: bool| Lane {
            cursor: 0,
            count: 0,
            distinct: 0,
            due: TimeMs(i64::MAX),
            sum: 0,
            squares: squares.then(Box::default),
        };
        let mut running = Running {
            epoch: plan.epoch(),
            clock: TimeMs::MIN,
            dropped: 0,
            sets: plan.sets.iter().map(set).collect(),
            lanes: plan.lanes.iter().map(|planned| lane(planned.squares)).collect(),
        };
        running.advance(at, log, plan);
        running
    }

    /// Whether the values are of another rule set, or of a later time than asked for.
    pub fn is_outdated(&self, plan: &Plan, at: TimeMs) -> bool {
        !self.is_of(plan) || self.clock > at
    }

    /// Whether the values are of a rule set.
    pub fn is_of(&self, plan: &Plan) -> bool {
        self.epoch == plan.epoch()
    }

    /// Moves all windows to a time not before `clock`, at which no entry lies in the future.
    pub fn advance(&mut self, at: TimeMs, log: View<'_>, plan: &Plan) {
        self.clock = at;
        for (set, planned) in self.sets.iter_mut().zip(&plan.sets) {
            set.let_in(at, self.dropped, planned, &mut self.lanes, log, plan);
        }
        for (lane, planned) in self.lanes.iter_mut().zip(&plan.lanes) {
            if lane.due <= at
                && let (Some(set), Some(its)) = (self.sets.get(planned.set), plan.sets.get(planned.set))
            {
                lane.evict(at, self.dropped, set, &its.planned, planned.window, log, plan);
            }
        }
    }

    /// Takes in an entry that came out of order: everything from its place on moves up by one.
    pub fn insert(&mut self, place: usize, log: View<'_>, plan: &Plan) {
        let number = self.dropped + place as u32;
        let Some(entry) = log.get(place) else { return };
        for (set, planned) in self.sets.iter_mut().zip(&plan.sets) {
            if number >= set.next {
                continue;
            }
            let admitted = planned.planned.admits(entry);
            let alike = set.insert(number, entry, admitted, self.dropped, planned, log);
            for of_set in &planned.lanes {
                let (Some(lane), Some(its)) = (self.lanes.get_mut(*of_set), plan.lanes.get(*of_set)) else {
                    continue;
                };
                lane.cursor += u32::from(lane.cursor >= number);
                let delay = planned.planned.question.delay;
                let after = its.window.begin(self.clock.minus(delay), plan.calendar());
                if admitted && entry.at() > after {
                    lane.add(entry, alike);
                    if number < lane.cursor {
                        lane.cursor = number;
                        lane.due = due(entry, its.window, delay);
                    }
                }
            }
        }
        // Where it is the first that has not come in, it may be old enough now.
        self.advance(self.clock, log, plan);
    }

    /// Whether the oldest entry has left every window, and numbers are not about to run out.
    pub fn has_left_front(&self) -> bool {
        self.sets.iter().all(|set| set.next > self.dropped)
            && self.lanes.iter().all(|lane| lane.cursor > self.dropped)
            && self.dropped < u32::MAX / 2
    }

    /// The oldest entry, which has left every window, has left the log.
    pub fn dropped_front(&mut self, gone: &Packed) {
        for set in &mut self.sets {
            set.drop_front(gone, self.dropped);
        }
        self.dropped += 1;
    }

    /// Gives the value of every question of a set, with its place in the plan.
    pub fn values(
        &mut self,
        set: usize,
        log: View<'_>,
        plan: &Plan,
        at: TimeMs,
        keep: &mut dyn FnMut(usize, (i64, bool)),
    ) {
        if at != self.clock {
            self.advance(at, log, plan);
        }
        let (Some(its), Some(planned)) = (self.sets.get(set), plan.sets.get(set)) else { return };
        for of_set in &planned.lanes {
            let (Some(lane), Some(asked)) = (self.lanes.get(*of_set), plan.lanes.get(*of_set)) else {
                continue;
            };
            for place in &asked.questions {
                if let Some(question) = plan.questions.get(*place) {
                    keep(*place, self.value(&question.planned.question, its, lane, log, plan));
                }
            }
        }
    }

    fn value(&self, question: &Question, set: &Set, lane: &Lane, log: View<'_>, plan: &Plan) -> (i64, bool) {
        let entry = |number: u32| log.get((number - self.dropped) as usize);
        let first_of = |candidates: &VecDeque<u32>| {
            let inside = candidates.partition_point(|number| *number < lane.cursor);
            candidates.get(inside).and_then(|number| entry(*number)).map_or(0, Packed::minor)
        };
        let newest = || set.newest.filter(|number| *number >= lane.cursor).and_then(entry);
        let since = |then: &Packed| between(then.at(), self.clock);
        let any = lane.count > 0;
        let value = match question.aggregate {
            Aggregate::Max => first_of(&set.largest),
            Aggregate::Min => first_of(&set.smallest),
            Aggregate::Last => newest().map_or(0, Packed::minor),
            Aggregate::SinceLast => {
                newest().map_or_else(|| empty_since_last(question, self.clock, plan), since)
            }
            Aggregate::SinceFirst if any => entry(lane.cursor).map_or(0, since),
            Aggregate::SinceFirst => 0,
            Aggregate::Distinct => i64::from(lane.distinct),
            aggregate => lane.total().value(aggregate),
        };
        (value, any)
    }
}

fn between(then: TimeMs, now: TimeMs) -> i64 {
    saturate(i128::from(now.0) - i128::from(then.0))
}

/// The length of the window.
fn empty_since_last(question: &Question, at: TimeMs, plan: &Plan) -> i64 {
    let until = at.minus(question.delay);
    between(question.window.begin(until, plan.calendar()), until)
}

/// When an entry leaves a window at the earliest, by `advance`'s clock.
fn due(first: &Packed, window: Window, delay: SpanMs) -> TimeMs {
    match window {
        Window::Sliding(span) => first.at().plus(span).plus(delay),
        // Looked at now; after that, when the day changes.
        Window::Calendar(_) => TimeMs::MIN,
    }
}

impl Set {
    /// Lets the entries in that have become old enough for the delay.
    fn let_in(
        &mut self,
        at: TimeMs,
        dropped: u32,
        planned: &SetPlan,
        lanes: &mut [Lane],
        log: View<'_>,
        plan: &Plan,
    ) {
        let delay = planned.planned.question.delay;
        let until = at.minus(delay);
        while let Some(entry) = log.get((self.next - dropped) as usize).filter(|entry| entry.at() <= until) {
            let number = self.next;
            let admitted = planned.planned.admits(entry);
            let oldest =
                planned.lanes.iter().filter_map(|lane| lanes.get(*lane)).map(|lane| lane.cursor).min();
            let alike = self.push(number, entry, admitted, oldest.unwrap_or(number), dropped, planned, log);
            for of_set in &planned.lanes {
                let (Some(lane), Some(its)) = (lanes.get_mut(*of_set), plan.lanes.get(*of_set)) else {
                    continue;
                };
                if admitted {
                    if lane.cursor == number {
                        lane.due = due(entry, its.window, delay);
                    }
                    lane.add(entry, alike);
                } else if lane.cursor == number {
                    lane.cursor += 1;
                }
            }
            self.next += 1;
        }
    }

    /// Notes an entry that comes in last. No lane's window reaches back beyond `oldest`.
    #[expect(clippy::too_many_arguments, reason = "one step of `let_in`")]
    fn push(
        &mut self,
        number: u32,
        entry: &Packed,
        admitted: bool,
        oldest: u32,
        dropped: u32,
        planned: &SetPlan,
        log: View<'_>,
    ) -> Option<Alike> {
        if let Some(distinct) = &mut self.distinct {
            distinct.superseded.push_back(false);
        }
        if !admitted {
            return None;
        }
        self.newest = Some(number);
        let minor_of = |number: u32| log.get((number - dropped) as usize).map_or(0, Packed::minor);
        if planned.largest {
            push_best(&mut self.largest, number, oldest, |old| minor_of(old) <= entry.minor());
        }
        if planned.smallest {
            push_best(&mut self.smallest, number, oldest, |old| minor_of(old) >= entry.minor());
        }
        let distinct = self.distinct.as_mut()?;
        Some(Alike { before: distinct.supersede(entry, number, dropped), is_superseded: false })
    }

    /// Notes an entry that comes in between others, which move up from its number on.
    fn insert(
        &mut self,
        number: u32,
        entry: &Packed,
        admitted: bool,
        dropped: u32,
        planned: &SetPlan,
        log: View<'_>,
    ) -> Option<Alike> {
        let move_up = |known: &mut u32| *known += u32::from(*known >= number);
        self.next += 1;
        self.newest.iter_mut().for_each(move_up);
        self.largest.iter_mut().for_each(move_up);
        self.smallest.iter_mut().for_each(move_up);
        if let Some(distinct) = &mut self.distinct {
            // Each moves up by itself, so map order cannot show.
            distinct.latest.values_mut().for_each(move_up);
            distinct.superseded.insert((number - dropped) as usize, false);
        }
        if !admitted {
            return None;
        }
        if self.newest.is_none_or(|newest| newest < number) {
            self.newest = Some(number);
        }
        let minor_of = |number: u32| log.get((number - dropped) as usize).map_or(0, Packed::minor);
        if planned.largest {
            insert_best(&mut self.largest, number, |one, other| minor_of(other) <= minor_of(one));
        }
        if planned.smallest {
            insert_best(&mut self.smallest, number, |one, other| minor_of(other) >= minor_of(one));
        }
        self.distinct.as_mut().map(|distinct| distinct.insert(entry, number, dropped))
    }

    fn drop_front(&mut self, gone: &Packed, number: u32) {
        for candidates in [&mut self.largest, &mut self.smallest] {
            if candidates.front() == Some(&number) {
                candidates.pop_front();
            }
        }
        if let Some(distinct) = &mut self.distinct {
            distinct.superseded.pop_front();
            if distinct.latest.get(&gone.other()) == Some(&number) {
                distinct.latest.remove(&gone.other());
            }
        }
    }
}

/// Puts the newest entry among the candidates: it beats those that `is_beaten`; those before `oldest` are
/// in no window any more.
fn push_best(candidates: &mut VecDeque<u32>, number: u32, oldest: u32, is_beaten: impl Fn(u32) -> bool) {
    while candidates.front().is_some_and(|first| *first < oldest) {
        candidates.pop_front();
    }
    while candidates.back().is_some_and(|old| is_beaten(*old)) {
        candidates.pop_back();
    }
    candidates.push_back(number);
}

/// Puts an entry that came out of order among the candidates.
fn insert_best(candidates: &mut VecDeque<u32>, number: u32, beats: impl Fn(u32, u32) -> bool) {
    let mut place = candidates.partition_point(|known| *known < number);
    if candidates.get(place).is_some_and(|later| beats(*later, number)) {
        return;
    }
    candidates.insert(place, number);
    while let Some(before) = place.checked_sub(1)
        && candidates.get(before).is_some_and(|old| beats(number, *old))
    {
        candidates.remove(before);
        place = before;
    }
}

impl Lane {
    /// Counts an entry that is inside the window.
    fn add(&mut self, entry: &Packed, alike: Option<Alike>) {
        let minor = i128::from(entry.minor());
        self.count += 1;
        self.sum += minor;
        if let Some(squares) = &mut self.squares {
            **squares = squares.saturating_add(minor * minor);
        }
        let is_another =
            |alike: Alike| !alike.is_superseded && alike.before.is_none_or(|before| before < self.cursor);
        self.distinct += u32::from(alike.is_some_and(is_another));
    }

    /// Lets go of the entries that have left the window.
    #[expect(clippy::too_many_arguments, reason = "one step of `advance`")]
    fn evict(
        &mut self,
        at: TimeMs,
        dropped: u32,
        set: &Set,
        planned: &Planned,
        window: Window,
        log: View<'_>,
        plan: &Plan,
    ) {
        let until = at.minus(planned.question.delay);
        let after = window.begin(until, plan.calendar());
        self.due = TimeMs(i64::MAX);
        while self.cursor < set.next {
            let place = (self.cursor - dropped) as usize;
            let Some(entry) = log.get(place) else { break };
            if planned.admits(entry) {
                if entry.at() > after {
                    self.due = match window {
                        Window::Sliding(_) => due(entry, window, planned.question.delay),
                        Window::Calendar(_) => plan.calendar().day_after(until).plus(planned.question.delay),
                    };
                    break;
                }
                let minor = i128::from(entry.minor());
                self.count -= 1;
                self.sum -= minor;
                if let Some(squares) = &mut self.squares {
                    **squares = squares.saturating_sub(minor * minor);
                }
                if set.distinct.as_ref().is_some_and(|distinct| !distinct.is_superseded(place)) {
                    self.distinct -= 1;
                }
            }
            self.cursor += 1;
        }
    }

    fn total(&self) -> Total {
        let squares = self.squares.as_ref().map_or(0, |squares| **squares);
        Total { count: self.count.into(), sum: self.sum, squares }
    }
}
