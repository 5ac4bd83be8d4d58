//! A deciding worker's log on Kafka: one consumer of facts, one transactional producer of outputs,
//! one idempotent producer of reports (DESIGN D3, D11, D14).
//!
//! * K1 Outputs and offsets go into one transaction under the group's present generation (KIP-447).
//! * K2 A commit returns only when its outcome is known: committed, or the committed offsets read
//!   (stable) after the transaction was aborted or its producer replaced.
//! * K3 Reports are acknowledged before `send_reports` returns.
//! * K4 A revoked partition stays ours until `release`.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::connection::{Connection, consuming, partition_count_of, refused, watermarks};
use super::group::{self, GroupEvent, Member, Place};
use super::joining::Joining;
use super::producer::{AckedProducer, OutMessage};
use super::reader;
use super::transaction::{Fault, Transactions};
use crate::codec::output::Topic;
use crate::log::{Batch, CommitOutcome, DecideEvent, DecideLog, LogError, Progress};

/// One poll hands over at most this much, so that commits stay on time.
const POLL_RECORDS_MAX: usize = 1_000;
const POLL_BYTES_MAX: usize = 4 << 20;
/// Reports that are not acknowledged in this time are sent again by a new producer.
const REPORTS_MAX: Duration = Duration::from_secs(30);

/// The names of the output topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputTopics {
    pub dispositions: String,
    pub notices: String,
    pub measures: String,
    pub decided: String,
    pub shadow: String,
    pub authority: String,
    pub leads: String,
    pub dead_letters: String,
}

impl OutputTopics {
    #[must_use]
    pub fn name(&self, topic: Topic) -> &str {
        match topic {
            Topic::Dispositions => &self.dispositions,
            Topic::Notices => &self.notices,
            Topic::Measures => &self.measures,
            Topic::Decided => &self.decided,
            Topic::Shadow => &self.shadow,
            Topic::DeadLetters => &self.dead_letters,
            Topic::Authority => &self.authority,
            Topic::Leads => &self.leads,
        }
    }

    fn all(&self) -> [&str; 8] {
        Topic::ALL.map(|topic| self.name(topic))
    }
}

/// A deciding worker's place in the cluster.
#[derive(Clone, Debug)]
pub struct DecideOptions {
    pub group: String,
    /// Static membership: distinct for each live process, stable over its restarts. Two live
    /// processes that share one take turns in shutting each other out.
    pub instance: Option<String>,
    /// As `instance`: distinct, and stable, so that a new life ends what the old one left open.
    pub transactional_id: String,
    pub facts_topic: String,
    pub topics: OutputTopics,
    pub session_timeout_ms: u32,
    /// 10 s: what a crash can hold back the readers of outputs.
    pub transaction_timeout_ms: u32,
    /// What librdkafka may hold of each partition before it stops fetching, in KiB.
    pub queue_kib: u32,
}

/// The log of one deciding worker.
pub struct KafkaDecideLog {
    connection: Connection,
    options: DecideOptions,
    consumer: Member,
    transactions: Transactions,
    reports: AckedProducer,
    partitions: u32,
}

impl KafkaDecideLog {
    /// Shuts out this worker's earlier lives, then joins the group.
    ///
    /// # Errors
    /// When brokers do not answer, a topic is missing or the properties are refused.
    pub fn join(connection: &Connection, options: DecideOptions) -> Result<KafkaDecideLog, LogError> {
        let joining = Joining {
            role: "facts",
            group: &options.group,
            instance: options.instance.as_deref(),
            session_timeout_ms: options.session_timeout_ms,
            queue_kib: options.queue_kib,
            queue_records: 2_000,
            tells_end: false,
        };
        let consumer = joining.member(connection)?;
        let partitions = partition_count_of(&consumer, &options.facts_topic)?;
        for topic in options.topics.all() {
            partition_count_of(&consumer, topic)?;
        }
        let transactions =
            Transactions::init(connection, &options.transactional_id, options.transaction_timeout_ms)?;
        let reports = AckedProducer::connect(connection, "reports", 0)?;
        consumer.subscribe(&[&options.facts_topic]).map_err(refused)?;
        Ok(KafkaDecideLog {
            connection: connection.clone(),
            options,
            consumer,
            transactions,
            reports,
            partitions,
        })
    }

