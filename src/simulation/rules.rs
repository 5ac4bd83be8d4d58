//! A rule set small enough for thousands of worlds that still sets measures, refuses openings, lets
//! reservations lapse, reports across partitions, refers leads, waits for special measures, and reads data of
//! abnormal customers. Its lives are the shipped ones, their days made seconds.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::bundle;
use crate::engine::base::{Bilingual, SpanMs, TimeMs};
use crate::engine::calendar::Calendar;
use crate::engine::fact::{Feed, Product};
use crate::engine::lead::{LeadAuthority, LeadField, LeadKind, LeadRule, LeadTerms, Leads};
use crate::engine::life::{Life, Lives, Vocabulary};
use crate::engine::limit::{Demand, Limit, LimitForce, LimitStatus, SharedCount};
use crate::engine::measure::{AccountStep, Lane, MEASURE_NAMES, MeasureKind, VictimStep};
use crate::engine::notice::{Channels, MeasureText, NoticeTexts};
use crate::engine::order::Level;
use crate::engine::planted::{Planted, is_planted};
use crate::engine::purpose::Purpose;
use crate::engine::retention::Retention;
use crate::engine::rule::{Condition, Op, PrecisionRecord, Rule, RuleOrigin, RuleStatus, Term, Trigger};
use crate::engine::ruleset::{RuleSet, Settings};
use crate::engine::signal::{Aggregate, Question, Reads, ReportLevel, Signal, Tell};
use crate::engine::subject::SubjectKind;
use crate::engine::verifying::{DeliveryChannel, MethodText, Risk, VerificationMethod, Verifying};
use crate::engine::{LoadRules, SEMANTICS};

/// The texts that activate them. The first forgets events soon, so that covered ranges alone keep a fact
/// from being applied again; the second knows an event again that is sent twice, and forgets what is over.
pub const BUNDLES: [&str; 2] = ["forgetful", "mindful"];

/// The special measure that the rule `area` waits for.
pub const SPECIAL: &str = "area_check";

/// Short enough to be over within a world.
const RETENTION: Retention = Retention {
    logs_by_kind: true,
    openings: SpanMs(20_000),
    holdings: SpanMs(20_000),
    firings: SpanMs(10_000),
    overrides: SpanMs(10_000),
    authorisations: SpanMs(10_000),
    declarations: SpanMs(20_000),
    orders: SpanMs(20_000),
    counts: SpanMs(60_000),
    persons_marked: SpanMs::DAY,
    persons_counted: SpanMs::DAY,
    sweep: SpanMs(240_000),
};

/// What each is followed by, when an operator releases it: a rule acts sooner, and asks for the present semantics
/// of the engine where the first ones ask for those before (D13).
pub const LATER: [&str; 2] = ["forgetful later", "mindful later"];

/// Of a worker of the release before.
pub const EARLIER_SEMANTICS: u32 = SEMANTICS - 1;

/// Of what a worker says that does not speak the rules that were released.
pub const UNSPOKEN: &str = "asks for engine semantics";

pub struct Rules {
    first: [Arc<RuleSet>; 2],
    later: [Arc<RuleSet>; 2],
}

/// What a worker makes of them which speaks these semantics of the engine.
pub struct Speaking {
    pub rules: Arc<Rules>,
    pub speaks: u32,
}

impl LoadRules for Speaking {
    fn load(&self, bundle: &str) -> Result<Arc<RuleSet>, String> {
        if self.asked(bundle) <= self.speaks {
            return self.rules.load(bundle);
        }
        if is_planted(Planted::SpokenCheck) {
            let place = LATER.iter().position(|known| *known == bundle).unwrap_or(0);
            return Ok(Arc::clone(&self.rules.first[place]));
        }
        Err(format!("the rule set {UNSPOKEN} {}, and this worker speaks {}", self.asked(bundle), self.speaks))
    }

    fn speaks(&self) -> u32 {
        self.speaks
    }

    fn asked(&self, bundle: &str) -> u32 {
        self.rules.asked(bundle)
    }
}

impl Rules {
    pub fn new() -> Rules {
        let ways = [(1, SpanMs(5_000), Retention::WITHOUT_END), (2, SpanMs::HOUR, RETENTION)];
        let first = ways.map(|(number, horizon, retention)| {
            let mut rules = rule_set();
            rules.sha256 = [number; 32];
            rules.settings.duplicate_horizon = horizon;
            rules.retention = retention;
            rules
        });
        let later = first.clone().map(|mut rules| {
            rules.version += 1;
            rules.sha256[0] += 10;
            let payments = rules.rules.iter_mut().filter(|rule| rule.id == "payments");
            payments.for_each(|rule| (rule.version, rule.condition) = (2, at_least_of(0, 1)));
            rules
        });
        Rules { first: first.map(Arc::new), later: later.map(Arc::new) }
    }
}

impl LoadRules for Rules {
    fn load(&self, bundle: &str) -> Result<Arc<RuleSet>, String> {
        let all = BUNDLES.iter().zip(&self.first).chain(LATER.iter().zip(&self.later));
        let found = all.into_iter().find(|(known, _)| **known == bundle);
        found.map(|(_, rules)| Arc::clone(rules)).ok_or_else(|| "no such bundle".to_owned())
    }

