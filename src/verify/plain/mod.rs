//! The plain evaluator: ARCHITECTURE S1 to S25 as directly as they can be written down.
//!
//! No state is kept for speed: each value is read from the whole history of its subject, each
//! answer from all steps of its holder. Read on in `time`, `signals`, `aggregates`, `values`,
//! `conditions`, `rules`, `counts`, `openings`, `answers`, `declared`, `leads`, `lives`, `follow_ups`, `settlements`,
//! `appeals`, `proceedings`, `reports`, `corrections`, `grounds`, `retention`, `traces`.

mod aggregates;
mod answers;
mod appeals;
mod authority;
mod calendar;
mod conditions;
mod corrections;
mod counts;
mod declared;
mod entries;
mod follow_ups;
mod grounds;
mod held;
mod leads;
mod lives;
mod measures;
mod occasions;
mod openings;
mod orders;
mod proceedings;
mod reports;
mod retention;
mod rules;
mod settlements;
mod signals;
mod specials;
mod time;
mod traces;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::LoadRules;
use crate::engine::attributes::{Attributes, Field};
use crate::engine::base::{Fingerprint, Money, TimeMs, Token};
use crate::engine::cover::{ConfigVersion, SourceId};
use crate::engine::disposition::DispositionId;
use crate::engine::fact::{Essential, FactBody, Feed, OpeningStep, UsageKind};
use crate::engine::ident::IdKey;
use crate::engine::input::{Effect, FactsRecord, TimeMode, UnmatchedReason};
use crate::engine::notice::MissingText;
use crate::engine::report::ReportPos;
use crate::engine::rule::Trigger;
use crate::engine::ruleset::RuleSet;
use crate::engine::state::RuleCount;
use crate::engine::subject::Subject;

use occasions::changes_openings;
use rules::Case;

/// Why a record could not be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum PlainError {
    /// A rule set in the log does not load; intake refuses such a one.
    #[error("a rule set in the log does not load: {0}")]
    Rules(String),
    #[error(transparent)]
    Text(#[from] MissingText),
}

/// Who this partition is, and how its time moves.
#[derive(Clone, Debug)]
pub struct PlainIdentity {
    pub partition: u32,
    pub partitions: u32,
    pub id_key: IdKey,
    pub time: TimeMode,
}

/// One facts partition, evaluated plainly.
pub struct Plain {
    identity: PlainIdentity,
    /// Place of the facts record being applied.
    offset: u64,
    effects: Vec<Effect>,
    admitted: Vec<usize>,
    /// Counts what is applied, set or inserted, so that equals keep their order.
    order: u64,

    // Time and coverage (S1 to S4): `time`.
    versions: Vec<ConfigVersion>,
    sources: BTreeMap<SourceId, time::Source>,
    partition_time: TimeMs,
    newest_time: TimeMs,
    timers: BTreeMap<(TimeMs, u64), time::Timer>,
    seen: BTreeMap<Fingerprint, TimeMs>,

    // What is in force (S5 to S7): `signals`, `rules`.
    rules: Option<Arc<RuleSet>>,
    /// since(s) of each signal of the active rule set.
    since: Vec<TimeMs>,
    /// Until when events may be missing because they were skipped.
    blind_until: TimeMs,
    floors: BTreeMap<retention::Class, TimeMs>,
    is_live: bool,
    logs: BTreeMap<Subject, Vec<signals::Entry>>,
    /// By rule id and party.
    last_firings: BTreeMap<(String, Subject), rules::Firing>,
    overrides: BTreeMap<(String, Subject), appeals::Override>,
    measures: BTreeMap<DispositionId, measures::Held>,
    holders: BTreeMap<Token, openings::Openings>,
    /// What was declared of cards, requests and units (S21), in order of application.
    declared: Vec<declared::Declaration>,
    // Data of abnormal customers (S22): `traces`.
    /// Holders of whom a measure changed, to be looked at.
    concerned: BTreeSet<Token>,
    /// All measures of the lane anomaly that were set on a holder.
    measures_of: BTreeMap<Token, BTreeSet<DispositionId>>,
    anomalies: BTreeMap<Token, traces::Anomaly>,
    /// In order of application.
    authorisations: Vec<traces::Said>,
    rule_counts: BTreeMap<String, RuleCount>,
    /// Harm in milliseconds by rule id and interval of its budget.
    harms: BTreeMap<(String, i64), u64>,
    /// What was last told of each rule over all partitions.
    rule_totals: BTreeMap<String, RuleCount>,
    /// Rules that watch themselves, by id and version: the state of each, and whether it only observes.
    watched: BTreeMap<(String, u32), (String, bool)>,
    /// Rules with counts that the rule set lacks, and since when.
    retired: BTreeMap<String, TimeMs>,

