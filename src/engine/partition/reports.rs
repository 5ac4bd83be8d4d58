//! Reports: what shared subjects tell holders, and what partitions tell each other (S9, DESIGN D3).

use std::sync::Arc;

use super::openings::of_request;
use super::readings::ratio;
use super::rules::Scene;
use super::{Active, EngineError, Out, Partition};
use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Fingerprint, Money, SpanMs, TimeMs, Token};
use crate::engine::calendar::Calendar;
use crate::engine::fact::{Fact, FactBody, Feed};
use crate::engine::holder::Answer;
use crate::engine::input::Effect;
use crate::engine::report::{CROSSING_RECEIVERS_MAX, Report, ReportBody, ReportPos, Standing};
use crate::engine::rule::Trigger;
use crate::engine::signal::{Aggregate, Question, Reads, ReportLevel, Signal, Tell};
use crate::engine::state::{Meeting, RuleCount, Told};
use crate::engine::subject::{Subject, SubjectKind};
use crate::engine::window::{AsOf, AskedFor, Entry};

impl Partition {
    /// A shared subject was met: note by whom, and tell whom it concerns.
    pub(super) fn meet(
        &mut self,
        fact: &Fact,
        body: &FactBody,
        at: TimeMs,
        entry_event: Fingerprint,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let FactBody::Met { feed, holder, target, amount } = body else { return Ok(()) };
        let Some(active) = self.rules.clone() else { return Ok(()) };
        let about = fact.route;
        let horizon = self.horizon();
        if active.plans.get(&about.kind).is_some_and(|plan| plan.reads(*feed)) && at > horizon {
            let meetings = self.meetings.entry(about).or_default();
            meetings.retain(|meeting| meeting.at > horizon);
            let place = meetings.partition_point(|meeting| meeting.at <= at);
            let meeting =
                Meeting { at, event: entry_event, feed: *feed, holder: *holder, target: target.clone() };
            meetings.insert(place, meeting);
        }
        for signal in &active.set.signals {
            let Some(report) = signal.report else { continue };
            let told_here = match report.tell {
                // A confirmation is no happening that a holder could be told of with that event.
                Tell::Event => *feed != Feed::FraudConfirmedTerminal,
                Tell::Holders => signal.question().is_some_and(|question| question.reads(*feed)),
            };
            if signal.subject == about.kind && told_here {
                let told = Telling { signal, report, at, event: fact.event, entry_event, amount: *amount };
                self.tell(&told, about, *holder, target, &active, out)?;
            }
        }
        Ok(())
    }

    fn tell(
        &mut self,
        telling: &Telling<'_>,
        about: Subject,
        holder: Token,
        target: &crate::engine::subject::Party,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let as_of = AsOf {
            at: telling.at,
            horizon: self.horizon(),
            bound: None,
            event: AskedFor { amount: telling.amount.map(|amount| amount.minor), ..AskedFor::default() },
        };
        let value = self.told_value(telling.signal, about, as_of, active);
        let Some(value) = u64::try_from(value).ok().filter(|value| *value >= telling.report.level) else {
            return Ok(());
        };
        let (crossing, until) = match (telling.report.tell, telling.signal.question()) {
            (Tell::Holders, Some(question)) => {
                self.crossing(question, about, telling, as_of, &active.set.calendar)
            }
            // It holds for this event and nothing else.
            _ => (false, telling.at.plus(SpanMs(1))),
        };
        let standing = |holder: Token,
                        target: &crate::engine::subject::Party,
                        reply: bool,
                        untold_count: u32| Standing {
            signal: Arc::from(telling.signal.name.as_str()),
            about,
            holder,
            target: target.clone(),
            value,
            until,
            event: telling.event,
            at: telling.at,
            reply,
            amount: telling.amount.filter(|_| reply),
            untold_count,
        };
        let mut receivers = Vec::new();
        let mut untold_count = 0;
        if crossing {
            let question = telling.signal.question();
            let others = question.map_or_else(Vec::new, |question| {
                self.others_in_window(question, about, holder, as_of, &active.set.calendar)
            });
            untold_count =
                u32::try_from(others.len().saturating_sub(CROSSING_RECEIVERS_MAX)).unwrap_or(u32::MAX);
            receivers = others.into_iter().take(CROSSING_RECEIVERS_MAX).collect();
        }
        let mut standings = vec![standing(holder, target, true, untold_count)];
        standings.extend(
            receivers.iter().map(|meeting| standing(meeting.holder, &meeting.target, false, untold_count)),
        );
        for standing in standings {
            if telling.report.tell == Tell::Holders {
                self.remember_told(about, &standing);
            }
            self.send(
                standing.holder.partition(self.identity.partitions),
                ReportBody::Standing(standing),
                active,
                out,
            )?;
        }
        Ok(())
    }

