//! From a decided appeal to the published release: who is restricted wrongly waits this long after the
//! reviewer's word (APL 32).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::traffic::{INSTITUTION, number_at, time_of};

/// Of the measures that are set, one in so many is appealed against.
const ONE_IN: usize = 5;

/// Reads dispositions, decides some appeals for the person, and times their releases.
pub struct Reviewer {
    stop: Arc<AtomicBool>,
    waited: Arc<Mutex<Vec<f64>>>,
    reading: JoinHandle<()>,
    /// Who is meant: the holder's and the account's names by the number of the event.
    pub parties: Sender<(usize, String, String)>,
}

impl Reviewer {
    pub fn start(servers: &str, source: &str, dispositions: &str, gap_ms: u64) -> Reviewer {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("group.id", "bench-reviewer")
            .set("isolation.level", "read_committed")
            .set("fetch.queue.backoff.ms", "5")
            .create()
            .expect("a consumer");
        let metadata =
            consumer.fetch_metadata(Some(dispositions), Duration::from_secs(15)).expect("metadata");
        let mut places = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            places.add_partition_offset(dispositions, partition.id(), Offset::Beginning).expect("an offset");
        }
        consumer.assign(&places).expect("an assignment");
        let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("linger.ms", "0")
            .create()
            .expect("a producer");
        let (parties, heard) = channel();
        let (stop, waited) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let reading = std::thread::spawn({
            let (stop, waited, source) = (Arc::clone(&stop), Arc::clone(&waited), source.to_owned());
            move || review(&consumer, &producer, &source, gap_ms, &heard, &stop, &waited)
        });
        Reviewer { stop, waited, reading, parties }
    }

    /// Counts from now on.
    pub fn begin(&self) {
        self.waited.lock().expect("nobody else holds it").clear();
    }

    /// Milliseconds from each appeal's append to its release, sorted.
    pub fn end(self) -> Vec<f64> {
        self.stop.store(true, Ordering::SeqCst);
        self.reading.join().expect("the reviewer ends");
        let mut waited = self.waited.lock().expect("nobody else holds it").clone();
        waited.sort_by(f64::total_cmp);
        waited
    }
}

fn review(
    consumer: &BaseConsumer,
    producer: &ThreadedProducer<DefaultProducerContext>,
    source: &str,
    gap_ms: u64,
    heard: &Receiver<(usize, String, String)>,
    stop: &AtomicBool,
    waited: &Mutex<Vec<f64>>,
) {
    let mut parties: BTreeMap<usize, (String, String)> = BTreeMap::new();
    let mut sent: BTreeMap<String, f64> = BTreeMap::new();
    let mut measures = 0;
    while !stop.load(Ordering::SeqCst) {
        parties.extend(heard.try_iter().map(|(number, holder, account)| (number, (holder, account))));
        let Some(Ok(record)) = consumer.poll(Duration::from_millis(20)) else { continue };
        let Some(told) = record.payload().and_then(|value| serde_json::from_slice::<Value>(value).ok())
        else {
            continue;
        };
        let text = |pointer: &str| told.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let reference = text("/data/appeal_reference").to_owned();
        if text("/type").contains("measure_ended") {
            if let Some(at) = sent.remove(&reference) {
                waited.lock().expect("nobody else holds it").push(now_ms() - at);
            }
            continue;
        }
        if !text("/type").contains("measure_set") {
            continue;
        }
        measures += 1;
        let number = number_at(text("/data/at"), gap_ms);
        let party = number.and_then(|number| Some((number, parties.get(&number)?.clone())));
        if let Some((number, (holder, account))) = party.filter(|_| measures % ONE_IN == 0) {
            let event = appeal(&reference, &holder, &account, &time_of(number, gap_ms));
            sent.insert(reference, now_ms());
            let partition = super::append::partition(&event);
            let record = BaseRecord::<(), str>::to(source).partition(partition).payload(&event);
            assert!(producer.send(record).is_ok(), "an appeal can be sent");
        }
    }
    producer.flush(Duration::from_secs(10)).expect("all appeals are appended");
}

/// A reviewer decides for the person.
fn appeal(reference: &str, holder: &str, account: &str, time: &str) -> String {
    json!({
        "specversion": "1.0", "id": format!("AP-{reference}"), "source": "/reviewers", "type": "appeal_decided",
        "time": time,
        "data": {
            "party": { "institution": INSTITUTION, "holder": holder, "ref": account, "kind": "account" },
            "appeal_ref": reference, "outcome": "overturned",
        },
    })
    .to_string()
}

fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3
}
