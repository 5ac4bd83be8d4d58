//! Scores of alerts against labels: per account, per event, per scheme, and how fast.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::labels::{Label, Labels};
use crate::engine::measure::Lane;

/// One row of `alerts.csv`, as far as scoring needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert<'a> {
    pub event_id: &'a str,
    pub at_ms: i64,
    pub subject_kind: &'a str,
    pub subject_id: &'a str,
    pub rule: &'a str,
    pub lane: &'a str,
    pub mode: &'a str,
}

/// Whom the alerts could have been about.
#[derive(Clone, Debug, Default)]
pub struct Population {
    /// Ids of the accounts of accepted events.
    pub accounts: BTreeSet<String>,
    /// Accepted transfers between two own accounts, and accepted card payments.
    pub events: u64,
    /// Those of them that are labelled.
    pub labelled_events: BTreeSet<String>,
    /// Those of them that an alert names; alerts on other events (spending, salaries) count for none.
    pub alerted_events: BTreeSet<String>,
}

/// Hits and false alerts over accounts or events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Level {
    pub positives: u64,
    pub hit: u64,
    pub negatives: u64,
    /// With at least one false alert: alerts on a negative, or on a positive before its start.
    #[serde(rename = "false")]
    pub false_count: u64,
    pub excluded: u64,
    pub recall: f64,
    pub fpr: f64,
    pub alerts_per_1000: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemeLevel {
    pub total: u64,
    /// Schemes with at least one account hit.
    pub any: u64,
    /// Schemes with at least half of their accounts hit.
    pub half: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    pub account: Level,
    pub event: Level,
    pub scheme: SchemeLevel,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeToDetect {
    pub median: f64,
    pub p90: f64,
    pub n: u64,
}

/// Rows of one rule in one mode that were about a positive, or about none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleHits {
    pub alerts: u64,
    pub true_count: u64,
    pub false_count: u64,
}

/// Everything scoring says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    pub levels: Levels,
    pub levels_by_mode: BTreeMap<String, Levels>,
    /// By lane. Who was warned for their own protection is alerted in none: those rows name a transfer.
    pub levels_by_lane: BTreeMap<String, Levels>,
    pub time_to_detect: TimeToDetect,
    /// What those figures are of, in milliseconds, ascending.
    pub delays_ms: Vec<i64>,
    /// By rule and mode.
    pub rules: BTreeMap<(String, String), RuleHits>,
    pub unscored: Unscored,
}

/// Labels that no alert can meet, so that a wrong file does not pass for a poor score.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unscored {
    /// Labelled accounts without an accepted event.
    pub accounts: u64,
    /// Labelled events that are not among what is scored.
    pub events: u64,
    /// Rows of kinds that are not scored, by kind.
    pub others: BTreeMap<String, u64>,
}

impl Unscored {
    fn of(labels: &Labels, population: &Population) -> Unscored {
        let accounts = labels.accounts.keys().filter(|id| !population.accounts.contains(*id)).count();
        let events = labels.events.keys().filter(|id| !population.labelled_events.contains(*id)).count();
        Unscored { accounts: accounts as u64, events: events as u64, others: labels.others.clone() }
    }
}

/// The modes of alerts (CONTRACT, `alerts.csv`).
const MODES: [&str; 3] = ["enforced", "shadow", "braked"];

/// Adds alerts up, one at a time, and scores them at the end. Holds alerted ids, not alerts.
pub struct Scoring<'a> {
    labels: &'a Labels,
    population: &'a Population,
    all: Alerted,
    by_mode: BTreeMap<String, Alerted>,
    by_lane: BTreeMap<String, Alerted>,
    rules: BTreeMap<(String, String), RuleHits>,
}

/// Who was alerted, over all modes or in one.
#[derive(Default)]
struct Alerted {
    accounts: BTreeMap<String, Times>,
    /// Alerted events, and whether the alert was a false one.
    events: BTreeMap<String, Truth>,
}

/// Times of alerts on one account, as far as any label asks for them.
#[derive(Default)]
struct Times {
    earliest: Option<i64>,
    /// For each start among the account's labels: the earliest alert at or after it.
    since_start: BTreeMap<Option<i64>, i64>,
}

