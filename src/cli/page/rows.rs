//! The rows of `alerts.csv`, each with what the labels say of it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, anyhow};

use crate::cli::score::{Alert, Labels, split, truth};

/// What the labels say of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    True,
    False,
    /// No labels were given, or its account is left out of scoring.
    Unknown,
}

/// One alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub event_id: String,
    pub at_ms: i64,
    pub subject_id: String,
    pub rule: String,
    pub measure: String,
    pub mode: String,
    pub strength: f64,
    pub truth: Truth,
}

/// All alerts, in the order in which they were decided.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub all: Vec<Row>,
}

impl Rows {
    /// Reads the file of a folder.
    ///
    /// # Errors
    /// When it cannot be read or a line is malformed.
    pub fn read(out: &Path, labels: Option<&Labels>) -> anyhow::Result<Rows> {
        let path = out.join("alerts.csv");
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut rows = Rows::default();
        for (number, line) in BufReader::new(file).split(b'\n').enumerate().skip(1) {
            let place = || format!("{}, line {}", path.display(), number + 1);
            rows.all.push(row(&line.with_context(place)?, labels).with_context(place)?);
        }
        Ok(rows)
    }

    /// The first and the last time; `None` without alerts.
    #[must_use]
    pub fn span(&self) -> Option<(i64, i64)> {
        let times = || self.all.iter().map(|row| row.at_ms);
        Some((times().min()?, times().max()?))
    }

    /// The place of the strongest alert of that truth among those that are admitted; of equals the first.
    #[must_use]
    pub fn strongest(&self, truth: Truth, admits: impl Fn(usize) -> bool) -> Option<usize> {
        let of_truth = self.all.iter().enumerate().filter(|(n, row)| row.truth == truth && admits(*n));
        of_truth
            .reduce(|best, next| if next.1.strength > best.1.strength { next } else { best })
            .map(|(n, _)| n)
    }

    /// The place of the earliest alert.
    #[must_use]
    pub fn earliest(&self) -> Option<usize> {
        self.all.iter().enumerate().min_by_key(|(_, row)| row.at_ms).map(|(place, _)| place)
    }
}

fn row(line: &[u8], labels: Option<&Labels>) -> anyhow::Result<Row> {
    let fields = split(line)?;
    let [event_id, at_ms, subject_kind, subject_id, _, rule, _, lane, measure, mode, strength] =
        fields.as_slice()
    else {
        return Err(anyhow!("it does not have 11 columns"));
    };
    let at_ms = at_ms.parse().map_err(|_| anyhow!("ts_ms is not a number"))?;
    let alert = Alert { event_id, at_ms, subject_kind, subject_id, rule, lane, mode };
    let truth = match labels.and_then(|labels| truth(&alert, labels)) {
        Some(true) => Truth::True,
        Some(false) => Truth::False,
        None => Truth::Unknown,
    };
    Ok(Row {
        event_id: event_id.clone(),
        at_ms,
        subject_id: subject_id.clone(),
        rule: rule.clone(),
        measure: measure.clone(),
        mode: mode.clone(),
        strength: strength.parse().map_err(|_| anyhow!("strength is not a number"))?,
        truth,
    })
}
