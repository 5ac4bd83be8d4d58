//! Which events reach the log of a subject, and which may trigger a rule (ARCHITECTURE S5, S7).

use super::load::Bundle;
use super::values::named;
use crate::config::nearest::nearest;
use crate::engine::fact::Feed;
use crate::engine::rule::Trigger;
use crate::engine::signal::Signal;
use crate::engine::subject::SubjectKind;

/// The feeds that reach the log of a kind of subject (ARCHITECTURE S5).
pub(super) fn feeds_of(kind: SubjectKind) -> &'static [Feed] {
    const TRANSACTIONS: [Feed; 5] = [
        Feed::TransferPayer,
        Feed::TransferPayee,
        Feed::CardPaymentCard,
        Feed::FraudConfirmedPayer,
        Feed::FraudConfirmedPayee,
    ];
    const USAGES: [Feed; 6] = [
        Feed::CardUsageCard,
        Feed::CallPlacedCard,
        Feed::CallReceivedCard,
        Feed::MessageSentCard,
        Feed::DeviceSeenCustomer,
        Feed::LocationSeenCustomer,
    ];
    match kind {
        SubjectKind::Account => &[
            Feed::TransferPayer,
            Feed::TransferPayee,
            Feed::CardPaymentCard,
            Feed::FraudConfirmedPayer,
            Feed::FraudConfirmedPayee,
            Feed::LivelihoodPayee,
            Feed::EssentialPosted,
            Feed::VictimWarnedPayer,
            Feed::PassedOnPayee,
            Feed::DeviceSeenCustomer,
            Feed::LocationSeenCustomer,
        ],
        SubjectKind::Pair => &[
            Feed::TransferPayer,
            Feed::TransferPayee,
            Feed::CardPaymentCard,
            Feed::FraudConfirmedPayer,
            Feed::FraudConfirmedPayee,
            Feed::VictimWarnedPayer,
        ],
        SubjectKind::Counterparty => &TRANSACTIONS,
        SubjectKind::Holder => &[
            Feed::TransferPayer,
            Feed::TransferPayee,
            Feed::CardPaymentCard,
            Feed::FraudConfirmedPayer,
            Feed::FraudConfirmedPayee,
            Feed::LivelihoodPayee,
            Feed::CardUsageCard,
            Feed::CallPlacedCard,
            Feed::CallReceivedCard,
            Feed::MessageSentCard,
            Feed::OpeningRequestedHolder,
            Feed::VictimWarnedPayer,
            Feed::DeviceSeenCustomer,
            Feed::LocationSeenCustomer,
        ],
        SubjectKind::PhoneCard | SubjectKind::IotCard => &USAGES,
        SubjectKind::Device => &[Feed::OpeningRequestedDevice, Feed::TransferDevice, Feed::CardUsageDevice],
        SubjectKind::Agent => &[Feed::OpeningRequestedAgent, Feed::DeviceSaleAgent, Feed::DeviceStockAgent],
        SubjectKind::Outlet => {
            &[Feed::OpeningRequestedOutlet, Feed::DeviceSaleOutlet, Feed::DeviceStockOutlet]
        }
        SubjectKind::Terminal => &[Feed::CardPaymentTerminal, Feed::FraudConfirmedTerminal],
        SubjectKind::PhoneNumber => &[Feed::OpeningRequestedPhoneNumber],
        SubjectKind::Address => &[Feed::OpeningRequestedAddress],
        SubjectKind::LegalRepresentative => &[Feed::OpeningRequestedLegalRepresentative],
        SubjectKind::Opening => &[],
    }
}

/// The feeds that can trigger a rule about a kind of party (ARCHITECTURE S7).
pub(super) fn feeds_triggering(subject: SubjectKind) -> &'static [Feed] {
    match subject {
        SubjectKind::Opening => &[Feed::OpeningRequestedHolder],
        SubjectKind::Account => &[
            Feed::TransferPayer,
            Feed::TransferPayee,
            Feed::CardPaymentCard,
            Feed::FraudConfirmedPayer,
            Feed::FraudConfirmedPayee,
        ],
        SubjectKind::PhoneCard | SubjectKind::IotCard => &[Feed::CardUsageCard],
        _ => &[],
    }
}