    /// The value of a shared subject's signal, for those who are told of it.
    fn told_value(&self, signal: &Signal, about: Subject, as_of: AsOf, active: &Active) -> i128 {
        let calendar = &active.set.calendar;
        let of_question = |question: &Question| {
            self.logs.get(&about).map_or(0, |log| i128::from(log.scan(question, calendar, as_of).0))
        };
        let of_signal =
            |number: usize| active.set.signals.get(number).and_then(Signal::question).map_or(0, of_question);
        match &signal.reads {
            Reads::Log(question) => of_question(question),
            Reads::Ratio { of, to, scale } => ratio(of_signal(*of), of_signal(*to), *scale),
            Reads::Difference { of, to } => of_signal(*of) - of_signal(*to),
            Reads::SinceOpened => 0,
        }
    }

    /// Whether the event took the value to its level, and when it falls below if nothing more happens.
    fn crossing(
        &self,
        question: &Question,
        about: Subject,
        telling: &Telling<'_>,
        as_of: AsOf,
        calendar: &Calendar,
    ) -> (bool, TimeMs) {
        let Some(log) = self.logs.get(&about) else { return (false, telling.at) };
        let behind: Vec<&Entry> = log.behind(question, calendar, as_of).collect();
        let without: Vec<&Entry> =
            behind.iter().copied().filter(|entry| entry.event != telling.entry_event).collect();
        let crossing = count(question, &without) < telling.report.level;
        (crossing, level_ends(question, telling.report.level, &behind))
    }

    /// The last meeting of each other holder in a window, last seen first.
    fn others_in_window(
        &self,
        question: &Question,
        about: Subject,
        holder: Token,
        as_of: AsOf,
        calendar: &Calendar,
    ) -> Vec<Meeting> {
        let (after, until) = as_of.bounds(question, calendar);
        let mut last: Vec<Meeting> = Vec::new();
        for meeting in self.meetings.get(&about).into_iter().flatten().rev() {
            let inside = meeting.at > after && meeting.at <= until && question.reads(meeting.feed);
            if inside && meeting.holder != holder && !last.iter().any(|known| known.holder == meeting.holder)
            {
                last.push(meeting.clone());
            }
        }
        last
    }

    fn remember_told(&mut self, about: Subject, standing: &Standing) {
        let told = self.told.entry(about).or_default();
        told.retain(|known| !(known.signal == standing.signal && known.holder == standing.holder));
        told.push(Told {
            signal: Arc::clone(&standing.signal),
            holder: standing.holder,
            until: standing.until,
        });
    }

