//! The four checks of an offline verification (DESIGN D31).
//!
//! 1. The covered ranges of the facts cover each input exactly once, with the facts it gives.
//! 2. The published outputs are the recomputed ones, each once, in order.
//! 3. What was refused is what a recount of the inputs refuses.
//! 4. The reports each partition received are those recomputed at their origins.
//!
//! Feed it all inputs first, then each facts partition in offset order, then what was published.

mod digest;
mod verdict;

use std::collections::{BTreeMap, HashMap};

use super::plain::{Plain, PlainError, PlainIdentity};
use crate::codec::facts::{self, DecodeError};
use crate::codec::keys::Keys;
use crate::codec::output::{OutRecord, OutputContext, OutputError, Topic, encode_effect};
use crate::engine::LoadRules;
use crate::engine::cover::SourceId;
use crate::engine::fact::Fact;
use crate::engine::input::{Effect, FactsPack, FactsRecord, TimeMode};
use crate::engine::report::{Report, ReportPos};

use digest::{Digest, digest, digest_report, fold};
pub use verdict::Verdict;

/// Why a facts partition cannot be recomputed.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("facts partition {partition}, offset {offset}: {error}")]
    Undecodable { partition: u32, offset: u64, error: DecodeError },
    #[error("facts partition {partition}, offset {offset}: {error}")]
    Inapplicable { partition: u32, offset: u64, error: PlainError },
    #[error("facts partition {partition}, offset {offset}: {error}")]
    Unwritable { partition: u32, offset: u64, error: OutputError },
}

/// Whose facts are checked, and how they were made.
pub struct Deployment<'a> {
    pub keys: &'a Keys,
    pub institution: &'a str,
    pub partitions: u32,
    pub time: TimeMode,
    pub loader: &'a dyn LoadRules,
    /// A source whose records are no inputs: that of a first start.
    pub own_source: SourceId,
}

/// One source record at one facts partition.
type Place = (u32, u32, i64);

/// Where a recomputed output stands among those of its facts partition.
#[derive(Clone, Copy, Debug)]
struct Expected {
    partition: u32,
    order: u64,
    seen: bool,
}

/// An input: accepted with a digest of its facts for each partition that gets some, or refused.
struct Input {
    source: u32,
    offset: i64,
    facts: Vec<(u32, Digest)>,
}

/// The checks under way.
pub struct Check<'a> {
    deployment: Deployment<'a>,
    sources: HashMap<SourceId, u32>,
    inputs: Vec<Input>,
    refused: HashMap<String, u64>,
    applied: HashMap<Place, Digest>,
    /// Covered `(previous, last]` of each source at each partition.
    covered: HashMap<(u32, u32), (i64, i64)>,
    outputs: HashMap<(Topic, Digest), Expected>,
    measures: BTreeMap<Vec<u8>, Option<Digest>>,
    reports_sent: Vec<(u32, u32, ReportPos, Digest)>,
    reports_taken: Vec<(u32, u32, ReportPos, Digest)>,
    verdict: Verdict,
}

