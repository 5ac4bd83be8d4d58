//! One facts partition as a state machine from record bytes to output bytes.

use std::sync::Arc;

use crate::codec::facts::{self, DecodeError};
use crate::codec::keys::Keys;
use crate::codec::output::{
    Deciding, OutRecord, OutputContext, OutputError, encode_decided, encode_effect, encode_shown,
};
use crate::config::bundle;
use crate::config::orders::case_code;
use crate::engine::base::TimeMs;
use crate::engine::input::{Effect, FactsRecord};
use crate::engine::partition::{EngineError, Frozen, Partition};
use crate::engine::planted::{Planted, is_planted};
use crate::engine::report::Report;
use crate::engine::{LoadRules, SEMANTICS_UNNAMED};

use super::observe::Observe;
use super::view::Change;

/// What all partitions of a worker share.
#[derive(Clone)]
pub struct Surroundings {
    pub keys: Arc<Keys>,
    pub institution: Arc<str>,
    pub loader: Arc<dyn LoadRules + Send + Sync>,
    pub observe: Arc<dyn Observe>,
}

/// Why a partition cannot go on. Nothing of the record that caused it is published or committed.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    #[error("facts record {offset} cannot be read: {error}")]
    Undecodable { offset: u64, error: DecodeError },
    #[error("facts record {offset} cannot be applied: {error}")]
    Inapplicable { offset: u64, error: EngineError },
    #[error("an output of facts record {offset} cannot be written: {error}")]
    Unwritable { offset: u64, error: OutputError },
}

/// What a stretch of records gave: a piece of the partition's next batch.
#[derive(Debug, Default)]
pub struct Portion {
    /// One past the last record applied; 0 when none was.
    pub next_offset: u64,
    pub records: Vec<OutRecord>,
    /// Facts records with reports, by destination, to be acknowledged before `next_offset` is committed.
    pub reports: Vec<(u32, Vec<u8>)>,
    pub changes: Vec<Change>,
    /// Of each pack of facts: the time of its newest record and how many facts it held.
    pub packs: Vec<(TimeMs, u32)>,
    /// Bytes of the records applied.
    pub input_bytes: usize,
}

/// A partition and what its outputs need.
pub struct Machine {
    partition: Partition,
    surroundings: Surroundings,
    /// Outputs of records below this offset were committed before: they are made for the view only.
    committed: u64,
    next_offset: u64,
    effects: Vec<Effect>,
    noted: Noted,
}

/// What the active bundle's text says besides rules, read once for each rule set.
#[derive(Default)]
struct Noted {
    digest: Option<[u8; 32]>,
    /// The operating point.
    profile: Option<String>,
    /// The engine semantics that it asks for.
    asked: u32,
}

impl Machine {
    /// A partition at `next_offset` whose outputs below `committed` must not leave again.
    #[must_use]
    pub fn new(
        partition: Partition,
        next_offset: u64,
        committed: u64,
        surroundings: Surroundings,
    ) -> Machine {
        let effects = Vec::new();
        let noted = Noted { asked: SEMANTICS_UNNAMED, ..Noted::default() };
        let mut machine = Machine { partition, surroundings, committed, next_offset, effects, noted };
        machine.note_rules();
        machine
    }

    #[must_use]
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The state alone.
    #[must_use]
    pub fn into_partition(self) -> Partition {
        self.partition
    }

    /// The state as it is now, to be written down elsewhere.
    pub fn freeze(&mut self) -> Frozen {
        self.partition.freeze()
    }

