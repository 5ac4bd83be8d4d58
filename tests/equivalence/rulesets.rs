//! Random rule sets over a fixed pool of signals: all aggregates, overlapping feeds, several windows.

use std::collections::BTreeMap;
use std::sync::Arc;

use duecourse::engine::LoadRules;
use duecourse::engine::base::{Bilingual, Currency, SpanMs, TimeMs};
use duecourse::engine::fact::{Feed, Product};
use duecourse::engine::limit::{Limit, LimitForce, LimitStatus, SharedCount};
use duecourse::engine::measure::{AccountStep, Lane, Measure, MeasureKind, VictimStep};
use duecourse::engine::notice::{Channels, MeasureText, NoticeTexts};
use duecourse::engine::purpose::Purpose;
use duecourse::engine::rule::{Condition, Op, PrecisionRecord, Rule, RuleStatus, Term, Trigger};
use duecourse::engine::ruleset::{RuleSet, Settings};
use duecourse::engine::signal::{Aggregate, Signal};
use duecourse::engine::subject::SubjectKind;

use super::dice::Dice;

pub const START: TimeMs = TimeMs(1_700_000_000_000);

/// Rule sets by the text that activates them.
#[derive(Default)]
pub struct Shelf(pub BTreeMap<String, Arc<RuleSet>>);

impl LoadRules for Shelf {
    fn load(&self, bundle: &str) -> Result<Arc<RuleSet>, String> {
        self.0.get(bundle).cloned().ok_or_else(|| "no such bundle".to_owned())
    }
}

fn text(s: &str) -> Bilingual {
    Bilingual { zh: s.to_owned(), en: s.to_owned() }
}

const POOL: [(&str, SubjectKind, &[Feed], Aggregate); 22] = {
    use Aggregate::*;
    use Feed::*;
    use SubjectKind as K;
    [
        ("in_sum", K::Account, &[TransferPayee], Sum),
        ("out_sum", K::Account, &[TransferPayer, CardPaymentCard], Sum),
        ("in_from", K::Account, &[TransferPayee], Distinct),
        ("out_to", K::Account, &[TransferPayer], Distinct),
        ("moves", K::Account, &[TransferPayer, TransferPayee], Count),
        ("max_move", K::Account, &[TransferPayer, TransferPayee], Max),
        ("min_in", K::Account, &[TransferPayee], Min),
        ("last_in", K::Account, &[TransferPayee], Last),
        ("holder_count", K::Holder, &[TransferPayer, OpeningRequestedHolder, CardUsageCard], Count),
        ("holder_sum", K::Holder, &[TransferPayer, TransferPayee], Sum),
        ("holder_others", K::Holder, &[TransferPayer, CardPaymentCard], Distinct),
        ("pair_count", K::Pair, &[TransferPayer, CardPaymentCard], Count),
        ("pair_max", K::Pair, &[TransferPayer], Max),
        ("card_devices", K::PhoneCard, &[CardUsageCard], Distinct),
        ("card_uses", K::PhoneCard, &[CardUsageCard], Count),
        ("device_holders", K::Device, &[OpeningRequestedDevice, TransferDevice, CardUsageDevice], Distinct),
        ("device_uses", K::Device, &[TransferDevice, CardUsageDevice], Count),
        ("agent_burst", K::Agent, &[OpeningRequestedAgent], Count),
        ("agent_holders", K::Agent, &[OpeningRequestedAgent], Distinct),
        ("number_holders", K::PhoneNumber, &[OpeningRequestedPhoneNumber], Distinct),
        ("outlet_count", K::Outlet, &[OpeningRequestedOutlet], Count),
        ("terminal_count", K::Terminal, &[CardPaymentTerminal], Count),
    ]
};

