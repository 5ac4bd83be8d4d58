//! The inputs and rules that a command is given: mappings by name or file, bundles by folder.

use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::Failure;
use crate::codec::manifest::hex;
use crate::config::bundle;

/// The institution that a file run is of. Outputs name it; nothing joins two (DESIGN D4).
pub const INSTITUTION: &str = "bank_0";

/// A rule bundle that compiles.
#[derive(Clone, Debug)]
pub struct Rules {
    pub bundle: String,
    pub sha256: String,
}

/// The embedded bundle, or that of a folder.
///
/// # Errors
/// `Configuration` with everything that is wrong with it.
pub fn rules(folder: Option<&Path>) -> Result<Rules, Failure> {
    let checked = match folder {
        Some(folder) => bundle::check_dir(folder).with_context(|| format!("--rules {}", folder.display())),
        None => bundle::check_embedded().context("the embedded rules"),
    };
    checked.map_err(Failure::configuration)?;
    let text = folder.map_or_else(bundle::embedded, bundle::from_dir).map_err(Failure::configuration)?;
    let sha256 = hex(&Sha256::digest(text.as_bytes()));
    Ok(Rules { bundle: text, sha256 })
}
