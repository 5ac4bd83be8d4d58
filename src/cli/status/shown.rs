//! The status for people and for programs.

use serde_json::{Value, json};

use super::{Named, Partition, Snapshot, Source, Status};
use crate::engine::base::TimeMs;

impl Status {
    /// Seconds from then to now, if there is a clock to say so.
    fn since(&self, then: Option<TimeMs>) -> Option<f64> {
        let then = then.filter(|_| self.has_clock)?;
        Some(self.at.0.saturating_sub(then.0).max(0) as f64 / 1e3)
    }

    /// By how much a timer is overdue, in seconds.
    fn timer_lag(&self, partition: &Partition) -> Option<f64> {
        if partition.next_timer.is_none() { Some(0.0) } else { self.since(partition.next_timer) }
    }

    fn snapshot_age(&self, snapshot: &Snapshot) -> f64 {
        // Stored by a clock, whatever moves the time of decisions.
        self.at.0.saturating_sub(snapshot.stored.0).max(0) as f64 / 1e3
    }

    /// How much of the facts' retention has passed since the snapshot was stored.
    fn of_retention(&self, snapshot: &Snapshot) -> Option<f64> {
        (self.retention_ms > 0).then(|| self.snapshot_age(snapshot) * 1e3 / self.retention_ms as f64)
    }
}

/// `duecourse.status/1`. Ages and lags in seconds, times in RFC 3339.
pub(super) fn json(status: &Status) -> Value {
    let partition = |(number, partition): (usize, &Partition)| {
        json!({
            "partition": number,
            "first_offset": partition.span.0,
            "end_offset": partition.span.1,
            "committed_offset": partition.committed,
            "undecided_records": partition.undecided(),
            "undecided_age_s": status.since(partition.oldest_undecided),
            "partition_time": partition.partition_time.map(time),
            "covered_lag_s": status.since(partition.partition_time),
            "next_timer": partition.next_timer.map(time),
            "timer_lag_s": status.timer_lag(partition),
            "gap_records": partition.gap_records,
            "rules_version": partition.rules_version,
            "live_since": partition.live_since.map(time),
            "snapshot": partition.snapshot.map(|snapshot| json!({
                "offset": snapshot.offset,
                "stored": time(snapshot.stored),
                "age_s": status.snapshot_age(&snapshot),
                "of_retention": status.of_retention(&snapshot),
                "bytes": snapshot.bytes,
                "usable": partition.is_usable(&snapshot),
            })),
        })
    };
    let source = |source: &Source| {
        json!({
            "source": source.name,
            "partition": source.partition,
            "first_offset": source.span.0,
            "end_offset": source.span.1,
            "covered_offset": source.covered,
            "unread_records": source.unread(),
            "lost_records": source.lost(),
        })
    };
    let named = |named: &Named| {
        json!({
            "year": named.year,
            "destination": named.destination,
            "jurisdiction": named.jurisdiction,
            "persons": named.persons,
            "duties": named.duties.iter().map(|duty| duty.id.as_str()).collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": "duecourse.status/1",
        "at": time(status.at),
        "facts_retention_s": (status.retention_ms > 0).then(|| status.retention_ms as f64 / 1e3),
        "snapshots_unseen": status.unseen_snapshots,
        "partitions": status.partitions.iter().enumerate().map(partition).collect::<Vec<_>>(),
        "sources": status.sources.iter().map(source).collect::<Vec<_>>(),
        "destinations": status.destinations.iter().map(named).collect::<Vec<_>>(),
    })
}

/// One line for each facts partition, one for each partition of a source, and what is not as it should be.
pub(super) fn text(status: &Status) -> String {
    let mut text = format!(
        "{:>9}  {:>9}  {:>8}  {:>11}  {:>9}  {:>6}  {:>12}  {:>12}  {}\n",
        "partition",
        "undecided",
        "age",
        "covered lag",
        "timer lag",
        "gap",
        "snapshot age",
        "of retention",
        "state"
    );
    for (number, partition) in status.partitions.iter().enumerate() {
        let snapshot = partition.snapshot.as_ref();
        let share = snapshot.and_then(|snapshot| status.of_retention(snapshot));
        text.push_str(&format!(
            "{number:>9}  {:>9}  {:>8}  {:>11}  {:>9}  {:>6}  {:>12}  {:>12}  {}\n",
            partition.undecided(),
            span(status.since(partition.oldest_undecided)),
            span(status.since(partition.partition_time)),
            span(status.timer_lag(partition)),
            partition.gap_records,
            span(snapshot.map(|snapshot| status.snapshot_age(snapshot))),
            share.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0)),
            state(partition),
        ));
    }
    text.push_str(&format!("\n{:<24}  {:>9}  {:>10}  {:>10}\n", "source", "partition", "unread", "lost"));
    for source in &status.sources {
        let (name, partition) = (&source.name, source.partition);
        text.push_str(&format!(
            "{name:<24}  {partition:>9}  {:>10}  {:>10}\n",
            source.unread(),
            source.lost()
        ));
    }
    if !status.destinations.is_empty() {
        text.push_str(&format!("\n{:<24}  {:>9}  {:>10}  {}\n", "destination", "year", "persons", "lies"));
    }
    for named in &status.destinations {
        let Named { year, destination, jurisdiction, persons, .. } = named;
        text.push_str(&format!("{destination:<24}  {year:>9}  {persons:>10}  {jurisdiction}\n"));
    }
    for remark in remarks(status) {
        text.push_str(&format!("! {remark}\n"));
    }
    text
}

