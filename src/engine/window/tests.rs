//! Running values against scans, on random logs.

use super::*;
use crate::engine::base::{Currency, SpanMs, Token};
use crate::engine::calendar::CalendarUnit;
use crate::engine::signal::{Aggregate, Mark, OtherSide, Question, Resembling, Window};
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
                all.push(Question { without_event: true, delay: SpanMs(30), ..plain });
                all.push(Question { only: Mark::Cash.bit(), without: Mark::Own.bit(), ..plain });
                let other = if feeds == payer { OtherSide::Same } else { OtherSide::Different };
                let like = Resembling { low_per_mille: 900, high_per_mille: 1_200, other };
                all.push(Question { resembling: Some(like), ..plain });
                let smaller = Resembling { low_per_mille: 0, high_per_mille: 600, other: OtherSide::Any };
                let resembling = Some(smaller);
                all.push(Question { resembling, ..plain });
                all.push(Question { resembling, without_event: feeds != payee, delay: SpanMs(30), ..plain });
                let resembling = Some(Resembling { high_per_mille: 1_200, ..smaller });
                all.push(Question { resembling, amount_min: Some(10), without_event: true, ..plain });
            }
        }
    }
    all
}

fn plan_of(questions: &[Question]) -> Plan {
    let mut plan = Plan::default();
    for question in questions {
        plan.add(Some(question));
    }
    plan
}

type StepOf = (i64, u64, i64, u8, bool, i64, u8);

/// Applies random steps to a log and compares every value with a scan.
fn compare(questions: &[Question], steps: Vec<StepOf>, slack: i64) -> Result<(), TestCaseError> {
    let plan = plan_of(questions);
    let (mut store, mut log) = (Store::default(), SubjectLog::default());
    let mut running_count = 0;
    // Shortly before midnight, so that calendar days change on the way.
    let mut newest = SpanMs::DAY.0 * 9 - 600;
    for (number, (gap, other, amount, marks, payer, back, action)) in steps.into_iter().enumerate() {
        newest += gap;
        let at = if back < 0 { TimeMs(newest + back) } else { TimeMs(newest) };
        let horizon = TimeMs(newest - plan.reach_max.0 - slack);
        let currency = if amount % 7 == 0 { Currency::parse("USD").unwrap() } else { Currency::CNY };
        if action == 0 && number % 3 == 0 {
            log.remove(Fingerprint(number as u64 / 2), Feed::TransferPayer, &mut store);
        }
        let entry = Entry {
            at,
            event: Fingerprint(number as u64),
            other: Token(u128::from(other)).short(),
            amount: (amount % 5 != 0).then_some(Money { minor: amount, currency }),
            feed: if payer { Feed::TransferPayer } else { Feed::TransferPayee },
            marks,
        };
        if at > horizon {
            let number = store.add(&entry, 1);
            log.insert(number, &mut store, &plan, horizon);
        }
        let event = AskedFor {
            entry: Some(entry.event),
            amount: entry.amount.map(|amount| amount.minor),
            other: Some(entry.other),
            left_out: None,
        };
        // Also at a time at which nothing happens.
        for at in [at, TimeMs(at.0 + i64::from(action) / 4)] {
            let as_of = AsOf { at, horizon, bound: None, event };
            // An evaluation of the past would have to build anew: not before each late entry.
            if back < 0 && number % 4 != 0 {
                continue;
            }
            // Several entries may come in, and go, before anything is asked again.
            if number % 7 < 3 {
                continue;
            }
            let most = log.most(&store);
            let mut values = Values::default();
            for (index, question) in questions.iter().enumerate() {
                let slow = log.scan(question, &store, plan.calendar(), as_of);
                let value = values.get(index).or_else(|| log.value(index, &store, &plan, as_of, &mut values));
                let value =
                    value.unwrap_or_else(|| log.value_moved(index, &mut store, &plan, as_of, &mut values));
                prop_assert_eq!(value, slow, "{:?} at {:?}", question, at);
                let bound = Most::bound(question.aggregate).map_or(i64::MAX, |bound| most.value(bound));
                prop_assert!(slow.0 <= bound, "{:?} is {:?}, bounded by {}", question, slow, bound);
            }
            running_count += usize::from(log.running(&store).is_some());
        }
        // As when a snapshot holds the log: the copy that goes on has the running values that there were.
        if number % 11 == 0 {
            let copy = log.clone();
            let running = |log: &SubjectLog| log.running(&store).map(std::ptr::from_ref);
            prop_assert_eq!(running(&copy), running(&log));
            log = copy;
        }
    }
    // What is compared must not all have been scans.
    prop_assert!(running_count > 0 || log.len() <= SCANNED_MAX);
    log.forget(&mut store, TimeMs(i64::MAX));
    prop_assert_eq!((store.running.len(), store.len()), (0, 0));
    Ok(())
}

#[test]
fn a_log_takes_24_bytes() {
    assert_eq!(size_of::<SubjectLog>(), 24);
}

fn steps() -> impl Strategy<Value = Vec<StepOf>> {
    let step = (0_i64..30, 0_u64..6, 0_i64..50, 0_u8..16, prop::bool::ANY, -40_i64..60, 0_u8..20);
    prop::collection::vec(step, 40..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn running_values_equal_scans_over_sliding_windows(steps in steps(), slack in -20_i64..60) {
        let mut questions = questions();
        questions.retain(|question| matches!(question.window, Window::Sliding(_)));
        compare(&questions, steps, slack.max(0))?;
    }

    #[test]
    fn running_values_equal_scans_over_calendar_windows(steps in steps()) {
        let mut questions = questions();
        questions.retain(|question| !matches!(question.window, Window::Sliding(SpanMs(50))));
        compare(&questions, steps, 100)?;
    }
}
