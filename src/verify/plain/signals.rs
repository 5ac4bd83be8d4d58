//! Logs of subjects, and the values of signals read from them (S5, S6).

use std::sync::Arc;

use crate::engine::base::{Fingerprint, Money, TimeMs, Token};
use crate::engine::fact::{Essential, FactBody, Feed, OpeningStep, Side};
use crate::engine::rule::Interval;
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::{Aggregate, Signal};
use crate::engine::subject::{Party, Subject, SubjectKind};

use super::{Occasion, Plain};

/// Something that happened to a subject.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub feed: Feed,
    pub at: TimeMs,
    pub amount: Option<Money>,
    pub other: Token,
    pub event: Fingerprint,
    /// Of a meeting: what of the other's a report may act on.
    pub target: Option<Party>,
}

impl Entry {
    pub fn minor(&self) -> i64 {
        self.amount.map_or(0, |amount| amount.minor)
    }
}

pub(super) fn transfer_feed(side: Side) -> Feed {
    match side {
        Side::Payer => Feed::TransferPayer,
        Side::Payee => Feed::TransferPayee,
    }
}

/// The subjects a body concerns, and the entry it makes in the log of each.
pub(super) fn entries_of(occasion: Occasion, body: &FactBody) -> Option<(Vec<Subject>, Entry)> {
    let holder = Subject::new(SubjectKind::Holder, occasion.route.token);
    let entry = |feed, amount, other| Entry {
        feed,
        at: occasion.at,
        amount,
        other,
        event: occasion.source,
        target: None,
    };
    let with_pair = |party: &Party, other| {
        let pair = Subject::new(SubjectKind::Pair, party.subject.token.pair(other));
        vec![party.subject, holder, pair]
    };
    match body {
        FactBody::Transfer { side, account, counterparty, amount, .. } => Some((
            with_pair(account, *counterparty),
            entry(transfer_feed(*side), Some(*amount), *counterparty),
        )),
        FactBody::CardPayment { account, terminal, amount } => {
            Some((with_pair(account, *terminal), entry(Feed::CardPaymentCard, Some(*amount), *terminal)))
        }
        FactBody::CardUsage { card, device, .. } => {
            Some((vec![card.subject, holder], entry(Feed::CardUsageCard, None, *device)))
        }
        FactBody::Opening { step: OpeningStep::Requested, co_holder: false, opening, .. } => {
            Some((vec![holder], entry(Feed::OpeningRequestedHolder, None, opening.subject.token)))
        }
        FactBody::Met { feed, holder, target, amount } => {
            let met = Entry { target: Some(target.clone()), ..entry(*feed, *amount, *holder) };
            Some((vec![occasion.route], met))
        }
        _ => None,
    }
}

/// Of what a signal is read: the party and its holder, as of a time, not from before a lift.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub party: Subject,
    pub other: Option<Token>,
    pub holder: Token,
    pub at: TimeMs,
    pub bound: TimeMs,
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

impl Plain {
    /// A new rule set decides from here on.
    pub(super) fn activate(&mut self, rules: Arc<RuleSet>) {
        self.floor = self.horizon();
        self.forget_seen();
        let old = self.rules.take();
        self.since = rules
            .signals
            .iter()
            .map(|signal| {
                let old_signals = old.iter().flat_map(|old| &old.signals);
                let unchanged = old_signals.zip(&self.since).find(|(old_signal, _)| {
                    Signal { title: signal.title.clone(), ..(*old_signal).clone() } == *signal
                });
                unchanged.map_or(self.newest_time, |(_, since)| *since)
            })
            .collect();
        self.rules = Some(rules);
    }

    /// Entries at or before it do not count.
    pub(super) fn horizon(&self) -> TimeMs {
        self.rules.as_ref().map_or(self.floor, |rules| self.floor.max(rules.horizon(self.newest_time)))
    }

    /// Writes a body into the logs of the subjects that some signal reads.
    pub(super) fn insert(&mut self, occasion: Occasion, body: &FactBody) {
        if matches!(body, FactBody::Transfer { details, .. } if details.essential != Essential::No) {
            return;
        }
        let Some((subjects, entry)) = entries_of(occasion, body) else { return };
        let Some(rules) = self.rules.clone() else { return };
        for subject in subjects {
            let is_read = rules.signals.iter().any(|signal| {
                signal.subject == subject.kind && signal.question().is_some_and(|q| q.reads(entry.feed))
            });
            if is_read {
                let log = self.logs.entry(subject).or_default();
                let place = log.partition_point(|earlier| earlier.at <= entry.at);
                log.insert(place, entry.clone());
            }
        }
    }

