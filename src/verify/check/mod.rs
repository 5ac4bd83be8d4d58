//! The four checks of an offline verification (DESIGN D31).
//!
//! 1. The covered ranges of the facts cover each input exactly once, with the facts it gives (`inputs`). What is
//!    recorded as lost is counted by itself.
//! 2. The published outputs are the recomputed ones, each once, in order (`outputs`).
//! 3. What was refused is what a recount of the inputs refuses (`inputs`).
//! 4. The reports each partition received are those recomputed at their origins (`reports`).
//!
//! Feed it all inputs first, then each facts partition in offset order, then what was published.

mod digest;
mod inputs;
mod outputs;
mod reports;

use std::collections::BTreeMap;

use serde::Serialize;

use super::plain::{Plain, PlainError, PlainIdentity};
use crate::codec::facts::{self, DecodeError};
use crate::codec::hex::hex;
use crate::codec::keys::Keys;
use crate::codec::output::{OutputContext, OutputError, Topic, encode_effect};
use crate::config::orders::case_code;
use crate::engine::LoadRules;
use crate::engine::cover::SourceId;
use crate::engine::fact::Fact;
use crate::engine::input::{Effect, FactsRecord, TimeMode};
use crate::engine::ruleset::RuleSet;

use inputs::Inputs;
use outputs::Outputs;
use reports::Reports;

/// What came out. The field names are part of the outside contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Input records that are still there to be counted again, refused ones too.
    pub inputs: u64,
    /// Inputs that every facts partition has covered.
    pub covered: u64,
    /// Inputs that some partition has not covered, or whose facts are missing or differ.
    pub lost: u64,
    /// Inputs with a fact applied more often than it should be, or that should not be there.
    pub doubled: u64,
    /// Source offsets that some partition passed over because an operator recorded that they are lost (D8).
    pub skipped: u64,
    /// Source records that facts were applied of and that the source no longer holds: nothing is left to
    /// count them against.
    pub unrecounted: u64,
    /// Published dispositions.
    pub dispositions: u64,
    /// Outputs, refusals and reports that are not the recomputed ones.
    pub mismatched: u64,
    /// The rule sets that decided, by version: more than one where a release went through the log.
    pub rules: Vec<RulesSeen>,
    /// The first few differences, for people: places, never content.
    #[serde(skip)]
    pub details: Vec<String>,
}

/// A rule set that decided in some facts partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RulesSeen {
    pub version: u32,
    /// Of the bundle, in hexadecimal.
    pub sha256: String,
    /// Facts partitions in which it was activated, in order, once for each time.
    pub partitions: Vec<u32>,
}

impl Verdict {
    fn saw_rules(&mut self, partition: u32, rules: &RuleSet) {
        let sha256 = hex(&rules.sha256);
        match self.rules.iter_mut().find(|seen| seen.sha256 == sha256) {
            Some(seen) => seen.partitions.push(partition),
            None => {
                self.rules.push(RulesSeen { version: rules.version, sha256, partitions: vec![partition] });
                self.rules.sort_by_key(|seen| seen.version);
            }
        }
    }

    /// Nothing lost, nothing doubled, nothing different.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.mismatched == 0
    }

    /// Counts differences, and says so if there are any.
    fn mismatch(&mut self, count: u64, detail: impl FnOnce() -> String) {
        if count > 0 {
            self.mismatched += count;
            self.detail(detail);
        }
    }

    fn detail(&mut self, detail: impl FnOnce() -> String) {
        if self.details.len() < DETAILS_MAX {
            self.details.push(detail());
        }
    }
}

const DETAILS_MAX: usize = 20;

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

/// The checks under way.
pub struct Check<'a> {
    deployment: Deployment<'a>,
    inputs: Inputs,
    outputs: Outputs,
    reports: Reports,
    /// Of each facts partition: what came of facts below this offset was published by an earlier generation.
    published_from: BTreeMap<u32, u64>,
    verdict: Verdict,
}

