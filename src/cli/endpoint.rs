//! What a running process shows of itself: metrics, health and the read view over HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Failure;
use crate::codec::output::Topic;
use crate::config::{Config, Time, destinations};
use crate::decide::observe::{Observe, Outcome, Standing};
use crate::decide::view::{ReadView, Shown as Measure};
use crate::engine::base::TimeMs;
use crate::engine::disposition::{AppealRef, Disposition};
use crate::engine::input::{Effect, Tally};
use crate::engine::life::Word;
use crate::engine::purpose::{Purpose, Use};
use crate::engine::reached::Destination;
use crate::engine::ruleset::RuleSet;
use crate::engine::state::RuleCount;
use crate::engine::subject::Subject;
use crate::intake::desk;
use crate::telemetry::clock::now;
use crate::telemetry::http::{Health, Refresh, Server, Shown, View};
use crate::telemetry::latency::Latencies;
use crate::telemetry::metrics::{IntakeTotals, Metrics, PartitionMetrics};

/// How often what rules cost is shown anew.
const REFRESH_EVERY: Duration = Duration::from_secs(1);

/// The endpoint of a process. It stops listening when this is dropped.
pub struct Endpoint {
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    latencies: Arc<Mutex<Latencies>>,
    state: Arc<Mutex<Counting>>,
    /// Records carry a broker's time; under `time = event` there is no clock to compare with.
    has_clock: bool,
    _server: Option<Server>,
}

impl Endpoint {
    /// Listens where the configuration says. An address in use is no reason not to work: it is
    /// logged, and the process goes on unseen.
    ///
    /// # Errors
    /// Exit 3 when the metrics cannot be made.
    pub fn open(config: &Config, view: Option<Arc<ReadView>>) -> Result<Endpoint, Failure> {
        let metrics = Arc::new(Metrics::new().map_err(Failure::configuration)?);
        if let Ok(kept_ms) = config.facts_retention_ms() {
            metrics.decide.facts_retention(u64::try_from(kept_ms).ok().map(Duration::from_millis));
        }
        for destination in Destination::ALL {
            let of = destinations::applying(config.jurisdiction_of(destination.name()));
            if let Some(least) = of.first() {
                metrics.decide.persons_threshold(destination.name(), least.persons);
            }
        }
        let health = Arc::new(
            Health::default()
                .waiting_for_transactions(Duration::from_millis(config.kafka.transaction_timeout_ms.into())),
        );
        let view = view.map(|view| Arc::new(Reviewed(view)) as Arc<dyn View>);
        let has_clock = config.time == Time::Broker;
        let state: Arc<Mutex<Counting>> = Arc::default();
        let shown = Shown {
            metrics: Arc::clone(&metrics),
            refresh: Some(refresh(Arc::clone(&state), has_clock)),
            health: Arc::clone(&health),
            view,
        };
        let server = match config.http.listen.as_str() {
            "" => None,
            address => match Server::start(address, shown) {
                Ok(server) => {
                    tracing::info!(address = %server.address(), "metrics, health and read view are served");
                    Some(server)
                }
                Err(error) => {
                    tracing::warn!(%error, address, "nothing is served over HTTP; set http.listen to a free address");
                    None
                }
            },
        };
        Ok(Endpoint { metrics, health, latencies: Arc::default(), state, has_clock, _server: server })
    }

    /// What intake hands over about once a second.
    pub fn intake_turned(&self, tally: &desk::Tally) {
        self.health.beat();
        self.metrics.intake.update(&IntakeTotals {
            accepted: tally.accepted,
            refused: tally.refused.clone(),
            undeclared_fields: tally.undeclared.values().sum(),
            facts: tally.facts,
            packs: tally.packs,
            restarts: tally.restarts,
        });
    }

    /// Prints how long facts took from their record's broker timestamp to the commit, exactly.
    pub fn print_latencies(&self) {
        if self.has_clock {
            let latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
            println!("facts, from their record's timestamp to the commit: {latencies}");
        }
    }

    /// Who hears of deciding.
    #[must_use]
    pub fn observer(&self) -> Arc<dyn Observe> {
        Arc::new(Counted {
            metrics: Arc::clone(&self.metrics),
            health: Arc::clone(&self.health),
            latencies: Arc::clone(&self.latencies),
            has_clock: self.has_clock,
            state: Arc::clone(&self.state),
        })
    }
}

/// The read view as reviewers get it: only what may be used to review an appeal.
struct Reviewed(Arc<ReadView>);

fn may_be_reviewed(measure: &Measure) -> bool {
    measure.purpose.permits(Use::AppealReview)
}

