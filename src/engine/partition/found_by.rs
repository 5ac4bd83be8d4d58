//! By what measures are found besides their ids: their appeal references, what they are about, and the events
//! that set them. Derived from the measures that are not forgotten; their order shows nowhere.

use std::collections::{BTreeSet, HashMap};

use crate::engine::base::Fingerprint;
use crate::engine::disposition::{AppealRef, DispositionId};
use crate::engine::state::{MeasureState, TokenHash};
use crate::engine::subject::Subject;

#[derive(Debug, Default)]
pub(super) struct FoundBy {
    appeal: HashMap<u64, DispositionId, TokenHash>,
    party: BTreeSet<(Subject, DispositionId)>,
    event: BTreeSet<(Fingerprint, DispositionId)>,
}

impl FoundBy {
    pub fn insert(&mut self, id: DispositionId, measure: &MeasureState) {
        self.appeal.insert(measure.appeal.number(), id);
        self.party.insert((measure.party.subject, id));
        self.event.insert((measure.event, id));
    }

    pub fn remove(&mut self, id: DispositionId, measure: &MeasureState) {
        self.appeal.remove(&measure.appeal.number());
        self.party.remove(&(measure.party.subject, id));
        self.event.remove(&(measure.event, id));
    }

    pub fn appeal(&self, appeal: AppealRef) -> Option<DispositionId> {
        self.appeal.get(&appeal.number()).copied()
    }

    /// In the order of their ids.
    pub fn party(&self, party: Subject) -> impl Iterator<Item = DispositionId> + '_ {
        of(&self.party, party)
    }

    /// What one event set, however many measures its party has.
    pub fn event(&self, event: Fingerprint) -> impl Iterator<Item = DispositionId> + '_ {
        of(&self.event, event)
    }
}

fn of<K: Ord + Copy>(all: &BTreeSet<(K, DispositionId)>, key: K) -> impl Iterator<Item = DispositionId> + '_ {
    all.range((key, DispositionId(0))..=(key, DispositionId(u128::MAX))).map(|(_, id)| *id)
}
