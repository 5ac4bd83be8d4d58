//! `duecourse keys`: keys of a deployment that have generations, and how one ends.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use super::{Exit, Failure};
use crate::codec::hex::hex;
use crate::codec::keys::generation::{self, GenerationKey};
use crate::codec::keys::{KeyError, KeyFile, KeyProvider as _, Keys};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

/// Keys of a deployment: a root, and a key for each generation of the facts.
#[derive(Debug, Subcommand)]
enum What {
    /// Make the key of a new deployment's first generation
    New(NewArguments),
    /// Make the key of the next generation, for `rekey`; the old one stays as it is
    Next(NextArguments),
    /// Destroy the key of a finished generation: its tokens and references can be tied to nobody any more
    ///
    /// The file is overwritten and says from then on that its key was destroyed. Copies of it, and what a
    /// file system or disk keeps of old blocks, must be destroyed by whoever keeps them.
    Destroy(DestroyArguments),
}

#[derive(Debug, Args)]
struct NewArguments {
    /// File to write; readable by its owner alone
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The deployment's facts partitions (kafka.facts_partitions): no later generation can have another number
    #[arg(long, value_name = "N", default_value = "1")]
    partitions: NonZeroU32,
}

#[derive(Debug, Args)]
struct NextArguments {
    /// The present key: with generations, or 64 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// File to write; readable by its owner alone
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The deployment's facts partitions (kafka.facts_partitions) [default: as the present key says; 1 where it has
    /// no generations]
    #[arg(long, value_name = "N")]
    partitions: Option<NonZeroU32>,
}

#[derive(Debug, Args)]
struct DestroyArguments {
    /// The key of the finished generation
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The key of a later generation: destroying is refused without one that has the same root
    #[arg(long, value_name = "FILE")]
    next: PathBuf,
}

/// # Errors
/// Exit 2 when a file cannot be made, 3 when a key cannot be used.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.what {
        What::New(arguments) => {
            let (root, key) = (random()?, random()?);
            write_new(&arguments.out, &root, &GenerationKey::new(1, *key).over(arguments.partitions))
        }
        What::Next(arguments) => next(&arguments),
        What::Destroy(arguments) => destroy(&arguments),
    }
}

fn random() -> Result<Zeroizing<[u8; 32]>, Failure> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).map_err(|error| Failure::unreachable(anyhow!("no random bytes: {error}")))?;
    Ok(key)
}

fn next(arguments: &NextArguments) -> Result<Exit, Failure> {
    let file = KeyFile(&arguments.key);
    let root = file.master().map_err(Failure::configuration)?;
    let own = file.generation().map_err(Failure::configuration)?;
    let keeps = own.as_ref().map(GenerationKey::partitions);
    let partitions = arguments.partitions.or(keeps).unwrap_or(NonZeroU32::MIN);
    if let Some(keeps) = keeps.filter(|keeps| *keeps != partitions) {
        return Err(Failure::configuration(anyhow!(
            "{} was made for facts partitions: {keeps}. Subjects stay in theirs from one generation to the next, so \
             the next key is for as many",
            arguments.key.display()
        )));
    }
    if own.is_none() {
        eprintln!(
            "note: {} has no generation key of its own: its tokens stay within reach of the root until its facts are deleted",
            arguments.key.display()
        );
    }
    let number = own.map_or(1, |own| own.number()).saturating_add(1);
    write_new(&arguments.out, &root, &GenerationKey::new(number, *random()?).over(partitions))
}

fn write_new(out: &Path, root: &[u8; 32], own: &GenerationKey) -> Result<Exit, Failure> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .with_context(|| format!("{} cannot be made", out.display()))
        .map_err(Failure::usage)?;
    file.write_all(generation::text(root, own).as_bytes()).map_err(Failure::unreachable)?;
    file.sync_all().map_err(Failure::unreachable)?;
    let check = hex(&Keys::of_generation(root, own).check());
    println!("{} generation {} partitions {} check {check}", out.display(), own.number(), own.partitions());
    Ok(Exit::Done)
}

fn destroy(arguments: &DestroyArguments) -> Result<Exit, Failure> {
    let keys = |path: &Path| Keys::from_provider(&KeyFile(path));
    let old = match keys(&arguments.key) {
        Err(KeyError::Destroyed) => {
            println!("{} was destroyed before", arguments.key.display());
            return Ok(Exit::Done);
        }
        old => old.map_err(Failure::configuration)?,
    };
    let next = keys(&arguments.next).map_err(Failure::configuration)?;
    let own = KeyFile(&arguments.key).generation().map_err(Failure::configuration)?;
    let Some(own) = own else {
        return Err(Failure::configuration(anyhow!(
            "{} has no generation key of its own, and its root lives on in every later one: delete its facts instead",
            arguments.key.display()
        )));
    };
    if !old.has_root_of(&next) || next.generation() <= own.number() {
        return Err(Failure::configuration(anyhow!(
            "{} is no later generation of the same root: with this key gone nothing could go on",
            arguments.next.display()
        )));
    }
    overwrite(&arguments.key, own.number())
        .with_context(|| format!("{} cannot be overwritten", arguments.key.display()))
        .map_err(Failure::usage)?;
    println!("{} generation {} destroyed", arguments.key.display(), own.number());
    Ok(Exit::Done)
}

/// In place, so that the bytes of the key do not stay behind in the file; the root goes with it, since later
/// generations keep theirs.
fn overwrite(path: &Path, number: u32) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let length = file.metadata()?.len();
    let blank = vec![b'0'; usize::try_from(length).unwrap_or(0)];
    file.write_all(&blank)?;
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let gone = generation::DESTROYED;
    let text = format!("duecourse-keys 2\nroot {}\ngeneration {number} {gone}\n", "0".repeat(64));
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}
