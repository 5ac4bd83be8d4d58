//! Random rule sets: what all of them share, their limits and their words. Signals are drawn in
//! `signals`, rules and protections in `conditions`.

use std::collections::BTreeMap;
use std::sync::Arc;

use duecourse::engine::base::{Bilingual, SpanMs, TimeMs};
use duecourse::engine::calendar::Calendar;
use duecourse::engine::fact::Product;
use duecourse::engine::life::Lives;
use duecourse::engine::limit::{Demand, Limit, LimitForce, LimitStatus, SharedCount};
use duecourse::engine::measure::{Lane, MEASURE_NAMES};
use duecourse::engine::notice::{Channels, MeasureText, NoticeTexts};
use duecourse::engine::retention::Retention;
use duecourse::engine::rule::{Quality, RuleStatus};
use duecourse::engine::ruleset::{RuleSet, Settings};
use duecourse::engine::signal::Reads;
use duecourse::engine::{LoadRules, SEMANTICS, SEMANTICS_UNNAMED};

use super::conditions::{random_protections, random_rules};
use super::dice::Dice;
use super::leads::{random_leads, random_life};
use super::lives::random_lives;
use super::measures::random_verifying;
use super::signals::{random_signals, random_window};

/// 2023-11-14T22:13:20Z. 40 s before a midnight in the zone of `MIDNIGHT_OFFSET`; a month ends 16 days
/// later, the year 47 days later.
pub const START: TimeMs = TimeMs(1_700_000_000_000);
const MIDNIGHT_OFFSET: i32 = 106;
pub const MIDNIGHT: TimeMs = TimeMs(START.0 + 40_000);

/// Rule sets by the text that activates them.
#[derive(Default)]
pub struct Shelf(pub BTreeMap<String, Arc<RuleSet>>);

impl LoadRules for Shelf {
    fn load(&self, bundle: &str) -> Result<Arc<RuleSet>, String> {
        self.0.get(bundle).cloned().ok_or_else(|| "no such bundle".to_owned())
    }
}

pub fn text(s: &str) -> Bilingual {
    Bilingual { zh: s.to_owned(), en: s.to_owned() }
}

/// A rule set of random signals, rules, limits and protections.
pub fn random(dice: &mut Dice, version: u32) -> RuleSet {
    let signals = random_signals(dice);
    let rules = random_rules(dice, &signals);
    let mut protections = random_protections(dice, &signals);
    // Every third is for some rules alone.
    for protection in protections.iter_mut().skip(1).step_by(3) {
        protection.rules = rules.iter().step_by(2).map(|rule| rule.id.clone()).collect();
    }
    let limits_count = dice.below(4);
    let limits = (0..limits_count).map(|n| random_limit(dice, n)).collect();
    let mut referring = dice.fork(0x1ead);
    let leads = random_leads(&mut referring, &signals);
    let specials = super::specials::waiting(&mut referring, &rules);
    RuleSet {
        version,
        semantics: if referring.chance(20) { SEMANTICS_UNNAMED } else { SEMANTICS },
        sha256: [version as u8; 32],
        signals,
        rules,
        limits,
        protections,
        leads,
        specials,
        lives: Lives { lead: random_life(&mut referring), ..random_lives(dice) },
        notices: notices(dice),
        calendar: random_calendar(dice),
        retention: random_retention(dice),
        settings: Settings {
            duplicate_horizon: SpanMs(*dice.pick(&[20_000, 500_000])),
            lateness: SpanMs(*dice.pick(&[0, 5_000, 60_000])),
            override_for: SpanMs(*dice.pick(&[10_000, 100_000])),
            reservation_for: SpanMs(*dice.pick(&[15_000, 60_000])),
            answer_for: SpanMs(*dice.pick(&[10_000, 80_000])),
            appeal_window: SpanMs(*dice.pick(&[5_000, 200_000])),
            keep_one_line: dice.chance(60),
            braked_for: referring.chance(70).then(|| SpanMs(*referring.pick(&[2_000, 30_000]))),
            settlement_check_for: dice.chance(80).then(|| SpanMs(*dice.pick(&[5_000, 60_000]))),
        },
    }
}

/// Terms that are over within a log, or none.
fn random_retention(dice: &mut Dice) -> Retention {
    if dice.chance(20) {
        return Retention::WITHOUT_END;
    }
    let mut term = || SpanMs(*dice.pick(&[10_000, 40_000, 200_000]));
    let (openings, holdings) = (term(), term());
    Retention {
        logs_by_kind: true,
        openings,
        holdings,
        declarations: openings,
        orders: holdings,
        counts: openings,
        persons_marked: SpanMs::days(366),
        persons_counted: SpanMs::days(366),
        firings: term(),
        // What a lift set aside must not come back in these logs, however late it is told.
        overrides: SpanMs(100_000_000),
        authorisations: SpanMs(60_000),
        sweep: term(),
    }
}

