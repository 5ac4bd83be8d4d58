//! What only a real broker can show. `DUECOURSE_KAFKA=host:port` names it; without it these tests fail.

mod brokers;
mod clock;
mod cluster;
mod codecs;
mod deciding;
mod demo;
mod deployment;
mod events;
mod feeding;
mod held;
mod intake;
mod membership;
mod process;
mod rekey;
mod releasing;
mod same_as_file;
mod secured;
mod serving;
mod skipping;
mod tools;
mod topics;
mod torture;
mod upgrading;
mod watching;
