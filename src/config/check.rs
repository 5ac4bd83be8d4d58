//! Bounds of the settings, and what must fit together.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::bundle::{span, standing};
use super::nearest;
use super::settings::{Config, IntakeVersion, MAINLAND, S3, Time, TopicTerm};
use crate::codec::authority::AuthorityKey;
use crate::codec::signing::RegisteredKey;
use crate::engine::base::{SpanMs, TimeMs};
use crate::engine::cover::ConfigVersion;
use crate::engine::order::Level;
use crate::engine::{SEMANTICS, SEMANTICS_UNNAMED};

type Found = Vec<(&'static str, String)>;

/// What is wrong, by key.
pub(super) fn problems(config: &Config) -> Found {
    let mut found = Found::new();
    names(config, &mut found);
    numbers(config, &mut found);
    destinations(config, &mut found);
    sources(config, &mut found);
    if let Err(message) = config.intake_versions() {
        found.push(("intake.versions", message));
    }
    if let Err(message) = config.facts_retention_ms() {
        found.push(("kafka.facts_retention", message));
    }
    const TERMS: [&str; 8] = [
        "retention.dispositions",
        "retention.notices",
        "retention.shadow",
        "retention.authority",
        "retention.leads",
        "retention.dead_letters",
        "retention.sources",
        "retention.control",
    ];
    for (key, (_, term)) in TERMS.into_iter().zip(config.retention.all()) {
        if let Err(message) = term.problem() {
            found.push((key, message));
        }
    }
    if config.production && config.keys.file.is_empty() {
        found.push((
            "keys.file",
            "is empty: production refuses the development key; name a file with your own".to_owned(),
        ));
    }
    releases(config, &mut found);
    if let Err(message) = config.authority_keys() {
        found.push(("orders.keys", message));
    }
    if !config.http.listen.is_empty() && config.http.listen.parse::<SocketAddr>().is_err() {
        found.push((
            "http.listen",
            "is no address and port; write it as `127.0.0.1:9464`, or leave it empty".to_owned(),
        ));
    }
    found
}

/// Rule releases: keys that can be read, and no unsigned way past them.
fn releases(config: &Config, found: &mut Found) {
    let rules = &config.rules;
    if let Err(message) = config.signing_keys() {
        found.push(("rules.signing_keys", message));
    }
    if config.production && rules.signing_keys.is_empty() {
        let why = "is empty: production takes signed rules only; `duecourse rules keygen` makes a key";
        found.push(("rules.signing_keys", why.to_owned()));
    }
    if rules.activate_on_first_start && (config.production || !rules.signing_keys.is_empty()) {
        let why = "is true, and that activation is not signed: set it to false and use `rules activate`";
        found.push(("rules.activate_on_first_start", why.to_owned()));
    }
    if rules.go_live_on_first_start && config.production {
        let why = "is true, and production records a reason: set it to false and use `rules go-live`";
        found.push(("rules.go_live_on_first_start", why.to_owned()));
    }
    if rules.semantics_max != 0 && !(SEMANTICS_UNNAMED..=SEMANTICS).contains(&rules.semantics_max) {
        let why = format!(
            "is {}; this program speaks engine semantics {SEMANTICS_UNNAMED} to {SEMANTICS}, and 0 means the highest",
            rules.semantics_max
        );
        found.push(("rules.semantics_max", why));
    }
    let control = &rules.control_source;
    if config.production && control.is_empty() {
        let why = "is empty: in production rule releases come by a source of their own; name it here";
        found.push(("rules.control_source", why.to_owned()));
    }
    if !control.is_empty() && config.sources.iter().all(|source| source.name != *control) {
        let names = config.sources.iter().map(|source| source.name.as_str());
        let hint = nearest::nearest(control, names)
            .map_or(String::new(), |name| format!("; did you mean `{name}`?"));
        found.push(("rules.control_source", format!("is `{control}`, and no source has that name{hint}")));
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(plain)
}

fn names(config: &Config, found: &mut Found) {
    let required = [("institution", &config.institution), ("kafka.group", &config.kafka.group)];
    let optional = [
        ("kafka.instance_id", &config.kafka.instance_id),
        ("kafka.transactional_id", &config.kafka.transactional_id),
    ];
    let optional = optional.into_iter().filter(|(_, text)| !text.is_empty());
    for (key, text) in required.into_iter().chain(optional) {
        if !is_name(text) {
            found.push((key, "is no name; use letters, digits, `.`, `_` and `-`, 128 at most".to_owned()));
        }
    }
    if config.kafka.bootstrap_servers.trim().is_empty() {
        found.push(("kafka.bootstrap_servers", "is empty; write host:port".to_owned()));
    }
    let twice = config.kafka.property_files.keys().find(|name| config.kafka.properties.contains_key(*name));
    if let Some(name) = twice {
        let why = format!("sets `{name}`, which kafka.properties sets too; leave one of them out");
        found.push(("kafka.property_files", why));
    }
    if config.snapshots.dir.is_empty() && config.snapshots.s3.bucket.is_empty() {
        found.push(("snapshots.dir", "is empty; name a folder, or a bucket in snapshots.s3".to_owned()));
    }
    bucket(&config.snapshots.s3, found);
}

/// A bucket comes with all that it takes to open it.
fn bucket(s3: &S3, found: &mut Found) {
    if s3.bucket.is_empty() {
        return;
    }
    if !s3.endpoint.starts_with("https://") && !s3.endpoint.starts_with("http://") {
        let why = format!("is `{}`; write it as `https://host:port`", s3.endpoint);
        found.push(("snapshots.s3.endpoint", why));
    }
    if s3.credentials_file.is_empty() {
        let why = "is empty; name a file with `aws_access_key_id` and `aws_secret_access_key`";
        found.push(("snapshots.s3.credentials_file", why.to_owned()));
    }
}

fn numbers(config: &Config, found: &mut Found) {
    let bounds: [(&'static str, i64, i64, i64); 15] = [
        ("kafka.source_partitions", config.kafka.source_partitions.into(), 1, 10_000),
        ("kafka.facts_partitions", config.kafka.facts_partitions.into(), 1, 10_000),
        ("kafka.replication", config.kafka.replication.into(), -1, 15),
        ("kafka.transaction_timeout_ms", config.kafka.transaction_timeout_ms.into(), 1_000, 900_000),
        ("kafka.session_timeout_ms", config.kafka.session_timeout_ms.into(), 1_000, 900_000),
        ("kafka.queue_kib", config.kafka.queue_kib.into(), 64, 1_048_576),
        ("intake.pack_bytes_max", config.intake.pack_bytes_max.into(), 1_024, 900_000),
        ("intake.token_cache_entries", config.intake.token_cache_entries.into(), 0, 100_000_000),
        ("snapshots.kept", config.snapshots.kept.into(), 2, 1_000),
        ("intake.skew_ms_max", signed(config.intake.skew_ms_max), 1, 3_600_000),
        ("intake.future_ms_max", signed(config.intake.future_ms_max), 0, 86_400_000),
        ("intake.pack_ms_max", signed(config.intake.pack_ms_max), 0, 10_000),
        ("intake.idle_cover_ms", signed(config.intake.idle_cover_ms), 10, 60_000),
        ("snapshots.interval_ms", signed(config.snapshots.interval_ms), 1_000, 86_400_000),
        ("snapshots.s3.timeout_ms", signed(config.snapshots.s3.timeout_ms), 100, 600_000),
    ];
    let waiting = [
        ("decide.commit_interval_ms", signed(config.decide.commit_interval_ms), 1, 5_000),
        ("decide.idle_commit_interval_ms", signed(config.decide.idle_commit_interval_ms), 10, 60_000),
        ("decide.waiting_bytes_max", signed(config.decide.waiting_bytes_max), 1_048_576, 1 << 40),
    ];
    for (key, value, low, high) in bounds.into_iter().chain(waiting) {
        if value < low || value > high {
            found.push((key, format!("is {value}: at least {low}, at most {high}")));
        }
    }
    if config.kafka.replication == 0 {
        found.push(("kafka.replication", "is 0: at least 1, or -1 for the broker's default".to_owned()));
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// D21: a destination outside the mainland needs the number of its assessment.
fn abroad(jurisdiction: &str, assessment: &str) -> Option<String> {
    if jurisdiction == MAINLAND || (!jurisdiction.is_empty() && !assessment.trim().is_empty()) {
        return None;
    }
    Some(format!(
        "is `{jurisdiction}` without an assessment: data stays on the mainland unless `assessment` names the number of a security assessment for export"
    ))
}

fn destinations(config: &Config, found: &mut Found) {
    const KEYS: [(&str, &str); 9] = [
        ("topics.facts.name", "topics.facts.jurisdiction"),
        ("topics.dispositions.name", "topics.dispositions.jurisdiction"),
        ("topics.notices.name", "topics.notices.jurisdiction"),
        ("topics.measures.name", "topics.measures.jurisdiction"),
        ("topics.decided.name", "topics.decided.jurisdiction"),
        ("topics.shadow.name", "topics.shadow.jurisdiction"),
        ("topics.authority.name", "topics.authority.jurisdiction"),
        ("topics.leads.name", "topics.leads.jurisdiction"),
        ("topics.dead_letters.name", "topics.dead_letters.jurisdiction"),
    ];
    let mut names = BTreeSet::new();
    for ((name_key, jurisdiction_key), (_, topic)) in KEYS.into_iter().zip(config.topics.all()) {
        if !is_name(&topic.name) {
            found.push((name_key, "is no topic name; use letters, digits, `.`, `_` and `-`".to_owned()));
        }
        if !names.insert(&topic.name) {
            found.push((name_key, format!("`{}` names two topics; each needs its own", topic.name)));
        }
        found.extend(
            abroad(&topic.jurisdiction, &topic.assessment).map(|message| (jurisdiction_key, message)),
        );
    }
    let snapshots = abroad(&config.snapshots.jurisdiction, &config.snapshots.assessment);
    found.extend(snapshots.map(|message| ("snapshots.jurisdiction", message)));
}

fn sources(config: &Config, found: &mut Found) {
    let mut names = BTreeSet::new();
    let mut topics: BTreeSet<&str> =
        config.topics.all().into_iter().map(|(_, topic)| topic.name.as_str()).collect();
    for source in &config.sources {
        let mut add =
            |message: String| found.push(("sources", format!("source `{}` {message}", source.name)));
        if !is_name(&source.name) || !is_name(&source.topic) || source.mapping.is_empty() {
            add("needs a name, a topic and a mapping".to_owned());
        }
        if source.generation == 0 {
            add("has generation 0; generations count from 1".to_owned());
        }
        if !names.insert(&source.name) {
            add("stands twice; names of sources are unique".to_owned());
        }
        if !topics.insert(&source.topic) {
            add(format!(
                "reads `{}`, which another source or output has; each topic has one part",
                source.topic
            ));
        }
        if let Some(message) = abroad(&source.jurisdiction, &source.assessment) {
            add(message);
        }
    }
}

impl Config {
    /// The registry of signing keys.
    ///
    /// # Errors
    /// When an entry cannot be read, or an id stands twice.
    pub fn signing_keys(&self) -> Result<Vec<RegisteredKey>, String> {
        let mut keys: Vec<RegisteredKey> = Vec::new();
        for entry in &self.rules.signing_keys {
            let id = &entry.id;
            let is_new = keys.iter().all(|known| known.id != *id);
            let valid = term(id, is_new, (&entry.valid_from, &entry.valid_to))?;
            let key = RegisteredKey::new(id, &entry.public_key, valid);
            keys.push(key.map_err(|error| format!("has key `{id}`: its `public_key` {error}"))?);
        }
        Ok(keys)
    }

    /// The registry of the keys of authorities.
    ///
    /// # Errors
    /// When an entry cannot be read, or an id stands twice.
    pub fn authority_keys(&self) -> Result<Vec<AuthorityKey>, String> {
        let mut keys: Vec<AuthorityKey> = Vec::new();
        for entry in &self.orders.keys {
            let id = &entry.id;
            let is_new = keys.iter().all(|known| known.id != *id);
            let valid = term(id, is_new, (&entry.valid_from, &entry.valid_to))?;
            if entry.issuer.trim().is_empty() {
                return Err(format!("has key `{id}` without an issuer"));
            }
            let level = Level::from_name(&entry.level).ok_or_else(|| {
                let known = Level::ALL.map(Level::name).join(", ");
                format!("has key `{id}` with a `level` that is none of {known}")
            })?;
            let named = (id.as_str(), entry.issuer.as_str(), level);
            let key = AuthorityKey::new(named, &entry.algorithm, &entry.public_key, valid);
            keys.push(key.map_err(|error| format!("has key `{id}`: its `public_key` {error}"))?);
        }
        Ok(keys)
    }

    /// The dated list of intake configurations, the first since ever (D6).
    ///
    /// # Errors
    /// When it is empty, not ascending, or names a source that does not exist.
    pub fn intake_versions(&self) -> Result<Vec<ConfigVersion>, String> {
        let mut versions: Vec<ConfigVersion> = Vec::new();
        for version in &self.intake.versions {
            let made = ConfigVersion { from: start(version, versions.is_empty())?, number: version.number };
            if versions.last().is_some_and(|last| made.from <= last.from || made.number <= last.number) {
                return Err(format!(
                    "version {} does not begin after the one before it, or its number does not rise",
                    version.number
                ));
            }
            let unknown =
                version.mappings.keys().find(|name| self.sources.iter().all(|source| source.name != **name));
            if let Some(name) = unknown {
                return Err(format!("version {} maps `{name}`, which is no source", version.number));
            }
            versions.push(made);
        }
        if versions.is_empty() {
            return Err("is empty; there is at least `[{ number = 1 }]`".to_owned());
        }
        if self.time == Time::Event && versions.len() > 1 {
            return Err(
                "has several versions, and `time = \"event\"` has no clock to switch them by".to_owned()
            );
        }
        Ok(versions)
    }

    /// The mapping of a source under a version: the last one at or before it that names the source.
    #[must_use]
    pub fn mapping<'a>(&'a self, source: &'a super::settings::Source, version: u32) -> &'a str {
        self.intake
            .versions
            .iter()
            .rev()
            .filter(|known| known.number <= version)
            .find_map(|known| known.mappings.get(&source.name))
            .unwrap_or(&source.mapping)
    }

    /// How long facts are kept, in milliseconds; -1 is for ever.
    ///
    /// # Errors
    /// When it is no span.
    pub fn facts_retention_ms(&self) -> Result<i64, String> {
        if self.kafka.facts_retention == "-1" {
            return Ok(-1);
        }
        let span = span(&self.kafka.facts_retention)?;
        if span < SpanMs::HOUR {
            return Err("is shorter than an hour: a restored partition could not catch up".to_owned());
        }
        Ok(span.0)
    }

    /// How long facts must be kept at least (DESIGN D12): as old as the snapshots that are kept may become, and an
    /// outage as long as that.
    #[must_use]
    pub fn facts_retention_ms_min(&self) -> i64 {
        let interval_ms = i64::try_from(self.snapshots.interval_ms).unwrap_or(i64::MAX);
        interval_ms.saturating_mul(i64::from(self.snapshots.kept)).saturating_mul(2)
    }
}

impl TopicTerm {
    /// In milliseconds, as Kafka wants it; -1 is for ever.
    ///
    /// # Errors
    /// When it is no span, or shorter than an hour.
    pub fn kept_ms(&self) -> Result<i64, String> {
        if self.kept == "-1" {
            return Ok(-1);
        }
        let span = span(&self.kept)?;
        if span < SpanMs::HOUR { Err("is shorter than an hour".to_owned()) } else { Ok(span.0) }
    }

    fn problem(&self) -> Result<(), String> {
        self.kept_ms()?;
        if self.basis.trim().is_empty() {
            return Err("has no `basis`; say why it is kept so long".to_owned());
        }
        standing(&self.status).map(drop)
    }
}

/// When a key is valid.
fn term(id: &str, is_new: bool, (from, to): (&str, &str)) -> Result<(TimeMs, TimeMs), String> {
    let time = |name: &str, text: &str| match text.parse::<jiff::Timestamp>() {
        Ok(moment) => Ok(TimeMs(moment.as_millisecond())),
        Err(_) => Err(format!("has key `{id}` with a `{name}` that is no RFC 3339 time")),
    };
    let valid = (time("valid_from", from)?, time("valid_to", to)?);
    if !is_name(id) || !is_new {
        return Err(format!("has key `{id}`, which is no name or stands twice"));
    }
    if valid.0 >= valid.1 {
        return Err(format!("has key `{id}`, which ends before it begins"));
    }
    Ok(valid)
}

fn start(version: &IntakeVersion, first: bool) -> Result<TimeMs, String> {
    match (&version.from, first) {
        (None, true) => Ok(TimeMs::MIN),
        (Some(_), true) => {
            Err("begins with a version that has `from`; the first holds since ever".to_owned())
        }
        (None, false) => Err(format!("has no `from` in version {}", version.number)),
        (Some(text), false) => text
            .parse::<jiff::Timestamp>()
            .map(|moment| TimeMs(moment.as_millisecond()))
            .map_err(|_| format!("has a `from` in version {} that is no RFC 3339 time", version.number)),
    }
}
