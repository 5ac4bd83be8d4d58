//! Somebody else's transactions hang.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::torture::scene::Scene;

const HANGS: Duration = Duration::from_secs(8);
const ASK_MAX: Duration = Duration::from_secs(60);

/// Reads dispositions and puts its offset into a transaction that it leaves open.
pub fn reader_hangs(scene: &mut Scene) {
    let name = scene.deployment.topic("reader");
    let consumer: BaseConsumer = config(scene)
        .set("group.id", &name)
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .create()
        .unwrap();
    let dispositions = scene.deployment.topic("dispositions");
    consumer.subscribe(&[&dispositions]).unwrap();
    let deadline = Instant::now() + ASK_MAX;
    let (partition, offset) = loop {
        assert!(Instant::now() < deadline, "no disposition could be read");
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            break (message.partition(), message.offset());
        }
    };
    let producer = begun(scene, &name, 60_000);
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(&dispositions, partition, Offset::Offset(offset + 1)).unwrap();
    let membership = consumer.group_metadata().expect("it was given a partition");
    producer.send_offsets_to_transaction(&offsets, &membership, ASK_MAX).unwrap();
    scene.pass(HANGS);
    // Gone without a word; the broker ends its transaction after a minute.
}

/// Writes into the source in a transaction and hangs; the broker ends it, and its rows never were.
pub fn source_hangs(scene: &mut Scene) {
    let name = scene.deployment.topic("bank");
    let producer = begun(scene, &name, 5_000);
    let topic = scene.deployment.topic("events");
    for partition in 0..4 {
        producer
            .send(BaseRecord::<[u8], [u8]>::to(&topic).partition(partition).payload(b"never,was"))
            .unwrap();
    }
    producer.flush(ASK_MAX).unwrap();
    scene.pass(HANGS);
}

fn begun(scene: &Scene, name: &str, timeout_ms: u32) -> ThreadedProducer<DefaultProducerContext> {
    let producer: ThreadedProducer<DefaultProducerContext> = config(scene)
        .set("transactional.id", name)
        .set("transaction.timeout.ms", timeout_ms.to_string())
        .set("message.timeout.ms", timeout_ms.to_string())
        .create()
        .unwrap();
    producer.init_transactions(ASK_MAX).unwrap();
    producer.begin_transaction().unwrap();
    producer
}

fn config(scene: &Scene) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &scene.deployment.connection.bootstrap_servers);
    config
}
