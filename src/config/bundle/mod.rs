//! The bundle: everything dated, declared or worded that decisions depend on, as one canonical text.
//!
//! `config/{signals,rules,limits,protections,lives,leads,notices}/*.toml`, `config/calendar.toml`,
//! `config/retention.toml` and `config/settings.toml` are gathered into one JSON document with sorted keys; that text is what an
//! activation fact carries (D28), so the same log always decides the same. `compile` turns it into a
//! `RuleSet` and refuses whatever could not be decided, explained or told to a person.
//!
//! ```text
//! {"files":{"limits/a.toml":{..},"rules/b.toml":{..},..},"profile":"strict","schema":"duecourse.bundle/2"}
//! ```

mod authority_lives;
mod calendar;
mod condition;
mod dated;
mod embedded;
mod examples;
mod figures;
mod files;
mod findings;
mod flow_limits;
mod gather;
mod harm;
mod leads;
mod life_words;
mod limits;
mod listing;
mod lives;
mod lives_page;
mod load;
mod locate;
mod made;
mod measure_lives;
mod notices;
mod profile;
mod protections;
mod purposes;
mod retention;
mod rules;
mod settings;
mod signals;
mod triggers;
mod values;
mod verifying;

#[cfg(test)]
mod tests;

pub use dated::{DatedFigure, dated_figures, figures_table};
pub use examples::Example;
pub use findings::{Finding, Found, findings};
pub(crate) use gather::canonical;
pub use listing::signal_listing;
pub use lives_page::lives_page;
pub use load::{Checked, Loader, semantics_asked};
pub(crate) use locate::line_of;
pub use profile::Profile;
pub use purposes::{Relabelled, lane_use, relabel};
pub use retention::{Term, table as retention_table, terms as retention_terms};
pub(crate) use values::{span, standing, written, zone};

use std::fmt;
use std::path::Path;

use crate::engine::ruleset::RuleSet;

/// The form of the bundle text that this program writes and reads.
pub const SCHEMA: &str = "duecourse.bundle/2";

/// One thing wrong with a file of the bundle, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path below the rules folder, such as `rules/pass_through.toml`; empty for the text itself.
    pub file: String,
    /// Dotted path of the key inside the file; empty when it is about the whole file.
    pub key: String,
    /// Line in the file, from 1, where it could be found.
    pub line: Option<usize>,
    /// Column in that line, from 1, where it is about one place of a condition.
    pub column: Option<usize>,
    /// Line and column within the text at `key`, from 1, while its place in the file is not known.
    pub within: Option<(usize, usize)>,
    pub message: String,
}

impl Problem {
    fn new(file: &str, key: &str, message: impl Into<String>) -> Problem {
        let (file, key, message) = (file.to_owned(), key.to_owned(), message.into());
        Problem { file, key, line: None, column: None, within: None, message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.file.is_empty() { "bundle" } else { &self.file })?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        if let Some((line, column)) = self.within {
            write!(f, ": line {line}, column {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything wrong with a bundle; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleError {
    pub problems: Vec<Problem>,
}

impl std::error::Error for BundleError {}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rules do not load; {} to mend", self.problems.len())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// Collects problems, so that one run names all of them.
#[derive(Debug, Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, file: &str, key: &str, message: impl Into<String>) {
        self.0.push(Problem::new(file, key, message));
    }

    /// The same at a place within the text at `key`, if it is known.
    fn add_within(
        &mut self,
        file: &str,
        key: &str,
        within: Option<(usize, usize)>,
        message: impl Into<String>,
    ) {
        self.0.push(Problem { within, ..Problem::new(file, key, message) });
    }

    fn into_result(self) -> Result<(), BundleError> {
        if self.0.is_empty() { Ok(()) } else { Err(BundleError { problems: self.0 }) }
    }
}

/// The bundle that this program was built with.
///
/// # Errors
/// When the shipped files do not parse; a test holds them to it.
pub fn embedded(profile: Profile) -> Result<String, BundleError> {
    let files = embedded::FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    gather::gather(files, profile)
}

/// The bundle of a folder laid out like `config/`.
///
/// # Errors
/// Files that cannot be read or parsed, each with its line.
pub fn from_dir(dir: &Path, profile: Profile) -> Result<String, BundleError> {
    gather::gather(gather::read_dir(dir)?, profile)
}

/// The operating point that a bundle text was made for, if it says.
#[must_use]
pub fn profile_of(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Head {
        profile: Option<String>,
    }
    serde_json::from_str::<Head>(text).ok()?.profile
}

/// Compiles a bundle text into a rule set.
///
/// # Errors
/// Everything that must not load, each with its file, key and what to do.
pub fn compile(text: &str) -> Result<RuleSet, BundleError> {
    load::check(text).map(|checked| checked.rule_set)
}

/// Compiles a bundle text and keeps what a person should know besides: warnings and relabellings.
///
/// # Errors
/// As `compile`.
pub fn check(text: &str) -> Result<Checked, BundleError> {
    load::check(text)
}

/// Checks a folder; problems name the line in its files.
///
/// # Errors
/// As `from_dir` and `compile`.
pub fn check_dir(dir: &Path, profile: Profile) -> Result<Checked, BundleError> {
    let text = from_dir(dir, profile)?;
    load::check(&text)
        .map_err(|error| locate::with_lines(error, |file| std::fs::read_to_string(dir.join(file)).ok()))
}

/// Checks the embedded bundle; problems name the line in the files it was built from.
///
/// # Errors
/// As `compile`.
pub fn check_embedded(profile: Profile) -> Result<Checked, BundleError> {
    let text = embedded(profile)?;
    load::check(&text).map_err(|error| {
        locate::with_lines(error, |file| {
            embedded::FILES.iter().find(|(path, _)| *path == file).map(|(_, text)| (*text).to_owned())
        })
    })
}

/// The file and line of a rule, limit, protection, lead or signal of a bundle: of the embedded one, or of a folder's.
#[must_use]
pub fn place_of(about: &str, dir: Option<&Path>, paths: &[String]) -> Option<(String, usize)> {
    let text = |path: &str| match dir {
        Some(dir) => std::fs::read_to_string(dir.join(path)).ok(),
        None => embedded::FILES.iter().find(|(known, _)| *known == path).map(|(_, text)| (*text).to_owned()),
    };
    for folder in ["rules", "limits", "protections", "leads"] {
        let path = format!("{folder}/{about}.toml");
        if paths.contains(&path) {
            let line = text(&path).and_then(|text| line_of(&text, "condition"));
            return Some((path, line.unwrap_or(1)));
        }
    }
    let signals = paths.iter().filter(|path| path.starts_with("signals/"));
    signals.filter_map(|path| Some((path.clone(), declared_at(&text(path)?, about)?))).next()
}

/// The line of a table in a file, from 1; `None` when it has none of that name.
fn declared_at(text: &str, table: &str) -> Option<usize> {
    let header = format!("[{table}]");
    text.lines().position(|line| line.trim_end() == header).map(|place| place + 1)
}
