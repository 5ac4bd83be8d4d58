//! Running values of a long log: what makes a window cost the same whatever its length.
//!
//! Invariants, for each set of entries that count alike (same feeds, currency, bounds, marks and delay):
//! * R1 entries below `next` have come in, in order; those from `next` on are too young for the delay;
//! * R2 a lane's `cursor` is the first entry of the set inside its window, or `next` if there is none;
//! * R3 a lane's count is that of the set's entries from `cursor` on, its sums are of the paid ones;
//! * R4 an entry is superseded if a later one that has come in has the same `other`; a lane's distinct
//!   count is of those from `cursor` on that are not;
//! * R5 before `due` nothing leaves a lane;
//! * R6 what a lane keeps beside is of the paid ones that its sum is of; who was met in which direction, of all.

use std::collections::VecDeque;

use super::best::{Best, Candidate, insert_best, push_best};
use super::distinct::{Alike, Distinct};
use super::kept::Kept;
use super::lane::{Counted, Lane, due};
use super::own::{self, Own};
use super::packed::Packed;
use super::plan::{Asked, By, Plan, Planned, Set as SetPlan};
use super::returned::Returned;
use super::shares::Shares;
use super::{AsOf, Values, View};
use crate::engine::base::{SpanMs, TimeMs, saturate};
use crate::engine::prefetch::prefetch;
use crate::engine::signal::Aggregate;

/// Cursors and values of all questions that are kept running, as of `clock`.
///
/// Entries are named by their number since the values were built: place in the log plus `dropped`.
#[derive(Clone, Debug)]
pub(super) struct Running {
    epoch: u32,
    clock: TimeMs,
    /// Entries dropped from the front so far.
    dropped: u32,
    /// Entries have been added at the end that have not been looked at yet.
    is_behind: bool,
    /// Some lane keeps more than count and sum.
    keeps_more: bool,
    /// By their place in the plan.
    sets: Box<[Set]>,
    lanes: Box<[Lane]>,
}

/// The entries that count alike: what its lanes share.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    pub next: u32,
    /// The last of them that has come in, and the last paid one.
    newest: Option<u32>,
    newest_paid: Option<u32>,
    /// Candidates for the maximum and minimum of any lane, best first: each is beaten by none that came
    /// later (SlickDeque, EDBT 2018).
    largest: VecDeque<Candidate>,
    smallest: VecDeque<Candidate>,
    pub distinct: Option<Box<Distinct>>,
}

impl Running {
    /// Of no entry yet.
    pub fn new(plan: &Plan) -> Running {
        let set = |set: &SetPlan| Set { distinct: set.distinct.then(Box::default), ..Set::default() };
        let lane = |squares: bool| Lane {
            cursor: 0,
            count: 0,
            unpaid: 0,
            distinct: 0,
            due: TimeMs(i64::MAX),
            sum: 0,
            kept: squares.then(|| Box::new(Kept::of_squares())),
        };
        Running {
            epoch: plan.epoch(),
            clock: TimeMs::MIN,
            dropped: 0,
            is_behind: false,
            keeps_more: false,
            sets: plan.sets.iter().map(set).collect(),
            lanes: plan.lanes.iter().map(|planned| lane(planned.squares)).collect(),
        }
    }

    /// An entry was added at the end; it comes in with the next `advance`.
    pub fn let_wait(&mut self) {
        self.is_behind = true;
    }

    /// Lets in what waits, before the oldest entry goes. No entry is later than `newest`.
    pub fn catch_up(&mut self, newest: TimeMs, log: View<'_>, plan: &Plan) {
        if self.is_behind {
            self.advance(self.clock.max(newest), log, plan);
        }
    }

    /// Whether the values are of another rule set, or of a later time than asked for.
    pub fn is_outdated(&self, plan: &Plan, at: TimeMs) -> bool {
        !self.is_of(plan) || self.clock > at
    }

    /// Whether the values are of a rule set and a time.
    pub fn is_as_of(&self, plan: &Plan, at: TimeMs) -> bool {
        self.is_of(plan) && self.clock == at && !self.is_behind
    }

    /// Whether the values are of a rule set.
    pub fn is_of(&self, plan: &Plan) -> bool {
        self.epoch == plan.epoch()
    }

