//! Every signal as a data-protection officer needs it: about whom, out of which fields of which events,
//! for which purpose, on which basis, and how far back it reaches.
//!
//! Fields and retention are not written in signal files: they follow from feeds, aggregate and window, and
//! a second copy of them could only differ. This table is made of what the loader made of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::load::Checked;
use crate::codec::event::EventType;
use crate::config::source::feeds;
use crate::engine::base::SpanMs;
use crate::engine::fact::Feed;
use crate::engine::purpose::Use;
use crate::engine::rule::Trigger;
use crate::engine::signal::{Aggregate, Mark, OtherSide, Question, Reads, Signal};
use crate::engine::subject::SubjectKind;

/// The signals of a bundle as a Markdown table, then how long the log of each kind of subject is kept.
#[must_use]
pub fn signal_listing(checked: &Checked) -> String {
    let signals = &checked.rule_set.signals;
    let mut table = String::from(
        "| signal | about | measures | of these fields | purpose | basis | reaches back | told to others | read by |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let mut sorted: Vec<&Signal> = signals.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let readers = readers(checked);
    for signal in sorted {
        let uses: Vec<&str> = signal.purpose.uses().map(Use::name).collect();
        let reach = signal.questions(signals).map(Question::reach).max();
        let told = signal.report.map_or_else(|| "-".to_owned(), |report| format!("from {}", report.level));
        let read_by = readers.get(signal.name.as_str()).map_or_else(|| "-".to_owned(), list);
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| `{}` {} | {} | {} | {} | {} | {} | {} | {told} | {read_by} |",
            signal.name,
            signal.title.en,
            signal.subject.name(),
            measures(signal, signals),
            list(&fields(signal, signals)),
            uses.join(", "),
            signal.basis,
            reach.map_or_else(|| "as the party".to_owned(), days),
        );
    }
    table.push_str("\n| the log of a | is needed for | because of |\n|---|---|---|\n");
    for (subject, (reach, name)) in longest(signals) {
        let _ = writeln!(table, "| {} | {} | `{name}` |", subject.name(), days(reach));
    }
    if checked.rule_set.retention.logs_by_kind {
        table
            .push_str("\nEach log is kept as long as this says and the lateness of events, and no longer.\n");
        return table;
    }
    let _ = writeln!(
        table,
        "\nAll logs are kept for {}: the longest of these and the lateness of events.",
        days(checked.rule_set.retention())
    );
    table
}

fn list<T: AsRef<str>>(all: &BTreeSet<T>) -> String {
    all.iter().map(|one| format!("`{}`", one.as_ref())).collect::<Vec<_>>().join(", ")
}

fn days(span: SpanMs) -> String {
    let hours = span.0.div_euclid(SpanMs::HOUR.0);
    match (hours / 24, hours % 24) {
        (0, _) if hours == 0 => format!("{} min", span.0.div_euclid(60_000)),
        (0, hours) => format!("{hours} h"),
        (days, 0) => format!("{days} d"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

fn measures(signal: &Signal, all: &[Signal]) -> String {
    let name = |number: usize| all.get(number).map_or("", |part| part.name.as_str());
    match signal.reads {
        Reads::Log(question) => {
            let delay = if question.delay == SpanMs(0) {
                String::new()
            } else {
                format!(", ending {} before", days(question.delay))
            };
            let aggregate = Aggregate::ALL.iter().find(|(_, known)| *known == question.aggregate);
            let aggregate = aggregate.map_or("", |(name, _)| name);
            format!("{} over {}{delay}", aggregate, question.window.name())
        }
        Reads::Ratio { of, to, scale } => format!("`{}` * {scale} / `{}`", name(of), name(to)),
        Reads::Difference { of, to } => format!("`{}` - `{}`", name(of), name(to)),
        Reads::SinceOpened => "time since opening".to_owned(),
        Reads::MeasuresStanding => "measures standing on the payee's account".to_owned(),
    }
}

/// The fields of events that its value depends on, each with its event type.
fn fields(signal: &Signal, all: &[Signal]) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for question in signal.questions(all) {
        for feed in Feed::ALL.into_iter().filter(|feed| question.reads(*feed)) {
            let event = feeds::behind(feed).0.name();
            let mut note = |field: &str| fields.insert(format!("{event}.{field}"));
            note("time");
            for field in own(feed) {
                note(field);
            }
            if question.reads_amount() {
                note(amount(feed));
            }
            if reads_other(question) {
                for field in other(feed) {
                    note(field);
                }
            }
            let marked = if event == EventType::TransferPosted.name() { marks(question) } else { 0 };
            for (word, _) in Mark::ALL.iter().filter(|(_, mark)| marked & mark.bit() != 0) {
                note(field_of(word));
            }
        }
    }
    if signal.reads == Reads::SinceOpened {
        fields.extend(["opening_opened.time", "holding_stated.time"].map(str::to_owned));
    }
    if signal.reads == Reads::MeasuresStanding {
        fields.extend(["transfer_posted.time", "transfer_posted.payee"].map(str::to_owned));
    }
    fields
}

/// The field that stands in entries as their amount.
fn amount(feed: Feed) -> &'static str {
    match feed {
        Feed::DeviceStockAgent | Feed::DeviceStockOutlet => "in_stock",
        _ => "amount",
    }
}

fn marks(question: &Question) -> u8 {
    question.only | question.without
}

/// Whether it tells the other sides of entries apart.
fn reads_other(question: &Question) -> bool {
    matches!(question.aggregate, Aggregate::Distinct | Aggregate::LargestShare | Aggregate::Returned)
        || question.resembling.is_some_and(|resembling| resembling.other != OtherSide::Any)
}

fn field_of(mark: &str) -> &str {
    match mark {
        "bound" => "to_bound_account",
        "own" => "to_own_account",
        "counter" => "channel",
        mark => mark,
    }
}

/// The fields by which an event comes to the log: the subject, and what makes it this feed.
fn own(feed: Feed) -> &'static [&'static str] {
    match feed {
        Feed::TransferPayer | Feed::FraudConfirmedPayer => &["payer"],
        Feed::TransferPayee | Feed::FraudConfirmedPayee => &["payee"],
        Feed::LivelihoodPayee => &["payee", "essential"],
        Feed::EssentialPosted => &["payer", "payee", "essential"],
        Feed::CardPaymentCard | Feed::CardUsageCard => &["card"],
        Feed::CallPlacedCard | Feed::CallReceivedCard | Feed::MessageSentCard => &["card", "usage"],
        Feed::CardPaymentTerminal | Feed::FraudConfirmedTerminal => &["terminal"],
        Feed::OpeningRequestedHolder => &["opening"],
        Feed::OpeningRequestedAgent => &["agent"],
        Feed::OpeningRequestedDevice | Feed::TransferDevice | Feed::CardUsageDevice => &["device"],
        Feed::OpeningRequestedPhoneNumber => &["phone_number"],
        Feed::OpeningRequestedOutlet => &["outlet"],
        Feed::OpeningRequestedAddress => &["address"],
        Feed::OpeningRequestedLegalRepresentative => &["legal_representative"],
        // A measure that was set on a transfer: its payer, as the transfer said.
        Feed::VictimWarnedPayer => &["payer"],
        Feed::PassedOnPayee => &["payee"],
        // Of a use of a card, the card and its device or region in the same way.
        Feed::DeviceSeenCustomer => &["payer", "device"],
        Feed::LocationSeenCustomer => &["payer", "region"],
        Feed::DeviceSaleAgent | Feed::DeviceSaleOutlet | Feed::DeviceStockAgent | Feed::DeviceStockOutlet => {
            &["reseller", "reseller_kind"]
        }
    }
}

