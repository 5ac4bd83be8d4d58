//! duecourse: an anti-fraud account-risk stream processor with due process.
//!
//! Layers, each importing only from those above it: `engine`, `codec`, `config`, `log`, `telemetry`,
//! `intake` | `decide` | `verify`, `cli`. `tests/architecture.rs` holds them to it.

pub mod codec;
pub mod config;
pub mod decide;
pub mod engine;
pub mod intake;
pub mod log;
#[cfg(test)]
mod simulation;
pub mod telemetry;
pub mod verify;

pub mod cli;