    /// Moves all windows to a time not before `clock`, at which no entry lies in the future.
    pub fn advance(&mut self, at: TimeMs, log: View<'_>, plan: &Plan) {
        self.clock = at;
        self.is_behind = false;
        for (set, planned) in self.sets.iter_mut().zip(&plan.sets) {
            set.let_in(at, self.dropped, planned, &mut self.lanes, log, plan);
        }
        for (lane, planned) in self.lanes.iter_mut().zip(&plan.lanes) {
            if lane.due <= at
                && let (Some(set), Some(its)) = (self.sets.get(planned.set), plan.sets.get(planned.set))
            {
                lane.evict(at, self.dropped, set, its, planned.window, log, plan);
            }
        }
    }

    /// Asks for the memory of all windows.
    pub fn expect_lanes(&self) {
        self.lanes.iter().for_each(prefetch);
        self.sets.iter().for_each(prefetch);
    }

    /// Asks for what leaves windows next, in two steps after their lanes: where its numbers stand, and the
    /// entries; what lanes keep beside alike.
    pub fn expect_cursors(&self, log: View<'_>) {
        self.first_places().filter_map(|place| log.number(place)).for_each(prefetch);
        self.kept().for_each(prefetch);
    }

    pub fn expect_leaving(&self, log: View<'_>) {
        self.first_places().filter_map(|place| log.get(place)).for_each(prefetch);
        self.kept().for_each(Kept::expect);
    }

    /// Where the first entry of each window stands in the log.
    fn first_places(&self) -> impl Iterator<Item = usize> {
        self.lanes.iter().map(|lane| (lane.cursor - self.dropped) as usize)
    }

    fn kept(&self) -> impl Iterator<Item = &Kept> {
        let lanes = if self.keeps_more { &*self.lanes } else { &[] };
        lanes.iter().filter_map(|lane| lane.kept.as_deref())
    }

