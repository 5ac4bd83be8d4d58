//! A `read_committed` reader, as a bank's own service would be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::traffic::number_of;

/// What was read: the number of the event that it is about, and when, in milliseconds since 1970.
pub type Seen = Vec<(usize, f64)>;

pub struct Reader {
    stop: Arc<AtomicBool>,
    reading: JoinHandle<Seen>,
}

impl Reader {
    /// Reads a topic from its beginning. `field` comes right before the time of the event.
    pub fn start(servers: &str, topic: &str, field: &'static [u8], gap_ms: u64) -> Reader {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("group.id", "bench-reader")
            .set("isolation.level", "read_committed")
            .set("fetch.queue.backoff.ms", "5")
            .create()
            .expect("a consumer");
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(15)).expect("metadata");
        let mut places = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            places.add_partition_offset(topic, partition.id(), Offset::Beginning).expect("an offset");
        }
        consumer.assign(&places).expect("an assignment");
        let stop = Arc::new(AtomicBool::new(false));
        let reading = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || read(&consumer, field, gap_ms, &stop)
        });
        Reader { stop, reading }
    }

    /// Reads on for a while, then gives everything.
    pub fn end(self, after: Duration) -> Seen {
        std::thread::sleep(after);
        self.stop.store(true, Ordering::SeqCst);
        self.reading.join().expect("the reader ends")
    }
}

fn read(consumer: &BaseConsumer, field: &[u8], gap_ms: u64, stop: &AtomicBool) -> Seen {
    let mut seen = Seen::new();
    while !stop.load(Ordering::SeqCst) {
        let Some(Ok(record)) = consumer.poll(Duration::from_millis(50)) else { continue };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3;
        seen.extend(
            record.payload().and_then(|value| number_of(value, field, gap_ms)).map(|number| (number, now)),
        );
    }
    seen
}
