//! The values of signals: questions asked of a log, signals made of two others, and what was told (S6, S7).

use crate::engine::base::{Fingerprint, Money, TimeMs, Token};
use crate::engine::fact::OpeningStep;
use crate::engine::rule::Interval;
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::{Aggregate, OtherSide, Question, Reads, Signal};
use crate::engine::subject::{Subject, SubjectKind};

use super::Plain;
use super::aggregates::{Span, aggregate, cold_interval};
use super::calendar::begin as begin_of;
use super::retention::Class;
use super::signals::Entry;

/// So many of the newest entries behind a value are what evidence shows.
const EVIDENCE_ENTRIES_MAX: usize = 1_000;

/// The event that a question is asked for.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    /// The name that its entries bear.
    pub source: Fingerprint,
    pub amount: Option<Money>,
    pub other: Option<Token>,
}

/// Of what a signal is read: the party and its holder, as of a time, not from before a lift.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub party: Subject,
    pub holder: Token,
    pub at: TimeMs,
    pub bound: TimeMs,
    pub asker: Asker,
    /// An event whose entries are looked away from, to see whether it matters.
    pub without: Option<Without>,
}

/// How an event is looked away from.
#[derive(Clone, Copy)]
pub(super) enum Without {
    /// As if it had never been.
    Entirely(Fingerprint),
    /// As evidence does it: of a value with more than a thousand entries behind it, what adds up is less by
    /// the event's part in the newest thousand, and nothing else changes (S13).
    ForEvidence(Fingerprint),
}

impl Without {
    fn event(self) -> Fingerprint {
        let (Without::Entirely(event) | Without::ForEvidence(event)) = self;
        event
    }
}

/// A signal's value and what it was counted from.
pub(super) struct Value {
    pub value: i128,
    pub interval: Interval,
    pub is_cold: bool,
    pub entries: Vec<Entry>,
    pub events_count: u64,
    pub reported_of: Option<Token>,
}

impl Value {
    fn made(value: i128, interval: Interval, is_cold: bool) -> Value {
        Value { value, interval, is_cold, entries: Vec::new(), events_count: 0, reported_of: None }
    }
}

impl Plain {
    /// The value of a signal by its number in the active rule set; nothing if it cannot be read here.
    pub(super) fn value(&self, rules: &RuleSet, number: usize, reading: Reading) -> Option<Value> {
        let signal = rules.signals.get(number)?;
        // What is referred about a shared subject reads that subject itself.
        if !signal.subject.lives_with_holder() && signal.subject != reading.party.kind {
            return Some(self.told_value(signal, reading));
        }
        let party = reading.party;
        let subject = match signal.subject {
            SubjectKind::Holder => Some(Subject::new(SubjectKind::Holder, reading.holder)),
            SubjectKind::Pair => {
                reading.asker.other.map(|other| Subject::new(SubjectKind::Pair, party.token.pair(other)))
            }
            kind => (kind == party.kind).then_some(party),
        }?;
        self.measured(rules, number, subject, reading)
    }

    /// The value of a signal over a subject of this partition.
    pub(super) fn measured(
        &self,
        rules: &RuleSet,
        number: usize,
        subject: Subject,
        reading: Reading,
    ) -> Option<Value> {
        let part = |number| self.measured(rules, number, subject, reading);
        let signal = rules.signals.get(number)?;
        Some(match &signal.reads {
            Reads::Log(question) => match self.readable_since(signal, question, reading) {
                Some(since) => self.answered(rules, number, question, subject, reading, since),
                None => Value::made(0, Interval::UNKNOWN, true),
            },
            Reads::Ratio { of, to, scale } => {
                let (of, to) = (part(*of)?, part(*to)?);
                let scaled = of.value * i128::from(*scale);
                let value = if to.value > 0 { scaled.div_euclid(to.value) } else { 0 };
                let is_certain = of.interval.is_point() && to.interval.is_point();
                let interval = if is_certain { Interval::point(value) } else { Interval::UNKNOWN };
                Value::made(value, interval, of.is_cold || to.is_cold)
            }
            Reads::Difference { of, to } => {
                let (of, to) = (part(*of)?, part(*to)?);
                let interval = of.interval.minus(to.interval);
                Value::made(of.value - to.value, interval, of.is_cold || to.is_cold)
            }
            Reads::SinceOpened => self.since_opened(subject, reading),
            Reads::MeasuresStanding => {
                let count = self.measures_standing(subject, reading.at);
                Value::made(count, Interval::point(count), false)
            }
        })
    }

    fn answered(
        &self,
        rules: &RuleSet,
        number: usize,
        question: &Question,
        subject: Subject,
        reading: Reading,
        since: TimeMs,
    ) -> Value {
        let begin = begin_of(question.window, reading.at.minus(question.delay), &rules.calendar);
        let mut entries = self.window(rules, question, subject, reading);
        let mut value = aggregate(question, &entries, self.span(rules, question, subject, reading));
        if let Some(Without::ForEvidence(event)) = reading.without {
            let whole = self.window(rules, question, subject, Reading { without: None, ..reading });
            if whole.len() > EVIDENCE_ENTRIES_MAX {
                let span = self.span(rules, question, subject, reading);
                let gone = newest(&whole).iter().filter(|entry| entry.event == event);
                let part = match question.aggregate {
                    Aggregate::Count => gone.count() as i128,
                    Aggregate::Sum => gone.map(|entry| i128::from(entry.minor())).sum(),
                    _ => 0,
                };
                value = aggregate(question, &whole, span) - part;
                entries = whole;
            }
        }
        let is_cold = begin < since || self.is_cold(rules, number, question, subject, reading);
        let interval = if is_cold {
            cold_interval(question.aggregate, value, entries.is_empty())
        } else {
            Interval::point(value)
        };
        Value {
            value,
            interval,
            is_cold,
            events_count: newest(&entries).len() as u64,
            entries: newest(&entries).iter().copied().cloned().collect(),
            reported_of: None,
        }
    }