impl<'a> Check<'a> {
    #[must_use]
    pub fn new(deployment: Deployment<'a>) -> Check<'a> {
        Check {
            deployment,
            sources: HashMap::new(),
            inputs: Vec::new(),
            refused: HashMap::new(),
            applied: HashMap::new(),
            covered: HashMap::new(),
            outputs: HashMap::new(),
            measures: BTreeMap::new(),
            reports_sent: Vec::new(),
            reports_taken: Vec::new(),
            verdict: Verdict::default(),
        }
    }

    fn source(&mut self, id: &SourceId) -> u32 {
        if let Some(number) = self.sources.get(id) {
            return *number;
        }
        let number = self.sources.len() as u32;
        self.sources.insert(id.clone(), number);
        number
    }

    /// An accepted input at its place in its source, with its facts in order. `None` as destination
    /// means every facts partition.
    pub fn accepted<'f>(
        &mut self,
        source: &SourceId,
        offset: i64,
        facts: impl Iterator<Item = (Option<u32>, &'f Fact)>,
    ) {
        self.verdict.inputs += 1;
        let source = self.source(source);
        let mut by_partition: BTreeMap<u32, Digest> = BTreeMap::new();
        for (destination, fact) in facts {
            let all = 0..self.deployment.partitions;
            let to = destination.map_or(all, |one| one..one + 1);
            for partition in to {
                let before = by_partition.entry(partition).or_default();
                *before = fold(*before, fact);
            }
        }
        self.inputs.push(Input { source, offset, facts: by_partition.into_iter().collect() });
    }

    /// A refused input; `pointer` is what its dead letter must name. One that takes no place in its
    /// source (a line of a file) is covered by its dead letter alone.
    pub fn refused(&mut self, place: Option<(&SourceId, i64)>, pointer: String) {
        *self.refused.entry(pointer).or_default() += 1;
        match place {
            Some((source, offset)) => self.accepted(source, offset, std::iter::empty()),
            None => {
                self.verdict.inputs += 1;
                self.verdict.covered += 1;
            }
        }
    }

    /// Recomputes one facts partition, given its records in offset order.
    ///
    /// # Errors
    /// `CheckError` when a record cannot be what intake or decide wrote, or what `next` says.
    pub fn partition<E: From<CheckError>>(
        &mut self,
        partition: u32,
        mut next: impl FnMut() -> Result<Option<(u64, Vec<u8>)>, E>,
    ) -> Result<(), E> {
        let mut plain = Plain::new(PlainIdentity {
            partition,
            partitions: self.deployment.partitions,
            id_key: self.deployment.keys.id_key(),
            time: self.deployment.time,
        });
        let mut taken: BTreeMap<u32, ReportPos> = BTreeMap::new();
        let mut order = 0;
        while let Some((offset, bytes)) = next()? {
            let record = facts::decode(&bytes).map_err(|error| CheckError::Undecodable {
                partition,
                offset,
                error,
            })?;
            let effects = plain
                .apply(offset, &record, self.deployment.loader)
                .map_err(|error| CheckError::Inapplicable { partition, offset, error })?;
            match &record {
                FactsRecord::Facts(pack) => self.note_applied(partition, pack, plain.admitted()),
                FactsRecord::Reports(reports) => self.note_taken(partition, reports, &mut taken),
                FactsRecord::VersionAnnounced(_) => {}
            }
            self.note_effects(partition, offset, &effects, &plain, &mut order)?;
        }
        let covered: Vec<(SourceId, i64, i64)> =
            plain.covered().map(|(id, first, last)| (id.clone(), first, last)).collect();
        for (id, first, last) in covered {
            let source = self.source(&id);
            self.covered.insert((partition, source), (first, last));
        }
        Ok(())
    }

    /// Check 1: which facts went in, and whether each source record's went in once.
    fn note_applied(&mut self, partition: u32, pack: &FactsPack, admitted: &[usize]) {
        let mut open: Option<Place> = None;
        for fact in admitted.iter().filter_map(|place| pack.facts.get(*place)) {
            let Some(range) = pack.ranges.get(usize::from(fact.range)) else { continue };
            if range.source == self.deployment.own_source {
                continue;
            }
            let place = (partition, self.source(&range.source), fact.offset);
            let known = self.applied.get(&place).copied();
            if known.is_some() && open != Some(place) {
                self.verdict.doubled += 1;
                self.verdict.detail(|| {
                    format!("applied twice at facts partition {partition}: source offset {}", place.2)
                });
            }
            self.applied.insert(place, fold(known.unwrap_or_default(), &fact.fact));
            open = Some(place);
        }
    }

    /// Check 4, receiving end: reports in order, each once, none missing (S1).
    fn note_taken(&mut self, partition: u32, reports: &[Report], taken: &mut BTreeMap<u32, ReportPos>) {
        for report in reports.iter().filter(|report| report.destination == partition) {
            let last = taken.get(&report.origin).copied();
            if last.is_some_and(|last| report.pos <= last) {
                continue;
            }
            if report.previous != last {
                self.verdict.mismatched += 1;
                self.verdict.detail(|| format!("report gap from {} to {partition}", report.origin));
                continue;
            }
            taken.insert(report.origin, report.pos);
            self.reports_taken.push((report.origin, partition, report.pos, digest_report(report)));
        }
    }

    fn note_effects(
        &mut self,
        partition: u32,
        offset: u64,
        effects: &[Effect],
        plain: &Plain,
        order: &mut u64,
    ) -> Result<(), CheckError> {
        let rules = plain.rules();
        let ctx = OutputContext {
            keys: self.deployment.keys,
            institution: self.deployment.institution,
            rules_version: rules.map_or(0, |rules| rules.version),
            utc_offset_minutes: rules.map_or(0, |rules| rules.notices.utc_offset_minutes),
        };
        for effect in effects {
            if let Effect::Reported(report) = effect {
                self.reports_sent.push((partition, report.destination, report.pos, digest_report(report)));
            }
            let mut records = Vec::new();
            match encode_effect(effect, &ctx, &mut records) {
                // What a purpose keeps back leaves nowhere; that is the decision (D19).
                Ok(()) | Err(OutputError::PurposeRefused { .. }) => {}
                Err(error) => return Err(CheckError::Unwritable { partition, offset, error }),
            }
            for record in records {
                *order += 1;
                self.expect(partition, *order, record);
            }
        }
        Ok(())
    }

    fn expect(&mut self, partition: u32, order: u64, record: OutRecord) {
        if record.topic == Topic::Measures {
            self.measures.insert(record.key, record.value.as_deref().map(digest));
            return;
        }
        let value = digest(record.value.as_deref().unwrap_or_default());
        let twice = self.outputs.insert((record.topic, value), Expected { partition, order, seen: false });
        if twice.is_some() {
            self.verdict.mismatched += 1;
            self.verdict.detail(|| {
                format!("facts partition {partition} gives the same {} record twice", record.topic.name())
            });
        }
    }

    /// Check 2: a published record, in the order of its topic partition. `last` remembers, for each
    /// topic partition, how far each facts partition's outputs have come.
    pub fn published(&mut self, topic: Topic, value: &[u8], last: &mut BTreeMap<u32, u64>) {
        if topic == Topic::Dispositions {
            self.verdict.dispositions += 1;
        }
        let Some(expected) = self.outputs.get_mut(&(topic, digest(value))) else {
            self.verdict.mismatched += 1;
            let place = last.values().sum::<u64>();
            return self
                .verdict
                .detail(|| format!("a record in {} was not recomputed, after output {place}", topic.name()));
        };
        let before = last.insert(expected.partition, expected.order);
        let in_order = before.is_none_or(|before| before < expected.order);
        if std::mem::replace(&mut expected.seen, true) || !in_order {
            self.verdict.mismatched += 1;
            self.verdict.detail(|| format!("a record in {} came twice or out of order", topic.name()));
        }
    }

    /// Check 2 for what is in force: the last value of each key.
    pub fn in_force<'m>(&mut self, published: impl Iterator<Item = (&'m [u8], &'m [u8])>) {
        for (key, value) in published {
            if self.measures.remove(key).flatten() != Some(digest(value)) {
                self.verdict.mismatched += 1;
                self.verdict.detail(|| "a measure in force was not recomputed as such".to_owned());
            }
        }
        let missing = self.measures.values().flatten().count() as u64;
        self.verdict.mismatched += missing;
        if missing > 0 {
            self.verdict.detail(|| format!("{missing} measures in force are not published"));
        }
    }

