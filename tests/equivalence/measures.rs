//! Random tables of the lives of measures, what happens to measures, explanations and settlements.

use std::collections::BTreeMap;
use std::sync::Arc;

use duecourse::engine::base::{Fingerprint, SpanMs, TimeMs, Token};
use duecourse::engine::disposition::DispositionId;
use duecourse::engine::fact::{Fact, FactBody, Feed, MeasureNews, Side};
use duecourse::engine::life::{
    Due, Life, MeasureAct as Do, MeasureEvent as On, MeasureGuard as If, OfMeasure, State, Step, Word,
};
use duecourse::engine::subject::SubjectKind;
use duecourse::engine::verifying::{DeliveryChannel, MethodText, Risk, VerificationMethod, Verifying};

use super::dice::Dice;
use super::events::{To, Town, token};
use super::rulesets::text;

type Line<'a> = (&'a [&'a str], On, &'a [If], &'a str, &'a [Do]);
/// Which measures live so, the states with a deadline, the lines.
type Table<'a> = (&'a [&'static str], &'a [&'a str], &'a [Line<'a>]);

const ASKED: &[&str] = &["told", "delivered", "with_staff"];
const TELL: Line<'_> = (&["told"], On::NoticeUndeliverable, &[If::ChannelLeft], "told", &[Do::TellAgain]);
const STAFF: Line<'_> = (&["told"], On::NoticeUndeliverable, &[], "with_staff", &[Do::AskStaff]);
const DELIVERED: Line<'_> = (&["told", "with_staff"], On::NoticeDelivered, &[], "delivered", &[]);
const PASSED: Line<'_> = (ASKED, On::VerificationPassed, &[], "passed", &[Do::EndVerified]);

const TABLES: &[Table<'_>] = &[
    (
        &["phone_card_reverify"],
        &["delivered"],
        &[
            DELIVERED,
            TELL,
            STAFF,
            PASSED,
            (ASKED, On::VerificationFailed, &[If::LastLine], "limited", &[Do::SetPhoneCardLimit]),
            (ASKED, On::VerificationFailed, &[If::RiskHigh], "suspended", &[Do::SetPhoneCardSuspend]),
            (ASKED, On::VerificationFailed, &[], "limited", &[Do::SetPhoneCardLimit]),
            (&["delivered"], On::Due, &[], "limited", &[Do::SetPhoneCardLimit]),
        ],
    ),
    (
        &["phone_card_limit"],
        &["told", "delivered"],
        &[
            DELIVERED,
            TELL,
            PASSED,
            (ASKED, On::Due, &[If::LastLine], "with_staff", &[Do::AskStaff]),
            (&["told"], On::Due, &[], "delivered", &[]),
            (&["delivered"], On::Due, &[], "suspended", &[Do::SetPhoneCardSuspend]),
            (ASKED, On::VerificationFailed, &[], "suspended", &[Do::SetPhoneCardSuspend]),
        ],
    ),
    (
        &["iot_card_reverify"],
        &["delivered"],
        &[
            DELIVERED,
            STAFF,
            PASSED,
            (ASKED, On::VerificationFailed, &[If::RiskHigh], "paused", &[Do::SetIotCardPause]),
            (ASKED, On::VerificationFailed, &[], "limited", &[Do::SetIotCardLimit]),
            (&["delivered"], On::Due, &[If::RiskLow], "limited", &[Do::SetIotCardLimit]),
            (&["delivered"], On::Due, &[], "paused", &[Do::SetIotCardPause]),
        ],
    ),
    (
        &["iot_card_limit", "iot_card_pause", "phone_card_suspend", "account_stop_non_counter"],
        &["delivered"],
        &[
            DELIVERED,
            PASSED,
            (ASKED, On::VerificationFailed, &[], "with_staff", &[Do::AskStaff]),
            (&["delivered"], On::Due, &[], "told", &[Do::TellAgain]),
        ],
    ),
    (
        &["account_verify_transaction"],
        &[],
        &[
            DELIVERED,
            PASSED,
            (ASKED, On::Cancelled, &[], "cancelled", &[Do::EndCancelled]),
            (ASKED, On::VerificationFailed, &[If::RiskHigh], "limited", &[Do::SetLimitNonCounter]),
            (ASKED, On::VerificationFailed, &[If::RiskLow], "delayed", &[Do::SetDelaySettlement]),
            (ASKED, On::VerificationFailed, &[], "identity", &[Do::SetReverifyIdentity]),
        ],
    ),
    (
        &["account_reverify_identity"],
        &["delivered"],
        &[
            DELIVERED,
            TELL,
            STAFF,
            PASSED,
            (ASKED, On::VerificationFailed, &[If::RiskLow], "with_staff", &[Do::AskStaff]),
            (ASKED, On::VerificationFailed, &[], "limited", &[Do::SetLimitNonCounter]),
            (&["delivered"], On::Due, &[If::RiskHigh], "stopped", &[Do::SetStopNonCounter]),
            (&["delivered"], On::Due, &[], "limited", &[Do::SetLimitNonCounter]),
        ],
    ),
    (
        &["account_delay_settlement", "account_limit_non_counter"],
        &["told"],
        &[
            DELIVERED,
            (ASKED, On::Cancelled, &[], "cancelled", &[Do::EndCancelled]),
            (ASKED, On::VerificationPassed, &[If::OfRule], "passed", &[Do::EndVerified]),
            (ASKED, On::VerificationFailed, &[], "stopped", &[Do::SetStopNonCounter]),
            (&["told"], On::Due, &[], "delivered", &[]),
        ],
    ),
];

/// Some of the tables, with short deadlines, and some of their lines left out.
pub fn random_measure_lives(dice: &mut Dice) -> Vec<(Vec<&'static str>, Life<OfMeasure>)> {
    if dice.chance(15) {
        return Vec::new();
    }
    let kept = TABLES.iter().filter(|_| dice.chance(90)).collect::<Vec<_>>();
    kept.into_iter().map(|table| (table.0.to_vec(), life(dice, table))).collect()
}

fn life(dice: &mut Dice, (of, waits, lines): &Table<'_>) -> Life<OfMeasure> {
    let mut names: Vec<&str> =
        lines.iter().flat_map(|(from, _, _, to, _)| from.iter().chain([to])).copied().collect();
    names.sort_unstable();
    names.dedup();
    let number = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let mut steps = Vec::new();
    for (from, on, only_if, to, acts) in lines.iter() {
        if dice.chance(4) {
            continue;
        }
        steps.extend(from.iter().map(|from| Step {
            from: number(from),
            on: *on,
            only_if: only_if.to_vec(),
            to: number(to),
            acts: acts.to_vec(),
        }));
    }
    let mut states = Vec::new();
    for name in &names {
        let after = SpanMs(*dice.pick(&[500, 2_000, 10_000, 40_000]));
        let due = waits.contains(name).then_some(Due { after, worsens: dice.chance(75) });
        states.push(State { name: Arc::from(*name), title: text(name), due, is_last: false });
    }
    let sets = lines.iter().flat_map(|line| line.4).filter_map(|act| act.sets());
    let terms: BTreeMap<String, SpanMs> = sets
        .map(|set| (set.to_owned(), SpanMs(*dice.pick(&[5_000, 30_000, 120_000, SpanMs::HOUR.0]))))
        .collect();
    Life {
        id: of.first().copied().unwrap_or("none").to_owned(),
        version: 1,
        title: text("life"),
        basis: "b".to_owned(),
        first: number("told"),
        states,
        steps,
        terms,
        figures: Vec::new(),
    }
}

/// Some ways of delivery and methods; not every method serves every risk.
pub fn random_verifying(dice: &mut Dice) -> Verifying {
    let channels = DeliveryChannel::ALL.iter().copied().filter(|_| dice.chance(70)).collect();
    let mut methods = Vec::new();
    for method in VerificationMethod::ALL {
        let risks: Vec<Risk> = Risk::ALL.iter().copied().filter(|_| dice.chance(80)).collect();
        methods.push(MethodText { method: *method, text: text(method.name()), risks });
    }
    Verifying { channels, methods }
}

impl Town {
    /// News of a measure, mostly of one of the last.
    pub fn of_measure(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let recent = self.measures.len().saturating_sub(6);
        let (measure, holder) = match self.measures.get(recent..) {
            Some(known) if !known.is_empty() && dice.chance(96) => *dice.pick(known),
            _ => (DispositionId(dice.next().into()), Town::holder(dice).1),
        };
        let holder = if dice.chance(97) { holder } else { Town::holder(dice).1 };
        let channel = *dice.pick(DeliveryChannel::ALL);
        let method = *dice.pick(VerificationMethod::ALL);
        let news = match dice.weighted(&[6, 3, 4, 4, 2]) {
            0 => MeasureNews::NoticeDelivered(channel),
            1 => MeasureNews::NoticeUndeliverable(channel),
            2 => MeasureNews::VerificationPassed(method),
            3 => MeasureNews::VerificationFailed(method),
            _ => MeasureNews::Cancelled,
        };
        vec![self.of_holder(holder, id, at, FactBody::MeasureHappened { measure, news })]
    }

    pub fn sharing(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let (_, holder) = Town::holder(dice);
        let number = token(SubjectKind::PhoneNumber, dice.below(2) as u64);
        vec![self.of_holder(holder, id, at, FactBody::SharingExplained { number })]
    }

    /// The settlement of a payment that was mostly asked for, mostly as it was asked for.
    pub fn settlement(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let recent = self.history.len().saturating_sub(12);
        let paid: Vec<Fact> = self.history[recent..]
            .iter()
            .flat_map(|event| &event.facts)
            .map(|(_, fact)| fact)
            .filter(|fact| matches!(fact.body, FactBody::Transfer { .. } | FactBody::CardPayment { .. }))
            .cloned()
            .collect();
        if paid.is_empty() {
            return self.sharing(dice, id, at);
        }
        let of = dice.pick(&paid);
        let (feed, account, other, amount) = match &of.body {
            FactBody::Transfer { side: Side::Payer, account, counterparty, amount, .. } => {
                (Feed::TransferPayer, account, *counterparty, *amount)
            }
            FactBody::Transfer { account, counterparty, amount, .. } => {
                (Feed::TransferPayee, account, *counterparty, *amount)
            }
            FactBody::CardPayment { account, terminal, amount } => {
                (Feed::CardPaymentCard, account, *terminal, *amount)
            }
            _ => unreachable!("only transfers and payments were kept"),
        };
        let settled = if dice.chance(75) { amount } else { Town::amount(dice) };
        let other = if dice.chance(75) { other } else { Token(dice.next().into()) };
        let body = FactBody::SettlementRecorded {
            feed,
            account: account.clone(),
            initiated_by: if dice.chance(90) { of.event } else { id },
            other: dice.chance(80).then_some(other),
            amount: dice.chance(80).then_some(settled),
        };
        vec![self.of_holder(of.route.token, id, at, body)]
    }
}
