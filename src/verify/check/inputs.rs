//! Checks 1 and 3: each input is covered once, with its facts, or refused with its dead letter; or what is
//! lost of it was skipped on record (D8).

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::Verdict;
use super::digest::{Digest, fold};
use crate::engine::cover::SourceId;
use crate::engine::fact::Fact;
use crate::engine::input::FactsPack;

/// One source record at one facts partition: partition, number of the source, offset.
type Place = (u32, u32, i64);

/// An input, with a digest of its facts for each partition that gets some.
struct Input {
    source: u32,
    offset: i64,
    facts: Vec<(u32, Digest)>,
}

/// What was read, and what of it the facts partitions applied.
pub struct Inputs {
    partitions: u32,
    own_source: SourceId,
    sources: HashMap<SourceId, u32>,
    inputs: Vec<Input>,
    /// Dead letters that must be there.
    refused: HashMap<String, Refused>,
    applied: HashMap<Place, Digest>,
    /// Source records that came to a partition more than once.
    doubled: HashSet<Place>,
    /// Covered `(previous, last]` of each source at each partition.
    covered: HashMap<(u32, u32), (i64, i64)>,
    /// What partitions passed over, as `(previous, last]`: by source, with the partition.
    skipped: BTreeMap<u32, Vec<(u32, i64, i64)>>,
    /// The first offset that each source still holds.
    begins: BTreeMap<SourceId, i64>,
}

/// An input that intake refuses.
struct Refused {
    is_missing: bool,
    /// Where it stands in its source, if it takes a place there.
    place: Option<(u32, i64)>,
}

impl Inputs {
    pub fn new(partitions: u32, own_source: SourceId) -> Inputs {
        Inputs {
            partitions,
            own_source,
            sources: HashMap::new(),
            inputs: Vec::new(),
            refused: HashMap::new(),
            applied: HashMap::new(),
            doubled: HashSet::new(),
            covered: HashMap::new(),
            skipped: BTreeMap::new(),
            begins: BTreeMap::new(),
        }
    }

    fn source(&mut self, id: &SourceId) -> u32 {
        if let Some(number) = self.sources.get(id) {
            return *number;
        }
        // There are as many sources as partitions of source topics: far below four thousand million.
        let number = self.sources.len() as u32;
        self.sources.insert(id.clone(), number);
        number
    }

    pub fn accepted<'f>(
        &mut self,
        source: &SourceId,
        offset: i64,
        facts: impl Iterator<Item = (Option<u32>, &'f Fact)>,
    ) {
        let source = self.source(source);
        let mut by_partition: BTreeMap<u32, Digest> = BTreeMap::new();
        for (destination, fact) in facts {
            let everywhere = 0..self.partitions;
            for partition in destination.map_or(everywhere, |one| one..one + 1) {
                let before = by_partition.entry(partition).or_default();
                *before = fold(*before, fact);
            }
        }
        self.inputs.push(Input { source, offset, facts: by_partition.into_iter().collect() });
    }

    pub fn begins(&mut self, source: &SourceId, first: i64) {
        self.begins.insert(source.clone(), first);
    }

    pub fn refused(&mut self, place: Option<(&SourceId, i64)>, pointer: &str) {
        let place = place.map(|(id, offset)| {
            let source = self.source(id);
            self.inputs.push(Input { source, offset, facts: Vec::new() });
            (source, offset)
        });
        self.refused.insert(without_version(pointer).to_owned(), Refused { is_missing: true, place });
    }

    pub fn dead_letter(&mut self, pointer: &str, verdict: &mut Verdict) {
        if let Some(refused) = self.refused.get_mut(without_version(pointer)) {
            refused.is_missing = false;
        } else if place_of(pointer).is_none_or(|(source, offset)| offset >= self.first_held(&source)) {
            verdict.mismatch(1, || "a dead letter for an input that is not refused".to_owned());
        }
    }

    /// The first offset that a source still holds; of an earlier generation it holds nothing.
    fn first_held(&self, source: &SourceId) -> i64 {
        let is_later = |known: &SourceId| {
            known.name == source.name
                && known.partition == source.partition
                && known.generation > source.generation
        };
        if self.begins.keys().any(is_later) {
            return i64::MAX;
        }
        self.begins.get(source).copied().unwrap_or(i64::MIN)
    }

    /// Which facts of a pack went in, and whether each source record's went in once.
    pub fn applied(&mut self, partition: u32, pack: &FactsPack, admitted: &[usize], verdict: &mut Verdict) {
        // Facts of one source record stand together: one that comes again later is doubled.
        let mut open: Option<Place> = None;
        for packed in admitted.iter().filter_map(|number| pack.facts.get(*number)) {
            let Some(range) = pack.ranges.get(usize::from(packed.range)) else { continue };
            if range.source == self.own_source {
                continue;
            }
            let place = (partition, self.source(&range.source), packed.offset);
            let is_again = open != Some(place) && self.applied.contains_key(&place);
            if is_again && self.doubled.insert(place) {
                let (partition, source, offset) = place;
                verdict.doubled += 1;
                verdict.detail(|| {
                    format!("doubled at facts partition {partition}: source {source}, offset {offset}")
                });
            }
            open = Some(place);
            if !self.doubled.contains(&place) {
                let before = self.applied.entry(place).or_default();
                *before = fold(*before, &packed.fact);
            }
        }
    }

