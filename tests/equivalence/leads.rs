//! Random rules that refer, and what authorities answer (S23). Their dice are their own: the other choices of a
//! seed stay what they were.

use std::sync::Arc;

use duecourse::engine::base::{Fingerprint, SpanMs, TimeMs};
use duecourse::engine::fact::{Fact, FactBody, Feed};
use duecourse::engine::input::Effect;
use duecourse::engine::lead::{
    LeadAuthority, LeadField, LeadKind, LeadNews, LeadOutcome, LeadRef, LeadRule, LeadTerms, Leads, route_of,
};
use duecourse::engine::life::{LeadAct, LeadEvent, LeadGuard, Life, OfLead, State, Step, Word};
use duecourse::engine::order::Level;
use duecourse::engine::purpose::Purpose;
use duecourse::engine::rule::{PrecisionRecord, Quality, RuleStatus};
use duecourse::engine::signal::{Reads, Signal};
use duecourse::engine::subject::SubjectKind;
use duecourse::engine::verifying::Risk;

use super::conditions::{random_condition, readable};
use super::dice::Dice;
use super::events::{To, Town};
use super::rulesets::text;

/// Kinds of subject that are referred, and by which events.
const SUBJECTS: [(SubjectKind, &[Feed]); 5] = [
    (SubjectKind::PhoneCard, &[Feed::CardUsageCard]),
    (SubjectKind::Device, &[Feed::CardUsageDevice, Feed::TransferDevice, Feed::OpeningRequestedDevice]),
    (
        SubjectKind::Account,
        &[Feed::TransferPayer, Feed::TransferPayee, Feed::CardPaymentCard, Feed::FraudConfirmedPayee],
    ),
    (SubjectKind::Terminal, &[Feed::CardPaymentTerminal, Feed::FraudConfirmedTerminal]),
    (SubjectKind::Agent, &[Feed::OpeningRequestedAgent, Feed::DeviceSaleAgent]),
];

/// In most rule sets some, in some none; and in some no table of their life.
pub fn random_leads(dice: &mut Dice, signals: &[Signal]) -> Leads {
    let count = dice.below(5);
    let rules = (0..count).map(|number| random_rule(dice, number, signals)).collect();
    let linked = dice.chance(80).then(|| terms(dice, "linked"));
    Leads { rules, linked }
}

fn random_rule(dice: &mut Dice, number: usize, signals: &[Signal]) -> LeadRule {
    let (subject, feeds) = SUBJECTS[dice.weighted(&[4, 6, 2, 2, 1])];
    let reads: Vec<usize> = if subject.lives_with_holder() {
        readable(subject, signals)
    } else {
        let own = |place: &usize| {
            let signal = &signals[*place];
            signal.subject == subject && matches!(signal.reads, Reads::Log(_))
        };
        (0..signals.len()).filter(own).collect()
    };
    // A shared subject has no event of a person's to read.
    let said = if subject.lives_with_holder() { subject } else { SubjectKind::Pair };
    let mut triggers: Vec<Feed> = feeds.iter().copied().filter(|_| dice.chance(75)).collect();
    if triggers.is_empty() {
        triggers.push(feeds[0]);
    }
    LeadRule {
        terms: terms(dice, &format!("lead_{number}")),
        kind: *dice.pick(LeadKind::ALL),
        status: *dice.pick(&[
            RuleStatus::Enforced,
            RuleStatus::Enforced,
            RuleStatus::Enforced,
            RuleStatus::Enforced,
            RuleStatus::Shadow,
            RuleStatus::Off,
        ]),
        subject,
        triggers,
        condition: random_condition(dice, said, &reads, signals, 1),
        purpose: Purpose::ANTI_FRAUD,
        precision: dice.chance(85).then(|| PrecisionRecord {
            data: "d".to_owned(),
            date: "2026-01-01".to_owned(),
            per_mille: 500,
        }),
        quality: dice.chance(50).then(|| Quality {
            overturned_per_mille_max: *dice.pick(&[0, 300]),
            verified_per_mille_max: 1_000,
            measures_min: *dice.pick(&[1, 2]),
        }),
        again_after: SpanMs(*dice.pick(&[1, 5_000, 40_000])),
        open_max: *dice.pick(&[1, 2, 100]),
    }
}

