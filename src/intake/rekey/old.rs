//! What stands in the old partitions, as far as it applies, and in which order it is taken over.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::RekeyError;
use crate::engine::LoadRules;
use crate::engine::base::TimeMs;
use crate::engine::cover::{Admission, Coverage, Range, Skip, SourceId};
use crate::engine::fact::Fact;
use crate::engine::input::{Effect, FactsRecord, PackedFact, TimeMode};
use crate::engine::partition::{Identity, Partition};
use crate::intake::first_start;

/// A source record of the old generation: what it became, and under which configuration.
pub(super) struct Taken {
    pub source: SourceId,
    pub offset: i64,
    pub time: TimeMs,
    pub version: u32,
    /// By ordinal: a record that went to several partitions has some of its facts in each.
    pub facts: BTreeMap<u16, Fact>,
}

/// How far a source had been read, and the configuration version in force at that time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Through {
    pub time: TimeMs,
    pub source: SourceId,
    pub last: i64,
    pub version: u32,
}

/// What is to be written, in its order.
pub(super) enum Item {
    Record(Taken),
    /// The end of a pack: how far each of its sources was read by then.
    PackEnd(Vec<Through>),
    /// How far a source had been read by then, as some partition was told.
    Read(Through),
    /// A range of a source was passed over here.
    Skipped(Skip),
}

/// One old partition.
pub(super) struct Old {
    engine: Partition,
    next_offset: u64,
    pub coverage: Coverage,
    /// The offset right before the first that was covered of each source.
    begun: BTreeMap<SourceId, i64>,
    /// In order of application; facts of one source record together.
    items: Vec<Item>,
}

impl Old {
    pub(super) fn new(identity: Identity) -> Old {
        let engine = Partition::new(identity);
        let (coverage, begun, items) = Default::default();
        Old { engine, next_offset: 0, coverage, begun, items }
    }

    /// What the old generation decided of its next record.
    pub(super) fn apply(
        &mut self,
        record: &FactsRecord,
        loader: &dyn LoadRules,
    ) -> Result<Vec<Effect>, RekeyError> {
        let mut effects = Vec::new();
        self.engine.apply(self.next_offset, record, loader, &mut effects)?;
        self.next_offset += 1;
        Ok(effects)
    }

    /// Takes up what of the record applies, to be written later.
    pub(super) fn note(&mut self, record: &FactsRecord) {
        match record {
            FactsRecord::VersionAnnounced(version) => self.coverage.announce(*version),
            FactsRecord::Facts(pack) => self.take(pack.version, &pack.ranges, &pack.facts),
            FactsRecord::SourceSkipped(skip) => {
                if self.coverage.skip(skip) > 0 {
                    self.items.push(Item::Skipped(skip.clone()));
                }
            }
            FactsRecord::Reports(_) => {}
        }
    }

    /// The facts of a pack that apply here, by source record.
    fn take(&mut self, version: u32, ranges: &[Range], facts: &[PackedFact]) {
        let verdicts: Vec<Admission> =
            ranges.iter().map(|range| self.coverage.admit(version, range)).collect();
        for (range, verdict) in ranges.iter().zip(&verdicts) {
            if matches!(verdict, Admission::Apply { .. }) {
                self.coverage.join(range);
                self.begun.entry(range.source.clone()).or_insert(range.previous);
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
                    last.facts.insert(packed.ordinal, packed.fact.clone());
                }
                _ => self.items.push(Item::Record(Taken {
                    source: range.source.clone(),
                    offset: packed.offset,
                    time: packed.time,
                    version,
                    facts: BTreeMap::from([(packed.ordinal, packed.fact.clone())]),
                })),
            }
        }
        let mut read = Vec::new();
        for (range, verdict) in ranges.iter().zip(&verdicts) {
            if matches!(verdict, Admission::Apply { .. }) {
                self.coverage.advance(range);
                self.coverage.move_time(&range.source, range.through);
                let (source, last, time) = (range.source.clone(), range.last, range.through);
                read.push(Through { time, source, last, version });
            }
        }
        self.items.push(Item::PackEnd(read));
    }
}

/// Up to where each source is covered in every partition, and its time there.
pub(super) fn covered(partitions: &[Old]) -> BTreeMap<SourceId, (i64, TimeMs)> {
    let mut covered: BTreeMap<SourceId, (i64, TimeMs)> = BTreeMap::new();
    for old in partitions {
        for (source, known) in &old.coverage.sources {
            let place = covered.entry(source.clone()).or_insert((known.last, known.time));
            *place = (place.0.min(known.last), place.1.min(known.time));
        }
    }
    covered.retain(|source, _| partitions.iter().all(|old| old.coverage.sources.contains_key(source)));
    covered
}

/// The offset right before the first that was covered of each source in any partition.
pub(super) fn begun(partitions: &[Old]) -> BTreeMap<SourceId, i64> {
    let mut begun: BTreeMap<SourceId, i64> = BTreeMap::new();
    for (source, previous) in partitions.iter().flat_map(|old| &old.begun) {
        let place = begun.entry(source.clone()).or_insert(*previous);
        *place = (*place).min(*previous);
    }
    begun
}

