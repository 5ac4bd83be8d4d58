//! What a folder of outputs says of how it was made: `facts/run.json`.
//!
//! `verify --out` reads its inputs again by it, `score` too, and `run` knows by it whether an
//! unfinished folder was begun with the same arguments. It names files and digests, never content.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hex::hex;

/// Path of the manifest inside an output folder.
#[must_use]
pub fn manifest_path(out: &Path) -> PathBuf {
    facts_folder(out).join("run.json")
}

/// Path of the local log inside an output folder.
#[must_use]
pub fn facts_folder(out: &Path) -> PathBuf {
    out.join("facts")
}

/// How a run was asked for. Two equal manifests give the same outputs, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: String,
    /// Version of the program, and of the engine's semantics (D13).
    pub program: String,
    pub semantics: u32,
    /// Whose outputs these are.
    pub institution: String,
    /// `--source`: a shipped name, or the path of a mapping file.
    pub source: String,
    pub source_sha256: String,
    pub profile: String,
    pub rules_sha256: String,
    /// Path of the master key; absent for the development key.
    pub key: Option<PathBuf>,
    /// Keyed check value: tells that another key was given, and nothing about the key.
    pub key_check: String,
    /// The `--input` files in order: their places are the `input` numbers of dead letters.
    pub inputs: Vec<InputFile>,
    pub accounts: Option<InputFile>,
    pub feedback: Option<InputFile>,
}

/// An input as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Absolute.
    pub path: PathBuf,
    pub bytes: u64,
    /// Of the file as it is, compressed or not, in hexadecimal.
    pub sha256: String,
}

/// Why a manifest cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("cannot read {path}: {cause}", path = path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("{path} is no manifest of this version: {cause}", path = path.display())]
    Malformed { path: PathBuf, cause: serde_json::Error },
}

impl Manifest {
    pub const SCHEMA: &'static str = "duecourse.run/1";

    /// Reads the manifest of an output folder.
    ///
    /// # Errors
    /// `Unreadable` when there is none, `Malformed` when it is of another version.
    pub fn read(out: &Path) -> Result<Manifest, ManifestError> {
        let path = manifest_path(out);
        let bytes =
            std::fs::read(&path).map_err(|cause| ManifestError::Unreadable { path: path.clone(), cause })?;
        Manifest::parse(&bytes).map_err(|cause| ManifestError::Malformed { path, cause })
    }

    /// What `to_bytes` wrote.
    ///
    /// # Errors
    /// When it is of another version, or no manifest.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The bytes of the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // A struct of strings and numbers always serialises.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

impl InputFile {
    /// Reads a file through once for its digest.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn of(path: &Path) -> Result<InputFile, ManifestError> {
        let unreadable = |cause| ManifestError::Unreadable { path: path.to_owned(), cause };
        let absolute = std::path::absolute(path).map_err(unreadable)?;
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        let mut bytes = 0;
        loop {
            let count = file.read(&mut buffer).map_err(unreadable)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
            hasher.update(read);
            bytes += count as u64;
        }
        Ok(InputFile { path: absolute, bytes, sha256: hex(&hasher.finalize()) })
    }

    /// True when the file is still what was read.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn is_unchanged(&self) -> Result<bool, ManifestError> {
        Ok(InputFile::of(&self.path)? == *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_back_and_a_changed_input_is_noticed() {
        let out = tempfile::tempdir().unwrap();
        let input = out.path().join("events.csv");
        std::fs::write(&input, "abc").unwrap();
        let file = InputFile::of(&input).unwrap();
        assert_eq!(file.bytes, 3);
        assert_eq!(file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let manifest = Manifest {
            schema: Manifest::SCHEMA.to_owned(),
            program: "0".to_owned(),
            semantics: 1,
            institution: "bank".to_owned(),
            source: "labelled-csv".to_owned(),
            source_sha256: String::new(),
            profile: "strict".to_owned(),
            rules_sha256: String::new(),
            key: None,
            key_check: String::new(),
            inputs: vec![file.clone()],
            accounts: None,
            feedback: None,
        };
        std::fs::create_dir(facts_folder(out.path())).unwrap();
        std::fs::write(manifest_path(out.path()), manifest.to_bytes()).unwrap();
        assert_eq!(Manifest::read(out.path()).unwrap(), manifest);
        assert!(file.is_unchanged().unwrap());
        std::fs::write(&input, "abd").unwrap();
        assert!(!file.is_unchanged().unwrap());
    }
}
