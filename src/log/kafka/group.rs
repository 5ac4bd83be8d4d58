//! Rebalances as data: the callback of a group consumer writes down what happened, and the thread
//! that polls acts on it when it is ready.
//!
//! Cooperative protocol. An assignment is acknowledged at once with an empty increment, so that a
//! long restore never holds up the group; each partition is added when its owner starts it. A
//! revocation is acknowledged by `release`, which may come long after the callback has returned
//! (librdkafka waits for it in its own state; until then nobody else gets the partitions).

use std::collections::{BTreeSet, VecDeque};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;

use super::connection::{ask_until_settled, log_line, refused, unreachable};
use super::oauth::Tokens;
use crate::log::LogError;

/// Reading committed offsets waits for open transactions: longer than one can stay open.
const COMMITTED_MAX: Duration = Duration::from_secs(30);

/// A partition of a topic.
pub(super) type Place = (String, i32);

/// What the group decided about us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GroupEvent {
    Assigned(Vec<Place>),
    Revoked(Vec<Place>),
    Lost(Vec<Place>),
}

/// The context of a group consumer.
#[derive(Debug, Default)]
pub(super) struct GroupContext {
    events: Mutex<VecDeque<GroupEvent>>,
    /// What has been started and not let go: librdkafka refuses to drop what it was never given.
    started: Mutex<BTreeSet<Place>>,
    closing: AtomicBool,
    tokens: Tokens,
}

impl GroupContext {
    pub(super) fn new(tokens: Tokens) -> GroupContext {
        GroupContext { tokens, ..GroupContext::default() }
    }

    pub(super) fn take_event(&self) -> Option<GroupEvent> {
        locked(&self.events).pop_front()
    }

    pub(super) fn has_event(&self) -> bool {
        !locked(&self.events).is_empty()
    }

    /// From now on revocations are granted as they come: what is not settled will not be.
    fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    fn push(&self, event: GroupEvent) {
        locked(&self.events).push_back(event);
    }
}

pub(super) type GroupConsumer = BaseConsumer<GroupContext>;

/// Begins to fetch an assigned partition.
pub(super) fn start(consumer: &GroupConsumer, place: &Place, offset: i64) -> Result<(), LogError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&place.0, place.1, Offset::Offset(offset)).map_err(refused)?;
    consumer.incremental_assign(&list).map_err(refused)?;
    locked(&consumer.context().started).insert(place.clone());
    // A pause of an earlier tenure must not outlive it.
    consumer.resume(&list).map_err(refused)
}

/// Lets revoked partitions go. Needed even when none of them was started: the group waits for it.
pub(super) fn release(consumer: &GroupConsumer, places: &[Place]) -> Result<(), LogError> {
    let list = consumer.context().forget(places);
    consumer.incremental_unassign(&list).map_err(refused)
}

/// Stops or resumes fetching.
pub(super) fn pause(consumer: &GroupConsumer, place: &Place, paused: bool) -> Result<(), LogError> {
    let mut list = TopicPartitionList::new();
    list.add_partition(&place.0, place.1);
    if paused { consumer.pause(&list) } else { consumer.resume(&list) }.map_err(refused)
}

/// The group's offsets, read stable: an offset under an open transaction is waited for (DESIGN D11), and so is a
/// coordinator that moves because its broker went.
pub(super) fn committed(
    consumer: &GroupConsumer,
    places: &[Place],
) -> Result<Vec<(Place, Option<i64>)>, LogError> {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in places {
        list.add_partition(topic, *partition);
    }
    let found = ask_until_settled(COMMITTED_MAX, || consumer.committed_offsets(list.clone(), COMMITTED_MAX))?;
    let mut offsets = Vec::with_capacity(places.len());
    for element in found.elements() {
        element.error().map_err(unreachable)?;
        let offset = match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        offsets.push(((element.topic().to_owned(), element.partition()), offset));
    }
    Ok(offsets)
}

/// The generation of our membership; `None` when we have none at the moment.
fn generation(consumer: &GroupConsumer) -> Option<i32> {
    // SAFETY: the client is borrowed for the whole call; the metadata is ours until it is destroyed,
    // and it is not used afterwards.
    unsafe {
        let metadata = rdkafka::bindings::rd_kafka_consumer_group_metadata(consumer.client().native_ptr());
        if metadata.is_null() {
            return None;
        }
        let generation = rdkafka::bindings::rd_kafka_consumer_group_metadata_generation_id(metadata);
        rdkafka::bindings::rd_kafka_consumer_group_metadata_destroy(metadata);
        (generation >= 0).then_some(generation)
    }
}

/// Our membership, fresh, for a transaction (KIP-447). `None` while we have none: the broker would
/// take offsets without any generation unchecked, if it finds the group empty.
pub(super) fn membership(consumer: &GroupConsumer) -> Option<ConsumerGroupMetadata> {
    let before = generation(consumer)?;
    let metadata = consumer.group_metadata()?;
    // Generations only grow, so the one in between was this one.
    (generation(consumer) == Some(before)).then_some(metadata)
}

