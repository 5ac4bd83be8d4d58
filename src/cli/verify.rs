//! `verify`: recompute everything from the facts, with the plain evaluator, and compare.

mod folder;
mod topics;

use std::path::PathBuf;

use clap::Args;

use super::deployment::ConfigArguments;
use super::{Exit, Failure};
use crate::verify::check::{CheckError, Verdict};

/// Recompute every output from the facts and compare: lost, doubled, mismatched.
///
/// A second, plain evaluator recomputes a finished run (`--out`) or a deployment's topics
/// (`--config`): that the facts cover each input exactly once, that the published outputs are the
/// recomputed ones in order, that refusals are those of a recount, and that each partition's reports
/// are those of their origins. Prints one line of JSON; exit 1 when anything differs.
#[derive(Debug, Args)]
#[command(after_help = "Example:  duecourse verify --out out/")]
pub struct Arguments {
    /// Folder of a finished run or demo; its inputs are read again by path and digest
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "sets"], required_unless_present = "config")]
    out: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArguments,
}

/// Does it.
///
/// # Errors
/// By kind, as `Failure` says.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let verdict = match &arguments.out {
        Some(out) => folder::verify(out)?,
        None => topics::verify(&arguments.config.load()?)?,
    };
    println!("{}", serde_json::to_string(&verdict).map_err(Failure::unreachable)?);
    tell(&verdict);
    Ok(if verdict.is_clean() { Exit::Done } else { Exit::Mismatch })
}

/// Differences in words go to standard error, so that the line stays the only output.
fn tell(verdict: &Verdict) {
    for detail in &verdict.details {
        eprintln!("  {detail}");
    }
}

impl From<CheckError> for Failure {
    /// A record that cannot be recomputed is input that cannot be read.
    fn from(error: CheckError) -> Failure {
        Failure::input(error)
    }
}