impl View for Reviewed {
    fn in_force(&self, subject: Subject) -> Vec<Vec<u8>> {
        let found = self.0.in_force(subject);
        let reviewed = found.iter().filter(|measure| may_be_reviewed(measure));
        reviewed.map(|measure| measure.disposition.to_vec()).collect()
    }

    /// `{"disposition": ..., "ended": ... or null}`, both as they were published.
    fn disposition(&self, appeal: AppealRef) -> Option<Vec<u8>> {
        let measure = self.0.by_appeal(appeal).filter(|measure| may_be_reviewed(measure))?;
        let ended: &[u8] = measure.ended.as_ref().map_or(b"null", |(_, disposition)| disposition);
        let parts: [&[u8]; 5] = [b"{\"disposition\":", &measure.disposition, b",\"ended\":", ended, b"}"];
        Some(parts.concat())
    }
}

/// Turns what deciding tells into metrics and health.
struct Counted {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    latencies: Arc<Mutex<Latencies>>,
    has_clock: bool,
    state: Arc<Mutex<Counting>>,
}

#[derive(Default)]
struct Counting {
    partitions: BTreeMap<u32, Assigned>,
    rules_shown: Option<Instant>,
}

/// Gauges that grow while nothing happens are computed when somebody looks.
fn refresh(state: Arc<Mutex<Counting>>, has_clock: bool) -> Refresh {
    Arc::new(move || {
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        for assigned in state.partitions.values() {
            assigned.metrics.progress(assigned.partition_time, assigned.is_live, now());
            if has_clock {
                assigned.metrics.timers(assigned.next_timer, now());
            }
        }
    })
}

/// A partition that is ours.
struct Assigned {
    metrics: PartitionMetrics,
    since: Instant,
    partition_time: TimeMs,
    next_timer: Option<TimeMs>,
    is_live: bool,
    recovery: Recovery,
}

/// Where a partition is on its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recovery {
    /// Its snapshot is being read.
    Restoring,
    /// Its records are replayed up to this offset, where its last commit was.
    Replaying(u64),
    Done,
    /// It cannot decide a record; it does not come back by itself.
    Stopped,
}

impl Assigned {
    /// Its records below `offset` have been applied.
    fn reached(&mut self, offset: u64) {
        if matches!(self.recovery, Recovery::Replaying(committed) if offset >= committed) {
            self.recovery = Recovery::Done;
            self.metrics.recovered(self.since.elapsed());
        }
    }
}

impl Counted {
    fn state(&self) -> MutexGuard<'_, Counting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready: something is assigned, and all of it is back.
    fn tell_readiness(&self, state: &Counting) {
        let all_are =
            |wanted: fn(Recovery) -> bool| state.partitions.values().all(|one| wanted(one.recovery));
        self.health.set_restoring(!all_are(|one| matches!(one, Recovery::Done | Recovery::Stopped)));
        if !state.partitions.is_empty() {
            self.health.set_assigned();
        }
        self.health.set_ready(!state.partitions.is_empty() && all_are(|one| one == Recovery::Done));
    }
}

impl Observe for Counted {
    fn turned(&self) {
        self.health.beat();
    }

    fn assigned(&self, partition: u32) {
        let metrics = self.metrics.decide.partition(partition, Tally::default());
        let assigned = Assigned {
            metrics,
            since: Instant::now(),
            partition_time: TimeMs::MIN,
            next_timer: None,
            is_live: false,
            recovery: Recovery::Restoring,
        };
        let mut state = self.state();
        state.partitions.insert(partition, assigned);
        self.tell_readiness(&state);
    }

    fn restored(&self, partition: u32, offset: u64, committed: u64, took: Duration) {
        tracing::info!(partition, offset, committed, took_s = took.as_secs_f64(), "restored");
        let mut state = self.state();
        if let Some(assigned) = state.partitions.get_mut(&partition) {
            assigned.recovery = Recovery::Replaying(committed);
            assigned.reached(offset);
        }
        self.tell_readiness(&state);
    }

    fn snapshot_found(&self, partition: u32, stored: TimeMs) {
        if let Some(assigned) = self.state().partitions.get(&partition) {
            assigned.metrics.snapshot_at(stored);
        }
    }

    fn released(&self, partition: u32) {
        let mut state = self.state();
        state.partitions.remove(&partition);
        self.metrics.decide.forget_partition(partition);
        self.tell_readiness(&state);
    }

