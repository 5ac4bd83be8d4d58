//! What the model is made of: records, configurations, packs on their way, and the bounds.
//!
//! Everything is small, `Copy` and ordered, so that a state hashes fast and can be put into a
//! canonical form. The engine's own types are built from it where the engine decides (`destination`).

use std::sync::{Arc, OnceLock};

use duecourse::engine::base::TimeMs;
use duecourse::engine::cover::{ConfigVersion, Range, SourceId};

pub const SOURCES: usize = 2;
pub const DESTINATIONS: usize = 2;
pub const INTAKES: usize = 2;
/// Records of each source partition; their offsets are 0 to 3.
pub const RECORDS: i8 = 4;
/// The first offset whose record timestamp lies in version 2 of the intake configuration.
pub const BOUNDARY: i8 = 2;

/// The version in force from the beginning.
pub const FIRST_VERSION: ConfigVersion = ConfigVersion { from: TimeMs(0), number: 1 };
/// The announced version: it begins between the records 1 and 2 of each source.
pub const SECOND_VERSION: ConfigVersion = ConfigVersion { from: TimeMs(25), number: 2 };

/// The timestamp of a record, the same in both sources: 10, 20, 30, 40.
pub fn record_time(offset: i8) -> TimeMs {
    TimeMs(10 * (i64::from(offset) + 1))
}

/// The version that a record's facts must be made under.
pub fn version_of(offset: i8) -> u8 {
    if offset < BOUNDARY { 1 } else { 2 }
}

pub fn source_id(source: usize) -> SourceId {
    static NAME: OnceLock<Arc<str>> = OnceLock::new();
    let name = NAME.get_or_init(|| Arc::from("transfers")).clone();
    SourceId { name, generation: 0, partition: source as u32 }
}

/// What an intake believes about when version 2 begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Configuration {
    Right,
    /// It never heard of version 2: it reads past the boundary and calls it version 1.
    Unaware,
    /// Its version 2 begins one record too early.
    Early,
}

impl Configuration {
    /// The version under which an intake with this configuration reads a record.
    pub fn version(self, offset: i8) -> u8 {
        match self {
            Configuration::Right => version_of(offset),
            Configuration::Unaware => 1,
            Configuration::Early => version_of(offset + 1),
        }
    }
}

/// A covered range `(previous, last]` with its facts: every record has one fact for each destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub previous: i8,
    pub last: i8,
}

impl Span {
    /// The engine's own form of this range.
    pub fn range(self, source: usize) -> Range {
        let timestamps = (record_time(self.previous + 1), record_time(self.last));
        Range {
            source: source_id(source),
            // Only a range that starts where reading of the source began is a baseline.
            baseline: self.previous == -1,
            previous: i64::from(self.previous),
            last: i64::from(self.last),
            timestamps,
            through: timestamps.1,
        }
    }
}

/// A facts record for one destination, with a range of each source that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pack {
    pub destination: u8,
    pub version: u8,
    pub spans: [Option<Span>; SOURCES],
}

/// A record in a destination's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    Pack(Pack),
    /// Version 2 begins at its time.
    Announced,
    /// What the source no longer holds before `to`, and is not covered, is skipped.
    Skipped {
        source: u8,
        to: i8,
    },
}

/// Packs that were sent and may yet arrive, at most this many at a time.
pub const FLIGHT_MAX: usize = 2;
/// Records appended to a log and not yet applied, at most this many.
pub const LOG_MAX: usize = 1;

/// How far the search goes. Losses, delays and the order of arrival are not bounded by a count.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// What the second intake may believe; the first is right.
    pub others: &'static [Configuration],
    /// Crashes and take-overs, together.
    pub restarts: u8,
    /// Packs that arrive once more than they were sent.
    pub copies: u8,
    /// Delayed packs at one time (at most `FLIGHT_MAX`), while any number of others overtake them.
    pub flight: usize,
    /// Records in a log that decide has not applied yet (at most `LOG_MAX`); 0: it applies at once.
    pub log: usize,
    /// Whether retention may take records of one source that all destinations have begun to cover.
    pub losses: bool,
}

/// The checks that protect a destination. Each can be taken out, to show that it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Checks {
    /// C1: only facts beyond what is covered are applied.
    pub covered: bool,
    /// C2: nothing is applied over a gap.
    pub gap: bool,
    /// C3: a range made under a version that was not in force is ignored.
    pub version: bool,
    /// Intake, not decide: the announcement stands in every log before the version begins (D6).
    pub announced_before_start: bool,
    /// Intake, not decide: it starts at the lowest offset that any destination has covered (D7).
    pub lowest_start: bool,
    /// The operator, not decide: what is lost is put on record in every log (D8).
    pub skip: bool,
}

impl Checks {
    pub const ALL: Checks = Checks {
        covered: true,
        gap: true,
        version: true,
        announced_before_start: true,
        lowest_start: true,
        skip: true,
    };
}
