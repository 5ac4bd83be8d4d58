//! What deciding counts: by partition, by disposition, by transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use prometheus::{Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, Registry};

use super::catalogue::Metric;
use super::{BoundedLabel, catalogue, counter, counter_vec, gauge, gauge_vec, raise, register};
use crate::engine::appeal::AppealAnswer;
use crate::engine::base::TimeMs;
use crate::engine::disposition::Disposition;
use crate::engine::input::{Effect, Tally};
use crate::engine::invariant::Invariant;
use crate::engine::lead::LeadNews;
use crate::engine::life::Word;
use crate::engine::measure::MEASURE_NAMES;

/// Upper bounds of the latency buckets in seconds: from a millisecond to a minute.
const LATENCY_BUCKETS_S: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// Upper bounds of the recovery buckets in seconds: up to five minutes.
const RECOVERY_BUCKETS_S: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0, 300.0];

/// The kinds of lead.
const LEAD_KINDS: [&str; 3] = ["sim_box_device", "caller_spoofing", "internet_account"];

#[derive(Debug)]
pub struct DecideMetrics {
    counters: FactCounters,
    pub(super) dispositions: IntCounterVec,
    rules: BoundedLabel,
    unmatched: IntCounterVec,
    transactions: IntCounterVec,
    transaction_duration: Histogram,
    end_to_end: Histogram,
    covered_lag: GaugeVec,
    partition_time: GaugeVec,
    partition_live: GaugeVec,
    partition_recovered: GaugeVec,
    partition_stopped: GaugeVec,
    recovery: Histogram,
    timer_lag: GaugeVec,
    snapshots: IntCounterVec,
    snapshot_time: GaugeVec,
    snapshot_bytes: GaugeVec,
    snapshot_freeze: Histogram,
    facts_retention: Gauge,
    pub(super) rule_set: GaugeVec,
    appeal_answers: IntCounterVec,
    staff_asked: IntCounterVec,
    leads: IntCounterVec,
    persons: GaugeVec,
    persons_threshold: GaugeVec,
}

#[derive(Clone, Debug)]
struct FactCounters {
    applied: IntCounter,
    duplicate: IntCounter,
    late: IntCounter,
    ranges_stale: IntCounter,
    ranges_gap: IntCounter,
    ranges_wrong_version: IntCounter,
    ranges_skipped: IntCounter,
    reports_applied: IntCounter,
    reports_stale: IntCounter,
    reports_gap: IntCounter,
    timers: IntCounter,
    /// By `Invariant::ALL`.
    broken: [IntCounter; Invariant::ALL.len()],
}

impl FactCounters {
    fn new(registry: &Registry) -> Result<FactCounters, prometheus::Error> {
        let facts = counter_vec(registry, &catalogue::FACTS)?;
        let ranges = counter_vec(registry, &catalogue::RANGES_IGNORED)?;
        let reports = counter_vec(registry, &catalogue::REPORTS)?;
        let promises = counter_vec(registry, &catalogue::BROKEN_PROMISES)?;
        Ok(FactCounters {
            applied: facts.with_label_values(&["applied"]),
            duplicate: facts.with_label_values(&["duplicate"]),
            late: counter(registry, &catalogue::FACTS_LATE)?,
            ranges_stale: ranges.with_label_values(&["stale"]),
            ranges_gap: ranges.with_label_values(&["gap"]),
            ranges_wrong_version: ranges.with_label_values(&["wrong_version"]),
            ranges_skipped: ranges.with_label_values(&["skipped"]),
            reports_applied: reports.with_label_values(&["applied"]),
            reports_stale: reports.with_label_values(&["stale"]),
            reports_gap: reports.with_label_values(&["gap"]),
            timers: counter(registry, &catalogue::TIMERS_FIRED)?,
            broken: Invariant::ALL.map(|promise| promises.with_label_values(&[promise.name()])),
        })
    }
}

