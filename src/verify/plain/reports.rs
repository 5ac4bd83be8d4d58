//! Reports: what is told to whom, and what is done on hearing it (S9).

use std::sync::Arc;

use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Money, SpanMs, TimeMs, Token};
use crate::engine::fact::{Feed, OtherParty, Side};
use crate::engine::input::Effect;
use crate::engine::report::{CROSSING_RECEIVERS_MAX, Report, ReportBody, ReportPos, Standing};
use crate::engine::rule::Trigger;
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::{Aggregate, Question, Reads, ReportLevel, Signal, Tell};
use crate::engine::subject::{Party, Subject, SubjectKind};

use super::retention::Class;
use super::rules::Case;
use super::signals::Entry;
use super::values::{Asker, Reading, Without};
use super::{Cause, Occasion, Plain, PlainError};

/// A holder who was told, and until when it holds.
pub(super) type ToldHolder = (Token, TimeMs);

impl Plain {
    /// After a meeting: the holders are told of each signal that stands at its level.
    pub(super) fn tell(
        &mut self,
        occasion: Occasion,
        feed: Feed,
        holder: Token,
        target: &Party,
        amount: Option<Money>,
    ) -> Result<(), PlainError> {
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        let about = occasion.route;
        let asker = Asker { source: occasion.source, amount, other: None };
        let reading = reading_of(about, occasion.at, asker);
        for (number, signal) in rules.signals.iter().enumerate() {
            let Some(report) = signal.report.filter(|_| signal.subject == about.kind) else { continue };
            let is_asked = match report.tell {
                Tell::Event => feed != Feed::FraudConfirmedTerminal,
                Tell::Payer | Tell::Payee => false,
                Tell::Holders => reads_feed(&rules, signal, feed),
            };
            let value = self.told_of(&rules, number, about, reading);
            if !is_asked || value < report.level {
                continue;
            }
            let reply = Standing {
                signal: Arc::from(signal.name.as_str()),
                about,
                holder,
                target: target.clone(),
                value,
                until: occasion.at.plus(SpanMs(1)),
                event: occasion.event,
                at: occasion.at,
                reply: true,
                amount,
                untold_count: 0,
            };
            match (report.tell, signal.question()) {
                (Tell::Holders, Some(question)) => {
                    self.tell_holders(&rules, number, question, report.level, reading, reply)?;
                }
                _ => self.tell_standing(reply)?,
            }
        }
        Ok(())
    }

    /// A reply that is remembered, and at a crossing what the other holders are told.
    fn tell_holders(
        &mut self,
        rules: &RuleSet,
        number: usize,
        question: &Question,
        level: u64,
        reading: Reading,
        reply: Standing,
    ) -> Result<(), PlainError> {
        let about = reply.about;
        let window: Vec<Entry> = self.window(rules, question, about, reading).into_iter().cloned().collect();
        let without = Reading { without: Some(Without::Entirely(reading.asker.source)), ..reading };
        let mut others: Vec<&Entry> = Vec::new();
        if self.told_of(rules, number, about, without) < level {
            for entry in window.iter().rev().filter(|entry| entry.other != reply.holder) {
                if others.iter().all(|known| known.other != entry.other) {
                    others.push(entry);
                }
            }
        }
        let untold = others.len().saturating_sub(CROSSING_RECEIVERS_MAX);
        let until = holds_until(question, level, &window);
        let reply = Standing { until, untold_count: u32::try_from(untold).unwrap_or(u32::MAX), ..reply };
        self.remember_told(&reply);
        self.tell_standing(reply.clone())?;
        for entry in others.into_iter().take(CROSSING_RECEIVERS_MAX) {
            let Some(target) = entry.target.clone() else { continue };
            let holder = entry.other;
            let crossing = Standing { holder, target, reply: false, amount: None, ..reply.clone() };
            self.remember_told(&crossing);
            self.tell_standing(crossing)?;
        }
        Ok(())
    }

    /// After the rules of a transfer: the other side is told what stands of this one's account.
    pub(super) fn tell_other_side(
        &mut self,
        case: Case<'_>,
        side: Side,
        other_side: &OtherParty,
    ) -> Result<(), PlainError> {
        let Some(rules) = self.rules.clone() else { return Ok(()) };
        let account = case.party.subject;
        let asker = Asker { source: case.source, amount: case.amount, other: case.other };
        let reading = Reading { holder: case.holder, ..reading_of(account, case.at, asker) };
        for (number, signal) in rules.signals.iter().enumerate() {
            let is_of_counterparty = signal.subject == SubjectKind::Counterparty;
            let Some(report) = signal.report.filter(|_| is_of_counterparty) else { continue };
            // Told by the payee's side, so that only who pays hears of it.
            if report.tell == Tell::Payer && side == Side::Payer {
                continue;
            }
            if report.tell == Tell::Payee && side == Side::Payee {
                continue;
            }
            let value = self.told_of(&rules, number, account, reading);
            if value < report.level {
                continue;
            }
            self.tell_standing(Standing {
                signal: Arc::from(signal.name.as_str()),
                about: Subject::new(SubjectKind::Counterparty, account.token),
                holder: other_side.holder,
                target: other_side.account.clone(),
                value,
                until: case.at.plus(SpanMs(1)),
                event: case.event,
                at: case.at,
                reply: true,
                amount: case.amount,
                untold_count: 0,
            })?;
        }
        Ok(())
    }