/// A rule set of random signals, rules and limits. Signals are in the pool's order.
pub fn random(dice: &mut Dice, version: u32) -> RuleSet {
    let mut signals = Vec::new();
    for (name, subject, feeds, aggregate) in POOL {
        let windows: usize = if dice.chance(25) { 2 } else { usize::from(dice.chance(75)) };
        for number in 0..windows {
            let shared = !subject.lives_with_holder();
            signals.push(Signal {
                name: format!("{name}_{number}"),
                subject,
                feeds: feeds.iter().map(|feed| feed.bit()).sum(),
                aggregate,
                window: SpanMs(*dice.pick(&[3_000, 20_000, 60_000, 200_000])),
                currency: if dice.chance(90) { Currency::CNY } else { usd() },
                purpose: if shared { Purpose::SHARED_SUBJECT } else { Purpose::ANTI_FRAUD },
                basis: "b".to_owned(),
                report_level: shared.then(|| 1 + dice.below(3) as u64),
                title: text("title"),
            });
        }
    }
    let rules_count = 3 + dice.below(8);
    let mut rules: Vec<Rule> = (0..rules_count).filter_map(|n| random_rule(dice, n, &signals)).collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    let limits_count = dice.below(4);
    let limits = (0..limits_count).map(|n| random_limit(dice, n)).collect();
    RuleSet {
        version,
        sha256: [version as u8; 32],
        signals,
        rules,
        limits,
        notices: notices(),
        settings: Settings {
            duplicate_horizon: SpanMs(*dice.pick(&[20_000, 500_000])),
            lateness: SpanMs(*dice.pick(&[0, 5_000, 60_000])),
            override_for: SpanMs(*dice.pick(&[10_000, 100_000])),
            reservation_for: SpanMs(*dice.pick(&[15_000, 60_000])),
            answer_for: SpanMs(*dice.pick(&[10_000, 80_000])),
            appeal_window: SpanMs(*dice.pick(&[5_000, 200_000])),
        },
    }
}

/// A later rule set: some signals, rules and titles the same, some not.
pub fn changed(dice: &mut Dice, old: &RuleSet) -> RuleSet {
    let mut new = old.clone();
    new.version += 1;
    new.sha256 = [new.version as u8; 32];
    for signal in &mut new.signals {
        if dice.chance(20) {
            signal.window = SpanMs(*dice.pick(&[10_000, 40_000, 300_000]));
        }
        if dice.chance(20) {
            signal.title = text("another title");
        }
    }
    for rule in &mut new.rules {
        if dice.chance(30) {
            rule.version += 1;
            rule.status = *dice.pick(&[RuleStatus::Enforced, RuleStatus::Shadow, RuleStatus::Off]);
        }
    }
    for limit in &mut new.limits {
        if dice.chance(30) {
            limit.version += 1;
            limit.count_max = 1 + dice.below(3) as u32;
        }
    }
    new.settings.reservation_for = SpanMs(*dice.pick(&[15_000, 60_000]));
    new
}

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

fn random_rule(dice: &mut Dice, n: usize, signals: &[Signal]) -> Option<Rule> {
    use MeasureKind as M;
    let (subject, feeds, measures): (_, &[Feed], &[M]) = match dice.below(6) {
        0..=2 => (
            SubjectKind::Account,
            &[Feed::TransferPayer, Feed::TransferPayee, Feed::CardPaymentCard],
            &[
                M::Account(AccountStep::VerifyTransaction),
                M::Account(AccountStep::DelaySettlement),
                M::Account(AccountStep::LimitNonCounter),
                M::Account(AccountStep::StopNonCounter),
                M::Account(AccountStep::ReverifyIdentity),
                M::Victim(VictimStep::Warn),
            ],
        ),
        3 => (SubjectKind::PhoneCard, &[Feed::CardUsageCard], &[M::PhoneCardReverify]),
        _ => (SubjectKind::Opening, &[Feed::OpeningRequestedHolder], &[M::OpeningCheckFurther]),
    };
    let readable: Vec<usize> = (0..signals.len())
        .filter(|number| {
            let kind = signals[*number].subject;
            let has_pair = subject == SubjectKind::Account;
            kind == subject
                || kind == SubjectKind::Holder
                || !kind.lives_with_holder()
                || (kind == SubjectKind::Pair && has_pair)
        })
        .collect();
    if readable.is_empty() {
        return None;
    }
    let reported: Vec<usize> =
        readable.iter().copied().filter(|number| signals[*number].report_level.is_some()).collect();
    let reads_pair = |condition: &Condition| {
        let mut found = false;
        condition.signals(&mut |number| found |= signals[number].subject == SubjectKind::Pair);
        found
    };
    let condition = random_condition(dice, &readable, signals, 2);
    let mut triggers: Vec<Trigger> =
        feeds.iter().filter(|_| dice.chance(70)).map(|feed| Trigger::Feed(*feed)).collect();
    if !reported.is_empty() && !reads_pair(&condition) && dice.chance(60) {
        triggers.push(Trigger::Report(*dice.pick(&reported)));
    }
    let status = match dice.below(6) {
        0 => RuleStatus::Shadow,
        1 if dice.chance(30) => RuleStatus::Off,
        _ => RuleStatus::Enforced,
    };
    Some(Rule {
        id: format!("rule-{:02}-{}", dice.below(50), n),
        version: 1,
        title: text("rule"),
        status,
        subject,
        triggers,
        condition,
        measure: *dice.pick(measures),
        measure_for: SpanMs(*dice.pick(&[2_000, 15_000, 60_000, 120_000])),
        purpose: Purpose::ANTI_FRAUD,
        basis: "b".to_owned(),
        reason: "r".to_owned(),
        precision: dice.chance(90).then(|| PrecisionRecord {
            data: "d".to_owned(),
            date: "2026-01-01".to_owned(),
            per_mille: 900,
        }),
    })
}

