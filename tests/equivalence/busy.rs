//! A busy account: more stands behind its values than evidence looks at (ARCHITECTURE S13).

use std::collections::BTreeMap;
use std::sync::Arc;

use duecourse::engine::base::{Currency, Fingerprint, Money, SpanMs, TimeMs};
use duecourse::engine::cover::ConfigVersion;
use duecourse::engine::disposition::Disposition;
use duecourse::engine::evidence::ENTRIES_MAX;
use duecourse::engine::fact::{Fact, FactBody, Feed, Release, Side, TransferDetails};
use duecourse::engine::input::{Effect, FactsRecord, TimeMode};
use duecourse::engine::lead::Leads;
use duecourse::engine::measure::{AccountStep, MeasureKind};
use duecourse::engine::purpose::Purpose;
use duecourse::engine::retention::Retention;
use duecourse::engine::rule::{Condition, Op, Rule, RuleOrigin, RuleStatus, Term, Trigger};
use duecourse::engine::ruleset::{RuleSet, Settings};
use duecourse::engine::signal::{Aggregate, Question, Reads, Signal};
use duecourse::engine::subject::{Subject, SubjectKind};
use duecourse::engine::verifying::Risk;

use super::dice::Dice;
use super::events::{party, token};
use super::record::alone;
use super::rulesets::{self, START, Shelf, text};
use super::{Who, difference};

const PAYMENTS: i64 = ENTRIES_MAX as i64 + 40;

/// One signal of each aggregate over all of an account's payments.
fn signals() -> Vec<Signal> {
    let question = |aggregate| Question {
        returned_by: if aggregate == Aggregate::Returned { Feed::TransferPayer.bit() } else { 0 },
        ..Question::sliding(Feed::TransferPayer.bit(), aggregate, SpanMs::DAY)
    };
    let of = |(name, aggregate): (&str, Aggregate)| Signal {
        name: name.to_owned(),
        subject: SubjectKind::Account,
        reads: Reads::Log(question(aggregate)),
        purpose: Purpose::ANTI_FRAUD,
        basis: "b".to_owned(),
        report: None,
        title: text("title"),
    };
    Aggregate::ALL.into_iter().map(of).collect()
}

/// For each signal a rule that asks for its value, whatever that is, once there are many payments.
fn rules(signals: &[Signal]) -> Vec<Rule> {
    let at_least = |number: usize, value: i64| Condition::Compare {
        left: Term::Signal(number),
        op: Op::Ge,
        right: Term::Constant(value),
    };
    let count = signals.iter().position(|signal| signal.name == "count").expect("it is among them");
    let rule = |number: usize| Rule {
        id: format!("rule-{number:02}"),
        version: 1,
        title: text("rule"),
        status: RuleStatus::Enforced,
        subject: SubjectKind::Account,
        triggers: vec![Trigger::Feed(Feed::TransferPayer)],
        condition: Condition::All(vec![at_least(count, PAYMENTS - 50), at_least(number, 0)]),
        measure: MeasureKind::Account(AccountStep::VerifyTransaction),
        measure_for: SpanMs(60_000),
        purpose: Purpose::ANTI_FRAUD,
        basis: "b".to_owned(),
        reason: "r".to_owned(),
        origin: RuleOrigin::Limit { effective_from: TimeMs::MIN, effective_to: None },
        harm_budget: None,
        risk: Risk::Low,
        quality: None,
    };
    (0..signals.len()).map(rule).collect()
}

fn rule_set() -> RuleSet {
    let signals = signals();
    let random = rulesets::random(&mut Dice::new(1), 1);
    RuleSet {
        rules: rules(&signals),
        signals,
        limits: Vec::new(),
        protections: Vec::new(),
        leads: Leads::default(),
        specials: BTreeMap::new(),
        retention: Retention::WITHOUT_END,
        settings: Settings { lateness: SpanMs(0), override_for: SpanMs(1), ..random.settings },
        ..random
    }
}

/// The rules are activated, then one account pays again and again.
fn records(bundle: &str) -> Vec<FactsRecord> {
    let route = Subject::new(SubjectKind::Holder, token(SubjectKind::Holder, 1));
    let mut dice = Dice::new(7);
    let mut bodies = vec![
        FactBody::RuleSetActivated { bundle: Arc::from(bundle), release: Release::default() },
        FactBody::WentLive,
    ];
    bodies.extend((0..PAYMENTS).map(|_| FactBody::Transfer {
        side: Side::Payer,
        account: party(SubjectKind::Account, 1),
        counterparty: token(SubjectKind::Account, 2 + dice.below(300) as u64),
        amount: Money { minor: 1 + dice.below(5_000) as i64, currency: Currency::CNY },
        details: TransferDetails::default(),
        other_side: None,
    }));
    let announced = FactsRecord::VersionAnnounced(ConfigVersion { from: TimeMs::MIN, number: 1 });
    // Two days pass before the first payment, so that its signals are warm.
    let at = |place: i64| START.plus(SpanMs(place.min(2) * SpanMs::DAY.0 + place * 1_000));
    let facts = (0..).zip(bodies).map(|(place, body)| {
        alone(0, place, Fact { event: Fingerprint(1 + place as u64), at: at(place), route, body })
    });
    std::iter::once(announced).chain(facts).collect()
}

#[test]
fn a_busy_account_is_judged_and_shown_alike() {
    let shelf = Shelf(BTreeMap::from([("busy".to_owned(), Arc::new(rule_set()))]));
    let records = records("busy");
    let who = Who { partition: 0, partitions: 1, time: TimeMode::Event, restarts: false };
    if let Some(found) = difference(who, &records, &shelf) {
        super::print_difference(&found);
        panic!("they differ at record {}", found.at);
    }
    let mut engine = who.engine();
    let mut effects: Vec<Effect> = Vec::new();
    for (offset, record) in records.iter().enumerate() {
        engine.apply(offset as u64, record, &shelf, &mut effects).expect("it applies");
    }
    let counts: Vec<u64> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Disposed(disposition) => match &**disposition {
                Disposition::MeasureSet(set) => Some(set.evidence()),
                _ => None,
            },
            _ => None,
        })
        .flat_map(|evidence| evidence.signals.iter().map(|signal| signal.events_count))
        .collect();
    assert!(counts.iter().any(|count| *count < ENTRIES_MAX as u64), "some evidence shows all there is");
    let cut = counts.iter().filter(|count| **count == ENTRIES_MAX as u64).count();
    assert!(cut > 8 * Aggregate::ALL.len(), "{cut} values with more behind them than evidence shows");
    assert!(counts.iter().all(|count| *count <= ENTRIES_MAX as u64));
}
