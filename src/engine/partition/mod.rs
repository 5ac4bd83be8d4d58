//! The state machine of one facts partition: `apply(state, record) -> effects` (DESIGN D1).
//!
//! Invariants:
//! * E1 state is a function of the log prefix and nothing else;
//! * E2 a fact is applied once: beyond what is covered, and not a duplicate (C1, S4);
//! * E3 time never falls, and timers fire before the fact that moved it (S2, S3);
//! * E4 a measure is published with its notice, or not at all: they are one value.
//!
//! One file each: `time` moves the clock and fires timers, `facts` feeds logs, `rules` evaluates what `sieve` lets through,
//! `telling` and `reports` say what others must know, `budgets` count what rules did, `openings` answers
//! requests, `findings` writes down why, `lives` and `follow_ups` are what measures go through,
//! `settlements` compares, `appeals` and `cases`, `corrections` and `grounds`, `quality`, `publish`; `forgetting` ends what is kept;
//! `orders` and `entries` are what authorities lay down, `leads` what they are told of; `traces` is data of
//! abnormal customers alone.

mod accessors;
mod ahead;
mod appeals;
mod authority;
mod budgets;
mod cases;
mod corrections;
mod declarations;
mod entries;
mod facts;
mod findings;
mod follow_ups;
mod forgetting;
mod found_by;
mod grounds;
mod happens;
mod image;
mod leads;
mod listed;
mod lives;
mod openings;
mod orders;
mod own_feeds;
mod protecting;
mod publish;
mod quality;
mod readings;
mod reports;
mod rules;
mod settlements;
mod sharers;
mod sieve;
mod specials;
mod standing;
mod telling;
mod time;
mod traces;
mod unreferenced;
mod watching;
mod weighing;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::LoadRules;
use super::base::{Fingerprint, SpanMs, TimeMs, Token};
use super::cover::{Admission, Coverage, Range, Skip};
use super::disposition::DispositionId;
use super::holder::Holder;
use super::ident::IdKey;
use super::input::{Effect, FactsPack, FactsRecord, PackedFact, Tally, TimeMode};
use super::kept::Kept;
use super::lead::LeadState;
use super::notice::MissingText;
use super::planted::{Planted, is_planted};
use super::reached::Reached;
use super::retention::{Horizons, Terms};
use super::ruleset::RuleSet;
use super::seen::Seen;
use super::signal::Signal;
use super::special::SpecialState;
use super::state::{
    ByRule, Firing, InForce, MeasureState, Meeting, Override, ReportLedger, RuleCount, RuleLife, TokenHash,
};
use super::subject::Subject;
use super::table::Table;
use super::timer::Timers;
use super::told::ToldHolders;
use super::window::{Plans, Store, SubjectLog};

use ahead::AHEAD;
pub use follow_ups::{REASON_FAILED, REASON_NOT_DONE};
use found_by::FoundBy;
pub use image::{Core, Frozen, FrozenLogs, Harms, Heard, Image};
use readings::{Readings, Way};
use rules::RuleIndex;
pub use settlements::{BASIS as SETTLEMENT_BASIS, REASON as SETTLEMENT_REASON, SETTLEMENT};
use sharers::Sharers;
use unreferenced::Unreferenced;

/// What a partition is told of itself.
#[derive(Clone, Debug)]
pub struct Identity {
    pub partition: u32,
    pub partitions: u32,
    pub id_key: IdKey,
    pub time: TimeMode,
}

/// A state that must not be: the partition stops before it publishes or commits anything.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EngineError {
    #[error(transparent)]
    MissingText(#[from] MissingText),
    #[error("the rule set of an activation fact does not load: {0}")]
    Rules(String),
    #[error("a fact names source range {0}, which its record does not have")]
    Malformed(u16),
}

