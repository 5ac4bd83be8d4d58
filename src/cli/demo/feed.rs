//! The reading side of the demo: the made-up day, or a folder's events, at a speed one can watch.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::Speed;
use super::desk::Desk;
use crate::cli::Failure;
use crate::cli::generate::{self, DAY_START, Own, Size, Step};
use crate::cli::inputs::Inputs;
use crate::cli::run::{Census, Feeding, Progress, Signals, StopOnDrop, unreadable};
use crate::codec::keys::Keys;
use crate::engine::base::TimeMs;
use crate::engine::fact::AppealOutcome;
use crate::intake::files::{Judge, Merged};

/// Where the day comes from.
#[derive(Clone, Debug)]
pub enum Source {
    Generated {
        seed: u64,
        size: Size,
    },
    /// A file of events and its mapping.
    File {
        path: PathBuf,
        mapping: &'static str,
    },
}

/// The file that keeps the made-up day's lines, as they were fed.
const LINES: &str = "made-up-day.ndjson";

impl Source {
    /// The events of a folder.
    ///
    /// # Errors
    /// `Usage` when there are none.
    pub fn folder(folder: &str) -> Result<Source, Failure> {
        let names = [
            ("events.csv.gz", "labelled-csv"),
            ("events.csv", "labelled-csv"),
            ("events.ndjson.gz", "native"),
            ("events.ndjson", "native"),
        ];
        let found = names.into_iter().map(|(name, mapping)| (Path::new(folder).join(name), mapping));
        let (path, mapping) = found.into_iter().find(|(path, _)| path.is_file()).ok_or_else(|| {
            Failure::usage(anyhow!(
                "{folder} holds no events.csv[.gz] and no events.ndjson[.gz]; or say `generated`"
            ))
        })?;
        Ok(Source::File { path, mapping })
    }

    /// The name of the source in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Source::Generated { .. } => "native",
            Source::File { mapping, .. } => mapping,
        }
    }

    /// The file that was read and its mapping.
    #[must_use]
    pub fn input(&self, out: &Path) -> (PathBuf, &'static str) {
        match self {
            Source::Generated { .. } => (out.join(LINES), "native"),
            Source::File { path, mapping } => (path.clone(), mapping),
        }
    }

    /// Feeds everything; returns when all of it is in the log.
    ///
    /// # Errors
    /// Of the inputs, of the log, of the file system.
    #[allow(clippy::too_many_arguments)] // what two threads share, each used once
    pub fn feed(
        &self,
        out: &Path,
        institution: &str,
        keys: &Arc<Keys>,
        feeding: Feeding<'_>,
        pace: Pace,
        desk: &Desk,
        signals: &Signals,
        progress: &Progress,
    ) -> Result<(Census, BufWriter<File>), Failure> {
        let stop = StopOnDrop(signals);
        // The history before the made-up day goes by as fast as it can.
        let paced_from = if matches!(self, Source::Generated { .. }) { DAY_START } else { TimeMs::MIN };
        let mut feed = Feed { institution, feeding, pace, paced_from, signals, progress, lines: 0 };
        match self {
            Source::Generated { seed, size } => feed.generated(*seed, *size, &out.join(LINES), keys, desk)?,
            Source::File { path, mapping } => feed.file(path, mapping, keys)?,
        }
        let read = feed.feeding.finish()?;
        signals.read.store(true, Ordering::Release);
        std::mem::forget(stop);
        Ok(read)
    }
}

/// Keeps event time in step with the clock on the wall.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    speed: Speed,
    begun: Option<(TimeMs, Instant)>,
}

impl Pace {
    #[must_use]
    pub fn new(speed: Speed) -> Pace {
        Pace { speed, begun: None }
    }

    /// How long to wait before what happens at `at`; the first time asked is where the clock starts.
    fn wait(&mut self, at: TimeMs) -> Duration {
        let Speed::Times(times) = self.speed else { return Duration::ZERO };
        let (from, started) = *self.begun.get_or_insert((at, Instant::now()));
        let event_ms = at.0.saturating_sub(from.0).max(0).unsigned_abs();
        Duration::from_micros(event_ms * 1000 / u64::from(times)).saturating_sub(started.elapsed())
    }
}

