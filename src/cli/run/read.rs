//! The reading half of a run: inputs in CONTRACT's order, classified, packed and appended.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::fs::File;
use std::hash::BuildHasherDefault;
use std::io::BufWriter;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, anyhow};

use super::append::Appending;
use super::decide::{Signals, StopOnDrop, write_dead_letter};
use super::ids::{AsIs, EventIds};
use super::report::InputReport;
use crate::cli::Failure;
use crate::codec::keys::Keys;
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::fact::{Fact, FactBody, Side};
use crate::engine::subject::Party;
use crate::intake::classify::{Classified, Destination};
use crate::intake::files::{Files, FilesError, Judge, Merged};
use crate::intake::refusal::Refusal;

/// What was read, besides the facts: under the names of the input, so it stays in memory.
#[derive(Debug, Default)]
pub struct Census {
    pub input: InputReport,
    inputs: u32,
    pub events: EventIds,
    /// Accounts of accepted events, by name.
    pub accounts: BTreeSet<String>,
    /// Accepted transfers between own accounts, and card payments.
    pub scored_events: u64,
    /// Those of them that the labels name.
    pub labelled_events: BTreeSet<String>,
    /// Where appeals and activations stood: they may turn out to change nothing.
    pointers: HashMap<Fingerprint, (u32, u64)>,
    /// Tokens are the output of a keyed hash already.
    seen: HashSet<Token, BuildHasherDefault<AsIs>>,
}

impl Census {
    /// `inputs` is how many `--input` files there are: later numbers are accounts or feedback.
    #[must_use]
    pub fn of(inputs: u32) -> Census {
        Census { inputs, ..Census::default() }
    }

    /// Takes note of an accepted line; false if its event id came before.
    pub fn take(
        &mut self,
        classified: &Classified,
        place: (u32, u64),
        keys: &Keys,
        is_labelled: &dyn Fn(&str) -> bool,
    ) -> bool {
        let is_scored = is_scored(&classified.facts);
        for name in &classified.undeclared {
            *self.input.undeclared.entry(name.clone()).or_default() += 1;
        }
        // What is made of accounts and labels is no event of the input, and has no name there.
        let id = if place.0 < self.inputs { classified.event_id.as_str() } else { "" };
        let is_new = self.events.insert(classified.event, id, is_scored);
        let counts = self.input.lines_of(place.0, self.inputs);
        counts.events += 1;
        if !is_new {
            counts.repeated += 1;
            return false;
        }
        counts.accepted += 1;
        if is_scored {
            self.scored_events += 1;
            if is_labelled(&classified.event_id) {
                self.labelled_events.insert(classified.event_id.clone());
            }
        }
        for (_, fact) in &classified.facts {
            if let Some(account) = account_of(&fact.body)
                && self.seen.insert(account.subject.token)
                && let Some(id) = keys.open(&account.sealed)
            {
                self.accounts.insert(id);
            }
            if let FactBody::AppealDecided { .. }
            | FactBody::Appeal { .. }
            | FactBody::RuleSetActivated { .. } = fact.body
            {
                self.pointers.insert(classified.event, place);
            }
        }
        true
    }

    pub fn refuse(&mut self, input: u32, reason: &'static str) {
        let counts = self.input.lines_of(input, self.inputs);
        counts.events += 1;
        *counts.refused.entry(reason.to_owned()).or_default() += 1;
    }

    /// Input and line of an appeal or activation.
    #[must_use]
    pub fn place_of(&self, event: Fingerprint) -> Option<(u32, u64)> {
        self.pointers.get(&event).copied()
    }
}

/// Counts at the event level: a transfer between two own accounts, or a card payment.
fn is_scored(facts: &[(Destination, Fact)]) -> bool {
    let has = |wanted: Side| {
        facts.iter().any(|(_, fact)| matches!(fact.body, FactBody::Transfer { side, .. } if side == wanted))
    };
    facts.iter().any(|(_, fact)| matches!(fact.body, FactBody::CardPayment { .. }))
        || (has(Side::Payer) && has(Side::Payee))
}

fn account_of(body: &FactBody) -> Option<&Party> {
    match body {
        FactBody::Transfer { account, .. } | FactBody::CardPayment { account, .. } => Some(account),
        _ => None,
    }
}

