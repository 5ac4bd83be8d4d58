//! The deciding half of a run: facts from the log through one partition into committed outputs.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;

use super::alerts::Alerts;
use super::exports::{Counts, Exports};
use crate::cli::Failure;
use crate::codec::facts;
use crate::codec::keys::Keys;
use crate::codec::output::{OutRecord, OutputContext, OutputError, encode_decided, encode_effect};
use crate::config::bundle::Loader;
use crate::config::orders::case_code;
use crate::engine::SEMANTICS;
use crate::engine::base::{Fingerprint, TimeMs};
use crate::engine::ident::IdKey;
use crate::engine::input::{Effect, FactsRecord, Tally, TimeMode, UnmatchedReason};
use crate::engine::partition::{Identity, Partition};
use crate::engine::ruleset::RuleSet;
use crate::log::local::{LocalDecide, committed_batches, outputs_path};
use crate::log::{Batch, DecideEvent, DecideLog, LogError};

/// Outputs are committed at the latest when they are this large together.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Waiting for facts, until the reader is asked again whether it is done.
const WAIT: Duration = Duration::from_millis(20);

/// Sees what is decided, as it is committed. For the terminal only; nothing comes back from it.
pub trait Watch {
    /// Effects of one facts record, whose outputs are committed; `rules` are those in force.
    fn committed(&mut self, effects: &[Effect], rules: &RuleSet);
    /// Called many times a second, with what has been counted and how far event time has come.
    fn tick(&mut self, tally: Tally, newest: TimeMs);
}

/// What is shared between the reading and the deciding thread.
#[derive(Debug, Default)]
pub struct Signals {
    /// All facts have been appended.
    pub read: AtomicBool,
    /// One of the two has failed; the other stops too.
    pub stopped: AtomicBool,
    /// Facts records below this are decided, committed and shown.
    pub decided: AtomicU64,
}

/// Sets `stopped` when its thread leaves early, by error or panic.
pub struct StopOnDrop<'a>(pub &'a Signals);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Release);
    }
}

/// One facts partition being decided into an output folder.
pub struct Deciding<'a> {
    log: LocalDecide,
    partition: Partition,
    loader: Loader,
    keys: &'a Keys,
    institution: &'a str,
    exports: Exports,
    /// Outputs of records below this were committed by an earlier process.
    committed: u64,
    next_offset: u64,
    batch: Vec<OutRecord>,
    batch_bytes: usize,
    outcome: Decided,
}

/// What deciding came to.
#[derive(Debug, Default)]
pub struct Decided {
    pub alerts: Alerts,
    /// Accepted events that referred to nothing, in order.
    pub unmatched: Vec<(Fingerprint, UnmatchedReason)>,
    pub tally: Tally,
    pub counts: Counts,
    pub in_force: u64,
    /// Outputs that their purpose did not permit: withheld and counted (DESIGN D19).
    pub purpose_refused: u64,
}