    /// The number of facts partitions.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    fn place(&self, partition: u32) -> Result<Place, LogError> {
        let number = i32::try_from(partition)
            .map_err(|_| LogError::Refused(format!("facts partition {partition} cannot be")))?;
        Ok((self.options.facts_topic.clone(), number))
    }

    fn committed(&self, partitions: &[u32]) -> Result<Vec<(u32, Option<u64>)>, LogError> {
        let places: Vec<Place> = partitions.iter().map(|p| self.place(*p)).collect::<Result<_, _>>()?;
        let found = group::committed(&self.consumer, &places)?;
        let offset = |found: Option<i64>| found.and_then(|offset| u64::try_from(offset).ok());
        Ok(partitions.iter().zip(found).map(|(p, (_, found))| (*p, offset(found))).collect())
    }

    fn rebalanced(&self, event: GroupEvent, events: &mut Vec<DecideEvent>) -> Result<(), LogError> {
        match event {
            GroupEvent::Assigned(places) if places.is_empty() => {}
            GroupEvent::Assigned(places) => {
                for (partition, committed) in self.committed(&numbers(&places))? {
                    events.push(DecideEvent::Assigned { partition, committed });
                }
            }
            GroupEvent::Revoked(places) => events.push(DecideEvent::Revoked { partitions: numbers(&places) }),
            GroupEvent::Lost(places) => events.push(DecideEvent::Lost { partitions: numbers(&places) }),
        }
        Ok(())
    }

    /// Records that wait, up to a bound; only the first is waited for.
    fn take_records(&mut self, wait: Duration) -> Result<Vec<DecideEvent>, LogError> {
        let deadline = Instant::now() + wait;
        let (mut events, mut bytes_total) = (Vec::new(), 0);
        while events.len() < POLL_RECORDS_MAX && bytes_total < POLL_BYTES_MAX {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.consumer.next(if events.is_empty() { left } else { Duration::ZERO }) {
                Some(Ok(message)) => {
                    let bytes = message.payload().unwrap_or_default().to_vec();
                    bytes_total += bytes.len();
                    events.push(DecideEvent::Record {
                        partition: number(message.partition()),
                        offset: u64::try_from(message.offset()).unwrap_or_default(),
                        bytes,
                    });
                }
                Some(Err(error)) => match consuming(&error) {
                    Some(error) => return Err(error),
                    None => tracing::debug!(%error, "consuming goes on"),
                },
                None if !events.is_empty() || Instant::now() >= deadline => break,
                None => {}
            }
            if self.consumer.context().has_event() {
                break;
            }
        }
        Ok(events)
    }

    fn try_commit(&self, batches: &[Batch]) -> Result<(), Fault> {
        let Some(membership) = group::membership(&self.consumer) else {
            return Err(Fault::Aborted("not a member of the group at the moment".to_owned()));
        };
        let mut offsets = TopicPartitionList::new();
        for batch in batches {
            let (Ok(place), Ok(next)) = (self.place(batch.partition), i64::try_from(batch.next_offset))
            else {
                return Err(Fault::Aborted("an offset that cannot be".to_owned()));
            };
            if let Err(error) = offsets.add_partition_offset(&place.0, place.1, Offset::Offset(next)) {
                return Err(Fault::Aborted(error.to_string()));
            }
        }
        let records = batches
            .iter()
            .flat_map(|batch| &batch.records)
            .map(|record| (self.options.topics.name(record.topic), record));
        self.transactions.write(records, offsets, membership)
    }
}