    /// Takes in an entry that came out of order: everything from its place on moves up by one.
    pub fn insert(&mut self, place: usize, log: View<'_>, plan: &Plan) {
        let number = self.dropped + place as u32;
        let Some(entry) = log.get(place) else { return };
        for (set, planned) in self.sets.iter_mut().zip(&plan.sets) {
            if number >= set.next {
                continue;
            }
            let counted = Counted::of(entry, planned);
            let alike = set.insert(number, entry, counted, self.dropped, planned);
            for of_set in &planned.lanes {
                let (Some(lane), Some(its)) = (self.lanes.get_mut(*of_set), plan.lanes.get(*of_set)) else {
                    continue;
                };
                lane.cursor += u32::from(lane.cursor >= number);
                let delay = planned.planned.question.delay;
                let after = its.window.begin(self.clock.minus(delay), plan.calendar());
                if counted.is_in && entry.at() > after {
                    lane.add(entry, counted, alike);
                    if number < lane.cursor {
                        lane.cursor = number;
                        lane.due = due(entry, its.window, delay);
                    }
                }
            }
        }
        // Where it is the first that has not come in, it may be old enough now; later ones wait on.
        let waits = self.is_behind;
        self.advance(self.clock, log, plan);
        self.is_behind = waits;
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

    /// Gives the value of every signal of a lane's set.
    pub fn values(&self, lane: usize, log: View<'_>, plan: &Plan, as_of: AsOf, values: &mut Values) {
        let Some(set) = plan.set_of(lane) else { return };
        let (Some(its), Some(planned)) = (self.sets.get(set), plan.sets.get(set)) else { return };
        let own = if planned.without_event { Own::of_event(planned, log, as_of) } else { Own::default() };
        let entry = |number: u32| log.get((number - self.dropped) as usize);
        let (mut largest, mut smallest) = (Best::of(&its.largest), Best::of(&its.smallest));
        // The longest window first: its best candidate comes before those of shorter ones.
        for of_set in planned.lanes.iter().rev() {
            let (Some(lane), Some(asked)) = (self.lanes.get(*of_set), plan.lanes.get(*of_set)) else {
                continue;
            };
            let within = |newest: Option<u32>| newest.filter(|number| *number >= lane.cursor).and_then(entry);
            for answer in &asked.answers {
                let aggregate = answer.aggregate;
                if answer.without_event {
                    let others = lane.total_of(aggregate).minus(own.of(aggregate));
                    values.keep(answer.signal, (others.value(aggregate), others.count > 0));
                    continue;
                }
                let any = lane.count > if aggregate.reads_amount() { lane.unpaid } else { 0 };
                let value = match aggregate {
                    Aggregate::Count => i64::from(lane.count),
                    Aggregate::Sum => saturate(lane.sum),
                    Aggregate::Distinct => i64::from(lane.distinct),
                    Aggregate::Max => largest.from(lane.cursor),
                    Aggregate::Min => smallest.from(lane.cursor),
                    Aggregate::Last => within(its.newest_paid).map_or(0, Packed::minor),
                    Aggregate::SinceLast => match within(its.newest) {
                        Some(newest) => between(newest.at(), self.clock),
                        None => {
                            let until = self.clock.minus(planned.planned.question.delay);
                            between(asked.window.begin(until, plan.calendar()), until)
                        }
                    },
                    Aggregate::SinceFirst if any => {
                        entry(lane.cursor).map_or(0, |first| between(first.at(), self.clock))
                    }
                    Aggregate::SinceFirst => 0,
                    _ => lane.total().value(aggregate),
                };
                values.keep(answer.signal, (value, any));
            }
        }
    }

    /// Keeps, from now on, what a question needs beside its lane's count and sum.
    pub fn keep(&mut self, asked: &Asked, log: View<'_>, plan: &Plan) {
        let (by, question) = (asked.by, &asked.planned.question);
        let (By::Amounts(number) | By::Shares(number) | By::Returned(number)) = by else { return };
        let Some((inside, its)) = self.inside(number, log, plan) else { return };
        let paid = inside.clone().filter(|entry| Counted::of(entry, its).is_paid);
        let Some(lane) = self.lanes.get_mut(number) else { return };
        let kept = lane.kept.get_or_insert_default();
        match by {
            By::Shares(_) if kept.shares.is_none() => kept.shares = Some(Box::new(Shares::of(paid))),
            By::Returned(_) if kept.returned.is_none() => {
                let counted = inside.filter(|entry| Counted::of(entry, its).is_in);
                kept.returned = Some(Box::new(Returned::of(question, counted)));
            }
            By::Amounts(_) => kept.order(question, paid),
            _ => {}
        }
        self.keeps_more = true;
    }

    /// The entries from a lane's cursor on that have come in, of its set and others.
    fn inside<'a>(
        &self,
        lane: usize,
        log: View<'a>,
        plan: &'a Plan,
    ) -> Option<(impl Iterator<Item = &'a Packed> + Clone + use<'a>, &'a SetPlan)> {
        let (lane, planned) = (self.lanes.get(lane)?, plan.lanes.get(lane)?);
        let (set, its) = (self.sets.get(planned.set)?, plan.sets.get(planned.set)?);
        let place = |number: u32| (number - self.dropped) as usize;
        Some((log.range(place(lane.cursor), place(set.next)), its))
    }

    fn kept_of(&self, lane: usize) -> Option<(&Lane, &Kept)> {
        let lane = self.lanes.get(lane)?;
        Some((lane, lane.kept.as_deref()?))
    }

    /// The answer to such a question; none if what it needs is not kept yet.
    pub fn kept_value(&self, asked: &Asked, log: View<'_>, as_of: AsOf) -> Option<(i64, bool)> {
        match asked.by {
            By::Amounts(lane) => self.resembling(lane, &asked.planned, log, as_of),
            By::Shares(lane) => self.largest_share(lane),
            By::Returned(lane) => self.returned(lane),
            By::Scan | By::Lane(_) => None,
        }
    }

    /// The largest share of one other side in a lane's sum.
    fn largest_share(&self, lane: usize) -> Option<(i64, bool)> {
        let (lane, kept) = self.kept_of(lane)?;
        Some(kept.shares.as_deref()?.largest(lane.sum))
    }

    /// How many other sides of a lane were met in both directions.
    fn returned(&self, lane: usize) -> Option<(i64, bool)> {
        Some(self.kept_of(lane)?.1.returned.as_deref()?.value())
    }

