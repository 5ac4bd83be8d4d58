//! Progress of a facts partition: what intake reads to know where to begin (DESIGN D7, D12).
//!
//! Plain JSON with times in epoch milliseconds: it is written with every commit and read by
//! machines, and a partition that has applied nothing has a time before every year.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codec::hex::hex;
use crate::engine::base::TimeMs;
use crate::engine::cover::{ConfigVersion, Coverage, Covered, SourceId};
use crate::engine::life::Word;
use crate::engine::partition::Partition;
use crate::engine::reached::Destination;

use super::{OutRecord, Topic};

const SCHEMA: &str = "duecourse.decided/1";

/// How far one facts partition has been decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedProgress {
    pub facts_partition: u32,
    /// One past the last facts record applied.
    pub next_offset: u64,
    pub partition_time: TimeMs,
    pub coverage: Coverage,
    pub deciding: Deciding,
}

/// By what a facts partition decides, since where in its log, and what it waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deciding {
    /// `None` before the first activation.
    pub rules: Option<DecidingRules>,
    /// The time of going live; `None` while everything only observes.
    pub live_since: Option<TimeMs>,
    /// When its next timer is due.
    pub next_timer: Option<TimeMs>,
    /// Rules that moved themselves to shadow, each with the version that did.
    pub shadowed: Vec<(String, u32)>,
    /// Distinct persons of this partition who were named, by calendar year and destination (D21).
    pub persons: Vec<(i64, Destination, u64)>,
    /// The engine semantics that the worker speaks which holds the partition (D13); `None` of a worker that is
    /// older than the number.
    pub speaks: Option<u32>,
}

/// An active rule set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidingRules {
    pub version: u32,
    /// Of the bundle, in hexadecimal.
    pub sha256: String,
    /// The operating point that the bundle was made for, if it says.
    pub profile: Option<String>,
    /// Offset of the facts record that activated it, and the activation's time.
    pub activated: (u64, TimeMs),
}

impl Deciding {
    /// Of a partition as it is now. `profile` is its bundle's, `speaks` its worker's.
    #[must_use]
    pub fn of(partition: &Partition, profile: Option<&str>, speaks: u32) -> Deciding {
        let in_force = partition.in_force();
        let rules = partition.rules().zip(in_force.activated).map(|(rules, activated)| DecidingRules {
            version: rules.version,
            sha256: hex(&rules.sha256),
            profile: profile.map(str::to_owned),
            activated,
        });
        let shadowed = partition.rules_shadowed().map(|(rule, version)| (rule.to_owned(), version)).collect();
        let live_since = in_force.live_since;
        let persons = partition.persons_named().collect();
        let (next_timer, speaks) = (partition.next_timer(), Some(speaks));
        Deciding { rules, live_since, next_timer, shadowed, persons, speaks }
    }
}

/// Why a value is not a progress record.
#[derive(Debug, thiserror::Error)]
pub enum DecidedError {
    #[error("not a progress record: {0}")]
    Json(#[from] serde_json::Error),
    #[error("progress records of schema `{0}` are not known; this binary reads `{SCHEMA}`")]
    UnknownSchema(String),
}

/// How far one facts partition has been decided. What a later program says besides is passed over: in a rolling
/// upgrade it is read by earlier ones too.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct DecidedData {
    /// Always `duecourse.decided/1`.
    schema: String,
    facts_partition: u32,
    /// One past the last facts record applied.
    next_offset: u64,
    partition_time_ms: i64,
    sources: Vec<SourceData>,
    versions: Vec<VersionData>,
    /// Absent before the first activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rules: Option<RulesData>,
    /// The time of going live; absent while everything only observes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live_since_ms: Option<i64>,
    /// When the next timer is due; absent while none is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_timer_ms: Option<i64>,
    /// Rules that moved themselves to shadow (DESIGN D28); absent when none did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shadowed: Vec<ShadowedRule>,
    /// Distinct persons who were named, by calendar year and destination (DESIGN D21); absent before the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    persons: Vec<PersonsNamed>,
    /// The highest engine semantics that the worker speaks which holds the partition (DESIGN D13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    speaks: Option<u32>,
}

/// Distinct persons of this facts partition who were named in a calendar year where a destination can read it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PersonsNamed {
    year: i64,
    destination: String,
    count: u64,
}