    // What authorities ordered (S15): `orders`.
    orders: Vec<orders::Order>,
    // Who is listed (S16): `entries`, and the phone line that each of them keeps.
    entries: Vec<entries::Entry>,
    kept_lines: BTreeMap<Token, Subject>,
    /// Special measures in areas (S25), in order of hearing.
    specials: Vec<specials::Special>,
    /// What was referred (S23), in order of sending.
    leads: Vec<leads::Lead>,

    // What partitions tell each other (S9): `reports`.
    standings: BTreeMap<Token, Vec<crate::engine::report::Standing>>,
    /// Holders told of a signal of a subject, in the order they were last told, and until when it holds.
    told: BTreeMap<(Subject, Arc<str>), Vec<reports::ToldHolder>>,
    last_heard: BTreeMap<u32, ReportPos>,
    last_sent: BTreeMap<u32, ReportPos>,
    reports_in_record: u32,
    heard_counts: BTreeMap<(Arc<str>, u32), RuleCount>,
    /// Orders to hold, by holder, issuer and number, and until when (S20): `retention`.
    holds: BTreeMap<Token, retention::Holds>,
}

/// A body on its way into the state: of a fact, or of the `after` of a correction.
#[derive(Clone, Copy, Debug)]
struct Occasion {
    event: Fingerprint,
    /// The event that entries and steps are written under: of a correction, its original.
    source: Fingerprint,
    /// Event time of the body.
    at: TimeMs,
    route: Subject,
}

/// What later answers and ends are caused by.
#[derive(Clone, Copy, Debug)]
struct Cause {
    event: Fingerprint,
    at: TimeMs,
}

impl Plain {
    #[must_use]
    pub fn new(identity: PlainIdentity) -> Plain {
        Plain {
            identity,
            offset: 0,
            effects: Vec::new(),
            admitted: Vec::new(),
            order: 0,
            versions: Vec::new(),
            sources: BTreeMap::new(),
            partition_time: TimeMs::MIN,
            newest_time: TimeMs::MIN,
            timers: BTreeMap::new(),
            seen: BTreeMap::new(),
            rules: None,
            since: Vec::new(),
            blind_until: TimeMs::MIN,
            floors: BTreeMap::new(),
            is_live: false,
            logs: BTreeMap::new(),
            last_firings: BTreeMap::new(),
            overrides: BTreeMap::new(),
            measures: BTreeMap::new(),
            holders: BTreeMap::new(),
            declared: Vec::new(),
            concerned: BTreeSet::new(),
            measures_of: BTreeMap::new(),
            anomalies: BTreeMap::new(),
            authorisations: Vec::new(),
            rule_counts: BTreeMap::new(),
            harms: BTreeMap::new(),
            rule_totals: BTreeMap::new(),
            watched: BTreeMap::new(),
            retired: BTreeMap::new(),
            orders: Vec::new(),
            entries: Vec::new(),
            kept_lines: BTreeMap::new(),
            specials: Vec::new(),
            leads: Vec::new(),
            standings: BTreeMap::new(),
            told: BTreeMap::new(),
            last_heard: BTreeMap::new(),
            last_sent: BTreeMap::new(),
            reports_in_record: 0,
            heard_counts: BTreeMap::new(),
            holds: BTreeMap::new(),
        }
    }

    /// Applies one facts record and gives its effects (S1).
    ///
    /// # Errors
    /// When a rule set in the log does not load, or lacks a text that it needs.
    pub fn apply(
        &mut self,
        offset: u64,
        record: &FactsRecord,
        loader: &dyn LoadRules,
    ) -> Result<Vec<Effect>, PlainError> {
        self.offset = offset;
        self.reports_in_record = 0;
        self.admitted.clear();
        match record {
            FactsRecord::VersionAnnounced(version) => self.versions.push(*version),
            FactsRecord::SourceSkipped(skip) => self.skip(skip),
            FactsRecord::Reports(reports) => {
                for report in reports {
                    self.receive(report)?;
                    self.look_at_anomalies();
                }
            }
            FactsRecord::Facts(pack) => self.apply_pack(pack, loader)?,
        }
        Ok(std::mem::take(&mut self.effects))
    }

