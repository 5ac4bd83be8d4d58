//! A new generation of the facts (DESIGN D6): the same history under other keys, over any number of partitions.
//!
//! Tokens and event fingerprints of the old generation are said in the new one (`codec::keys::generation`), and
//! refs are opened and sealed again. Nothing else of a fact changes, so that the new generation decides as the
//! old one did, and intake goes on where the old one ended: what it makes of later records joins with it.
//!
//! * R1 A fact is taken over if the old log applies it, once, and its source record is covered in every old
//!   partition: what lies beyond is made anew from the source, under the new keys.
//! * R2 From one old partition to one new, records stay as they are, with their ranges, one at a time. Else source
//!   records are taken in each source's order, in that of the old partitions as far as they do not contradict each
//!   other, and else by broker time; and in broker time partitions hear each second how far sources had been read,
//!   as from intake.
//! * R3 Reports are made anew by deciding, since they depend on where subjects live.
//! * R4 An appeal reference that somebody holds stays good, and so does the id of a measure: what each is called in
//!   the new generation stands beside its key (`codec::keys::names`).
//! * R5 Whoever asks for it is told which measures the two generations do not have in common. Where records stay as
//!   they are there is none. Where subjects move to other partitions there may be: reports came moments later then,
//!   and events of almost the same moment may change places.

mod old;
mod topic;
mod translation;
mod writing;

use std::collections::BTreeSet;

use crate::codec::keys::Keys;
use crate::codec::output::OutputError;
use crate::engine::LoadRules;
use crate::engine::disposition::DispositionId;
use crate::engine::input::{Effect, FactsRecord, TimeMode};
use crate::engine::partition::{EngineError, Identity, Partition};
use crate::log::LogError;

use old::Old;
pub use topic::{NextTopic, Written};
pub use translation::Translation;
use writing::Writing;

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
    #[error("there is no old facts partition {0}")]
    NoPartition(u32),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the new log cannot be written: {0}")]
    Log(#[from] LogError),
    #[error("what is in force cannot be written: {0}")]
    Output(#[from] OutputError),
}

/// Where the facts of a new generation go, and who looks on as they are decided.
pub trait NextLog {
    /// Takes the next record of a new partition.
    ///
    /// # Errors
    /// When it cannot be written.
    fn append(&mut self, partition: u32, record: &FactsRecord) -> Result<(), LogError>;

    /// Hears what the new partition, as it stands after it, decided of the record appended last.
    ///
    /// # Errors
    /// When it cannot be written down.
    fn decided(&mut self, _partition: &Partition, _effect: &Effect) -> Result<(), OutputError> {
        Ok(())
    }
}

impl<F: FnMut(u32, &FactsRecord) -> Result<(), LogError>> NextLog for F {
    fn append(&mut self, partition: u32, record: &FactsRecord) -> Result<(), LogError> {
        self(partition, record)
    }
}

/// A new generation in the making: give it every record of every old partition, each partition in order.
pub struct Rekey<'a> {
    translation: Translation,
    time: TimeMode,
    loader: &'a dyn LoadRules,
    old: Vec<Old>,
    writing: Writing<'a>,
}

/// What was made.
pub struct Made {
    /// Each new partition as decided, and its next offset.
    pub states: Vec<(Partition, u64)>,
    pub translation: Translation,
    pub differences: Differences,
}

/// Measures that one generation set and the other did not (R5), by what the new one calls them, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differences {
    /// Set by the old one alone.
    pub missing: Vec<DispositionId>,
    /// Set by the new one alone.
    pub added: Vec<DispositionId>,
}

impl Differences {
    #[must_use]
    pub fn count(&self) -> usize {
        self.missing.len() + self.added.len()
    }
}

impl<'a> Rekey<'a> {
    #[must_use]
    pub fn new(
        translation: Translation,
        old_partitions: u32,
        time: TimeMode,
        loader: &'a dyn LoadRules,
        log: &'a mut dyn NextLog,
    ) -> Rekey<'a> {
        let of = |partition| Old::new(identity(&translation.old, partition, old_partitions, time));
        let old = (0..old_partitions).map(of).collect();
        let partitions = translation.partitions;
        let of_new = |partition| Partition::new(identity(&translation.new, partition, partitions, time));
        let writing = Writing::new((0..partitions).map(of_new).collect(), loader, log);
        Rekey { translation, time, loader, old, writing }
    }

    /// One partition becomes one: record by record, and nothing waits in memory.
    fn stays_one(&self) -> bool {
        self.old.len() == 1 && self.translation.partitions == 1
    }

    /// Takes the next record of an old partition.
    ///
    /// # Errors
    /// Of the engine, on a record that no sound intake makes; `NotOpened`; of the new log.
    pub fn take(&mut self, partition: u32, record: &FactsRecord) -> Result<(), RekeyError> {
        let stays_one = self.stays_one();
        let old = self.old.get_mut(partition as usize).ok_or(RekeyError::NoPartition(partition))?;
        for effect in old.apply(record, self.loader)? {
            self.translation.learn(&effect);
        }
        match stays_one {
            true => self.writing.append(0, &self.translation.record(record)?),
            false => {
                old.note(record);
                Ok(())
            }
        }
    }

    /// Writes what is left to be written, after the last record of all.
    ///
    /// # Errors
    /// As `take`.
    pub fn finish(mut self) -> Result<Made, RekeyError> {
        if !self.stays_one() {
            self.writing.write_all(std::mem::take(&mut self.old), &self.translation, self.time)?;
        }
        let (states, set) = self.writing.into_parts();
        let expected: BTreeSet<DispositionId> = self.translation.names().measures.values().copied().collect();
        let differences = Differences {
            missing: expected.difference(&set).copied().collect(),
            added: set.difference(&expected).copied().collect(),
        };
        Ok(Made { states, translation: self.translation, differences })
    }
}

/// Of one partition of a generation.
#[must_use]
pub fn identity(keys: &Keys, partition: u32, partitions: u32, time: TimeMode) -> Identity {
    Identity { partition, partitions, id_key: keys.id_key(), time }
}

#[cfg(test)]
mod tests;
