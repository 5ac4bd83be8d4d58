//! A partition's state for snapshots: everything that later decisions can depend on (DESIGN D12).
//!
//! `freeze` costs a few thousand references, whatever the state's size; writing the frozen state down can
//! take its time on another thread. What is written is all of it, or only what changed since it was last
//! frozen; the small parts in `Core` are always written.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::unreferenced::lacks_a_reference;
use super::{Active, EngineError, Partition};
use crate::engine::LoadRules;
use crate::engine::base::{TimeMs, Token};
use crate::engine::cover::{Coverage, SourceId};
use crate::engine::disposition::DispositionId;
use crate::engine::holder::Holder;
use crate::engine::kept::Kept;
use crate::engine::lead::LeadState;
use crate::engine::planted::{Planted, is_planted};
use crate::engine::reached::{Marks, Persons};
use crate::engine::retention::Horizons;
use crate::engine::seen::{FrozenSeen, SeenSince};
use crate::engine::special::SpecialState;
use crate::engine::state::{
    ByRule, Firing, InForce, MeasureState, Meeting, Override, ReportLedger, RuleCount, RuleLife,
};
use crate::engine::subject::Subject;
use crate::engine::table::{self, Changes};
use crate::engine::timer::Timers;
use crate::engine::told::ToldHolders;
use crate::engine::window::{Entry, Known, LogBatch, Store, SubjectLog};

/// Rule counts by rule and, of rules whose own partition this is, by origin.
pub type Heard = BTreeMap<String, BTreeMap<u32, RuleCount>>;

/// Harm in milliseconds, by rule and by the number of its budget's interval.
pub type Harms = BTreeMap<String, BTreeMap<i64, u64>>;

/// The parts of the state that do not grow with the number of parties.
#[derive(Clone, Debug)]
pub struct Core {
    pub coverage: Coverage,
    pub partition_time: TimeMs,
    pub newest_time: TimeMs,
    pub record: Option<(SourceId, i64, bool)>,
    pub timers: Timers,
    pub bundle: Option<Arc<str>>,
    pub live: bool,
    pub in_force: InForce,
    pub floor: Horizons,
    pub swept: i64,
    pub since: BTreeMap<String, TimeMs>,
    pub blind_until: TimeMs,
    pub ledger: ReportLedger,
    pub counts: BTreeMap<String, RuleCount>,
    pub harms: Harms,
    pub heard: Heard,
    pub totals: BTreeMap<String, RuleCount>,
    pub watched: BTreeMap<String, RuleLife>,
    pub retired: BTreeMap<String, TimeMs>,
    pub persons: Persons,
    pub specials: Vec<SpecialState>,
    pub request_count: u64,
}

/// The state as it was at one moment.
#[derive(Debug)]
pub struct Frozen {
    pub core: Core,
    pub seen: FrozenSeen,
    pub logs: FrozenLogs,
    pub holders: table::Frozen<Token, Holder>,
    pub meetings: table::Frozen<Subject, VecDeque<Meeting>>,
    pub told: table::Frozen<Subject, ToldHolders>,
    pub measures: table::Frozen<DispositionId, MeasureState>,
    pub firings: table::Frozen<Subject, ByRule<Firing>>,
    pub overrides: table::Frozen<Subject, ByRule<Override>>,
    pub kept: table::Frozen<Token, Kept>,
    pub leads: table::Frozen<Subject, Vec<LeadState>>,
    pub marks: table::Frozen<Token, Marks>,
}

/// The logs as they were, with the entries they refer to.
#[derive(Debug)]
pub struct FrozenLogs {
    logs: table::Frozen<Subject, SubjectLog>,
    store: Store,
    horizons: Horizons,
}

impl FrozenLogs {
    #[must_use]
    pub fn removed(&self) -> &[Subject] {
        self.logs.removed()
    }

    /// The logs, or those that changed, by what of them is not forgotten; of all logs the empty ones
    /// are left out.
    pub fn rows(&self, changed_only: bool) -> impl Iterator<Item = (&Subject, Vec<Entry>)> {
        let rows = self.logs.rows(changed_only).map(|(subject, log)| {
            let horizon = self.horizons.log(subject.kind);
            (subject, log.entries(&self.store).filter(|entry| entry.at > horizon).collect())
        });
        rows.filter(move |(_, entries): &(_, Vec<Entry>)| changed_only || !entries.is_empty())
    }
}

/// What one snapshot says besides its core, its sightings and logs, which are most of it and are taken over as they
/// are read. Running values and rule indexes are rebuilt.
#[derive(Debug)]
pub struct Image {
    pub holders: Changes<Token, Holder>,
    pub meetings: Changes<Subject, VecDeque<Meeting>>,
    pub told: Changes<Subject, ToldHolders>,
    pub measures: Changes<DispositionId, MeasureState>,
    pub firings: Changes<Subject, ByRule<Firing>>,
    pub overrides: Changes<Subject, ByRule<Override>>,
    pub kept: Changes<Token, Kept>,
    pub leads: Changes<Subject, Vec<LeadState>>,
    pub marks: Changes<Token, Marks>,
}

impl Image {
    /// Bugs of a restore that the simulator plants.
    fn leave_out_what_is_planted(&mut self, specials: &mut Vec<SpecialState>) {
        let holders = self.holders.rows.iter_mut().map(|(_, holder)| holder);
        if is_planted(Planted::AuthorityState) {
            holders.for_each(|holder| holder.authority = None);
        } else if is_planted(Planted::Revocation) {
            let traces = holders.filter_map(|holder| holder.traces.as_mut());
            traces.flat_map(|traces| &mut traces.authorisations).for_each(|known| known.revoked = None);
        }
        if is_planted(Planted::LeadState) {
            self.leads.rows.clear();
        }
        if is_planted(Planted::SpecialState) {
            specials.clear();
        }
        if is_planted(Planted::HoldState) {
            self.kept.rows.clear();
        }
    }
}

