//! What a condition may read, given what triggers it and whom it is about.

use super::load::Bundle;
use super::triggers::feeds_read;
use crate::engine::attributes::Field;
use crate::engine::fact::Feed;
use crate::engine::measure::{Lane, MeasureKind};
use crate::engine::rule::{Condition, Term, Trigger};
use crate::engine::signal::{Signal, Tell};
use crate::engine::subject::SubjectKind;

/// A rule's or limit's own part in it.
pub(super) struct Reader<'a> {
    pub subject: SubjectKind,
    /// None of what is only referred.
    pub measure: Option<MeasureKind>,
    pub triggers: &'a [Trigger],
    pub signals: &'a [Signal],
}

/// Notes what the condition reads and could never be told (ARCHITECTURE S7).
pub(super) fn readable(bundle: &mut Bundle, path: &str, condition: &Condition, reader: &Reader<'_>) {
    for field in fields(condition) {
        if let Some(trigger) = reader.triggers.iter().find(|trigger| !says(**trigger, field, reader.signals))
        {
            let message = match field {
                Field::Amount => {
                    format!(
                        "reads event.amount, and the trigger `{}` of this rule has no amount",
                        name(*trigger, reader.signals)
                    )
                }
                _ => format!(
                    "reads {}, which the trigger `{}` of this rule never says",
                    field.name(),
                    name(*trigger, reader.signals)
                ),
            };
            bundle.blame(path, field.name(), message);
        }
    }
    only_protects(bundle, path, condition, reader.measure);
    let names_payment = |trigger: &Trigger| names_payment(*trigger, reader.signals);
    if reader.measure.is_some_and(MeasureKind::is_per_event) && !reader.triggers.iter().all(names_payment) {
        bundle.problems.add(path, "measure", "is about one payment, so only the payer's side may trigger it: `transfer_posted.payer`, `card_payment_posted.card`, or a report that is told to the event alone");
    }
    for signal in signals_read(condition, reader.signals) {
        if let Err(message) = signal_readable(signal, reader) {
            bundle.blame(path, &signal.name, message);
        }
    }
    known_for_themselves(bundle, path, condition, reader);
}

/// What was seen to protect a likely victim serves no measure on an anomaly, no limit and no softening
/// (APL 34, D18).
pub(super) fn only_protects(
    bundle: &mut Bundle,
    path: &str,
    condition: &Condition,
    measure: Option<MeasureKind>,
) {
    if measure.is_some_and(|measure| measure.lane() == Lane::Victim) {
        return;
    }
    for field in fields(condition).into_iter().filter(|field| field.is_of_victim()) {
        let message = format!(
            "reads {}, which may only protect likely victims (APL 34); only a measure of that lane may read it",
            field.name()
        );
        bundle.blame(path, field.name(), message);
    }
}

/// Nobody is acted on for whom they know (D20): what is said of a counterparty is never all.
fn known_for_themselves(bundle: &mut Bundle, path: &str, condition: &Condition, reader: &Reader<'_>) {
    let read = signals_read(condition, reader.signals);
    let Some(counterparty) = read.iter().find(|signal| signal.subject == SubjectKind::Counterparty) else {
        return;
    };
    let of_party = |field: &Field| matches!(field, Field::Product | Field::PartyHolderKind);
    let of_event = !fields(condition).iter().all(of_party);
    if !of_event && !read.iter().any(|signal| signal.subject.lives_with_holder()) {
        let message = format!(
            "reads `{}` of a counterparty and nothing of the party's own; nobody is acted on for whom they know: read the event or a signal of the account too",
            counterparty.name
        );
        bundle.blame(path, &counterparty.name, message);
    }
}

fn signal_readable(signal: &Signal, reader: &Reader<'_>) -> Result<(), String> {
    let name = &signal.name;
    let names_other_side = |trigger: &Trigger| match trigger {
        Trigger::Feed(feed) => is_transaction(*feed),
        // A report about a counterparty names it.
        Trigger::Report(number) => {
            reader.signals.get(*number).is_some_and(|signal| signal.subject == SubjectKind::Counterparty)
        }
    };
    if signal.subject == SubjectKind::Pair && !reader.triggers.iter().all(names_other_side) {
        return Err(format!("reads `{name}` of a pair, and a trigger of this rule names no other side"));
    }
    if !signal.subject.lives_with_holder() && signal.report.is_none() {
        return Err(format!(
            "reads `{name}` of another subject, which is known by reports only; give it a report_level"
        ));
    }
    if signal.subject == SubjectKind::Counterparty && reader.subject != SubjectKind::Account {
        return Err(format!("reads `{name}` of a counterparty, and only an account has one"));
    }
    let own = !matches!(signal.subject, SubjectKind::Holder | SubjectKind::Pair);
    if signal.subject.lives_with_holder() && own && signal.subject != reader.subject {
        return Err(format!(
            "reads `{name}` of `{}`, and this rule is about `{}`",
            signal.subject.name(),
            reader.subject.name()
        ));
    }
    Ok(())
}