    /// A signal's value over a subject, as it is told.
    fn told_of(&self, rules: &RuleSet, number: usize, subject: Subject, reading: Reading) -> u64 {
        let value = self.measured(rules, number, subject, reading).map_or(0, |value| value.value);
        u64::try_from(value.max(0)).unwrap_or(u64::MAX)
    }

    fn remember_told(&mut self, standing: &Standing) {
        let told = self.told.entry((standing.about, standing.signal.clone())).or_default();
        told.retain(|(holder, _)| *holder != standing.holder);
        told.push((standing.holder, standing.until));
    }

    fn tell_standing(&mut self, standing: Standing) -> Result<(), PlainError> {
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
        for (number, signal) in rules.signals.iter().enumerate() {
            let reads = taken.iter().any(|feed| reads_feed(&rules, signal, *feed));
            let falls = |report: &ReportLevel| report.tell == Tell::Holders && signal.subject == about.kind;
            let Some(report) = signal.report.filter(|report| reads && falls(report)) else {
                continue;
            };
            let log = self.logs.get(&about).into_iter().flatten();
            let newest =
                log.map(|entry| entry.at).filter(|at| *at > self.horizon(Class::Log(about.kind))).max();
            let asker = Asker { source: cause.event, amount: None, other: None };
            let reading = reading_of(about, newest.unwrap_or(cause.at), asker);
            if self.told_of(&rules, number, about, reading) >= report.level {
                continue;
            }
            let name: Arc<str> = Arc::from(signal.name.as_str());
            let told = self.told.remove(&(about, name.clone())).unwrap_or_default();
            let forgotten = self.horizon(Class::Telling).max(cause.at);
            for (holder, _) in told.into_iter().filter(|(_, until)| *until > forgotten) {
                let (signal, event, at) = (name.clone(), cause.event, cause.at);
                let destination = holder.partition(self.identity.partitions);
                self.send(destination, ReportBody::Fallen { signal, about, holder, event, at })?;
            }
        }
        Ok(())
    }

    /// A report to the own partition is heard at once; another leaves.
    pub(super) fn send(&mut self, destination: u32, body: ReportBody) -> Result<(), PlainError> {
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
            ReportBody::RuleCounted { rule, count } => self.hear_count(origin, rule, *count),
            ReportBody::RuleTotalled { rule, count } => {
                self.hear_total(rule, *count);
                Ok(())
            }
        }
    }

    fn hear_standing(&mut self, standing: &Standing) -> Result<(), PlainError> {
        self.forget_of(standing.holder);
        let put_out = self.horizon(Class::Telling);
        let standings = self.standings.entry(standing.holder).or_default();
        standings.retain(|told| told.until > put_out);
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
        let told = rules.signals.get(number).and_then(|signal| signal.report);
        if matches!(told, Some(ReportLevel { tell: Tell::Payee, .. })) {
            self.note_passed_on(standing);
        }
        let Standing { event, at, holder, .. } = *standing;
        let is_of_counterparty = standing.about.kind == SubjectKind::Counterparty;
        let said = Attributes::default().with(Field::Amount, standing.amount.and_then(Money::fen));
        let case = Case {
            event,
            source: event,
            at,
            holder,
            party: &standing.target,
            other: is_of_counterparty.then_some(standing.about.token),
            place: None,
            amount: standing.amount,
            said: self.with_party(said, holder, standing.target.subject, at),
        };
        self.evaluate_rules(Trigger::Report(number), case)
    }
}

/// A subject of this partition, asked for an event and not from the side of a party.
fn reading_of(subject: Subject, at: TimeMs, asker: Asker) -> Reading {
    Reading { party: subject, holder: subject.token, at, bound: TimeMs::MIN, asker, without: None }
}

/// Whether a signal sees entries of a feed, by itself or through what it is made of.
fn reads_feed(rules: &RuleSet, signal: &Signal, feed: Feed) -> bool {
    let part = |number: usize| rules.signals.get(number).is_some_and(|part| reads_feed(rules, part, feed));
    match &signal.reads {
        Reads::Log(question) => (question.feeds | question.returned_by) & feed.bit() != 0,
        Reads::Ratio { of, to, .. } | Reads::Difference { of, to } => part(*of) || part(*to),
        Reads::SinceOpened | Reads::MeasuresStanding => false,
    }
}

/// Until when a signal stays at its level if nothing more happens.
fn holds_until(question: &Question, level: u64, window: &[Entry]) -> TimeMs {
    let mut newest_first: Vec<&Entry> = window.iter().rev().collect();
    if question.aggregate == Aggregate::Distinct {
        let mut known: Vec<u64> = Vec::new();
        newest_first.retain(|entry| {
            let is_new = !known.contains(&entry.other.short());
            known.push(entry.other.short());
            is_new
        });
    }
    let nth = usize::try_from(level).unwrap_or(usize::MAX).saturating_sub(1);
    newest_first.get(nth).map_or(TimeMs::MIN, |entry| entry.at.plus(question.window.span_max()))
}
