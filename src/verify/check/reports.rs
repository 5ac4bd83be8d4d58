//! Check 4: the reports that each partition received are those recomputed at their origins.

use std::collections::{BTreeMap, BTreeSet};

use super::Verdict;
use super::digest::{Digest, of_report};
use crate::engine::report::{Report, ReportPos};

/// A report: origin, destination, position, digest of the whole.
type Known = (u32, u32, ReportPos, Digest);

/// Reports as made and as received.
#[derive(Default)]
pub struct Reports {
    made: BTreeSet<Known>,
    received: BTreeSet<Known>,
    /// By origin and destination: the last that was taken.
    last: BTreeMap<(u32, u32), ReportPos>,
}

fn known(report: &Report) -> Known {
    (report.origin, report.destination, report.pos, of_report(report))
}

impl Reports {
    pub fn made(&mut self, report: &Report) {
        self.made.insert(known(report));
    }

    /// Reports in a partition's log. Stale ones are not taken, nor are those before which one is missing
    /// (S1): their origin sends all of them again, and what never comes is missing in the end.
    pub fn received(&mut self, partition: u32, reports: &[Report], verdict: &mut Verdict) {
        for report in reports {
            let origin = report.origin;
            if report.destination != partition {
                verdict.mismatch(1, || format!("a report from {origin} strayed to {partition}"));
                continue;
            }
            let last = self.last.get(&(origin, partition)).copied();
            if last.is_some_and(|last| report.pos <= last) {
                continue;
            }
            if report.previous != last {
                continue;
            }
            self.last.insert((origin, partition), report.pos);
            self.received.insert(known(report));
        }
    }

    pub fn settle(&self, verdict: &mut Verdict) {
        let differing = self.made.symmetric_difference(&self.received).count() as u64;
        verdict
            .mismatch(differing, || format!("{differing} reports are not those recomputed at their origins"));
    }
}
