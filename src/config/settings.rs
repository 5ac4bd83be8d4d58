//! The shape of the commands' configuration. `config/default.toml` explains every knob and gives its
//! default; this file gives its type and its bounds. The committed JSON Schema is made from here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::Profile;
use crate::engine::SEMANTICS;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Short name of this institution: stands in every output.
    pub institution: String,
    /// What moves time.
    pub time: Time,
    /// Refuses the development key.
    pub production: bool,
    pub keys: Keys,
    pub rules: Rules,
    pub orders: Orders,
    pub kafka: Kafka,
    pub topics: Topics,
    pub retention: TopicTerms,
    pub intake: Intake,
    pub decide: Decide,
    pub snapshots: Snapshots,
    pub http: Http,
    pub sources: Vec<Source>,
}

/// `broker`: record timestamps set by the broker. `event`: the largest event time so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Time {
    Broker,
    Event,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// File with 64 hexadecimal digits; empty: the fixed development key.
    pub file: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Folder laid out like `config/`; empty: the built-in rules.
    pub dir: String,
    /// The operating point: which thresholds hold and which rules run.
    pub profile: Profile,
    /// Write the activation fact when a first start finds empty facts.
    pub activate_on_first_start: bool,
    /// Write the go-live fact when a first start finds empty facts.
    pub go_live_on_first_start: bool,
    /// Name of the source whose topic carries `rules activate` and `rules go-live`; empty: none.
    pub control_source: String,
    /// Who may sign rule releases. Entries end; they are never taken out.
    pub signing_keys: Vec<SigningKey>,
    /// The highest engine semantics that this process speaks; 0: what it was built with.
    pub semantics_max: u32,
}

impl Rules {
    /// The highest engine semantics that this process speaks (D13).
    #[must_use]
    pub fn speaks(&self) -> u32 {
        if self.semantics_max == 0 { SEMANTICS } else { self.semantics_max }
    }
}

/// A public key that may sign rule releases for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    pub id: String,
    /// Ed25519, 64 hexadecimal digits; `rules keygen` prints it.
    pub public_key: String,
    /// RFC 3339 with an offset.
    pub valid_from: String,
    /// RFC 3339 with an offset; from then on it signs no more.
    pub valid_to: String,
}

/// Orders of authorities (APL 20).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// Whose orders are obeyed. Entries end; they are never taken out.
    pub keys: Vec<AuthorityKeyEntry>,
}

/// A public key that an authority signs its orders with for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorityKeyEntry {
    pub id: String,
    /// The only issuer that it may sign for.
    pub issuer: String,
    /// `county`, `prefecture`, `provincial` or `national`.
    pub level: String,
    /// `ed25519` or `sm2`.
    pub algorithm: String,
    /// Hexadecimal: 64 digits for Ed25519; 130 for SM2, beginning with 04.
    pub public_key: String,
    /// RFC 3339 with an offset.
    pub valid_from: String,
    /// RFC 3339 with an offset; from then on it signs no more.
    pub valid_to: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// Comma-separated host:port.
    pub bootstrap_servers: String,
    pub source_partitions: u32,
    /// Never changes under live state.
    pub facts_partitions: u32,
    /// -1 leaves it to the broker.
    pub replication: i32,
    /// Prefix of consumer groups and transactional ids.
    pub group: String,
    /// Empty: dynamic membership.
    pub instance_id: String,
    /// Empty: from group and instance id.
    pub transactional_id: String,
    pub transaction_timeout_ms: u32,
    pub session_timeout_ms: u32,
    /// KiB fetched ahead of each partition.
    pub queue_kib: u32,
    /// Span such as `30d`, or `-1` for ever.
    pub facts_retention: String,
    /// File with the token (a JWT) of SASL OAUTHBEARER, read again for each new token; empty: none.
    pub oauth_token_file: String,
    /// Further librdkafka properties; they may hold secrets and are never printed.
    pub properties: BTreeMap<String, String>,
    /// Properties whose values stand in files, such as passwords; a line feed at the end is no part of them.
    pub property_files: BTreeMap<String, String>,
}

/// The topics that duecourse owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    pub facts: Destination,
    pub dispositions: Destination,
    pub notices: Destination,
    pub measures: Destination,
    pub decided: Destination,
    pub shadow: Destination,
    pub authority: Destination,
    pub leads: Destination,
    pub dead_letters: Destination,
}

