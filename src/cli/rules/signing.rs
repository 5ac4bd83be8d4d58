//! `rules keygen` and `rules sign`: who may release rules, and that they did.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use zeroize::Zeroizing;

use super::bundle_of;
use crate::cli::run::Profile;
use crate::cli::{Exit, Failure};
use crate::codec::signing::{KeyFile, Released, SignatureFile};

/// Make a key pair that can sign rule releases.
#[derive(Debug, Args)]
#[command(
    after_help = "Writes the private key to a new file that only you can read, and prints the entry for \
    `rules.signing_keys`. Keep the file away from the machines that decide."
)]
pub struct KeygenArguments {
    /// Id under which the public key is registered
    #[arg(long, value_name = "ID")]
    id: String,
    /// New file for the private key
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Sign a rule bundle, detached.
#[derive(Debug, Args)]
#[command(
    after_help = "The signature is over the institution, the canonical bundle text as `rules check --bundle` \
    prints it, and the reason of a rollback: it releases this bundle there, and brings it back only if it \
    says so."
)]
pub struct SignArguments {
    /// Private key, made by `rules keygen`
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Rules folder, or file with a canonical bundle [default: the built-in rules]
    #[arg(long, value_name = "DIR|FILE")]
    bundle: Option<PathBuf>,
    /// Operating point of a folder's rules; a canonical bundle has its own
    #[arg(long, value_enum, default_value_t = Profile::Strict)]
    profile: Profile,
    /// The institution at which it may begin: `institution` of its configuration
    #[arg(long, value_name = "NAME")]
    institution: String,
    /// Sign a rollback, for this reason; without it the signature is for a step forward
    #[arg(long, value_name = "REASON")]
    rollback: Option<String>,
    /// File for the signature [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// # Errors
/// Exit 2 when the file exists or cannot be written.
pub fn keygen(arguments: &KeygenArguments) -> Result<Exit, Failure> {
    let id = &arguments.id;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
        return Err(Failure::usage(anyhow!(
            "`{id}` is no id; use letters, digits, `.`, `_` and `-`, 64 at most"
        )));
    }
    let key = KeyFile::generate(id).map_err(Failure::unreachable)?;
    let public = key.public().map_err(Failure::unreachable)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&arguments.out)
        .with_context(|| format!("{} cannot be made", arguments.out.display()))
        .map_err(Failure::usage)?;
    file.write_all(key.text().as_bytes()).map_err(Failure::unreachable)?;
    eprintln!("the private key is in {}; only its owner can read it", arguments.out.display());
    println!(
        "{{ id = \"{id}\", public_key = \"{public}\", valid_from = \"2026-01-01T00:00:00+08:00\", \
         valid_to = \"2027-01-01T00:00:00+08:00\" }}"
    );
    eprintln!("put that line into rules.signing_keys and set its two times");
    Ok(Exit::Done)
}

/// # Errors
/// Exit 3 when the key or bundle cannot be used, 2 when the signature cannot be written.
pub fn sign(arguments: &SignArguments) -> Result<Exit, Failure> {
    let bundle = bundle_of(arguments.bundle.as_deref(), arguments.profile.into())?;
    let released = Released {
        institution: &arguments.institution,
        rollback: arguments.rollback.as_deref(),
        bundle: &bundle,
    };
    let signature = signed(&arguments.key, &released)?;
    match &arguments.out {
        None => print!("{}", signature.text()),
        Some(out) => std::fs::write(out, signature.text())
            .with_context(|| format!("{} cannot be written", out.display()))
            .map_err(Failure::usage)?,
    }
    eprintln!("signed the bundle with sha256 {} by `{}`", signature.sha256, signature.key);
    Ok(Exit::Done)
}

/// Signs with the key in a file.
///
/// # Errors
/// Exit 3 when the file holds no key.
pub fn signed(path: &Path, released: &Released<'_>) -> Result<SignatureFile, Failure> {
    let unusable = |error: anyhow::Error| Failure::configuration(error.context(path.display().to_string()));
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| unusable(error.into()))?;
    let key = KeyFile::parse(&text).map_err(|error| unusable(error.into()))?;
    key.sign(released).map_err(|error| unusable(error.into()))
}

/// Reads a signature file.
///
/// # Errors
/// Exit 3 when it holds none.
pub fn signature(path: &Path) -> Result<SignatureFile, Failure> {
    let unusable = |error: anyhow::Error| Failure::configuration(error.context(path.display().to_string()));
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.into()))?;
    SignatureFile::parse(&text).map_err(|error| unusable(error.into()))
}