impl Partition {
    /// The state as it is now. What changes from here on is what the next one says has changed.
    pub fn freeze(&mut self) -> Frozen {
        Frozen {
            core: self.core(),
            seen: self.seen.freeze(),
            logs: FrozenLogs {
                logs: self.logs.freeze(),
                store: self.store.frozen(),
                horizons: self.horizons,
            },
            holders: self.holders.freeze(),
            meetings: self.meetings.freeze(),
            told: self.told.freeze(),
            measures: self.measures.freeze(),
            firings: self.firings.freeze(),
            overrides: self.overrides.freeze(),
            kept: self.kept.freeze(),
            leads: self.leads.freeze(),
            marks: self.reached.marks.freeze(),
        }
    }

    fn core(&self) -> Core {
        Core {
            coverage: self.coverage.clone(),
            partition_time: self.partition_time,
            newest_time: self.newest_time,
            record: self.record.clone(),
            timers: self.timers.clone(),
            bundle: self.rules.as_ref().map(|active| Arc::clone(&active.bundle)),
            live: self.live,
            in_force: self.in_force,
            floor: self.floor,
            swept: self.swept,
            since: self.since.clone(),
            blind_until: self.blind_until,
            ledger: self.ledger.clone(),
            counts: self.counts.clone(),
            harms: self.harms.clone(),
            heard: self.heard.clone(),
            totals: self.totals.clone(),
            watched: self.watched.clone(),
            retired: self.retired.clone(),
            persons: self.reached.persons.clone(),
            specials: self.specials.clone(),
            request_count: self.request_count,
        }
    }

    /// Takes over what a snapshot says, of a new partition the whole, then the changes in order: first this, then
    /// each log, then the rest.
    ///
    /// # Errors
    /// When its rule set does not load.
    pub fn restore_core(
        &mut self,
        core: Core,
        seen: SeenSince,
        loader: &dyn LoadRules,
    ) -> Result<(), EngineError> {
        if core.bundle.as_ref() != self.bundle() {
            self.rules = match core.bundle {
                Some(bundle) => {
                    let set = loader.load(&bundle).map_err(EngineError::Rules)?;
                    Some(Arc::new(Active::new(set, bundle, 0)))
                }
                None => None,
            };
        }
        self.coverage = core.coverage;
        self.partition_time = core.partition_time;
        self.newest_time = core.newest_time;
        self.record = core.record;
        self.timers = core.timers;
        self.live = core.live;
        self.in_force = core.in_force;
        self.floor = core.floor;
        self.swept = core.swept;
        self.sweep_due = TimeMs::MIN;
        self.move_horizons();
        self.since = core.since;
        self.blind_until = core.blind_until;
        self.number_since();
        self.ledger = core.ledger;
        self.counts = core.counts;
        self.harms = core.harms;
        self.heard = core.heard;
        self.totals = core.totals;
        self.watched = core.watched;
        self.retired = core.retired;
        self.reached.persons = core.persons;
        self.specials = core.specials;
        self.request_count = core.request_count;
        self.seen.restore(seen);
        Ok(())
    }

    /// Takes over logs that came, changed or, without entries, went. `known` is one for all snapshots.
    pub fn restore_logs(&mut self, batch: &LogBatch, known: &mut Known) {
        for (subject, (begin, end)) in batch.logs() {
            if let Some(mut before) = self.logs.remove(&subject) {
                before.forget(&mut self.store, TimeMs(i64::MAX));
            }
            if begin < end {
                self.logs.insert(subject, self.store.restore(batch, (begin, end), known));
            }
        }
    }

    /// Takes over the rest.
    pub fn restore(&mut self, mut image: Image) {
        image.leave_out_what_is_planted(&mut self.specials);
        self.logs.restored();
        let lacking = image.holders.rows.iter().filter(|(_, holder)| lacks_a_reference(holder));
        self.unreferenced.extend(lacking.map(|(token, _)| *token));
        self.holders.restore(image.holders);
        for meeting in image.meetings.rows.iter_mut().flat_map(|(_, meetings)| meetings) {
            meeting.by = self.met_by.share(&meeting.by);
        }
        self.meetings.restore(image.meetings);
        self.told.restore(image.told);
        self.restore_measures(image.measures);
        self.firings.restore(image.firings);
        self.overrides.restore(image.overrides);
        self.kept.restore(image.kept);
        self.leads.restore(image.leads);
        self.reached.marks.restore(image.marks);
        self.count_open_leads();
        self.recall_references();
    }

    fn restore_measures(&mut self, mut changes: Changes<DispositionId, MeasureState>) {
        if is_planted(Planted::AppealCase) {
            changes.rows.iter_mut().for_each(|(_, measure)| measure.case = None);
        }
        for id in &changes.removed {
            if let Some(measure) = self.measures.get(id) {
                self.found_by.remove(*id, measure);
            }
        }
        for (id, measure) in &changes.rows {
            self.found_by.insert(*id, measure);
        }
        let touched: Vec<DispositionId> =
            changes.removed.iter().chain(changes.rows.iter().map(|(id, _)| id)).copied().collect();
        for id in &touched {
            if let Some(holder) = self.measures.get(id).map(|measure| measure.holder) {
                self.drop_ground(holder, *id);
                self.drop_anomaly(holder, *id);
            }
        }
        self.measures.restore(changes);
        for id in touched {
            self.note_ground(id);
            if let Some(holder) = self.measures.get(&id).map(|measure| measure.holder) {
                self.note_anomaly(holder, id);
            }
        }
    }
}