    /// The engine semantics that the active rule set asks for.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.noted.asked
    }

    /// One past the last record applied.
    #[must_use]
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// Applies one record; what it gives is appended to `portion`. A record below `next_offset` has
    /// been applied and is skipped.
    ///
    /// # Errors
    /// `MachineError`; the machine must not be used any more then.
    pub fn apply(&mut self, offset: u64, bytes: &[u8], portion: &mut Portion) -> Result<(), MachineError> {
        portion.input_bytes += bytes.len();
        if offset < self.next_offset {
            return Ok(());
        }
        let record = facts::decode(bytes).map_err(|error| MachineError::Undecodable { offset, error })?;
        self.effects.clear();
        self.partition
            .apply(offset, &record, &*self.surroundings.loader, &mut self.effects)
            .map_err(|error| MachineError::Inapplicable { offset, error })?;
        self.note_rules();
        self.next_offset = offset + 1;
        portion.next_offset = self.next_offset;
        let replayed = offset < self.committed && !is_planted(Planted::SuppressedRange);
        if !replayed {
            portion.packs.extend(newest(&record));
        }
        self.write(offset, replayed, portion)
    }

    /// The partition's progress as a record.
    #[must_use]
    pub fn progress(&self) -> OutRecord {
        encode_decided(
            self.partition.identity().partition,
            self.next_offset,
            self.partition.coverage(),
            self.partition.partition_time(),
            &Deciding::of(&self.partition, self.noted.profile.as_deref(), self.surroundings.loader.speaks()),
        )
    }

    /// Takes note of another rule set that has become active.
    fn note_rules(&mut self) {
        let digest = self.partition.rules().map(|rules| rules.sha256);
        if digest != self.noted.digest {
            let bundle = self.partition.bundle();
            let profile = bundle.and_then(|bundle| bundle::profile_of(bundle));
            let asked = bundle.map_or(SEMANTICS_UNNAMED, |bundle| self.surroundings.loader.asked(bundle));
            tracing::info!(
                partition = self.partition.identity().partition,
                version = self.partition.rules().map(|rules| rules.version),
                "a rule set decides here"
            );
            self.noted = Noted { digest, profile, asked };
        }
    }

    fn write(&mut self, offset: u64, replayed: bool, portion: &mut Portion) -> Result<(), MachineError> {
        let rules = self.partition.rules().map(AsRef::as_ref);
        let ctx =
            OutputContext::under(&self.surroundings.keys, &self.surroundings.institution, rules, case_code);
        let first = portion.records.len();
        let mut reports = Vec::new();
        for effect in self.effects.drain(..) {
            let place = portion.records.len();
            let written = if replayed {
                encode_shown(&effect, &ctx).map(|shown| portion.records.extend(shown))
            } else {
                encode_effect(&effect, &ctx, &mut portion.records)
            };
            match written {
                Ok(()) => {}
                Err(OutputError::PurposeRefused { topic, purpose }) => {
                    // All of the effect stays here, and that is the decision: it is counted and recorded.
                    self.surroundings.observe.purpose_refused(topic, purpose);
                    continue;
                }
                Err(error) => return Err(MachineError::Unwritable { offset, error }),
            }
            if !replayed {
                self.surroundings.observe.decided(&effect);
            }
            match effect {
                Effect::Disposed(disposition) => {
                    let value = portion.records.get(place).and_then(|record| record.value.as_deref());
                    portion.changes.extend(Change::of(&disposition, value.unwrap_or_default()));
                }
                Effect::Reported(report) => reports.push(*report),
                Effect::Observed(_)
                | Effect::Unmatched { .. }
                | Effect::RuleShadowed(_)
                | Effect::Lead(_) => {}
            }
        }
        if replayed {
            portion.records.truncate(first);
        } else {
            pack(reports, &mut portion.reports);
        }
        Ok(())
    }
}

/// One facts record for each destination, in order of first mention. Receivers look at each report
/// by itself, so how they are packed together decides nothing.
fn pack(reports: Vec<Report>, out: &mut Vec<(u32, Vec<u8>)>) {
    let mut by_destination: Vec<(u32, Vec<Report>)> = Vec::new();
    for report in reports {
        match by_destination.iter_mut().find(|(destination, _)| *destination == report.destination) {
            Some((_, list)) => list.push(report),
            None => by_destination.push((report.destination, vec![report])),
        }
    }
    for (destination, reports) in by_destination {
        let mut bytes = Vec::new();
        facts::encode(&FactsRecord::Reports(reports), &mut bytes);
        out.push((destination, bytes));
    }
}

fn newest(record: &FactsRecord) -> Option<(TimeMs, u32)> {
    let FactsRecord::Facts(pack) = record else { return None };
    let newest = pack.facts.iter().map(|fact| fact.time).max()?;
    Some((newest, u32::try_from(pack.facts.len()).unwrap_or(u32::MAX)))
}