fn state(partition: &Partition) -> &'static str {
    match (partition.rules_version, partition.live_since) {
        (None, _) => "no rules yet",
        (Some(_), None) => "only observes",
        (Some(_), Some(_)) => "live",
    }
}

/// What somebody should look at.
fn remarks(status: &Status) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(why) = &status.unseen_snapshots {
        remarks.push(why.clone());
    }
    if let Some(configured) = status.partitions_configured {
        remarks.push(format!(
            "kafka.facts_partitions is {configured}, and the topic of facts has {} partitions: decide does not begin so",
            status.partitions.len()
        ));
    }
    for (number, partition) in status.partitions.iter().enumerate() {
        if partition.gap_records > 0 {
            remarks.push(format!(
                "facts partition {number} waits for {} source records that others have covered: see the runbook, DuecourseGap",
                partition.gap_records
            ));
        }
        if let Some(snapshot) = partition.snapshot.filter(|snapshot| !partition.is_usable(snapshot)) {
            remarks.push(format!(
                "facts partition {number}: the newest snapshot is of offset {}, and only {} to {} can be gone on from",
                snapshot.offset,
                partition.span.0,
                partition.committed.unwrap_or(partition.span.0)
            ));
        }
        let share = partition.snapshot.and_then(|snapshot| status.of_retention(&snapshot)).unwrap_or(0.0);
        if share > 0.5 {
            remarks.push(format!(
                "facts partition {number}: the newest snapshot is {:.0} % as old as facts become: see the runbook, DuecourseSnapshotOld",
                share * 100.0
            ));
        }
    }
    for named in &status.destinations {
        for duty in &named.duties {
            remarks.push(format!(
                "destination `{}` in {}: {} persons, and from {} on {} · {} ({})",
                named.destination,
                named.year,
                named.persons,
                duty.persons,
                duty.title.zh,
                duty.title.en,
                duty.basis
            ));
        }
    }
    for source in status.sources.iter().filter(|source| source.lost() > 0) {
        remarks.push(format!(
            "source `{}` partition {}: {} offsets are gone that were never covered: its retention overtook intake; `duecourse sources skip --source {} --partition {} --to {} --reason WHY` goes on without them",
            source.name,
            source.partition,
            source.lost(),
            source.name,
            source.partition,
            source.span.0
        ));
    }
    remarks
}

/// Two units at most: `0.4 s`, `12 s`, `3 min`, `5.2 h`, `8.1 d`.
fn span(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds) if seconds < 10.0 => format!("{seconds:.1} s"),
        Some(seconds) if seconds < 120.0 => format!("{seconds:.0} s"),
        Some(seconds) if seconds < 7_200.0 => format!("{:.0} min", seconds / 60.0),
        Some(seconds) if seconds < 172_800.0 => format!("{:.1} h", seconds / 3_600.0),
        Some(seconds) => format!("{:.1} d", seconds / 86_400.0),
    }
}

