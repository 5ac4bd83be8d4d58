//! The shapes of the files below `config/`: what may be written in them, and nothing else.
//! `settings.toml`, `retention.toml`, `calendar.toml`, `signals/*`, `rules/*`, `limits/*`, `protections/*`, `lives/*`,
//! `leads/*`, `notices/*`.

mod lives;

pub(super) use lives::{LifeFile, LifeStepDecl, VerifyingFile};

use std::collections::BTreeMap;

use serde::Deserialize;

use super::harm::{HarmBudgetDecl, QualityDecl};
use super::leads::LeadFile;
use super::retention::RetentionFile;

use crate::engine::SEMANTICS_UNNAMED;
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
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsFile {
    /// Version of the whole bundle; raise it with every change.
    pub version: u32,
    /// Number of the engine's semantics that the rules are written for (D13).
    #[serde(default = "semantics_unnamed")]
    pub semantics: u32,
    pub duplicate_horizon: Figure,
    pub lateness: Figure,
    pub override_for: Figure,
    pub reservation_for: Figure,
    pub answer_for: Figure,
    pub appeal_window: Figure,
    pub answer_within: Figure,
    /// The longest that may be promised.
    pub answer_within_max: Option<Figure>,
    /// The longest that a measure may be set for by a rule, a limit or a step of a life.
    pub measure_for_max: Option<Figure>,
    pub zone: Figure,
    /// `yes` or `no`, and `no` unless it is said.
    pub keep_one_line: Option<Figure>,
    /// For how long a measure stands whose rule's harm budget is spent; as long as the rule says unless it is said.
    pub braked_for: Option<Figure>,
    /// Settlements are compared with initiations if it is there.
    pub settlement_check_for: Option<Figure>,
}

pub fn semantics_unnamed() -> u32 {
    SEMANTICS_UNNAMED
}

/// A dated figure with where it comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
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
    /// An aggregate of a log, `ratio` or `difference` of two signals, `since_opened`, or
    /// `measures_standing`.
    pub aggregate: String,
    pub purpose: String,
    pub basis: String,
    #[serde(default)]
    pub feeds: Vec<String>,
    /// `returned` only: the feeds that answer.
    #[serde(default)]
    pub returned_by: Vec<String>,
    pub window: Option<String>,
    /// The window ends this long before the event.
    pub delay: Option<String>,
    /// What reads amounts only.
    pub currency: Option<String>,
    /// Minor units, both included.
    pub amount_min: Option<i64>,
    pub amount_max: Option<i64>,
    pub resembling: Option<ResemblingDecl>,
    /// Only transfers that bear all of these marks and none of those.
    #[serde(default)]
    pub only: Vec<String>,
    #[serde(default)]
    pub without: Vec<String>,
    #[serde(default)]
    pub without_event: bool,
    /// `ratio` and `difference` only: the two signals.
    #[serde(default)]
    pub of: Vec<String>,
    /// `ratio` only; 1000 unless it is said.
    pub scale: Option<u32>,
    pub report_level: Option<u64>,
    /// `holders` (unless it is said), `event` or `payer`.
    pub report: Option<String>,
    pub relabel: Option<Relabel>,
}

/// Bounds in thousandths of the event's amount.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResemblingDecl {
    pub low: u32,
    pub high: u32,
    pub other: String,
}

/// The recorded decision by which a signal's data may serve another purpose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Relabel {
    pub to: String,
    /// Number of the recorded assessment; of data of abnormal customers `customer`: each customer's own.
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
    /// The operating points in which it runs; both unless it is said.
    pub profiles: Option<Vec<String>>,
    pub subject: String,
    pub triggers: Vec<String>,
    pub condition: String,
    /// What the condition reads as `threshold.NAME`.
    #[serde(default)]
    pub thresholds: BTreeMap<String, ThresholdDecl>,
    pub measure: String,
    pub measure_for: String,
    /// `low`, `medium` (unless it is said) or `high`: how somebody is verified, and what follows.
    pub risk: Option<String>,
    pub purpose: String,
    pub basis: String,
    pub reason: String,
    /// The law, published indicator or paper that the rule follows.
    pub source: String,
    pub harm_budget: Option<HarmBudgetDecl>,
    /// The special measure (APL 35) without which it is not asked.
    pub special_measure: Option<String>,
    /// How often it may be wrong before it moves itself to shadow.
    pub quality: Option<QualityDecl>,
    pub precision: Option<PrecisionDecl>,
    #[serde(default)]
    pub examples: Vec<ExampleDecl>,
}

