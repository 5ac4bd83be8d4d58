//! `report.json`: what a run did, how well, and at what cost. Written last, by rename.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::Census;
use super::alerts::{Alerts, RuleTotals};
use crate::cli::Failure;
use crate::cli::score::{Levels, Scores, TimeToDetect};

/// The file, field by field (CONTRACT, 'Output folder of `run`').
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub schema: String,
    pub profile: String,
    pub rules_sha256: String,
    pub input: InputReport,
    pub levels_by_mode: BTreeMap<String, Levels>,
    /// As `levels_by_mode`: protection of victims is no suspicion, so what suspects is in `anomaly`.
    #[serde(default)]
    pub levels_by_lane: BTreeMap<String, Levels>,
    pub levels: Levels,
    pub time_to_detect_s: TimeToDetect,
    pub rules: Vec<RuleReport>,
    /// SHA-256 of the labels that `levels` were scored against; absent when there were none.
    pub labels_sha256: Option<String>,
    pub cpu: CpuReport,
    pub rss_bytes_max: u64,
    pub wall_s: f64,
}

/// What was read. The four counts at the top are of the `--input` files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputReport {
    #[serde(flatten)]
    pub lines: LineCounts,
    /// Fields that nobody declared, by name: dropped and counted.
    pub undeclared: BTreeMap<String, u64>,
    pub accounts: LineCounts,
    pub feedback: LineCounts,
}

/// Lines, headers not counted: `events` is the sum of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCounts {
    pub events: u64,
    pub accepted: u64,
    /// Lines whose event id had been accepted before: counted, not refused.
    pub repeated: u64,
    pub refused: BTreeMap<String, u64>,
}

impl InputReport {
    /// The counts that a line of input number `input` belongs to; accounts come after the inputs,
    /// feedback after the accounts.
    pub fn lines_of(&mut self, input: u32, inputs: u32) -> &mut LineCounts {
        match input {
            _ if input < inputs => &mut self.lines,
            _ if input == inputs => &mut self.accounts,
            _ => &mut self.feedback,
        }
    }