fn time(at: TimeMs) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| "ever".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(destination: &'static str, jurisdiction: &str, persons: u64) -> Named {
        let mut duties = crate::config::destinations::applying(jurisdiction);
        duties.retain(|duty| persons >= duty.persons);
        Named { year: 2026, destination, jurisdiction: jurisdiction.to_owned(), persons, duties }
    }

    fn status() -> Status {
        let snapshot = Snapshot { offset: 40, stored: TimeMs(70_000), bytes: 9 };
        let well = Partition {
            span: (10, 60),
            committed: Some(50),
            oldest_undecided: Some(TimeMs(98_000)),
            partition_time: Some(TimeMs(97_500)),
            next_timer: Some(TimeMs(200_000)),
            live_since: Some(TimeMs(0)),
            rules_version: Some(1),
            gap_records: 0,
            snapshot: Some(snapshot),
        };
        let ill = Partition {
            span: (45, 50),
            next_timer: Some(TimeMs(40_000)),
            gap_records: 7,
            oldest_undecided: None,
            ..well.clone()
        };
        let source =
            |partition, covered| Source { name: "payments".to_owned(), partition, span: (5, 9), covered };
        Status {
            at: TimeMs(100_000),
            has_clock: true,
            retention_ms: 60_000,
            unseen_snapshots: None,
            partitions_configured: None,
            partitions: vec![well, ill, Partition::default()],
            sources: vec![source(0, Some(8)), source(1, Some(1)), source(2, None)],
            destinations: vec![
                named("notices", crate::config::MAINLAND, 40),
                named("leads", "singapore", 12),
            ],
        }
    }

    #[test]
    fn numbers_are_those_of_the_cluster_compared_with_the_clock() {
        let shown = json(&status());
        let first = &shown["partitions"][0];
        assert_eq!((&first["undecided_records"], &first["undecided_age_s"]), (&json!(10), &json!(2.0)));
        assert_eq!((&first["covered_lag_s"], &first["timer_lag_s"]), (&json!(2.5), &json!(0.0)));
        assert_eq!(
            (&first["snapshot"]["age_s"], &first["snapshot"]["of_retention"]),
            (&json!(30.0), &json!(0.5))
        );
        assert_eq!(first["snapshot"]["usable"], true);
        let second = &shown["partitions"][1];
        assert_eq!((&second["timer_lag_s"], &second["snapshot"]["usable"]), (&json!(60.0), &json!(false)));
        assert_eq!(shown["partitions"][2]["snapshot"], Value::Null);
        let unread: Vec<&Value> =
            shown["sources"].as_array().unwrap().iter().map(|one| &one["unread_records"]).collect();
        assert_eq!(unread, [&json!(0), &json!(7), &json!(4)]);
        assert_eq!(shown["sources"][1]["lost_records"], 3);
    }

    #[test]
    fn without_a_clock_no_lag_is_made_up() {
        let shown = json(&Status { has_clock: false, retention_ms: -1, ..status() });
        let first = &shown["partitions"][0];
        assert_eq!((&first["covered_lag_s"], &first["timer_lag_s"]), (&Value::Null, &Value::Null));
        assert_eq!(first["snapshot"]["of_retention"], Value::Null);
    }

    #[test]
    fn people_read_a_line_each_and_what_is_wrong() {
        let told = text(&status());
        assert!(told.lines().nth(1).unwrap().contains("50.0 %  live"), "{told}");
        assert!(told.lines().nth(3).unwrap().ends_with("no rules yet"), "{told}");
        let remarks: Vec<&str> = told.lines().filter(|line| line.starts_with("! ")).collect();
        assert_eq!(remarks.len(), 4, "{told}");
        assert!(remarks[0].contains("partition 1 waits for 7 source records"), "{told}");
        assert!(remarks[1].contains("of offset 40, and only 45 to 50"), "{told}");
        assert!(remarks[2].contains("`leads` in 2026: 12 persons, and from 1 on"), "{told}");
        assert!(remarks[3].contains("3 offsets are gone"), "{told}");
        assert!(remarks[3].contains("skip --source payments --partition 1 --to 5 --reason"), "{told}");
        assert!(told.contains("notices") && told.contains("singapore"), "{told}");
        let shown = json(&status());
        assert_eq!(shown["destinations"][1]["duties"], json!(["contract_or_certification"]));
        assert_eq!(shown["destinations"][0]["duties"], json!([]));

        let short = Status { retention_ms: 20_000, partitions_configured: Some(4), ..status() };
        let told = text(&short);
        assert!(
            told.contains("! kafka.facts_partitions is 4, and the topic of facts has 3 partitions"),
            "{told}"
        );
        assert!(
            told.contains("! facts partition 0: the newest snapshot is 150 % as old as facts become"),
            "{told}"
        );
    }
}