/// A rule, and the version of it that only observes.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShadowedRule {
    rule: String,
    version: u32,
}

/// The rule set that decides here.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RulesData {
    version: u32,
    sha256: String,
    /// The operating point that the bundle was made for, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// Offset of the facts record that activated it.
    activated_offset: u64,
    activated_ms: i64,
}

/// What has been applied of one source partition.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SourceData {
    name: String,
    generation: u32,
    partition: u32,
    /// The last source offset covered.
    last: i64,
    /// How far the source's own time has come.
    time_ms: i64,
}

/// An announced version of the intake configuration.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VersionData {
    from_ms: i64,
    number: u32,
}

/// The progress record of a facts partition; compacted under the partition's number.
#[must_use]
pub fn encode_decided(
    facts_partition: u32,
    next_offset: u64,
    coverage: &Coverage,
    partition_time: TimeMs,
    deciding: &Deciding,
) -> OutRecord {
    let source = |(source, covered): (&SourceId, &Covered)| SourceData {
        name: source.name.to_string(),
        generation: source.generation,
        partition: source.partition,
        last: covered.last,
        time_ms: covered.time.0,
    };
    let version = |version: &ConfigVersion| VersionData { from_ms: version.from.0, number: version.number };
    let data = DecidedData {
        schema: SCHEMA.to_owned(),
        facts_partition,
        next_offset,
        partition_time_ms: partition_time.0,
        sources: coverage.sources.iter().map(source).collect(),
        versions: coverage.versions.iter().map(version).collect(),
        rules: deciding.rules.as_ref().map(|rules| RulesData {
            version: rules.version,
            sha256: rules.sha256.clone(),
            profile: rules.profile.clone(),
            activated_offset: rules.activated.0,
            activated_ms: rules.activated.1.0,
        }),
        live_since_ms: deciding.live_since.map(|time| time.0),
        next_timer_ms: deciding.next_timer.map(|time| time.0),
        shadowed: deciding
            .shadowed
            .iter()
            .map(|(rule, version)| ShadowedRule { rule: rule.clone(), version: *version })
            .collect(),
        persons: deciding
            .persons
            .iter()
            .map(|(year, destination, count)| PersonsNamed {
                year: *year,
                destination: destination.name().to_owned(),
                count: *count,
            })
            .collect(),
        speaks: deciding.speaks,
    };
    // Strings, integers and lists of them always have a JSON form.
    let value = serde_json::to_vec(&data).unwrap_or_default();
    OutRecord { topic: Topic::Decided, key: facts_partition.to_string().into_bytes(), value: Some(value) }
}

/// Reads what `encode_decided` wrote.
///
/// # Errors
/// `DecidedError` when it is not such a value, or one of another schema.
pub fn decode_decided(value: &[u8]) -> Result<DecidedProgress, DecidedError> {
    let data: DecidedData = serde_json::from_slice(value)?;
    if data.schema != SCHEMA {
        return Err(DecidedError::UnknownSchema(data.schema));
    }
    let mut coverage = Coverage::default();
    for source in data.sources {
        let id = SourceId {
            name: Arc::from(source.name),
            generation: source.generation,
            partition: source.partition,
        };
        coverage.sources.insert(id, Covered::new(source.last, TimeMs(source.time_ms)));
    }
    for version in data.versions {
        coverage.announce(ConfigVersion { from: TimeMs(version.from_ms), number: version.number });
    }
    Ok(DecidedProgress {
        facts_partition: data.facts_partition,
        next_offset: data.next_offset,
        partition_time: TimeMs(data.partition_time_ms),
        coverage,
        deciding: Deciding {
            rules: data.rules.map(|rules| DecidingRules {
                version: rules.version,
                sha256: rules.sha256,
                profile: rules.profile,
                activated: (rules.activated_offset, TimeMs(rules.activated_ms)),
            }),
            live_since: data.live_since_ms.map(TimeMs),
            next_timer: data.next_timer_ms.map(TimeMs),
            shadowed: data.shadowed.into_iter().map(|one| (one.rule, one.version)).collect(),
            // One that a later program counts is none of ours.
            persons: data
                .persons
                .into_iter()
                .filter_map(|one| Some((one.year, Destination::from_name(&one.destination)?, one.count)))
                .collect(),
            speaks: data.speaks,
        },
    })
}