    /// Lines of any input that were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        [&self.lines, &self.accounts, &self.feedback]
            .into_iter()
            .flat_map(|lines| lines.refused.values())
            .sum()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleReport {
    pub id: String,
    pub mode: String,
    pub alerts: u64,
    #[serde(rename = "true")]
    pub true_count: u64,
    #[serde(rename = "false")]
    pub false_count: u64,
    /// Hours of restriction, of true and false alerts, for each true one; none while none is known, for 0 would be the
    /// best figure of all.
    pub restricted_hours_per_true: Option<f64>,
    pub restricted_hours: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuReport {
    pub user_s: f64,
    pub sys_s: f64,
}

impl Report {
    pub const SCHEMA: &'static str = "duecourse.report/1";

    /// The report of a run, before scores and costs.
    #[must_use]
    pub fn of(census: &Census, alerts: &Alerts, profile: &str, rules_sha256: &str) -> Report {
        let rule = |((id, mode), totals): (&(String, &'static str), &RuleTotals)| RuleReport {
            id: id.clone(),
            mode: (*mode).to_owned(),
            alerts: totals.alerts,
            restricted_hours: totals.restricted_ms as f64 / 3_600_000.0,
            ..RuleReport::default()
        };
        Report {
            schema: Report::SCHEMA.to_owned(),
            profile: profile.to_owned(),
            rules_sha256: rules_sha256.to_owned(),
            input: census.input.clone(),
            rules: alerts.rules.iter().map(rule).collect(),
            ..Report::default()
        }
    }

    /// Reads the report of a finished folder.
    ///
    /// # Errors
    /// When there is none, so that the folder is not finished, or it is of another version.
    pub fn read(out: &Path) -> Result<Report, Failure> {
        let path = out.join("report.json");
        let bytes = std::fs::read(&path)
            .with_context(|| {
                format!("{} has no report.json: is it the folder of a finished run?", out.display())
            })
            .map_err(Failure::input)?;
        let report: Report = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not a report of this version", path.display()))
            .map_err(Failure::input)?;
        Ok(report)
    }

    /// Writes the report under another name and renames it: it is whole, or it is not there.
    ///
    /// # Errors
    /// Of the file system.
    pub fn write(&self, out: &Path) -> Result<(), Failure> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(Failure::unreachable)?;
        bytes.push(b'\n');
        write_by_rename(&out.join("report.json"), &bytes)
    }

    /// Puts scores in place of whatever was there.
    pub fn set_scores(&mut self, scores: &Scores, labels_sha256: String) {
        self.levels = scores.levels;
        self.levels_by_mode = scores.levels_by_mode.clone();
        self.levels_by_lane = scores.levels_by_lane.clone();
        self.time_to_detect_s = scores.time_to_detect;
        self.labels_sha256 = Some(labels_sha256);
        for rule in &mut self.rules {
            let hits = scores.rules.get(&(rule.id.clone(), rule.mode.clone())).copied().unwrap_or_default();
            rule.true_count = hits.true_count;
            rule.false_count = hits.false_count;
            rule.restricted_hours_per_true = match hits.true_count {
                0 => None,
                count => Some((rule.restricted_hours / count as f64 * 1e3).round() / 1e3),
            };
        }
    }
}

/// Writes a file so that it is whole or absent, whatever happens.
///
/// # Errors
/// Of the file system.
pub fn write_by_rename(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        let unfinished = path.with_extension("unfinished");
        let mut file = std::fs::File::create(&unfinished)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        // The rename itself, too.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display())).map_err(Failure::unreachable)
}

/// What this process has used so far.
#[must_use]
pub fn usage() -> (CpuReport, u64) {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `getrusage` writes one `rusage` to a valid place; all of its fields are integers, for
    // which zero is a value too, should it fail.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let cpu = CpuReport { user_s: seconds(usage.ru_utime), sys_s: seconds(usage.ru_stime) };
    // Linux counts in KiB.
    (cpu, u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Restricted hours of all of a rule's alerts, true or not, for each alert that was true.
    #[test]
    fn restricted_hours_are_told_for_each_true_alert_and_not_where_there_is_none() {
        let mut report = Report::default();
        for (id, mode, hours) in
            [("good", "enforced", 100.0), ("useless", "enforced", 900.0), ("good", "braked", 8.0)]
        {
            report.rules.push(RuleReport {
                id: id.into(),
                mode: mode.into(),
                restricted_hours: hours,
                ..RuleReport::default()
            });
        }
        let mut scores = Scores::default();
        for (id, mode, true_count, false_count) in
            [("good", "enforced", 3, 9), ("useless", "enforced", 0, 40), ("good", "braked", 2, 0)]
        {
            let hits = scores.rules.entry((id.to_owned(), mode.to_owned())).or_default();
            (hits.true_count, hits.false_count) = (true_count, false_count);
        }
        report.set_scores(&scores, String::new());
        let told = serde_json::to_value(&report.rules).unwrap();
        let per_true: Vec<&serde_json::Value> =
            told.as_array().unwrap().iter().map(|rule| &rule["restricted_hours_per_true"]).collect();
        assert_eq!(per_true, [&33.333.into(), &serde_json::Value::Null, &4.0.into()]);
    }

    #[test]
    fn a_report_reads_back_and_has_the_contract_s_fields() {
        let out = tempfile::tempdir().unwrap();
        let mut report = Report { schema: Report::SCHEMA.to_owned(), ..Report::default() };
        report.rules.push(RuleReport { id: "r".into(), mode: "shadow".into(), ..RuleReport::default() });
        (report.cpu, report.rss_bytes_max) = usage();
        assert!(report.rss_bytes_max > 0);
        report.write(out.path()).unwrap();
        assert_eq!(Report::read(out.path()).unwrap(), report);
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(out.path().join("report.json")).unwrap()).unwrap();
        let pointers = [
            "/schema",
            "/profile",
            "/rules_sha256",
            "/input/events",
            "/input/accepted",
            "/input/refused",
            "/input/undeclared",
            "/levels_by_mode",
            "/levels_by_lane",
            "/levels/account/positives",
            "/levels/account/hit",
            "/levels/account/negatives",
            "/levels/account/false",
            "/levels/account/excluded",
            "/levels/account/recall",
            "/levels/account/fpr",
            "/levels/account/alerts_per_1000",
            "/levels/event/false",
            "/levels/scheme/total",
            "/levels/scheme/any",
            "/levels/scheme/half",
            "/time_to_detect_s/median",
            "/time_to_detect_s/p90",
            "/time_to_detect_s/n",
            "/rules/0/id",
            "/rules/0/mode",
            "/rules/0/alerts",
            "/rules/0/true",
            "/rules/0/false",
            "/rules/0/restricted_hours_per_true",
            "/cpu/user_s",
            "/cpu/sys_s",
            "/rss_bytes_max",
            "/wall_s",
        ];
        for pointer in pointers {
            assert!(json.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