/// The fields that a feed's entries keep as their other side; of a shared subject, the customer.
fn other(feed: Feed) -> &'static [&'static str] {
    match feed {
        Feed::TransferPayer => &["payee", "counterparty"],
        Feed::TransferPayee | Feed::LivelihoodPayee | Feed::FraudConfirmedPayee => &["payer", "counterparty"],
        Feed::FraudConfirmedPayer => &["payee", "counterparty", "terminal"],
        Feed::CardPaymentCard => &["terminal"],
        Feed::CardPaymentTerminal | Feed::CardUsageDevice => &["card"],
        Feed::CardUsageCard => &["device"],
        Feed::CallPlacedCard | Feed::CallReceivedCard | Feed::MessageSentCard => &["peer"],
        Feed::TransferDevice | Feed::FraudConfirmedTerminal => &["payer"],
        Feed::OpeningRequestedHolder
        | Feed::OpeningRequestedAgent
        | Feed::OpeningRequestedDevice
        | Feed::OpeningRequestedPhoneNumber
        | Feed::OpeningRequestedOutlet
        | Feed::OpeningRequestedAddress
        | Feed::OpeningRequestedLegalRepresentative => &["opening"],
        Feed::VictimWarnedPayer => &["payee", "counterparty"],
        Feed::PassedOnPayee => &["payer"],
        Feed::DeviceSeenCustomer => &["device"],
        Feed::LocationSeenCustomer => &["region"],
        Feed::DeviceSaleAgent | Feed::DeviceSaleOutlet => &["card"],
        Feed::DeviceStockAgent | Feed::DeviceStockOutlet | Feed::EssentialPosted => &[],
    }
}

/// By signal: the rules, limits, protections and signals that read it.
fn readers(checked: &Checked) -> BTreeMap<&str, BTreeSet<&str>> {
    let set = &checked.rule_set;
    let mut readers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut note = |number: usize, reader| {
        if let Some(signal) = set.signals.get(number) {
            readers.entry(signal.name.as_str()).or_default().insert(reader);
        }
    };
    for rule in set.rules.iter().chain(&checked.rules_off) {
        rule.condition.signals(&mut |number| note(number, rule.id.as_str()));
        for trigger in &rule.triggers {
            if let Trigger::Report(number) = trigger {
                note(*number, rule.id.as_str());
            }
        }
    }
    for protection in &set.protections {
        protection.condition.signals(&mut |number| note(number, protection.id.as_str()));
    }
    for signal in &set.signals {
        if let Reads::Ratio { of, to, .. } | Reads::Difference { of, to } = signal.reads {
            note(of, signal.name.as_str());
            note(to, signal.name.as_str());
        }
    }
    readers
}

/// By kind of subject: the longest reach of its signals, and the first signal that has it.
fn longest(signals: &[Signal]) -> BTreeMap<SubjectKind, (SpanMs, &str)> {
    let mut longest: BTreeMap<SubjectKind, (SpanMs, &str)> = BTreeMap::new();
    for signal in signals {
        for question in signal.questions(signals) {
            let known = longest.entry(signal.subject).or_insert((SpanMs(0), ""));
            if question.reach() > known.0 {
                *known = (question.reach(), signal.name.as_str());
            }
        }
    }
    longest
}
