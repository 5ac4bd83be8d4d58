//! One transactional producer, and what to do when a transaction is in doubt (DESIGN D11).
//!
//! librdkafka speaks the old transaction protocol, without KIP-890: after a call of unknown outcome
//! a late request of it could still reach the broker and end a later transaction. So the rule is:
//! an error that librdkafka itself calls abortable is aborted, and if that succeeds nothing
//! happened; after anything else the producer is thrown away, and the new one's initialisation ends
//! what was open and shuts out what is late. Either way the caller then reads the committed offsets,
//! stable, and they alone say what happened.
//!
//! Calls that end a transaction may never return, whatever time they are given, if a coordinator leaves the
//! cluster meanwhile (librdkafka #3779, #5456, #5511). They are waited for on a thread of their own, and
//! one that takes too long is in doubt; its producer is left to itself.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::util::Timeout;

use super::connection::{Connection, LogContext, refused, unreachable};
use super::producer::native_flush;
use crate::codec::output::OutRecord;
use crate::log::LogError;

/// Initialisation waits for the coordinator to end what an earlier life left open.
const INIT_MAX: Duration = Duration::from_secs(60);

const ABORT_MAX: Duration = Duration::from_secs(5);
/// Beside the times that the calls are given, before one is given up.
const GRACE: Duration = Duration::from_secs(5);

/// Why a transaction is not known to be committed.
#[derive(Debug)]
pub(super) enum Fault {
    /// Aborted by us, with success.
    Aborted(String),
    /// Unknown.
    InDoubt(String),
}

/// A transactional producer that can be replaced.
pub(super) struct Transactions {
    connection: Connection,
    id: String,
    timeout_ms: u32,
    producer: ThreadedProducer<LogContext>,
}

impl Transactions {
    /// Makes the producer and shuts out every earlier one of this id.
    pub(super) fn init(connection: &Connection, id: &str, timeout_ms: u32) -> Result<Transactions, LogError> {
        let producer = new_producer(connection, id, timeout_ms)?;
        Ok(Transactions { connection: connection.clone(), id: id.to_owned(), timeout_ms, producer })
    }

    /// A new producer in place of one in doubt.
    pub(super) fn replace(&mut self) -> Result<(), LogError> {
        self.producer = new_producer(&self.connection, &self.id, self.timeout_ms)?;
        Ok(())
    }

    /// Writes records and offsets in one transaction.
    pub(super) fn write<'a>(
        &self,
        records: impl Iterator<Item = (&'a str, &'a OutRecord)>,
        offsets: TopicPartitionList,
        membership: ConsumerGroupMetadata,
    ) -> Result<(), Fault> {
        self.write_records(records).map_err(|error| self.abort(&error))?;
        match self.end(offsets, membership) {
            Some(ended) => ended.map_err(|error| self.abort(&error)),
            None => Err(Fault::InDoubt("the client does not say how it ended".to_owned())),
        }
    }

    fn write_records<'a>(
        &self,
        records: impl Iterator<Item = (&'a str, &'a OutRecord)>,
    ) -> Result<(), KafkaError> {
        self.producer.begin_transaction()?;
        for (topic, record) in records {
            self.send(topic, record)?;
        }
        // The crate's own flush, which `commit_transaction` calls, waits out polls of 100 ms while
        // anything is outstanding; after this there is nothing.
        native_flush(self.producer.client().native_ptr(), self.wait_max());
        Ok(())
    }

    /// Puts the offsets into the transaction and commits it. `None` if that does not return in time.
    fn end(
        &self,
        offsets: TopicPartitionList,
        membership: ConsumerGroupMetadata,
    ) -> Option<Result<(), KafkaError>> {
        let (producer, wait_max) = (self.producer.clone(), self.wait_max());
        // The broker ends a transaction after its time by itself, so no commit can take longer to be answered.
        returned_within(2 * wait_max + GRACE, move || {
            producer.send_offsets_to_transaction(&offsets, &membership, wait_max)?;
            // The client advises against a time-out of ours.
            producer.commit_transaction(Timeout::Never)
        })
    }

    fn wait_max(&self) -> Duration {
        Duration::from_millis(u64::from(self.timeout_ms))
    }

    fn send(&self, topic: &str, record: &OutRecord) -> Result<(), KafkaError> {
        let deadline = Instant::now() + self.wait_max();
        let mut out = BaseRecord {
            topic,
            partition: None,
            payload: record.value.as_deref(),
            key: Some(record.key.as_slice()),
            timestamp: None,
            headers: None,
            delivery_opaque: (),
        };
        loop {
            match self.producer.send(out) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if Instant::now() < deadline =>
                {
                    out = back;
                    native_flush(self.producer.client().native_ptr(), Duration::from_millis(5));
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Only an error that is abortable and not fatal, and an abort that succeeds, are no doubt.
    fn abort(&self, error: &KafkaError) -> Fault {
        let abortable = match error {
            KafkaError::Transaction(error) => error.txn_requires_abort() && !error.is_fatal(),
            // A record was refused before it was handed over: the transaction is still ours.
            KafkaError::MessageProduction(_) => true,
            _ => false,
        };
        if !abortable {
            return Fault::InDoubt(error.to_string());
        }
        let producer = self.producer.clone();
        let aborting = move || producer.abort_transaction(Timeout::After(ABORT_MAX));
        match returned_within(ABORT_MAX + GRACE, aborting) {
            Some(Ok(())) => Fault::Aborted(error.to_string()),
            Some(Err(failed)) => Fault::InDoubt(format!("{error}; then the abort: {failed}")),
            None => Fault::InDoubt(format!("{error}; then the abort did not return")),
        }
    }
}

/// What a call gives if it returns in time. It goes on if it does not, on a thread that nobody waits for.
fn returned_within<T: Send + 'static>(
    wait_max: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, returned) = mpsc::sync_channel(1);
    let calling = std::thread::Builder::new().name("kafka-commit".to_owned()).spawn(move || {
        // Nobody may be waiting any more.
        let _ = done.send(call());
    });
    calling.ok().and_then(|_| returned.recv_timeout(wait_max).ok())
}

