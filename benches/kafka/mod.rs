//! Parts of the Kafka-to-Kafka bench.

pub mod append;
pub mod deployment;
pub mod pass_through;
pub mod process;
pub mod reader;
pub mod releases;
pub mod stages;
