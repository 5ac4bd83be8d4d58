//! What must not compile: due process that the types hold (DESIGN D22, D24, D25, D28).
//!
//! Each case under `compile_fail/` is checked by `rustc` against the library that was just built, and
//! must give exactly the messages in its `.stderr` file. `UPDATE_STDERR=1 cargo test --test
//! compile_fail` rewrites those. (trybuild would build every dependency, librdkafka too, once more.)

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The case that must compile: the others fail for what they leave out and for nothing else.
const COMPLETE: &str = "complete_measure";

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile_fail");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect();
    cases.sort();
    cases
}

fn name(case: &Path) -> &str {
    case.file_stem().and_then(|stem| stem.to_str()).unwrap()
}

/// The library's file, as cargo names it. Nothing is built: this very test is linked to it, and asking
/// for this test again asks for the same features of every dependency.
fn library() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    build.args(["test", "--no-run", "--test=compile_fail", "--offline", "--message-format=json"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let output = build.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    artifacts
        .filter(|message| {
            message["reason"] == "compiler-artifact" && message["target"]["name"] == "duecourse"
        })
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.extension().is_some_and(|extension| extension == "rlib"))
        .expect("cargo names the library it built")
}

fn compile(case: &Path, library: &Path, out: &Path) -> Output {
    let beside = library.parent().unwrap();
    let dependencies = if beside.ends_with("deps") { beside.to_owned() } else { beside.join("deps") };
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args([
            "--edition=2024",
            "--crate-type=bin",
            "--emit=metadata",
            "--error-format=short",
            "--cap-lints=allow",
        ])
        .arg("--out-dir")
        .arg(out)
        .arg("-L")
        .arg(format!("dependency={}", dependencies.display()))
        .arg("--extern")
        .arg(format!("duecourse={}", library.display()))
        .arg(case)
        .output()
        .unwrap()
}

/// The errors of a case, one a line: place, code and message. Labels behind the message, which change
/// more often between compilers, the folder and the closing count are left out.
fn errors(case: &Path, output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    let folder = format!("{}/", case.parent().unwrap().display());
    let lines = stderr.lines().filter(|line| line.contains(": error"));
    lines
        .map(|line| line.replace(&folder, "").splitn(4, ": ").take(3).collect::<Vec<_>>().join(": ") + "\n")
        .collect()
}

#[test]
fn what_the_law_forbids_does_not_compile() {
    let library = library();
    let out = tempfile::tempdir().unwrap();
    let mut failed = 0;
    for case in cases().iter().filter(|case| name(case) != COMPLETE) {
        let output = compile(case, &library, out.path());
        assert!(!output.status.success(), "{} compiles", name(case));
        let errors = errors(case, &output);
        let expected = case.with_extension("stderr");
        if std::env::var_os("UPDATE_STDERR").is_some() {
            std::fs::write(&expected, &errors).unwrap();
        }
        let expected = std::fs::read_to_string(expected).unwrap_or_default();
        assert!(!expected.is_empty(), "{} has no expected message; rustc says:\n{errors}", name(case));
        assert_eq!(errors, expected, "{}", name(case));
        failed += 1;
    }
    assert!(failed >= 12, "only {failed} cases were found");
}

#[test]
fn with_every_part_it_compiles() {
    let complete = cases().into_iter().find(|case| name(case) == COMPLETE).unwrap();
    let out = tempfile::tempdir().unwrap();
    let output = compile(&complete, &library(), out.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
