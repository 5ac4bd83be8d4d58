//! Running values against scans, on random logs.

use super::*;
use crate::engine::base::{Bilingual, Token};
use crate::engine::purpose::Purpose;
use proptest::prelude::*;

fn signals() -> Vec<Signal> {
    let mut all = Vec::new();
    for (name, aggregate) in Aggregate::ALL {
        for window in [5, 50, 400] {
            for feeds in [
                Feed::TransferPayer.bit(),
                Feed::TransferPayee.bit(),
                Feed::TransferPayer.bit() | Feed::TransferPayee.bit(),
            ] {
                all.push(Signal {
                    name: format!("{name}_{window}_{feeds}"),
                    subject: SubjectKind::Account,
                    feeds,
                    aggregate,
                    window: SpanMs(window),
                    currency: Currency::CNY,
                    purpose: Purpose::ANTI_FRAUD,
                    basis: String::new(),
                    report_level: None,
                    title: Bilingual::default(),
                });
            }
        }
    }
    all
}

fn plan_of(signals: &[Signal]) -> Plan {
    let mut plan = Plan { epoch: 1, ..Plan::default() };
    for signal in signals {
        let place = plan.add(signal);
        plan.places.push(Some(place));
    }
    plan
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn running_values_equal_scans(
        steps in prop::collection::vec((0_i64..30, 0_u64..6, 0_i64..50, prop::bool::ANY, -40_i64..60, 0_u8..20), 30..160)
    ) {
        let signals = signals();
        let plan = plan_of(&signals);
        let mut log = SubjectLog::default();
        let mut newest = 1_000_i64;
        for (number, (gap, other, amount, payer, back, action)) in steps.into_iter().enumerate() {
            newest += gap;
            let at = if back < 0 { TimeMs(newest + back) } else { TimeMs(newest) };
            let horizon = TimeMs(newest - 440);
            let currency = if amount % 7 == 0 { Currency::parse("USD").unwrap() } else { Currency::CNY };
            if action == 0 {
                log.remove(Fingerprint(number as u64 / 2), Feed::TransferPayer);
            }
            log.insert(Entry {
                at,
                event: Fingerprint(number as u64),
                other: Token(u128::from(other)).short(),
                amount: (amount % 5 != 0).then_some(Money { minor: amount, currency }),
                feed: if payer { Feed::TransferPayer } else { Feed::TransferPayee },
            }, &plan, horizon);
            let as_of = AsOf { at, horizon, bound: None };
            for (index, signal) in signals.iter().enumerate() {
                let (_, planned) = plan.planned(index).unwrap();
                let slow = scan(&log.entries, planned, as_of);
                prop_assert_eq!(log.value(index, &plan, as_of), slow, "{}", &signal.name);
                prop_assert_eq!(log.behind(signal, as_of).count() > 0, slow.1);
            }
        }
    }
}
