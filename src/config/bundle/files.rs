//! The shapes of the files below `config/`: what may be written in them, and nothing else.
//! `settings.toml`, `signals/*`, `rules/*`, `limits/*`, `notices/*`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::engine::base::Bilingual;

/// A text in both languages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TextPair {
    pub zh: String,
    pub en: String,
}

impl From<TextPair> for Bilingual {
    fn from(pair: TextPair) -> Bilingual {
        Bilingual { zh: pair.zh.trim().to_owned(), en: pair.en.trim().to_owned() }
    }
}

/// `settings.toml`: figures that decide and are neither a rule nor a limit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsFile {
    /// Version of the whole bundle; raise it with every change.
    pub version: u32,
    pub duplicate_horizon: Figure,
    pub lateness: Figure,
    pub override_for: Figure,
    pub reservation_for: Figure,
    pub answer_for: Figure,
    pub appeal_window: Figure,
    pub answer_within: Figure,
    pub zone: Figure,
}

/// A dated figure with where it comes from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Figure {
    pub value: String,
    pub effective_from: String,
    pub basis: String,
    pub source: String,
    pub status: String,
}

/// `signals/*.toml`: each table is a signal, named by its key.
pub(super) type SignalsFile = BTreeMap<String, SignalDecl>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignalDecl {
    pub title: TextPair,
    pub subject: String,
    pub feeds: Vec<String>,
    pub aggregate: String,
    pub window: String,
    /// Aggregates over amounts only.
    pub currency: Option<String>,
    pub purpose: String,
    pub basis: String,
    pub report_level: Option<u64>,
    pub relabel: Option<Relabel>,
}

/// The recorded decision by which a signal's data may serve another purpose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Relabel {
    pub to: String,
    /// Number of the recorded authorisation or assessment.
    pub authorisation: String,
    pub decided_on: String,
}

/// `rules/*.toml`: one rule, named by its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    pub version: u32,
    pub title: TextPair,
    pub status: String,
    pub subject: String,
    pub triggers: Vec<String>,
    pub condition: String,
    pub measure: String,
    pub measure_for: String,
    pub purpose: String,
    pub basis: String,
    pub reason: String,
    pub precision: Option<PrecisionDecl>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrecisionDecl {
    pub data: String,
    pub date: String,
    pub per_mille: u32,
}

/// `limits/*.toml`: one limit, named by its file, with its dated figures.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitFile {
    pub title: TextPair,
    pub products: Vec<String>,
    /// Off: kept on file, and not in force (counsel has not confirmed it).
    pub enabled: bool,
    pub reason: String,
    pub dated: Vec<LimitFigure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitFigure {
    pub version: u32,
    pub effective_from: String,
    pub effective_to: Option<String>,
    pub count_max: u32,
    pub force: String,
    pub shared_count: String,
    pub basis: String,
    pub source: String,
    pub status: String,
}

/// `notices/reasons.toml`, `bases.toml`, `remedies.toml`: texts by key.
pub(super) type TextsFile = BTreeMap<String, TextPair>;

/// `notices/measures.toml`: by the measure's name.
pub(super) type MeasuresFile = BTreeMap<String, MeasureDecl>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MeasureDecl {
    pub scope: TextPair,
    pub still_works: TextPair,
    pub papers: TextPair,
}

/// `notices/channels.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelsFile {
    pub offline: TextPair,
    pub online: TextPair,
}

/// Which shape a file has, by where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Settings,
    Signals,
    Rule,
    Limit,
    Texts,
    Measures,
    Channels,
}

impl Kind {
    /// The shape of the file at `path` below the rules folder; `None` when nothing belongs there.
    pub(super) fn of(path: &str) -> Option<Kind> {
        match path {
            "settings.toml" => Some(Kind::Settings),
            "notices/reasons.toml" | "notices/bases.toml" | "notices/remedies.toml" => Some(Kind::Texts),
            "notices/measures.toml" => Some(Kind::Measures),
            "notices/channels.toml" => Some(Kind::Channels),
            _ => match path.split_once('/') {
                Some(("signals", _)) => Some(Kind::Signals),
                Some(("rules", _)) => Some(Kind::Rule),
                Some(("limits", _)) => Some(Kind::Limit),
                _ => None,
            },
        }
    }

    /// Whether the text has this shape; the error carries the place.
    pub(super) fn shape(self, text: &str) -> Result<(), toml::de::Error> {
        match self {
            Kind::Settings => toml::from_str::<SettingsFile>(text).map(drop),
            Kind::Signals => toml::from_str::<SignalsFile>(text).map(drop),
            Kind::Rule => toml::from_str::<RuleFile>(text).map(drop),
            Kind::Limit => toml::from_str::<LimitFile>(text).map(drop),
            Kind::Texts => toml::from_str::<TextsFile>(text).map(drop),
            Kind::Measures => toml::from_str::<MeasuresFile>(text).map(drop),
            Kind::Channels => toml::from_str::<ChannelsFile>(text).map(drop),
        }
    }
}
