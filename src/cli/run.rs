//! `run`: a user's own files through intake and decide, over a log in the output folder.
//!
//! Two threads: one reads, classifies, packs and appends; one decides, commits and writes. Between
//! them is the log, so what is decided is what `verify --out` will read.

mod alerts;
mod append;
mod decide;
mod exports;
mod folder;
mod ids;
mod read;
mod report;
mod summary;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::inputs::{self, Inputs, Rules};
use super::keys::load_keys;
use super::score::{self, Labels, Population};
use super::screen::{Screen, thousands};
use super::{Exit, Failure, page};
use crate::codec::hex::hex;
use crate::codec::keys::Keys;
use crate::codec::manifest::{InputFile, Manifest, facts_folder};
use crate::config::bundle;
use crate::engine::base::TimeMs;
use crate::engine::input::{Effect, Tally};
use crate::engine::ruleset::RuleSet;
use crate::log::local::{LocalLog, SyncPolicy};

pub use alerts::Alerts;
pub use append::Appending;
pub use decide::{Decided, Deciding, Signals, StopOnDrop, Watch, write_dead_letter};
pub use read::{Census, Feeding, Progress, unreadable};
pub use report::{Report, RuleReport, usage, write_by_rename};

/// A power cut costs at most this much work; a killed process costs none.
const SYNC: SyncPolicy = SyncPolicy::Interval(Duration::from_secs(1));

/// Decide a file of events: dispositions, notices, alerts and a report, in a folder.
#[derive(Debug, Args)]
#[command(after_help = "Example:  duecourse run --input events.csv.gz --source labelled-csv --out out/\n\n\
    Writes dispositions, notices, measures, shadow and dead-letters as .ndjson, alerts.csv with the \
    input's own ids, the log in facts/, and report.json last. Started again with the same arguments, an \
    unfinished folder is taken up where it was left; any other folder that is not empty is refused. \
    Exit 5 means done, with some lines refused: see dead-letters.ndjson.")]
pub struct Arguments {
    /// Files of events, NDJSON or CSV, plain or gzip; several are merged by time
    #[arg(long, value_name = "F", num_args = 1.., required = true)]
    input: Vec<PathBuf>,
    /// How to read them: `native`, `labelled-csv`, or a mapping file of your own
    #[arg(long, value_name = "NAME|FILE")]
    source: String,
    /// Folder to write into; new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Accounts that exist already, stated at the time of the first event
    #[arg(long, value_name = "F")]
    accounts: Option<PathBuf>,
    /// Labels that become known while the events run, each at its `label_available_ts_ms`
    #[arg(long, value_name = "F")]
    feedback: Option<PathBuf>,
    /// Labels to score against afterwards; they never affect what is decided
    #[arg(long, value_name = "F")]
    labels: Option<PathBuf>,
    /// Operating point: at most 0.1 % or at most 1 % false positives
    #[arg(long, value_enum, default_value_t = Profile::Strict)]
    profile: Profile,
    /// A folder of rules, signals, limits and notice texts instead of the embedded one
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// File of the master key, 64 hexadecimal digits [default: the fixed development key]
    #[arg(long, value_name = "F")]
    key: Option<PathBuf>,
    /// Short name of the institution; native events that name another are refused [default: demo-bank]
    #[arg(long, value_name = "NAME")]
    institution: Option<String>,
    /// Also draw the run as one self-contained page, without scripts
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print report.json to standard output instead of a summary, and no progress
    #[arg(long)]
    json: bool,
}

/// The two operating points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    Strict,
    Wide,
}

impl Profile {
    fn name(self) -> &'static str {
        bundle::Profile::from(self).name()
    }
}

impl From<Profile> for bundle::Profile {
    fn from(profile: Profile) -> bundle::Profile {
        match profile {
            Profile::Strict => bundle::Profile::Strict,
            Profile::Wide => bundle::Profile::Wide,
        }
    }
}

/// Does it.
///
/// # Errors
/// By kind, as `Failure` says.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let started = Instant::now();
    let labels = arguments.labels.as_deref().map(Labels::read).transpose().map_err(Failure::input)?;
    let rules = inputs::rules(arguments.rules.as_deref(), arguments.profile.into())?;
    rules.warnings.iter().for_each(|warning| eprintln!("{warning}"));
    let keys = load_keys(arguments.key.as_deref())?;
    let institution = arguments.institution.clone().map_or_else(inputs::default_institution, Ok)?;
    let inputs = Inputs::new(
        &arguments.source,
        &institution,
        &arguments.input,
        &arguments.accounts,
        &arguments.feedback,
    )?;
    let manifest = manifest(&arguments, &inputs, &rules, &keys)?;
    let labels_file = arguments.labels.as_deref().map(InputFile::of).transpose().map_err(Failure::input)?;

    let found = folder::begin(&arguments.out, &manifest)?;
    if found == folder::Found::Unfinished && !arguments.json {
        eprintln!("taking up the unfinished run in {}", arguments.out.display());
    }
    let labelled = labels.iter().flat_map(|labels| labels.events.keys().cloned()).collect();
    let mut screen = Screen::new(1, "{bar:30} {percent:>3} %  {msg}", arguments.json);
    let (census, decided) = decide_files(&arguments.out, &inputs, &rules, &keys, &labelled, &mut screen)?;
    screen.finish();

    write_alerts(&arguments.out, &census, &decided)?;
    let mut report = Report::of(&census, &decided.alerts, arguments.profile.name(), &rules.sha256);
    let mut scores = None;
    if let (Some(labels), Some(file)) = (&labels, labels_file) {
        let scored = score::of_alerts(&arguments.out, labels, &population(census, &decided.alerts))?;
        report.set_scores(&scored, file.sha256);
        scores = Some(scored);
    }
    if let Some(html) = &arguments.html {
        page::write(&arguments.out, &report, labels.as_ref().zip(scores.as_ref()), html)?;
    }
    (report.cpu, report.rss_bytes_max) = usage();
    report.wall_s = started.elapsed().as_millis() as f64 / 1e3;
    report.write(&arguments.out)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report).map_err(Failure::unreachable)?);
    } else {
        print!("{}", summary::text(&report, scores.as_ref(), &decided, &arguments.out));
    }
    let any_dead = report.input.refused() > 0 || !decided.unmatched.is_empty();
    Ok(if any_dead { Exit::DoneWithDeadLetters } else { Exit::Done })
}