/// How far the reading thread is, for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    pub bytes: AtomicU64,
    pub bytes_total: AtomicU64,
    pub lines: AtomicU64,
    /// Where known before the end.
    pub lines_total: AtomicU64,
    /// Event time of the last line.
    pub time_ms: AtomicI64,
    told: Mutex<VecDeque<(TimeMs, &'static str)>>,
}

impl Progress {
    /// Something to be shown once event time has come that far.
    pub fn tell(&self, at: TimeMs, text: &'static str) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push_back((at, text));
    }

    /// The next text whose time has come.
    pub fn told(&self, now: TimeMs) -> Option<(TimeMs, &'static str)> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // `pop_front_if` is younger than the oldest compiler that this is built by (Cargo.toml).
        let has_come = told.front().is_some_and(|(at, _)| *at <= now);
        if has_come { told.pop_front() } else { None }
    }

    fn show(&self, (bytes, total): (u64, u64), lines: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.bytes_total.store(total, Ordering::Relaxed);
        self.lines.store(lines, Ordering::Relaxed);
    }
}

/// Puts judged lines where they belong: facts into the log, refusals among the dead letters, names
/// into the census.
pub struct Feeding<'a> {
    keys: &'a Keys,
    bundle: &'a str,
    labelled: &'a HashSet<String>,
    appending: Appending,
    dead_letters: BufWriter<File>,
    census: Census,
    begun: bool,
}

impl<'a> Feeding<'a> {
    /// `bundle` decides from the first accepted line on; `labelled` are the event ids to be scored.
    #[must_use]
    pub fn new(
        keys: &'a Keys,
        bundle: &'a str,
        labelled: &'a HashSet<String>,
        appending: Appending,
        dead_letters: BufWriter<File>,
        inputs: u32,
    ) -> Feeding<'a> {
        let census = Census::of(inputs);
        Feeding { keys, bundle, labelled, appending, dead_letters, census, begun: false }
    }

    /// One line in its place.
    ///
    /// # Errors
    /// Of the log and of the file system.
    pub fn line(&mut self, merged: Merged<Classified, Refusal>) -> Result<(), Failure> {
        let place = (merged.input, merged.line);
        let accepted = match merged.outcome {
            Ok(accepted) => accepted,
            Err(refusal) => {
                let reason = refusal.code.name();
                self.census.refuse(merged.input, reason);
                return write_dead_letter(&mut self.dead_letters, place.0, place.1, reason)
                    .context("cannot write dead-letters.ndjson")
                    .map_err(Failure::unreachable);
            }
        };
        if !self.begun {
            self.begun = true;
            self.appending.defaults(accepted.at, self.bundle, self.keys)?;
        }
        let labelled = self.labelled;
        self.census.take(&accepted.item, place, self.keys, &|id| labelled.contains(id));
        // A repeated event goes on: the partition knows its own horizon of repetition.
        self.appending.line(accepted.at, accepted.item.facts)
    }

    /// Cuts the pack here, so that what was read can be decided.
    ///
    /// # Errors
    /// Of the log.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.appending.flush()
    }

    /// Facts records appended so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.appending.offset()
    }

    /// Ends reading.
    ///
    /// # Errors
    /// Of the log.
    pub fn finish(mut self) -> Result<(Census, BufWriter<File>), Failure> {
        self.appending.flush()?;
        Ok((self.census, self.dead_letters))
    }
}

/// Reads all files to their end.
///
/// # Errors
/// Of the inputs, of the log, of the file system.
pub fn read_files<J>(
    mut files: Files<J>,
    mut feeding: Feeding<'_>,
    signals: &Signals,
    progress: &Progress,
) -> Result<(Census, BufWriter<File>), Failure>
where
    J: Judge<Item = Classified, Refusal = Refusal>,
{
    let stop = StopOnDrop(signals);
    let mut lines = 0_u64;
    while let Some(merged) = files.next().map_err(|error| unreadable(&error))? {
        feeding.line(merged)?;
        lines += 1;
        if lines.is_multiple_of(1024) {
            progress.show(files.progress_bytes(), lines);
            if signals.stopped.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    progress.show(files.progress_bytes(), lines);
    let read = feeding.finish()?;
    signals.read.store(true, Ordering::Release);
    std::mem::forget(stop);
    Ok(read)
}

/// A refusal is named by its code; the text shows no content.
#[must_use]
pub fn unreadable(error: &FilesError<Refusal>) -> Failure {
    Failure::input(anyhow!("{error}"))
}