impl DecideLog for KafkaDecideLog {
    fn poll(&mut self, wait: Duration) -> Result<Vec<DecideEvent>, LogError> {
        let mut events = self.take_records(wait)?;
        while let Some(event) = self.consumer.context().take_event() {
            self.rebalanced(event, &mut events)?;
        }
        Ok(events)
    }

    fn start(&mut self, partition: u32, offset: u64) -> Result<(), LogError> {
        let place = self.place(partition)?;
        let (first, end) = watermarks(&self.consumer, &place.0, place.1)?;
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        if offset < first || offset > end {
            return Err(LogError::Damaged(format!(
                "facts partition {partition} holds offsets {first} to {end}, and {offset} is needed: retention overtook the oldest usable snapshot, or the topic was recreated"
            )));
        }
        group::start(&self.consumer, &place, offset)
    }

    fn release(&mut self, partitions: &[u32]) -> Result<(), LogError> {
        let places: Vec<Place> = partitions.iter().map(|p| self.place(*p)).collect::<Result<_, _>>()?;
        group::release(&self.consumer, &places)
    }

    fn pause(&mut self, partition: u32, paused: bool) -> Result<(), LogError> {
        group::pause(&self.consumer, &self.place(partition)?, paused)
    }

    fn send_reports(&mut self, reports: &[(u32, Vec<u8>)]) -> Result<(), LogError> {
        let sent = reports.iter().try_for_each(|(partition, bytes)| {
            self.reports.send(OutMessage {
                topic: &self.options.facts_topic,
                partition: Some(*partition),
                value: Some(bytes),
                ..OutMessage::default()
            })
        });
        let acknowledged = sent.and_then(|()| self.reports.flush(REPORTS_MAX));
        if acknowledged.is_err() {
            // Some may have arrived; receivers skip what they have, so all are sent again.
            self.reports = AckedProducer::connect(&self.connection, "reports", 0)?;
        }
        acknowledged
    }

    fn commit(&mut self, batches: &[Batch]) -> Result<CommitOutcome, LogError> {
        match self.try_commit(batches) {
            Ok(()) => return Ok(CommitOutcome::Committed),
            Err(Fault::Aborted(why)) => tracing::warn!(why, "a transaction was aborted"),
            Err(Fault::InDoubt(why)) => {
                tracing::warn!(why, "a transaction is in doubt; its producer is replaced");
                self.transactions.replace()?;
            }
        }
        let partitions: Vec<u32> = batches.iter().map(|batch| batch.partition).collect();
        Ok(CommitOutcome::Settled { committed: self.committed(&partitions)? })
    }

    fn progress(&mut self) -> Result<Vec<Progress>, LogError> {
        let partitions: Vec<u32> = (0..self.partitions).collect();
        let mut spans = Vec::with_capacity(partitions.len());
        for partition in &partitions {
            let place = self.place(*partition)?;
            spans.push(watermarks(&self.consumer, &place.0, place.1)?);
        }
        let committed = self.committed(&partitions)?;
        let offset = |raw: i64| u64::try_from(raw).unwrap_or_default();
        Ok(spans
            .into_iter()
            .zip(committed)
            .map(|((first, end), (partition, committed))| Progress {
                partition,
                first: offset(first),
                end: offset(end),
                committed,
            })
            .collect())
    }

    fn holds(&mut self, topic: Topic, key: &[u8]) -> Result<bool, LogError> {
        let latest = reader::read_latest(&self.connection, self.options.topics.name(topic))?;
        Ok(latest.contains_key(key))
    }

    fn close(self) {
        drop(self);
    }
}

fn numbers(places: &[Place]) -> Vec<u32> {
    places.iter().map(|place| number(place.1)).collect()
}

/// Partitions from a broker are never negative.
fn number(partition: i32) -> u32 {
    u32::try_from(partition).unwrap_or_default()
}