/// The source records of all old partitions, each once with all of its facts (R2), as far as all have covered them
/// (R1).
pub(super) fn merged(
    mut partitions: Vec<Old>,
    covered: &BTreeMap<SourceId, (i64, TimeMs)>,
    time: TimeMode,
) -> Vec<Item> {
    let is_covered =
        |source: &SourceId, offset: i64| covered.get(source).is_some_and(|(last, _)| offset <= *last);
    if partitions.len() == 1 {
        return partitions.pop().map(|old| old.items).unwrap_or_default();
    }
    let mut merge = Merge::default();
    let mut reads: BTreeSet<Through> = BTreeSet::new();
    let mut skips: Vec<Skip> = Vec::new();
    for old in partitions {
        merge.partitions.push(VecDeque::new());
        for item in old.items {
            match item {
                Item::Record(taken) if !is_covered(&taken.source, taken.offset) => {}
                Item::Record(taken) => merge.note(taken),
                Item::Skipped(skip) if skips.contains(&skip) => {}
                Item::Skipped(skip) => skips.push(skip),
                // Event time is moved by events alone.
                Item::PackEnd(read) if time == TimeMode::Broker => {
                    reads.extend(read.into_iter().filter(|read| is_covered(&read.source, read.last)));
                }
                Item::PackEnd(_) | Item::Read(_) => {}
            }
        }
    }
    let mut items = merge.in_order(reads);
    for skip in skips {
        let is_after = |item: &Item| match item {
            Item::Record(taken) => taken.source == skip.source && taken.offset >= skip.to,
            Item::Read(read) => read.source == skip.source && read.last >= skip.to,
            _ => false,
        };
        let place = items.iter().position(is_after).unwrap_or(items.len());
        items.insert(place, Item::Skipped(skip));
    }
    items
}

/// Several orders made one: that of each source, which is kept; those of the old partitions, as far as they do not
/// contradict each other; and time.
#[derive(Default)]
struct Merge {
    /// What is left of each source, by offset.
    sources: BTreeMap<SourceId, BTreeMap<i64, Taken>>,
    /// In which partitions a record has facts.
    places: HashMap<(SourceId, i64), Vec<usize>>,
    /// What is left of each partition, in its order; what was taken by way of another one is still there.
    partitions: Vec<VecDeque<(SourceId, i64)>>,
}

impl Merge {
    /// Takes up a record of the partition that came last.
    fn note(&mut self, taken: Taken) {
        let id = (taken.source.clone(), taken.offset);
        let place = self.partitions.len().saturating_sub(1);
        if let Some(partition) = self.partitions.last_mut() {
            partition.push_back(id.clone());
        }
        self.places.entry(id).or_default().push(place);
        match self.sources.entry(taken.source.clone()).or_default().entry(taken.offset) {
            // What went to all partitions stands in each of them.
            Entry::Occupied(mut known) => known.get_mut().facts.extend(taken.facts),
            Entry::Vacant(new) => {
                new.insert(taken);
            }
        }
    }

    fn in_order(mut self, reads: BTreeSet<Through>) -> Vec<Item> {
        let mut items = Vec::with_capacity(self.places.len() + reads.len());
        let mut reads: VecDeque<Through> = reads.into_iter().collect();
        while let Some(taken) = self.next() {
            // How far sources were read by then, if all up to there has been taken.
            let mut later = VecDeque::new();
            while reads.front().is_some_and(|read| read.time <= taken.time) {
                let Some(read) = reads.pop_front() else { break };
                let is_taken = read.source != taken.source || read.last < taken.offset;
                let left = self.sources.get(&read.source).and_then(|left| left.keys().next());
                match is_taken && left.is_none_or(|next| read.last < *next) {
                    true => items.push(Item::Read(read)),
                    false => later.push_front(read),
                }
            }
            later.into_iter().for_each(|read| reads.push_front(read));
            items.push(Item::Record(taken));
        }
        items.extend(reads.into_iter().map(Item::Read));
        items
    }

    /// The next record: of those that come next in their sources and in all partitions that have facts of them the
    /// earliest, or, where partitions contradict each other, the earliest of all. Of one time a first start's is
    /// the first.
    fn next(&mut self) -> Option<Taken> {
        for partition in &mut self.partitions {
            let is_left = |(source, offset): &(SourceId, i64)| {
                self.sources.get(source).is_some_and(|left| left.contains_key(offset))
            };
            while partition.front().is_some_and(|id| !is_left(id)) {
                partition.pop_front();
            }
        }
        let first = first_start::source();
        let next = self.sources.iter().filter_map(|(source, left)| {
            let (offset, taken) = left.first_key_value()?;
            let id = (source.clone(), *offset);
            let is_ready = self.places.get(&id).is_none_or(|places| {
                places.iter().all(|place| self.partitions.get(*place).and_then(VecDeque::front) == Some(&id))
            });
            Some((!is_ready, taken.time, *source != first, id))
        });
        let (.., (source, offset)) = next.min()?;
        self.sources.get_mut(&source)?.remove(&offset)
    }
}
