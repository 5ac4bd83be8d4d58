//! Packs facts for their destinations, with the source ranges that each pack covers (DESIGN D7).
//!
//! Pure: no clock and no I/O. Whatever the flush points, a destination that admits ranges by
//! `engine::cover` applies each fact exactly once, because here
//! * P1 a pack's range of a source begins where the last pack to that destination ended;
//! * P2 the facts of one source record never stand in two packs;
//! * P3 a pack was made under one configuration version, and so was every record of its ranges;
//! * P4 the facts of an activation stand in a pack of their own, so that outputs name the rule set that
//!   decided them.

use crate::engine::base::TimeMs;
use crate::engine::cover::{Range, SourceId};
use crate::engine::fact::{Fact, FactBody};
use crate::engine::input::{FactsPack, PackedFact};

use super::classify::Destination;

/// Where the packs of a destination are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackBounds {
    pub facts_max: usize,
    /// Of an estimate of the packed form; one record's facts may exceed it alone.
    pub bytes_max: usize,
}

impl Default for PackBounds {
    fn default() -> PackBounds {
        PackBounds { facts_max: 512, bytes_max: 64 << 10 }
    }
}

/// Which destinations `flush` serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Those for which facts wait.
    WithFacts,
    /// All that have not heard how far every source has been read; about once a second, and before
    /// the group's offsets are committed.
    All,
}

/// Where reading of a source begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The last offset that need not be read: the lowest that any destination has covered.
    pub previous: i64,
    /// True when some destination has covered nothing yet, so that reading begins here on purpose.
    pub baseline: bool,
    /// The configuration version in force at `time`, and the source's time before its first record.
    pub version: u32,
    pub time: TimeMs,
}

/// An assigned source, as the packer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(u16);

/// A finished pack and the facts partition it goes to.
pub type Packed = (u32, FactsPack);

/// The packs in the making. One thread owns it.
#[derive(Debug)]
pub struct Packer {
    bounds: PackBounds,
    version: u32,
    sources: Vec<Option<Source>>,
    packs: Vec<Pack>,
    finished: Vec<Packed>,
}

#[derive(Debug)]
struct Source {
    id: SourceId,
    position: i64,
    through: TimeMs,
    /// Version in force at `through`.
    version: u32,
    /// What each destination has been told, in the order of destinations.
    told: Vec<Told>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    last: i64,
    through: TimeMs,
    /// Lowest and highest timestamp of the records it has not been told of.
    untold: Option<(TimeMs, TimeMs)>,
    baseline_due: bool,
}

/// Facts that wait; `PackedFact::range` is the slot of the source until the pack is finished.
#[derive(Debug, Default)]
struct Pack {
    facts: Vec<PackedFact>,
    bytes: usize,
}

impl Packer {
    #[must_use]
    pub fn new(destinations: u32, bounds: PackBounds) -> Packer {
        let packs = (0..destinations).map(|_| Pack::default()).collect();
        Packer { bounds, version: 0, sources: Vec::new(), packs, finished: Vec::new() }
    }

