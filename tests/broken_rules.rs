//! Broken rule, signal, limit and protection files, each with exactly what is said about it.
//!
//! A file under `tests/broken_rules` begins with `# path:`, where it would lie below the rules folder, and
//! ends with a line `# says:` for each problem. `UPDATE_BROKEN=1 cargo test --test broken_rules` writes those
//! lines anew; review the change.

use std::path::{Path, PathBuf};

use duecourse::config::bundle::{self, Profile};

const SAYS: &str = "# says: ";

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A rules folder with the shipped wording, the signals of this test and nothing else.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["notices", "signals", "rules", "limits", "protections", "leads", "lives"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let copy = |from: &str, to: &str| {
        std::fs::copy(project(from), folder.path().join(to)).unwrap();
    };
    for name in ["settings.toml", "calendar.toml"] {
        copy(&format!("config/{name}"), name);
    }
    for name in ["reasons", "bases", "measures", "remedies", "channels"] {
        copy(&format!("config/notices/{name}.toml"), &format!("notices/{name}.toml"));
    }
    copy("config/lives/lead.toml", "lives/lead.toml");
    copy("tests/broken_rules/base_signals.toml", "signals/base.toml");
    folder
}

fn broken_files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(project("tests/broken_rules")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().is_some_and(|name| name != "base_signals.toml"));
    files.sort();
    files
}

#[test]
fn each_broken_file_says_what_is_wrong_and_where() {
    let update = std::env::var_os("UPDATE_BROKEN").is_some();
    let files = broken_files();
    assert!(files.len() >= 24);
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let path = text.lines().next().unwrap().strip_prefix("# path: ").expect("says where it would lie");
        let folder = folder();
        let (written, body): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with(SAYS));
        std::fs::write(folder.path().join(path), &text).unwrap();
        let said: Vec<String> = match bundle::check_dir(folder.path(), Profile::Strict) {
            Ok(_) => vec!["nothing: it loads".to_owned()],
            Err(error) => {
                error.problems.iter().map(|problem| problem.to_string().replace('\n', " ")).collect()
            }
        };
        let written: Vec<&str> = written.iter().filter_map(|line| line.strip_prefix(SAYS)).collect();
        if written == said {
            continue;
        }
        if update {
            let mut lines: Vec<String> = body.iter().map(|line| (*line).to_owned()).collect();
            lines.extend(said.iter().map(|said| format!("{SAYS}{said}")));
            std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        } else {
            wrong.push(format!("{}\n  written: {written:#?}\n  said: {said:#?}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_broken_files_stand_beside_loads() {
    bundle::check_dir(folder().path(), Profile::Strict).unwrap();
}
