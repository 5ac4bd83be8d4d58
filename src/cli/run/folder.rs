//! The output folder: new, unfinished and of the same arguments, or none of our business.

use std::path::Path;

use anyhow::{Context, anyhow};

use super::report::write_by_rename;
use crate::cli::Failure;
use crate::codec::manifest::{Manifest, facts_folder, manifest_path};

/// What a run finds at `--out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    New,
    /// Begun by a run of the same arguments that did not finish.
    Unfinished,
}

/// Looks at the folder and, if it is new, begins it: after this it says what it is.
///
/// # Errors
/// `Usage` when it is finished, or holds anything else.
pub fn begin(out: &Path, manifest: &Manifest) -> Result<Found, Failure> {
    let found = inspect(out, manifest)?;
    if found == Found::New {
        let facts = facts_folder(out);
        std::fs::create_dir_all(&facts)
            .with_context(|| format!("cannot make the folder {}", facts.display()))
            .map_err(Failure::usage)?;
        write_by_rename(&manifest_path(out), &manifest.to_bytes())?;
    }
    Ok(found)
}

fn inspect(out: &Path, manifest: &Manifest) -> Result<Found, Failure> {
    let shown = out.display();
    if !out.exists() {
        return Ok(Found::New);
    }
    if !out.is_dir() {
        return Err(Failure::usage(anyhow!("--out {shown} is a file; name a folder")));
    }
    if out.join("report.json").exists() {
        return Err(Failure::usage(anyhow!(
            "{shown} holds a finished run; name another folder for --out, or remove this one"
        )));
    }
    match Manifest::read(out) {
        Ok(begun) if begun == *manifest => Ok(Found::Unfinished),
        Ok(begun) => Err(Failure::usage(anyhow!(
            "{shown} holds an unfinished run with another {}; name another folder for --out, or remove this one",
            difference(&begun, manifest)
        ))),
        Err(_) if is_untouched(out).map_err(Failure::usage)? => Ok(Found::New),
        Err(_) => Err(Failure::usage(anyhow!("{shown} is not empty and was not made by `duecourse run`"))),
    }
}

/// True when nothing is there but what `begin` itself may leave when it is killed.
fn is_untouched(out: &Path) -> anyhow::Result<bool> {
    let names = |folder: &Path| -> anyhow::Result<Vec<String>> {
        let entries =
            std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        Ok(entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<std::io::Result<_>>()?)
    };
    let facts = facts_folder(out);
    Ok(names(out)?.iter().all(|name| name == "facts")
        && (!facts.is_dir() || names(&facts)?.iter().all(|name| name == "run.unfinished")))
}

fn difference(a: &Manifest, b: &Manifest) -> &'static str {
    let pairs = [
        (a.inputs != b.inputs, "--input"),
        (a.accounts != b.accounts, "--accounts"),
        (a.feedback != b.feedback, "--feedback"),
        (a.source != b.source || a.source_sha256 != b.source_sha256, "--source"),
        (a.institution != b.institution, "--institution"),
        (a.profile != b.profile, "--profile"),
        (a.rules_sha256 != b.rules_sha256, "rule set"),
        (a.key != b.key || a.key_check != b.key_check, "--key"),
    ];
    pairs.into_iter().find(|(differs, _)| *differs).map_or("version of duecourse", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(profile: &str) -> Manifest {
        Manifest {
            schema: Manifest::SCHEMA.to_owned(),
            program: "0".to_owned(),
            semantics: 1,
            institution: "bank".to_owned(),
            source: "native".to_owned(),
            source_sha256: String::new(),
            profile: profile.to_owned(),
            rules_sha256: String::new(),
            key: None,
            key_check: String::new(),
            inputs: Vec::new(),
            accounts: None,
            feedback: None,
        }
    }

    #[test]
    fn only_an_unfinished_folder_of_the_same_arguments_is_taken_up() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("out");
        assert_eq!(begin(&out, &manifest("strict")).unwrap(), Found::New);
        assert_eq!(begin(&out, &manifest("strict")).unwrap(), Found::Unfinished);
        let other = begin(&out, &manifest("wide")).unwrap_err();
        assert!(matches!(&other, Failure::Usage(why) if why.to_string().contains("--profile")), "{other}");
        std::fs::write(out.join("report.json"), "{}").unwrap();
        assert!(matches!(begin(&out, &manifest("strict")), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_folder_with_anything_else_in_it_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("thesis.doc"), "x").unwrap();
        assert!(matches!(begin(root.path(), &manifest("strict")), Err(Failure::Usage(_))));
        assert!(!root.path().join("facts").exists());
    }

    #[test]
    fn what_begin_leaves_when_it_is_killed_counts_as_new() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("facts")).unwrap();
        assert_eq!(inspect(root.path(), &manifest("strict")).unwrap(), Found::New);
        std::fs::write(root.path().join("facts/run.unfinished"), "{").unwrap();
        assert_eq!(begin(root.path(), &manifest("strict")).unwrap(), Found::New);
    }
}