impl<'a> Deciding<'a> {
    /// Takes up the log of `folder`; writes what was committed before into the files of `out`.
    ///
    /// # Errors
    /// Of the log and of the file system.
    pub fn open(
        log: LocalDecide,
        folder: &Path,
        out: &Path,
        keys: &'a Keys,
        institution: &'a str,
    ) -> Result<Deciding<'a>, Failure> {
        let mut exports = Exports::create(out).map_err(|error| unwritable(out, error))?;
        let committed = log.committed(0).unwrap_or(0);
        if committed > 0 {
            committed_batches(&outputs_path(folder, 0), 0, |batch| Ok(exports.write(batch.records)?))?;
        }
        let identity = Identity { partition: 0, partitions: 1, id_key: id_key(keys), time: TimeMode::Event };
        Ok(Deciding {
            log,
            partition: Partition::new(identity),
            loader: Loader::new(),
            keys,
            institution,
            exports,
            committed,
            next_offset: 0,
            batch: Vec::new(),
            batch_bytes: 0,
            outcome: Decided::default(),
        })
    }

    /// Decides until everything that was read is decided and committed.
    ///
    /// # Errors
    /// Of the log, of the engine, of the file system.
    pub fn run(mut self, signals: &Signals, watch: &mut dyn Watch) -> Result<Decided, Failure> {
        let stop = StopOnDrop(signals);
        let mut waiting: Vec<(Vec<Effect>, std::sync::Arc<RuleSet>)> = Vec::new();
        while !signals.stopped.load(Ordering::Acquire) {
            // Asked before polling: what was appended before `read` was set is seen by the poll.
            let was_read = signals.read.load(Ordering::Acquire);
            let events = self.log.poll(WAIT)?;
            let nothing_new = events.is_empty();
            for event in events {
                match event {
                    DecideEvent::Assigned { partition, .. } => self.log.start(partition, 0)?,
                    DecideEvent::Record { offset, bytes, .. } => {
                        let effects = self.apply(offset, &bytes)?;
                        if let (Some(rules), false) = (self.partition.rules(), effects.is_empty()) {
                            waiting.push((effects, rules.clone()));
                        }
                    }
                    DecideEvent::Revoked { .. } | DecideEvent::Lost { .. } => {}
                }
                if self.batch_bytes >= BATCH_BYTES_MAX {
                    self.commit()?;
                }
            }
            self.commit()?;
            for (effects, rules) in waiting.drain(..) {
                watch.committed(&effects, &rules);
            }
            signals.decided.store(self.next_offset, Ordering::Release);
            watch.tick(self.partition.tally(), self.partition.newest_time());
            if nothing_new && was_read && self.is_at_the_end()? {
                // Everything is done: leaving is not stopping.
                std::mem::forget(stop);
                return self.finish();
            }
        }
        Err(Failure::unreachable(anyhow::anyhow!("stopped, because reading the inputs failed")))
    }

    fn is_at_the_end(&mut self) -> Result<bool, Failure> {
        Ok(self.log.progress()?.iter().all(|progress| self.next_offset >= progress.end))
    }

    fn apply(&mut self, offset: u64, bytes: &[u8]) -> Result<Vec<Effect>, Failure> {
        let record = facts::decode(bytes)
            .with_context(|| format!("facts record {offset} cannot be read"))
            .map_err(Failure::input)?;
        let mut effects = Vec::new();
        self.partition
            .apply(offset, &record, &self.loader, &mut effects)
            .with_context(|| format!("facts record {offset} cannot be applied"))
            .map_err(Failure::configuration)?;
        self.next_offset = offset + 1;
        if let Some(rules) = self.partition.rules().cloned() {
            self.take(offset, &record, &effects, &rules)?;
        }
        Ok(effects)
    }

    fn take(
        &mut self,
        offset: u64,
        record: &FactsRecord,
        effects: &[Effect],
        rules: &RuleSet,
    ) -> Result<(), Failure> {
        self.outcome.alerts.take(record, effects, rules, self.keys);
        let context = OutputContext::under(self.keys, self.institution, Some(rules), case_code);
        let before = self.batch.len();
        for effect in effects {
            if let Effect::Unmatched { event, reason } = effect {
                self.outcome.unmatched.push((*event, *reason));
            }
            match encode_effect(effect, &context, &mut self.batch) {
                Ok(()) => {}
                Err(OutputError::PurposeRefused { .. }) => self.outcome.purpose_refused += 1,
                Err(error) => return Err(Failure::configuration(error)),
            }
        }
        if offset < self.committed {
            self.batch.truncate(before);
        }
        let added = self.batch.iter().skip(before);
        self.batch_bytes += added.map(|record| record.value.as_ref().map_or(0, Vec::len)).sum::<usize>();
        Ok(())
    }

    /// Commits what has been decided since the last commit, then writes it to the output files.
    fn commit(&mut self) -> Result<(), Failure> {
        if self.next_offset <= self.committed {
            return Ok(());
        }
        let (coverage, time) = (self.partition.coverage(), self.partition.partition_time());
        self.batch.push(encode_decided(
            0,
            self.next_offset,
            coverage,
            time,
            &crate::codec::output::Deciding::of(&self.partition, None, SEMANTICS),
        ));
        let records = std::mem::take(&mut self.batch);
        let batch = Batch { partition: 0, next_offset: self.next_offset, records };
        // The local log either commits or fails.
        self.log.commit(std::slice::from_ref(&batch))?;
        self.committed = self.next_offset;
        self.batch_bytes = 0;
        self.exports.write(batch.records).map_err(|error| Failure::from(LogError::Io(error)))
    }

    fn finish(self) -> Result<Decided, Failure> {
        let tally = self.partition.tally();
        let (counts, in_force) = self.exports.finish().map_err(|error| Failure::from(LogError::Io(error)))?;
        self.log.close();
        Ok(Decided { tally, counts, in_force, ..self.outcome })
    }
}

fn id_key(keys: &Keys) -> IdKey {
    keys.id_key()
}

fn unwritable(out: &Path, error: std::io::Error) -> Failure {
    Failure::usage(anyhow::Error::new(error).context(format!("cannot write into {}", out.display())))
}

/// Appends one dead letter: where it was, and why; never what it said.
///
/// # Errors
/// Of the writer.
pub fn write_dead_letter(out: &mut dyn Write, input: u32, line: u64, reason: &str) -> std::io::Result<()> {
    // Reasons are codes of lower_snake_case: nothing in them needs escaping.
    writeln!(out, "{{\"input\":{input},\"line\":{line},\"reason\":\"{reason}\"}}")
}
