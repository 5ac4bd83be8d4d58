//! What each topic must be, and what a process must be allowed to do with it.

use crate::cli::snapshots;
use crate::config::{Config, Time};
use crate::log::kafka::Operation;
use crate::telemetry::clock::now;

/// How a topic's records may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cleanup {
    /// By age.
    Delete,
    /// All but the latest of each key.
    Compact,
}

impl Cleanup {
    pub(super) fn policy(self) -> &'static str {
        match self {
            Cleanup::Delete => "delete",
            Cleanup::Compact => "compact",
        }
    }
}

/// A topic of the deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub name: String,
    pub is_facts: bool,
    pub partitions: u32,
    pub cleanup: Cleanup,
    /// Its records are timed by the broker.
    pub append_time: bool,
    pub operations: &'static [Operation],
}

/// All of them, sources included.
pub(super) fn needs(config: &Config) -> Vec<Need> {
    use Operation::{Describe, DescribeConfigs, Read, Write};
    const OUTPUT: &[Operation] = &[Write, Describe];
    let (topics, kafka) = (&config.topics, &config.kafka);
    let facts = kafka.facts_partitions;
    let need = |name: &str, partitions, cleanup, operations| Need {
        name: name.to_owned(),
        is_facts: false,
        partitions,
        cleanup,
        append_time: false,
        operations,
    };
    let mut needs = vec![
        Need {
            is_facts: true,
            append_time: true,
            ..need(&topics.facts.name, facts, Cleanup::Delete, &[Read, Write, Describe, DescribeConfigs])
        },
        need(&topics.dispositions.name, facts, Cleanup::Delete, OUTPUT),
        need(&topics.notices.name, facts, Cleanup::Delete, OUTPUT),
        need(&topics.shadow.name, facts, Cleanup::Delete, OUTPUT),
        need(&topics.authority.name, facts, Cleanup::Delete, OUTPUT),
        need(&topics.measures.name, facts, Cleanup::Compact, OUTPUT),
        need(&topics.decided.name, 1, Cleanup::Compact, &[Read, Write, Describe, DescribeConfigs]),
        need(&topics.dead_letters.name, 1, Cleanup::Delete, &[Write, Describe, DescribeConfigs]),
    ];
    for source in &config.sources {
        needs.push(Need {
            append_time: config.time == Time::Broker,
            ..need(
                &source.topic,
                kafka.source_partitions,
                Cleanup::Delete,
                &[Read, Describe, DescribeConfigs],
            )
        });
    }
    needs
}

/// An id under the prefix of this deployment's transactions that no process has.
pub(super) fn trial_id(config: &Config) -> String {
    match config.kafka.transactional_id.as_str() {
        "" => format!("{}.doctor", config.kafka.decide_group()),
        own => format!("{own}.doctor"),
    }
}

/// The age of the partition's newest snapshot that is oldest of all; `None` where there is none to be seen.
pub(super) fn snapshot_age_ms(config: &Config) -> Option<i64> {
    let store = snapshots::look(config).ok()?;
    let newest = |partition: u32| store.list(partition).ok()?.first().map(|entry| entry.stored);
    let oldest = (0..config.kafka.facts_partitions).filter_map(newest).min()?;
    Some(now().0.saturating_sub(oldest.0))
}
