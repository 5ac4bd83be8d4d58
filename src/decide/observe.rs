//! What happens while deciding, told to whoever counts it. Nothing comes back from an observer.

use std::time::Duration;

use crate::codec::output::Topic;
use crate::engine::base::TimeMs;
use crate::engine::input::{Effect, Tally};
use crate::engine::purpose::Purpose;
use crate::engine::reached::Destination;
use crate::engine::ruleset::RuleSet;
use crate::engine::state::RuleCount;

/// How a partition's transaction came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Committed,
    /// In doubt or aborted, and found committed.
    FoundCommitted,
    /// In doubt or aborted, and found not committed: sent again.
    Resent,
}

/// How far a partition has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub partition: u32,
    pub next_offset: u64,
    pub partition_time: TimeMs,
    pub newest_time: TimeMs,
    /// When its next timer is due.
    pub next_timer: Option<TimeMs>,
    /// False before the institution went live: everything observes.
    pub is_live: bool,
    /// Since the partition was restored or first begun.
    pub tally: Tally,
}

/// Hears what a deciding worker does. Calls come from its loop and from its partitions' threads and
/// must return at once.
#[allow(unused_variables)]
pub trait Observe: Send + Sync {
    /// The deciding loop came round.
    fn turned(&self) {}
    fn assigned(&self, partition: u32) {}
    /// The partition's state is back as of `offset`; what lies below `committed` is replayed silently.
    fn restored(&self, partition: u32, offset: u64, committed: u64, took: Duration) {}
    /// Its state came out of a snapshot that was stored then.
    fn snapshot_found(&self, partition: u32, stored: TimeMs) {}
    fn released(&self, partition: u32) {}
    /// A partition stopped on a record; the others go on.
    fn failed(&self, partition: u32) {}
    /// An effect whose outputs will be committed. Not called for replayed ones.
    fn decided(&self, effect: &Effect) {}
    /// A sink that serves none of the effect's permitted uses was kept from it (DESIGN D19).
    fn purpose_refused(&self, topic: Topic, purpose: Purpose) {}
    /// Records were applied, under these rules at the end (`None` before the first activation).
    fn advanced(&self, standing: Standing, rules: Option<&RuleSet>) {}
    /// What each rule did over all partitions, as this one was last told; said after `advanced`. Who does
    /// not want it now leaves the iterator alone.
    fn rule_totals(
        &self,
        rules: &RuleSet,
        newest: TimeMs,
        totals: &mut dyn Iterator<Item = (&str, RuleCount)>,
    ) {
    }
    /// The rules that moved themselves to shadow, with their versions; said after `rule_totals`.
    fn rules_shadowed(&self, rules: &RuleSet, shadowed: &mut dyn Iterator<Item = (&str, u32)>) {}
    /// Distinct persons of a partition who were named, by calendar year and destination; said after those.
    fn persons_named(&self, partition: u32, persons: &mut dyn Iterator<Item = (i64, Destination, u64)>) {}
    /// A transaction's outcome for one partition. `packs`: newest record time and facts of each pack
    /// of facts that became visible with it.
    fn settled(&self, partition: u32, outcome: Outcome, records: usize, packs: &[(TimeMs, u32)]) {}
    /// One transaction, over all partitions, took this long.
    fn transaction(&self, took: Duration) {}
    fn reports_sent(&self, count: usize) {}
    /// Deciding was held up this long to freeze a partition's state for a snapshot.
    fn frozen(&self, partition: u32, took: Duration) {}
    /// A snapshot was stored (`Some(bytes)`) or could not be.
    fn snapshot(&self, partition: u32, bytes: Option<usize>) {}
    /// Delivery of a partition was stopped or resumed, because too much waits in memory.
    fn paused(&self, partition: u32, paused: bool) {}
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observe for Silent {}
