//! Writing generated events to a source topic, and reading when the broker appended them.

use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::deployment::PARTITIONS;
use crate::traffic::number_of;

/// A broker that gives nothing for this long has nothing more.
const QUIET: Duration = Duration::from_secs(20);

/// Writes events, a holder's to one partition, as fast as it goes or at a rate.
pub fn append(servers: &str, topic: &str, events: impl Iterator<Item = String>, per_second: Option<u64>) {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("linger.ms", "5")
        .set("queue.buffering.max.kbytes", "262144")
        .create()
        .expect("a producer");
    let began = Instant::now();
    for (number, event) in events.enumerate() {
        if let Some(per_second) = per_second {
            let due = began + Duration::from_nanos(number as u64 * 1_000_000_000 / per_second);
            let early = due.saturating_duration_since(Instant::now());
            if early > Duration::from_millis(1) {
                std::thread::sleep(early);
            }
        }
        send(&producer, topic, partition(&event), &event);
    }
    producer.flush(Duration::from_secs(60)).expect("all events are appended");
}

fn send(producer: &ThreadedProducer<DefaultProducerContext>, topic: &str, partition: i32, event: &str) {
    let mut record = BaseRecord::<(), str>::to(topic).partition(partition).payload(event);
    while let Err((error, back)) = producer.send(record) {
        assert!(
            matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)),
            "an event cannot be sent: {error}"
        );
        record = back;
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn partition(event: &str) -> i32 {
    let holder = event.split_once("\"holder\":\"").map_or("", |(_, rest)| rest);
    let sum: u32 = holder.bytes().take(16).map(u32::from).sum();
    (sum % PARTITIONS).cast_signed()
}

/// When the broker appended each event, in milliseconds since 1970, by number.
pub fn appended(servers: &str, topic: &str, gap_ms: u64, count: usize) -> Vec<i64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", "bench-appended")
        .create()
        .expect("a consumer");
    let mut places = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        places.add_partition_offset(topic, partition.cast_signed(), Offset::Beginning).expect("an offset");
    }
    consumer.assign(&places).expect("an assignment");
    let (mut times, mut found) = (vec![0; count], 0);
    while found < count {
        let Some(record) = consumer.poll(QUIET) else { break };
        let Ok(record) = record else { continue };
        let number = record.payload().and_then(|value| number_of(value, b"\"time\":\"", gap_ms));
        if let (Some(number), Some(at)) = (number, record.timestamp().to_millis())
            && let Some(time) = times.get_mut(number)
        {
            *time = at;
            found += 1;
        }
    }
    times
}
