//! Random data of abnormal customers: where events were seen, signals, rules and protections that read it,
//! and what customers authorise (S22).

use std::sync::Arc;

use duecourse::engine::authorisation::{AuthorisedUse, TraceClass, TraceClasses};
use duecourse::engine::base::{Fingerprint, SpanMs, TimeMs, Token};
use duecourse::engine::fact::{Dated, Fact, FactBody, Feed};
use duecourse::engine::life::Word;
use duecourse::engine::measure::{AccountStep, MeasureKind, VictimStep};
use duecourse::engine::protection::{Protection, Softening};
use duecourse::engine::purpose::Purpose;
use duecourse::engine::rule::{Condition, Op, PrecisionRecord, Rule, RuleOrigin, RuleStatus, Term, Trigger};
use duecourse::engine::ruleset::RuleSet;
use duecourse::engine::signal::{Aggregate, Question, Reads, Signal};
use duecourse::engine::subject::{Party, SubjectKind};
use duecourse::engine::verifying::Risk;

use super::dice::Dice;
use super::events::{Event, To, Town, token};
use super::rulesets::text;
use super::signals::random_window;

const DEVICE: u32 = 1 << Feed::DeviceSeenCustomer as u8;
const LOCATION: u32 = 1 << Feed::LocationSeenCustomer as u8;
const AGGREGATES: [Aggregate; 6] = [
    Aggregate::Count,
    Aggregate::Count,
    Aggregate::Distinct,
    Aggregate::SinceLast,
    Aggregate::SinceFirst,
    Aggregate::Returned,
];

impl Town {
    /// Where an event on a party was seen, before its other facts. Drawn apart from the event itself.
    pub fn traced(&self, id: Fingerprint, at: TimeMs, holder: Token, party: &Party) -> Option<(To, Fact)> {
        let mut dice = Dice::new(id.0 ^ 0x7ace);
        let device = dice.chance(70).then(|| token(SubjectKind::Device, dice.below(3) as u64));
        let location = dice.chance(60).then(|| token(SubjectKind::Address, dice.below(3) as u64));
        let body = FactBody::TracesSeen { party: party.clone(), device, location };
        (self.has_traces && dice.chance(80)).then(|| self.of_holder(holder, id, at, body))
    }

    /// Somebody opens another use, or takes that back; kept, so that it is corrected now and then. There are
    /// few numbers, so that they meet.
    pub fn authorise(&mut self, dice: &mut Dice, at: TimeMs) -> Event {
        let id = Fingerprint(dice.next());
        let event = Event { id, facts: self.authorisation(dice, id, at) };
        if dice.chance(30) {
            let (to, fact) = &event.facts[0];
            let dated = |at: TimeMs| Dated { at, body: Box::new(fact.body.clone()) };
            let before = dice.chance(90).then(|| dated(at));
            let after = dice.chance(60).then(|| dated(at.plus(SpanMs(*dice.pick(&[0, 2_000])))));
            let body = FactBody::Corrected { original: id, before, after };
            let corrected = Fact { event: Fingerprint(dice.next()), body, ..fact.clone() };
            self.corrected.push(Event { id: corrected.event, facts: vec![(*to, corrected)] });
        }
        event
    }

    fn authorisation(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let (_, holder) = Town::holder(dice);
        let number: Arc<str> = Arc::from(*dice.pick(&["A", "B", "C", "D", "E", "F", "G", "H"]));
        if dice.chance(25) {
            return vec![self.of_holder(holder, id, at, FactBody::AuthorisationRevoked { number })];
        }
        let all = TraceClass::ALL.iter().filter(|_| dice.chance(85));
        let data = all.fold(TraceClasses::default(), |all, class| all.with(*class));
        let opens = *dice.pick(AuthorisedUse::ALL);
        let until = at.plus(SpanMs(*dice.pick(&[1, 5_000, 60_000, 400_000, 400_000])));
        vec![self.of_holder(holder, id, at, FactBody::AuthorisationGranted { number, opens, data, until })]
    }
}

/// Adds signals over such data, and rules and protections that read them.
pub fn add(dice: &mut Dice, set: &mut RuleSet) {
    for subject in [SubjectKind::Account, SubjectKind::Account, SubjectKind::Holder, SubjectKind::PhoneCard] {
        let number = set.signals.len();
        set.signals.push(random_signal(dice, subject, number));
        let signal = &set.signals[number];
        let party = if subject == SubjectKind::Holder { SubjectKind::Account } else { subject };
        let condition = random_condition(dice, signal, number);
        if signal.purpose == Purpose::PROTECTION {
            set.protections.push(random_protection(dice, party, condition, number));
        } else if signal.purpose == Purpose::DEVICE_DATA || party == SubjectKind::Account {
            let is_victim = signal.purpose == Purpose::VICTIM;
            set.rules.push(random_rule(dice, (party, is_victim), condition, number));
        }
    }
    // One that is made of two of them.
    let made_of = (set.signals.len() - 4, set.signals.len() - 3);
    let (of, to) = (&set.signals[made_of.0], &set.signals[made_of.1]);
    if of.purpose == to.purpose && of.purpose == Purpose::DEVICE_DATA {
        let reads = Reads::Difference { of: made_of.0, to: made_of.1 };
        let name = "trace_made".to_owned();
        let made = Signal { name, reads, ..of.clone() };
        let number = set.signals.len();
        let condition = random_condition(dice, &made, number);
        set.signals.push(made);
        set.rules.push(random_rule(dice, (SubjectKind::Account, false), condition, number));
    }
    set.rules.sort_by(|a, b| a.id.cmp(&b.id));
    set.protections.sort_by(|a, b| a.id.cmp(&b.id));
}

