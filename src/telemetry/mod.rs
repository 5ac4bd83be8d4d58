//! Seeing it: metrics, logs without identifiers, exact percentiles, and the HTTP endpoint.

pub mod clock;
pub mod http;
pub mod latency;
pub mod logging;
pub mod metrics;
pub mod query;
pub mod redact;