/// How long topics are kept, and why. Facts: `kafka.facts_retention`. What is in force (`measures`) and how far
/// was decided (`decided`) are compacted: each key's latest, gone with its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicTerms {
    pub dispositions: TopicTerm,
    pub notices: TopicTerm,
    pub shadow: TopicTerm,
    pub authority: TopicTerm,
    pub leads: TopicTerm,
    pub dead_letters: TopicTerm,
    /// Source topics that `topics create` makes.
    pub sources: TopicTerm,
    /// The topic of `rules.control_source`.
    pub control: TopicTerm,
}

/// How long a topic is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicTerm {
    /// Span such as `30d`, or `-1` for ever.
    pub kept: String,
    /// The law, or the reason.
    pub basis: String,
    /// `verified_text`, `verified_press`, `verified_web`, `from_memory` or `policy`.
    pub status: String,
}

impl TopicTerms {
    /// Each with its key.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &TopicTerm); 8] {
        [
            ("dispositions", &self.dispositions),
            ("notices", &self.notices),
            ("shadow", &self.shadow),
            ("authority", &self.authority),
            ("leads", &self.leads),
            ("dead_letters", &self.dead_letters),
            ("sources", &self.sources),
            ("control", &self.control),
        ]
    }
}

/// A topic and where it lies (D21).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    pub name: String,
    /// `mainland`, or another name together with an assessment.
    pub jurisdiction: String,
    /// Number of the security assessment that allows data there.
    pub assessment: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    /// Dated list; its past may not change (D6).
    pub versions: Vec<IntakeVersion>,
    pub skew_ms_max: u64,
    pub future_ms_max: u64,
    pub pack_ms_max: u64,
    pub pack_bytes_max: u32,
    pub idle_cover_ms: u64,
    pub token_cache_entries: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntakeVersion {
    pub number: u32,
    /// RFC 3339 with an offset; absent in the first version only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Source name to mapping, where this version reads a source otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mappings: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    pub commit_interval_ms: u64,
    pub idle_commit_interval_ms: u64,
    pub waiting_bytes_max: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshots {
    /// Folder; not used where a bucket is named.
    pub dir: String,
    pub interval_ms: u64,
    pub kept: u32,
    pub jurisdiction: String,
    pub assessment: String,
    pub s3: S3,
}

/// A bucket of an S3-compatible object store for snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Empty: none, snapshots go to the folder.
    pub bucket: String,
    /// `https://host:port`; `http://` where the network is trusted.
    pub endpoint: String,
    /// Part of the signature; many stores take any.
    pub region: String,
    /// File with `aws_access_key_id` and `aws_secret_access_key`.
    pub credentials_file: String,
    /// What one request may take.
    pub timeout_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port; empty: nowhere.
    pub listen: String,
}

/// A topic that intake reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Part of what has been covered: never changes.
    pub name: String,
    pub topic: String,
    /// A shipped mapping or a file.
    pub mapping: String,
    /// Raised when the topic was recreated (D8).
    pub generation: u32,
    #[serde(default = "mainland")]
    pub jurisdiction: String,
    #[serde(default)]
    pub assessment: String,
}

fn mainland() -> String {
    MAINLAND.to_owned()
}

/// The jurisdiction in which no assessment is asked for.
pub const MAINLAND: &str = "mainland";

impl Topics {
    /// Every topic with its key.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &Destination); 9] {
        [
            ("facts", &self.facts),
            ("dispositions", &self.dispositions),
            ("notices", &self.notices),
            ("measures", &self.measures),
            ("decided", &self.decided),
            ("shadow", &self.shadow),
            ("authority", &self.authority),
            ("leads", &self.leads),
            ("dead_letters", &self.dead_letters),
        ]
    }
}

impl Kafka {
    /// Consumer group of intake.
    #[must_use]
    pub fn intake_group(&self) -> String {
        format!("{}.intake", self.group)
    }

    /// Consumer group of decide.
    #[must_use]
    pub fn decide_group(&self) -> String {
        format!("{}.decide", self.group)
    }

    /// The group that clients outside any group name.
    #[must_use]
    pub fn reader_group(&self) -> String {
        format!("{}.reader", self.group)
    }

    /// What the transactional ids of this deployment begin with.
    #[must_use]
    pub fn transactional_prefix(&self) -> String {
        match self.transactional_id.as_str() {
            "" => self.decide_group(),
            own => own.to_owned(),
        }
    }

    /// The static member name; `None` for dynamic membership.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        (!self.instance_id.is_empty()).then_some(self.instance_id.as_str())
    }
}
