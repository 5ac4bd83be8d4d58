//! `demo`: a made-up day through the same intake and decide as everything else, as one can watch it.

mod desk;
mod feed;
mod stage;
mod style;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;

use super::explain::Published;
use super::generate::Size;
use super::inputs::{self, Inputs};
use super::run::{
    Appending, Deciding, Feeding, Progress, Report, Signals, dead_letters_file, finish_dead_letters, usage,
    write_alerts,
};
use super::{Exit, Failure};
use crate::codec::hex::hex;
use crate::codec::keys::Keys;
use crate::codec::manifest::{InputFile, Manifest, facts_folder, manifest_path};
use crate::log::local::{LocalLog, SyncPolicy};
use desk::Desk;
use feed::{Pace, Source};
use stage::Stage;
use style::Style;

/// Faster than life by default: the day in a quarter of a minute.
const SPEED_DEFAULT: u32 = 6000;
const SEED: u64 = 20_261_201;

/// Watch a day at a made-up institution: openings, transfers, measures, notices, an appeal.
#[derive(Debug, Args)]
#[command(after_help = "Examples:  duecourse demo\n           duecourse demo --speed max --out my-demo/\n\n\
    Nothing is needed but this program: no broker, no network, no data. The day is made up from a fixed \
    seed, so everybody sees the same one.")]
pub struct Arguments {
    /// `generated`, or a folder with events.csv[.gz] (labelled-csv) or events.ndjson[.gz] (native)
    #[arg(long, value_name = "generated|DIR", default_value = "generated")]
    source: String,
    /// How many times faster than life, or `max` [default: 6000 for the generated day, max for a folder]
    #[arg(long, value_name = "N|max")]
    speed: Option<Speed>,
    /// Events on the generated day
    #[arg(long, value_name = "N", default_value_t = Size::default().day)]
    events: u32,
    /// Folder for what it leaves [default: duecourse-demo, or the next free name]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// How fast the day goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    Times(u32),
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Speed, String> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        let times = text.parse().ok().filter(|times| *times > 0);
        times.map(Speed::Times).ok_or_else(|| "a whole number of times, at least 1, or `max`".to_owned())
    }
}

/// Does it.
///
/// # Errors
/// By kind, as `Failure` says.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let started = Instant::now();
    let style = Style::of_terminal();
    let out = match arguments.out {
        Some(out) => empty(out)?,
        None => free_name(),
    };
    let keys = Arc::new(Keys::development());
    let rules = inputs::rules(None, crate::config::bundle::Profile::Strict)?;
    let is_generated = arguments.source == "generated";
    let source = if is_generated {
        Source::Generated { seed: SEED, size: Size { day: arguments.events, ..Size::default() } }
    } else {
        Source::folder(&arguments.source)?
    };
    let default_speed = if is_generated { Speed::Times(SPEED_DEFAULT) } else { Speed::Max };
    let institution = inputs::default_institution()?;
    let pace = Pace::new(arguments.speed.unwrap_or(default_speed));

    let folder = facts_folder(&out);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
        .map_err(Failure::usage)?;
    println!("{}", stage::welcome(&style, &source, &rules.bundle)?);

    let log = LocalLog::open(&folder, 1, SyncPolicy::Interval(Duration::from_secs(1)))?;
    let deciding = Deciding::open(log.decide()?, &folder, &out, &keys, &institution)?;
    let labelled = std::collections::HashSet::new();
    let appending = Appending::begin(log.facts(), source.name())?;
    let feeding = Feeding::new(&keys, &rules.bundle, &labelled, appending, dead_letters_file(&out)?, 1);
    let (signals, progress, desk) = (Signals::default(), Progress::default(), Desk::default());
    let mut stage = Stage::new(style, &keys, &desk, &progress);
    let (read, decided) = std::thread::scope(|scope| {
        let reader =
            scope.spawn(|| source.feed(&out, &institution, &keys, feeding, pace, &desk, &signals, &progress));
        let decided = deciding.run(&signals, &mut stage);
        (reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), decided)
    });
    let ((census, mut dead_letters), decided) = (read?, decided?);
    finish_dead_letters(&census, &decided, &mut dead_letters).map_err(Failure::unreachable)?;
    write_alerts(&out, &census, &decided)?;
    write_manifest(&out, &source, &institution, &keys, &rules)?;
    let mut report = Report::of(&census, &decided.alerts, "strict", &rules.sha256);
    (report.cpu, report.rss_bytes_max) = usage();
    report.wall_s = started.elapsed().as_millis() as f64 / 1e3;
    report.write(&out)?;
    stage.close(&report, &decided);
    if let Some(appeal) = desk.shown() {
        let published = Published::read(&out, appeal)?;
        stage.notice(&published, appeal, &out);
    }
    stage.farewell(&out);
    Ok(Exit::Done)
}

/// What `verify --out` and `score` need: which file was read, and how.
fn write_manifest(
    out: &Path,
    source: &Source,
    institution: &str,
    keys: &Keys,
    rules: &inputs::Rules,
) -> Result<(), Failure> {
    let (path, mapping) = source.input(out);
    let inputs = Inputs::new(mapping, institution, std::slice::from_ref(&path), &None, &None)?;
    let manifest = Manifest {
        schema: Manifest::SCHEMA.to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        semantics: crate::engine::SEMANTICS,
        institution: institution.to_owned(),
        source: mapping.to_owned(),
        source_sha256: inputs.source_sha256.clone(),
        profile: "strict".to_owned(),
        rules_sha256: rules.sha256.clone(),
        key: None,
        key_check: hex(&keys.check()),
        inputs: vec![InputFile::of(&path).map_err(Failure::input)?],
        accounts: None,
        feedback: None,
    };
    std::fs::write(manifest_path(out), manifest.to_bytes()).map_err(Failure::unreachable)
}

fn empty(out: PathBuf) -> Result<PathBuf, Failure> {
    let is_empty = std::fs::read_dir(&out).map_or(!out.exists(), |mut entries| entries.next().is_none());
    if is_empty {
        return Ok(out);
    }
    Err(Failure::usage(anyhow!("{} is not an empty folder; name another for --out", out.display())))
}

/// `duecourse-demo`, or the first of `duecourse-demo-2`, `-3` and so on that does not exist.
fn free_name() -> PathBuf {
    let first = PathBuf::from("duecourse-demo");
    if !first.exists() {
        return first;
    }
    (2_u32..)
        .map(|n| PathBuf::from(format!("duecourse-demo-{n}")))
        .find(|name| !name.exists())
        .unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_number_of_times_or_max() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("60".parse(), Ok(Speed::Times(60)));
        for wrong in ["0", "-1", "fast", "1.5", ""] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
    }
}