/// Waits shorter than this are saved up.
const WAIT_MIN: Duration = Duration::from_millis(25);

struct Feed<'a> {
    institution: &'a str,
    feeding: Feeding<'a>,
    pace: Pace,
    paced_from: TimeMs,
    signals: &'a Signals,
    progress: &'a Progress,
    lines: u64,
}

impl Feed<'_> {
    fn generated(
        &mut self,
        seed: u64,
        size: Size,
        lines: &Path,
        keys: &Arc<Keys>,
        desk: &Desk,
    ) -> Result<(), Failure> {
        let mut judge =
            Inputs::new("native", self.institution, &[PathBuf::from(LINES)], &None, &None)?.judge(keys);
        let file = File::create(lines).with_context(|| format!("cannot write {}", lines.display()));
        let mut kept = BufWriter::new(file.map_err(Failure::usage)?);
        let steps = generate::day(seed, size, self.institution);
        self.progress.lines_total.store(steps.len() as u64, Ordering::Relaxed);
        for timed in steps {
            self.keep_pace(timed.at)?;
            let line = match timed.step {
                Step::Line(line) => line,
                Step::Told(text) => {
                    self.progress.tell(timed.at, text);
                    continue;
                }
                Step::AppealDecided { party, outcome } => {
                    let Some(line) = self.appeal(&party, outcome, timed.at, desk)? else { continue };
                    line
                }
            };
            writeln!(kept, "{line}").context("cannot write the made-up day").map_err(Failure::unreachable)?;
            self.line(
                Merged { input: 0, line: self.lines + 1, outcome: judge.row(0, line.as_bytes()) },
                timed.at,
            )?;
        }
        kept.flush().context("cannot write the made-up day").map_err(Failure::unreachable)
    }

    /// Waits until everything before the appeal is decided and its notice is out, as a person would.
    fn appeal(
        &mut self,
        party: &Own,
        outcome: AppealOutcome,
        at: TimeMs,
        desk: &Desk,
    ) -> Result<Option<String>, Failure> {
        self.feeding.flush()?;
        while self.signals.decided.load(Ordering::Acquire) < self.feeding.offset() {
            if self.signals.stopped.load(Ordering::Relaxed) {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let appeal = desk.appeal(&party.reference);
        Ok(appeal.map(|appeal| {
            generate::appeal_decided(self.institution, party, &appeal.to_string(), outcome, at)
        }))
    }

    fn file(&mut self, path: &PathBuf, mapping: &str, keys: &Arc<Keys>) -> Result<(), Failure> {
        let inputs = Inputs::new(mapping, self.institution, std::slice::from_ref(path), &None, &None)?;
        let mut files = inputs.open(keys)?;
        let mut at = TimeMs::EARLIEST;
        while let Some(merged) = files.next().map_err(|error| unreadable(&error))? {
            // A refused line follows the line before it.
            at = merged.outcome.as_ref().map_or(at, |accepted| accepted.at);
            self.keep_pace(at)?;
            let (done, total) = files.progress_bytes();
            self.progress.bytes.store(done, Ordering::Relaxed);
            self.progress.bytes_total.store(total, Ordering::Relaxed);
            self.line(merged, at)?;
        }
        Ok(())
    }

    fn line(
        &mut self,
        merged: Merged<crate::intake::classify::Classified, crate::intake::refusal::Refusal>,
        at: TimeMs,
    ) -> Result<(), Failure> {
        self.lines += 1;
        self.progress.lines.store(self.lines, Ordering::Relaxed);
        self.progress.time_ms.store(at.0, Ordering::Relaxed);
        self.feeding.line(merged)
    }

    fn keep_pace(&mut self, at: TimeMs) -> Result<(), Failure> {
        if self.signals.stopped.load(Ordering::Relaxed) || at < self.paced_from {
            return Ok(());
        }
        let wait = self.pace.wait(at);
        if wait >= WAIT_MIN {
            // What was read so far is decided meanwhile.
            self.feeding.flush()?;
            std::thread::sleep(wait);
        }
        Ok(())
    }
}
