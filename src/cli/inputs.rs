//! The inputs and rules that a command is given: mappings by name or file, bundles by folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use sha2::{Digest, Sha256};

use super::Failure;
use super::judge::{FileJudge, TABLE_ACCOUNTS};
use crate::codec::hex::hex;
use crate::codec::keys::Keys;
use crate::config::Config;
use crate::config::bundle::{self, Checked, Profile};
use crate::config::source::{Format, SourceMapping};
use crate::intake::classify::{TABLE_EVENTS, TABLE_FEEDBACK};
use crate::intake::files::{Files, FilesError, InputFiles};
use crate::intake::lines::Lines;

/// The institution that a file run is of, unless it says another: that of the default configuration.
/// Outputs name it; nothing joins two (DESIGN D4).
///
/// # Errors
/// `Configuration` when the defaults do not load, which a test excludes.
pub fn default_institution() -> Result<String, Failure> {
    Ok(Config::load(None, &[]).map_err(Failure::configuration)?.institution)
}

/// A rule bundle that compiles.
#[derive(Clone, Debug)]
pub struct Rules {
    pub bundle: String,
    pub sha256: String,
    /// What whoever decides by it is told first (`warnings`).
    pub warnings: Vec<String>,
}

/// The lines on what loads and deserves a look, such as figures that are in force and not established.
#[must_use]
pub fn warnings(checked: &Checked) -> Vec<String> {
    checked.warnings.iter().map(|warning| format!("warning: {warning}")).collect()
}

/// The embedded bundle, or that of a folder, at an operating point.
///
/// # Errors
/// `Configuration` with everything that is wrong with it.
pub fn rules(folder: Option<&Path>, profile: Profile) -> Result<Rules, Failure> {
    let checked = match folder {
        Some(folder) => {
            bundle::check_dir(folder, profile).with_context(|| format!("--rules {}", folder.display()))
        }
        None => bundle::check_embedded(profile).context("the embedded rules"),
    };
    let warnings = warnings(&checked.map_err(Failure::configuration)?);
    let text = folder
        .map_or_else(|| bundle::embedded(profile), |folder| bundle::from_dir(folder, profile))
        .map_err(Failure::configuration)?;
    let sha256 = hex(&Sha256::digest(text.as_bytes()));
    Ok(Rules { bundle: text, sha256, warnings })
}

/// Files of events and how to read them.
pub struct Inputs {
    /// The mapping's own name: that of the source in the log.
    pub source_name: String,
    pub source_sha256: String,
    pub institution: String,
    mapping: Arc<SourceMapping>,
    files: InputFiles,
}

impl Inputs {
    /// Loads the mapping; the files are opened later.
    ///
    /// # Errors
    /// `Configuration` when the mapping does not load, `Usage` when it has no use for a file.
    pub fn new(
        source: &str,
        institution: &str,
        rows: &[PathBuf],
        accounts: &Option<PathBuf>,
        feedback: &Option<PathBuf>,
    ) -> Result<Inputs, Failure> {
        let mapping = SourceMapping::load(source).map_err(Failure::configuration)?;
        for (flag, table, file) in
            [("--accounts", "accounts", accounts), ("--feedback", "feedback", feedback)]
        {
            if file.is_some() && mapping.table(table).is_none() {
                return Err(Failure::usage(anyhow!("{flag}: the source `{source}` maps no table `{table}`")));
            }
        }
        let files = InputFiles {
            rows: rows.to_vec(),
            accounts: accounts.clone(),
            feedback: feedback.clone(),
            rows_have_header: mapping.format == Format::Csv,
        };
        // A shipped mapping is known by its name and the program's version.
        let text = std::fs::read_to_string(source).unwrap_or_else(|_| source.to_owned());
        Ok(Inputs {
            institution: institution.to_owned(),
            source_name: mapping.name.clone(),
            source_sha256: hex(&Sha256::digest(text.as_bytes())),
            mapping: Arc::new(mapping),
            files,
        })
    }

    /// How many `--input` files there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.files.rows.len() as u32
    }

    /// What says what lines mean.
    #[must_use]
    pub fn judge(&self, keys: &Arc<Keys>) -> FileJudge {
        FileJudge::new(&self.mapping, &self.institution, keys, self.files.rows.len())
    }

    /// Opens the files and reads their headers.
    ///
    /// # Errors
    /// `InputUnreadable` when one cannot be read or its header does not fit the source.
    pub fn open(&self, keys: &Arc<Keys>) -> Result<Files<FileJudge>, Failure> {
        Files::open(&self.files, self.judge(keys)).map_err(|error| match error {
            FilesError::Header { path, .. } => {
                let why = self.header_fault(&path).unwrap_or_default();
                Failure::input(anyhow!("{}: {why}", path.display()))
            }
            FilesError::Unreadable(error) => Failure::input(error),
        })
    }

    /// What is wrong with a file's header, in words; the reader knows only that something is.
    fn header_fault(&self, path: &Path) -> Option<String> {
        let table = match path {
            path if self.files.accounts.as_deref() == Some(path) => TABLE_ACCOUNTS,
            path if self.files.feedback.as_deref() == Some(path) => TABLE_FEEDBACK,
            _ => TABLE_EVENTS,
        };
        let mut lines = Lines::open(path).ok()?;
        lines.advance().ok()?;
        let header = std::str::from_utf8(lines.bytes()).ok()?;
        self.mapping.table(table)?.columns(header).err().map(|fault| fault.to_string())
    }
}