/// One figure for both operating points, or one for each.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a threshold is a whole number, a span such as \"24h\", or `{ strict = .., wide = .. }` of them"
)]
pub(super) enum ThresholdDecl {
    Same(FigureDecl),
    Each(EachDecl),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EachDecl {
    pub strict: FigureDecl,
    pub wide: FigureDecl,
}

/// An integer, or a span of time such as `24h`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a figure is a whole number, or a span such as \"24h\"")]
pub(super) enum FigureDecl {
    Number(i64),
    Span(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrecisionDecl {
    /// What it was measured on: each labelled set with its alerts.
    pub data: String,
    pub date: String,
    pub per_mille: PerMilleDecl,
}

/// One measurement for both operating points, or one for each.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a precision is a whole number, or `{ strict = .., wide = .. }` of them")]
pub(super) enum PerMilleDecl {
    Same(u32),
    Each { strict: u32, wide: u32 },
}

/// A scenario (see `cli::scenario`) and whether the rule fires in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExampleDecl {
    pub events: String,
    /// `fires` or `silent`.
    pub expect: String,
    /// The operating point to play it in; the strictest in which the rule runs unless it is said.
    pub profile: Option<String>,
}

/// `limits/*.toml` without a condition: how much one person may hold, with its dated figures.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitFile {
    pub title: TextPair,
    pub products: Vec<String>,
    /// Off: kept on file, and not in force. Unless it is said, on if every figure is established.
    pub enabled: Option<bool>,
    /// `count` (unless it is said) or `risk_assessment`.
    pub demand: Option<String>,
    pub reason: String,
    /// Of a risk assessment: the reason while none is recorded.
    pub reason_missing: Option<String>,
    pub dated: Vec<LimitFigure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitFigure {
    pub version: u32,
    pub effective_from: String,
    pub effective_to: Option<String>,
    /// Of a count only, as is `shared_count`.
    pub count_max: Option<u32>,
    pub force: String,
    pub shared_count: Option<String>,
    pub basis: String,
    pub source: String,
    pub status: String,
}

/// `limits/*.toml` with a condition: what may go through an account or card.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlowLimitFile {
    pub title: TextPair,
    pub enabled: Option<bool>,
    pub subject: String,
    pub triggers: Vec<String>,
    /// Reads the figure in force as `limit.value` and `limit.value_2`.
    pub condition: String,
    pub measure: String,
    pub measure_for: String,
    pub risk: Option<String>,
    pub purpose: String,
    pub reason: String,
    pub dated: Vec<FlowFigure>,
    #[serde(default)]
    pub examples: Vec<ExampleDecl>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlowFigure {
    pub version: u32,
    pub effective_from: String,
    pub effective_to: Option<String>,
    pub value: Option<FigureDecl>,
    pub value_2: Option<FigureDecl>,
    pub basis: String,
    pub source: String,
    pub status: String,
}

/// `protections/*.toml`: one protection, named by its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProtectionFile {
    pub version: u32,
    pub title: TextPair,
    pub subject: String,
    pub measures: Vec<String>,
    /// Rules and limits by their ids; all unless it is said.
    pub rules: Option<Vec<String>>,
    pub condition: String,
    /// `waive`, or the name of a milder measure.
    pub softens_to: String,
    pub basis: String,
}

/// `calendar.toml`: the days that yearly notices move.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalendarFile {
    #[serde(default)]
    pub notices: Vec<HolidayNotice>,
}

/// One notice on the arrangement of holidays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HolidayNotice {
    pub year: i16,
    /// When it was published.
    pub dated: String,
    /// Dates, or spans of dates such as `2026-10-01/2026-10-07`.
    pub off: Vec<String>,
    pub works: Vec<String>,
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
    Retention,
    Calendar,
    Signals,
    Rule,
    Limit,
    Protection,
    Life,
    Lead,
    Texts,
    Measures,
    Channels,
    Verifying,
}

impl Kind {
    /// The shape of the file at `path` below the rules folder; `None` when nothing belongs there.
    pub(super) fn of(path: &str) -> Option<Kind> {
        match path {
            "settings.toml" => Some(Kind::Settings),
            "calendar.toml" => Some(Kind::Calendar),
            "retention.toml" => Some(Kind::Retention),
            "notices/lives.toml"
            | "notices/reasons.toml"
            | "notices/bases.toml"
            | "notices/remedies.toml"
            | "notices/answers.toml" => Some(Kind::Texts),
            "notices/measures.toml" => Some(Kind::Measures),
            "notices/channels.toml" => Some(Kind::Channels),
            "notices/verifying.toml" => Some(Kind::Verifying),
            _ => match path.split_once('/') {
                Some(("signals", _)) => Some(Kind::Signals),
                Some(("rules", _)) => Some(Kind::Rule),
                Some(("limits", _)) => Some(Kind::Limit),
                Some(("protections", _)) => Some(Kind::Protection),
                Some(("lives", _)) => Some(Kind::Life),
                Some(("leads", _)) => Some(Kind::Lead),
                _ => None,
            },
        }
    }

    /// Whether the text has this shape; the error carries the place.
    pub(super) fn shape(self, text: &str) -> Result<(), toml::de::Error> {
        match self {
            Kind::Settings => toml::from_str::<SettingsFile>(text).map(drop),
            Kind::Retention => toml::from_str::<RetentionFile>(text).map(drop),
            Kind::Signals => toml::from_str::<SignalsFile>(text).map(drop),
            Kind::Rule => toml::from_str::<RuleFile>(text).map(drop),
            Kind::Limit if has_condition(text)? => toml::from_str::<FlowLimitFile>(text).map(drop),
            Kind::Limit => toml::from_str::<LimitFile>(text).map(drop),
            Kind::Protection => toml::from_str::<ProtectionFile>(text).map(drop),
            Kind::Life => toml::from_str::<LifeFile>(text).map(drop),
            Kind::Lead => toml::from_str::<LeadFile>(text).map(drop),
            Kind::Calendar => toml::from_str::<CalendarFile>(text).map(drop),
            Kind::Texts => toml::from_str::<TextsFile>(text).map(drop),
            Kind::Measures => toml::from_str::<MeasuresFile>(text).map(drop),
            Kind::Channels => toml::from_str::<ChannelsFile>(text).map(drop),
            Kind::Verifying => toml::from_str::<VerifyingFile>(text).map(drop),
        }
    }
}

/// What tells the two kinds of limit apart.
fn has_condition(text: &str) -> Result<bool, toml::de::Error> {
    toml::from_str::<toml::Table>(text).map(|table| table.contains_key("condition"))
}