fn manifest(arguments: &Arguments, inputs: &Inputs, rules: &Rules, keys: &Keys) -> Result<Manifest, Failure> {
    let file = |path: &PathBuf| InputFile::of(path).map_err(Failure::input);
    Ok(Manifest {
        schema: Manifest::SCHEMA.to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        semantics: crate::engine::SEMANTICS,
        source: arguments.source.clone(),
        institution: inputs.institution.clone(),
        source_sha256: inputs.source_sha256.clone(),
        profile: arguments.profile.name().to_owned(),
        rules_sha256: rules.sha256.clone(),
        key: arguments.key.clone(),
        key_check: hex(&keys.check()),
        inputs: arguments.input.iter().map(file).collect::<Result<_, _>>()?,
        accounts: arguments.accounts.as_ref().map(file).transpose()?,
        feedback: arguments.feedback.as_ref().map(file).transpose()?,
    })
}

/// Both halves, until everything is read, decided, committed and written.
fn decide_files(
    out: &Path,
    inputs: &Inputs,
    rules: &Rules,
    keys: &Arc<Keys>,
    labelled: &HashSet<String>,
    screen: &mut Screen,
) -> Result<(Census, Decided), Failure> {
    let folder = facts_folder(out);
    let log = LocalLog::open(&folder, 1, SYNC)?;
    let deciding = Deciding::open(log.decide()?, &folder, out, keys, &inputs.institution)?;
    let appending = Appending::begin(log.facts(), &inputs.source_name)?;
    let files = inputs.open(keys)?;
    let dead_letters = dead_letters_file(out)?;
    let feeding = Feeding::new(keys, &rules.bundle, labelled, appending, dead_letters, inputs.count());
    let (signals, progress) = (Signals::default(), Progress::default());
    let (read, decided) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read::read_files(files, feeding, &signals, &progress));
        let decided = deciding.run(&signals, &mut RunWatch { screen, progress: &progress, measures: 0 });
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (read, decided)
    });
    // The reader's failure is the cause when both failed.
    let ((census, mut dead_letters), decided) = (read?, decided?);
    finish_dead_letters(&census, &decided, &mut dead_letters).map_err(Failure::unreachable)?;
    Ok((census, decided))
}

/// Adds the accepted events that referred to nothing, and closes the file.
pub fn finish_dead_letters(
    census: &Census,
    decided: &Decided,
    out: &mut BufWriter<File>,
) -> std::io::Result<()> {
    for (event, reason) in &decided.unmatched {
        let (input, line) = census.place_of(*event).unwrap_or_default();
        write_dead_letter(out, input, line, reason.name())?;
    }
    out.flush()
}

pub fn dead_letters_file(out: &Path) -> Result<BufWriter<File>, Failure> {
    let path = out.join("dead-letters.ndjson");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()));
    Ok(BufWriter::new(file.map_err(Failure::usage)?))
}

pub fn write_alerts(out: &Path, census: &Census, decided: &Decided) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(out.join("alerts.csv"))?);
        decided.alerts.write(&census.events, &mut file)?;
        file.flush()
    };
    write().context("cannot write alerts.csv").map_err(Failure::unreachable)
}

fn population(census: Census, alerts: &Alerts) -> Population {
    let scored = |event| census.events.get(event).filter(|event| event.is_scored);
    Population {
        alerted_events: alerts.events().filter_map(scored).map(|event| event.id.to_owned()).collect(),
        accounts: census.accounts,
        events: census.scored_events,
        labelled_events: census.labelled_events,
    }
}

struct RunWatch<'a> {
    screen: &'a mut Screen,
    progress: &'a Progress,
    measures: u64,
}

impl Watch for RunWatch<'_> {
    fn committed(&mut self, effects: &[Effect], _rules: &RuleSet) {
        self.measures += effects.iter().filter(|effect| matches!(effect, Effect::Disposed(_))).count() as u64;
    }

    fn tick(&mut self, tally: Tally, _newest: TimeMs) {
        let done = self.progress.bytes.load(Ordering::Relaxed);
        let total = self.progress.bytes_total.load(Ordering::Relaxed);
        let lines = self.progress.lines.load(Ordering::Relaxed);
        let measures = self.measures;
        self.screen.show(done, total, || {
            format!(
                "{} lines read, {} facts decided, {} dispositions",
                thousands(lines),
                thousands(tally.facts_applied),
                thousands(measures)
            )
        });
    }
}
