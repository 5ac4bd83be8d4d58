//! A partition's state laid flat, for snapshots: everything that later decisions can depend on, in an
//! order that does not depend on hashing (DESIGN D12).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Active, EngineError, Identity, Partition};
use crate::engine::LoadRules;
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::cover::{Coverage, SourceId};
use crate::engine::disposition::DispositionId;
use crate::engine::holder::Holder;
use crate::engine::seen::Seen;
use crate::engine::state::{
    ByRule, Firing, InForce, MeasureState, Meeting, Override, ReportLedger, RuleCount, Told,
};
use crate::engine::subject::Subject;
use crate::engine::timer::{Timer, Timers};
use crate::engine::window::{Entry, Known};

/// Rule counts by rule and, of rules whose own partition this is, by origin.
pub type Heard = BTreeMap<String, BTreeMap<u32, RuleCount>>;

/// Harm in milliseconds, by rule and by the number of its budget's interval.
pub type Harms = BTreeMap<String, BTreeMap<i64, u64>>;

/// The state of a partition, ordered. Running values and rule indexes are rebuilt from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    pub coverage: Coverage,
    pub partition_time: TimeMs,
    pub newest_time: TimeMs,
    pub seen: Vec<(TimeMs, Fingerprint)>,
    pub record: Option<(SourceId, i64, bool)>,
    pub timers_set_count: u64,
    pub timers: Vec<(TimeMs, u64, Timer)>,
    pub bundle: Option<Arc<str>>,
    pub live: bool,
    pub in_force: InForce,
    pub floor: TimeMs,
    pub since: BTreeMap<String, TimeMs>,
    pub logs: Vec<(Subject, Vec<Entry>)>,
    pub holders: Vec<(Token, Holder)>,
    pub meetings: Vec<(Subject, Vec<Meeting>)>,
    pub told: Vec<(Subject, Vec<Told>)>,
    pub measures: Vec<(DispositionId, MeasureState)>,
    pub firings: Vec<(Subject, ByRule<Firing>)>,
    pub overrides: Vec<(Subject, ByRule<Override>)>,
    pub ledger: ReportLedger,
    pub counts: BTreeMap<String, RuleCount>,
    pub harms: Harms,
    pub heard: Heard,
    pub totals: BTreeMap<String, RuleCount>,
    pub request_count: u64,
}

impl Partition {
    /// The state, laid flat.
    #[must_use]
    pub fn image(&self) -> Image {
        let horizon = self.horizon();
        let mut logs: Vec<(Subject, Vec<Entry>)> = Vec::with_capacity(self.logs.len());
        // Sorted below, so map order cannot show.
        for (subject, log) in &self.logs {
            let remembered = log.entries(&self.store).filter(|entry| entry.at > horizon);
            logs.push((*subject, remembered.collect()));
        }
        logs.retain(|(_, entries)| !entries.is_empty());
        logs.sort_by_key(|(subject, _)| *subject);
        Image {
            coverage: self.coverage.clone(),
            partition_time: self.partition_time,
            newest_time: self.newest_time,
            seen: self.seen.all().collect(),
            record: self.record.clone(),
            timers_set_count: self.timers.set_count(),
            timers: self.timers.all().collect(),
            bundle: self.rules.as_ref().map(|active| Arc::clone(&active.bundle)),
            live: self.live,
            in_force: self.in_force,
            floor: self.floor,
            since: self.since.clone(),
            logs,
            holders: sorted(&self.holders),
            meetings: sorted(&self.meetings)
                .into_iter()
                .map(|(subject, meetings)| (subject, meetings.into()))
                .collect(),
            told: sorted(&self.told),
            measures: sorted(&self.measures),
            firings: sorted(&self.firings),
            overrides: sorted(&self.overrides),
            ledger: self.ledger.clone(),
            counts: self.counts.clone(),
            harms: self.harms.clone(),
            heard: self.heard.clone(),
            totals: self.totals.clone(),
            request_count: self.request_count,
        }
    }

    /// A partition that goes on where the image was taken.
    ///
    /// # Errors
    /// When the image's rule set does not load.
    pub fn from_image(
        identity: Identity,
        image: Image,
        loader: &dyn LoadRules,
    ) -> Result<Partition, EngineError> {
        let mut partition = Partition::new(identity);
        if let Some(bundle) = image.bundle {
            let set = loader.load(&bundle).map_err(EngineError::Rules)?;
            partition.rules = Some(Arc::new(Active::new(set, bundle, 0)));
        }
        partition.coverage = image.coverage;
        partition.partition_time = image.partition_time;
        partition.newest_time = image.newest_time;
        partition.seen = Seen::restore(image.seen);
        partition.record = image.record;
        partition.timers = Timers::restore(image.timers_set_count, image.timers);
        partition.live = image.live;
        partition.in_force = image.in_force;
        partition.floor = image.floor;
        partition.since = image.since;
        partition.number_since();
        let mut known = Known::default();
        for (subject, entries) in &image.logs {
            partition.logs.insert(*subject, partition.store.restore(entries, &mut known));
        }
        partition.holders = image.holders.into_iter().collect();
        partition.meetings =
            image.meetings.into_iter().map(|(subject, meetings)| (subject, meetings.into())).collect();
        partition.told = image.told.into_iter().collect();
        partition.by_appeal =
            image.measures.iter().map(|(id, measure)| (measure.appeal.number(), *id)).collect();
        partition.measures = image.measures.into_iter().collect();
        partition.firings = image.firings.into_iter().collect();
        partition.overrides = image.overrides.into_iter().collect();
        partition.ledger = image.ledger;
        partition.counts = image.counts;
        partition.harms = image.harms;
        partition.heard = image.heard;
        partition.totals = image.totals;
        partition.request_count = image.request_count;
        Ok(partition)
    }
}

fn sorted<K: Clone + Ord, V: Clone, S>(map: &HashMap<K, V, S>) -> Vec<(K, V)> {
    let mut all: Vec<(K, V)> = map.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}