/// The fields that a condition reads, each once.
pub(super) fn fields(condition: &Condition) -> Vec<Field> {
    let mut found = Vec::new();
    condition.leaves(&mut |leaf| {
        if let Term::Field(field) = leaf
            && !found.contains(field)
        {
            found.push(*field);
        }
    });
    found
}

/// The signals that a condition reads, each once, by number.
pub(super) fn signals_read<'a>(condition: &Condition, signals: &'a [Signal]) -> Vec<&'a Signal> {
    let mut numbers = Vec::new();
    condition.signals(&mut |number| numbers.push(number));
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().filter_map(|number| signals.get(number)).collect()
}

/// Whether a trigger's event can say what a field holds.
fn says(trigger: Trigger, field: Field, signals: &[Signal]) -> bool {
    match trigger {
        Trigger::Feed(feed) => feed_says(feed, field),
        Trigger::Report(number) => match field {
            Field::Product | Field::PartyHolderKind => true,
            // A report about a request is held against that request.
            Field::IdentityChannels | Field::HolderKind | Field::OwnersDeclared | Field::OwnersShare => {
                signals.get(number).is_some_and(|signal| feeds_read(signal, signals).all(is_request))
            }
            Field::Amount => signals.get(number).is_some_and(|signal| {
                signal.subject == SubjectKind::Counterparty
                    || feeds_read(signal, signals).all(|feed| feed_says(feed, Field::Amount))
            }),
            _ => false,
        },
    }
}

/// Whether an event seen from this role can say what a field holds.
pub(super) fn feed_says(feed: Feed, field: Field) -> bool {
    let transfer = matches!(feed, Feed::TransferPayer | Feed::TransferPayee);
    match field {
        Field::Product | Field::PartyHolderKind => true,
        Field::Amount => {
            is_transaction(feed)
                || matches!(
                    feed,
                    Feed::TransferDevice | Feed::CardPaymentTerminal | Feed::FraudConfirmedTerminal
                )
        }
        Field::Bound | Field::OwnAccount => transfer || feed == Feed::CardPaymentCard,
        Field::Channel | Field::Cash | Field::StrongAuth | Field::BalanceAfter | Field::AgreedDailySum => {
            transfer
        }
        Field::RemoteControl | Field::AfterLoan => feed == Feed::TransferPayer,
        Field::Usage
        | Field::MonthOpenMegabytes
        | Field::CardProfiled
        | Field::OutsideFunctions
        | Field::OutsideDevice
        | Field::OutsideRegion
        | Field::ProfileRisk
        | Field::ProfileTraffic
        | Field::ProfileScene => feed == Feed::CardUsageCard,
        Field::IdentityChannels | Field::HolderKind | Field::OwnersDeclared | Field::OwnersShare => {
            feed == Feed::OpeningRequestedHolder
        }
    }
}

/// Whether an event seen from this role is a request to open.
fn is_request(feed: Feed) -> bool {
    matches!(
        feed,
        Feed::OpeningRequestedHolder
            | Feed::OpeningRequestedAgent
            | Feed::OpeningRequestedDevice
            | Feed::OpeningRequestedPhoneNumber
            | Feed::OpeningRequestedOutlet
            | Feed::OpeningRequestedAddress
            | Feed::OpeningRequestedLegalRepresentative
    )
}

fn is_transaction(feed: Feed) -> bool {
    matches!(
        feed,
        Feed::TransferPayer
            | Feed::TransferPayee
            | Feed::CardPaymentCard
            | Feed::FraudConfirmedPayer
            | Feed::FraudConfirmedPayee
    )
}

/// Whether a trigger is about one payment of the party's (D2: the payer's side disposes of it). A
/// report that is told to the event alone names that event; one told to holders names none of theirs.
fn names_payment(trigger: Trigger, signals: &[Signal]) -> bool {
    match trigger {
        Trigger::Feed(feed) => matches!(feed, Feed::TransferPayer | Feed::CardPaymentCard),
        Trigger::Report(number) => signals
            .get(number)
            .and_then(|signal| signal.report)
            .is_some_and(|report| matches!(report.tell, Tell::Event | Tell::Payer | Tell::Payee)),
    }
}

fn name(trigger: Trigger, signals: &[Signal]) -> String {
    match trigger {
        Trigger::Feed(feed) => feed.name().to_owned(),
        Trigger::Report(number) => {
            format!("report:{}", signals.get(number).map_or("?", |signal| signal.name.as_str()))
        }
    }
}