/// The state of one facts partition.
#[derive(Debug)]
pub struct Partition {
    identity: Identity,
    coverage: Coverage,
    partition_time: TimeMs,
    newest_time: TimeMs,
    seen: Seen,
    /// The source record that the last fact came from, and whether it is a duplicate.
    record: Option<(super::cover::SourceId, i64, bool)>,
    timers: Timers,
    rules: Option<Arc<Active>>,
    live: bool,
    in_force: InForce,
    /// What was forgotten under an earlier rule set (S5, S20).
    floor: Horizons,
    /// What is forgotten as of newest time.
    horizons: Horizons,
    /// The newest time that they are of.
    horizons_of: TimeMs,
    /// How far the state was last looked through for what is forgotten; decides nothing.
    swept: i64,
    /// Before this newest time the next look is not due. Derived from `swept` and the rule set.
    sweep_due: TimeMs,
    /// When a signal was first fed without interruption, by its declaration's name (S6).
    since: BTreeMap<String, TimeMs>,
    /// Until when events may be missing that were skipped (S1, S6).
    blind_until: TimeMs,
    /// The same by the signals' numbers in the active rule set.
    since_of: Vec<TimeMs>,
    /// How each of them is read fastest.
    ways: Vec<Way>,
    logs: Table<Subject, SubjectLog>,
    /// The entries of all logs.
    store: Store,
    holders: Table<Token, Holder>,
    /// Derived from `holders`.
    unreferenced: Unreferenced,
    /// By event time, as in the subject's log.
    meetings: Table<Subject, VecDeque<Meeting>>,
    met_by: Sharers,
    told: Table<Subject, ToldHolders>,
    /// What orders hold of holders beyond its term.
    kept: Table<Token, Kept>,
    measures: Table<DispositionId, MeasureState>,
    /// Derived from `measures`.
    found_by: FoundBy,
    /// Standing measures that a correction may ask again, by holder. Derived from `measures`.
    grounded: HashMap<Token, Vec<DispositionId>, TokenHash>,
    /// Measures by which a holder is an abnormal customer (S22). Derived from `measures`.
    anomalies: HashMap<Token, Vec<DispositionId>, TokenHash>,
    /// Holders of whom one of them changed; empty between facts.
    touched_anomalies: Vec<Token>,
    /// By where a lead's facts go: its holder, or the shared subject itself (S23).
    leads: Table<Subject, Vec<LeadState>>,
    /// How many leads of each rule wait for an answer. Derived from `leads`.
    leads_open: BTreeMap<String, u64>,
    firings: Table<Subject, ByRule<Firing>>,
    overrides: Table<Subject, ByRule<Override>>,
    ledger: ReportLedger,
    /// Measures set and overruled here, by rule.
    counts: BTreeMap<String, RuleCount>,
    /// Harm in milliseconds that rules with a budget did here, by rule and interval (S7).
    harms: Harms,
    /// Of rules whose own partition this is: what each partition last told (reports of kind iii).
    heard: BTreeMap<String, BTreeMap<u32, RuleCount>>,
    /// What the rules' own partitions last told all.
    totals: BTreeMap<String, RuleCount>,
    /// How far the rules that watch themselves have come, by rule.
    watched: BTreeMap<String, RuleLife>,
    /// Rules of which something is counted and that the active rule set lacks, since when (S20).
    retired: BTreeMap<String, TimeMs>,
    /// Special measures in areas, as they were heard of (S25).
    specials: Vec<SpecialState>,
    /// Who was named where, by year; decides nothing.
    reached: Reached,
    /// Order of application of requests.
    request_count: u64,
    tally: Tally,
    /// Memory for readings; empty between facts.
    scratch: Option<Box<Readings>>,
    /// Offset of the record being applied and reports that left because of it.
    offset: u64,
    report_count: u32,
}

/// A rule set with everything derived from it.
#[derive(Debug)]
pub(crate) struct Active {
    pub set: Arc<RuleSet>,
    pub bundle: Arc<str>,
    pub plans: Plans,
    pub index: RuleIndex,
    /// How long things are kept.
    terms: Terms,
}

impl Active {
    fn new(set: Arc<RuleSet>, bundle: Arc<str>, epoch: u32) -> Active {
        let plans = Plans::new(&set, epoch);
        let index = RuleIndex::new(&set);
        let terms = Terms::of(&set);
        Active { set, bundle, plans, index, terms }
    }
}