impl DecideMetrics {
    pub(super) fn new(registry: &Registry) -> Result<DecideMetrics, prometheus::Error> {
        let transactions = counter_vec(registry, &catalogue::TRANSACTIONS)?;
        let snapshots = counter_vec(registry, &catalogue::SNAPSHOTS)?;
        let appeal_answers = counter_vec(registry, &catalogue::APPEAL_ANSWERS)?;
        for answer in AppealAnswer::ALL {
            appeal_answers.with_label_values(&[answer.name()]);
        }
        let staff_asked = counter_vec(registry, &catalogue::STAFF_ASKED)?;
        for measure in MEASURE_NAMES {
            staff_asked.with_label_values(&[measure]);
        }
        let leads = counter_vec(registry, &catalogue::LEADS)?;
        for kind in LEAD_KINDS {
            leads.with_label_values(&[kind, "sent"]);
            leads.with_label_values(&[kind, "overdue"]);
        }
        // There from the start, or their first increment would be no increase to Prometheus.
        for outcome in ["committed", "found_committed", "resent"] {
            transactions.with_label_values(&[outcome]);
        }
        for outcome in ["stored", "failed"] {
            snapshots.with_label_values(&[outcome]);
        }
        Ok(DecideMetrics {
            counters: FactCounters::new(registry)?,
            dispositions: counter_vec(registry, &catalogue::DISPOSITIONS)?,
            rules: BoundedLabel::default(),
            unmatched: counter_vec(registry, &catalogue::UNMATCHED)?,
            transactions,
            transaction_duration: histogram(registry, &catalogue::TRANSACTION_DURATION, &LATENCY_BUCKETS_S)?,
            end_to_end: histogram(registry, &catalogue::END_TO_END, &LATENCY_BUCKETS_S)?,
            covered_lag: gauge_vec(registry, &catalogue::COVERED_LAG)?,
            partition_time: gauge_vec(registry, &catalogue::PARTITION_TIME)?,
            partition_live: gauge_vec(registry, &catalogue::PARTITION_LIVE)?,
            partition_recovered: gauge_vec(registry, &catalogue::PARTITION_RECOVERED)?,
            partition_stopped: gauge_vec(registry, &catalogue::PARTITION_STOPPED)?,
            recovery: histogram(registry, &catalogue::RECOVERY_DURATION, &RECOVERY_BUCKETS_S)?,
            timer_lag: gauge_vec(registry, &catalogue::TIMER_LAG)?,
            snapshots,
            snapshot_time: gauge_vec(registry, &catalogue::SNAPSHOT_TIME)?,
            snapshot_bytes: gauge_vec(registry, &catalogue::SNAPSHOT_BYTES)?,
            snapshot_freeze: histogram(registry, &catalogue::SNAPSHOT_FREEZE, &LATENCY_BUCKETS_S)?,
            facts_retention: gauge(registry, &catalogue::FACTS_RETENTION)?,
            rule_set: gauge_vec(registry, &catalogue::RULE_SET)?,
            appeal_answers,
            staff_asked,
            leads,
            persons: gauge_vec(registry, &catalogue::DESTINATION_PERSONS)?,
            persons_threshold: gauge_vec(registry, &catalogue::DESTINATION_THRESHOLD)?,
        })
    }

    /// The metrics of a partition that was assigned here. `since` is its tally then: what a snapshot
    /// brought along, or a replay did again, was counted by whoever did it first.
    #[must_use]
    pub fn partition(&self, partition: u32, since: Tally) -> PartitionMetrics {
        let label = partition.to_string();
        let labels = [label.as_str()];
        let of = |gauges: &GaugeVec| gauges.with_label_values(&labels);
        let (recovered, stopped) = (of(&self.partition_recovered), of(&self.partition_stopped));
        // A partition that comes again was let go before, or it was lost.
        recovered.set(0.0);
        stopped.set(0.0);
        PartitionMetrics {
            recovered,
            stopped,
            recovery: self.recovery.clone(),
            timer_lag: of(&self.timer_lag),
            covered_lag: self.covered_lag.with_label_values(&labels),
            time: self.partition_time.with_label_values(&labels),
            live: self.partition_live.with_label_values(&labels),
            snapshot: self.snapshot_time.with_label_values(&labels),
            snapshot_sizes: self.snapshot_bytes.clone(),
            counters: self.counters.clone(),
            before: since,
            rule_sets: self.rule_set.clone(),
            rule_set: None,
            persons: self.persons.clone(),
            persons_shown: BTreeMap::new(),
            partition: label.clone(),
        }
    }

    /// Takes a partition's gauges away when it is no longer ours, so that two members never both show it.
    pub fn forget_partition(&self, partition: u32) {
        let label = partition.to_string();
        for gauges in [
            &self.covered_lag,
            &self.partition_time,
            &self.partition_live,
            &self.partition_recovered,
            &self.partition_stopped,
            &self.timer_lag,
            &self.snapshot_time,
            &self.snapshot_bytes,
        ] {
            // Fails only when the gauge was never set.
            let _ = gauges.remove_label_values(&[label.as_str()]);
        }
    }

