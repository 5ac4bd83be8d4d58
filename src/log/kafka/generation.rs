//! What a change of generations needs of a cluster (DESIGN D6): whether anybody is at work, and one transaction
//! that hands over.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::connection::{ASK_MAX, Connection, LogContext, refused, unreachable};
use super::transaction::{Fault, Transactions};
use crate::codec::output::OutRecord;
use crate::log::LogError;

/// How many members a group has now. A member that died without leaving is one until its session has run out.
///
/// # Errors
/// When brokers do not answer.
pub fn group_members(connection: &Connection, group: &str) -> Result<usize, LogError> {
    let consumer = connection.plain_consumer("read_committed")?;
    let found = consumer.fetch_group_list(Some(group), ASK_MAX).map_err(unreachable)?;
    Ok(found.groups().iter().filter(|one| one.name() == group).map(|one| one.members().len()).sum())
}

/// Records, and offsets of a group, all or nothing. Who asks has seen that the group has no members.
#[derive(Clone, Copy, Debug)]
pub struct HandOver<'a> {
    pub transactional_id: &'a str,
    pub timeout_ms: u32,
    pub group: &'a str,
    pub facts_topic: &'a str,
    /// Of each facts partition, the next one to be decided.
    pub offsets: &'a [u64],
    /// Each with its topic.
    pub records: &'a [(&'a str, OutRecord)],
}

/// Hands over in one transaction.
///
/// # Errors
/// `Refused` when it was not done; `Unreachable` when that is not known: what was written, or not, can be read then.
pub fn hand_over(connection: &Connection, what: &HandOver<'_>) -> Result<(), LogError> {
    let group: BaseConsumer<LogContext> = connection
        .config("group")
        .set("group.id", what.group)
        .set("enable.auto.commit", "false")
        .create_with_context(connection.context())
        .map_err(refused)?;
    connection.tokens().begin(group.client().native_ptr())?;
    let outsider = group
        .group_metadata()
        .ok_or_else(|| LogError::Refused(format!("group `{}` cannot be named", what.group)))?;
    let mut offsets = TopicPartitionList::new();
    for (partition, next) in (0..).zip(what.offsets) {
        let next = Offset::Offset(i64::try_from(*next).unwrap_or(i64::MAX));
        offsets.add_partition_offset(what.facts_topic, partition, next).map_err(refused)?;
    }
    let mut transactions = Transactions::init(connection, what.transactional_id, what.timeout_ms)?;
    let records = what.records.iter().map(|(topic, record)| (*topic, record));
    match transactions.write(records, offsets, outsider) {
        Ok(()) => Ok(()),
        Err(Fault::Aborted(why)) => Err(LogError::Refused(why)),
        Err(Fault::InDoubt(why)) => {
            // Its initialisation ends what was open: from now on what can be read is how it came out.
            transactions.replace()?;
            Err(LogError::Unreachable(why))
        }
    }
}
