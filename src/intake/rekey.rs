//! A new generation of the facts (DESIGN D6): the same history under other keys, over any number of partitions.
//!
//! Tokens and event fingerprints of the old generation are said in the new one (`codec::keys::generation`), and
//! refs are opened and sealed again. Nothing else of a fact changes, so that the new generation decides as the
//! old one did, and intake goes on where the old one ended: what it makes of later records joins with it.
//!
//! * R1 A fact is taken over if the old log applies it, once, and its source record is covered in every old
//!   partition: what lies beyond is made anew from the source, under the new keys.
//! * R2 From one old partition to one new, records stay as they are, with their ranges. Else source records are
//!   taken by (broker time, source, offset), which no old partition contradicts for any one source.
//! * R3 Reports are made anew by deciding, since they depend on where subjects live.
//! * R4 An appeal reference that somebody holds stays good, and so does the id of a measure: what each is called in
//!   the new generation stands beside its key (`codec::keys::names`).

mod translation;

use std::collections::{BTreeMap, BTreeSet};

use super::classify::Destination;
use super::pack::{Flush, PackBounds, Packer, Slot, Start};
use crate::codec::keys::Keys;
use crate::engine::LoadRules;
use crate::engine::base::TimeMs;
use crate::engine::cover::{Admission, ConfigVersion, Coverage, Skip, SourceId};
use crate::engine::fact::Fact;
use crate::engine::input::{Effect, FactsRecord, PackedFact, TimeMode};
use crate::engine::partition::{EngineError, Identity, Partition};

pub use translation::Translation;

/// Why a generation cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RekeyError {
    #[error(
        "the two keys have different roots: what one made cannot be said in the other; make the new one by `keys next`"
    )]
    OtherRoot,
    #[error("the two keys are the same generation")]
    SameGeneration,
    #[error("a sealed reference does not open: this is not the key of the old generation")]
    NotOpened,
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the new log cannot be written: {0}")]
    Sink(String),
}

/// A source record of the old generation: what it became, and under which configuration.
struct Taken {
    source: SourceId,
    offset: i64,
    time: TimeMs,
    version: u32,
    facts: Vec<Fact>,
}

/// What stands in an old partition, in its order.
enum Item {
    Record(Taken),
    /// The end of a pack: how far each of its sources was read by then.
    Read(Vec<(SourceId, u32, i64, TimeMs)>),
    /// A range of a source was passed over here.
    Skipped(Skip),
}

/// What the old log says, partition by partition, as far as it applies.
#[derive(Default)]
pub struct History {
    versions: BTreeSet<(TimeMs, u32)>,
    partitions: Vec<Old>,
}

/// One old partition.
struct Old {
    coverage: Coverage,
    /// Its only records, where one partition becomes one.
    whole: Vec<FactsRecord>,
    /// In order of application; facts of one source record together.
    items: Vec<Item>,
}

impl History {
    /// Reads one old partition to its end: takes up what applies, and learns what was decided of it.
    ///
    /// # Errors
    /// Of the engine, on a record that no sound intake makes.
    pub fn read(
        &mut self,
        identity: Identity,
        records: impl IntoIterator<Item = FactsRecord>,
        loader: &dyn LoadRules,
        translation: &mut Translation,
    ) -> Result<(), RekeyError> {
        let stays_one = identity.partitions == 1 && translation.partitions == 1;
        let mut engine = Partition::new(identity);
        let mut old = Old { coverage: Coverage::default(), whole: Vec::new(), items: Vec::new() };
        for (offset, record) in (0..).zip(records) {
            match &record {
                _ if stays_one => {}
                FactsRecord::VersionAnnounced(version) => {
                    self.versions.insert((version.from, version.number));
                    old.coverage.announce(*version);
                }
                FactsRecord::Facts(pack) => old.take(pack.version, &pack.ranges, &pack.facts),
                FactsRecord::SourceSkipped(skip) => old.skip(skip),
                FactsRecord::Reports(_) => {}
            }
            let mut effects = Vec::new();
            engine.apply(offset, &record, loader, &mut effects)?;
            effects.iter().for_each(|effect| translation.learn(effect));
            if stays_one {
                old.whole.push(record);
            }
        }
        self.partitions.push(old);
        Ok(())
    }

    /// Up to where each source is covered in every partition, and its time there.
    fn covered(&self) -> BTreeMap<SourceId, (i64, TimeMs)> {
        let mut covered: BTreeMap<SourceId, (i64, TimeMs)> = BTreeMap::new();
        for old in &self.partitions {
            for (source, known) in &old.coverage.sources {
                let place = covered.entry(source.clone()).or_insert((known.last, known.time));
                *place = (place.0.min(known.last), place.1.min(known.time));
            }
        }
        covered
            .retain(|source, _| self.partitions.iter().all(|old| old.coverage.sources.contains_key(source)));
        covered
    }

