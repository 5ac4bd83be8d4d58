//! Topics of a test of its own, on the broker that `DUECOURSE_KAFKA` names.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use duecourse::log::kafka::{
    AckedProducer, Admin, Connection, DecideOptions, KafkaDecideLog, OutMessage, OutputTopics, TopicSpec,
    open_transactions, read_topic,
};
use duecourse::log::{DecideEvent, DecideLog};

pub struct Cluster {
    pub connection: Connection,
    pub name: String,
}

impl Cluster {
    /// Makes facts and output topics whose names no other test has.
    pub fn with_topics(facts_partitions: u32) -> Cluster {
        let servers = std::env::var("DUECOURSE_KAFKA").expect("DUECOURSE_KAFKA=host:port names a broker");
        let name = format!("t{}", uuid::Uuid::new_v4().simple());
        let connection = Connection {
            bootstrap_servers: servers,
            client_id: name.clone(),
            reader_group: name.clone(),
            ..Connection::default()
        };
        let cluster = Cluster { connection, name };
        let mut specs = vec![TopicSpec::facts(&cluster.topic("facts"), facts_partitions, 1, 86_400_000)];
        for stream in ["dispositions", "notices", "shadow", "dead-letters", "authority", "leads"] {
            specs.push(TopicSpec::stream(&cluster.topic(stream), 1, 1, 86_400_000));
        }
        for latest in ["measures", "decided"] {
            specs.push(TopicSpec::compacted(&cluster.topic(latest), 1, 1));
        }
        let admin = Admin::connect(&cluster.connection).unwrap();
        assert_eq!(admin.create_topics(&specs).unwrap().len(), specs.len());
        assert_eq!(admin.create_topics(&specs).unwrap().len(), 0, "creating twice changes nothing");
        cluster
    }

    pub fn topic(&self, kind: &str) -> String {
        format!("{}.{kind}", self.name)
    }

    pub fn worker(&self, member: &str, transactions: &str) -> KafkaDecideLog {
        let options = DecideOptions {
            group: self.topic("group"),
            instance: Some(self.topic(member)),
            transactional_id: self.topic(transactions),
            facts_topic: self.topic("facts"),
            topics: OutputTopics {
                dispositions: self.topic("dispositions"),
                notices: self.topic("notices"),
                measures: self.topic("measures"),
                decided: self.topic("decided"),
                shadow: self.topic("shadow"),
                authority: self.topic("authority"),
                leads: self.topic("leads"),
                dead_letters: self.topic("dead-letters"),
            },
            session_timeout_ms: 6_000,
            transaction_timeout_ms: 10_000,
            queue_kib: 16_384,
        };
        KafkaDecideLog::join(&self.connection, options).unwrap()
    }

    pub fn write_facts(&self, partition: u32, values: impl IntoIterator<Item = Vec<u8>>) {
        self.write_facts_by(&mut self.producer(), partition, values);
    }

    pub fn producer(&self) -> AckedProducer {
        AckedProducer::connect(&self.connection, "facts", 0).unwrap()
    }

    pub fn write_facts_by(
        &self,
        producer: &mut AckedProducer,
        partition: u32,
        values: impl IntoIterator<Item = Vec<u8>>,
    ) {
        for value in values {
            let message = OutMessage {
                topic: &self.topic("facts"),
                partition: Some(partition),
                value: Some(&value),
                ..OutMessage::default()
            };
            producer.send(message).unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
    }

    /// The committed values of a topic, in order of arrival within each partition. A transaction is committed before
    /// its marker is in the topic, which is waited for.
    pub fn values(&self, kind: &str) -> Vec<Vec<u8>> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !open_transactions(&self.connection, &[&self.topic(kind)]).unwrap().is_empty() {
            assert!(Instant::now() < deadline, "a transaction stays open");
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut values = Vec::new();
        read_topic(&self.connection, &self.topic(kind), &mut |record| {
            values.push(record.value.unwrap_or_default().to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
        values
    }
}

/// Polls until `enough` says so; panics after half a minute.
pub fn poll_until(
    log: &mut KafkaDecideLog,
    mut enough: impl FnMut(&mut KafkaDecideLog, DecideEvent) -> bool,
) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        assert!(Instant::now() < deadline, "what was waited for did not come");
        for event in log.poll(Duration::from_millis(50)).unwrap() {
            if enough(log, event) {
                return;
            }
        }
    }
}

/// As `poll_until`, while another worker lives beside it and hears nothing.
pub fn poll_both_until(
    log: &mut KafkaDecideLog,
    other: &mut KafkaDecideLog,
    mut enough: impl FnMut(&mut KafkaDecideLog, DecideEvent) -> bool,
) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        assert!(Instant::now() < deadline, "what was waited for did not come");
        assert!(other.poll(Duration::from_millis(10)).unwrap().is_empty());
        for event in log.poll(Duration::from_millis(50)).unwrap() {
            if enough(log, event) {
                return;
            }
        }
    }
}