    /// Counts an effect that is published. Not for effects that a replay suppressed.
    pub fn effect(&self, effect: &Effect) {
        let (kind, head, measure) = match effect {
            Effect::Disposed(disposition) => {
                let (kind, measure) = match disposition.as_ref() {
                    Disposition::OpeningAccepted(_) => ("opening_accepted", "none"),
                    Disposition::MeasureSet(set) => ("measure_set", set.measure().name()),
                    Disposition::MeasureEnded(_) => ("measure_ended", "none"),
                    Disposition::ReservationLapsed(_) => ("reservation_lapsed", "none"),
                    Disposition::AppealAnswered(answered) => {
                        self.appeal_answers.with_label_values(&[answered.answer.name()]).inc();
                        ("appeal_answered", "none")
                    }
                    Disposition::MeasureMoved(moved) => {
                        if moved.asks_staff {
                            self.staff_asked.with_label_values(&[moved.measure.name()]).inc();
                        }
                        ("measure_moved", moved.measure.name())
                    }
                    Disposition::MeasureExtended(extended) => ("measure_extended", extended.measure.name()),
                    Disposition::NoticeReleased(_) => ("notice_released", "none"),
                    Disposition::OrderAnswered(answered) => ("order_answered", answered.outcome.name()),
                };
                (kind, disposition.head(), measure)
            }
            Effect::Observed(observation) => ("observed", &observation.head, observation.measure.name()),
            Effect::Unmatched { reason, .. } => {
                self.unmatched.with_label_values(&[reason.name()]).inc();
                return;
            }
            Effect::Lead(news) => return self.lead(news),
            // What is shadowed is shown as a state: `duecourse_rule_shadowed`.
            Effect::RuleShadowed(_) | Effect::Reported(_) => return,
        };
        let rule = self.rules.admit(&head.rule.id);
        self.dispositions.with_label_values(&[kind, rule, head.lane.name(), measure]).inc();
    }

    /// Counts what was referred, and what came of it.
    fn lead(&self, news: &LeadNews) {
        let (kind, event) = match news {
            LeadNews::Sent(sent) => (sent.referral.name(), "sent"),
            LeadNews::Observed(observed) => (observed.kind.name(), "observed"),
            LeadNews::Moved(moved) => match moved.outcome {
                Some(outcome) => (moved.kind, outcome.name()),
                None if moved.alarm => (moved.kind, "overdue"),
                None => (moved.kind, "given_up"),
            },
        };
        self.leads.with_label_values(&[kind, event]).inc();
    }

    /// How a partition's batch came out: `committed`, `found_committed` or `resent`.
    pub fn batch_settled(&self, outcome: &'static str) {
        self.transactions.with_label_values(&[outcome]).inc();
    }

    /// One transaction, over all partitions, took this long.
    pub fn transaction(&self, took: Duration) {
        self.transaction_duration.observe(took.as_secs_f64());
    }

    /// A snapshot was stored, or could not be.
    pub fn snapshot(&self, stored: bool) {
        self.snapshots.with_label_values(&[if stored { "stored" } else { "failed" }]).inc();
    }

    /// Deciding was held up this long to freeze a state.
    pub fn frozen(&self, took: Duration) {
        self.snapshot_freeze.observe(took.as_secs_f64());
    }

    /// From how many persons in a year a duty begins for a destination.
    pub fn persons_threshold(&self, destination: &str, persons: u64) {
        self.persons_threshold.with_label_values(&[destination]).set(persons as f64);
    }

    /// How long facts are kept; `None` is for ever.
    pub fn facts_retention(&self, retention: Option<Duration>) {
        self.facts_retention.set(retention.map_or(f64::INFINITY, |kept| kept.as_secs_f64()));
    }

    /// Time from a source record's broker timestamp to the commit of what was decided about it.
    pub fn latency(&self, latency: Duration) {
        self.end_to_end.observe(latency.as_secs_f64());
    }
}

