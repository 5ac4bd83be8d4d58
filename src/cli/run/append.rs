//! The writing end of the local log: facts into packs, packs into facts records.
//!
//! Packs are cut by counts alone, so the same inputs give the same records. A run that is taken up
//! again makes them all once more: what the log holds is compared and not appended.

use std::sync::Arc;

use anyhow::{Context, anyhow};

use crate::cli::Failure;
use crate::codec::facts;
use crate::codec::keys::Keys;
use crate::engine::base::TimeMs;
use crate::engine::cover::{ConfigVersion, SourceId};
use crate::engine::fact::{Fact, FactBody};
use crate::engine::input::FactsRecord;
use crate::intake::classify::Destination;
use crate::intake::first_start::{self, FirstStart};
use crate::intake::pack::{Flush, PackBounds, Packed, Packer, Slot, Start};
use crate::log::local::{FrameReader, LocalFacts};

/// The one version of the intake configuration of a file run.
const VERSION: u32 = 1;

/// Appends to facts partition 0.
pub struct Appending {
    facts: Arc<LocalFacts>,
    packer: Packer,
    slot: Slot,
    /// Source offset of the next line: its place in the merged order.
    line: i64,
    /// Records of an earlier process that this one has not made again yet.
    present: Option<FrameReader>,
    offset: u64,
    buffer: Vec<u8>,
}

impl Appending {
    /// Begins at the front of the log, whatever it holds.
    ///
    /// # Errors
    /// Of the log.
    pub fn begin(facts: Arc<LocalFacts>, source: &str) -> Result<Appending, Failure> {
        let bounds = PackBounds { facts_max: 1024, bytes_max: 256 << 10 };
        let mut packer = Packer::new(1, bounds);
        let id = SourceId { name: source.into(), generation: 1, partition: 0 };
        let start = Start { previous: -1, baseline: true, version: VERSION, time: TimeMs::MIN };
        let slot = packer.assign(id, start);
        let present = (facts.end(0)? > 0).then(|| facts.read(0)).transpose()?;
        let mut appending =
            Appending { facts, packer, slot, line: 0, present, offset: 0, buffer: Vec::new() };
        let announced = ConfigVersion { from: TimeMs::MIN, number: VERSION };
        appending.append(&FactsRecord::VersionAnnounced(announced))?;
        Ok(appending)
    }

    /// The facts of one line, or none if it was refused.
    ///
    /// # Errors
    /// Of the log.
    pub fn line(&mut self, at: TimeMs, facts: Vec<(Destination, Fact)>) -> Result<(), Failure> {
        // A rule set stands in a record of its own, so that outputs name the version that decided.
        let changes_rules =
            facts.iter().any(|(_, fact)| matches!(fact.body, FactBody::RuleSetActivated { .. }));
        if changes_rules {
            self.flush()?;
        }
        self.packer.read(self.slot, VERSION, self.line, at, facts);
        self.line += 1;
        if changes_rules {
            return self.flush();
        }
        let finished = self.packer.take_finished();
        self.append_all(finished)
    }

    /// The embedded defaults: the rules begin to decide and measures are enforced, from `at` on (D28).
    ///
    /// # Errors
    /// Of the log.
    pub fn defaults(&mut self, at: TimeMs, bundle: &str, keys: &Keys) -> Result<(), Failure> {
        let start = FirstStart { bundle: bundle.into(), goes_live: true };
        let source = Start { previous: -1, baseline: true, version: VERSION, time: at };
        let slot = self.packer.assign(first_start::source(), source);
        for (offset, record) in (0..).zip(start.records(keys, at)) {
            self.packer.read(slot, VERSION, offset, at, [record]);
            self.flush()?;
        }
        self.packer.release(slot);
        Ok(())
    }

    /// Cuts the pack here.
    ///
    /// # Errors
    /// Of the log.
    pub fn flush(&mut self) -> Result<(), Failure> {
        let finished = self.packer.flush(Flush::All);
        self.append_all(finished)
    }

    /// Records made so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn append_all(&mut self, packs: Vec<Packed>) -> Result<(), Failure> {
        packs.into_iter().try_for_each(|(_, pack)| self.append(&FactsRecord::Facts(pack)))
    }

    fn append(&mut self, record: &FactsRecord) -> Result<(), Failure> {
        self.buffer.clear();
        facts::encode(record, &mut self.buffer);
        if let Some(present) = &mut self.present {
            let known = present.next_payload().context("the log cannot be read").map_err(Failure::input)?;
            match known {
                Some(known) if known == self.buffer => {
                    self.offset += 1;
                    return Ok(());
                }
                Some(_) => {
                    return Err(Failure::input(anyhow!(
                        "facts record {} is not what these inputs give; remove the folder and run again",
                        self.offset
                    )));
                }
                None => self.present = None,
            }
        }
        self.offset = self.facts.append(0, &self.buffer)? + 1;
        Ok(())
    }
}