    /// What is in force at the end where it is published without keys, in no order.
    pub fn in_force_unkeyed<'m>(&mut self, published: impl Iterator<Item = &'m [u8]>) {
        let mut expected: HashMap<Digest, u64> = HashMap::new();
        for value in self.measures.values().flatten() {
            *expected.entry(*value).or_default() += 1;
        }
        for value in published {
            match expected.get_mut(&digest(value)).filter(|count| **count > 0) {
                Some(count) => *count -= 1,
                None => self.verdict.mismatched += 1,
            }
        }
        self.verdict.mismatched += expected.values().sum::<u64>();
    }

    /// Check 3: a dead letter of intake. The same one twice (after a crash) counts once.
    pub fn dead_letter(&mut self, pointer: &str) {
        match self.refused.get_mut(pointer) {
            Some(count) => *count = 0,
            None => {
                self.verdict.mismatched += 1;
                self.verdict.detail(|| "a dead letter for an input that is not refused".to_owned());
            }
        }
    }

    /// How many unmatched events were recomputed; a file run names them by line, not by event.
    #[must_use]
    pub fn unmatched_count(&self) -> u64 {
        self.outputs.keys().filter(|(topic, _)| *topic == Topic::DeadLetters).count() as u64
    }

    /// Takes the unmatched events as published, where they cannot be compared byte by byte.
    pub fn unmatched_counted(&mut self) {
        self.outputs.retain(|(topic, _), _| *topic != Topic::DeadLetters);
    }

    /// Adds everything up.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        self.settle_inputs();
        let undelivered = self.outputs.values().filter(|expected| !expected.seen).count() as u64;
        if undelivered > 0 {
            self.verdict.mismatched += undelivered;
            self.verdict.detail(|| format!("{undelivered} recomputed outputs are not published"));
        }
        let silent = self.refused.values().sum::<u64>();
        if silent > 0 {
            self.verdict.mismatched += silent;
            self.verdict.detail(|| format!("{silent} refused inputs have no dead letter"));
        }
        self.reports_sent.sort_unstable();
        self.reports_taken.sort_unstable();
        let differing = differences(&self.reports_sent, &self.reports_taken);
        if differing > 0 {
            self.verdict.mismatched += differing;
            self.verdict.detail(|| format!("{differing} reports are not those recomputed at their origins"));
        }
        self.verdict
    }

    /// Check 1, summed up.
    fn settle_inputs(&mut self) {
        let partitions = self.deployment.partitions;
        for input in std::mem::take(&mut self.inputs) {
            let covered = (0..partitions).all(|partition| {
                let range = self.covered.get(&(partition, input.source));
                range.is_some_and(|(first, last)| *first < input.offset && input.offset <= *last)
            });
            self.verdict.covered += u64::from(covered);
            let whole = input.facts.iter().all(|(partition, expected)| {
                self.applied.remove(&(*partition, input.source, input.offset)) == Some(*expected)
            });
            if !(covered && whole) {
                self.verdict.lost += 1;
                self.verdict.detail(|| {
                    format!("lost: source {}, offset {}, covered {covered}", input.source, input.offset)
                });
            }
        }
        let invented = self.applied.len() as u64;
        if invented > 0 {
            self.verdict.doubled += invented;
            self.verdict.detail(|| format!("{invented} source records gave facts that they should not"));
        }
    }
}

/// How many entries of two sorted lists have no equal in the other.
fn differences<T: Ord>(a: &[T], b: &[T]) -> u64 {
    let (mut left, mut right, mut count) = (a.iter().peekable(), b.iter().peekable(), 0);
    loop {
        match (left.peek(), right.peek()) {
            (Some(x), Some(y)) if x == y => {
                left.next();
                right.next();
            }
            (Some(x), Some(y)) => {
                count += 1;
                if x < y {
                    left.next()
                } else {
                    right.next()
                };
            }
            (Some(_), None) => {
                count += 1;
                left.next();
            }
            (None, Some(_)) => {
                count += 1;
                right.next();
            }
            (None, None) => return count,
        }
    }
}
