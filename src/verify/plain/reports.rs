//! Reports: what is told to whom, and what is done on hearing it (S9).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::base::{TimeMs, Token};
use crate::engine::fact::Feed;
use crate::engine::input::Effect;
use crate::engine::report::{CROSSING_RECEIVERS_MAX, Report, ReportBody, ReportPos, Standing};
use crate::engine::rule::Trigger;
use crate::engine::signal::{Aggregate, Signal};
use crate::engine::state::RuleCount;
use crate::engine::subject::{Party, Subject};

use super::rules::Case;
use super::signals::{Entry, aggregate};
use super::{Cause, Occasion, Plain, PlainError};

impl Plain {
    /// After a meeting: the holders are told of each signal that stands at its level.
    pub(super) fn tell(
        &mut self,
        occasion: Occasion,
        feed: Feed,
        holder: Token,
        target: &Party,
    ) -> Result<(), PlainError> {
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        let about = occasion.route;
        for signal in &rules.signals {
            let reads =
                signal.subject == about.kind && signal.question().map_or(0, |q| q.feeds) & feed.bit() != 0;
            let Some(level) = signal.report.map(|report| report.level).filter(|_| reads) else { continue };
            let window: Vec<Entry> =
                self.window(signal, about, occasion.at, TimeMs::MIN).into_iter().cloned().collect();
            let value = value_of(signal, &window);
            if value < level {
                continue;
            }
            let mut without = window.clone();
            without.retain(|entry| entry.event != occasion.source);
            let mut others: Vec<&Entry> = Vec::new();
            if value_of(signal, &without) < level {
                for entry in window.iter().rev().filter(|entry| entry.other != holder) {
                    if others.iter().all(|known| known.other != entry.other) {
                        others.push(entry);
                    }
                }
            }
            let untold = others.len().saturating_sub(CROSSING_RECEIVERS_MAX);
            let reply = Standing {
                signal: Arc::from(signal.name.as_str()),
                about,
                holder,
                target: target.clone(),
                value,
                until: holds_until(signal, level, &window),
                event: occasion.event,
                at: occasion.at,
                reply: true,
                untold_count: u32::try_from(untold).unwrap_or(u32::MAX),
                amount: None,
            };
            self.tell_standing(reply.clone())?;
            for entry in others.into_iter().take(CROSSING_RECEIVERS_MAX) {
                let Some(target) = entry.target.clone() else { continue };
                self.tell_standing(Standing { holder: entry.other, target, reply: false, ..reply.clone() })?;
            }
        }
        Ok(())
    }

    fn tell_standing(&mut self, standing: Standing) -> Result<(), PlainError> {
        let told = self.told.entry((standing.about, standing.signal.clone())).or_default();
        told.retain(|(holder, _)| *holder != standing.holder);
        told.push((standing.holder, standing.until));
        let destination = standing.holder.partition(self.identity.partitions);
        self.send(destination, ReportBody::Standing(standing))
    }

    /// After a correction took an entry of a shared subject out: those told are told of a fall.
    pub(super) fn tell_falls(
        &mut self,
        about: Subject,
        taken: &[Feed],
        cause: Cause,
    ) -> Result<(), PlainError> {
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        for signal in &rules.signals {
            let reads = taken.iter().any(|feed| signal.question().map_or(0, |q| q.feeds) & feed.bit() != 0);
            let Some(level) =
                signal.report.map(|report| report.level).filter(|_| reads && signal.subject == about.kind)
            else {
                continue;
            };
            let log = self.logs.get(&about).into_iter().flatten();
            let newest = log.map(|entry| entry.at).filter(|at| *at > self.horizon()).max();
            let window = self.window(signal, about, newest.unwrap_or(cause.at), TimeMs::MIN);
            let value = aggregate(signal.question().map_or(Aggregate::Count, |q| q.aggregate), &window);
            if value >= i128::from(level) {
                continue;
            }
            let name: Arc<str> = Arc::from(signal.name.as_str());
            let told = self.told.remove(&(about, name.clone())).unwrap_or_default();
            for (holder, _) in told.into_iter().filter(|(_, until)| *until > cause.at) {
                let (signal, event, at) = (name.clone(), cause.event, cause.at);
                let destination = holder.partition(self.identity.partitions);
                self.send(destination, ReportBody::Fallen { signal, about, holder, event, at })?;
            }
        }
        Ok(())
    }

    /// One more enforced measure of a rule; told at powers of two.
    pub(super) fn count_measure(&mut self, rule: &str) -> Result<(), PlainError> {
        let count = self.rule_counts.entry(rule.to_owned()).or_default();
        count.measures += 1;
        if count.measures.is_power_of_two() { self.tell_count(rule) } else { Ok(()) }
    }