    fn span(&self, rules: &RuleSet, question: &Question, subject: Subject, reading: Reading) -> Span {
        let upper = reading.at.minus(question.delay);
        let begin = begin_of(question.window, upper, &rules.calendar);
        let horizon = self.horizon(Class::Log(subject.kind));
        Span { at: reading.at, lower: begin.max(horizon).max(reading.bound), upper }
    }

    /// The entries that a question adds up, in order.
    pub(super) fn window(
        &self,
        rules: &RuleSet,
        question: &Question,
        subject: Subject,
        reading: Reading,
    ) -> Vec<&Entry> {
        let span = self.span(rules, question, subject, reading);
        let feeds = question.feeds | question.returned_by;
        let counts = |entry: &&Entry| {
            feeds & entry.feed.bit() != 0
                && span.lower < entry.at
                && entry.at <= span.upper
                && !(question.without_event && entry.event == reading.asker.source && entry.at == reading.at)
                && reading.without.map(Without::event) != Some(entry.event)
                && entry.marks & question.only == question.only
                && entry.marks & question.without == 0
                && amount_counts(question, entry, reading.asker)
        };
        self.logs.get(&subject).into_iter().flatten().filter(counts).collect()
    }

    /// Whether history reaching back a full window has not been seen.
    fn is_cold(
        &self,
        rules: &RuleSet,
        number: usize,
        question: &Question,
        subject: Subject,
        reading: Reading,
    ) -> bool {
        let begin = begin_of(question.window, reading.at.minus(question.delay), &rules.calendar);
        let since = self.since.get(number).copied().unwrap_or(TimeMs::MIN).max(self.blind_until);
        let can_be_new = matches!(
            subject.kind,
            SubjectKind::Account | SubjectKind::PhoneCard | SubjectKind::IotCard | SubjectKind::Pair
        );
        let is_new = can_be_new && self.opened_since(reading.holder, reading.party, since);
        begin < self.horizon(Class::Log(subject.kind)) || (begin < since && !is_new)
    }

    fn since_opened(&self, subject: Subject, reading: Reading) -> Value {
        let first = |kind| {
            let openings = self.holders.get(&reading.holder)?;
            openings.first_step(subject, kind).map(|at| i128::from(reading.at.0) - i128::from(at.0))
        };
        match (first(OpeningStep::Opened), first(OpeningStep::Stated)) {
            (Some(since), None) => Value::made(since.max(0), Interval::point(since.max(0)), false),
            (_, Some(since)) => {
                let value = since.max(0);
                Value::made(value, Interval { low: Some(value), high: None }, true)
            }
            (None, None) => Value::made(0, Interval::UNKNOWN, true),
        }
    }

    /// A signal of a shared subject: the largest that this holder was told of. Of a counterparty only
    /// what was told of the other side counts.
    fn told_value(&self, signal: &Signal, reading: Reading) -> Value {
        let is_about = |about: Subject| {
            signal.subject != SubjectKind::Counterparty
                || reading.asker.other == Some(about.token) && about.kind == SubjectKind::Counterparty
        };
        let put_out = self.horizon(Class::Telling);
        let mut standings: Vec<_> = self
            .standings
            .get(&reading.holder)
            .into_iter()
            .flatten()
            .filter(|told| *told.signal == *signal.name && is_about(told.about))
            .filter(|told| !self.is_explained(reading.holder, told.about.token))
            .filter(|told| told.at <= reading.at && reading.at < told.until && reading.bound < told.at)
            .filter(|told| told.until > put_out)
            .collect();
        // Of equals the one told first.
        standings.sort_by_key(|told| std::cmp::Reverse(told.value));
        let largest = standings.first();
        let value = largest.map_or(0, |told| i128::from(told.value));
        Value {
            value,
            interval: Interval::point(value),
            is_cold: false,
            entries: Vec::new(),
            events_count: largest.map_or(0, |told| told.value),
            reported_of: largest.map(|told| told.about.token),
        }
    }
}

/// Those that evidence is worked out from.
fn newest<'a, 'b>(entries: &'b [&'a Entry]) -> &'b [&'a Entry] {
    &entries[entries.len().saturating_sub(EVIDENCE_ENTRIES_MAX)..]
}

/// Whether a question that reads amounts counts an entry, by its amount and, if it must resemble the
/// asking event, by its other.
fn amount_counts(question: &Question, entry: &Entry, asker: Asker) -> bool {
    let reads_amount = question.aggregate.reads_amount()
        || question.amount_min.is_some()
        || question.amount_max.is_some()
        || question.resembling.is_some();
    if !reads_amount {
        return true;
    }
    let Some(amount) = entry.amount.filter(|amount| amount.currency == question.currency) else {
        return false;
    };
    let is_within = question.amount_min.is_none_or(|least| least <= amount.minor)
        && question.amount_max.is_none_or(|most| amount.minor <= most);
    let resembles = question.resembling.is_none_or(|resembling| {
        let Some(asked) = asker.amount.and_then(Money::fen) else { return false };
        let share = |per_mille: u32| i128::from(asked) * i128::from(per_mille);
        let thousandfold = i128::from(amount.minor) * 1_000;
        let is_same = asker.other.map(|other| other.short() == entry.other.short());
        let other_fits = match resembling.other {
            OtherSide::Any => true,
            OtherSide::Same => is_same == Some(true),
            OtherSide::Different => is_same == Some(false),
        };
        share(resembling.low_per_mille) <= thousandfold
            && thousandfold <= share(resembling.high_per_mille)
            && other_fits
    });
    is_within && resembles
}
