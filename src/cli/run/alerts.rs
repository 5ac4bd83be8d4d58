//! `alerts.csv`: every measure set or observed, under the names of the input.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::codec::keys::Keys;
use crate::engine::base::{Fingerprint, SpanMs};
use crate::engine::disposition::{Disposition, Head};
use crate::engine::evidence::Evidence;
use crate::engine::fact::{FactBody, Side};
use crate::engine::input::{Effect, FactsRecord};
use crate::engine::measure::{Measure, VictimStep};
use crate::engine::ruleset::RuleSet;
use crate::engine::subject::Subject;

use super::ids::EventIds;

pub const HEADER: &str =
    "event_id,ts_ms,subject_kind,subject_id,side,rule,rule_version,lane,measure,mode,strength\n";

/// The rows of a run, in the order in which they were decided. Event ids are put in when written.
#[derive(Debug, Default)]
pub struct Alerts {
    /// Everything after the event id, with the line feed.
    rows: Vec<(Fingerprint, Box<str>)>,
    /// By rule and mode: rows, and hours of restriction they would bring.
    pub rules: BTreeMap<(String, &'static str), RuleTotals>,
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
                    let span = rule.map_or(rules.settings.answer_for, |rule| rule.measure_for);
                    (&observed.head, &observed.measure, &observed.evidence, "shadow", span)
                }
                Effect::Unmatched { .. } | Effect::Reported(_) | Effect::RuleShadowed(_) => continue,
            };
            let side = side(record, head.event, head.party.subject);
            self.rows.push((head.event, row(head, measure, evidence, mode, side, keys)));
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
        for (event, rest) in &self.rows {
            // Every event a disposition can name was read in this run.
            write_field(out, ids.get(*event).map_or("", |event| event.id))?;
            out.write_all(rest.as_bytes())?;
        }
        Ok(())
    }

    /// The events that alerts name.
    pub fn events(&self) -> impl Iterator<Item = Fingerprint> {
        self.rows.iter().map(|(event, _)| *event)
    }
}

fn row(head: &Head, measure: &Measure, evidence: &Evidence, mode: &str, side: &str, keys: &Keys) -> Box<str> {
    let mut subject = Vec::new();
    // Writing into memory cannot fail, and what comes in is text.
    let _ = write_field(&mut subject, &keys.open(&head.party.sealed).unwrap_or_default());
    let strength = evidence.strength_millionths;
    format!(
        ",{},{},{},{side},{},{},{},{},{mode},{}.{:06}\n",
        head.at.0,
        head.party.subject.kind.name(),
        String::from_utf8_lossy(&subject),
        head.rule.id,
        head.rule.version,
        head.lane.name(),
        measure.name(),
        strength / 1_000_000,
        strength % 1_000_000,
    )
    .into()
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
