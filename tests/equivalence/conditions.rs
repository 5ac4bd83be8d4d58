//! Random rules, protections and the conditions of both.

use duecourse::engine::attributes::{Field, FieldType};
use duecourse::engine::base::SpanMs;
use duecourse::engine::fact::Feed;
use duecourse::engine::life::Word;
use duecourse::engine::measure::{AccountStep, MeasureKind, VictimStep};
use duecourse::engine::protection::{Protection, Softening};
use duecourse::engine::purpose::Purpose;
use duecourse::engine::rule::{
    Condition, HarmBudget, Op, PrecisionRecord, Rule, RuleOrigin, RuleStatus, Term, Trigger,
};
use duecourse::engine::signal::{Aggregate, Reads, Signal};
use duecourse::engine::subject::SubjectKind;

use super::dice::Dice;
use super::rulesets::{START, random_quality, text};

const ACCOUNT_MEASURES: &[MeasureKind] = &[
    MeasureKind::Account(AccountStep::VerifyTransaction),
    MeasureKind::Account(AccountStep::DelaySettlement),
    MeasureKind::Account(AccountStep::LimitNonCounter),
    MeasureKind::Account(AccountStep::StopNonCounter),
    MeasureKind::Account(AccountStep::ReverifyIdentity),
    MeasureKind::Victim(VictimStep::Warn),
    MeasureKind::Victim(VictimStep::CoolOff),
];

/// Kinds of party, what rules about them are triggered by and may ask for, and their weights.
const PARTIES: [(SubjectKind, &[Feed], &[MeasureKind]); 4] = [
    (
        SubjectKind::Account,
        &[
            Feed::TransferPayer,
            Feed::TransferPayee,
            Feed::CardPaymentCard,
            Feed::FraudConfirmedPayer,
            Feed::FraudConfirmedPayee,
        ],
        ACCOUNT_MEASURES,
    ),
    (SubjectKind::PhoneCard, &[Feed::CardUsageCard], &[MeasureKind::PhoneCardReverify]),
    (SubjectKind::IotCard, &[Feed::CardUsageCard], &[MeasureKind::IotCardReverify]),
    (SubjectKind::Opening, &[Feed::OpeningRequestedHolder], &[MeasureKind::OpeningCheckFurther]),
];

pub fn random_rules(dice: &mut Dice, signals: &[Signal]) -> Vec<Rule> {
    let count = 4 + dice.below(9);
    let mut rules: Vec<Rule> = (0..count).map(|n| random_rule(dice, n, signals)).collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    rules
}

/// The signals that a rule or protection about a kind of party may read.
pub fn readable(subject: SubjectKind, signals: &[Signal]) -> Vec<usize> {
    let may_read = |kind: SubjectKind| match kind {
        SubjectKind::Pair | SubjectKind::Counterparty => subject == SubjectKind::Account,
        kind => kind == subject || kind == SubjectKind::Holder || !kind.lives_with_holder(),
    };
    let is_told = |signal: &Signal| signal.subject.lives_with_holder() || signal.report.is_some();
    (0..signals.len()).filter(|n| may_read(signals[*n].subject) && is_told(&signals[*n])).collect()
}

fn random_rule(dice: &mut Dice, n: usize, signals: &[Signal]) -> Rule {
    let (subject, feeds, measures) = PARTIES[dice.weighted(&[6, 2, 1, 4])];
    let readable = readable(subject, signals);
    let condition = random_condition(dice, subject, &readable, signals, 2);
    let reads_pair = {
        let mut found = false;
        condition.signals(&mut |number| found |= signals[number].subject == SubjectKind::Pair);
        found
    };
    let mut triggers: Vec<Trigger> =
        feeds.iter().filter(|_| dice.chance(70)).map(|feed| Trigger::Feed(*feed)).collect();
    // Who is told of a device has no other side; who is told of a counterparty has.
    let told: Vec<usize> = readable
        .iter()
        .copied()
        .filter(|n| signals[*n].report.is_some())
        .filter(|n| !reads_pair || signals[*n].subject == SubjectKind::Counterparty)
        .collect();
    for _ in 0..2 {
        if !told.is_empty() && dice.chance(50) {
            let trigger = Trigger::Report(*dice.pick(&told));
            if !triggers.contains(&trigger) {
                triggers.push(trigger);
            }
        }
    }
    let status = match dice.below(6) {
        0 => RuleStatus::Shadow,
        1 if dice.chance(30) => RuleStatus::Off,
        _ => RuleStatus::Enforced,
    };
    let harm_budget = dice.chance(40).then(|| HarmBudget {
        hours_max: *dice.pick(&[1, 1, 2, 3, 40]),
        per: *dice.pick(&[SpanMs(30_000), SpanMs(200_000), SpanMs::DAY]),
    });
    let hour = SpanMs::HOUR.0;
    let spans: &[i64] = match harm_budget {
        Some(_) => &[15_000, hour / 3, hour / 2, hour, 3 * hour],
        None => &[2_000, 15_000, 60_000, 120_000],
    };
    Rule {
        id: format!("rule-{:02}-{}", dice.below(50), n),
        version: 1,
        title: text("rule"),
        status,
        subject,
        triggers,
        condition,
        measure: *dice.pick(measures),
        measure_for: SpanMs(*dice.pick(spans)),
        purpose: Purpose::ANTI_FRAUD,
        basis: "b".to_owned(),
        reason: "r".to_owned(),
        origin: random_origin(dice, subject),
        harm_budget,
        risk: *dice.pick(duecourse::engine::verifying::Risk::ALL),
        quality: random_quality(dice),
    }
}

