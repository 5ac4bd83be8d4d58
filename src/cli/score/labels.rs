//! Labels: which accounts and events are known to be fraud, for scoring after a run and for nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, anyhow, bail};

use crate::intake::lines::{Lines, NextLine};

/// Roles that touched a scheme and are neither positive nor negative.
const EXCLUDED_ROLES: [&str; 2] = ["originator", "endpoint"];
/// A role that is listed and still negative: it never moved illicit money.
const NEGATIVE_ROLES: [&str; 1] = ["dormant_pool_mule"];

/// One labelling of an account or event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// First labelled event in that scheme; `None` where the label has no time.
    pub start_ms: Option<i64>,
    pub scheme: Option<String>,
}

/// A labels file, read.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// Positive accounts; one may be in several schemes.
    pub accounts: BTreeMap<String, Vec<Label>>,
    /// Accounts that count neither as positive nor as negative.
    pub excluded: BTreeSet<String>,
    pub events: BTreeMap<String, Vec<Label>>,
    /// Rows of other kinds (terminal), by kind: those have no dispositions of their own and are not scored.
    pub others: BTreeMap<String, u64>,
}

impl Labels {
    /// Reads `kind,id,typology,role,start_ts_ms[,scheme_id,...]`, columns in any order, gzip or plain.
    ///
    /// # Errors
    /// When the file cannot be read, lacks a column, or a line is malformed: a score over half of
    /// the labels would be worse than none.
    pub fn read(path: &Path) -> anyhow::Result<Labels> {
        let mut lines = Lines::open(path)?;
        let mut labels = Labels::default();
        let mut columns = None;
        loop {
            match lines.advance()? {
                NextLine::End => break,
                NextLine::TooLong => bail!("{}, line {}: over 1 MiB", path.display(), lines.number()),
                NextLine::Line => {}
            }
            let place = || format!("{}, line {}", path.display(), lines.number());
            let fields = split(lines.bytes()).with_context(place)?;
            match &columns {
                None => columns = Some(Columns::find(&fields).with_context(place)?),
                Some(columns) => labels.add(columns, &fields).with_context(place)?,
            }
        }
        if columns.is_none() {
            bail!("{} is empty: it has no header", path.display());
        }
        // An account that is a mule in one scheme and an endpoint of another is positive.
        let Labels { accounts, excluded, .. } = &mut labels;
        excluded.retain(|id| !accounts.contains_key(id));
        Ok(labels)
    }

    fn add(&mut self, columns: &Columns, fields: &[String]) -> anyhow::Result<()> {
        if fields.len() != columns.count {
            bail!("{} columns instead of {}", fields.len(), columns.count);
        }
        let text = |place: usize| fields.get(place).map(String::as_str).unwrap_or_default();
        let id = text(columns.id);
        if id.is_empty() {
            bail!("no id");
        }
        let start: i64 = text(columns.start).parse().map_err(|_| anyhow!("start_ts_ms is not a number"))?;
        let label = Label {
            start_ms: (start >= 0).then_some(start),
            scheme: columns.scheme.map(text).filter(|scheme| !scheme.is_empty()).map(str::to_owned),
        };
        let role = text(columns.role);
        match text(columns.kind) {
            "event" => self.events.entry(id.to_owned()).or_default().push(label),
            "account" if EXCLUDED_ROLES.contains(&role) => {
                self.excluded.insert(id.to_owned());
            }
            "account" if NEGATIVE_ROLES.contains(&role) => {}
            "account" => self.accounts.entry(id.to_owned()).or_default().push(label),
            other => *self.others.entry(other.to_owned()).or_default() += 1,
        }
        Ok(())
    }

    /// The labels that score a part of the time line: accounts whose first labelled event is in it.
    /// The others' accounts count for nothing there, neither do events.
    #[must_use]
    pub fn of_part(&self, part: &Range<i64>) -> Labels {
        let begins_in = |labels: &[Label]| {
            let first = labels.iter().map(|label| label.start_ms).min().flatten();
            first.is_some_and(|first| part.contains(&first))
        };
        let (inside, outside): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.accounts.clone().into_iter().partition(|(_, labels)| begins_in(labels));
        let excluded = self.excluded.iter().cloned().chain(outside.into_keys()).collect();
        Labels { accounts: inside, excluded, ..Labels::default() }
    }

