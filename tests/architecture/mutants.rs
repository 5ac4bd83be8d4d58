//! `scripts/mutation-check` puts wrong boundaries into the sources; each is still a boundary that is there.

use std::path::Path;

const SCRIPT: &str = "scripts/mutation-check";

/// Mutants whose text stands nowhere in their file, which would be tried no more.
pub fn stale() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = std::fs::read_to_string(root.join(SCRIPT)).unwrap();
    let table =
        script.split_once("<<'TABLE'\n").and_then(|(_, rest)| rest.split_once("\nTABLE\n")).unwrap().0;
    assert!(table.lines().count() >= 10, "{SCRIPT} has a table of at least ten mutants");
    table
        .lines()
        .filter_map(|row| complaint(row, |file| std::fs::read_to_string(root.join(file)).ok()))
        .collect()
}

/// What is wrong with a row `name | file | what is there | what is put there | test`, in which `\|` is a `|`.
fn complaint(row: &str, source: impl Fn(&str) -> Option<String>) -> Option<String> {
    let row = row.replace("\\|", "\u{1}");
    let fields: Vec<String> = row.split('|').map(|field| field.replace('\u{1}', "|")).collect();
    let [name, file, there, put, _] = fields.as_slice() else {
        return Some(format!("not five fields: {row}"));
    };
    match source(file) {
        None => Some(format!("{name}: {file} is not there")),
        Some(text) if !text.contains(there) => Some(format!("{name}: {file} has no `{there}`")),
        Some(_) if there == put => Some(format!("{name}: changes nothing")),
        Some(_) => None,
    }
}

#[test]
fn a_mutant_that_is_not_there_is_seen() {
    let source = |file: &str| (file == "a.rs").then(|| "if a || b > c {".to_owned());
    assert_eq!(complaint("closed|a.rs|b > c|b >= c|lib", source), None);
    assert_eq!(complaint(r"either|a.rs|a \|\| b|a && b|lib", source), None);
    assert!(complaint("gone|a.rs|b < c|b <= c|lib", source).is_some());
    assert!(complaint("moved|b.rs|b > c|b >= c|lib", source).is_some());
    assert!(complaint("same|a.rs|b > c|b > c|lib", source).is_some());
    assert!(complaint("short|a.rs|b > c", source).is_some());
}
