//! What must hold of the topics, of the client and of what is allowed. Pure: judges what was seen.

use super::brokers;
use super::topics::{self, Cleanup, Need};
use super::{Finding, Level, Seen};
use crate::config::Config;
use crate::log::kafka::{Allowed, COMPACTED_WITHIN, Operation, TopicState};

/// Every check, and how many there were.
pub(super) fn all(config: &Config, seen: &Seen) -> (Vec<Finding>, usize) {
    let mut judge = Judge { findings: Vec::new(), count: 0, servers: config.kafka.bootstrap_servers.clone() };
    for need in topics::needs(config) {
        match seen.topics.get(&need.name) {
            Some(Ok(Some(state))) => topic(&mut judge, config, &need, state),
            Some(Err(why)) => {
                let mend = judge.grant(&need.name, need.operations);
                judge.error("acl", &need.name, why.clone(), mend);
            }
            Some(Ok(None)) | None => {
                let mend = "duecourse topics create --config FILE".to_owned();
                judge.error("topic", &need.name, "the topic does not exist".to_owned(), mend);
            }
        }
        operations(&mut judge, &seen.on_topics, &need);
    }
    groups(&mut judge, config, &seen.on_groups);
    transactions(&mut judge, config, seen);
    client(&mut judge, config);
    snapshots(&mut judge, config, seen);
    brokers::check(&mut judge, config, &seen.broker);
    judge.findings.sort_by_key(|finding| finding.level);
    (judge.findings, judge.count)
}

/// Collects findings.
pub(super) struct Judge {
    findings: Vec<Finding>,
    count: usize,
    servers: String,
}

impl Judge {
    pub(super) fn error(&mut self, check: &'static str, about: &str, found: String, mend: String) {
        self.count += 1;
        let about = about.to_owned();
        self.findings.push(Finding { level: Level::Error, check, about, found, mend });
    }

    pub(super) fn warning(&mut self, check: &'static str, about: &str, found: String, mend: String) {
        self.count += 1;
        let about = about.to_owned();
        self.findings.push(Finding { level: Level::Warning, check, about, found, mend });
    }

    /// A check that held.
    pub(super) fn well(&mut self) {
        self.count += 1;
    }

    fn set(&self, topic: &str, setting: &str) -> String {
        format!(
            "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {topic} --add-config {setting}",
            self.servers
        )
    }

    fn grant(&self, topic: &str, operations: &[Operation]) -> String {
        let operations: String =
            operations.iter().map(|operation| format!("--operation {} ", operation.name())).collect();
        format!(
            "kafka-acls.sh --bootstrap-server {} --add --allow-principal User:NAME {operations}--topic {topic}",
            self.servers
        )
    }
}

fn topic(judge: &mut Judge, config: &Config, need: &Need, state: &TopicState) {
    let name = need.name.as_str();
    if state.partitions == need.partitions {
        judge.well();
    } else {
        let found =
            format!("{} partitions, and the configuration says {}", state.partitions, need.partitions);
        let mend = "set the configuration to what the topic has: the number never changes under live state"
            .to_owned();
        judge.error("partitions", name, found, mend);
    }
    let policy = state.setting("cleanup.policy");
    if policy == need.cleanup.policy() {
        judge.well();
    } else {
        let wanted = need.cleanup.policy();
        let why = match need.cleanup {
            Cleanup::Delete => "compaction would drop records that must be there in a replay",
            Cleanup::Compact => "what is in force or decided longest ago would be deleted",
        };
        let found = format!("cleanup.policy={policy}, and it must be {wanted}: {why}");
        judge.error("cleanup_policy", name, found, judge.set(name, &format!("cleanup.policy={wanted}")));
    }
    if need.cleanup == Cleanup::Compact {
        compaction(judge, name, state);
    }
    if need.append_time && state.setting("message.timestamp.type") != "LogAppendTime" {
        let found =
            "message.timestamp.type=CreateTime: producers would move the time of decisions".to_owned();
        judge.error("timestamps", name, found, judge.set(name, "message.timestamp.type=LogAppendTime"));
    } else {
        judge.well();
    }
    copies(judge, config, name, state);
    if let Some((key, wanted_ms)) = need.kept {
        let kept_ms: i64 = state.setting("retention.ms").parse().unwrap_or(-1);
        if kept_ms == wanted_ms {
            judge.well();
        } else {
            let found = format!("retention.ms={kept_ms}, and {key} says {wanted_ms}");
            judge.error("retention", name, found, judge.set(name, &format!("retention.ms={wanted_ms}")));
        }
    }
    if need.is_facts {
        retention(judge, config, name, state);
    }
}