/// Where effects go while a record is applied.
type Out<'a> = &'a mut Vec<Effect>;

impl Partition {
    #[must_use]
    pub fn new(identity: Identity) -> Partition {
        Partition {
            identity,
            coverage: Coverage::default(),
            partition_time: TimeMs::MIN,
            newest_time: TimeMs::MIN,
            seen: Seen::default(),
            record: None,
            timers: Timers::default(),
            rules: None,
            live: false,
            in_force: InForce::default(),
            floor: Horizons::default(),
            horizons: Horizons::default(),
            horizons_of: TimeMs::MIN,
            swept: i64::MIN,
            sweep_due: TimeMs::MIN,
            since: BTreeMap::new(),
            blind_until: TimeMs::MIN,
            since_of: Vec::new(),
            ways: Vec::new(),
            logs: Table::default(),
            store: Store::default(),
            holders: Table::default(),
            unreferenced: Unreferenced::new(),
            meetings: Table::default(),
            met_by: Sharers::default(),
            told: Table::default(),
            kept: Table::default(),
            measures: Table::default(),
            found_by: FoundBy::default(),
            grounded: HashMap::default(),
            anomalies: HashMap::default(),
            touched_anomalies: Vec::new(),
            leads: Table::default(),
            leads_open: BTreeMap::new(),
            firings: Table::default(),
            overrides: Table::default(),
            ledger: ReportLedger::default(),
            counts: BTreeMap::new(),
            harms: Harms::new(),
            heard: BTreeMap::new(),
            totals: BTreeMap::new(),
            watched: BTreeMap::new(),
            retired: BTreeMap::new(),
            specials: Vec::new(),
            reached: Reached::default(),
            request_count: 0,
            tally: Tally::default(),
            scratch: None,
            offset: 0,
            report_count: 0,
        }
    }

    /// Applies one record of the facts partition. Effects are appended in order.
    ///
    /// # Errors
    /// `EngineError` when the record cannot have been made by a sound intake; nothing of the batch
    /// may be published then.
    pub fn apply(
        &mut self,
        offset: u64,
        record: &FactsRecord,
        loader: &dyn LoadRules,
        effects: Out<'_>,
    ) -> Result<(), EngineError> {
        self.offset = offset;
        self.report_count = 0;
        let before = effects.len();
        match record {
            FactsRecord::VersionAnnounced(version) => self.coverage.announce(*version),
            FactsRecord::SourceSkipped(skip) => self.skip(skip),
            FactsRecord::Reports(reports) => {
                for report in reports {
                    self.receive(report, effects)?;
                    self.settle_anomalies();
                }
            }
            FactsRecord::Facts(pack) => self.apply_pack(pack, loader, effects)?,
        }
        if let Some(active) = &self.rules {
            let (calendar, key) = (&active.set.calendar, &self.identity.id_key);
            for effect in effects.iter().skip(before) {
                self.reached.note(effect, calendar, &self.horizons, key);
            }
        }
        Ok(())
    }

    /// What is lost is passed over, and no signal is certain again before it has seen a full window after it.
    fn skip(&mut self, skip: &Skip) {
        if self.coverage.skip(skip) > 0 {
            self.tally.ranges_skipped += 1;
            if !is_planted(Planted::SeeingSkip) {
                self.blind_until = self.blind_until.max(skip.blind_until);
            }
            self.number_since();
        }
    }

