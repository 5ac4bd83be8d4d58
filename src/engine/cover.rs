//! Covered ranges: how facts are applied exactly once without a transaction (DESIGN D6, D7, D8).
//!
//! Invariants (see ARCHITECTURE.md):
//! * C1 a fact is applied only if its source offset lies beyond what is covered;
//! * C2 nothing is applied over a gap: a range whose `previous` lies beyond what is covered waits; what is
//!   lost for ever is passed over by a recorded skip alone;
//! * C3 a range made under a configuration version that is not the one in force at its record
//!   timestamps is ignored like a gap;
//! * C4 covered offsets never fall.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::base::TimeMs;
use super::planted::{Planted, is_planted};

/// One partition of one source in one generation. A recreated topic is a new generation (D8).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId {
    pub name: Arc<str>,
    pub generation: u32,
    pub partition: u32,
}

/// A covered range `(previous, last]` of source offsets, as a facts record names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub source: SourceId,
    /// The first coverage of a source: `previous` is where reading began, on purpose.
    pub baseline: bool,
    pub previous: i64,
    pub last: i64,
    /// Lowest and highest record timestamp in the range; equal to `through` when it is empty.
    pub timestamps: (TimeMs, TimeMs),
    /// How far in broker time the source has been read.
    pub through: TimeMs,
}

/// What to do with a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Apply its facts with an offset beyond `after`, then `advance`.
    Apply { after: i64 },
    /// All of it has been applied before.
    Stale,
    /// Something before it has not arrived. Count, alarm, wait: intake sends it again.
    Gap,
    /// Made under a configuration version that was not in force.
    WrongVersion,
}

/// A version of the intake configuration and the record timestamp it begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigVersion {
    pub from: TimeMs,
    pub number: u32,
}

/// An operator's word that offsets of a source are lost, so that intake may go on behind them (D8). It
/// stands in every facts partition, and each skips by it what it has not covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    pub source: SourceId,
    /// The first offset that is read again.
    pub to: i64,
    /// No event that was lost is later than this.
    pub blind_until: TimeMs,
    /// When it was ordered, by the clock of whoever ordered it. Decides nothing.
    pub ordered: TimeMs,
    /// In the operator's words. Decides nothing.
    pub reason: Arc<str>,
}

/// What a partition has applied of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered {
    pub last: i64,
    /// How far the source's own time has come.
    pub time: TimeMs,
    /// A later generation of it has joined: nothing more comes of this one, and time does not wait for it.
    pub is_over: bool,
}

impl Covered {
    #[must_use]
    pub fn new(last: i64, time: TimeMs) -> Covered {
        Covered { last, time, is_over: false }
    }
}

/// The coverage of one facts partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub sources: BTreeMap<SourceId, Covered>,
    /// Announced configuration versions, ordered by their start.
    pub versions: Vec<ConfigVersion>,
}

impl Coverage {
    /// Decides about a range made under `version`. Pure; the model checker runs this very function.
    #[must_use]
    pub fn admit(&self, version: u32, range: &Range) -> Admission {
        if !self.version_holds(version, range.timestamps) {
            return Admission::WrongVersion;
        }
        match self.sources.get(&range.source) {
            None if range.baseline => Admission::Apply { after: range.previous },
            None => Admission::Gap,
            Some(covered) if range.last < covered.last => Admission::Stale,
            Some(covered) if range.previous > covered.last => Admission::Gap,
            Some(_) if is_planted(Planted::CoveredCheck) => Admission::Apply { after: range.previous },
            Some(covered) => Admission::Apply { after: covered.last },
        }
    }

    /// A source counts for time from the first range that covers it until a later generation of it joins.
    pub fn join(&mut self, range: &Range) {
        if self.sources.contains_key(&range.source) {
            return;
        }
        let joining = &range.source;
        let mut covered = Covered::new(range.previous, range.timestamps.0);
        for (known, other) in &mut self.sources {
            if known.name == joining.name && known.partition == joining.partition {
                other.is_over |= known.generation < joining.generation;
                covered.is_over |= known.generation > joining.generation;
            }
        }
        self.sources.insert(joining.clone(), covered);
    }

    /// Records that an admitted range was applied.
    pub fn advance(&mut self, range: &Range) {
        let covered =
            self.sources.entry(range.source.clone()).or_insert(Covered::new(range.previous, TimeMs::MIN));
        covered.last = covered.last.max(range.last);
    }

    /// Passes over what is lost of a source, and gives how many offsets that are. Nothing where it has been
    /// covered, and nothing of a source that has not been: its first coverage begins behind the loss.
    pub fn skip(&mut self, skip: &Skip) -> u64 {
        let Some(covered) = self.sources.get_mut(&skip.source) else { return 0 };
        let before = covered.last;
        covered.last = before.max(skip.to.saturating_sub(1));
        covered.last.saturating_sub(before).unsigned_abs()
    }

    /// Moves a source's own time; it never falls.
    pub fn move_time(&mut self, source: &SourceId, time: TimeMs) {
        if let Some(covered) = self.sources.get_mut(source) {
            covered.time = covered.time.max(time);
        }
    }

    /// Adds an announced version. Hearing of one twice changes nothing.
    pub fn announce(&mut self, version: ConfigVersion) {
        if let Err(place) = self.versions.binary_search(&version) {
            self.versions.insert(place, version);
        }
    }

    /// True when `version` is the one in force over the whole span of record timestamps.
    fn version_holds(&self, version: u32, (first, last): (TimeMs, TimeMs)) -> bool {
        is_planted(Planted::VersionCheck)
            || (self.in_force(first) == Some(version) && self.in_force(last) == Some(version))
    }

    fn in_force(&self, at: TimeMs) -> Option<u32> {
        self.versions.iter().take_while(|version| version.from <= at).last().map(|version| version.number)
    }
}
