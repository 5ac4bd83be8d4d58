//! Configuration: source mappings, rules, limits, notices, settings, as files with checked names.

pub mod source;
