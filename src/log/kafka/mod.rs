//! The log on Apache Kafka. The only folder that names rdkafka; nothing of it leaves here.
//!
//! * `connection` how brokers are reached, and one place for error classes;
//! * `admin` topics: create, describe, refuse what cannot be a source (DESIGN D8, D9);
//! * `producer` acknowledged, idempotent writes: facts, reports, dead letters, feed;
//! * `joining`, `group` a consumer in its group, and its rebalances as data;
//! * `source` a group consumer over source topics, for intake;
//! * `intake` that consumer with the producer and readers an intake needs;
//! * `reader` whole topics and latest values, read from start to end, for verify and for start-up;
//! * `decide` consumer, transactions and reports of a deciding worker (DESIGN D11);
//! * `generation` hands over from one generation of the facts to the next;
//! * `inspect`, `authorized` look at a cluster without changing it, for `status` and `doctor`;
//! * `oauth` tokens of SASL OAUTHBEARER out of a file;
//! * `transaction` one transactional producer and what to do when it is in doubt.
//!
//! All calls block and none may be made from an async task.

mod admin;
mod authorized;
mod connection;
mod decide;
mod generation;
mod group;
mod inspect;
mod intake;
mod joining;
mod oauth;
mod positions;
mod producer;
mod reader;
mod source;
mod transaction;

pub use admin::{Admin, COMPACTED_WITHIN, TopicDescription, TopicSpec};
pub use authorized::{Allowed, Operation};
pub use connection::Connection;
pub use decide::{DecideOptions, KafkaDecideLog, OutputTopics};
pub use generation::{HandOver, group_members, hand_over};
pub use inspect::{TopicState, group_offsets, topic_spans, try_transactions};
pub use intake::{IntakeTopics, KafkaIntakeLog};
pub use producer::{AckedProducer, OutMessage};
pub use reader::{ReadRecord, open_transactions, read_from, read_latest, read_time, read_topic};
pub use source::{SourceConsumer, SourceOptions};

/// The largest record of a source: a line of 1 MiB, its key and headers.
const RECORD_BYTES_MAX: u32 = 2 << 20;