    /// After entries of a shared subject were taken out: tell of signals that fell early.
    pub(super) fn tell_of_falls(
        &mut self,
        about: Subject,
        feed: Feed,
        fact: &Fact,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let Some(active) = self.rules.clone() else { return Ok(()) };
        for signal in active.set.signals.iter().filter(|signal| signal.subject == about.kind) {
            let (Some(report), Some(question)) = (signal.report, signal.question()) else { continue };
            if report.tell != Tell::Holders || !question.reads(feed) {
                continue;
            }
            let newest =
                self.logs.get(&about).and_then(|log| log.entries().next_back().map(|entry| entry.at));
            let as_of = AsOf {
                at: newest.unwrap_or(fact.at),
                horizon: self.horizon(),
                bound: None,
                event: AskedFor::default(),
            };
            let value = self.told_value(signal, about, as_of, &active);
            if value >= i128::from(report.level) {
                continue;
            }
            let Some(told) = self.told.get_mut(&about) else { continue };
            let (of_signal, rest) =
                std::mem::take(told).into_iter().partition(|known: &Told| *known.signal == *signal.name);
            *told = rest;
            let fallen: Vec<Told> = of_signal;
            for known in fallen.into_iter().filter(|known| known.until > fact.at) {
                let body = ReportBody::Fallen {
                    signal: Arc::clone(&known.signal),
                    about,
                    holder: known.holder,
                    event: fact.event,
                    at: fact.at,
                };
                self.send(known.holder.partition(self.identity.partitions), body, &active, out)?;
            }
        }
        Ok(())
    }

    /// Sends a report: at once if it stays here, else with its position.
    fn send(
        &mut self,
        destination: u32,
        body: ReportBody,
        active: &Arc<Active>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        if destination == self.identity.partition {
            return self.take_in(&body, Some(active), self.identity.partition, out);
        }
        let pos = ReportPos { offset: self.offset, ordinal: self.report_count };
        self.report_count += 1;
        let previous = self.ledger.sent.insert(destination, pos);
        let origin = self.identity.partition;
        out.push(Effect::Reported(Box::new(Report { origin, destination, pos, previous, body })));
        Ok(())
    }

    /// A report arrived in a facts record.
    pub(super) fn receive(&mut self, report: &Report, out: Out<'_>) -> Result<(), EngineError> {
        if report.destination != self.identity.partition {
            return Ok(());
        }
        let last = self.ledger.received.get(&report.origin).copied();
        if last.is_some_and(|last| report.pos <= last) {
            self.tally.reports_stale += 1;
            return Ok(());
        }
        if report.previous != last {
            self.tally.reports_gap += 1;
            return Ok(());
        }
        self.ledger.received.insert(report.origin, report.pos);
        self.tally.reports_applied += 1;
        let active = self.rules.clone();
        self.take_in(&report.body, active.as_ref(), report.origin, out)
    }

    fn take_in(
        &mut self,
        body: &ReportBody,
        active: Option<&Arc<Active>>,
        origin: u32,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        match body {
            ReportBody::Standing(standing) => self.stand(standing, active, out),
            ReportBody::Fallen { signal, about, holder, .. } => {
                if let Some(state) = self.holders.get_mut(holder) {
                    state.standings.retain(|known| !(known.signal == *signal && known.about == *about));
                }
                Ok(())
            }
            ReportBody::RuleCounted { rule, count } => {
                let counts = self.heard.entry(rule.to_string()).or_default();
                counts.insert(origin, *count);
                let count = RuleCount::total(counts.values());
                let Some(active) = active else { return Ok(()) };
                for destination in 0..self.identity.partitions {
                    let body = ReportBody::RuleTotalled { rule: Arc::clone(rule), count };
                    self.send(destination, body, active, out)?;
                }
                Ok(())
            }
            ReportBody::RuleTotalled { rule, count } => {
                self.totals.insert(rule.to_string(), *count);
                Ok(())
            }
        }
    }

