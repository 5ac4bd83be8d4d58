//! `alerts.csv`: every measure set or observed, under the names of the input.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::codec::keys::Keys;
use crate::engine::base::{Fingerprint, SpanMs, TimeMs};
use crate::engine::disposition::{Disposition, Head};
use crate::engine::evidence::Evidence;
use crate::engine::fact::{FactBody, Side};
use crate::engine::input::{Effect, FactsRecord};
use crate::engine::measure::{Lane, Measure, VictimStep};
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::Subject;

use super::ids::EventIds;

pub const HEADER: &str =
    "event_id,ts_ms,subject_kind,subject_id,side,rule,rule_version,lane,measure,mode,strength\n";

/// The rows of a run, in the order in which they were decided. Event ids are put in when written.
#[derive(Debug, Default)]
pub struct Alerts {
    rows: Vec<Row>,
    /// By rule and mode: rows, and hours of restriction they would bring.
    pub rules: BTreeMap<(String, &'static str), RuleTotals>,
}

#[derive(Debug)]
struct Row {
    event: Fingerprint,
    at: TimeMs,
    about: About,
    /// Everything after the subject's id, with the line feed.
    rest: Box<str>,
}

/// Whom or what a row is about.
#[derive(Debug)]
enum About {
    Party(&'static str, Box<str>),
    /// Who is warned for their own protection is no suspect (APL 34): the row names the transfer, so that
    /// whoever counts alerted accounts does not count them.
    Transfer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleTotals {
    pub alerts: u64,
    pub restricted_ms: i64,
}

impl Alerts {
    /// Takes the rows out of what applying `record` gave. `rules` are those in force.
    pub fn take(&mut self, record: &FactsRecord, effects: &[Effect], rules: &RuleSet, keys: &Keys) {
        for effect in effects {
            let (head, measure, evidence, mode, span) = match effect {
                Effect::Disposed(disposition) => {
                    let Disposition::MeasureSet(set) = &**disposition else { continue };
                    let notice = set.notice();
                    let span = SpanMs(notice.end.0.saturating_sub(notice.start.0));
                    let mode = if set.evidence().braked { "braked" } else { "enforced" };
                    (set.head(), set.measure(), set.evidence(), mode, span)
                }
                Effect::Observed(observed) => {
                    let rule = rules.rules.iter().find(|rule| rule.id == observed.head.rule.id);
                    let is_waived = observed.evidence.softened.as_ref().is_some_and(|by| by.waived);
                    let span = rule.map_or(rules.settings.answer_for, |rule| rule.measure_for);
                    let span = if is_waived { SpanMs(0) } else { span };
                    (&observed.head, &observed.measure, &observed.evidence, "shadow", span)
                }
                // A lead is no alert: nobody is restricted by it.
                Effect::Unmatched { .. }
                | Effect::Reported(_)
                | Effect::RuleShadowed(_)
                | Effect::Lead(_) => continue,
            };
            let side = side(record, head.event, head.party.subject);
            self.rows.push(row(head, measure, evidence, mode, side, keys));
            let totals = self.rules.entry((head.rule.id.clone(), mode)).or_default();
            totals.alerts += 1;
            totals.restricted_ms = totals.restricted_ms.saturating_add(restriction(measure, span).0);
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Of the writer.
    pub fn write(&self, ids: &EventIds, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(HEADER.as_bytes())?;
        for Row { event, at, about, rest } in &self.rows {
            // Every event a disposition can name was read in this run.
            let event_id = ids.get(*event).map_or("", |event| event.id);
            let (kind, id) = match about {
                About::Party(kind, id) => (*kind, &**id),
                About::Transfer => ("transfer", event_id),
            };
            write_field(out, event_id)?;
            write!(out, ",{},{kind},", at.0)?;
            write_field(out, id)?;
            out.write_all(rest.as_bytes())?;
        }
        Ok(())
    }

    /// The events that alerts name.
    pub fn events(&self) -> impl Iterator<Item = Fingerprint> {
        self.rows.iter().map(|row| row.event)
    }
}

fn row(head: &Head, measure: &Measure, evidence: &Evidence, mode: &str, side: &str, keys: &Keys) -> Row {
    let about = match head.lane {
        Lane::Victim => About::Transfer,
        _ => About::Party(
            head.party.subject.kind.name(),
            keys.open(&head.party.sealed).unwrap_or_default().into(),
        ),
    };
    let strength = evidence.strength_millionths;
    let rest = format!(
        ",{side},{},{},{},{},{mode},{}.{:06}\n",
        head.rule.id,
        head.rule.version,
        head.lane.name(),
        measure.name(),
        strength / 1_000_000,
        strength % 1_000_000,
    );
    Row { event: head.event, at: head.at, about, rest: rest.into() }
}

/// Which side of its event a party was on; empty for openings and for rows that a timer or a report
/// about an earlier event brought.
fn side(record: &FactsRecord, event: Fingerprint, party: Subject) -> &'static str {
    let FactsRecord::Facts(pack) = record else { return "" };
    pack.facts
        .iter()
        .filter(|packed| packed.fact.event == event)
        .find_map(|packed| match &packed.fact.body {
            FactBody::Transfer { side: Side::Payer, account, .. } if account.subject == party => {
                Some("payer")
            }
            FactBody::Transfer { side: Side::Payee, account, .. } if account.subject == party => {
                Some("payee")
            }
            FactBody::CardPayment { account, .. } if account.subject == party => Some("card"),
            FactBody::CardUsage { card, .. } if card.subject == party => Some("card"),
            _ => None,
        })
        .unwrap_or("")
}

/// How long a measure restricts somebody: warning and calling restrict nobody.
fn restriction(measure: &Measure, span: SpanMs) -> SpanMs {
    match measure {
        Measure::Victim(VictimStep::Warn | VictimStep::Call) => SpanMs(0),
        _ => span,
    }
}

/// A CSV field, quoted if it has to be.
fn write_field(out: &mut dyn Write, text: &str) -> io::Result<()> {
    if !text.contains([',', '"', '\n', '\r']) {
        return out.write_all(text.as_bytes());
    }
    write!(out, "\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_hold_a_separator_are_quoted() {
        let mut out = Vec::new();
        for text in ["plain", "a,b", "say \"x\""] {
            write_field(&mut out, text).unwrap();
            out.push(b';');
        }
        assert_eq!(String::from_utf8(out).unwrap(), "plain;\"a,b\";\"say \"\"x\"\"\";");
    }
}
