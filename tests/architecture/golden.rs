//! Every rule, limit and protection that ships has a golden scenario: proof and documentation in one.

use std::path::Path;

/// Rules, limits and protections under `config/` without a scenario under `tests/golden/`.
pub fn missing() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scenarios = Vec::new();
    texts(&root.join("tests/golden"), &mut scenarios);
    let mut complaints = Vec::new();
    for folder in ["rules", "limits", "protections"] {
        let mut shipped = Vec::new();
        texts(&root.join("config").join(folder), &mut shipped);
        assert!(!shipped.is_empty(), "no {folder} were found");
        let ids: Vec<String> = shipped.into_iter().map(|(stem, _)| stem).collect();
        complaints.extend(
            without_scenario(&ids, &scenarios).into_iter().map(|id| format!("config/{folder}/{id}.toml")),
        );
    }
    complaints
}

/// Ids that no scenario is named after or speaks of as a whole word.
fn without_scenario(ids: &[String], scenarios: &[(String, String)]) -> Vec<String> {
    let part_of_id = |letter: char| letter.is_alphanumeric() || letter == '_';
    let speaks_of = |text: &str, id: &str| text.split(|letter| !part_of_id(letter)).any(|word| word == id);
    let covered = |id: &str| scenarios.iter().any(|(stem, text)| stem == id || speaks_of(text, id));
    ids.iter().filter(|id| !covered(id)).cloned().collect()
}

/// Stem and text of every file in a folder and the folders in it.
fn texts(folder: &Path, found: &mut Vec<(String, String)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, found);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            found.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), text));
        }
    }
    found.sort();
}

#[test]
fn a_rule_without_scenario_is_found() {
    let ids = ["fan_in".to_owned(), "fan_out".to_owned(), "fan".to_owned()];
    let scenarios = [
        ("fan_in".to_owned(), String::new()),
        ("other".to_owned(), "expect: rule fan_out, measure x".to_owned()),
    ];
    assert_eq!(without_scenario(&ids, &scenarios), ["fan"]);
    assert_eq!(without_scenario(&ids, &[]).len(), 3);
}
