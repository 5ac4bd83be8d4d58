//! `score`: compares the alerts of a finished run with labels, and writes the scores into its report.

mod labels;
mod levels;
mod text;

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;

use super::inputs::Inputs;
use super::keys::load_keys;
use super::run::{Census, Report};
use super::{Exit, Failure, page};
use crate::codec::hex::hex;
use crate::codec::manifest::{InputFile, Manifest};
use crate::codec::output::rfc3339;
use crate::engine::base::TimeMs;
use crate::engine::fact::Fact;

pub use labels::{Labels, split};
pub use levels::{Alert, Level, Levels, Population, Scores, Scoring, TimeToDetect, truth};
pub use text::scores_text;

/// Score the alerts of a finished run against labels.
#[derive(Debug, Args)]
#[command(after_help = "Example:  duecourse score --out out/ --labels labels.csv.gz\n\n\
    Reads the run's inputs again by the paths it recorded, to know which accounts and events there were. \
    Writes the scores into report.json, a page if asked to, and nothing else.")]
pub struct Arguments {
    /// Output folder of a finished `run`
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Labels: kind,id,typology,role,start_ts_ms[,scheme_id]
    #[arg(long, value_name = "F")]
    labels: PathBuf,
    /// Print how accounts first labelled in the first PERCENT of the time line are found, and how those of the rest
    /// are, each with the alerts of that part; report.json has the whole
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=99))]
    split: Option<u8>,
    /// Also draw the scored run as one self-contained page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Does it.
///
/// # Errors
/// `InputUnreadable` for the folder, the labels and the recorded inputs; `Configuration` for the key.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let mut report = Report::read(&arguments.out)?;
    let labels = Labels::read(&arguments.labels).map_err(Failure::input)?;
    let file = InputFile::of(&arguments.labels).map_err(Failure::input)?;
    let manifest = Manifest::read(&arguments.out).map_err(Failure::input)?;
    let (population, span) = recount(&arguments.out, &manifest, &labels)?;
    let scores = of_alerts(&arguments.out, &labels, &population)?;
    report.set_scores(&scores, file.sha256);
    if let Some(html) = &arguments.html {
        page::write(&arguments.out, &report, Some((&labels, &scores)), html)?;
    }
    report.write(&arguments.out)?;
    print!("{}", scores_text(&scores));
    if let (Some(percent), Some(span)) = (arguments.split, span) {
        for (name, part) in parts(span, percent) {
            let labels = labels.of_part(&part);
            let mut scoring = Scoring::new(&labels, &population);
            let add_within = |alert: &Alert<'_>| {
                if part.contains(&alert.at_ms) {
                    scoring.add(alert);
                }
            };
            each_alert(&arguments.out, add_within).map_err(Failure::input)?;
            print!("{}", text::part_text(&name, &scoring.finish()));
        }
    }
    println!("written to {}", arguments.out.join("report.json").display());
    Ok(Exit::Done)
}

/// The first percent of a time line and the rest, each with its name.
fn parts(span: Span, percent: u8) -> [(String, Range<i64>); 2] {
    let length = (span.last_ms - span.first_ms).saturating_add(1);
    let cut = span.first_ms + (i128::from(length) * i128::from(percent) / 100) as i64;
    let at = rfc3339(TimeMs(cut), 0).unwrap_or_default();
    [
        (format!("the first {percent} % of the time line, before {at}"), span.first_ms..cut),
        (format!("the other {} %", 100 - percent), cut..span.first_ms + length),
    ]
}

/// Scores the `alerts.csv` of a folder.
///
/// # Errors
/// `InputUnreadable` when it cannot be read.
pub fn of_alerts(out: &Path, labels: &Labels, population: &Population) -> Result<Scores, Failure> {
    let mut scoring = Scoring::new(labels, population);
    each_alert(out, |alert| scoring.add(alert)).map_err(Failure::input)?;
    Ok(scoring.finish())
}