    /// The version of the active rule set: outputs name it.
    #[must_use]
    pub fn rules_version(&self) -> Option<u32> {
        self.rules.as_ref().map(|rules| rules.version)
    }

    /// The active rule set.
    #[must_use]
    pub fn rules(&self) -> Option<&RuleSet> {
        self.rules.as_deref()
    }

    /// What this partition has applied of each source: `(first, last]`.
    pub fn covered(&self) -> impl Iterator<Item = (&SourceId, i64, i64)> {
        self.sources.iter().map(|(source, covered)| (source, covered.first, covered.last))
    }

    /// What this partition passed over of each source, as `(previous, last]`.
    pub fn skipped(&self) -> impl Iterator<Item = (&SourceId, i64, i64)> {
        self.sources.iter().flat_map(|(source, covered)| {
            covered.skipped.iter().map(move |(previous, last)| (source, *previous, *last))
        })
    }

    /// Places of the last record's facts that lay beyond what was covered, duplicates too.
    #[must_use]
    pub fn admitted(&self) -> &[usize] {
        &self.admitted
    }

    fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// Applies the body of a fact that is not a duplicate, after time moved.
    fn apply_fact(
        &mut self,
        occasion: Occasion,
        body: &FactBody,
        loader: &dyn LoadRules,
    ) -> Result<(), PlainError> {
        self.forget_of(occasion.route.token);
        match body {
            FactBody::AuthorisationRevoked { number } => {
                self.revoke(occasion, number);
                return Ok(());
            }
            FactBody::RuleSetActivated { bundle, release } => {
                let rules = loader.load(bundle).map_err(PlainError::Rules)?;
                let active = self.rules.as_ref().map(|rules| rules.version);
                if release.rollback.is_none() && active.is_some_and(|version| rules.version <= version) {
                    if self.identity.partition == 0 {
                        let reason = UnmatchedReason::RulesNotNewer;
                        self.effects.push(Effect::Unmatched { event: occasion.event, reason });
                    }
                    return Ok(());
                }
                self.activate(rules);
                return Ok(());
            }
            FactBody::WentLive => {
                self.is_live = true;
                return Ok(());
            }
            FactBody::HoldOrdered { .. } | FactBody::HoldReleased { .. } => {
                self.hold(occasion, body);
                return Ok(());
            }
            FactBody::AppealDecided { appeal, outcome, override_for, decider, reason } => {
                let (outcome, override_for, decider) = (*outcome, *override_for, *decider);
                let decision =
                    appeals::Decision { outcome, override_for, decider, reason: reason.as_deref() };
                return self.decide_appeal(occasion, *appeal, &decision);
            }
            FactBody::Appeal { appeal, step } => return self.proceed(occasion, *appeal, step),
            FactBody::MeasureHappened { measure, news } => {
                return self.measure_happened(occasion, *measure, *news);
            }
            FactBody::SharingExplained { number } => {
                self.explain_sharing(occasion, *number);
                return Ok(());
            }
            FactBody::SettlementRecorded { .. } => return self.compare_settlement(occasion, body),
            FactBody::Special(said) => {
                self.hear_special(occasion, said);
                return Ok(());
            }
            FactBody::LeadAnswered { lead, outcome } => {
                return self.hear_of_lead(occasion, *lead, *outcome);
            }
            FactBody::Order(said) => return self.hear_order(occasion, said),
            FactBody::Entry(said) => return self.hear_entry(occasion, said),
            FactBody::Corrected { before, after, .. } => {
                return self.correct(occasion, body, before.as_ref(), after.as_ref());
            }
            _ => self.apply_body(occasion, body)?,
        }
        if changes_openings(body) {
            self.answer_again(occasion.route.token, Cause { event: occasion.event, at: occasion.at })?;
        }
        Ok(())
    }