    fn asked(&self, bundle: &str) -> u32 {
        if LATER.contains(&bundle) { SEMANTICS } else { EARLIER_SEMANTICS }
    }
}

fn text(s: &str) -> Bilingual {
    Bilingual { zh: s.to_owned(), en: s.to_owned() }
}

fn rule_set() -> RuleSet {
    let limit = Limit {
        id: "phone-cards".to_owned(),
        version: 1,
        title: text("limit"),
        products: vec![Product::PhoneCard],
        demand: Demand::Count { max: 2, shared: SharedCount::NotNeeded },
        force: LimitForce::Refuse,
        effective_from: TimeMs(0),
        effective_to: None,
        basis: "b".to_owned(),
        status: LimitStatus::VerifiedText,
        reason: "r".to_owned(),
    };
    let verify = MeasureKind::Account(AccountStep::VerifyTransaction);
    let reverify = MeasureKind::Account(AccountStep::ReverifyIdentity);
    let paying = || vec![Trigger::Feed(Feed::TransferPayer)];
    let warned =
        rule("warned", paying(), (4, 1), MeasureKind::Victim(VictimStep::Warn), SubjectKind::Account);
    RuleSet {
        version: 1,
        sha256: [1; 32],
        semantics: SEMANTICS,
        signals: signals(),
        rules: vec![
            rule(
                "area",
                vec![Trigger::Feed(Feed::OpeningRequestedHolder)],
                (5, 1),
                MeasureKind::OpeningCheckFurther,
                SubjectKind::Opening,
            ),
            rule("payments", paying(), (0, 2), verify, SubjectKind::Account),
            rule("places", paying(), (3, 2), reverify, SubjectKind::Account),
            rule("shared-device", vec![Trigger::Report(1)], (1, 2), reverify, SubjectKind::Account),
            rule(
                "shared-device-opening",
                vec![Trigger::Report(2)],
                (2, 3),
                MeasureKind::OpeningCheckFurther,
                SubjectKind::Opening,
            ),
            Rule { purpose: Purpose::VICTIM, ..warned },
        ],
        limits: vec![limit],
        protections: Vec::new(),
        leads: leads(),
        specials: BTreeMap::from([("area".to_owned(), SPECIAL.to_owned())]),
        lives: lives(),
        notices: notices(),
        calendar: Calendar { utc_offset_minutes: 480, ..Calendar::default() },
        retention: Retention::WITHOUT_END,
        settings: Settings {
            duplicate_horizon: SpanMs(0),
            lateness: SpanMs(10_000),
            override_for: SpanMs(10_000),
            reservation_for: SpanMs(15_000),
            answer_for: SpanMs(20_000),
            appeal_window: SpanMs(30_000),
            keep_one_line: false,
            braked_for: None,
            settlement_check_for: None,
        },
    }
}

/// The shipped tables, with all that takes days taking seconds, so that deadlines come in the middle of trouble.
fn lives() -> Lives {
    let text = bundle::embedded(bundle::Profile::Strict).unwrap();
    // List entries ship off; here they are on.
    let (before, after) = text.split_at(text.find("\"lives/entry.toml\"").unwrap());
    let after = after.replacen("\"enabled\":false", "\"enabled\":true", 1);
    let mut lives = bundle::compile(&format!("{before}{after}")).unwrap().lives;
    for (_, life) in &mut lives.measures {
        quicken(life);
    }
    lives.appeal.iter_mut().for_each(quicken);
    lives.order.iter_mut().for_each(quicken);
    lives.entry.iter_mut().for_each(quicken);
    lives.rule.iter_mut().for_each(quicken);
    lives.lead.iter_mut().for_each(quicken);
    if let Some(lead) = &mut lives.lead {
        lead.figures = vec![SpanMs(15_000)];
    }
    if let Some(entry) = &mut lives.entry {
        entry.figures = [20_000, 60_000, 100_000].map(SpanMs).to_vec();
    }
    lives
}

/// A day becomes half a second, and nothing takes less than two.
fn quicken<V: Vocabulary>(life: &mut Life<V>) {
    let quick = |span: SpanMs| SpanMs(2_000 + span.0 / SpanMs::DAY.0 * 500);
    life.basis = "b".to_owned();
    for due in life.states.iter_mut().filter_map(|state| state.due.as_mut()) {
        due.after = quick(due.after);
    }
    life.terms.values_mut().for_each(|term| *term = quick(*term));
}