/// What a later record of the same key replaced must go in time (the table of terms says so), and by the broker's
/// defaults it stays until its segment has filled up.
fn compaction(judge: &mut Judge, name: &str, state: &TopicState) {
    let within_ms = COMPACTED_WITHIN.0;
    let lag_ms: i64 = state.setting("max.compaction.lag.ms").parse().unwrap_or(i64::MAX);
    if lag_ms <= within_ms {
        judge.well();
    } else {
        let found = format!("max.compaction.lag.ms={lag_ms}: what was replaced may stay long after its term");
        judge.error(
            "compaction",
            name,
            found,
            judge.set(name, &format!("max.compaction.lag.ms={within_ms}")),
        );
    }
}

fn copies(judge: &mut Judge, config: &Config, name: &str, state: &TopicState) {
    let in_sync_min: u32 = state.setting("min.insync.replicas").parse().unwrap_or(1);
    let copies = state.copies;
    if in_sync_min > copies {
        let found = format!("min.insync.replicas={in_sync_min} with {copies} copies: nothing can be written");
        let wanted = copies.saturating_sub(1).max(1);
        judge.error("min_insync", name, found, judge.set(name, &format!("min.insync.replicas={wanted}")));
    } else if copies >= 2 && in_sync_min < 2 {
        let found = format!(
            "min.insync.replicas={in_sync_min} with {copies} copies: a record that one broker acknowledged alone is lost with it"
        );
        judge.error("min_insync", name, found, judge.set(name, "min.insync.replicas=2"));
    } else if copies >= 2 && in_sync_min == copies {
        let found =
            format!("min.insync.replicas={in_sync_min} with {copies} copies: one broker away stops writing");
        let mend = "add a copy (kafka-reassign-partitions.sh), so that one may be away".to_owned();
        judge.warning("min_insync", name, found, mend);
    } else {
        judge.well();
    }
    if copies >= 3 {
        judge.well();
    } else {
        let found = format!("{copies} copies: two brokers lost, or one and a disk, lose records for good");
        let mend = "kafka-reassign-partitions.sh to three copies; for new topics set kafka.replication = 3"
            .to_owned();
        let say = if config.production { Judge::error } else { Judge::warning };
        say(judge, "copies", name, found, mend);
    }
    if state.copies_in_sync < copies {
        let found = format!("a partition has {} of {copies} copies in sync", state.copies_in_sync);
        judge.warning(
            "in_sync",
            name,
            found,
            "find the broker that is away or slow, and bring it back".to_owned(),
        );
    } else {
        judge.well();
    }
    if state.setting("unclean.leader.election.enable") == "true" {
        let found = "unclean.leader.election.enable=true: acknowledged records may vanish".to_owned();
        judge.error("unclean_election", name, found, judge.set(name, "unclean.leader.election.enable=false"));
    } else {
        judge.well();
    }
}

/// Facts must outlive the snapshots from which they are replayed (DESIGN D12).
fn retention(judge: &mut Judge, config: &Config, name: &str, state: &TopicState) {
    let kept_ms: i64 = state.setting("retention.ms").parse().unwrap_or(-1);
    let wanted_ms = config.facts_retention_ms().unwrap_or(-1);
    if kept_ms == wanted_ms {
        judge.well();
    } else {
        let found = format!("retention.ms={kept_ms}, and kafka.facts_retention says {wanted_ms}");
        judge.error("retention", name, found, judge.set(name, &format!("retention.ms={wanted_ms}")));
    }
    let bytes = state.setting("retention.bytes");
    if matches!(bytes, "-1" | "") {
        judge.well();
    } else {
        let found = format!("retention.bytes={bytes}: under load facts go before their time");
        judge.error("retention", name, found, judge.set(name, "retention.bytes=-1"));
    }
    let record_max: i64 = state.setting("max.message.bytes").parse().unwrap_or(i64::MAX);
    // A pack is closed at its bound and may exceed it by one record's facts.
    let pack_max = i64::from(config.intake.pack_bytes_max) * 2;
    if record_max >= pack_max {
        judge.well();
    } else {
        let found = format!("max.message.bytes={record_max}, and packs of facts may have {pack_max}");
        judge.error("record_size", name, found, judge.set(name, &format!("max.message.bytes={pack_max}")));
    }
}