    /// The entries that a signal adds up, as of a time, in order.
    pub(super) fn window(&self, signal: &Signal, subject: Subject, at: TimeMs, bound: TimeMs) -> Vec<&Entry> {
        let Some(question) = signal.question() else { return Vec::new() };
        let begin = at.minus(question.window.span_max()).max(self.horizon()).max(bound);
        let counts = |entry: &&Entry| {
            let has_amount = entry.amount.is_some_and(|amount| amount.currency == question.currency);
            question.feeds & entry.feed.bit() != 0
                && begin < entry.at
                && entry.at <= at
                && (has_amount || !question.aggregate.reads_amount())
        };
        self.logs.get(&subject).into_iter().flatten().filter(counts).collect()
    }

    /// The value of a signal by its number in the active rule set.
    pub(super) fn value(&self, rules: &RuleSet, number: usize, reading: Reading) -> Option<Value> {
        let signal = rules.signals.get(number)?;
        if !signal.subject.lives_with_holder() {
            return Some(self.told_value(signal, reading));
        }
        let party = reading.party;
        let subject = match signal.subject {
            SubjectKind::Holder => Some(Subject::new(SubjectKind::Holder, reading.holder)),
            SubjectKind::Pair => {
                reading.other.map(|other| Subject::new(SubjectKind::Pair, party.token.pair(other)))
            }
            kind => (kind == party.kind).then_some(party),
        }?;
        let entries = self.window(signal, subject, reading.at, reading.bound);
        let kind = signal.question()?.aggregate;
        let value = aggregate(kind, &entries);
        let is_cold = self.is_cold(number, signal, reading);
        let interval = interval_of(kind, value, is_cold, entries.is_empty());
        Some(Value {
            value,
            interval,
            is_cold,
            events_count: entries.len() as u64,
            entries: entries.into_iter().cloned().collect(),
            reported_of: None,
        })
    }

    /// A signal of a shared subject: the largest that this holder was told of.
    fn told_value(&self, signal: &Signal, reading: Reading) -> Value {
        let mut standings: Vec<_> = self
            .standings
            .get(&reading.holder)
            .into_iter()
            .flatten()
            .filter(|told| *told.signal == *signal.name)
            .filter(|told| told.at <= reading.at && reading.at < told.until && reading.bound < told.at)
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

    /// Whether history reaching back a full window has not been seen.
    fn is_cold(&self, number: usize, signal: &Signal, reading: Reading) -> bool {
        let begin = reading
            .at
            .minus(signal.question().map_or(crate::engine::base::SpanMs(0), |q| q.window.span_max()));
        let since = self.since.get(number).copied().unwrap_or(TimeMs::MIN);
        let is_of_party = signal.subject != SubjectKind::Holder;
        let is_new = is_of_party && self.opened_since(reading.holder, reading.party, since);
        begin < self.horizon() || (begin < since && !is_new)
    }
}

/// What a signal's entries add up to; 0 when there are none.
pub(super) fn aggregate(kind: Aggregate, entries: &[&Entry]) -> i128 {
    let amounts = || entries.iter().map(|entry| i128::from(entry.minor()));
    let count = |n: usize| i128::try_from(n).unwrap_or(i128::MAX);
    match kind {
        Aggregate::Count => count(entries.len()),
        Aggregate::Sum => amounts().sum(),
        Aggregate::Max => amounts().max().unwrap_or(0),
        Aggregate::Min => amounts().min().unwrap_or(0),
        Aggregate::Last => amounts().last().unwrap_or(0),
        _ => 0,
        Aggregate::Distinct => {
            let mut others: Vec<u64> = entries.iter().map(|entry| entry.other.short()).collect();
            others.sort_unstable();
            others.dedup();
            count(others.len())
        }
    }
}

/// What is certain about a value when part of its window may not have been seen (D16).
fn interval_of(kind: Aggregate, value: i128, is_cold: bool, is_empty: bool) -> Interval {
    let nothing_known = Interval { low: None, high: None };
    match kind {
        _ if !is_cold => Interval::point(value),
        Aggregate::Last => nothing_known,
        Aggregate::Max | Aggregate::Min if is_empty => nothing_known,
        Aggregate::Min => Interval { low: None, high: Some(value) },
        Aggregate::Count | Aggregate::Sum | Aggregate::Max | Aggregate::Distinct => {
            Interval { low: Some(value), high: None }
        }
        _ => nothing_known,
    }
}