    fn apply_pack(
        &mut self,
        pack: &FactsPack,
        loader: &dyn LoadRules,
        effects: Out<'_>,
    ) -> Result<(), EngineError> {
        let verdicts: Vec<Admission> =
            pack.ranges.iter().map(|range| self.coverage.admit(pack.version, range)).collect();
        for (range, verdict) in pack.ranges.iter().zip(&verdicts) {
            match verdict {
                Admission::Apply { .. } => self.coverage.join(range),
                Admission::Stale => self.tally.ranges_stale += 1,
                Admission::Gap => self.tally.ranges_gap += 1,
                Admission::WrongVersion => self.tally.ranges_wrong_version += 1,
            }
        }
        for (place, fact) in pack.facts.iter().enumerate() {
            if place % AHEAD == 0 {
                self.look_ahead(pack.facts.get(place..pack.facts.len().min(place + AHEAD)).unwrap_or(&[]));
            }
            let verdict = verdicts.get(usize::from(fact.range)).ok_or(EngineError::Malformed(fact.range))?;
            if matches!(verdict, Admission::Apply { after } if fact.offset > *after) {
                self.apply_packed(pack, fact, loader, effects)?;
            }
        }
        for (range, verdict) in pack.ranges.iter().zip(&verdicts) {
            if matches!(verdict, Admission::Apply { .. }) {
                self.coverage.advance(range);
                if self.identity.time == TimeMode::Broker {
                    self.coverage.move_time(&range.source, range.through);
                    self.settle_time(effects)?;
                }
            }
        }
        Ok(())
    }

    fn apply_packed(
        &mut self,
        pack: &FactsPack,
        packed: &PackedFact,
        loader: &dyn LoadRules,
        effects: Out<'_>,
    ) -> Result<(), EngineError> {
        let range = pack.ranges.get(usize::from(packed.range)).ok_or(EngineError::Malformed(packed.range))?;
        if self.identity.time == TimeMode::Broker {
            self.coverage.move_time(&range.source, packed.time);
            self.settle_time(effects)?;
        }
        let (first, duplicate) = self.note_record(range, packed);
        if duplicate {
            self.tally.facts_duplicate += 1;
            return Ok(());
        }
        if self.identity.time == TimeMode::Event {
            self.partition_time = self.partition_time.max(packed.fact.at);
            self.newest_time = self.partition_time;
            self.settle_time(effects)?;
        }
        if first {
            self.remember(packed.fact.event);
        }
        self.tally.facts_applied += 1;
        if packed.fact.at < self.partition_time.minus(self.lateness()) {
            self.tally.facts_late += 1;
        }
        self.forget_of(packed.fact.route);
        self.apply_fact(&packed.fact, loader, effects)?;
        self.settle_anomalies();
        Ok(())
    }

    /// Whether a fact is the first of its source record, and whether that record is a duplicate.
    fn note_record(&mut self, range: &Range, packed: &PackedFact) -> (bool, bool) {
        let of_source = self.record.as_ref().filter(|(source, ..)| *source == range.source);
        if let Some((_, _, duplicate)) = of_source.filter(|(_, at, _)| *at == packed.offset) {
            return (false, *duplicate);
        }
        let is_same_source = of_source.is_some();
        let duplicate = self.seen.contains(packed.fact.event, self.newest_time, self.duplicate_horizon());
        match &mut self.record {
            Some((_, at, known)) if is_same_source => (*at, *known) = (packed.offset, duplicate),
            record => *record = Some((range.source.clone(), packed.offset, duplicate)),
        }
        (true, duplicate)
    }

    fn remember(&mut self, event: Fingerprint) {
        let horizon = self.duplicate_horizon();
        self.seen.insert(event, self.newest_time, horizon);
    }

    fn duplicate_horizon(&self) -> SpanMs {
        // Before the first rule set nothing is forgotten.
        self.rules.as_ref().map_or(SpanMs(i64::MAX), |active| active.set.settings.duplicate_horizon)
    }

    fn lateness(&self) -> SpanMs {
        self.rules.as_ref().map_or(SpanMs(i64::MAX), |active| active.set.settings.lateness)
    }

    /// Looks up the signals' times by number, so that no name is looked up when a value is read.
    fn number_since(&mut self) {
        let signals = self.rules.iter().flat_map(|active| &active.set.signals);
        let fed = |signal: &Signal| self.since.get(&signal.name).copied().unwrap_or(self.newest_time);
        let since = |signal: &Signal| fed(signal).max(self.blind_until);
        (self.since_of, self.ways) =
            signals.map(|signal| (since(signal), Way::of(signal, since(signal)))).unzip();
    }
}