    /// Writes the new generation (R1 to R3). `sink` takes each record of each new partition in order. Gives the
    /// new partitions' states at the end.
    ///
    /// # Errors
    /// `NotOpened`; of the sink; of the engine.
    pub fn write(
        self,
        translation: &Translation,
        identity: &Identity,
        loader: &dyn LoadRules,
        sink: &mut dyn FnMut(u32, &FactsRecord) -> Result<(), String>,
    ) -> Result<Vec<(Partition, u64)>, RekeyError> {
        if let [Old { whole, .. }] = &self.partitions[..]
            && !whole.is_empty()
        {
            return translated(whole, translation, identity, loader, sink);
        }
        let covered = self.covered();
        let partitions = translation.partitions;
        let mut writing = Writing {
            packer: Packer::new(partitions, PackBounds::default()),
            slots: BTreeMap::new(),
            states: (0..partitions)
                .map(|partition| {
                    let id_key = translation.new.id_key();
                    (Partition::new(Identity { partition, partitions, id_key, time: identity.time }), 0)
                })
                .collect(),
            loader,
            sink,
        };
        for (from, number) in &self.versions {
            let announced = FactsRecord::VersionAnnounced(ConfigVersion { from: *from, number: *number });
            (0..partitions).try_for_each(|partition| writing.append(partition, &announced))?;
        }
        for item in merged(self.partitions) {
            let taken = match item {
                Item::Record(taken) => taken,
                Item::Read(through) => {
                    writing.read_through(through)?;
                    continue;
                }
                Item::Skipped(skip) => {
                    writing.skip(skip)?;
                    continue;
                }
            };
            if covered.get(&taken.source).is_none_or(|(last, _)| taken.offset > *last) {
                continue;
            }
            let facts: Vec<(Destination, Fact)> =
                taken.facts.iter().map(|fact| translation.fact(fact)).collect::<Result<_, _>>()?;
            let slot = writing.slot(&taken);
            writing.packer.read(slot, taken.version, taken.offset, taken.time, facts);
            writing.append_finished()?;
        }
        let version = |source: &SourceId| writing.slots.get(source).map_or(0, |(_, version)| *version);
        let end =
            covered.iter().map(|(source, (last, time))| (source.clone(), version(source), *last, *time));
        let end = end.collect();
        writing.read_through(end)?;
        Ok(writing.states)
    }
}

impl Old {
    fn skip(&mut self, skip: &Skip) {
        if self.coverage.skip(skip) > 0 {
            self.items.push(Item::Skipped(skip.clone()));
        }
    }

    /// The facts of a pack that apply here, by source record.
    fn take(&mut self, version: u32, ranges: &[crate::engine::cover::Range], facts: &[PackedFact]) {
        let verdicts: Vec<Admission> =
            ranges.iter().map(|range| self.coverage.admit(version, range)).collect();
        for (range, verdict) in ranges.iter().zip(&verdicts) {
            if matches!(verdict, Admission::Apply { .. }) {
                self.coverage.join(range);
            }
        }
        for packed in facts {
            let place = usize::from(packed.range);
            let (Some(range), Some(Admission::Apply { after })) = (ranges.get(place), verdicts.get(place))
            else {
                continue;
            };
            if packed.offset <= *after {
                continue;
            }
            match self.items.last_mut() {
                Some(Item::Record(last)) if last.source == range.source && last.offset == packed.offset => {
                    last.facts.push(packed.fact.clone());
                }
                _ => self.items.push(Item::Record(Taken {
                    source: range.source.clone(),
                    offset: packed.offset,
                    time: packed.time,
                    version,
                    facts: vec![packed.fact.clone()],
                })),
            }
        }
        let mut read = Vec::new();
        for (range, verdict) in ranges.iter().zip(&verdicts) {
            if matches!(verdict, Admission::Apply { .. }) {
                self.coverage.advance(range);
                self.coverage.move_time(&range.source, range.through);
                read.push((range.source.clone(), version, range.last, range.through));
            }
        }
        self.items.push(Item::Read(read));
    }
}

/// One partition that becomes one: record by record.
fn translated(
    records: &[FactsRecord],
    translation: &Translation,
    identity: &Identity,
    loader: &dyn LoadRules,
    sink: &mut dyn FnMut(u32, &FactsRecord) -> Result<(), String>,
) -> Result<Vec<(Partition, u64)>, RekeyError> {
    let id_key = translation.new.id_key();
    let mut state = Partition::new(Identity { partition: 0, partitions: 1, id_key, time: identity.time });
    let mut next_offset = 0;
    for record in records {
        let record = translation.record(record)?;
        sink(0, &record).map_err(RekeyError::Sink)?;
        state.apply(next_offset, &record, loader, &mut Vec::new())?;
        next_offset += 1;
    }
    Ok(vec![(state, next_offset)])
}

