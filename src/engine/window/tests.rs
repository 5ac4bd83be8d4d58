//! Running values against scans, on random logs.

use super::*;
use crate::engine::base::{Currency, Token};
use crate::engine::calendar::CalendarUnit;
use crate::engine::signal::{Mark, Resembling, Window};
use proptest::prelude::*;

/// Every aggregate over every window, with every filter once.
fn questions() -> Vec<Question> {
    let (payer, payee) = (Feed::TransferPayer.bit(), Feed::TransferPayee.bit());
    let windows = [
        Window::Sliding(SpanMs(5)),
        Window::Sliding(SpanMs(50)),
        Window::Sliding(SpanMs(400)),
        Window::Calendar(CalendarUnit::Day),
    ];
    let mut all = Vec::new();
    for (_, aggregate) in Aggregate::ALL {
        for window in windows {
            for feeds in [payer, payee, payer | payee] {
                let plain = Question { window, ..Question::sliding(feeds, aggregate, SpanMs(0)) };
                let returned_by = if aggregate == Aggregate::Returned { payee } else { 0 };
                let plain = Question { returned_by, ..plain };
                all.push(plain);
                all.push(Question { delay: SpanMs(30), ..plain });
                all.push(Question { amount_min: Some(10), amount_max: Some(35), ..plain });
                all.push(Question { without_event: true, ..plain });
                all.push(Question { only: Mark::Cash.bit(), without: Mark::Own.bit(), ..plain });
                let other = if feeds == payer { OtherSide::Same } else { OtherSide::Different };
                let resembling = Some(Resembling { low_per_mille: 900, high_per_mille: 1_200, other });
                all.push(Question { resembling, ..plain });
            }
        }
    }
    all
}

fn plan_of(questions: &[Question]) -> Plan {
    let mut plan = Plan { epoch: 1, ..Plan::default() };
    for question in questions {
        let place = plan.add(question);
        plan.places.push(Some(place));
    }
    plan
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn running_values_equal_scans(
        steps in prop::collection::vec(
            (0_i64..30, 0_u64..6, 0_i64..50, 0_u8..16, prop::bool::ANY, -40_i64..60, 0_u8..20),
            30..160,
        ),
    ) {
        let questions = questions();
        let plan = plan_of(&questions);
        let mut log = SubjectLog::default();
        // A day before, so that calendar days change on the way.
        let mut newest = SpanMs::DAY.0 - 600;
        for (number, (gap, other, amount, marks, payer, back, action)) in steps.into_iter().enumerate() {
            newest += gap;
            let at = if back < 0 { TimeMs(newest + back) } else { TimeMs(newest) };
            let horizon = TimeMs(newest - 440);
            let currency = if amount % 7 == 0 { Currency::parse("USD").unwrap() } else { Currency::CNY };
            if action == 0 {
                log.remove(Fingerprint(number as u64 / 2), Feed::TransferPayer);
            }
            let entry = Entry {
                at,
                event: Fingerprint(number as u64),
                other: Token(u128::from(other)).short(),
                amount: (amount % 5 != 0).then_some(Money { minor: amount, currency }),
                feed: if payer { Feed::TransferPayer } else { Feed::TransferPayee },
                marks,
            };
            log.insert(entry, &plan, horizon);
            let event = AskedFor {
                entry: Some(entry.event),
                amount: entry.amount.map(|amount| amount.minor),
                other: Some(entry.other),
                left_out: None,
            };
            let as_of = AsOf { at, horizon, bound: None, event };
            for (index, question) in questions.iter().enumerate() {
                let slow = log.scan(question, plan.calendar(), as_of);
                prop_assert_eq!(log.value(index, &plan, as_of), slow, "{:?} at {:?}", question, at);
                let empty = question.aggregate == Aggregate::SinceLast && !slow.1;
                prop_assert!(empty || slow.1 || slow.0 == 0);
            }
        }
    }
}