    pub fn covered<'s>(&mut self, partition: u32, covered: impl Iterator<Item = (&'s SourceId, i64, i64)>) {
        for (id, first, last) in covered {
            let source = self.source(id);
            self.covered.insert((partition, source), (first, last));
        }
    }

    pub fn skipped<'s>(&mut self, partition: u32, skipped: impl Iterator<Item = (&'s SourceId, i64, i64)>) {
        for (id, previous, last) in skipped {
            let source = self.source(id);
            self.skipped.entry(source).or_default().push((partition, previous, last));
        }
    }

    /// Whether a partition passed over a record; without one, whether any did.
    fn is_skipped(&self, at: Option<u32>, (source, offset): (u32, i64)) -> bool {
        self.skipped.get(&source).into_iter().flatten().any(|(partition, previous, last)| {
            at.is_none_or(|at| at == *partition) && *previous < offset && offset <= *last
        })
    }

    /// Offsets that some partition passed over, each once.
    fn skipped_count(&self) -> u64 {
        let mut count = 0;
        for ranges in self.skipped.values() {
            let mut ranges: Vec<(i64, i64)> =
                ranges.iter().map(|(_, previous, last)| (*previous, *last)).collect();
            ranges.sort_unstable();
            let mut counted = i64::MIN;
            for (previous, last) in ranges {
                count += last.saturating_sub(previous.max(counted)).max(0).unsigned_abs();
                counted = counted.max(last);
            }
        }
        count
    }

    /// Of what belongs to no input, takes out what was applied of records that are gone, and counts them.
    fn settle_gone(&mut self, verdict: &mut Verdict) {
        let first_held: HashMap<u32, i64> =
            self.sources.iter().map(|(id, number)| (*number, self.first_held(id))).collect();
        let mut gone: HashSet<(u32, i64)> = HashSet::new();
        self.applied.retain(|(_, source, offset), _| {
            let is_gone = first_held.get(source).is_some_and(|first| offset < first);
            if is_gone {
                gone.insert((*source, *offset));
            }
            !is_gone
        });
        verdict.unrecounted = gone.len() as u64;
    }

    /// Each input is covered at every partition, and its facts are there and nowhere else.
    pub fn settle(&mut self, verdict: &mut Verdict) {
        verdict.skipped = self.skipped_count();
        for Input { source, offset, facts } in std::mem::take(&mut self.inputs) {
            let place = (source, offset);
            let is_skipped = self.is_skipped(None, place);
            let is_reached = (0..self.partitions).all(|partition| {
                let range = self.covered.get(&(partition, source));
                range.is_some_and(|(first, last)| *first < offset && offset <= *last)
            });
            let is_covered = is_reached && !is_skipped;
            verdict.covered += u64::from(is_covered);
            // All are taken out, so that what remains belongs to no input. What a partition passed over it
            // must not have applied: that stays and counts as invented.
            let wrong = facts
                .iter()
                .filter(|(partition, expected)| {
                    !(is_skipped && self.is_skipped(Some(*partition), place))
                        && self.applied.remove(&(*partition, source, offset)) != Some(*expected)
                })
                .count();
            if !is_reached || wrong > 0 {
                verdict.lost += 1;
                verdict.detail(|| {
                    format!("lost: source {source}, offset {offset}; covered: {is_covered}; facts missing or differing at {wrong} partitions")
                });
            }
        }
        self.settle_gone(verdict);
        let invented = self.applied.len() as u64;
        if invented > 0 {
            verdict.doubled += invented;
            verdict.detail(|| format!("{invented} source records gave facts that they should not"));
        }
        let is_silent = |refused: &&Refused| {
            refused.is_missing && !refused.place.is_some_and(|place| self.is_skipped(None, place))
        };
        let silent = self.refused.values().filter(is_silent).count() as u64;
        verdict.mismatch(silent, || format!("{silent} refused inputs have no dead letter"));
    }
}

/// A dead letter up to the version of the configuration that refused, its last member. An intake that has
/// slept through a change writes letters, too, and may have been the only one to read the record.
fn without_version(pointer: &str) -> &str {
    pointer.split_once(r#","intake_version":"#).map_or(pointer, |(place, _)| place)
}

/// The source record that a dead letter points to.
fn place_of(pointer: &str) -> Option<(SourceId, i64)> {
    #[derive(Deserialize)]
    struct Pointer {
        source: String,
        generation: u32,
        partition: u32,
        offset: i64,
    }
    let Pointer { source, generation, partition, offset } = serde_json::from_str(pointer).ok()?;
    Some((SourceId { name: source.into(), generation, partition }, offset))
}
