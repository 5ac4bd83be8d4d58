//! A new generation of the facts (DESIGN D6): the same history under other keys, partition by partition.
//!
//! Tokens and event fingerprints of the old generation are said in the new one (`codec::keys::generation`), and
//! refs are opened and sealed again. Nothing else of a record changes, so that the new generation decides as the
//! old one did, and intake goes on where the old one ended: what it makes of later records joins with it.
//!
//! * R1 Each record of an old partition becomes the record of that offset of the same new partition, duplicates,
//!   gaps and wrong versions too: the new one covers what the old one covered, and what lies beyond is made anew
//!   from the sources, under the new keys.
//! * R2 Nobody moves: tokens keep their partition, so both keys have to be made for as many as there are.
//! * R3 Reports stay where they stand. They name the offsets of their origin, and those are the same; and what they
//!   say of subjects and events is said in the new generation.
//! * R4 An appeal reference that somebody holds stays good, and so does the id of a measure: what each is called in
//!   the new generation stands beside its key (`codec::keys::names`). What refers to a measure stands in the
//!   measure's partition, behind it, or matches nothing; so names are known when they are needed.
//! * R5 Each record is decided under both keys as it is written. Whoever asks is told of measures that one generation
//!   sets and the other does not, and of records of which they report differently. There are none.

mod topic;
mod translation;

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use crate::codec::keys::Keys;
use crate::codec::output::OutputError;
use crate::engine::LoadRules;
use crate::engine::disposition::{Disposition, DispositionId};
use crate::engine::input::{Effect, FactsRecord, TimeMode};
use crate::engine::partition::{EngineError, Identity, Partition};
use crate::engine::report::Report;
use crate::log::LogError;

pub use topic::{NextTopic, Written};
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
    #[error(
        "the old key was made for facts partitions: {keeps}, and there are {partitions}: its tokens would not stay in \
         theirs, so no next generation can be made of these facts"
    )]
    OldKeyOfOthers { keeps: NonZeroU32, partitions: u32 },
    #[error(
        "the new key was made for facts partitions: {keeps}, and there are {partitions}: make it by \
         `keys next --partitions {partitions}`"
    )]
    NewKeyOfOthers { keeps: NonZeroU32, partitions: u32 },
    #[error("a sealed reference does not open: this is not the key of the old generation")]
    NotOpened,
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

/// A new generation in the making: one partition after the other, in any order.
pub struct Rekey<'a> {
    translation: Translation,
    time: TimeMode,
    loader: &'a dyn LoadRules,
    log: &'a mut dyn NextLog,
    differences: Differences,
}

/// One partition of it: give it every record of the old one, in order.
pub struct RekeyPartition<'r, 'a> {
    all: &'r mut Rekey<'a>,
    partition: u32,
    old: Partition,
    new: Partition,
    next_offset: u64,
}

/// In what the two generations differ (R5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Measures that the old one alone set, by what the new one would call them.
    pub missing: Vec<DispositionId>,
    /// Measures that the new one alone set.
    pub added: Vec<DispositionId>,
    /// Records of which they report differently: partition and offset.
    pub reported: Vec<(u32, u64)>,
}

impl Differences {
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.missing.is_empty() && self.added.is_empty() && self.reported.is_empty()
    }
}

impl<'a> Rekey<'a> {
    #[must_use]
    pub fn new(
        translation: Translation,
        time: TimeMode,
        loader: &'a dyn LoadRules,
        log: &'a mut dyn NextLog,
    ) -> Rekey<'a> {
        Rekey { translation, time, loader, log, differences: Differences::default() }
    }

    /// Begins with a partition. Nothing of one that is finished stays in memory but what its measures are called.
    pub fn partition(&mut self, partition: u32) -> RekeyPartition<'_, 'a> {
        let Translation { old, new, partitions, .. } = &self.translation;
        let of = |keys: &Keys| {
            let (partitions, id_key, time) = (*partitions, keys.id_key(), self.time);
            Partition::new(Identity { partition, partitions, id_key, time })
        };
        let (old, new) = (of(old), of(new));
        RekeyPartition { all: self, partition, old, new, next_offset: 0 }
    }

    /// After the last partition: what it knows to say in the new generation, and what differs.
    #[must_use]
    pub fn finish(self) -> (Translation, Differences) {
        (self.translation, self.differences)
    }
}

impl RekeyPartition<'_, '_> {
    /// Takes the next record of the old partition.
    ///
    /// # Errors
    /// Of the engine, on a record that no sound intake makes; `NotOpened`; of the new log.
    pub fn take(&mut self, record: &FactsRecord) -> Result<(), RekeyError> {
        let Rekey { translation, loader, log, differences, .. } = &mut *self.all;
        let (mut then, mut now) = (Vec::new(), Vec::new());
        self.old.apply(self.next_offset, record, *loader, &mut then)?;
        then.iter().for_each(|effect| translation.learn(effect));
        let record = translation.record(record)?;
        log.append(self.partition, &record)?;
        self.new.apply(self.next_offset, &record, *loader, &mut now)?;
        for effect in &now {
            log.decided(&self.new, effect)?;
        }
        let expected = measures(&then).map(|id| translation.names().measure(id)).collect();
        let set: BTreeSet<DispositionId> = measures(&now).collect();
        differences.note(&expected, &set);
        let told = reports(&then).map(|report| translation.report(report)).collect::<Result<Vec<_>, _>>()?;
        if !told.iter().eq(reports(&now)) {
            differences.reported.push((self.partition, self.next_offset));
        }
        self.next_offset += 1;
        Ok(())
    }

    /// The new partition as it is decided, and its next offset.
    #[must_use]
    pub fn finish(self) -> (Partition, u64) {
        (self.new, self.next_offset)
    }
}

impl Differences {
    fn note(&mut self, expected: &BTreeSet<DispositionId>, set: &BTreeSet<DispositionId>) {
        self.missing.extend(expected.difference(set));
        self.added.extend(set.difference(expected));
    }
}

/// The measures that were set.
fn measures(effects: &[Effect]) -> impl Iterator<Item = DispositionId> {
    effects.iter().filter_map(|effect| match effect {
        Effect::Disposed(disposition) => match &**disposition {
            Disposition::MeasureSet(set) => Some(set.head().id),
            _ => None,
        },
        _ => None,
    })
}

fn reports(effects: &[Effect]) -> impl Iterator<Item = &Report> {
    effects.iter().filter_map(|effect| match effect {
        Effect::Reported(report) => Some(&**report),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
