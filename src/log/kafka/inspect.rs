//! Looks at a cluster without changing it: for `status` and `doctor`.

use std::collections::BTreeMap;

use rdkafka::admin::{AdminOptions, ResourceSpecifier};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::admin::Admin;
use super::authorized::{self, Allowed};
use super::connection::{ASK_MAX, Connection, LogContext, refused, unreachable};
use super::reader;
use super::transaction::Transactions;
use crate::log::LogError;

/// A topic as the brokers have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicState {
    pub partitions: u32,
    /// The fewest copies that one of its partitions has.
    pub copies: u32,
    /// The fewest copies in sync.
    pub copies_in_sync: u32,
    /// Its settings, defaults included.
    pub config: BTreeMap<String, String>,
}

impl TopicState {
    /// A setting's value; empty when the brokers do not name it.
    #[must_use]
    pub fn setting(&self, name: &str) -> &str {
        self.config.get(name).map_or("", String::as_str)
    }
}

impl Admin {
    /// A topic with its copies and settings; `None` when it does not exist.
    ///
    /// # Errors
    /// When brokers do not answer, or do not let it be described.
    pub fn inspect(&self, topic: &str) -> Result<Option<TopicState>, LogError> {
        let metadata = self.consumer.fetch_metadata(Some(topic), ASK_MAX).map_err(unreachable)?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
            return Ok(None);
        };
        match found.error().map(RDKafkaErrorCode::from) {
            Some(code @ RDKafkaErrorCode::TopicAuthorizationFailed) => {
                return Err(LogError::Refused(code.to_string()));
            }
            Some(_) => return Ok(None),
            None if found.partitions().is_empty() => return Ok(None),
            None => {}
        }
        let fewest = |count: fn(&rdkafka::metadata::MetadataPartition) -> usize| {
            let least = found.partitions().iter().map(count).min().unwrap_or(0);
            u32::try_from(least).unwrap_or(u32::MAX)
        };
        Ok(Some(TopicState {
            partitions: u32::try_from(found.partitions().len()).unwrap_or(u32::MAX),
            copies: fewest(|partition| partition.replicas().len()),
            copies_in_sync: fewest(|partition| partition.isr().len()),
            config: self.settings(&ResourceSpecifier::Topic(topic))?,
        }))
    }

    /// The settings of one broker, and how many brokers there are.
    ///
    /// # Errors
    /// When brokers do not answer, or do not let it be described.
    pub fn broker(&self) -> Result<(BTreeMap<String, String>, usize), LogError> {
        let metadata = self.consumer.fetch_metadata(None, ASK_MAX).map_err(unreachable)?;
        let id = metadata.brokers().iter().map(|broker| broker.id()).min();
        let id = id.ok_or_else(|| LogError::Unreachable("the cluster names no broker".to_owned()))?;
        Ok((self.settings(&ResourceSpecifier::Broker(id))?, metadata.brokers().len()))
    }

    /// Where they may not be described, the crate gives none at all and calls that well.
    pub(super) fn settings(&self, of: &ResourceSpecifier<'_>) -> Result<BTreeMap<String, String>, LogError> {
        let options = AdminOptions::new().request_timeout(Some(ASK_MAX));
        let asked = self.client.describe_configs([of], &options);
        match self.runtime.block_on(asked).map_err(unreachable)?.into_iter().next() {
            Some(Ok(resource)) if resource.entries.is_empty() => {
                Err(LogError::Refused("DescribeConfigs is not allowed to us".to_owned()))
            }
            Some(Ok(resource)) => Ok(resource
                .entries
                .into_iter()
                .map(|entry| (entry.name, entry.value.unwrap_or_default()))
                .collect()),
            Some(Err(code)) => Err(LogError::Refused(code.to_string())),
            None => Err(LogError::Unreachable("no description of the settings".to_owned())),
        }
    }

    /// What this client may do with these topics and groups.
    ///
    /// # Errors
    /// When brokers do not answer.
    pub fn allowed(&self, topics: &[&str], groups: &[&str]) -> Result<(Allowed, Allowed), LogError> {
        let client = self.client.inner().native_ptr();
        let on_topics = authorized::on_topics(client, topics, ASK_MAX)?;
        Ok((on_topics, authorized::on_groups(client, groups, ASK_MAX)?))
    }
}

/// Tries whether transactions under this id are allowed. It must be nobody's own: whoever has it is shut out.
///
/// # Errors
/// The brokers' word why not.
pub fn try_transactions(connection: &Connection, id: &str, timeout_ms: u32) -> Result<(), LogError> {
    Transactions::init(connection, id, timeout_ms).map(|_| ())
}

/// The first offset of each partition of a topic and the one past its last, transactions that are open
/// left out.
///
/// # Errors
/// When the topic does not exist or brokers do not answer.
pub fn topic_spans(connection: &Connection, topic: &str) -> Result<Vec<(i64, i64)>, LogError> {
    reader::spans(&connection.plain_consumer("read_committed")?, topic)
}

/// The offsets that a group has committed in a topic, asked from outside of it.
///
/// # Errors
/// When brokers do not answer, or refuse.
pub fn group_offsets(
    connection: &Connection,
    group: &str,
    topic: &str,
    partitions: u32,
) -> Result<Vec<Option<i64>>, LogError> {
    let consumer: BaseConsumer<LogContext> = connection
        .config("group")
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .create_with_context(connection.context())
        .map_err(refused)?;
    connection.tokens().begin(consumer.client().native_ptr())?;
    let mut list = TopicPartitionList::new();
    for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
        list.add_partition(topic, partition);
    }
    let found = consumer.committed_offsets(list, ASK_MAX).map_err(unreachable)?;
    let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        element.error().map_err(unreachable)?;
        Ok(match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        })
    };
    found.elements().iter().map(offset).collect()
}
