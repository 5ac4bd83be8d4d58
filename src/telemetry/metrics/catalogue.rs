//! All metrics by name: the one list that the registry, the README table and its test are made from.
//!
//! Names follow the Prometheus conventions: prefix, base units, `_total` for counters. No label ever
//! holds an identifier, and each has a bound on its values.

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A metric as it is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, help }
}

pub const EVENTS: Metric =
    counter("duecourse_events_total", &["outcome"], "Source records read, accepted or refused.");
pub const REFUSALS: Metric =
    counter("duecourse_refusals_total", &["reason"], "Source records refused, by reason code.");
pub const UNDECLARED_FIELDS: Metric = counter(
    "duecourse_undeclared_fields_total",
    &[],
    "Fields dropped because no mapping declares them (their names stand in reports, not here).",
);
pub const FACTS_WRITTEN: Metric = counter("duecourse_facts_written_total", &[], "Facts written by intake.");
pub const PACKS_WRITTEN: Metric =
    counter("duecourse_packs_written_total", &[], "Facts records written by intake.");
pub const INTAKE_RESTARTS: Metric = counter(
    "duecourse_intake_restarts_total",
    &[],
    "Times that reading began anew at the lowest covered offset after a failed delivery.",
);
pub const FACTS: Metric = counter(
    "duecourse_facts_total",
    &["outcome"],
    "Facts that came to be decided here, replays after a restart included: applied, or duplicate (by their event).",
);
pub const FACTS_LATE: Metric = counter(
    "duecourse_facts_late_total",
    &[],
    "Facts older than partition time less the lateness; evaluated as of their own time.",
);
pub const RANGES_IGNORED: Metric = counter(
    "duecourse_ranges_ignored_total",
    &["verdict"],
    "Covered ranges not applied: stale (seen before), gap (something before them is missing; alarm on this), wrong_version; and skipped: lost, and passed over by an operator's word.",
);
pub const REPORTS: Metric = counter(
    "duecourse_reports_total",
    &["outcome"],
    "Reports between partitions: applied, stale, or gap (a predecessor is missing; alarm on this).",
);
pub const TIMERS_FIRED: Metric =
    counter("duecourse_timers_fired_total", &[], "Timers fired: expiries, lapses, deadlines.");
pub const BROKEN_PROMISES: Metric = counter(
    "duecourse_broken_promises_total",
    &["promise"],
    "Promises to people that something published broke: a whole notice, an end, nothing beyond it, verified first, and so on; must stay 0 (alarm on this).",
);
pub const DISPOSITIONS: Metric = counter(
    "duecourse_dispositions_total",
    &["kind", "rule", "lane", "measure"],
    "Dispositions decided, observations in shadow included (kind observed).",
);
pub const UNMATCHED: Metric = counter(
    "duecourse_unmatched_total",
    &["reason"],
    "Accepted events that refer to nothing known here, by reason; they go to dead letters.",
);
pub const PURPOSE_REFUSALS: Metric = counter(
    "duecourse_purpose_refusals_total",
    &["at", "purpose"],
    "What purpose limitation refused: a query (by the purpose it stated), or an output at its sink.",
);
pub const TRANSACTIONS: Metric = counter(
    "duecourse_transactions_total",
    &["outcome"],
    "Partitions' batches by how their transaction came out: committed, found_committed (in doubt, then found), resent (in doubt, then sent again).",
);
pub const TRANSACTION_DURATION: Metric = Metric {
    name: "duecourse_transaction_duration_seconds",
    kind: Kind::Histogram,
    labels: &[],
    help: "How long a transaction took, from its begin to its known outcome.",
};
pub const END_TO_END: Metric = Metric {
    name: "duecourse_end_to_end_latency_seconds",
    kind: Kind::Histogram,
    labels: &[],
    help: "From a source record's broker timestamp to the commit of what was decided.",
};
pub const COVERED_LAG: Metric = gauge(
    "duecourse_covered_lag_seconds",
    &["partition"],
    "Clock less the time up to which this facts partition has covered its slowest source.",
);
pub const PARTITION_TIME: Metric = gauge(
    "duecourse_partition_time_seconds",
    &["partition"],
    "Partition time, as seconds since 1970: the least of its sources' times.",
);
pub const PARTITION_LIVE: Metric = gauge(
    "duecourse_partition_live",
    &["partition"],
    "1 when this facts partition enforces, 0 while it only observes (before go-live).",
);
pub const PARTITION_RECOVERED: Metric = gauge(
    "duecourse_partition_recovered",
    &["partition"],
    "1 when this facts partition has come back to where its last commit was, 0 from its assignment until then.",
);
pub const PARTITION_STOPPED: Metric = gauge(
    "duecourse_partition_stopped",
    &["partition"],
    "1 when this facts partition stopped on a record it cannot decide (alarm on this), else 0.",
);
pub const RECOVERY_DURATION: Metric = Metric {
    name: "duecourse_recovery_duration_seconds",
    kind: Kind::Histogram,
    labels: &[],
    help: "From a facts partition's assignment until it is back where its last commit was: snapshot read, records replayed.",
};
pub const TIMER_LAG: Metric = gauge(
    "duecourse_timer_lag_seconds",
    &["partition"],
    "How long the oldest timer that has not fired is overdue by the clock; 0 when none is.",
);
pub const SNAPSHOTS: Metric =
    counter("duecourse_snapshots_total", &["outcome"], "Snapshots of facts partitions: stored, or failed.");