    pub(super) fn count_overruled(&mut self, rule: &str) -> Result<(), PlainError> {
        self.rule_counts.entry(rule.to_owned()).or_default().overruled += 1;
        self.tell_count(rule)
    }

    fn tell_count(&mut self, rule: &str) -> Result<(), PlainError> {
        let count = self.rule_counts.get(rule).copied().unwrap_or_default();
        let home = fnv1a_64(rule.as_bytes()) % u64::from(self.identity.partitions.max(1));
        let body = ReportBody::RuleCounted { rule: Arc::from(rule), count };
        self.send(u32::try_from(home).unwrap_or(0), body)
    }

    /// A report to the own partition is heard at once; another leaves.
    fn send(&mut self, destination: u32, body: ReportBody) -> Result<(), PlainError> {
        let origin = self.identity.partition;
        if destination == origin {
            return self.hear(origin, &body);
        }
        let pos = ReportPos { offset: self.offset, ordinal: self.reports_in_record };
        self.reports_in_record += 1;
        let previous = self.last_sent.insert(destination, pos);
        self.effects.push(Effect::Reported(Box::new(Report { origin, destination, pos, previous, body })));
        Ok(())
    }

    /// A report from another partition: stale ones and those after a gap are not heard.
    pub(super) fn receive(&mut self, report: &Report) -> Result<(), PlainError> {
        if report.destination != self.identity.partition {
            return Ok(());
        }
        let last = self.last_heard.get(&report.origin).copied();
        let is_stale = last.is_some_and(|last| report.pos <= last);
        if is_stale || report.previous != last {
            return Ok(());
        }
        self.last_heard.insert(report.origin, report.pos);
        self.hear(report.origin, &report.body)
    }

    fn hear(&mut self, origin: u32, body: &ReportBody) -> Result<(), PlainError> {
        match body {
            ReportBody::Standing(standing) => self.hear_standing(standing),
            ReportBody::Fallen { signal, about, holder, .. } => {
                let standings = self.standings.entry(*holder).or_default();
                standings.retain(|told| (&told.signal, told.about) != (signal, *about));
                Ok(())
            }
            ReportBody::RuleCounted { rule, count } => {
                self.heard_counts.insert((rule.clone(), origin), *count);
                if self.rules.is_none() {
                    return Ok(());
                }
                let of_rule: BTreeMap<_, _> =
                    self.heard_counts.iter().filter(|((named, _), _)| named == rule).collect();
                let count = RuleCount {
                    measures: of_rule.values().map(|count| count.measures).sum(),
                    overruled: of_rule.values().map(|count| count.overruled).sum(),
                    ..RuleCount::default()
                };
                for destination in 0..self.identity.partitions {
                    let rule = rule.clone();
                    self.send(destination, ReportBody::RuleTotalled { rule, count })?;
                }
                Ok(())
            }
            // Nothing here decides on totals yet.
            ReportBody::RuleTotalled { .. } => Ok(()),
        }
    }

    fn hear_standing(&mut self, standing: &Standing) -> Result<(), PlainError> {
        let standings = self.standings.entry(standing.holder).or_default();
        let known = standings
            .iter_mut()
            .find(|told| (&told.signal, told.about) == (&standing.signal, standing.about));
        match known {
            Some(known) => *known = standing.clone(),
            None => standings.push(standing.clone()),
        }
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        let Some(number) = rules.signals.iter().position(|signal| *signal.name == *standing.signal) else {
            return Ok(());
        };
        let case = Case {
            event: standing.event,
            at: standing.at,
            holder: standing.holder,
            party: &standing.target,
            other: None,
            amount: 0,
        };
        self.evaluate_rules(Trigger::Report(number), case)
    }
}

fn value_of(signal: &Signal, window: &[Entry]) -> u64 {
    let entries: Vec<&Entry> = window.iter().collect();
    u64::try_from(aggregate(signal.question().map_or(Aggregate::Count, |q| q.aggregate), &entries))
        .unwrap_or(u64::MAX)
}

/// Until when a signal stays at its level if nothing more happens.
fn holds_until(signal: &Signal, level: u64, window: &[Entry]) -> TimeMs {
    let mut newest_first: Vec<&Entry> = window.iter().rev().collect();
    if signal.question().map(|q| q.aggregate) == Some(Aggregate::Distinct) {
        let mut known: Vec<u64> = Vec::new();
        newest_first.retain(|entry| {
            let is_new = !known.contains(&entry.other.short());
            known.push(entry.other.short());
            is_new
        });
    }
    let nth = usize::try_from(level).unwrap_or(usize::MAX).saturating_sub(1);
    newest_first.get(nth).map_or(TimeMs::MIN, |entry| {
        entry.at.plus(signal.question().map_or(crate::engine::base::SpanMs(0), |q| q.window.span_max()))
    })
}

fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