#[derive(Clone, Copy, Default)]
struct Truth {
    hit: bool,
    wrong: bool,
}

impl<'a> Scoring<'a> {
    #[must_use]
    pub fn new(labels: &'a Labels, population: &'a Population) -> Scoring<'a> {
        Scoring {
            labels,
            population,
            all: Alerted::default(),
            // Each mode has its levels, alerted in or not.
            by_mode: MODES.iter().map(|mode| ((*mode).to_owned(), Alerted::default())).collect(),
            by_lane: Lane::ALL.iter().map(|lane| (lane.name().to_owned(), Alerted::default())).collect(),
            rules: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, alert: &Alert<'_>) {
        self.all.add(alert, self.labels, self.population);
        self.by_mode.entry(alert.mode.to_owned()).or_default().add(alert, self.labels, self.population);
        self.by_lane.entry(alert.lane.to_owned()).or_default().add(alert, self.labels, self.population);
        let hits = self.rules.entry((alert.rule.to_owned(), alert.mode.to_owned())).or_default();
        hits.alerts += 1;
        match truth(alert, self.labels) {
            Some(true) => hits.true_count += 1,
            Some(false) => hits.false_count += 1,
            None => {}
        }
    }

    #[must_use]
    pub fn finish(self) -> Scores {
        let Scoring { labels, population, all, by_mode, by_lane, rules } = self;
        let delays_ms = all.delays_ms(labels, population);
        Scores {
            levels: all.levels(labels, population),
            levels_by_mode: levels_of_each(&by_mode, labels, population),
            levels_by_lane: levels_of_each(&by_lane, labels, population),
            time_to_detect: TimeToDetect::of(&delays_ms),
            delays_ms,
            rules,
            unscored: Unscored::of(labels, population),
        }
    }
}

fn levels_of_each(
    all: &BTreeMap<String, Alerted>,
    labels: &Labels,
    population: &Population,
) -> BTreeMap<String, Levels> {
    all.iter().map(|(name, alerted)| (name.clone(), alerted.levels(labels, population))).collect()
}

/// Whether an alert was about a positive, by its account or by its event; `None` when its account is
/// left out of scoring.
#[must_use]
pub fn truth(alert: &Alert<'_>, labels: &Labels) -> Option<bool> {
    let began = |of: Option<&Vec<Label>>| {
        of.is_some_and(|labels| {
            labels.iter().any(|label| label.start_ms.is_none_or(|start| alert.at_ms >= start))
        })
    };
    let is_true = (is_account(alert.subject_kind) && began(labels.accounts.get(alert.subject_id)))
        || began(labels.events.get(alert.event_id));
    (is_true || !labels.excluded.contains(alert.subject_id)).then_some(is_true)
}

fn is_account(subject_kind: &str) -> bool {
    matches!(subject_kind, "account" | "card" | "phone_card" | "iot_card")
}

impl Alerted {
    fn add(&mut self, alert: &Alert<'_>, labels: &Labels, population: &Population) {
        if is_account(alert.subject_kind) && population.accounts.contains(alert.subject_id) {
            let times = self.accounts.entry(alert.subject_id.to_owned()).or_default();
            times.earliest = Some(times.earliest.map_or(alert.at_ms, |earliest| earliest.min(alert.at_ms)));
            for label in labels.accounts.get(alert.subject_id).into_iter().flatten() {
                if label.start_ms.is_none_or(|start| alert.at_ms >= start) {
                    let first = times.since_start.entry(label.start_ms).or_insert(alert.at_ms);
                    *first = (*first).min(alert.at_ms);
                }
            }
        }
        if alert.event_id.is_empty() {
            return;
        }
        let truth = self.events.entry(alert.event_id.to_owned()).or_default();
        let started = labels.events.get(alert.event_id).is_some_and(|labels| {
            labels.iter().any(|label| label.start_ms.is_none_or(|start| alert.at_ms >= start))
        });
        truth.hit |= started;
        truth.wrong |= !started;
    }