    /// Takes up a source. With `baseline`, the next `flush` of all tells every destination so.
    pub fn assign(&mut self, id: SourceId, start: Start) -> Slot {
        self.switch(start.version);
        let told =
            Told { last: start.previous, through: start.time, untold: None, baseline_due: start.baseline };
        let source = Source {
            id,
            position: start.previous,
            through: start.time,
            version: start.version,
            told: vec![told; self.packs.len()],
        };
        let free = self.sources.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.sources.len());
        match self.sources.get_mut(slot) {
            Some(place) => *place = Some(source),
            None => self.sources.push(Some(source)),
        }
        // More than 65,535 source partitions in one process are refused by configuration.
        Slot(u16::try_from(slot).unwrap_or(u16::MAX))
    }

    /// Lets a source go, with everything of it that has not been flushed.
    pub fn release(&mut self, slot: Slot) {
        if let Some(place) = self.sources.get_mut(usize::from(slot.0)) {
            *place = None;
        }
        for pack in &mut self.packs {
            pack.facts.retain(|packed| packed.range != slot.0);
        }
    }

    /// A record was read: its facts, or none if it was refused. `version` is the one in force at `time`.
    pub fn read(
        &mut self,
        slot: Slot,
        version: u32,
        offset: i64,
        time: TimeMs,
        facts: impl IntoIterator<Item = (Destination, Fact)>,
    ) {
        self.switch(version);
        let facts: Vec<(Destination, Fact)> = facts.into_iter().collect();
        let activates = facts.iter().any(|(_, fact)| matches!(fact.body, FactBody::RuleSetActivated { .. }));
        if activates {
            self.finish_all_with_facts();
        }
        let Some(source) = self.sources.get_mut(usize::from(slot.0)).and_then(Option::as_mut) else { return };
        source.position = offset;
        source.through = source.through.max(time);
        source.version = version;
        for told in &mut source.told {
            told.untold =
                Some(told.untold.map_or((time, time), |(low, high)| (low.min(time), high.max(time))));
        }
        for (ordinal, (destination, fact)) in (0..).zip(facts) {
            let packed = |fact| PackedFact { range: slot.0, offset, ordinal, time, fact };
            match destination {
                Destination::Partition(number) => {
                    if let Some(pack) = self.packs.get_mut(number as usize) {
                        pack.push(packed(fact));
                    }
                }
                Destination::All => self.packs.iter_mut().for_each(|pack| pack.push(packed(fact.clone()))),
            }
        }
        for destination in 0..self.packs.len() {
            if activates || self.packs.get(destination).is_some_and(|pack| pack.is_full(self.bounds)) {
                self.finish(destination);
            }
        }
    }

    fn finish_all_with_facts(&mut self) {
        for destination in 0..self.packs.len() {
            if self.packs.get(destination).is_some_and(|pack| !pack.facts.is_empty()) {
                self.finish(destination);
            }
        }
    }

    /// The source has been read through to `time` and `last` without a further record: what lies
    /// between are control records, or offsets that were never written.
    pub fn read_through(&mut self, slot: Slot, version: u32, last: i64, time: TimeMs) {
        self.switch(version);
        let Some(source) = self.sources.get_mut(usize::from(slot.0)).and_then(Option::as_mut) else { return };
        source.position = source.position.max(last);
        if time >= source.through {
            source.through = time;
            source.version = version;
        }
    }

    /// The last offset read of a source.
    #[must_use]
    pub fn position(&self, slot: Slot) -> Option<i64> {
        Some(self.sources.get(usize::from(slot.0))?.as_ref()?.position)
    }

    /// How far in broker time a source has been read.
    #[must_use]
    pub fn through(&self, slot: Slot) -> Option<TimeMs> {
        Some(self.sources.get(usize::from(slot.0))?.as_ref()?.through)
    }

    /// Finishes packs and hands out all finished ones, oldest first per destination.
    pub fn flush(&mut self, flush: Flush) -> Vec<Packed> {
        for destination in 0..self.packs.len() {
            let has_facts = self.packs.get(destination).is_some_and(|pack| !pack.facts.is_empty());
            if has_facts || flush == Flush::All {
                self.finish(destination);
            }
        }
        std::mem::take(&mut self.finished)
    }

    /// Packs that grew to their bound since they were last taken.
    pub fn take_finished(&mut self) -> Vec<Packed> {
        std::mem::take(&mut self.finished)
    }

    /// A pack is made under one version: a change finishes all packs of the version before it.
    fn switch(&mut self, version: u32) {
        if self.version == version {
            return;
        }
        for destination in 0..self.packs.len() {
            self.finish(destination);
        }
        self.version = version;
    }

    /// Closes a destination's pack with the range of every source it has not been told of.
    fn finish(&mut self, destination: usize) {
        let mut range_of_slot = vec![u16::MAX; self.sources.len()];
        let mut ranges = Vec::new();
        for (slot, source) in self.sources.iter_mut().enumerate() {
            let range = source.as_mut().and_then(|source| source.range(destination, self.version));
            if let (Some(range), Some(place)) = (range, range_of_slot.get_mut(slot)) {
                *place = ranges.len() as u16;
                ranges.push(range);
            }
        }
        let Some(pack) = self.packs.get_mut(destination) else { return };
        if ranges.is_empty() {
            return;
        }
        let mut facts = std::mem::take(pack).facts;
        for packed in &mut facts {
            // Every waiting fact's source has an untold record, so it has a range.
            packed.range = range_of_slot.get(usize::from(packed.range)).copied().unwrap_or(u16::MAX);
        }
        self.finished.push((destination as u32, FactsPack { version: self.version, ranges, facts }));
    }
}

impl Source {
    /// What a destination has not been told of this source, if anything, and marks it as told.
    fn range(&mut self, destination: usize, version: u32) -> Option<Range> {
        let told = self.told.get_mut(destination)?;
        let is_behind = told.through < self.through || told.last < self.position;
        let is_new = told.untold.is_some() || told.baseline_due || is_behind;
        // An empty range is checked against the version at `through`: another version's pack cannot carry it.
        if !is_new || (told.untold.is_none() && self.version != version) {
            return None;
        }
        let range = Range {
            source: self.id.clone(),
            baseline: told.baseline_due,
            previous: told.last,
            last: self.position,
            timestamps: told.untold.unwrap_or((self.through, self.through)),
            through: self.through,
        };
        *told = Told { last: self.position, through: self.through, untold: None, baseline_due: false };
        Some(range)
    }
}

impl Pack {
    fn push(&mut self, packed: PackedFact) {
        self.bytes += estimate_bytes(&packed.fact);
        self.facts.push(packed);
    }

    fn is_full(&self, bounds: PackBounds) -> bool {
        self.facts.len() >= bounds.facts_max || self.bytes >= bounds.bytes_max
    }
}

/// About what a fact takes packed: a little more than the largest fixed form, plus what varies.
fn estimate_bytes(fact: &Fact) -> usize {
    const FIXED: usize = 128;
    match &fact.body {
        FactBody::RuleSetActivated { bundle, .. } => FIXED + bundle.len(),
        FactBody::Corrected { .. } => 3 * FIXED,
        _ => FIXED,
    }
}

#[cfg(test)]
#[path = "pack_tests.rs"]
mod tests;
