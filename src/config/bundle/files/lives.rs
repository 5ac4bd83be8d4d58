//! The shapes of `lives/*.toml` and `notices/verifying.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Figure, TextPair};

/// `lives/*.toml`: the table of one life (see `engine::life`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::bundle) struct LifeFile {
    pub version: u32,
    /// Whose life: `measure`, `appeal`, `order`, `entry`, `rule` or `lead`.
    pub kind: String,
    /// The measures that live so; of a measure's life only.
    #[serde(default)]
    pub of: Vec<String>,
    pub title: TextPair,
    /// Unless it is said, in force if every figure is established.
    pub enabled: Option<bool>,
    pub basis: String,
    /// The law or practice that the table follows.
    pub source: String,
    /// The state it begins in.
    pub first: String,
    #[serde(default)]
    pub spans: BTreeMap<String, Figure>,
    /// How long each measure lasts that a step sets.
    #[serde(default)]
    pub terms: BTreeMap<String, Figure>,
    /// The longest that a rule or limit may set each of `of` for.
    #[serde(default)]
    pub caps: BTreeMap<String, Figure>,
    pub states: BTreeMap<String, LifeStateDecl>,
    pub steps: Vec<LifeStepDecl>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::bundle) struct LifeStateDecl {
    pub title: TextPair,
    /// The span after which its own deadline comes.
    pub due: Option<String>,
    /// The deadline worsens somebody's position.
    #[serde(default)]
    pub worsens: bool,
}

/// What follows on an event in any of some states; the first that fits is taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::bundle) struct LifeStepDecl {
    pub from: Vec<String>,
    pub on: String,
    #[serde(default, rename = "if")]
    pub only_if: Vec<String>,
    pub to: String,
    #[serde(default, rename = "do")]
    pub acts: Vec<String>,
}

/// `notices/verifying.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::bundle) struct VerifyingFile {
    /// Ways of delivery, in the order in which they are tried.
    pub channels: Vec<String>,
    pub methods: BTreeMap<String, MethodDecl>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::bundle) struct MethodDecl {
    pub text: TextPair,
    /// The risks that it serves.
    pub risks: Vec<String>,
    #[serde(default)]
    pub voluntary: bool,
}