fn random_signal(dice: &mut Dice, subject: SubjectKind, number: usize) -> Signal {
    let feeds = *dice.pick(&[DEVICE, DEVICE, LOCATION, DEVICE | LOCATION]);
    let aggregate = *dice.pick(&AGGREGATES);
    let returned_by = if aggregate == Aggregate::Returned { DEVICE | LOCATION } else { 0 };
    let window = random_window(dice, None);
    let delay = SpanMs(if dice.chance(10) { 2_000 } else { 0 });
    let without_event = dice.chance(20);
    let question = Question {
        returned_by,
        window,
        delay,
        without_event,
        ..Question::sliding(feeds, aggregate, SpanMs(0))
    };
    let purpose = *dice.pick(&[
        Purpose::DEVICE_DATA,
        Purpose::DEVICE_DATA,
        Purpose::VICTIM,
        Purpose::VICTIM,
        Purpose::PROTECTION,
    ]);
    Signal {
        name: format!("trace_{number}"),
        subject,
        reads: Reads::Log(question),
        purpose,
        basis: "b".to_owned(),
        report: None,
        title: text("title"),
    }
}

/// Mostly what holds when something is held, sometimes what would hold if nothing were.
fn random_condition(dice: &mut Dice, signal: &Signal, number: usize) -> Condition {
    let aggregate = signal.question().map(|question| question.aggregate);
    let (op, right) = match aggregate {
        Some(Aggregate::SinceLast | Aggregate::SinceFirst) => (Op::Le, *dice.pick(&[1_000, 20_000, 200_000])),
        _ if dice.chance(75) => (Op::Ge, 1 + dice.below(2) as i64),
        _ => (*dice.pick(&[Op::Eq, Op::Lt, Op::Le]), dice.below(2) as i64),
    };
    let asked = Condition::Compare { left: Term::Signal(number), op, right: Term::Constant(right) };
    match dice.below(8) {
        0 => Condition::Not(Box::new(Condition::Not(Box::new(asked)))),
        // It holds or not by something else too.
        1 => {
            let amount = Term::Field(duecourse::engine::attributes::Field::Amount);
            let large = Condition::Compare { left: amount, op: Op::Ge, right: Term::Constant(300) };
            Condition::Any(vec![large, asked])
        }
        _ => asked,
    }
}

fn random_rule(
    dice: &mut Dice,
    (subject, is_victim): (SubjectKind, bool),
    condition: Condition,
    number: usize,
) -> Rule {
    let measure = match subject {
        SubjectKind::PhoneCard => MeasureKind::PhoneCardReverify,
        _ if is_victim => MeasureKind::Victim(*dice.pick(&[VictimStep::Warn, VictimStep::CoolOff])),
        _ => {
            MeasureKind::Account(*dice.pick(&[AccountStep::VerifyTransaction, AccountStep::LimitNonCounter]))
        }
    };
    let feeds: &[Feed] = match subject {
        SubjectKind::PhoneCard => &[Feed::CardUsageCard],
        _ => &[Feed::TransferPayer, Feed::TransferPayee, Feed::CardPaymentCard],
    };
    let record = PrecisionRecord { data: "d".to_owned(), date: "2026-01-01".to_owned(), per_mille: 900 };
    Rule {
        id: format!("rule-trace-{number}"),
        version: 1,
        title: text("rule"),
        status: if dice.chance(90) { RuleStatus::Enforced } else { RuleStatus::Shadow },
        subject,
        triggers: feeds.iter().map(|feed| Trigger::Feed(*feed)).collect(),
        condition,
        measure,
        measure_for: SpanMs(*dice.pick(&[2_000, 15_000, 60_000])),
        purpose: if is_victim { Purpose::VICTIM } else { Purpose::ANTI_FRAUD },
        basis: "b".to_owned(),
        reason: "r".to_owned(),
        origin: RuleOrigin::Measured(Some(record)),
        harm_budget: None,
        risk: *dice.pick(Risk::ALL),
        quality: None,
    }
}

fn random_protection(
    dice: &mut Dice,
    subject: SubjectKind,
    condition: Condition,
    number: usize,
) -> Protection {
    let (measures, milder): (&[MeasureKind], MeasureKind) = match subject {
        SubjectKind::PhoneCard => (&[MeasureKind::PhoneCardReverify], MeasureKind::PhoneCardReverify),
        _ => (
            &[
                MeasureKind::Account(AccountStep::DelaySettlement),
                MeasureKind::Account(AccountStep::LimitNonCounter),
                MeasureKind::Account(AccountStep::StopNonCounter),
            ],
            MeasureKind::Account(AccountStep::VerifyTransaction),
        ),
    };
    let waives = subject == SubjectKind::PhoneCard || dice.chance(40);
    Protection {
        id: format!("protection-trace-{number}"),
        version: 1,
        title: text("protection"),
        subject,
        measures: measures.to_vec(),
        rules: Vec::new(),
        condition,
        softening: if waives { Softening::Waive } else { Softening::AtMost(milder) },
        basis: "b".to_owned(),
    }
}
