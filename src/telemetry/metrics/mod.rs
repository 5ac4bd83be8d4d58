//! Prometheus metrics. Deciding and intake count for themselves in plain integers and hand their
//! tallies over about once a second, so that counting costs the hot path nothing.

pub mod catalogue;
mod decide;
mod intake;
mod rules;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};

pub use decide::{DecideMetrics, PartitionMetrics};
pub use intake::{IntakeMetrics, IntakeTotals};
pub use rules::RuleMetrics;

use super::query::Refused;
use crate::engine::SEMANTICS;
use catalogue::Metric;

/// A label that rules or refusals fill takes at most this many values; the rest is `other`.
const LABEL_VALUES_MAX: usize = 256;
/// What a label says when it may not take another value.
const OTHER: &str = "other";

/// Everything that `/metrics` shows.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub intake: IntakeMetrics,
    pub decide: DecideMetrics,
    pub rules: RuleMetrics,
    purpose_refusals: IntCounterVec,
}

impl Metrics {
    /// # Errors
    /// Never with the catalogue as it is (a test makes one); prometheus checks names at run time.
    pub fn new() -> Result<Metrics, prometheus::Error> {
        let registry = Registry::new();
        let build = gauge_vec(&registry, &catalogue::BUILD)?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), &SEMANTICS.to_string()]).set(1.0);
        Ok(Metrics {
            intake: IntakeMetrics::new(&registry)?,
            decide: DecideMetrics::new(&registry)?,
            rules: RuleMetrics::new(&registry)?,
            purpose_refusals: counter_vec(&registry, &catalogue::PURPOSE_REFUSALS)?,
            registry,
        })
    }

    /// A query was refused for its purpose (D19).
    pub fn query_refused(&self, refused: Refused) {
        self.purpose_refusals.with_label_values(&["query", refused.name()]).inc();
    }

    /// An output was held back because its purpose does not permit the sink (D19).
    pub fn sink_refused(&self, sink: &'static str) {
        self.purpose_refusals.with_label_values(&["sink", sink]).inc();
    }

    /// All metrics in the text format of Prometheus.
    #[must_use]
    pub fn text(&self) -> String {
        // The encoder fails on malformed metrics only, and the registry holds none.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// Keeps a label within its bound.
#[derive(Debug, Default)]
struct BoundedLabel(Mutex<BTreeSet<String>>);

impl BoundedLabel {
    /// The value itself while there is room for it, else `other`.
    fn admit<'a>(&self, value: &'a str) -> &'a str {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(value) {
            return value;
        }
        if known.len() >= LABEL_VALUES_MAX {
            return OTHER;
        }
        known.insert(value.to_owned());
        value
    }
}

/// Brings a counter up to a total that its owner counted; totals of a new owner start at zero.
fn raise(counter: &IntCounter, total: u64, before: u64) {
    counter.inc_by(total.saturating_sub(before));
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn counter(registry: &Registry, metric: &Metric) -> Result<IntCounter, prometheus::Error> {
    register(registry, IntCounter::new(metric.name, metric.help)?)
}

fn counter_vec(registry: &Registry, metric: &Metric) -> Result<IntCounterVec, prometheus::Error> {
    register(registry, IntCounterVec::new(Opts::new(metric.name, metric.help), metric.labels)?)
}

fn gauge(registry: &Registry, metric: &Metric) -> Result<Gauge, prometheus::Error> {
    register(registry, Gauge::new(metric.name, metric.help)?)
}

fn gauge_vec(registry: &Registry, metric: &Metric) -> Result<GaugeVec, prometheus::Error> {
    register(registry, GaugeVec::new(Opts::new(metric.name, metric.help), metric.labels)?)
}

#[cfg(test)]
mod tests;
