//! `token`: identifiers to tokens. Whoever can do this can join outputs with people, so each use is
//! recorded before it answers (DESIGN D5, D33).

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::keys::load_keys;
use super::{Exit, Failure};
use crate::codec::hex::{hex, token_hex};
use crate::engine::subject::SubjectKind;

/// Tokens of identifiers read from standard input, one a line. A recorded look-up.
#[derive(Debug, Args)]
#[command(after_help = "Example:  echo A009486 | duecourse token --kind account\n\n\
    Each use appends a line to the audit file before anything is printed: when, which kind, how many, \
    which key; never the identifiers. Without a line in that file there is no answer.")]
pub struct Arguments {
    /// What the identifiers name: holder, account, phone_card, iot_card, opening, device, agent,
    /// outlet, terminal, phone_number
    #[arg(long, value_name = "K", value_parser = parse_kind)]
    kind: SubjectKind,
    /// File of the master key, 64 hexadecimal digits [default: the fixed development key]
    #[arg(long, value_name = "F")]
    key: Option<PathBuf>,
    /// The case this look-up belongs to; recorded
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
    /// Where look-ups are recorded
    #[arg(long, value_name = "F", default_value = "duecourse-look-ups.ndjson")]
    audit: PathBuf,
}

fn parse_kind(name: &str) -> Result<SubjectKind, String> {
    SubjectKind::from_name(name).ok_or_else(|| {
        let known = SubjectKind::ALL.map(SubjectKind::name).join(", ");
        format!("one of {known}")
    })
}

/// One recorded look-up. Lines are chained, so that one taken out is noticed.
#[derive(Serialize)]
struct LookUp<'a> {
    /// SHA-256 of the line before, or of nothing.
    previous: String,
    at: String,
    user: String,
    kind: &'a str,
    count: usize,
    key_check: String,
    case: Option<&'a str>,
}

/// Does it.
///
/// # Errors
/// `Configuration` for the key, `InputUnreadable` for standard input, `Unreachable` when the look-up
/// cannot be recorded.
pub fn execute(arguments: Arguments) -> Result<Exit, Failure> {
    let keys = load_keys(arguments.key.as_deref())?;
    let ids: Vec<String> = std::io::stdin()
        .lock()
        .lines()
        .collect::<Result<_, _>>()
        .context("cannot read identifiers from standard input")
        .map_err(Failure::input)?;
    let ids: Vec<&str> = ids.iter().map(|id| id.trim_end_matches('\r')).filter(|id| !id.is_empty()).collect();
    let look_up = LookUp {
        previous: String::new(),
        at: jiff::Timestamp::now().to_string(),
        user: std::env::var("USER").unwrap_or_default(),
        kind: arguments.kind.name(),
        count: ids.len(),
        key_check: hex(&keys.check()),
        case: arguments.case.as_deref(),
    };
    record(&arguments.audit, look_up)
        .with_context(|| {
            format!("the look-up cannot be recorded in {}, so it is not done", arguments.audit.display())
        })
        .map_err(Failure::unreachable)?;
    let mut out = std::io::stdout().lock();
    for id in ids {
        writeln!(out, "{}", token_hex(keys.token(arguments.kind, id))).map_err(Failure::unreachable)?;
    }
    eprintln!("recorded in {}", arguments.audit.display());
    Ok(Exit::Done)
}

fn record(path: &Path, look_up: LookUp<'_>) -> anyhow::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).read(true).append(true).open(path)?;
    file.lock()?;
    let text = std::fs::read_to_string(path)?;
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(anyhow!("its last line is not whole"));
    }
    let previous = hex(&Sha256::digest(text.lines().next_back().unwrap_or("").as_bytes()));
    let mut line = serde_json::to_vec(&LookUp { previous, ..look_up })?;
    line.push(b'\n');
    file.write_all(&line)?;
    Ok(file.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_up(count: usize) -> LookUp<'static> {
        LookUp {
            previous: String::new(),
            at: "t".to_owned(),
            user: "u".to_owned(),
            kind: "account",
            count,
            key_check: "00".to_owned(),
            case: None,
        }
    }

    #[test]
    fn each_look_up_names_the_digest_of_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.ndjson");
        record(&path, look_up(1)).unwrap();
        record(&path, look_up(2)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let second: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
        assert_eq!(second["previous"], hex(&Sha256::digest(lines[0].as_bytes())));
        assert_eq!(second["count"], 2);
    }

    #[test]
    fn a_torn_audit_file_stops_look_ups() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.ndjson");
        std::fs::write(&path, "{\"previous\":").unwrap();
        assert!(record(&path, look_up(1)).is_err());
    }
}
