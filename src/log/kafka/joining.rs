//! How a consumer takes part in its group: one set of client settings for sources and for facts.

use std::time::Duration;

use rdkafka::consumer::Consumer;

use super::connection::{Connection, refused};
use super::group::{GroupConsumer, GroupContext, Member};
use crate::log::LogError;

/// What leaving the group may take, unless its owner says otherwise.
const CLOSE_MAX: Duration = Duration::from_secs(10);

/// How long a broker may keep the news that a partition has no further record now. So long the other sources wait
/// for it after each of its records (D10), so that one which trickles can hold back a backlog that is ahead of it.
const END_TOLD_WITHIN_MS: &str = "100";

/// A consumer's place in its group.
pub(super) struct Joining<'a> {
    /// Names the client in the brokers' logs.
    pub role: &'a str,
    pub group: &'a str,
    /// Static membership: distinct for each live process, stable over its restarts.
    pub instance: Option<&'a str>,
    pub session_timeout_ms: u32,
    /// What the client may hold of each partition before it stops fetching, in KiB and in records.
    pub queue_kib: u32,
    pub queue_records: u32,
    /// Whether it is told when a partition has no further record now.
    pub tells_end: bool,
}

impl Joining<'_> {
    /// The consumer, not yet subscribed.
    ///
    /// # Errors
    /// When the connection's properties are refused.
    pub fn member(&self, connection: &Connection) -> Result<Member, LogError> {
        let mut config = connection.config(self.role);
        config
            .set("group.id", self.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            // Of facts, which are never in a transaction, for the sake of stable offset fetch.
            .set("isolation.level", "read_committed")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", self.session_timeout_ms.to_string())
            .set("heartbeat.interval.ms", (self.session_timeout_ms / 10).max(500).to_string())
            .set("fetch.queue.backoff.ms", "5")
            .set("queued.min.messages", self.queue_records.to_string())
            .set("queued.max.messages.kbytes", self.queue_kib.to_string());
        if self.tells_end {
            config.set("enable.partition.eof", "true").set("fetch.wait.max.ms", END_TOLD_WITHIN_MS);
        }
        if let Some(instance) = self.instance {
            config.set("group.instance.id", instance);
        }
        let tokens = connection.tokens();
        let consumer: GroupConsumer =
            config.create_with_context(GroupContext::new(tokens.clone())).map_err(refused)?;
        tokens.begin(consumer.client().native_ptr())?;
        Ok(Member::new(consumer, CLOSE_MAX))
    }
}