fn snapshots(judge: &mut Judge, config: &Config, seen: &Seen) {
    let kept_ms = config.facts_retention_ms().unwrap_or(-1);
    let wanted_ms = config.facts_retention_ms_min();
    if kept_ms > 0 && kept_ms < wanted_ms {
        let found = format!(
            "facts are kept for {} s, and the oldest snapshot kept may be {} s old: it could not be gone on from",
            kept_ms / 1_000,
            wanted_ms / 1_000
        );
        let mend =
            "lengthen kafka.facts_retention (and the topic's retention.ms) or shorten snapshots.interval_ms";
        judge.error("snapshot_age", "snapshots.interval_ms", found, mend.to_owned());
    } else {
        judge.well();
    }
    match &seen.snapshot_age_ms {
        Err(why) => {
            let mend = "see that whoever runs doctor reaches the snapshot store as decide does".to_owned();
            judge.warning("snapshot_age", "snapshots", format!("snapshots cannot be seen: {why}"), mend);
        }
        Ok(Some(age_ms)) if kept_ms > 0 && *age_ms > kept_ms / 2 => {
            let found = format!(
                "a newest snapshot is {} s old, and facts are kept for {} s",
                age_ms / 1_000,
                kept_ms / 1_000
            );
            let mend = "see why snapshots are not stored (runbook DuecourseSnapshotOld); until then lengthen the facts' retention";
            judge.error("snapshot_age", "snapshots.dir", found, mend.to_owned());
        }
        _ => judge.well(),
    }
}

fn operations(judge: &mut Judge, allowed: &Allowed, need: &Need) {
    let name = need.name.as_str();
    let Some(Ok(allowed)) = allowed.get(name) else { return };
    for operation in need.operations {
        if allowed.contains(operation) {
            judge.well();
        } else {
            let found = format!("{} is not allowed to us", operation.name());
            judge.error("acl", name, found, judge.grant(name, &[*operation]));
        }
    }
}

fn groups(judge: &mut Judge, config: &Config, allowed: &Allowed) {
    for group in topics::groups(config) {
        let is_allowed = allowed
            .get(&group)
            .and_then(|told| told.as_ref().ok())
            .is_some_and(|told| told.contains(&Operation::Read));
        if is_allowed {
            judge.well();
            continue;
        }
        let servers = judge.servers.clone();
        let mend = format!(
            "kafka-acls.sh --bootstrap-server {servers} --add --allow-principal User:NAME --operation Read --group {group}"
        );
        judge.error("acl", &group, "Read is not allowed to us on this consumer group".to_owned(), mend);
    }
}

fn transactions(judge: &mut Judge, config: &Config, seen: &Seen) {
    let Err(why) = &seen.transactions else { return judge.well() };
    let prefix = config.kafka.transactional_prefix();
    let servers = judge.servers.clone();
    let mend = format!(
        "kafka-acls.sh --bootstrap-server {servers} --add --allow-principal User:NAME --operation Write --operation Describe \
         --transactional-id {prefix} --resource-pattern-type prefixed"
    );
    judge.error("acl", &topics::trial_id(config), why.clone(), mend);
}

/// Properties of the user's own that would take the guarantees away.
fn client(judge: &mut Judge, config: &Config) {
    let properties = &config.kafka.properties;
    let must_not: [(&str, &[&str], &str); 4] = [
        ("acks", &["all", "-1"], "a record would be called written before its copies are"),
        ("request.required.acks", &["all", "-1"], "a record would be called written before its copies are"),
        ("enable.idempotence", &["true"], "a record sent again would stand twice"),
        ("isolation.level", &["read_committed"], "outputs of transactions that were aborted would be read"),
    ];
    for (name, good, why) in must_not {
        match properties.get(name) {
            Some(value) if !good.contains(&value.as_str()) => {
                let found = format!("is `{value}`: {why}");
                let mend = format!("take `{name}` out of [kafka.properties]");
                judge.error("acks", &format!("kafka.properties.\"{name}\""), found, mend);
            }
            _ => judge.well(),
        }
    }
    let protocol = properties.get("security.protocol").map_or("plaintext", String::as_str);
    if config.production && !protocol.to_ascii_lowercase().ends_with("ssl") {
        let mend =
            "set \"security.protocol\" = \"sasl_ssl\" and credentials by [kafka.property_files]".to_owned();
        let found = format!("{protocol} in production: anybody on the way reads and writes");
        judge.error("transport", "kafka.properties.\"security.protocol\"", found, mend);
    } else {
        judge.well();
    }
}

#[cfg(test)]
mod tests;
