//! What each topic must be, and what a process must be allowed to do with it.

use crate::cli::snapshots;
use crate::config::{Config, Time, TopicTerm};
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
    /// What `retention.ms` must be and the key that says so; `None` where we do not say it.
    pub kept: Option<(&'static str, i64)>,
    pub operations: &'static [Operation],
}

/// All of them, sources included.
pub(super) fn needs(config: &Config) -> Vec<Need> {
    use Operation::{Describe, DescribeConfigs, Read, Write};
    // Outputs are described by nobody but doctor.
    const OUTPUT: &[Operation] = &[Write, Describe, DescribeConfigs];
    let (topics, kafka) = (&config.topics, &config.kafka);
    let facts = kafka.facts_partitions;
    let need = |name: &str, partitions, cleanup, operations| Need {
        name: name.to_owned(),
        is_facts: false,
        partitions,
        cleanup,
        append_time: false,
        kept: None,
        operations,
    };
    let terms = &config.retention;
    let stream = |name: &str, partitions, key, term: &TopicTerm, operations| Need {
        // What is no span was refused when the configuration was loaded.
        kept: term.kept_ms().ok().map(|kept_ms| (key, kept_ms)),
        ..need(name, partitions, Cleanup::Delete, operations)
    };
    let mut needs = vec![
        Need {
            is_facts: true,
            append_time: true,
            ..need(&topics.facts.name, facts, Cleanup::Delete, &[Read, Write, Describe, DescribeConfigs])
        },
        stream(&topics.dispositions.name, facts, "retention.dispositions", &terms.dispositions, OUTPUT),
        stream(&topics.notices.name, facts, "retention.notices", &terms.notices, OUTPUT),
        stream(&topics.shadow.name, facts, "retention.shadow", &terms.shadow, OUTPUT),
        stream(&topics.authority.name, facts, "retention.authority", &terms.authority, OUTPUT),
        stream(&topics.leads.name, facts, "retention.leads", &terms.leads, OUTPUT),
        need(&topics.measures.name, facts, Cleanup::Compact, OUTPUT),
        need(&topics.decided.name, 1, Cleanup::Compact, &[Read, Write, Describe, DescribeConfigs]),
        stream(&topics.dead_letters.name, 1, "retention.dead_letters", &terms.dead_letters, OUTPUT),
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

/// The consumer groups that processes and questions name.
pub(super) fn groups(config: &Config) -> [String; 3] {
    [config.kafka.intake_group(), config.kafka.decide_group(), config.kafka.reader_group()]
}

/// An id under the prefix of this deployment's transactions that no process has.
pub(super) fn trial_id(config: &Config) -> String {
    format!("{}.doctor", config.kafka.transactional_prefix())
}

/// The age of the partition's newest snapshot that is oldest of all; `None` where there is none yet.
///
/// # Errors
/// Why snapshots cannot be seen from here.
pub(super) fn snapshot_age_ms(config: &Config) -> Result<Option<i64>, String> {
    let store = snapshots::look(config).map_err(|error| error.to_string())?;
    let mut oldest = None;
    for partition in 0..config.kafka.facts_partitions {
        let entries = store.list(partition).map_err(|error| error.to_string())?;
        oldest = oldest.into_iter().chain(entries.first().map(|entry| entry.stored)).min();
    }
    Ok(oldest.map(|oldest| now().0.saturating_sub(oldest.0)))
}