    fn stand(
        &mut self,
        standing: &Standing,
        active: Option<&Arc<Active>>,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let state = self.holders.entry(standing.holder).or_default();
        let same = |known: &&mut Standing| known.signal == standing.signal && known.about == standing.about;
        match state.standings.iter_mut().find(same) {
            Some(known) => *known = standing.clone(),
            None => state.standings.push(standing.clone()),
        }
        let Some(active) = active else { return Ok(()) };
        let Some(number) = active.set.signals.iter().position(|signal| *signal.name == *standing.signal)
        else {
            return Ok(());
        };
        let target = standing.target.subject;
        let state = self.holders.get(&standing.holder);
        let request = state.and_then(|state| state.opening(target.token)?.request.as_ref());
        let known = match request.filter(|_| target.kind == SubjectKind::Opening) {
            Some(request) => of_request(request),
            None => {
                let product = state.and_then(|state| state.product_at(target, standing.at));
                Attributes::default().with(Field::Product, product.map(|product| product as i64))
            }
        };
        let scene = Scene {
            trigger: Trigger::Report(number),
            party: &standing.target,
            holder: standing.holder,
            other: None,
            attributes: known.with(Field::Amount, standing.amount.map(|amount| amount.minor)),
            event: standing.event,
            entry: standing.event,
            at: standing.at,
        };
        if standing.target.subject.kind != SubjectKind::Opening {
            return self.run_rules(&scene, active, out);
        }
        let opening =
            self.holders.get(&standing.holder).and_then(|state| state.opening(standing.target.subject.token));
        let waits = opening.is_some_and(|opening| {
            opening.is_pending()
                && opening.request.as_ref().is_some_and(|request| request.answer == Answer::Accepted)
        });
        if waits {
            self.run_opening_rules(&scene, active, out)?;
        }
        Ok(())
    }

    /// Counts a measure and, at each doubling, tells the rule's own partition (kind iii).
    pub(super) fn count_measure(&mut self, rule: &str, out: Out<'_>) -> Result<(), EngineError> {
        let count = self.counts.entry(rule.to_owned()).or_default();
        count.measures += 1;
        let count = *count;
        if count.measures.is_power_of_two() { self.tell_count(rule, count, out) } else { Ok(()) }
    }

    pub(super) fn count_overruled(&mut self, rule: &str, out: Out<'_>) -> Result<(), EngineError> {
        let count = self.counts.entry(rule.to_owned()).or_default();
        count.overruled += 1;
        let count = *count;
        self.tell_count(rule, count, out)
    }

    fn tell_count(&mut self, rule: &str, count: RuleCount, out: Out<'_>) -> Result<(), EngineError> {
        let Some(active) = self.rules.clone() else { return Ok(()) };
        let body = ReportBody::RuleCounted { rule: Arc::from(rule), count };
        self.send(own_partition(rule, self.identity.partitions), body, &active, out)
    }
}

/// A signal at its level, told because of one entry.
struct Telling<'a> {
    signal: &'a Signal,
    report: ReportLevel,
    at: TimeMs,
    event: Fingerprint,
    entry_event: Fingerprint,
    amount: Option<Money>,
}

/// Count or distinct over the entries behind a value; the loader admits no other aggregate and no
/// other window than a sliding one where holders are told.
fn count(question: &Question, behind: &[&Entry]) -> u64 {
    if question.aggregate == Aggregate::Distinct {
        last_seen(behind).len() as u64
    } else {
        behind.len() as u64
    }
}

/// Times at which each different other was last seen, newest first.
fn last_seen(behind: &[&Entry]) -> Vec<TimeMs> {
    let mut others: Vec<u64> = Vec::new();
    let mut times = Vec::new();
    for entry in behind.iter().rev() {
        if !others.contains(&entry.other) {
            others.push(entry.other);
            times.push(entry.at);
        }
    }
    times
}

/// When the value falls below its level if nothing more happens.
fn level_ends(question: &Question, level: u64, behind: &[&Entry]) -> TimeMs {
    let times: Vec<TimeMs> = if question.aggregate == Aggregate::Distinct {
        last_seen(behind)
    } else {
        behind.iter().rev().map(|entry| entry.at).collect()
    };
    let place = usize::try_from(level.saturating_sub(1)).unwrap_or(usize::MAX);
    times.get(place).map_or(TimeMs::MIN, |at| at.plus(question.window.span_max()))
}

/// The partition that adds up a rule's counts: FNV-1a 64 of its id.
fn own_partition(rule: &str, partitions: u32) -> u32 {
    let hash = rule.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash % u64::from(partitions.max(1))) as u32
}
