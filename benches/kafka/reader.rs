//! A `read_committed` reader, as a bank's own service would be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::traffic::number_of;

/// What was read: the number of the event that it is about, and when, in milliseconds since 1970.
pub type Seen = Vec<(usize, f64)>;

/// Nothing new for this long is the end.
const QUIET: Duration = Duration::from_secs(5);

pub struct Reader {
    stop: Arc<AtomicBool>,
    read: Arc<AtomicUsize>,
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
        let (stop, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let reading = std::thread::spawn({
            let (stop, read) = (Arc::clone(&stop), Arc::clone(&read));
            move || read_all(&consumer, field, gap_ms, &stop, &read)
        });
        Reader { stop, read, reading }
    }

    /// Waits for something, and then until nothing more comes.
    pub fn settle(&self, wait_max: Duration) {
        let (began, mut last, mut since) = (Instant::now(), 0, Instant::now());
        while began.elapsed() < wait_max && (last == 0 || since.elapsed() < QUIET) {
            let read = self.read.load(Ordering::SeqCst);
            if read != last {
                (last, since) = (read, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Everything that was read.
    pub fn end(self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        self.reading.join().expect("the reader ends")
    }
}

fn read_all(
    consumer: &BaseConsumer,
    field: &[u8],
    gap_ms: u64,
    stop: &AtomicBool,
    read: &AtomicUsize,
) -> Seen {
    let mut seen = Seen::new();
    while !stop.load(Ordering::SeqCst) {
        let Some(Ok(record)) = consumer.poll(Duration::from_millis(50)) else { continue };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3;
        let number = record.payload().and_then(|value| number_of(value, field, gap_ms));
        seen.extend(number.map(|number| (number, now)));
        read.store(seen.len(), Ordering::SeqCst);
    }
    seen
}