fn signals() -> Vec<Signal> {
    let signal = |name: &str, subject: SubjectKind, question: Question, level: Option<u64>| Signal {
        name: name.to_owned(),
        subject,
        reads: Reads::Log(question),
        purpose: if level.is_some() { Purpose::SHARED_SUBJECT } else { Purpose::ANTI_FRAUD },
        basis: "b".to_owned(),
        report: level.map(|level| ReportLevel { level, tell: Tell::Holders }),
        title: text("signal"),
    };
    let over = |feed: Feed, aggregate| {
        // One window is soon full, so that what a skip blinds shows.
        let span = if feed == Feed::TransferPayer { 20_000 } else { 60_000 };
        Question::sliding(feed.bit(), aggregate, SpanMs(span))
    };
    vec![
        signal("paid", SubjectKind::Account, over(Feed::TransferPayer, Aggregate::Count), None),
        signal("payers", SubjectKind::Device, over(Feed::TransferDevice, Aggregate::Distinct), Some(2)),
        signal(
            "openers",
            SubjectKind::Device,
            over(Feed::OpeningRequestedDevice, Aggregate::Distinct),
            Some(3),
        ),
        Signal {
            purpose: Purpose::DEVICE_DATA,
            ..signal(
                "places",
                SubjectKind::Account,
                over(Feed::LocationSeenCustomer, Aggregate::Distinct),
                None,
            )
        },
        Signal {
            purpose: Purpose::VICTIM,
            ..signal("seen", SubjectKind::Account, over(Feed::LocationSeenCustomer, Aggregate::Count), None)
        },
        signal("asked", SubjectKind::Holder, over(Feed::OpeningRequestedHolder, Aggregate::Count), None),
    ]
}

/// What is referred: a device that many pay from, an account that pays often, and what an order asks for.
fn leads() -> Leads {
    let terms = |id: &str| LeadTerms {
        id: id.to_owned(),
        version: 1,
        title: text("lead"),
        basis: "b".to_owned(),
        reason: text("why"),
        risk: Risk::Medium,
        authority: LeadAuthority {
            name: Arc::from("police"),
            title: text("police"),
            level: Level::Prefecture,
        },
        fields: vec![LeadField::Subject, LeadField::Signals],
        answer_within: SpanMs(12_000),
    };
    let record = || PrecisionRecord { data: "d".to_owned(), date: "2026-01-01".to_owned(), per_mille: 900 };
    let seen = |id: &str, kind, (subject, feed), (signal, at_least), open_max| LeadRule {
        terms: terms(id),
        kind,
        status: RuleStatus::Enforced,
        subject,
        triggers: vec![feed],
        condition: at_least_of(signal, at_least),
        purpose: Purpose::ANTI_FRAUD,
        precision: Some(record()),
        quality: None,
        again_after: SpanMs(8_000),
        open_max,
    };
    let device = (SubjectKind::Device, Feed::TransferDevice);
    let account = (SubjectKind::Account, Feed::TransferPayer);
    Leads {
        rules: vec![
            seen("boxes", LeadKind::SimBoxDevice, device, (1, 2), 4),
            seen("often", LeadKind::CallerSpoofing, account, (0, 2), 1),
        ],
        linked: Some(terms("linked")),
    }
}

fn at_least_of(signal: usize, at_least: i64) -> Condition {
    Condition::Compare { left: Term::Signal(signal), op: Op::Ge, right: Term::Constant(at_least) }
}

fn rule(
    id: &str,
    triggers: Vec<Trigger>,
    (signal, at_least): (usize, i64),
    measure: MeasureKind,
    subject: SubjectKind,
) -> Rule {
    let record = PrecisionRecord { data: "d".to_owned(), date: "2026-01-01".to_owned(), per_mille: 900 };
    Rule {
        id: id.to_owned(),
        version: 1,
        title: text("rule"),
        status: RuleStatus::Enforced,
        subject,
        triggers,
        condition: at_least_of(signal, at_least),
        measure,
        measure_for: if subject == SubjectKind::Account { SpanMs(25_000) } else { SpanMs(12_000) },
        purpose: Purpose::ANTI_FRAUD,
        basis: "b".to_owned(),
        reason: "r".to_owned(),
        origin: RuleOrigin::Measured(Some(record)),
        harm_budget: None,
        risk: Risk::Medium,
        quality: None,
    }
}

fn notices() -> NoticeTexts {
    let table = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), text(key))).collect();
    let measure = |name: &'static str| {
        let words = MeasureText { scope: text(name), still_works: text("rest"), papers: text("id") };
        (name.to_owned(), words)
    };
    NoticeTexts {
        reasons: table(&[
            "r",
            "human_decision_milder",
            "verification_failed",
            "verification_not_done",
            "order_stop_payment",
            "order_freeze",
            "listed_outflow",
            "listed_payment_account",
            "listed_card",
            "listed_opening",
        ]),
        answers: table(&["unstated"]),
        bases: table(&["b"]),
        measures: MEASURE_NAMES.into_iter().map(measure).collect(),
        remedies: Lane::ALL.into_iter().map(|lane| (lane.name().to_owned(), text("remedy"))).collect(),
        channels: Channels { offline: text("counter"), online: text("app") },
        answer_within: SpanMs::days(15),
        verifying: verifying(),
        utc_offset_minutes: 480,
    }
}

/// Two ways to tell somebody, and one to verify, which serves every risk.
fn verifying() -> Verifying {
    let counter = MethodText {
        method: VerificationMethod::Counter,
        text: text("counter"),
        risks: vec![Risk::Low, Risk::Medium, Risk::High],
    };
    Verifying { channels: vec![DeliveryChannel::App, DeliveryChannel::Letter], methods: vec![counter] }
}