    fn levels(&self, labels: &Labels, population: &Population) -> Levels {
        Levels {
            account: self.account_level(labels, population),
            event: self.event_level(population),
            scheme: self.scheme_level(labels, population),
        }
    }

    fn account_level(&self, labels: &Labels, population: &Population) -> Level {
        let mut level = Level::default();
        for id in &population.accounts {
            let alerted = self.accounts.get(id);
            if let Some(starts) = labels.accounts.get(id) {
                level.positives += 1;
                let Some(times) = alerted else { continue };
                level.hit += u64::from(!times.since_start.is_empty());
                // Before the first of its starts: nobody could have known.
                let first_start = starts.iter().map(|label| label.start_ms).min().flatten();
                let is_early = matches!((times.earliest, first_start), (Some(at), Some(start)) if at < start);
                level.false_count += u64::from(is_early);
            } else if labels.excluded.contains(id) {
                level.excluded += 1;
            } else {
                level.negatives += 1;
                level.false_count += u64::from(alerted.is_some());
            }
        }
        level.rates(self.accounts.len() as u64, population.accounts.len() as u64)
    }

    fn event_level(&self, population: &Population) -> Level {
        let positives = population.labelled_events.len() as u64;
        let mut level =
            Level { positives, negatives: population.events.saturating_sub(positives), ..Level::default() };
        let mut alerted = 0;
        for (id, truth) in self.events.iter().filter(|(id, _)| population.alerted_events.contains(*id)) {
            alerted += 1;
            if population.labelled_events.contains(id) {
                level.hit += u64::from(truth.hit);
            }
            level.false_count += u64::from(truth.wrong);
        }
        level.rates(alerted, population.events)
    }

    fn scheme_level(&self, labels: &Labels, population: &Population) -> SchemeLevel {
        let mut level = SchemeLevel::default();
        for members in labels.schemes().values() {
            let present = members.iter().filter(|(id, _)| population.accounts.contains(**id));
            let (mut total, mut hit) = (0_u64, 0_u64);
            for (id, start) in present {
                total += 1;
                let times = self.accounts.get(*id);
                hit += u64::from(times.is_some_and(|times| times.since_start.contains_key(start)));
            }
            level.total += u64::from(total > 0);
            level.any += u64::from(hit > 0);
            level.half += u64::from(hit > 0 && hit * 2 >= total);
        }
        level
    }

    /// First alert of each labelled account at or after its first start, less that start; ascending.
    fn delays_ms(&self, labels: &Labels, population: &Population) -> Vec<i64> {
        let mut delays_ms: Vec<i64> = labels
            .accounts
            .keys()
            .filter(|id| population.accounts.contains(*id))
            .filter_map(|id| {
                let since = &self.accounts.get(id)?.since_start;
                since.iter().find_map(|(start, first)| Some(first - (*start)?))
            })
            .collect();
        delays_ms.sort_unstable();
        delays_ms
    }
}

impl TimeToDetect {
    fn of(sorted_ms: &[i64]) -> TimeToDetect {
        TimeToDetect {
            median: percentile_s(sorted_ms, 50),
            p90: percentile_s(sorted_ms, 90),
            n: sorted_ms.len() as u64,
        }
    }
}

impl Level {
    fn rates(self, alerted: u64, total: u64) -> Level {
        Level {
            recall: ratio(self.hit, self.positives),
            fpr: ratio(self.false_count, self.negatives),
            alerts_per_1000: ratio(alerted * 1000, total),
            ..self
        }
    }
}

/// Six decimals, so that a report reads the same everywhere; 0 over nothing.
pub fn ratio(part: u64, of: u64) -> f64 {
    if of == 0 {
        return 0.0;
    }
    let millionths = u128::from(part) * 1_000_000 / u128::from(of);
    millionths as f64 / 1e6
}

/// Nearest rank, in seconds; 0 when there is nothing.
fn percentile_s(sorted_ms: &[i64], percent: usize) -> f64 {
    let rank = (sorted_ms.len() * percent).div_ceil(100).max(1);
    sorted_ms.get(rank - 1).map_or(0.0, |ms| *ms as f64 / 1000.0)
}

#[cfg(test)]
#[path = "levels_tests.rs"]
mod tests;
