//! TOML files to the canonical bundle text.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::files::Kind;
use super::{BundleError, Problem, Problems, Profile, SCHEMA};
use crate::config::nearest::plain;

/// The folders of a bundle; each holds `*.toml` files.
pub(super) const FOLDERS: [&str; 7] =
    ["leads", "limits", "lives", "notices", "protections", "rules", "signals"];

/// The files beside them.
const FILES: [&str; 3] = ["calendar.toml", "retention.toml", "settings.toml"];

/// What folders of before there was such a part do not have: nothing is referred then, measures expire and
/// that is all, and nothing but logs, standings and measures has a term.
const LATER: [&str; 3] = ["leads", "lives", "retention.toml"];

/// Whether a part that could not be read is one that an older folder simply lacks.
fn is_lacking(part: &str, error: &std::io::Error) -> bool {
    LATER.contains(&part) && error.kind() == std::io::ErrorKind::NotFound
}

/// All files of a bundle below `dir`, as (path below it, text).
pub(super) fn read_dir(dir: &Path) -> Result<Vec<(String, String)>, BundleError> {
    let mut problems = Problems::default();
    let mut files = Vec::new();
    let mut read = |path: String, problems: &mut Problems| match std::fs::read_to_string(dir.join(&path)) {
        Ok(text) => files.push((path, text)),
        Err(error) if is_lacking(&path, &error) => {}
        Err(error) => problems.add(
            &path,
            "",
            format!("cannot be read ({error}); a rules folder is laid out like `config/`"),
        ),
    };
    FILES.iter().for_each(|file| read((*file).to_owned(), &mut problems));
    for folder in FOLDERS {
        match names(&dir.join(folder)) {
            Ok(names) => names.iter().for_each(|name| read(format!("{folder}/{name}"), &mut problems)),
            Err(error) if is_lacking(folder, &error) => {}
            Err(error) => problems.add(
                folder,
                "",
                format!("this folder cannot be read ({error}); a rules folder is laid out like `config/`"),
            ),
        }
    }
    problems.into_result()?;
    Ok(files)
}

/// Names of the TOML files in a folder, sorted.
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".toml") && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Checks the shape of each file and writes the canonical text: keys sorted, no white space.
pub(super) fn gather(
    files: impl IntoIterator<Item = (String, String)>,
    profile: Profile,
) -> Result<String, BundleError> {
    let mut problems = Problems::default();
    let mut tables: BTreeMap<String, Value> = BTreeMap::new();
    for (path, text) in files {
        match table(&path, &text) {
            Ok(value) => drop(tables.insert(path, value)),
            Err(problem) => problems.0.push(*problem),
        }
    }
    problems.into_result()?;
    Ok(canonical(&json!({ "schema": SCHEMA, "profile": profile.name(), "files": tables })))
}

fn table(path: &str, text: &str) -> Result<Value, Box<Problem>> {
    let problem =
        |line: Option<usize>, message: String| Box::new(Problem { line, ..Problem::new(path, "", message) });
    let Some(kind) = Kind::of(path) else {
        return Err(problem(
            None,
            "nothing of a bundle belongs here; notices has reasons, bases, measures, remedies and channels"
                .to_owned(),
        ));
    };
    let placed = |error: &toml::de::Error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map(|before| before.matches('\n').count() + 1);
        problem(line, plain(error.message()))
    };
    kind.shape(text).map_err(|error| placed(&error))?;
    let table: toml::Table = toml::from_str(text).map_err(|error| placed(&error))?;
    serde_json::to_value(table).map_err(|error| problem(None, error.to_string()))
}

/// One text for one value: object keys in byte order, whatever order the map type keeps.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            let parts: Vec<String> = sorted
                .into_iter()
                .map(|(key, value)| format!("{}:{}", json!(key), canonical(value)))
                .collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(values) => {
            format!("[{}]", values.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        scalar => scalar.to_string(),
    }
}