fn terms(dice: &mut Dice, id: &str) -> LeadTerms {
    LeadTerms {
        id: id.to_owned(),
        version: 1,
        title: text(id),
        basis: "b".to_owned(),
        reason: text("why"),
        risk: Risk::Medium,
        authority: LeadAuthority {
            name: Arc::from("police"),
            title: text("police"),
            level: Level::Prefecture,
        },
        fields: vec![LeadField::Subject, LeadField::Signals],
        answer_within: SpanMs(*dice.pick(&[1_000, 8_000, 30_000])),
    }
}

/// Steps like the shipped ones, some left out.
pub fn random_life(dice: &mut Dice) -> Option<Life<OfLead>> {
    const NAMES: [&str; 6] = ["confirmed", "given_up", "no_action", "not_confirmed", "overdue", "sent"];
    if dice.chance(8) {
        return None;
    }
    let number = |name: &str| NAMES.iter().position(|known| *known == name).expect("a state");
    let mut steps = Vec::new();
    let mut step = |from: &[&str], on, only_if: &[LeadGuard], to: &str, acts: &[LeadAct]| {
        steps.extend(from.iter().map(|from| Step {
            from: number(from),
            on,
            only_if: only_if.to_vec(),
            to: number(to),
            acts: acts.to_vec(),
        }));
    };
    let waiting = ["sent", "overdue"];
    step(&waiting, LeadEvent::Confirmed, &[], "confirmed", &[]);
    step(&waiting, LeadEvent::NotConfirmed, &[LeadGuard::Seen], "not_confirmed", &[LeadAct::CountAgainst]);
    step(&waiting, LeadEvent::NotConfirmed, &[], "not_confirmed", &[]);
    step(&waiting, LeadEvent::NoAction, &[], "no_action", &[]);
    step(&["sent"], LeadEvent::Due, &[], "overdue", &[LeadAct::Alarm]);
    step(&["overdue"], LeadEvent::GivenUp, &[], "given_up", &[]);
    if dice.chance(15) {
        steps.remove(dice.below(steps.len()));
    }
    let states = NAMES.iter().map(|name| {
        let is_last = !steps.iter().any(|step| step.from == number(name));
        State { name: Arc::from(*name), title: text(name), due: None, is_last }
    });
    Some(Life {
        id: "lead".to_owned(),
        version: 1,
        title: text("lead"),
        basis: "b".to_owned(),
        first: number("sent"),
        states: states.collect(),
        terms: std::collections::BTreeMap::new(),
        figures: vec![SpanMs(*dice.pick(&[1, 10_000, 50_000]))],
        steps,
    })
}

impl Town {
    /// Whether an authority answers now, instead of what would have happened.
    pub fn answers_lead(&self, dice: &Dice) -> bool {
        !self.leads.is_empty() && dice.fork(0x1ead).chance(9)
    }

    /// What an authority says of one of the last leads; sometimes of one that nobody sent, or from elsewhere.
    pub fn lead_answer(&mut self, dice: &mut Dice, id: Fingerprint, at: TimeMs) -> Vec<(To, Fact)> {
        let recent = self.leads.len().saturating_sub(4);
        let (known, mut route) = *dice.pick(&self.leads[recent..]);
        let lead = if dice.chance(92) { known } else { LeadRef::from_bits(dice.next()) };
        if dice.chance(6) {
            route = self.leads[0].1;
        }
        let outcome = *dice.pick(LeadOutcome::ALL);
        let body = FactBody::LeadAnswered { lead, outcome };
        vec![(self.to(route.token), Fact { event: id, at, route, body })]
    }

    /// Notes what was referred.
    pub fn note_lead(&mut self, effect: &Effect) {
        if let Effect::Lead(news) = effect
            && let LeadNews::Sent(sent) = &**news
        {
            let route = route_of(sent.head.party.subject, sent.head.holder);
            self.leads.push((sent.reference, route));
        }
    }
}
