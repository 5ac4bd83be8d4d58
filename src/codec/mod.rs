//! Bytes to and from engine types. serde lives here, in `config` and in `cli`, never in `engine`.

pub mod authority;
pub mod csv;
pub mod event;
pub mod facts;
pub mod hex;
pub mod keys;
pub mod manifest;
pub mod output;
pub mod pointer;
pub mod signing;
pub mod snapshot;