/// A zone whose midnight comes soon, and some days that are moved.
fn random_calendar(dice: &mut Dice) -> Calendar {
    let utc_offset_minutes = *dice.pick(&[MIDNIGHT_OFFSET, MIDNIGHT_OFFSET, 105, 480, -300]);
    let mut calendar = Calendar { utc_offset_minutes, ..Calendar::default() };
    let today = calendar.day_of(START);
    for day in today - 8..today + 60 {
        if dice.chance(15) {
            calendar.moved.insert(day, dice.chance(50));
        }
    }
    calendar
}

/// A later rule set: some signals, rules and titles the same, some not.
pub fn changed(dice: &mut Dice, old: &RuleSet) -> RuleSet {
    let mut new = old.clone();
    new.version += 1;
    new.sha256 = [new.version as u8; 32];
    for signal in &mut new.signals {
        if let Reads::Log(question) = &mut signal.reads
            && dice.chance(20)
        {
            question.window = random_window(dice, signal.report);
        }
        if dice.chance(20) {
            signal.title = text("another title");
        }
    }
    for rule in &mut new.rules {
        if dice.chance(30) {
            rule.version += 1;
            rule.quality = random_quality(dice);
            rule.status = *dice.pick(&[RuleStatus::Enforced, RuleStatus::Shadow, RuleStatus::Off]);
        }
    }
    let mut referring = dice.fork(0x1ead);
    for rule in &mut new.leads.rules {
        if referring.chance(30) {
            rule.terms.version += 1;
            rule.status = *referring.pick(&[RuleStatus::Enforced, RuleStatus::Shadow, RuleStatus::Off]);
        }
    }
    for limit in &mut new.limits {
        if dice.chance(30) {
            limit.version += 1;
            if let Demand::Count { max, .. } = &mut limit.demand {
                *max = 1 + dice.below(3) as u32;
            }
        }
    }
    if dice.chance(30) {
        new.retention = random_retention(dice);
    }
    new.settings.reservation_for = SpanMs(*dice.pick(&[15_000, 60_000]));
    new
}

/// Bounds that little passes, or none.
pub fn random_quality(dice: &mut Dice) -> Option<Quality> {
    dice.chance(70).then(|| Quality {
        overturned_per_mille_max: *dice.pick(&[0, 250, 500, 1_000]),
        verified_per_mille_max: 1_000,
        measures_min: *dice.pick(&[1, 2, 3, 40]),
    })
}

fn random_limit(dice: &mut Dice, n: usize) -> Limit {
    let products: &[&[Product]] = &[
        &[Product::PhoneCard],
        &[Product::BankAccountI],
        &[Product::BankAccountII, Product::BankAccountI],
        &[Product::PaymentAccountI, Product::BankAccountI, Product::PhoneCard],
        &[Product::IotCard, Product::PhoneCard],
    ];
    Limit {
        id: format!("limit-{n}"),
        version: 1,
        title: text("limit"),
        products: dice.pick(products).to_vec(),
        demand: random_demand(dice),
        force: if dice.chance(60) { LimitForce::Refuse } else { LimitForce::CheckFurther },
        effective_from: if dice.chance(80) { TimeMs(0) } else { START.plus(SpanMs(60_000)) },
        effective_to: dice.chance(20).then(|| START.plus(SpanMs(200_000))),
        basis: "b".to_owned(),
        status: LimitStatus::VerifiedText,
        reason: "r".to_owned(),
    }
}

fn random_demand(dice: &mut Dice) -> Demand {
    if dice.chance(25) {
        return Demand::Assessment { reason_missing: "r2".to_owned() };
    }
    let shared = if dice.chance(30) { SharedCount::Needed } else { SharedCount::NotNeeded };
    // Low, so that some are met before going live.
    Demand::Count { max: 1 + dice.below(3) as u32 / 2, shared }
}

fn notices(dice: &mut Dice) -> NoticeTexts {
    let table = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), text(key))).collect();
    let measure = |name: &'static str| {
        let words = MeasureText { scope: text(name), still_works: text("rest"), papers: text("id") };
        (name.to_owned(), words)
    };
    NoticeTexts {
        reasons: table(&[
            "r",
            "r2",
            "human_decision_milder",
            "verification_failed",
            "verification_not_done",
            "settlement_inconsistent",
            "order_stop_payment",
            "order_freeze",
            "listed_outflow",
            "listed_payment_account",
            "listed_card",
            "listed_opening",
        ]),
        answers: table(&["unstated", "why"]),
        bases: table(&["b", "apl_19"]),
        measures: MEASURE_NAMES.into_iter().map(measure).collect(),
        remedies: Lane::ALL.into_iter().map(|lane| (lane.name().to_owned(), text("remedy"))).collect(),
        channels: Channels { offline: text("counter"), online: text("app") },
        answer_within: SpanMs::days(15),
        verifying: random_verifying(dice),
        utc_offset_minutes: 480,
    }
}