/// Scores the alerts of a finished run, and what is left of them without each of their rules.
///
/// # Errors
/// As `execute`.
pub fn without_each(out: &Path, labels: &Labels) -> Result<(Scores, BTreeMap<String, Scores>), Failure> {
    let manifest = Manifest::read(out).map_err(Failure::input)?;
    let (population, _) = recount(out, &manifest, labels)?;
    let mut all = Scoring::new(labels, &population);
    let mut without: BTreeMap<String, Scoring<'_>> = BTreeMap::new();
    each_alert(out, |alert| {
        without.entry(alert.rule.to_owned()).or_insert_with(|| Scoring::new(labels, &population));
        all.add(alert);
    })
    .map_err(Failure::input)?;
    each_alert(out, |alert| {
        let others = without.iter_mut().filter(|(rule, _)| *rule != alert.rule);
        others.for_each(|(_, scoring)| scoring.add(alert));
    })
    .map_err(Failure::input)?;
    Ok((all.finish(), without.into_iter().map(|(rule, scoring)| (rule, scoring.finish())).collect()))
}

/// Calls `each` with every row of `alerts.csv`.
fn each_alert(out: &Path, mut each: impl FnMut(&Alert<'_>)) -> anyhow::Result<()> {
    let path = out.join("alerts.csv");
    let file = std::fs::File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    for (number, line) in BufReader::new(file).split(b'\n').enumerate().skip(1) {
        let place = || format!("{}, line {}", path.display(), number + 1);
        let fields = labels::split(&line.with_context(place)?).with_context(place)?;
        let [event_id, at_ms, subject_kind, subject_id, _, rule, _, lane, _, mode, _] = fields.as_slice()
        else {
            return Err(anyhow!("it does not have 11 columns")).with_context(place);
        };
        let at_ms = at_ms.parse().map_err(|_| anyhow!("ts_ms is not a number")).with_context(place)?;
        each(&Alert { event_id, at_ms, subject_kind, subject_id, rule, lane, mode });
    }
    Ok(())
}

/// Event times of a run's accepted rows.
#[derive(Clone, Copy)]
struct Span {
    first_ms: i64,
    last_ms: i64,
}

/// Who could have been alerted, and when: the recorded inputs, read and classified again.
fn recount(out: &Path, manifest: &Manifest, labels: &Labels) -> Result<(Population, Option<Span>), Failure> {
    let keys = load_keys(manifest.key.as_deref())?;
    if hex(&keys.check()) != manifest.key_check {
        return Err(Failure::configuration(anyhow!("the key is not the one of this run")));
    }
    for input in &manifest.inputs {
        if !input.is_unchanged().map_err(Failure::input)? {
            return Err(Failure::input(anyhow!(
                "{} is not the file that was run any more",
                input.path.display()
            )));
        }
    }
    let mut alerted = HashSet::new();
    each_alert(out, |alert| {
        alerted.insert(alert.event_id.to_owned());
    })
    .map_err(Failure::input)?;
    let paths: Vec<PathBuf> = manifest.inputs.iter().map(|input| input.path.clone()).collect();
    let inputs = Inputs::new(&manifest.source, &manifest.institution, &paths, &None, &None)?;
    let mut files = inputs.open(&keys)?;
    let mut census = Census::of(inputs.count());
    let mut span: Option<Span> = None;
    while let Some(merged) = files.next().map_err(|error| Failure::input(anyhow!("{error}")))? {
        if let Ok(accepted) = merged.outcome {
            let is_labelled = |id: &str| labels.events.contains_key(id);
            for (_, Fact { at: TimeMs(at), .. }) in &accepted.item.facts {
                let Span { first_ms, last_ms } = span.unwrap_or(Span { first_ms: *at, last_ms: *at });
                span = Some(Span { first_ms: first_ms.min(*at), last_ms: last_ms.max(*at) });
            }
            census.take(&accepted.item, (merged.input, merged.line), &keys, &is_labelled);
        }
    }
    let is_scored =
        |id: &String| census.events.get(keys.fingerprint(id)).is_some_and(|event| event.is_scored);
    let population = Population {
        alerted_events: alerted.into_iter().filter(is_scored).collect(),
        accounts: census.accounts,
        events: census.scored_events,
        labelled_events: census.labelled_events,
    };
    Ok((population, span))
}
