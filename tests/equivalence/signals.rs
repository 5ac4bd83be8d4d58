//! Random signals: every aggregate, window and filter over the feeds that each kind of subject logs.

use duecourse::engine::base::{Currency, SpanMs};
use duecourse::engine::calendar::CalendarUnit;
use duecourse::engine::fact::Feed;
use duecourse::engine::purpose::Purpose;
use duecourse::engine::signal::{
    Aggregate, Mark, OtherSide, Question, Reads, ReportLevel, Resembling, Signal, Tell, Window,
};
use duecourse::engine::subject::SubjectKind;

use super::dice::Dice;
use super::rulesets::text;

const ACCOUNT: &[Feed] = &[
    Feed::TransferPayer,
    Feed::TransferPayee,
    Feed::CardPaymentCard,
    Feed::FraudConfirmedPayer,
    Feed::FraudConfirmedPayee,
    Feed::LivelihoodPayee,
    Feed::VictimWarnedPayer,
];
/// How many devices a reseller has, which is counted in pieces.
const STOCK: [Feed; 2] = [Feed::DeviceStockAgent, Feed::DeviceStockOutlet];
const CARD: &[Feed] =
    &[Feed::CardUsageCard, Feed::CallPlacedCard, Feed::CallReceivedCard, Feed::MessageSentCard];

/// Kinds, the feeds of their logs, and how many questions are asked of them at most.
const KINDS: [(&str, SubjectKind, &[Feed], usize); 13] = [
    ("account", SubjectKind::Account, ACCOUNT, 9),
    (
        "holder",
        SubjectKind::Holder,
        &[
            Feed::TransferPayer,
            Feed::TransferPayee,
            Feed::OpeningRequestedHolder,
            Feed::CardUsageCard,
            Feed::CallPlacedCard,
            Feed::FraudConfirmedPayer,
            Feed::VictimWarnedPayer,
        ],
        4,
    ),
    ("pair", SubjectKind::Pair, ACCOUNT, 4),
    ("phone_card", SubjectKind::PhoneCard, CARD, 4),
    ("iot_card", SubjectKind::IotCard, CARD, 2),
    (
        "device",
        SubjectKind::Device,
        &[Feed::OpeningRequestedDevice, Feed::TransferDevice, Feed::CardUsageDevice],
        4,
    ),
    (
        "agent",
        SubjectKind::Agent,
        &[Feed::OpeningRequestedAgent, Feed::DeviceSaleAgent, Feed::DeviceStockAgent],
        3,
    ),
    (
        "outlet",
        SubjectKind::Outlet,
        &[Feed::OpeningRequestedOutlet, Feed::DeviceSaleOutlet, Feed::DeviceStockOutlet],
        3,
    ),
    ("number", SubjectKind::PhoneNumber, &[Feed::OpeningRequestedPhoneNumber], 2),
    ("address", SubjectKind::Address, &[Feed::OpeningRequestedAddress], 2),
    ("representative", SubjectKind::LegalRepresentative, &[Feed::OpeningRequestedLegalRepresentative], 1),
    ("terminal", SubjectKind::Terminal, &[Feed::CardPaymentTerminal, Feed::FraudConfirmedTerminal], 4),
    ("counterparty", SubjectKind::Counterparty, ACCOUNT, 4),
];

/// Signals of all kinds of subject. Of each kind, those made of two others come last.
pub fn random_signals(dice: &mut Dice) -> Vec<Signal> {
    let mut signals: Vec<Signal> = Vec::new();
    for (name, subject, feeds, most) in KINDS {
        let first = signals.len();
        let count = dice.below(most + 1);
        for number in 0..count {
            let report = random_report(dice, subject);
            let mut question = random_question(dice, feeds, report);
            if subject == SubjectKind::Account && question.feeds & Feed::LivelihoodPayee.bit() != 0 {
                question.feeds |= Feed::EssentialPosted.bit();
            }
            let warned = if question.feeds == Feed::VictimWarnedPayer.bit() { "_warned" } else { "" };
            let reads = Reads::Log(question);
            signals.push(signal(dice, format!("{name}_{number}{warned}"), subject, reads, report));
        }
        let parts: Vec<usize> = (first..signals.len()).collect();
        if parts.len() >= 2 && dice.chance(50) {
            let (of, to) = (*dice.pick(&parts), *dice.pick(&parts));
            let scale = *dice.pick(&[1, 100, 1_000]);
            let reads =
                if dice.chance(60) { Reads::Ratio { of, to, scale } } else { Reads::Difference { of, to } };
            // What is made of two is never told to all holders.
            let report = random_report(dice, subject).map(|report| match report.tell {
                Tell::Holders => ReportLevel { tell: Tell::Event, ..report },
                _ => report,
            });
            let mut made = signal(dice, format!("{name}_made"), subject, reads, report);
            // The loader joins the purposes of the parts.
            made.purpose = made.purpose.join(signals[of].purpose).join(signals[to].purpose);
            signals.push(made);
        }
        let is_opened =
            matches!(subject, SubjectKind::Account | SubjectKind::PhoneCard | SubjectKind::IotCard);
        if is_opened && dice.chance(40) {
            let report = random_report(dice, subject);
            signals.push(signal(dice, format!("{name}_opened"), subject, Reads::SinceOpened, report));
        }
        if subject == SubjectKind::Counterparty && dice.chance(60) {
            let report = Some(ReportLevel { level: 1 + dice.below(2) as u64, tell: Tell::Payer });
            signals.push(signal(dice, format!("{name}_measures"), subject, Reads::MeasuresStanding, report));
        }
    }
    tell_payees(&mut signals);
    signals
}

