//! `duecourse rekey`: facts under the keys of the next generation, of a folder or of a deployment's topics.

mod folder;
mod topics;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;

use super::deployment::ConfigArguments;
use super::{Exit, Failure};
use crate::codec::hex::id_hex;
use crate::codec::keys::names::Names;
use crate::engine::disposition::DispositionId;
use crate::intake::rekey::{Differences, RekeyError};

/// How many of each that differ are named.
const NAMED_MAX: usize = 20;

/// Write the facts anew, under the keys of the next generation
///
/// Tokens and references of the old facts are said in the new ones, so that everything goes on to join; what
/// was decided stays decided, and is not published again. Afterwards `keys destroy` ends the old generation.
/// Persons who hold a notice keep their appeal reference: `<new key>.names` tells intake what it is now.
///
/// Every subject stays in its facts partition, so there are as many as before, and both keys were made for as many
/// (`keys new` and `keys next` with `--partitions N`).
///
/// Over topics, stop intake, let decide come to its end (`decide --until-end`) and stop it. The new configuration
/// names another key file and other topics for facts, decided and measures; the rest may stay. Topics that are not
/// there are made. Nobody can begin with the new generation before it is whole: then it is opened, and the old one
/// closed, in one transaction. A command that was interrupted goes on where it stopped when it is given again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    duecourse rekey --out out/ --to out-2/ --key g1.key --new-key g2.key\n  \
    duecourse rekey --config duecourse.toml --new-config duecourse-2.toml")]
pub struct Arguments {
    /// Folder of a run, or of a local log
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "config",
        conflicts_with_all = ["config", "sets", "new_config"],
        requires = "to"
    )]
    out: Option<PathBuf>,
    /// Folder for the new generation; it must not exist
    #[arg(long, value_name = "DIR", requires = "key")]
    to: Option<PathBuf>,
    /// Key of the old generation
    #[arg(long, value_name = "FILE", requires = "new_key")]
    key: Option<PathBuf>,
    /// Key of the new generation, made by `keys next`
    #[arg(long, value_name = "FILE", requires = "out")]
    new_key: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArguments,
    /// Configuration of the next generation; --set holds for both
    #[arg(long, value_name = "FILE", requires = "config")]
    new_config: Option<PathBuf>,
    /// Go back to the old generation, as long as nothing was written to the new one since it was opened
    #[arg(long, requires = "new_config")]
    back: bool,
}

/// # Errors
/// Exit 1 when measures differ between the generations; 2 when the new generation exists, or the old one is at work;
/// 3 when a key or a configuration does not fit, 4 when the old facts cannot be read, 6 when brokers do not answer.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { out, to, key, new_key, config, new_config, back } = arguments;
    match (out, to, key, new_key, new_config) {
        (Some(out), Some(to), Some(key), Some(new_key), _) => {
            folder::rekey(&folder::Folders { out, to, key, new_key })
        }
        (.., Some(new_config)) => {
            let next = ConfigArguments { config: Some(new_config), sets: config.sets.clone() };
            let (old, next) = (config.load()?, next.load()?);
            if back { topics::back(&old, &next) } else { topics::rekey(&old, &next) }
        }
        _ => Err(Failure::usage(anyhow!("name the configuration of the next generation: --new-config FILE"))),
    }
}

/// Says in what the generations differ. True when they do: what people hold would not stay good then.
fn told(differences: &Differences) -> bool {
    let tell = |count: usize, what: &str, named: &mut dyn Iterator<Item = String>| {
        if count > 0 {
            eprintln!("{count} {what}:");
            named.take(NAMED_MAX).for_each(|one| eprintln!("  {one}"));
        }
    };
    let id = |id: &DispositionId| id_hex(*id);
    let Differences { missing, added, reported } = differences;
    let missing_what = "measures of the old generation are not in the new one";
    tell(missing.len(), missing_what, &mut missing.iter().map(id));
    tell(added.len(), "measures of the new generation were not in the old one", &mut added.iter().map(id));
    let place = |(partition, offset): &(u32, u64)| format!("facts partition {partition}, offset {offset}");
    tell(reported.len(), "records are reported otherwise", &mut reported.iter().map(place));
    let is_any = !differences.are_none();
    if is_any {
        eprintln!("the generation is not opened: what people hold would not stay good");
    }
    is_any
}

/// Writes what measures are called now beside the new key: whole, or not at all.
fn write_names(key: &Path, names: &Names) -> Result<(), Failure> {
    let path = Names::path(key);
    let mut part = path.clone().into_os_string();
    part.push(".part");
    std::fs::write(&part, names.text())
        .and_then(|()| std::fs::rename(&part, &path))
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(Failure::usage)
}

impl From<RekeyError> for Failure {
    fn from(error: RekeyError) -> Failure {
        match error {
            RekeyError::OtherRoot
            | RekeyError::SameGeneration
            | RekeyError::OldKeyOfOthers { .. }
            | RekeyError::NewKeyOfOthers { .. } => Failure::configuration(error),
            RekeyError::Log(error) => error.into(),
            error => Failure::input(error),
        }
    }
}