    /// How many entries of a lane are like the event that is asked for.
    fn resembling(&self, lane: usize, planned: &Planned, log: View<'_>, as_of: AsOf) -> Option<(i64, bool)> {
        let alike = as_of.counted(&planned.question).alike?;
        let mut count = self.kept_of(lane)?.1.alike(&alike)?;
        if planned.question.without_event && planned.question.delay == SpanMs(0) {
            let own = own::entries(planned, log, as_of).filter(|entry| alike.is_met_by(entry));
            count -= own.count();
        }
        Some((saturate(count as i128), count > 0))
    }
}

fn between(then: TimeMs, now: TimeMs) -> i64 {
    saturate(i128::from(now.0) - i128::from(then.0))
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
            let counted = Counted::of(entry, planned);
            let oldest =
                planned.lanes.iter().filter_map(|lane| lanes.get(*lane)).map(|lane| lane.cursor).min();
            let alike = self.push(number, entry, counted, oldest.unwrap_or(number), dropped, planned);
            for of_set in &planned.lanes {
                let (Some(lane), Some(its)) = (lanes.get_mut(*of_set), plan.lanes.get(*of_set)) else {
                    continue;
                };
                if counted.is_in {
                    if lane.cursor == number {
                        lane.due = due(entry, its.window, delay);
                    }
                    lane.add(entry, counted, alike);
                } else if lane.cursor == number {
                    lane.cursor += 1;
                }
            }
            self.next += 1;
        }
    }

    /// Notes an entry that comes in last. No lane's window reaches back beyond `oldest`.
    fn push(
        &mut self,
        number: u32,
        entry: &Packed,
        counted: Counted,
        oldest: u32,
        dropped: u32,
        planned: &SetPlan,
    ) -> Option<Alike> {
        if let Some(distinct) = &mut self.distinct {
            distinct.superseded.push_back(false);
        }
        if !counted.is_in {
            return None;
        }
        self.newest = Some(number);
        if counted.is_paid {
            self.newest_paid = Some(number);
        }
        let new = Candidate { number, minor: entry.minor() };
        if planned.largest && counted.is_paid {
            push_best(&mut self.largest, new, oldest, |old| old.minor <= new.minor);
        }
        if planned.smallest && counted.is_paid {
            push_best(&mut self.smallest, new, oldest, |old| old.minor >= new.minor);
        }
        let distinct = self.distinct.as_mut()?;
        Some(Alike { before: distinct.supersede(entry, number, dropped), is_superseded: false })
    }

    /// Notes an entry that comes in between others, which move up from its number on.
    fn insert(
        &mut self,
        number: u32,
        entry: &Packed,
        counted: Counted,
        dropped: u32,
        planned: &SetPlan,
    ) -> Option<Alike> {
        let move_up = |known: &mut u32| *known += u32::from(*known >= number);
        self.next += 1;
        self.newest.iter_mut().chain(&mut self.newest_paid).for_each(move_up);
        let candidates = self.largest.iter_mut().chain(&mut self.smallest);
        candidates.map(|candidate| &mut candidate.number).for_each(move_up);
        if let Some(distinct) = &mut self.distinct {
            // Each moves up by itself, so map order cannot show.
            distinct.latest.values_mut().for_each(move_up);
            distinct.superseded.insert((number - dropped) as usize, false);
        }
        if !counted.is_in {
            return None;
        }
        let is_newer = |newest: &Option<u32>| newest.is_none_or(|newest| newest < number);
        if is_newer(&self.newest) {
            self.newest = Some(number);
        }
        if counted.is_paid && is_newer(&self.newest_paid) {
            self.newest_paid = Some(number);
        }
        let new = Candidate { number, minor: entry.minor() };
        if planned.largest && counted.is_paid {
            insert_best(&mut self.largest, new, |one, other| other.minor <= one.minor);
        }
        if planned.smallest && counted.is_paid {
            insert_best(&mut self.smallest, new, |one, other| other.minor >= one.minor);
        }
        self.distinct.as_mut().map(|distinct| distinct.insert(entry, number, dropped))
    }

    fn drop_front(&mut self, gone: &Packed, number: u32) {
        for candidates in [&mut self.largest, &mut self.smallest] {
            if candidates.front().is_some_and(|first| first.number == number) {
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