pub const SNAPSHOT_FREEZE: Metric = Metric {
    name: "duecourse_snapshot_freeze_seconds",
    kind: Kind::Histogram,
    labels: &[],
    help: "How long deciding was held up to freeze a facts partition's state for a snapshot.",
};
pub const SNAPSHOT_BYTES: Metric = gauge(
    "duecourse_snapshot_bytes",
    &["partition"],
    "Size of the newest snapshot that this process stored of the facts partition.",
);
pub const FACTS_RETENTION: Metric = gauge(
    "duecourse_facts_retention_seconds",
    &[],
    "How long facts are kept by this configuration; +Inf is for ever. No snapshot may become as old.",
);
pub const SNAPSHOT_TIME: Metric = gauge(
    "duecourse_snapshot_timestamp_seconds",
    &["partition"],
    "When the newest snapshot of this facts partition was stored, as seconds since 1970.",
);
pub const RULE_SET: Metric = gauge(
    "duecourse_rule_set_info",
    &["partition", "version", "sha256"],
    "1 for the rule set by which this facts partition decides; the digest is that of its bundle.",
);
pub const RULE: Metric = gauge(
    "duecourse_rule_info",
    &["rule", "version", "state"],
    "1 for each rule of the rule set in force, with its version; its state is enforced, shadow (it only observes) or off.",
);
pub const RULE_HARM: Metric = gauge(
    "duecourse_rule_harm_seconds",
    &["rule"],
    "Restriction that a rule's measures of the current interval may cost, added up over persons and partitions, as last told.",
);
pub const RULE_HARM_BUDGET: Metric = gauge(
    "duecourse_rule_harm_budget_seconds",
    &["rule"],
    "How much of it the rule may cost in one interval; a rule without a budget has none here.",
);
pub const RULE_BRAKED: Metric = gauge(
    "duecourse_rule_braked",
    &["rule"],
    "1 while the rule's harm budget is spent, so that it only asks for verification (alarm on this), else 0.",
);
pub const MEASURES_BRAKED: Metric = counter(
    "duecourse_measures_braked_total",
    &["rule"],
    "Measures that became a verification, or a shorter one, because their rule's harm budget was spent.",
);
pub const MEASURES_SOFTENED: Metric = counter(
    "duecourse_measures_softened_total",
    &["rule", "protection"],
    "Measures that a protection made milder or waived, those that would only have been set included.",
);
pub const APPEAL_ANSWERS: Metric = counter(
    "duecourse_appeal_answers_total",
    &["answer"],
    "What was said about appeals and requests for a human decision: received, accepted, papers_asked, upheld, forwarded, overdue (alarm on this), human_decision_due, confirmed.",
);
pub const STAFF_ASKED: Metric = counter(
    "duecourse_staff_asked_total",
    &["measure"],
    "Steps in the lives of measures that ask staff to take over: a notice that no way delivers, a deadline at a low risk, a harder step that was held back (alarm on this).",
);
pub const LEADS: Metric = counter(
    "duecourse_leads_total",
    &["kind", "event"],
    "Leads to authorities: sent, confirmed, not_confirmed, no_action, overdue (alarm on this), given_up; and observed, what would have been sent.",
);
pub const DESTINATION_PERSONS: Metric = gauge(
    "duecourse_destination_persons",
    &["partition", "destination", "year"],
    "Distinct persons who were named at a destination in a calendar year; exact, and the sum over partitions is the institution's.",
);
pub const DESTINATION_THRESHOLD: Metric = gauge(
    "duecourse_destination_persons_threshold",
    &["destination"],
    "The number of persons in a year from which a duty begins for a destination, by where it lies (config/destinations.toml; alarm at it).",
);
pub const RULE_SHADOWED: Metric = gauge(
    "duecourse_rule_shadowed",
    &["rule"],
    "1 while the rule only observes because too many of its measures were overturned or found needless (alarm on this), else 0.",
);
pub const BUILD: Metric = gauge(
    "duecourse_build_info",
    &["version", "semantics"],
    "1; the version of the program and the number of its engine's semantics.",
);

/// Every metric, in the order of the README's table.
pub const ALL: [Metric; 44] = [
    EVENTS,
    REFUSALS,
    UNDECLARED_FIELDS,
    FACTS_WRITTEN,
    PACKS_WRITTEN,
    INTAKE_RESTARTS,
    FACTS,
    FACTS_LATE,
    RANGES_IGNORED,
    REPORTS,
    TIMERS_FIRED,
    BROKEN_PROMISES,
    DISPOSITIONS,
    UNMATCHED,
    PURPOSE_REFUSALS,
    TRANSACTIONS,
    TRANSACTION_DURATION,
    END_TO_END,
    COVERED_LAG,
    PARTITION_TIME,
    PARTITION_LIVE,
    PARTITION_RECOVERED,
    PARTITION_STOPPED,
    RECOVERY_DURATION,
    TIMER_LAG,
    SNAPSHOTS,
    SNAPSHOT_TIME,
    SNAPSHOT_BYTES,
    SNAPSHOT_FREEZE,
    FACTS_RETENTION,
    RULE_SET,
    RULE,
    RULE_HARM,
    RULE_HARM_BUDGET,
    RULE_BRAKED,
    MEASURES_BRAKED,
    MEASURES_SOFTENED,
    RULE_SHADOWED,
    APPEAL_ANSWERS,
    STAFF_ASKED,
    LEADS,
    DESTINATION_PERSONS,
    DESTINATION_THRESHOLD,
    BUILD,
];

/// The README's table of metrics.
#[must_use]
pub fn table() -> String {
    let mut table = String::from("| metric | kind | labels | meaning |\n|---|---|---|---|\n");
    for Metric { name, kind, labels, help } in ALL {
        let kind = format!("{kind:?}").to_lowercase();
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        table.push_str(&format!("| `{name}` | {kind} | {labels} | {help} |\n"));
    }
    table
}