/// Every other signal told to both sides of a transfer is told to the payee instead, and every third
/// question of payees' accounts reads what they note of it.
fn tell_payees(signals: &mut [Signal]) {
    let of = |kind: SubjectKind| move |signal: &&mut Signal| signal.subject == kind;
    for signal in signals.iter_mut().filter(of(SubjectKind::Counterparty)).step_by(2) {
        signal.report = signal.report.map(|report| match report.tell {
            Tell::Event => ReportLevel { tell: Tell::Payee, ..report },
            _ => report,
        });
    }
    for signal in signals.iter_mut().filter(of(SubjectKind::Account)).step_by(3) {
        if let Reads::Log(question) = &mut signal.reads
            && question.feeds & Feed::TransferPayee.bit() != 0
        {
            question.feeds = Feed::PassedOnPayee.bit();
            signal.name.push_str("_passed_on");
        }
    }
}

fn signal(
    dice: &mut Dice,
    name: String,
    subject: SubjectKind,
    reads: Reads,
    report: Option<ReportLevel>,
) -> Signal {
    let purpose = match subject.lives_with_holder() {
        false => Purpose::SHARED_SUBJECT,
        true if dice.chance(10) => Purpose::DEVICE_DATA,
        true => Purpose::ANTI_FRAUD,
    };
    Signal { name, subject, reads, purpose, basis: "b".to_owned(), report, title: text("title") }
}

/// Whom others are told; parts of made signals need not tell anybody.
fn random_report(dice: &mut Dice, subject: SubjectKind) -> Option<ReportLevel> {
    if subject.lives_with_holder() || dice.chance(15) {
        return None;
    }
    let is_told_once = subject == SubjectKind::Counterparty || dice.chance(35);
    let tell = match subject {
        SubjectKind::Counterparty if dice.chance(40) => Tell::Payer,
        _ if is_told_once => Tell::Event,
        _ => Tell::Holders,
    };
    let level = match tell {
        Tell::Holders => 1 + dice.below(3) as u64,
        Tell::Event | Tell::Payer | Tell::Payee => *dice.pick(&[1, 1, 2, 3, 100, 500, 2_000]),
    };
    Some(ReportLevel { level, tell })
}

/// Of what is told to holders the end must be known: a sliding window.
pub fn random_window(dice: &mut Dice, report: Option<ReportLevel>) -> Window {
    let is_sliding = report.is_some_and(|report| report.tell == Tell::Holders) || dice.chance(70);
    if is_sliding {
        return Window::Sliding(SpanMs(*dice.pick(&[3_000, 20_000, 40_000, 60_000, 200_000])));
    }
    let days = 1 + dice.below(4) as u8;
    let unit = [
        CalendarUnit::Day,
        CalendarUnit::Day,
        CalendarUnit::Month,
        CalendarUnit::Year,
        CalendarUnit::WorkingDays(days),
    ];
    Window::Calendar(*dice.pick(&unit))
}

fn random_question(dice: &mut Dice, feeds: &[Feed], report: Option<ReportLevel>) -> Question {
    let mut bits: u32 = feeds.iter().filter(|_| dice.chance(60)).map(|feed| feed.bit()).sum();
    if bits == 0 {
        bits = dice.pick(feeds).bit();
    }
    let window = random_window(dice, report);
    if report.is_some_and(|report| report.tell == Tell::Holders) {
        // A report of stock is no meeting, so the loader admits none here.
        bits &= STOCK.iter().fold(u32::MAX, |bits, stock| bits & !stock.bit());
        if bits == 0 {
            bits = feeds[0].bit();
        }
        let aggregate = *dice.pick(&[Aggregate::Count, Aggregate::Distinct, Aggregate::Distinct]);
        return Question { window, ..Question::sliding(bits, aggregate, SpanMs(0)) };
    }
    let aggregate = if dice.chance(25) { Aggregate::Count } else { dice.pick(&Aggregate::ALL).1 };
    let mut returned_by = 0;
    if aggregate == Aggregate::Returned {
        returned_by = feeds.iter().map(|feed| feed.bit()).sum::<u32>() & !bits;
        if returned_by == 0 {
            returned_by = bits;
        }
    }
    let resembling = dice.chance(12).then(|| Resembling {
        low_per_mille: *dice.pick(&[0, 500, 900, 1_000]),
        high_per_mille: *dice.pick(&[1_000, 1_000, 1_100, 3_000]),
        other: *dice.pick(&[OtherSide::Any, OtherSide::Same, OtherSide::Different]),
    });
    let mark = |dice: &mut Dice| if dice.chance(10) { dice.pick(&Mark::ALL).1.bit() } else { 0 };
    Question {
        returned_by,
        window,
        delay: SpanMs(if dice.chance(15) { *dice.pick(&[1_000, 5_000, 30_000]) } else { 0 }),
        currency: match dice.below(12) {
            0 => Currency::parse("USD").unwrap(),
            1 if feeds.iter().any(|feed| STOCK.contains(feed)) => Currency::NONE,
            _ => Currency::CNY,
        },
        amount_min: dice.chance(12).then(|| *dice.pick(&[0, 50, 100])),
        amount_max: dice.chance(12).then(|| *dice.pick(&[100, 300])),
        resembling,
        only: mark(dice),
        without: mark(dice),
        without_event: dice.chance(12),
        ..Question::sliding(bits, aggregate, SpanMs(0))
    }
}