    /// What a body does whether it came by itself or in a correction (S5, S7, S9, S10).
    fn apply_body(&mut self, occasion: Occasion, body: &FactBody) -> Result<(), PlainError> {
        if matches!(body, FactBody::TracesSeen { .. }) {
            self.take_traces(occasion, body);
            return Ok(());
        }
        let holder = occasion.route.token;
        if self.is_of_closed(occasion, body) {
            let reason = UnmatchedReason::HoldingClosed;
            self.effects.push(Effect::Unmatched { event: occasion.event, reason });
            return Ok(());
        }
        self.insert(occasion, body);
        match body {
            FactBody::AuthorisationGranted { .. } => {
                self.grant(occasion, body);
                Ok(())
            }
            FactBody::Transfer { details, .. } if details.essential != Essential::No => Ok(()),
            FactBody::Transfer { side, account, counterparty, amount, details, other_side } => {
                let said = Attributes::of_transfer(*amount, details);
                let (other, amount) = (Some(*counterparty), Some(*amount));
                let case = self.case(occasion, account, other, amount, said);
                let feed = signals::transfer_feed(*side);
                self.evaluate_rules(Trigger::Feed(feed), case)?;
                self.refer(feed, case, Some(holder))?;
                match other_side {
                    Some(other_side) => self.tell_other_side(case, *side, other_side),
                    None => Ok(()),
                }
            }
            FactBody::CardPayment { account, terminal, amount } => {
                let said = occasions::said_of_purchase(*amount);
                let case = self.case(occasion, account, Some(*terminal), Some(*amount), said);
                let case = Case { place: Some(*terminal), ..case };
                self.evaluate_rules(Trigger::Feed(Feed::CardPaymentCard), case)?;
                self.refer(Feed::CardPaymentCard, case, Some(holder))
            }
            FactBody::FraudConfirmed { feed, account, other, amount } => {
                let said = Attributes::default().with(Field::Amount, amount.and_then(Money::fen));
                let case = self.case(occasion, account, Some(*other), *amount, said);
                self.evaluate_rules(Trigger::Feed(*feed), case)?;
                self.refer(*feed, case, Some(holder))
            }
            FactBody::CardUsage { card, device, usage, open_mb, region, .. } => {
                let kind = (*usage != UsageKind::Unstated).then_some(*usage as i64);
                let traffic = open_mb.map(i64::from);
                let said =
                    Attributes::default().with(Field::Usage, kind).with(Field::MonthOpenMegabytes, traffic);
                let said = self.with_profile(said, occasion, card.subject, (*usage, *device, *region));
                let case = Case { place: *region, ..self.case(occasion, card, None, None, said) };
                self.evaluate_rules(Trigger::Feed(Feed::CardUsageCard), case)?;
                self.refer(Feed::CardUsageCard, case, Some(holder))
            }
            FactBody::Met { feed, holder, target, amount } => {
                self.tell(occasion, *feed, *holder, target, *amount)?;
                self.refer_shared(occasion, *feed, *amount)
            }
            FactBody::Opening { step: OpeningStep::Requested, .. } => self.request(occasion, body),
            FactBody::Opening { step, opening, holding, product, holder_kind, .. } => {
                let held = holding.as_ref().unwrap_or(opening);
                self.note_step(occasion, *step, opening, held, (*product, *holder_kind));
                self.after_step(holder, *step, held, occasion.at)
            }
            FactBody::HoldingsAnswered { opening, product, elsewhere_count } => {
                self.openings_mut(holder).answers.push(openings::PlatformAnswer {
                    opening: *opening,
                    product: *product,
                    elsewhere_count: *elsewhere_count,
                    at: occasion.at,
                    event: occasion.source,
                });
                Ok(())
            }
            FactBody::CardProfiled { .. }
            | FactBody::RiskAssessed { .. }
            | FactBody::OwnersDeclared { .. } => {
                self.declare(occasion, body);
                Ok(())
            }
            FactBody::StockReported { .. }
            | FactBody::TracesSeen { .. }
            | FactBody::AuthorisationRevoked { .. }
            | FactBody::AppealDecided { .. }
            | FactBody::Appeal { .. }
            | FactBody::Corrected { .. }
            | FactBody::HoldOrdered { .. }
            | FactBody::HoldReleased { .. }
            | FactBody::RuleSetActivated { .. }
            | FactBody::WentLive
            | FactBody::MeasureHappened { .. }
            | FactBody::SharingExplained { .. }
            | FactBody::SettlementRecorded { .. } => Ok(()),
            FactBody::Special(_)
            | FactBody::LeadAnswered { .. }
            | FactBody::Order(_)
            | FactBody::Entry(_) => Ok(()),
        }
    }
}