/// The end of a partition as the last fetch told it; nobody is asked.
pub(super) fn known_end(consumer: &GroupConsumer, topic: &str, partition: i32) -> Option<i64> {
    let name = std::ffi::CString::new(topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client is borrowed for the whole call, the name is a C string, and both numbers
    // outlive the call.
    let code = unsafe {
        rdkafka::bindings::rd_kafka_get_watermark_offsets(
            consumer.client().native_ptr(),
            name.as_ptr(),
            partition,
            &mut low,
            &mut high,
        )
    };
    (code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
}

/// A consumer in its group. However it goes, it grants every revocation on the way, or it would wait
/// for ever for somebody to do so, and it goes in bounded time.
pub(super) struct Member {
    consumer: ManuallyDrop<GroupConsumer>,
    pub(super) close_max: Duration,
}

impl Member {
    pub(super) fn new(consumer: GroupConsumer, close_max: Duration) -> Member {
        Member { consumer: ManuallyDrop::new(consumer), close_max }
    }

    /// What comes next within `wait`.
    pub(super) fn next(&self, wait: Duration) -> Option<KafkaResult<BorrowedMessage<'_>>> {
        self.consumer.poll(whole_ms(wait))
    }
}

/// Rounded up to milliseconds. The crate passes on whole ones and cuts the rest off: it would ask again and again
/// without a pause until the rest has passed too.
fn whole_ms(wait: Duration) -> Duration {
    let wait_ms = wait.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(wait_ms).unwrap_or(u64::MAX))
}

impl Deref for Member {
    type Target = GroupConsumer;

    fn deref(&self) -> &GroupConsumer {
        &self.consumer
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // SAFETY: taken once, here, and nothing can reach the field afterwards.
        let consumer = unsafe { ManuallyDrop::take(&mut self.consumer) };
        consumer.context().close();
        let (done, closed) = mpsc::channel();
        // On a thread of its own: with brokers away, closing has no deadline.
        let closer = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(move || {
            drop(consumer);
            // Nobody may be waiting any more.
            let _ = done.send(());
        });
        if closer.is_err() || closed.recv_timeout(self.close_max).is_err() {
            tracing::warn!("the consumer did not close in time; its session will run out instead");
        }
    }
}

impl GroupContext {
    fn forget(&self, places: &[Place]) -> TopicPartitionList {
        let mut started = locked(&self.started);
        let mut list = TopicPartitionList::new();
        for place in places {
            if started.remove(place) {
                list.add_partition(&place.0, place.1);
            }
        }
        list
    }
}

impl ClientContext for GroupContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.tokens.next()
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka consumer event");
    }
}

impl ConsumerContext for GroupContext {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let places = places(list);
        let acknowledged = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.push(GroupEvent::Assigned(places));
                consumer.incremental_assign(&TopicPartitionList::new())
            }
            _ if consumer.assignment_lost() => {
                let list = self.forget(&places);
                self.push(GroupEvent::Lost(places));
                consumer.incremental_unassign(&list)
            }
            _ if self.closing.load(Ordering::SeqCst) => consumer.incremental_unassign(&self.forget(&places)),
            _ => {
                self.push(GroupEvent::Revoked(places));
                Ok(())
            }
        };
        if let Err(error) = acknowledged {
            tracing::error!(%error, "the consumer refused a rebalance");
        }
    }
}

fn places(list: &TopicPartitionList) -> Vec<Place> {
    list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

/// Nothing is done under these locks that could panic, so a poisoned one still holds good data.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::RDKafkaApiKey;

    use super::super::connection::Connection;
    use super::super::joining::Joining;
    use super::*;

    /// A real broker says so for a moment that no test can choose; librdkafka's own one says so when told.
    #[test]
    fn offsets_are_asked_for_again_while_their_coordinator_moves() {
        use RDKafkaRespErr as Code;
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("facts", 1, 1).unwrap();
        let connection =
            Connection { bootstrap_servers: cluster.bootstrap_servers(), ..Connection::default() };
        let joining = Joining {
            role: "facts",
            group: "deciders",
            instance: None,
            session_timeout_ms: 6_000,
            queue_kib: 1_024,
            queue_records: 100,
            tells_end: false,
        };
        let member = joining.member(&connection).unwrap();
        let place = ("facts".to_owned(), 0);
        let moving =
            [Code::RD_KAFKA_RESP_ERR_NOT_COORDINATOR, Code::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE];
        cluster.request_errors(RDKafkaApiKey::OffsetFetch, &moving[..1]);
        let mut list = TopicPartitionList::new();
        list.add_partition(&place.0, place.1);
        assert!(member.committed_offsets(list, COMMITTED_MAX).is_err(), "the client does not ask again");

        cluster.request_errors(RDKafkaApiKey::OffsetFetch, &moving);
        assert_eq!(committed(&member, std::slice::from_ref(&place)).unwrap(), [(place.clone(), None)]);

        cluster.request_errors(
            RDKafkaApiKey::OffsetFetch,
            &[Code::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED],
        );
        assert!(committed(&member, &[place]).is_err(), "what will not pass is said at once");
    }

    #[test]
    fn a_time_out_is_never_cut_to_none() {
        let rounded = |nanos: u64| whole_ms(Duration::from_nanos(nanos));
        assert_eq!(rounded(0), Duration::ZERO, "asked without waiting");
        assert_eq!(rounded(1), Duration::from_millis(1));
        assert_eq!(rounded(999_999), Duration::from_millis(1));
        assert_eq!(rounded(1_000_000), Duration::from_millis(1));
        assert_eq!(rounded(1_000_001), Duration::from_millis(2));
    }
}