fn random_condition(dice: &mut Dice, readable: &[usize], signals: &[Signal], depth: usize) -> Condition {
    let parts = |dice: &mut Dice| -> Vec<Condition> {
        (0..1 + dice.below(2)).map(|_| random_condition(dice, readable, signals, depth - 1)).collect()
    };
    match if depth == 0 { 9 } else { dice.below(10) } {
        0 | 1 => Condition::All(parts(dice)),
        2 | 3 => Condition::Any(parts(dice)),
        4 => Condition::Not(Box::new(random_condition(dice, readable, signals, depth - 1))),
        _ => {
            let number = *dice.pick(readable);
            let is_amount = signals[number].aggregate.reads_amount();
            let threshold = if is_amount { dice.below(900) as i64 } else { dice.below(4) as i64 };
            let left = match dice.below(6) {
                0 => Term::Add(Box::new(Term::Signal(number)), Box::new(Term::Signal(*dice.pick(readable)))),
                1 => Term::Mul(Box::new(Term::Signal(number)), Box::new(Term::Constant(2))),
                2 => Term::Sub(Box::new(Term::Signal(number)), Box::new(Term::EventAmount)),
                _ => Term::Signal(number),
            };
            let op = *dice.pick(&[Op::Gt, Op::Ge, Op::Ge, Op::Ge, Op::Lt, Op::Le, Op::Eq, Op::Ne]);
            let right = if dice.chance(85) { Term::Constant(threshold) } else { Term::EventAmount };
            Condition::Compare { left, op, right }
        }
    }
}

fn random_limit(dice: &mut Dice, n: usize) -> Limit {
    let products: &[&[Product]] = &[
        &[Product::PhoneCard],
        &[Product::BankAccountI],
        &[Product::BankAccountII, Product::BankAccountI],
        &[Product::PaymentAccountI, Product::BankAccountI, Product::PhoneCard],
    ];
    Limit {
        id: format!("limit-{n}"),
        version: 1,
        title: text("limit"),
        products: dice.pick(products).to_vec(),
        count_max: 1 + dice.below(3) as u32,
        force: if dice.chance(60) { LimitForce::Refuse } else { LimitForce::CheckFurther },
        shared: if dice.chance(30) { SharedCount::Needed } else { SharedCount::NotNeeded },
        effective_from: if dice.chance(80) { TimeMs(0) } else { START.plus(SpanMs(60_000)) },
        effective_to: dice.chance(20).then(|| START.plus(SpanMs(200_000))),
        basis: "b".to_owned(),
        status: LimitStatus::VerifiedText,
        reason: "r".to_owned(),
    }
}

fn notices() -> NoticeTexts {
    let table = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), text(key))).collect();
    let measure = |kind: MeasureKind| {
        let name = Measure::from(kind).name();
        let words = MeasureText { scope: text(name), still_works: text("rest"), papers: text("id") };
        (name.to_owned(), words)
    };
    NoticeTexts {
        reasons: table(&["r"]),
        bases: table(&["b"]),
        measures: MeasureKind::ALL.into_iter().map(measure).collect(),
        remedies: Lane::ALL.into_iter().map(|lane| (lane.name().to_owned(), text("remedy"))).collect(),
        channels: Channels { offline: text("counter"), online: text("app") },
        answer_within: SpanMs::days(15),
        utc_offset_minutes: 480,
    }
}
