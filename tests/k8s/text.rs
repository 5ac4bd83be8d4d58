//! Looks into text files without knowing their formats: the objects themselves are checked elsewhere.

use std::path::{Path, PathBuf};

/// What follows `mark` on each line that has it.
pub fn after(text: &str, mark: &str) -> Vec<String> {
    let found = text.lines().filter_map(|line| line.split_once(mark));
    found.map(|(_, rest)| rest.trim().to_owned()).collect()
}

/// The values of a key, wherever it stands.
pub fn values<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = String> + 'a {
    let lines = text.lines().map(|line| line.trim().trim_start_matches("- "));
    lines.filter_map(move |line| line.strip_prefix(key)?.strip_prefix(": ").map(str::to_owned))
}

/// Every file below a folder whose name ends so, with its text.
pub fn files(folder: &Path, extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if path.extension().is_some_and(|end| extensions.iter().any(|wanted| end == *wanted)) {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found.sort();
    found
}