fn new_producer(
    connection: &Connection,
    id: &str,
    timeout_ms: u32,
) -> Result<ThreadedProducer<LogContext>, LogError> {
    let producer: ThreadedProducer<LogContext> = connection
        .config("outputs")
        .set("transactional.id", id)
        .set("transaction.timeout.ms", timeout_ms.to_string())
        // The client refuses a message that may outlive its transaction.
        .set("message.timeout.ms", timeout_ms.to_string())
        // At 0 it sends many small requests and CPU per record triples.
        .set("linger.ms", "5")
        .set("partitioner", "murmur2_random")
        .create_with_context(connection.context())
        .map_err(refused)?;
    connection.tokens().begin(producer.client().native_ptr())?;
    let deadline = Instant::now() + INIT_MAX;
    loop {
        match producer.init_transactions(Duration::from_secs(5)) {
            Ok(()) => return Ok(producer),
            Err(KafkaError::Transaction(error)) if error.is_fatal() || !error.is_retriable() => {
                return Err(LogError::Refused(format!("transactions of `{id}`: {error}")));
            }
            Err(error) if Instant::now() > deadline => return Err(unreachable(error)),
            Err(error) => tracing::warn!(%error, "waiting for the transaction coordinator"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::consumer::{BaseConsumer, Consumer};
    use rdkafka::mocking::{MockCluster, MockCoordinator};
    use rdkafka::topic_partition_list::Offset;

    use super::*;
    use crate::codec::output::Topic;

    /// The group's coordinator goes and does not come back, which no broker of Apache Kafka can be asked to do at
    /// that moment: the client waits for it, whatever time it is given.
    #[test]
    fn a_transaction_whose_end_is_never_told_is_in_doubt() {
        let cluster = MockCluster::new(3).unwrap();
        cluster.create_topic("decided", 1, 3).unwrap();
        cluster.partition_leader("decided", 0, Some(1)).unwrap();
        cluster.coordinator(MockCoordinator::Group("group".to_owned()), 2).unwrap();
        cluster.coordinator(MockCoordinator::Transaction("worker".to_owned()), 1).unwrap();
        let connection =
            Connection { bootstrap_servers: cluster.bootstrap_servers(), ..Connection::default() };
        let group: BaseConsumer<LogContext> = connection
            .config("group")
            .set("group.id", "group")
            .create_with_context(connection.context())
            .unwrap();
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset("facts", 0, Offset::Offset(7)).unwrap();
        let transactions = Transactions::init(&connection, "worker", 4_000).unwrap();
        cluster.broker_down(2).unwrap();
        let record = OutRecord { topic: Topic::Decided, key: b"0".to_vec(), value: Some(b"{}".to_vec()) };
        let written =
            transactions.write([("decided", &record)].into_iter(), offsets, group.group_metadata().unwrap());
        match written {
            Err(Fault::InDoubt(why)) => assert!(why.contains("does not say"), "{why}"),
            other => panic!("the client comes back now: {other:?}"),
        }
    }

    #[test]
    fn a_call_that_does_not_return_is_given_up() {
        assert_eq!(returned_within(Duration::from_secs(60), || 7), Some(7));
        let (end, ended) = mpsc::channel::<()>();
        let given_up = returned_within(Duration::from_millis(20), move || ended.recv().is_ok());
        assert_eq!(given_up, None);
        // It was still waiting, and goes on where it was.
        end.send(()).unwrap();
    }
}
