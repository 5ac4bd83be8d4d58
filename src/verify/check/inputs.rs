//! Checks 1 and 3: each input is covered once, with its facts, or refused with its dead letter.

use std::collections::{BTreeMap, HashMap, HashSet};

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
    /// Dead letters that must be there, and whether they were not seen yet.
    refused: HashMap<String, bool>,
    applied: HashMap<Place, Digest>,
    /// Source records that came to a partition more than once.
    doubled: HashSet<Place>,
    /// Covered `(previous, last]` of each source at each partition.
    covered: HashMap<(u32, u32), (i64, i64)>,
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

    pub fn refused(&mut self, pointer: &str) {
        self.refused.insert(without_version(pointer).to_owned(), true);
    }

    pub fn dead_letter(&mut self, pointer: &str, verdict: &mut Verdict) {
        match self.refused.get_mut(without_version(pointer)) {
            Some(is_missing) => *is_missing = false,
            None => verdict.mismatch(1, || "a dead letter for an input that is not refused".to_owned()),
        }
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

    /// Each input is covered at every partition, and its facts are there and nowhere else.
    pub fn settle(&mut self, verdict: &mut Verdict) {
        for Input { source, offset, facts } in std::mem::take(&mut self.inputs) {
            let is_covered = (0..self.partitions).all(|partition| {
                let range = self.covered.get(&(partition, source));
                range.is_some_and(|(first, last)| *first < offset && offset <= *last)
            });
            verdict.covered += u64::from(is_covered);
            // All are taken out, so that what remains belongs to no input.
            let wrong = facts
                .iter()
                .filter(|(partition, expected)| {
                    self.applied.remove(&(*partition, source, offset)) != Some(*expected)
                })
                .count();
            if !is_covered || wrong > 0 {
                verdict.lost += 1;
                verdict.detail(|| {
                    format!("lost: source {source}, offset {offset}; covered: {is_covered}; facts missing or differing at {wrong} partitions")
                });
            }
        }
        let invented = self.applied.len() as u64;
        if invented > 0 {
            verdict.doubled += invented;
            verdict.detail(|| format!("{invented} source records gave facts that they should not"));
        }
        let silent = self.refused.values().filter(|is_missing| **is_missing).count() as u64;
        verdict.mismatch(silent, || format!("{silent} refused inputs have no dead letter"));
    }
}

/// A dead letter up to the version of the configuration that refused, its last member. An intake that has
/// slept through a change writes letters, too, and may have been the only one to read the record.
fn without_version(pointer: &str) -> &str {
    pointer.split_once(r#","intake_version":"#).map_or(pointer, |(place, _)| place)
}