/// One assigned partition's metrics, with their children looked up once.
#[derive(Debug)]
pub struct PartitionMetrics {
    covered_lag: Gauge,
    time: Gauge,
    live: Gauge,
    recovered: Gauge,
    stopped: Gauge,
    recovery: Histogram,
    timer_lag: Gauge,
    snapshot: Gauge,
    snapshot_sizes: GaugeVec,
    counters: FactCounters,
    before: Tally,
    rule_sets: GaugeVec,
    /// Version and digest shown.
    rule_set: Option<(u32, [u8; 32])>,
    persons: GaugeVec,
    /// By year and destination.
    persons_shown: BTreeMap<(i64, &'static str), u64>,
    partition: String,
}

impl Drop for PartitionMetrics {
    fn drop(&mut self) {
        self.forget_rule_set();
        for (year, destination) in self.persons_shown.keys() {
            let labels = [self.partition.as_str(), destination, &year.to_string()];
            let _ = self.persons.remove_label_values(&labels);
        }
    }
}

impl PartitionMetrics {
    /// Takes over the partition's tally.
    pub fn update(&mut self, tally: Tally) {
        let (counters, before) = (&self.counters, self.before);
        raise(&counters.applied, tally.facts_applied, before.facts_applied);
        raise(&counters.duplicate, tally.facts_duplicate, before.facts_duplicate);
        raise(&counters.late, tally.facts_late, before.facts_late);
        raise(&counters.ranges_stale, tally.ranges_stale, before.ranges_stale);
        raise(&counters.ranges_gap, tally.ranges_gap, before.ranges_gap);
        raise(&counters.ranges_wrong_version, tally.ranges_wrong_version, before.ranges_wrong_version);
        raise(&counters.ranges_skipped, tally.ranges_skipped, before.ranges_skipped);
        raise(&counters.reports_applied, tally.reports_applied, before.reports_applied);
        raise(&counters.reports_stale, tally.reports_stale, before.reports_stale);
        raise(&counters.reports_gap, tally.reports_gap, before.reports_gap);
        raise(&counters.timers, tally.timers_fired, before.timers_fired);
        for ((counter, now), then) in counters.broken.iter().zip(tally.broken).zip(before.broken) {
            raise(counter, now, then);
        }
        self.before = tally;
    }

    /// How far the partition is, and whether it enforces. `now` is the clock.
    pub fn progress(&self, partition_time: TimeMs, is_live: bool, now: TimeMs) {
        self.live.set(f64::from(u8::from(is_live)));
        if partition_time == TimeMs::MIN {
            return; // nothing covered yet
        }
        self.time.set(seconds(partition_time));
        self.covered_lag.set((seconds(now) - seconds(partition_time)).max(0.0));
    }

    /// By how much the next timer is overdue at `now`.
    pub fn timers(&self, next_due: Option<TimeMs>, now: TimeMs) {
        let overdue = next_due.map_or(0.0, |due| (seconds(now) - seconds(due)).max(0.0));
        self.timer_lag.set(overdue);
    }

    /// It is back where its last commit was, so long after its assignment.
    pub fn recovered(&self, took: Duration) {
        self.recovered.set(1.0);
        self.recovery.observe(took.as_secs_f64());
    }

    /// It has stopped on a record.
    pub fn stopped(&self) {
        self.stopped.set(1.0);
    }

    /// The rule set that decides; the one before it is no longer shown.
    pub fn rule_set(&mut self, version: u32, sha256: &[u8; 32]) {
        if self.rule_set == Some((version, *sha256)) {
            return;
        }
        self.forget_rule_set();
        self.rule_set = Some((version, *sha256));
        self.rule_sets.with_label_values(&self.rule_set_labels().each_ref().map(String::as_str)).set(1.0);
    }

    fn forget_rule_set(&mut self) {
        // Fails only when none was shown.
        let _ = self.rule_sets.remove_label_values(&self.rule_set_labels().each_ref().map(String::as_str));
        self.rule_set = None;
    }

    fn rule_set_labels(&self) -> [String; 3] {
        let (version, sha256) = self.rule_set.unwrap_or_default();
        let hexadecimal = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        [self.partition.clone(), version.to_string(), hexadecimal]
    }

    /// Distinct persons who were named at a destination in a year.
    pub fn persons(&mut self, year: i64, destination: &'static str, count: u64) {
        if self.persons_shown.insert((year, destination), count) != Some(count) {
            let labels = [self.partition.as_str(), destination, &year.to_string()];
            self.persons.with_label_values(&labels).set(count as f64);
        }
    }

    /// Its newest snapshot was stored at this time.
    pub fn snapshot_at(&self, stored: TimeMs) {
        self.snapshot.set(seconds(stored));
    }

    /// The size of the snapshot that was stored.
    pub fn snapshot_size(&self, bytes: usize) {
        self.snapshot_sizes.with_label_values(&[self.partition.as_str()]).set(bytes as f64);
    }
}

fn histogram(registry: &Registry, metric: &Metric, buckets: &[f64]) -> Result<Histogram, prometheus::Error> {
    let options = HistogramOpts::new(metric.name, metric.help).buckets(buckets.to_vec());
    register(registry, Histogram::with_opts(options)?)
}

/// Seconds since 1970, as gauges show a time.
fn seconds(time: TimeMs) -> f64 {
    time.0 as f64 / 1000.0
}
