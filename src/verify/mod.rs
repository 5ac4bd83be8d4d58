//! Recomputing a period and comparing it with what was published (DESIGN D31).
//!
//! `plain` is a second, slow and short implementation of ARCHITECTURE S1 to S13. It shares data
//! types with the engine and nothing else, so that a mistake would have to be made twice.

pub mod check;
pub mod plain;
