//! The new generation as it is written: what is appended is decided at once, with the reports that this makes.

use std::collections::{BTreeMap, BTreeSet};

use super::old::{Item, Old, Taken, Through, begun, covered, merged};
use super::{NextLog, RekeyError, Translation};
use crate::engine::LoadRules;
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::cover::{ConfigVersion, Skip, SourceId};
use crate::engine::disposition::{Disposition, DispositionId};
use crate::engine::fact::Fact;
use crate::engine::input::{Effect, FactsRecord, TimeMode};
use crate::engine::partition::Partition;
use crate::intake::classify::Destination;
use crate::intake::pack::{Flush, PackBounds, Packed, Packer, Slot, Start};

/// As intake does it: partitions without facts hear how far sources were read this often.
const TOLD_EVERY: SpanMs = SpanMs(1_000);

pub(super) struct Writing<'a> {
    packer: Packer,
    slots: BTreeMap<SourceId, Slot>,
    /// The offset right before the first that is covered of each source: nothing before it is asked for again.
    begun: BTreeMap<SourceId, i64>,
    /// Each new partition, decided so far, with its next offset.
    states: Vec<(Partition, u64)>,
    /// The measures that the new partitions set.
    set: BTreeSet<DispositionId>,
    loader: &'a dyn LoadRules,
    log: &'a mut dyn NextLog,
}

impl<'a> Writing<'a> {
    pub(super) fn new(
        states: Vec<Partition>,
        loader: &'a dyn LoadRules,
        log: &'a mut dyn NextLog,
    ) -> Writing<'a> {
        let partitions = u32::try_from(states.len()).unwrap_or(u32::MAX);
        Writing {
            packer: Packer::new(partitions, PackBounds::default()),
            slots: BTreeMap::new(),
            begun: BTreeMap::new(),
            states: states.into_iter().map(|state| (state, 0)).collect(),
            set: BTreeSet::new(),
            loader,
            log,
        }
    }

    /// The new partitions and what they set.
    pub(super) fn into_parts(self) -> (Vec<(Partition, u64)>, BTreeSet<DispositionId>) {
        (self.states, self.set)
    }

    /// Writes all that the old partitions say (R1 to R3).
    pub(super) fn write_all(
        &mut self,
        old: Vec<Old>,
        translation: &Translation,
        time: TimeMode,
    ) -> Result<(), RekeyError> {
        let covered = covered(&old);
        self.begun = begun(&old);
        let tells_often = old.len() > 1 && time == TimeMode::Broker;
        let versions: BTreeSet<ConfigVersion> =
            old.iter().flat_map(|old| &old.coverage.versions).copied().collect();
        for version in &versions {
            self.append_to_all(&FactsRecord::VersionAnnounced(*version))?;
        }
        let mut told = TimeMs::MIN;
        for item in merged(old, &covered, time) {
            let taken = match item {
                Item::Record(taken) => taken,
                Item::PackEnd(through) => {
                    through.into_iter().for_each(|read| self.read_through(read));
                    self.flush()?;
                    continue;
                }
                Item::Read(through) => {
                    self.read_through(through);
                    continue;
                }
                Item::Skipped(skip) => {
                    self.skip(skip)?;
                    continue;
                }
            };
            if covered.get(&taken.source).is_none_or(|(last, _)| taken.offset > *last) {
                continue;
            }
            if tells_often && taken.time >= told.plus(TOLD_EVERY) {
                // What is due by now is due before this record.
                self.flush()?;
                told = taken.time;
            }
            let facts: Vec<(Destination, Fact)> =
                taken.facts.values().map(|fact| translation.fact(fact)).collect::<Result<_, _>>()?;
            let Taken { source, offset, time, version, .. } = &taken;
            let slot = self.slot(source, *version, offset.saturating_sub(1), *time);
            self.packer.read(slot, taken.version, taken.offset, taken.time, facts);
            let packs = self.packer.take_finished();
            self.append_packs(packs)?;
        }
        for (source, (last, time)) in covered {
            let started = versions.iter().take_while(|version| version.from <= time).last();
            let version = started.map_or(0, |version| version.number);
            self.read_through(Through { time, source, last, version });
        }
        self.flush()
    }

    /// The slot of a source, which is taken up when it is first heard of.
    fn slot(&mut self, source: &SourceId, version: u32, offset: i64, time: TimeMs) -> Slot {
        let (packer, begun) = (&mut self.packer, &self.begun);
        *self.slots.entry(source.clone()).or_insert_with(|| {
            let previous = begun.get(source).copied().unwrap_or(offset).min(offset);
            packer.assign(source.clone(), Start { previous, baseline: true, version, time })
        })
    }

    /// What was lost to some old partition is lost to the new ones: the records that others had of it are theirs
    /// by now.
    fn skip(&mut self, skip: Skip) -> Result<(), RekeyError> {
        self.flush()?;
        self.append_to_all(&FactsRecord::SourceSkipped(skip))
    }

    /// Notes how far a source was read, as far as it was taken over; partitions hear of it with their next packs.
    fn read_through(&mut self, Through { time, source, last, version }: Through) {
        // Perhaps nothing of it became a fact yet: its coverage is taken over all the same.
        let slot = self.slot(&source, version, last, time);
        self.packer.read_through(slot, version, last, time);
    }

    /// Tells all partitions how far sources were read.
    fn flush(&mut self) -> Result<(), RekeyError> {
        let packs = self.packer.flush(Flush::All);
        self.append_packs(packs)
    }

    fn append_packs(&mut self, packs: Vec<Packed>) -> Result<(), RekeyError> {
        packs.into_iter().try_for_each(|(partition, pack)| self.append(partition, &FactsRecord::Facts(pack)))
    }

    fn append_to_all(&mut self, record: &FactsRecord) -> Result<(), RekeyError> {
        (0..self.states.len() as u32).try_for_each(|partition| self.append(partition, record))
    }

    /// Writes a record, decides it, and writes the reports that deciding makes, theirs too.
    pub(super) fn append(&mut self, partition: u32, record: &FactsRecord) -> Result<(), RekeyError> {
        self.log.append(partition, record)?;
        let Some((state, next)) = self.states.get_mut(partition as usize) else { return Ok(()) };
        let mut effects = Vec::new();
        state.apply(*next, record, self.loader, &mut effects)?;
        *next += 1;
        for effect in &effects {
            self.log.decided(state, effect)?;
            if let Effect::Disposed(disposition) = effect
                && let Disposition::MeasureSet(set) = &**disposition
            {
                self.set.insert(set.head().id);
            }
        }
        for effect in effects {
            if let Effect::Reported(report) = effect {
                let destination = report.destination;
                self.append(destination, &FactsRecord::Reports(vec![*report]))?;
            }
        }
        Ok(())
    }
}