    /// Members of each scheme, with the start of each.
    #[must_use]
    pub fn schemes(&self) -> BTreeMap<&str, BTreeMap<&str, Option<i64>>> {
        let mut schemes: BTreeMap<&str, BTreeMap<&str, Option<i64>>> = BTreeMap::new();
        for (id, labels) in &self.accounts {
            for label in labels {
                if let Some(scheme) = &label.scheme {
                    schemes.entry(scheme).or_default().insert(id, label.start_ms);
                }
            }
        }
        schemes
    }
}

struct Columns {
    count: usize,
    kind: usize,
    id: usize,
    role: usize,
    start: usize,
    scheme: Option<usize>,
}

impl Columns {
    fn find(header: &[String]) -> anyhow::Result<Columns> {
        let optional = |name: &str| header.iter().position(|column| column == name);
        let required = |name: &str| optional(name).with_context(|| format!("there is no column `{name}`"));
        Ok(Columns {
            count: header.len(),
            kind: required("kind")?,
            id: required("id")?,
            role: required("role")?,
            start: required("start_ts_ms")?,
            scheme: optional("scheme_id"),
        })
    }
}

/// The fields of one CSV line.
///
/// # Errors
/// When it is not UTF-8 or a quote is left open.
pub fn split(line: &[u8]) -> anyhow::Result<Vec<String>> {
    let mut reader = csv_core::Reader::new();
    let mut rest = line;
    let mut fields = Vec::new();
    let mut field = Vec::new();
    let mut buffer = [0; 256];
    loop {
        let (result, read, wrote) = reader.read_field(rest, &mut buffer);
        rest = rest.get(read..).unwrap_or_default();
        field.extend_from_slice(buffer.get(..wrote).unwrap_or_default());
        match result {
            csv_core::ReadFieldResult::Field { .. } => {
                fields.push(String::from_utf8(std::mem::take(&mut field))?)
            }
            csv_core::ReadFieldResult::End => return Ok(fields),
            // An empty input tells the reader that the line is over.
            csv_core::ReadFieldResult::InputEmpty | csv_core::ReadFieldResult::OutputFull => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Labels> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv");
        std::fs::write(&path, text).unwrap();
        Labels::read(&path)
    }

    #[test]
    fn roles_sort_accounts_into_positive_excluded_and_negative() {
        let labels = read(
            "role,id,kind,start_ts_ms,typology,scheme_id\nmule,A,account,5,x,S1\nendpoint,A,account,-1,x,\n\
             endpoint,B,account,-1,x,\ndormant_pool_mule,C,account,-1,x,\n,E1,event,7,x,S1\nx,T,terminal,1,x,\n",
        )
        .unwrap();
        assert_eq!(labels.accounts.keys().collect::<Vec<_>>(), ["A"]);
        assert_eq!(labels.excluded.iter().collect::<Vec<_>>(), ["B"]);
        assert_eq!(labels.events["E1"], [Label { start_ms: Some(7), scheme: Some("S1".to_owned()) }]);
        assert_eq!(labels.schemes()["S1"]["A"], Some(5));
        assert_eq!(labels.others, BTreeMap::from([("terminal".to_owned(), 1)]));
    }

    #[test]
    fn a_part_of_the_time_line_has_the_accounts_first_labelled_in_it() {
        let labels = read(
            "kind,id,role,start_ts_ms,scheme_id\naccount,A,mule,9,S2\naccount,A,mule,5,S1\n\
             account,B,mule,10,S2\naccount,C,mule,-1,S2\naccount,D,endpoint,7,S2\n",
        )
        .unwrap();
        let (early, late) = (labels.of_part(&(0..10)), labels.of_part(&(10..20)));
        assert_eq!(early.accounts.keys().collect::<Vec<_>>(), ["A"]);
        assert_eq!(early.excluded.iter().collect::<Vec<_>>(), ["B", "C", "D"]);
        assert_eq!(late.accounts.keys().collect::<Vec<_>>(), ["B"]);
        assert_eq!(late.excluded.iter().collect::<Vec<_>>(), ["A", "C", "D"]);
    }

    #[test]
    fn a_bad_line_is_an_error_that_names_it() {
        let error = read("kind,id,role,start_ts_ms\nevent,E1,,x\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 2: start_ts_ms"), "{error:#}");
        assert!(read("kind,id,role\n").is_err());
        assert!(format!("{:#}", read("").unwrap_err()).contains("no header"));
        assert!(read("kind,id,role,start_ts_ms\nevent,E1,1\n").is_err());
    }
}
