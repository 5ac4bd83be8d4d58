//! One lane per source partition, taken in the order of time, so that catching up after a pause does
//! not turn order into lateness (DESIGN D10). Pure.
//!
//! A record is taken when no lane that may still bring an earlier one is more than the skew behind
//! it. A lane that is drained holds nobody back.

use std::collections::{BTreeMap, VecDeque};

use super::pack::Slot;
use crate::engine::base::{SpanMs, TimeMs};

/// Figures of the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneBounds {
    /// How far a source may be ahead of the slowest that is not drained.
    pub skew_max: SpanMs,
    /// A lane with more records than this stops being read until half of them are taken.
    pub records_max: usize,
}

/// A record that waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting<T> {
    pub offset: i64,
    /// Broker time; event time under `time = event`.
    pub time: TimeMs,
    pub item: T,
}

/// All lanes of one intake.
#[derive(Debug)]
pub struct Lanes<T> {
    bounds: LaneBounds,
    lanes: BTreeMap<Slot, Lane<T>>,
}

#[derive(Debug)]
struct Lane<T> {
    waiting: VecDeque<Waiting<T>>,
    /// Time of the last record taken.
    taken: TimeMs,
    is_drained: bool,
    is_paused: bool,
}

impl<T> Lanes<T> {
    #[must_use]
    pub fn new(bounds: LaneBounds) -> Lanes<T> {
        Lanes { bounds, lanes: BTreeMap::new() }
    }

    /// Opens a lane; until its first record comes or it is drained, the others wait for it.
    pub fn open(&mut self, slot: Slot) {
        let lane = Lane { waiting: VecDeque::new(), taken: TimeMs::MIN, is_drained: false, is_paused: false };
        self.lanes.insert(slot, lane);
    }

    /// Closes a lane, with what waits in it.
    pub fn close(&mut self, slot: Slot) {
        self.lanes.remove(&slot);
    }

    pub fn push(&mut self, slot: Slot, record: Waiting<T>) {
        if let Some(lane) = self.lanes.get_mut(&slot) {
            lane.is_drained = false;
            lane.waiting.push_back(record);
        }
    }

    /// The source has no further record now.
    pub fn drained(&mut self, slot: Slot) {
        if let Some(lane) = self.lanes.get_mut(&slot) {
            lane.is_drained = true;
        }
    }

    /// True when nothing of this source waits and, last we heard, it had no more.
    #[must_use]
    pub fn is_drained(&self, slot: Slot) -> bool {
        self.lanes.get(&slot).is_some_and(|lane| lane.is_drained && lane.waiting.is_empty())
    }

    #[must_use]
    pub fn is_empty(&self, slot: Slot) -> bool {
        self.lanes.get(&slot).is_none_or(|lane| lane.waiting.is_empty())
    }

    /// Time of the newest record of a lane, taken or waiting.
    #[must_use]
    pub fn newest(&self, slot: Slot) -> Option<TimeMs> {
        let lane = self.lanes.get(&slot)?;
        Some(lane.waiting.back().map_or(lane.taken, |record| record.time))
    }

    /// Takes the earliest record, if no lane may still bring one that is earlier by more than the skew.
    pub fn take(&mut self) -> Option<(Slot, Waiting<T>)> {
        let heads = self.lanes.iter().filter_map(|(slot, lane)| Some((lane.waiting.front()?.time, *slot)));
        let (time, slot) = heads.min()?;
        let awaited = self.lanes.values().filter(|lane| lane.waiting.is_empty() && !lane.is_drained);
        let slowest = awaited.map(|lane| lane.taken).min();
        if slowest.is_some_and(|slowest| time > slowest.plus(self.bounds.skew_max)) {
            return None;
        }
        let lane = self.lanes.get_mut(&slot)?;
        let record = lane.waiting.pop_front()?;
        lane.taken = lane.taken.max(record.time);
        Some((slot, record))
    }

    /// Lanes to be paused (true) or resumed (false) since this was last asked.
    pub fn turns(&mut self) -> Vec<(Slot, bool)> {
        let records_max = self.bounds.records_max;
        let mut turns = Vec::new();
        for (slot, lane) in &mut self.lanes {
            let turn = match lane.is_paused {
                false => lane.waiting.len() >= records_max,
                true => lane.waiting.len() > records_max / 2,
            };
            if turn != lane.is_paused {
                lane.is_paused = turn;
                turns.push((*slot, turn));
            }
        }
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cover::SourceId;
    use crate::intake::pack::{PackBounds, Packer, Start};

    fn slots(count: u32) -> Vec<Slot> {
        let mut packer = Packer::new(1, PackBounds::default());
        let start = Start { previous: -1, baseline: true, version: 1, time: TimeMs::MIN };
        (0..count)
            .map(|partition| packer.assign(SourceId { name: "s".into(), generation: 1, partition }, start))
            .collect()
    }

    fn lanes(skew: i64, records_max: usize, slots: &[Slot]) -> Lanes<()> {
        let mut lanes = Lanes::new(LaneBounds { skew_max: SpanMs(skew), records_max });
        slots.iter().for_each(|slot| lanes.open(*slot));
        lanes
    }

    fn push(lanes: &mut Lanes<()>, slot: Slot, times: &[i64]) {
        for time in times {
            lanes.push(slot, Waiting { offset: *time, time: TimeMs(*time), item: () });
        }
    }

    fn taken(lanes: &mut Lanes<()>) -> Vec<(Slot, i64)> {
        std::iter::from_fn(|| lanes.take()).map(|(slot, record)| (slot, record.time.0)).collect()
    }

    #[test]
    fn lanes_are_taken_in_the_order_of_time() {
        let slots = slots(2);
        let mut lanes = lanes(0, 100, &slots);
        push(&mut lanes, slots[0], &[1, 5, 6]);
        push(&mut lanes, slots[1], &[2, 3, 9]);
        let order: Vec<i64> = taken(&mut lanes).into_iter().map(|(_, time)| time).collect();
        assert_eq!(order, [1, 2, 3, 5, 6], "9 waits: the first lane may still bring an 8");
        lanes.drained(slots[0]);
        assert_eq!(taken(&mut lanes), [(slots[1], 9)]);
    }

    #[test]
    fn a_source_waits_for_one_that_is_more_than_the_skew_behind() {
        let slots = slots(2);
        let mut lanes = lanes(10, 100, &slots);
        push(&mut lanes, slots[0], &[100]);
        assert_eq!(taken(&mut lanes), [], "nothing is known of the second source yet");
        push(&mut lanes, slots[1], &[90]);
        assert_eq!(taken(&mut lanes), [(slots[1], 90), (slots[0], 100)]);
        push(&mut lanes, slots[0], &[101]);
        assert_eq!(taken(&mut lanes), []);
        lanes.drained(slots[1]);
        assert!(lanes.is_drained(slots[1]) && !lanes.is_drained(slots[0]));
        assert_eq!(taken(&mut lanes), [(slots[0], 101)]);
    }

    #[test]
    fn a_long_lane_is_paused_and_resumed_at_half() {
        let slots = slots(1);
        let mut lanes = lanes(10, 4, &slots);
        push(&mut lanes, slots[0], &[1, 2, 3, 4]);
        assert_eq!(lanes.turns(), [(slots[0], true)]);
        assert_eq!(lanes.turns(), []);
        lanes.take();
        assert_eq!(lanes.turns(), []);
        lanes.take();
        assert_eq!(lanes.turns(), [(slots[0], false)]);
    }
}
