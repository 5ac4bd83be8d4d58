//! Logs of subjects: what is written into them, what of it counts, and what rule sets do to it (S5).

use std::sync::Arc;

use crate::engine::base::{Currency, Fingerprint, Money, TimeMs, Token};
use crate::engine::fact::{Essential, FactBody, Feed, OpeningStep, Side};
use crate::engine::ruleset::RuleSet;
use crate::engine::signal::{Mark, Reads, Signal};
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
    /// Of a transfer: bound, own, cash, counter.
    pub marks: u8,
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

/// The entries a body makes, each with the subject whose log it belongs to.
pub(super) fn entries_of(occasion: Occasion, body: &FactBody) -> Vec<(Subject, Entry)> {
    let holder = Subject::new(SubjectKind::Holder, occasion.route.token);
    let entry = |feed, amount, other| Entry {
        feed,
        at: occasion.at,
        amount,
        other,
        event: occasion.source,
        marks: 0,
        target: None,
    };
    let in_each = |subjects: &[Subject], entry: Entry| -> Vec<(Subject, Entry)> {
        subjects.iter().map(|subject| (*subject, entry.clone())).collect()
    };
    let pair = |party: &Party, other| Subject::new(SubjectKind::Pair, party.subject.token.pair(other));
    match body {
        FactBody::Transfer { side, account, counterparty, amount, details, .. } => match details.essential {
            Essential::No => in_each(
                &[account.subject, holder, pair(account, *counterparty)],
                Entry {
                    marks: Mark::of(details),
                    ..entry(transfer_feed(*side), Some(*amount), *counterparty)
                },
            ),
            kind => {
                let mut entries = Vec::new();
                if [Essential::Salary, Essential::Pension].contains(&kind) && *side == Side::Payee {
                    let received = entry(Feed::LivelihoodPayee, Some(*amount), *counterparty);
                    entries = in_each(&[account.subject, holder], received);
                }
                entries.push((account.subject, entry(Feed::EssentialPosted, None, Token::default())));
                entries
            }
        },
        FactBody::CardPayment { account, terminal, amount } => in_each(
            &[account.subject, holder, pair(account, *terminal)],
            entry(Feed::CardPaymentCard, Some(*amount), *terminal),
        ),
        FactBody::FraudConfirmed { feed, account, other, amount } => {
            in_each(&[account.subject, holder, pair(account, *other)], entry(*feed, *amount, *other))
        }
        FactBody::CardUsage { card, device, usage, peer, .. } => {
            let both = [card.subject, holder];
            let mut entries = in_each(&both, entry(Feed::CardUsageCard, None, *device));
            if let (Some(feed), Some(peer)) = (usage.peer_feed(), *peer) {
                entries.extend(in_each(&both, entry(feed, None, peer)));
            }
            entries
        }
        FactBody::TracesSeen { party, device, location } => {
            let both = [party.subject, holder];
            let seen = |feed, token: Option<Token>| {
                token.map_or(Vec::new(), |token| in_each(&both, entry(feed, None, token)))
            };
            [seen(Feed::DeviceSeenCustomer, *device), seen(Feed::LocationSeenCustomer, *location)].concat()
        }
        FactBody::Opening { step: OpeningStep::Requested, co_holder: false, opening, .. } => {
            in_each(&[holder], entry(Feed::OpeningRequestedHolder, None, opening.subject.token))
        }
        FactBody::StockReported { feed, count } => {
            let pieces = Money { minor: i64::from(*count), currency: Currency::NONE };
            vec![(occasion.route, entry(*feed, Some(pieces), Token::default()))]
        }
        FactBody::Met { feed, holder, target, amount } => {
            let met = Entry { target: Some(target.clone()), ..entry(*feed, *amount, *holder) };
            vec![(occasion.route, met)]
        }
        _ => Vec::new(),
    }
}

/// The kind of log that a signal asks: a counterparty's is the log of its account.
pub(super) fn log_kind(signal: &Signal) -> SubjectKind {
    match signal.subject {
        SubjectKind::Counterparty => SubjectKind::Account,
        kind => kind,
    }
}

/// Whether two signals are equal but for their titles: same name, and the same question asked. What
/// made signals are made of does not matter here, as only questions are cold of themselves.
fn asks_alike(old: &Signal, new: &Signal) -> bool {
    let questions_agree = match (&old.reads, &new.reads) {
        (Reads::Log(old), Reads::Log(new)) => old == new,
        _ => false,
    };
    questions_agree
        && old.name == new.name
        && old.subject == new.subject
        && old.purpose == new.purpose
        && old.basis == new.basis
        && old.report == new.report
}

impl Plain {
    /// A new rule set decides from here on.
    pub(super) fn activate(&mut self, rules: Arc<RuleSet>) {
        self.raise_floors();
        self.forget_seen();
        let old = self.rules.take();
        self.since = rules
            .signals
            .iter()
            .map(|signal| {
                let old_signals = old.iter().flat_map(|old| &old.signals);
                let unchanged = old_signals.zip(&self.since).find(|(old, _)| asks_alike(old, signal));
                unchanged.map_or(self.newest_time, |(_, since)| *since)
            })
            .collect();
        self.drop_counts(&rules);
        self.rules = Some(rules);
    }

    /// Writes a body into the logs of the subjects that some signal reads.
    pub(super) fn insert(&mut self, occasion: Occasion, body: &FactBody) {
        self.insert_entries(entries_of(occasion, body));
    }

    /// Writes entries into the logs of their subjects, where some signal reads them.
    pub(super) fn insert_entries(&mut self, entries: Vec<(Subject, Entry)>) {
        let Some(rules) = self.rules.clone() else { return };
        for (subject, entry) in entries {
            let reads = |signal: &Signal| {
                let feeds = signal.question().map_or(0, |question| question.feeds | question.returned_by);
                log_kind(signal) == subject.kind && feeds & entry.feed.bit() != 0
            };
            if rules.signals.iter().any(reads) {
                let log = self.logs.entry(subject).or_default();
                let place = log.partition_point(|earlier| earlier.at <= entry.at);
                log.insert(place, entry);
            }
        }
    }
}
