//! `duecourse feed`: rows of files into a source topic, in order, each once.

mod judge;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::anyhow;
use clap::Args;
use sha2::{Digest, Sha256};

use judge::{FeedJudge, FeedRefusal};

use super::deployment::{ConfigArguments, connection, stop_flag};
use super::{Exit, Failure};
use crate::codec::hex::hex;
use crate::config::source::{Format, SourceMapping};
use crate::engine::base::TimeMs;
use crate::intake::feed::{Feeder, Pace, Row};
use crate::intake::files::{Files, FilesError, InputFiles};

/// Write rows of files to a source topic, in the order in which `run` would read them.
///
/// Killed at any moment and started again with the same arguments, it goes on after the last row it
/// wrote. What intake would refuse is written too, and refused there; only what a topic cannot carry
/// is refused here and printed as a dead letter.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Input files, plain or gzip.
    #[arg(long = "input", value_name = "FILE", num_args = 1.., required = true)]
    inputs: Vec<PathBuf>,
    /// Source mapping: a shipped name (native, labelled-csv) or a file.
    #[arg(long, value_name = "NAME|FILE")]
    source: String,
    /// The topic to write to.
    #[arg(long)]
    topic: String,
    /// Labels: each event label with `label_available_ts_ms` becomes a fraud confirmation at that time.
    #[arg(long, value_name = "FILE")]
    feedback: Option<PathBuf>,
    /// Rows a second; as fast as it goes without.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Write everything to this partition instead of spreading rows by their holder.
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
}

/// # Errors
/// Exit 3 for the source, 4 for an input that cannot be read, 6 when brokers do not answer.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let config = arguments.config.load()?;
    let stop = stop_flag()?;
    let mapping = Arc::new(SourceMapping::load(&arguments.source).map_err(Failure::configuration)?);
    let files = InputFiles {
        rows: arguments.inputs.clone(),
        accounts: None,
        feedback: arguments.feedback.clone(),
        rows_have_header: mapping.format == Format::Csv,
    };
    let judge = FeedJudge::new(&config, mapping, files.rows.len())?;
    let mut files = Files::open(&files, judge).map_err(unreadable)?;
    let mut feeder = Feeder::resume(&connection(&config, "feed")?, &arguments.topic, &name(&arguments))?;
    let partitions = feeder.partitions();
    if let Some(partition) = arguments.partition.filter(|partition| *partition >= partitions) {
        return Err(Failure::usage(anyhow!("there is no partition {partition}: the topic has {partitions}")));
    }
    let mut pace = Pace::new(arguments.rate);
    let mut counts = Counts::default();
    for number in 0.. {
        let Some(merged) = files.next().map_err(unreadable)? else { break };
        let carried = match merged.outcome {
            Ok(accepted) => (accepted.at, accepted.item),
            Err(FeedRefusal { carried: Some(item), .. }) => (TimeMs(0), item),
            Err(FeedRefusal { code, .. }) => {
                println!(r#"{{"input":{},"line":{},"reason":"{}"}}"#, merged.input, merged.line, code.name());
                counts.refused += 1;
                continue;
            }
        };
        let (at, item) = carried;
        let partition = arguments.partition.unwrap_or_else(|| item.partition(partitions));
        let headers = item.headers();
        let row = Row { number, at, partition, value: &item.value, headers: &headers };
        if feeder.write(&row)? {
            counts.written += 1;
            pace.wait();
        } else {
            counts.known += 1;
        }
        // What it leaves behind are the first rows, all of them, whatever an earlier one that was killed left out.
        if stop.load(Ordering::SeqCst) && feeder.is_whole_up_to(number) {
            break;
        }
    }
    feeder.settle()?;
    println!("written {}, written before {}, refused {}", counts.written, counts.known, counts.refused);
    Ok(if counts.refused > 0 { Exit::DoneWithDeadLetters } else { Exit::Done })
}

#[derive(Default)]
struct Counts {
    written: u64,
    known: u64,
    refused: u64,
}

/// Names a feed by its arguments: started again with the same, it goes on.
fn name(arguments: &Arguments) -> String {
    let mut digest = Sha256::new();
    let paths = arguments.inputs.iter().chain(&arguments.feedback);
    for text in paths.map(|path| path.to_string_lossy()).chain([arguments.source.as_str().into()]) {
        digest.update(text.as_bytes());
        digest.update([0]);
    }
    let digest = digest.finalize();
    let (name, _) = digest.split_at(6);
    hex(name)
}

fn unreadable(error: FilesError<FeedRefusal>) -> Failure {
    match error {
        FilesError::Unreadable(error) => Failure::input(error),
        FilesError::Header { path, refusal } => Failure::configuration(anyhow!(
            "the header of {} does not fit the source: {}",
            path.display(),
            refusal.code.doc()
        )),
    }
}
