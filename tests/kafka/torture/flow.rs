//! What a reader of the outputs sees: when each facts partition moved on, and how far.
//!
//! A partition's progress is written in the transaction of its dispositions, so a reader of committed
//! records sees the one exactly when it sees the others.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use duecourse::codec::output::{DecidedProgress, decode_decided};
use duecourse::log::kafka::Connection;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const ASK_MAX: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Seen {
    /// When each partition's offset grew.
    moves: Vec<(Instant, u32)>,
    latest: BTreeMap<u32, DecidedProgress>,
}

pub struct Flow {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    connection: Connection,
    partitions: u32,
    source: String,
}

impl Flow {
    /// Begins to watch `decided`; `source` is the topic whose records are to be decided.
    pub fn watch(connection: &Connection, decided: &str, source: &str, partitions: u32) -> Flow {
        let consumer = consumer(connection);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(decided, 0, Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let (seen, stop) = (Arc::new(Mutex::new(Seen::default())), Arc::new(AtomicBool::new(false)));
        let (to, until) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::SeqCst) {
                // Brokers come and go here; the client finds them again by itself.
                if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
                    to.lock().unwrap().take(message.payload().unwrap_or_default());
                }
            }
        });
        let (connection, source) = (connection.clone(), source.to_owned());
        Flow { seen, stop, thread: Some(thread), connection, partitions, source }
    }

    /// True if every partition has moved on twice since then: once may have been on its way before.
    pub fn has_flowed_since(&self, since: Instant) -> bool {
        let seen = self.seen.lock().unwrap();
        (0..self.partitions).all(|partition| {
            seen.moves
                .iter()
                .rev()
                .take_while(|(at, _)| *at > since)
                .filter(|(_, of)| *of == partition)
                .count()
                >= 2
        })
    }

    /// The longest time within which some partition did not move on.
    pub fn longest_silence(&self, from: Instant, to: Instant) -> Duration {
        let seen = self.seen.lock().unwrap();
        let silence = |partition| {
            let mut last = from;
            let mut longest = Duration::ZERO;
            for (at, _) in seen.moves.iter().filter(|(at, of)| *of == partition && *at > from && *at <= to) {
                longest = longest.max(*at - last);
                last = *at;
            }
            longest.max(to - last)
        };
        (0..self.partitions).map(silence).max().unwrap_or_default()
    }

    /// The ends of the source's partitions now.
    pub fn source_ends(&self) -> Vec<i64> {
        let end = |partition| {
            let deadline = Instant::now() + ASK_MAX;
            loop {
                // While brokers elect a leader nobody answers. One that has just come back may know of no
                // partitions yet, and a client that was told so believes it for minutes: each time a new one.
                let asker = consumer(&self.connection);
                match asker.fetch_watermarks(&self.source, partition, Duration::from_secs(5)) {
                    Ok((_, end)) => return end,
                    Err(error) => assert!(Instant::now() < deadline, "{error}"),
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        };
        (0..i32::try_from(self.partitions).unwrap()).map(end).collect()
    }

    /// True if every facts partition has covered the source up to these ends.
    pub fn has_covered(&self, ends: &[i64]) -> bool {
        let seen = self.seen.lock().unwrap();
        (0..self.partitions).all(|partition| {
            let Some(progress) = seen.latest.get(&partition) else { return false };
            (0..).zip(ends).all(|(source, end)| {
                let covered = progress.coverage.sources.iter();
                let last = covered.filter(|(id, _)| &*id.name == "events" && id.partition == source);
                last.map(|(_, covered)| covered.last).max().unwrap_or(-1) + 1 >= *end
            })
        })
    }

    /// The newest partition time of any facts partition, epoch milliseconds.
    pub fn newest_time_ms(&self) -> i64 {
        let seen = self.seen.lock().unwrap();
        seen.latest.values().map(|progress| progress.partition_time.0).max().unwrap_or(i64::MIN)
    }

    /// Stops watching.
    ///
    /// # Panics
    /// When a partition's progress went back at any time.
    pub fn end(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("what was read of progress is in order");
        }
    }

    /// For a message: where each partition stands.
    pub fn standing(&self) -> String {
        let seen = self.seen.lock().unwrap();
        let offsets =
            seen.latest.iter().map(|(partition, progress)| format!("{partition}: {}", progress.next_offset));
        offsets.collect::<Vec<_>>().join(", ")
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // It has nothing to say that would matter now.
            let _ = thread.join();
        }
    }
}

impl Seen {
    fn take(&mut self, value: &[u8]) {
        let progress = decode_decided(value).unwrap();
        let partition = progress.facts_partition;
        let before = self.latest.get(&partition).map_or(0, |before| before.next_offset);
        assert!(progress.next_offset >= before, "partition {partition} went back from {before}");
        if progress.next_offset > before {
            self.moves.push((Instant::now(), partition));
        }
        self.latest.insert(partition, progress);
    }
}

pub fn consumer(connection: &Connection) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", &connection.bootstrap_servers)
        // Never joined; the crate wants one.
        .set("group.id", format!("{}-flow", connection.client_id))
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("reconnect.backoff.max.ms", "200")
        .set("fetch.error.backoff.ms", "100")
        .create()
        .unwrap()
}