/// The triggers of a rule about a kind of party; `None`, with problems noted, when there are none.
pub(super) fn triggers(
    bundle: &mut Bundle,
    path: &str,
    subject: SubjectKind,
    written: &[String],
    signals: &[Signal],
) -> Option<Vec<Trigger>> {
    if written.is_empty() {
        bundle.problems.add(path, "triggers", "is empty; name an event, or `report:` and a signal");
    }
    let mut triggers = Vec::new();
    for text in written {
        let trigger = match text.strip_prefix("report:") {
            Some(name) => report(name, subject, signals),
            None => {
                let known = feeds_triggering(subject).iter().map(|feed| (feed.name(), *feed));
                named(&format!("trigger of a rule about `{}`", subject.name()), text, known)
                    .map(Trigger::Feed)
            }
        };
        let trigger = bundle.note(path, "triggers", trigger)?;
        if triggers.contains(&trigger) {
            bundle.problems.add(path, "triggers", format!("`{text}` stands twice"));
        }
        triggers.push(trigger);
    }
    (!triggers.is_empty()).then_some(triggers)
}

fn report(name: &str, subject: SubjectKind, signals: &[Signal]) -> Result<Trigger, String> {
    let known = signals.iter().map(|signal| signal.name.as_str());
    let Some((number, signal)) = signals.iter().enumerate().find(|(_, signal)| signal.name == name) else {
        return Err(match nearest(name, known) {
            Some(near) => format!("unknown signal `{name}`; did you mean `{near}`?"),
            None => format!("unknown signal `{name}`; declare it under config/signals"),
        });
    };
    if signal.report.is_none() {
        return Err(format!("signal `{name}` has no report_level, so it is never reported"));
    }
    // A counterparty's report names the account at the other side of a transfer, whatever it measures.
    let reaches = if signal.subject == SubjectKind::Counterparty {
        subject == SubjectKind::Account
    } else {
        feeds_read(signal, signals).any(|feed| targets(feed).contains(&subject))
    };
    if !reaches {
        return Err(format!("reports of `{name}` never name a party of kind `{}`", subject.name()));
    }
    Ok(Trigger::Report(number))
}

/// The feeds behind a signal, its own or those of its parts.
pub(super) fn feeds_read<'a>(signal: &'a Signal, all: &'a [Signal]) -> impl Iterator<Item = Feed> + 'a {
    Feed::ALL.into_iter().filter(|feed| signal.questions(all).any(|question| question.reads(*feed)))
}

/// The kinds of party that a report caused by this feed may act on.
fn targets(feed: Feed) -> &'static [SubjectKind] {
    match feed {
        Feed::OpeningRequestedAgent
        | Feed::OpeningRequestedDevice
        | Feed::OpeningRequestedPhoneNumber
        | Feed::OpeningRequestedOutlet
        | Feed::OpeningRequestedAddress
        | Feed::OpeningRequestedLegalRepresentative => &[SubjectKind::Opening],
        Feed::TransferDevice | Feed::CardPaymentTerminal | Feed::FraudConfirmedTerminal => {
            &[SubjectKind::Account]
        }
        Feed::CardUsageDevice => &[SubjectKind::PhoneCard, SubjectKind::IotCard],
        Feed::DeviceSaleAgent | Feed::DeviceSaleOutlet => &[SubjectKind::IotCard],
        Feed::TransferPayer
        | Feed::TransferPayee
        | Feed::CardPaymentCard
        | Feed::OpeningRequestedHolder
        | Feed::CardUsageCard
        | Feed::CallPlacedCard
        | Feed::CallReceivedCard
        | Feed::MessageSentCard
        | Feed::LivelihoodPayee
        | Feed::EssentialPosted
        | Feed::FraudConfirmedPayer
        | Feed::FraudConfirmedPayee
        | Feed::VictimWarnedPayer
        | Feed::PassedOnPayee
        | Feed::DeviceSeenCustomer
        | Feed::LocationSeenCustomer
        | Feed::DeviceStockAgent
        | Feed::DeviceStockOutlet => &[],
    }
}
