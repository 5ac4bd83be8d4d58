//! The bare minimum that any exactly-once processor pays: consume, produce, commit every 20 ms. One thread, with
//! the client settings of `log/kafka`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const COMMIT_EVERY: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(10);

pub struct PassThrough {
    stop: Arc<AtomicBool>,
    running: JoinHandle<()>,
}

impl PassThrough {
    /// Copies every record of `from` to `to`.
    pub fn start(servers: &str, from: &str, to: &str) -> PassThrough {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("group.id", format!("{to}.group"))
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("fetch.queue.backoff.ms", "5")
            .create()
            .expect("a consumer");
        consumer.subscribe(&[from]).expect("a subscription");
        let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("transactional.id", format!("{to}.transactions"))
            .set("linger.ms", "5")
            .create()
            .expect("a producer");
        producer.init_transactions(WAIT_MAX).expect("transactions");
        let (stop, to) = (Arc::new(AtomicBool::new(false)), to.to_owned());
        let running = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                while !stop.load(Ordering::SeqCst) {
                    one_transaction(&consumer, &producer, &to);
                }
            }
        });
        PassThrough { stop, running }
    }

    pub fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.running.join().expect("the pass-through ends");
    }
}

fn one_transaction(consumer: &BaseConsumer, producer: &ThreadedProducer<DefaultProducerContext>, to: &str) {
    let (until, mut ends) = (Instant::now() + COMMIT_EVERY, TopicPartitionList::new());
    let mut began = false;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        let Some(Ok(record)) = consumer.poll(left) else { continue };
        if !began {
            producer.begin_transaction().expect("a transaction begins");
            began = true;
        }
        let out = BaseRecord::<[u8], [u8]>::to(to).payload(record.payload().unwrap_or_default());
        producer.send(out).map_err(|(error, _)| error).expect("a record is taken");
        let (topic, partition) = (record.topic(), record.partition());
        if ends.find_partition(topic, partition).is_none() {
            ends.add_partition(topic, partition);
        }
        ends.set_partition_offset(topic, partition, Offset::Offset(record.offset() + 1)).expect("an offset");
    }
    if began {
        // The crate's own flush waits out polls of 100 ms; see `log/kafka/producer.rs`.
        // SAFETY: the producer is borrowed for the whole call.
        unsafe { rdkafka::bindings::rd_kafka_flush(producer.client().native_ptr(), 10_000) };
        let group = consumer.group_metadata().expect("a member of a group");
        producer.send_offsets_to_transaction(&ends, &group, WAIT_MAX).expect("offsets are sent");
        producer.commit_transaction(WAIT_MAX).expect("the transaction commits");
    }
}