impl<'a> Check<'a> {
    #[must_use]
    pub fn new(deployment: Deployment<'a>) -> Check<'a> {
        Check {
            inputs: Inputs::new(deployment.partitions, deployment.own_source.clone()),
            outputs: Outputs::default(),
            reports: Reports::default(),
            published_from: BTreeMap::new(),
            verdict: Verdict::default(),
            deployment,
        }
    }

    /// What came of facts of this partition below an offset was published by an earlier generation of the facts:
    /// nothing of it is expected, but what is in force.
    pub fn published_from(&mut self, partition: u32, offset: u64) {
        self.published_from.insert(partition, offset);
    }

    /// The first record that a source still holds: earlier ones, and all of its earlier generations, cannot
    /// be counted again.
    pub fn begins(&mut self, source: &SourceId, first: i64) {
        self.inputs.begins(source, first);
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
        self.inputs.accepted(source, offset, facts);
    }

    /// A refused input; `pointer` is what its dead letter must name. One that takes no place in its
    /// source (a line of a file) is covered by its dead letter alone.
    pub fn refused(&mut self, place: Option<(&SourceId, i64)>, pointer: String) {
        self.verdict.inputs += 1;
        self.inputs.refused(place, &pointer);
        if place.is_none() {
            self.verdict.covered += 1;
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
        let mut digest = None;
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
                FactsRecord::Facts(pack) => {
                    self.inputs.applied(partition, pack, plain.admitted(), &mut self.verdict);
                }
                FactsRecord::Reports(reports) => {
                    self.reports.received(partition, reports, &mut self.verdict);
                }
                FactsRecord::VersionAnnounced(_) | FactsRecord::SourceSkipped(_) => {}
            }
            if let Some(rules) = plain.rules().filter(|rules| digest != Some(rules.sha256)) {
                digest = Some(rules.sha256);
                self.verdict.saw_rules(partition, rules);
            }
            self.note_effects(partition, offset, &effects, &plain)?;
        }
        self.inputs.covered(partition, plain.covered());
        self.inputs.skipped(partition, plain.skipped());
        Ok(())
    }

    fn note_effects(
        &mut self,
        partition: u32,
        offset: u64,
        effects: &[Effect],
        plain: &Plain,
    ) -> Result<(), CheckError> {
        let rules = plain.rules();
        let ctx = OutputContext::under(self.deployment.keys, self.deployment.institution, rules, case_code);
        for effect in effects {
            if let Effect::Reported(report) = effect {
                self.reports.made(report);
            }
            let mut records = Vec::new();
            match encode_effect(effect, &ctx, &mut records) {
                // What a purpose keeps back leaves nowhere; that is the decision (D19).
                Ok(()) | Err(OutputError::PurposeRefused { .. }) => {}
                Err(error) => return Err(CheckError::Unwritable { partition, offset, error }),
            }
            let is_of_before = self.published_from.get(&partition).is_some_and(|from| offset < *from);
            for record in records {
                if record.topic == Topic::Measures || !is_of_before {
                    self.outputs.expect(partition, record);
                }
            }
        }
        Ok(())
    }

    /// Check 2: a published record, in the order of its topic partition. `last` remembers, for each
    /// topic partition, how far each facts partition's outputs have come.
    pub fn published(&mut self, topic: Topic, value: &[u8], last: &mut BTreeMap<u32, u64>) {
        self.outputs.published(topic, value, last, &mut self.verdict);
    }

    /// Check 2 for what is in force: the last value of each key.
    pub fn in_force<'m>(&mut self, published: impl Iterator<Item = (&'m [u8], &'m [u8])>) {
        self.outputs.in_force(published, &mut self.verdict);
    }

    /// What is in force at the end where it is published without keys, in no order.
    pub fn in_force_unkeyed<'m>(&mut self, published: impl Iterator<Item = &'m [u8]>) {
        self.outputs.in_force_unkeyed(published, &mut self.verdict);
    }

    /// Check 3: a dead letter of intake. The same one twice (after a crash) counts once.
    pub fn dead_letter(&mut self, pointer: &str) {
        self.inputs.dead_letter(pointer, &mut self.verdict);
    }

    /// How many unmatched events were recomputed; a file run names them by line, not by event.
    #[must_use]
    pub fn unmatched_count(&self) -> u64 {
        self.outputs.unmatched_count()
    }

    /// Takes the unmatched events as published, where they cannot be compared byte by byte.
    pub fn unmatched_counted(&mut self) {
        self.outputs.unmatched_counted();
    }

    /// Adds everything up.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        self.inputs.settle(&mut self.verdict);
        self.outputs.settle(&mut self.verdict);
        self.reports.settle(&mut self.verdict);
        self.verdict
    }
}