/// The source records of all old partitions, each once with all of its facts (R2).
fn merged(mut partitions: Vec<Old>) -> Vec<Item> {
    if partitions.len() == 1 {
        return partitions.pop().map(|old| old.items).unwrap_or_default();
    }
    let mut all: BTreeMap<(TimeMs, SourceId, i64), Taken> = BTreeMap::new();
    let mut skips: Vec<Skip> = Vec::new();
    for item in partitions.into_iter().flat_map(|old| old.items) {
        let taken = match item {
            Item::Record(taken) => taken,
            Item::Skipped(skip) if !skips.contains(&skip) => {
                skips.push(skip);
                continue;
            }
            Item::Skipped(_) | Item::Read(_) => continue,
        };
        match all.get_mut(&(taken.time, taken.source.clone(), taken.offset)) {
            None => {
                all.insert((taken.time, taken.source.clone(), taken.offset), taken);
            }
            // What went to all partitions stands in each of them.
            Some(known) => {
                let is_new = |fact: &Fact| !known.facts.contains(fact);
                let new: Vec<Fact> = taken.facts.into_iter().filter(is_new).collect();
                known.facts.extend(new);
            }
        }
    }
    let mut items: Vec<Item> = all.into_values().map(Item::Record).collect();
    for skip in skips {
        let is_after = |item: &Item| match item {
            Item::Record(taken) => taken.source == skip.source && taken.offset >= skip.to,
            _ => false,
        };
        let place = items.iter().position(is_after).unwrap_or(items.len());
        items.insert(place, Item::Skipped(skip));
    }
    items
}

/// The new generation as it is written.
struct Writing<'a> {
    packer: Packer,
    slots: BTreeMap<SourceId, (Slot, u32)>,
    /// Each new partition, decided so far, with its next offset.
    states: Vec<(Partition, u64)>,
    loader: &'a dyn LoadRules,
    sink: &'a mut dyn FnMut(u32, &FactsRecord) -> Result<(), String>,
}

impl Writing<'_> {
    fn slot(&mut self, taken: &Taken) -> Slot {
        let packer = &mut self.packer;
        let (slot, version) = self.slots.entry(taken.source.clone()).or_insert_with(|| {
            // Nothing before the first record that is taken over is asked for again.
            let previous = taken.offset.saturating_sub(1);
            let start = Start { previous, baseline: true, version: taken.version, time: taken.time };
            (packer.assign(taken.source.clone(), start), taken.version)
        });
        *version = taken.version;
        *slot
    }

    /// What was lost to some old partition is lost to the new ones: the records that others had of it are theirs
    /// by now.
    fn skip(&mut self, skip: Skip) -> Result<(), RekeyError> {
        let packs = self.packer.flush(Flush::All);
        self.append_packs(packs)?;
        let record = FactsRecord::SourceSkipped(skip);
        (0..self.states.len() as u32).try_for_each(|partition| self.append(partition, &record))
    }

    /// Tells all partitions how far sources were read, as far as they were taken over.
    fn read_through(&mut self, through: Vec<(SourceId, u32, i64, TimeMs)>) -> Result<(), RekeyError> {
        for (source, version, last, time) in through {
            let known = self.slots.get(&source).copied();
            let slot = match known {
                Some((slot, _)) => slot,
                // Covered, and nothing of it became a fact: its coverage is taken over all the same.
                None => {
                    let start = Start { previous: last, baseline: true, version, time };
                    let slot = self.packer.assign(source.clone(), start);
                    self.slots.insert(source, (slot, version));
                    slot
                }
            };
            self.packer.read_through(slot, version, last, time);
        }
        let packs = self.packer.flush(Flush::All);
        self.append_packs(packs)
    }

    fn append_finished(&mut self) -> Result<(), RekeyError> {
        let packs = self.packer.take_finished();
        self.append_packs(packs)
    }

    fn append_packs(&mut self, packs: Vec<super::pack::Packed>) -> Result<(), RekeyError> {
        packs.into_iter().try_for_each(|(partition, pack)| self.append(partition, &FactsRecord::Facts(pack)))
    }

    /// Writes a record, decides it, and writes the reports that deciding makes, theirs too.
    fn append(&mut self, partition: u32, record: &FactsRecord) -> Result<(), RekeyError> {
        (self.sink)(partition, record).map_err(RekeyError::Sink)?;
        let Some((state, next)) = self.states.get_mut(partition as usize) else { return Ok(()) };
        let mut effects = Vec::new();
        state.apply(*next, record, self.loader, &mut effects)?;
        *next += 1;
        for effect in effects {
            if let Effect::Reported(report) = effect {
                let destination = report.destination;
                self.append(destination, &FactsRecord::Reports(vec![*report]))?;
            }
        }
        Ok(())
    }
}

/// Of one partition that moves by event time: the identity in which it is read and written.
#[must_use]
pub fn identity(keys: &Keys, partition: u32, partitions: u32, time: TimeMode) -> Identity {
    Identity { partition, partitions, id_key: keys.id_key(), time }
}
