//! The journal of accesses: one line each, every line bound to all before it.
//!
//! ```text
//! {"about":"<token>","at":"<RFC 3339>","case":"..","purpose":"..","previous":"<digest>","digest":"<digest>"}
//! ```
//! The digest is SHA-256 over the line without `digest`; the first line's `previous` is 64 zeros.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cli::Failure;
use crate::codec::hex::hex;
use crate::codec::output::rfc3339;
use crate::config::bundle::canonical;
use crate::engine::base::{TimeMs, Token};

/// One access.
pub(super) struct Access<'a> {
    pub at: TimeMs,
    pub purpose: &'a str,
    pub case: &'a str,
    /// Never the reference itself.
    pub about: Token,
}

/// Adds a line and forces it to disk; false, and nothing is added, when the chain before it is broken.
pub(super) fn append(path: &Path, access: &Access<'_>) -> Result<bool, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(Failure::usage(
                anyhow::Error::new(error).context(format!("cannot read {}", path.display())),
            ));
        }
    };
    let Some(previous) = last_of(&text) else { return Ok(false) };
    let line = line(&previous, access);
    let add = || -> anyhow::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        file.write_all(line.as_bytes())?;
        Ok(file.sync_all()?)
    };
    add().with_context(|| format!("cannot write {}", path.display())).map_err(Failure::usage)?;
    Ok(true)
}

fn line(previous: &str, access: &Access<'_>) -> String {
    let mut line = json!({
        "about": format!("{:?}", access.about),
        "at": rfc3339(access.at, 480),
        "case": access.case,
        "previous": previous,
        "purpose": access.purpose,
    });
    line["digest"] = json!(digest(&line));
    format!("{}\n", canonical(&line))
}

fn digest(line: &Value) -> String {
    hex(&Sha256::digest(canonical(line)))
}

/// The digest of the last line; `None` when a line is not what it was, or one is missing.
fn last_of(text: &str) -> Option<String> {
    let mut previous = "0".repeat(64);
    for line in text.lines() {
        let mut value: Value = serde_json::from_str(line).ok()?;
        let told = value.as_object_mut()?.remove("digest")?;
        if value.get("previous")?.as_str()? != previous || told.as_str()? != digest(&value) {
            return None;
        }
        told.as_str()?.clone_into(&mut previous);
    }
    Some(previous)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(case: &str) -> Access<'_> {
        Access { at: TimeMs(1_780_000_000_000), purpose: "subject_access", case, about: Token(7) }
    }

    #[test]
    fn every_line_is_bound_to_those_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.ndjson");
        for case in ["1", "2", "3"] {
            assert!(append(&path, &access(case)).unwrap());
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 3);
        let lines: Vec<&str> = text.lines().collect();
        let changed = [
            text.replace(r#""case":"2""#, r#""case":"9""#),
            format!("{}\n{}\n", lines[0], lines[2]),
            format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]),
            format!("{text}x\n"),
        ];
        for broken in changed {
            std::fs::write(&path, &broken).unwrap();
            assert!(!append(&path, &access("4")).unwrap(), "{broken}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), broken, "nothing is added");
        }
    }
}