    fn failed(&self, partition: u32) {
        tracing::error!(partition, "a facts partition stopped on a record");
        let mut state = self.state();
        if let Some(assigned) = state.partitions.get_mut(&partition) {
            assigned.metrics.stopped();
            assigned.recovery = Recovery::Stopped;
        }
        self.tell_readiness(&state);
    }

    fn decided(&self, effect: &Effect) {
        self.metrics.decide.effect(effect);
        match effect {
            Effect::Disposed(disposition) => {
                if let Disposition::MeasureSet(set) = &**disposition {
                    self.metrics.rules.evidence(&set.head().rule.id, set.evidence());
                }
            }
            Effect::Observed(seen) => self.metrics.rules.evidence(&seen.head.rule.id, &seen.evidence),
            Effect::Unmatched { .. } | Effect::Reported(_) | Effect::RuleShadowed(_) | Effect::Lead(_) => {}
        }
    }

    fn purpose_refused(&self, topic: Topic, purpose: Purpose) {
        let sink = topic_name(topic);
        let permitted: Vec<&str> = purpose.uses().map(Use::name).collect();
        tracing::warn!(sink, ?permitted, "an output was held back for its purpose");
        self.metrics.sink_refused(sink);
    }

    fn advanced(&self, standing: Standing, rules: Option<&RuleSet>) {
        let mut state = self.state();
        if let Some(assigned) = state.partitions.get_mut(&standing.partition) {
            assigned.metrics.update(standing.tally);
            assigned.partition_time = standing.partition_time;
            assigned.next_timer = standing.next_timer;
            assigned.is_live = standing.is_live;
            assigned.reached(standing.next_offset);
            if let Some(rules) = rules {
                assigned.metrics.rule_set(rules.version, &rules.sha256);
            }
        }
        self.tell_readiness(&state);
    }

    fn rule_totals(
        &self,
        rules: &RuleSet,
        newest: TimeMs,
        totals: &mut dyn Iterator<Item = (&str, RuleCount)>,
    ) {
        let mut state = self.state();
        if state.rules_shown.is_none_or(|shown| shown.elapsed() >= REFRESH_EVERY) {
            state.rules_shown = Some(Instant::now());
            self.metrics.rules.show(rules, newest, totals);
        }
    }

    fn rules_shadowed(&self, rules: &RuleSet, shadowed: &mut dyn Iterator<Item = (&str, u32)>) {
        self.metrics.rules.show_shadowed(rules, shadowed);
    }

    fn persons_named(&self, partition: u32, persons: &mut dyn Iterator<Item = (i64, Destination, u64)>) {
        if let Some(assigned) = self.state().partitions.get_mut(&partition) {
            persons.for_each(|(year, destination, count)| {
                assigned.metrics.persons(year, destination.name(), count);
            });
        }
    }

    fn settled(&self, _partition: u32, outcome: Outcome, _records: usize, packs: &[(TimeMs, u32)]) {
        self.metrics.decide.batch_settled(match outcome {
            Outcome::Committed => "committed",
            Outcome::FoundCommitted => "found_committed",
            Outcome::Resent => "resent",
        });
        if outcome == Outcome::Resent || !self.has_clock {
            return; // nothing became visible, or nobody knows since when it waited
        }
        let now = now();
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        for (newest, facts) in packs {
            let waited_ms = u64::try_from(now.0.saturating_sub(newest.0)).unwrap_or(0);
            let waited = Duration::from_millis(waited_ms);
            self.metrics.decide.latency(waited);
            latencies.record_many(waited, u64::from(*facts));
        }
    }

    fn transaction(&self, took: Duration) {
        self.metrics.decide.transaction(took);
    }

    fn frozen(&self, _partition: u32, took: Duration) {
        self.metrics.decide.frozen(took);
    }

    fn snapshot(&self, partition: u32, bytes: Option<usize>) {
        self.metrics.decide.snapshot(bytes.is_some());
        if let (Some(bytes), Some(assigned)) = (bytes, self.state().partitions.get(&partition)) {
            assigned.metrics.snapshot_at(now());
            assigned.metrics.snapshot_size(bytes);
        }
    }

    fn paused(&self, partition: u32, paused: bool) {
        tracing::info!(partition, paused, "delivery changed: what waits in memory is bounded");
    }
}

fn topic_name(topic: Topic) -> &'static str {
    match topic {
        Topic::Dispositions => "dispositions",
        Topic::Notices => "notices",
        Topic::Measures => "measures",
        Topic::Decided => "decided",
        Topic::Shadow => "shadow",
        Topic::DeadLetters => "dead_letters",
        Topic::Authority => "authority",
        Topic::Leads => "leads",
    }
}

#[cfg(test)]
mod tests;