fn random_origin(dice: &mut Dice, subject: SubjectKind) -> RuleOrigin {
    if subject != SubjectKind::Opening && dice.chance(20) {
        let effective_from = START.plus(SpanMs(*dice.pick(&[-1_000_000, 20_000])));
        let effective_to = dice.chance(50).then(|| START.plus(SpanMs(*dice.pick(&[40_000, 100_000]))));
        return RuleOrigin::Limit { effective_from, effective_to };
    }
    let record = || PrecisionRecord { data: "d".to_owned(), date: "2026-01-01".to_owned(), per_mille: 900 };
    RuleOrigin::Measured(dice.chance(90).then(record))
}

pub fn random_protections(dice: &mut Dice, signals: &[Signal]) -> Vec<Protection> {
    let count = dice.below(4);
    let random = |n: usize| {
        let (subject, _, measures) = PARTIES[dice.weighted(&[6, 1, 1, 2])];
        let readable = readable(subject, signals);
        let met: Vec<MeasureKind> = measures.iter().copied().filter(|_| dice.chance(60)).collect();
        let softening = match dice.below(3) {
            0 => Softening::Waive,
            _ => Softening::AtMost(*dice.pick(measures)),
        };
        Protection {
            id: format!("protection-{n}"),
            version: 1 + dice.below(3) as u32,
            title: text("protection"),
            subject,
            measures: met,
            rules: Vec::new(),
            condition: random_condition(dice, subject, &readable, signals, 1),
            softening,
            basis: "b".to_owned(),
        }
    };
    (0..count).map(random).collect()
}

pub fn random_condition(
    dice: &mut Dice,
    subject: SubjectKind,
    readable: &[usize],
    signals: &[Signal],
    depth: usize,
) -> Condition {
    let parts = |dice: &mut Dice| -> Vec<Condition> {
        let count = 1 + dice.below(2);
        (0..count).map(|_| random_condition(dice, subject, readable, signals, depth - 1)).collect()
    };
    match if depth == 0 { 9 } else { dice.below(10) } {
        0 | 1 => Condition::All(parts(dice)),
        2 | 3 => Condition::Any(parts(dice)),
        4 => Condition::Not(Box::new(random_condition(dice, subject, readable, signals, depth - 1))),
        _ => random_comparison(dice, subject, readable, signals, depth),
    }
}

fn random_comparison(
    dice: &mut Dice,
    subject: SubjectKind,
    readable: &[usize],
    signals: &[Signal],
    depth: usize,
) -> Condition {
    if readable.is_empty() || dice.chance(18) {
        return field_comparison(dice);
    }
    let number = *dice.pick(readable);
    let signal = |number| Box::new(Term::Signal(number));
    let amount = Term::Field(Field::Amount);
    let left = match dice.below(9) {
        0 => Term::Add(signal(number), signal(*dice.pick(readable))),
        1 => Term::Mul(signal(number), Box::new(Term::Constant(2))),
        2 => Term::Sub(signal(number), Box::new(amount.clone())),
        3 => Term::Sub(signal(number), signal(*dice.pick(readable))),
        4 if depth > 0 => {
            let asked = random_condition(dice, subject, readable, signals, depth - 1);
            Term::If(Box::new(asked), signal(number), Box::new(Term::Constant(dice.below(5) as i64)))
        }
        _ => Term::Signal(number),
    };
    let op = *dice.pick(&[Op::Gt, Op::Ge, Op::Ge, Op::Ge, Op::Lt, Op::Le, Op::Eq, Op::Ne]);
    let right = if dice.chance(85) { Term::Constant(threshold(dice, &signals[number])) } else { amount };
    Condition::Compare { left, op, right }
}

/// Something that values of a signal come near to.
fn threshold(dice: &mut Dice, signal: &Signal) -> i64 {
    let time = |dice: &mut Dice| *dice.pick(&[0, 1_000, 4_000, 20_000, 60_000]);
    match &signal.reads {
        Reads::SinceOpened => time(dice),
        Reads::MeasuresStanding => dice.below(3) as i64,
        Reads::Ratio { scale, .. } => dice.below(3 * *scale as usize + 1) as i64,
        Reads::Difference { .. } => dice.below(60) as i64 - 10,
        Reads::Log(question) => match question.aggregate {
            Aggregate::SinceLast | Aggregate::SinceFirst => time(dice),
            Aggregate::LargestShare => *dice.pick(&[0, 300, 500, 900, 1_000]),
            kind if kind.reads_amount() => *dice.pick(&[0, 1, 50, 100, 120, 300, 400, 900]),
            _ => dice.below(4) as i64,
        },
    }
}

/// What an event says, against a value it may have.
fn field_comparison(dice: &mut Dice) -> Condition {
    let field = *dice.pick(&Field::ALL);
    let value = match field.value_type() {
        FieldType::Money => *dice.pick(&[0, 50, 100, 300]),
        FieldType::Count => dice.below(4) as i64,
        FieldType::Flag => dice.below(2) as i64,
        FieldType::Word(words) => dice.pick(words).1,
    };
    let op = match field.value_type() {
        FieldType::Money | FieldType::Count => *dice.pick(&[Op::Gt, Op::Ge, Op::Lt, Op::Le]),
        FieldType::Flag | FieldType::Word(_) => *dice.pick(&[Op::Eq, Op::Ne, Op::Ne]),
    };
    Condition::Compare { left: Term::Field(field), op, right: Term::Constant(value) }
}
