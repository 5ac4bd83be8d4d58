//! What intake counts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{IntCounter, IntCounterVec, Registry};

use super::{BoundedLabel, catalogue, counter, counter_vec, raise};

/// Totals since the start of the process, as intake counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntakeTotals {
    pub accepted: u64,
    /// By reason code.
    pub refused: BTreeMap<&'static str, u64>,
    pub undeclared_fields: u64,
    pub facts: u64,
    pub packs: u64,
    pub restarts: u64,
}

#[derive(Debug)]
pub struct IntakeMetrics {
    accepted: IntCounter,
    refused: IntCounter,
    refusals: IntCounterVec,
    reasons: BoundedLabel,
    undeclared_fields: IntCounter,
    facts: IntCounter,
    packs: IntCounter,
    restarts: IntCounter,
    before: Mutex<IntakeTotals>,
}

impl IntakeMetrics {
    pub(super) fn new(registry: &Registry) -> Result<IntakeMetrics, prometheus::Error> {
        let events = counter_vec(registry, &catalogue::EVENTS)?;
        Ok(IntakeMetrics {
            accepted: events.with_label_values(&["accepted"]),
            refused: events.with_label_values(&["refused"]),
            refusals: counter_vec(registry, &catalogue::REFUSALS)?,
            reasons: BoundedLabel::default(),
            undeclared_fields: counter(registry, &catalogue::UNDECLARED_FIELDS)?,
            facts: counter(registry, &catalogue::FACTS_WRITTEN)?,
            packs: counter(registry, &catalogue::PACKS_WRITTEN)?,
            restarts: counter(registry, &catalogue::INTAKE_RESTARTS)?,
            before: Mutex::default(),
        })
    }

    /// Takes over intake's totals. One intake per process hands them in.
    pub fn update(&self, totals: &IntakeTotals) {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        for (reason, total) in &totals.refused {
            let earlier = before.refused.get(reason).copied().unwrap_or(0);
            raise(&self.refusals.with_label_values(&[self.reasons.admit(reason)]), *total, earlier);
            raise(&self.refused, *total, earlier);
        }
        raise(&self.accepted, totals.accepted, before.accepted);
        raise(&self.undeclared_fields, totals.undeclared_fields, before.undeclared_fields);
        raise(&self.facts, totals.facts, before.facts);
        raise(&self.packs, totals.packs, before.packs);
        raise(&self.restarts, totals.restarts, before.restarts);
        *before = totals.clone();
    }
}
