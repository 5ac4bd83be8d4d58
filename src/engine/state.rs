//! Small pieces of a partition's state that several of its files share.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::appeal::AppealCase;
use super::attributes::Attributes;
use super::base::{TimeMs, Token};
use super::disposition::{AppealRef, DispositionId};
use super::evidence::Evidence;
use super::life::Appealed;
use super::measure::{Lane, Measure};
use super::notice::RuleName;
use super::purpose::Purpose;
use super::report::ReportPos;
use super::subject::Party;
use super::verifying::{DeliveryChannel, Risk};

/// Hashes keys that hold keyed MACs: their bits are uniform already and an attacker cannot choose
/// them, so folding is enough (reference: SipHash costs 22 ns, this 1).
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenHasher(u64);

pub type TokenHash = BuildHasherDefault<TokenHasher>;

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    fn write_u128(&mut self, value: u128) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
}

/// A measure that stands, or that ended and can still be appealed against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureState {
    pub appeal: AppealRef,
    pub lane: Lane,
    pub rule: RuleName,
    pub party: Party,
    pub holder: Token,
    pub event: super::base::Fingerprint,
    pub measure: Measure,
    pub purpose: Purpose,
    pub end: TimeMs,
    pub ended: bool,
    /// It ended because its source corrected what it rested on: the event may set it once more.
    pub corrected: bool,
    pub overruled: bool,
    pub utc_offset_minutes: i32,
    /// The person who set or confirmed it; none while it is the program's alone.
    pub decided_by: Option<Token>,
    /// A human decision was asked for: until then nothing harder follows by itself (PIPL 24).
    pub awaits_human: bool,
    pub case: Option<Box<AppealCase>>,
    /// What a rule set it on, while it stands: so that a correction can ask again (S18).
    pub ground: Option<Box<Ground>>,
    pub start: TimeMs,
    /// The first measure of its chain; itself, if it follows none.
    pub root: DispositionId,
    /// The event that set the first measure of its chain.
    pub root_event: super::base::Fingerprint,
    pub risk: Risk,
    /// Keys of its reason and basis in the table of disclosable wording.
    pub reason: Arc<str>,
    pub basis: Arc<str>,
    /// Where it is in its life; none for one that only expires.
    pub living: Option<Living>,
}

impl MeasureState {
    /// What the guards of the table of appeals ask of an appeal against it.
    #[must_use]
    pub fn appealed(&self, brings_new: bool) -> Appealed<'_> {
        Appealed {
            measure: &self.measure,
            lane: self.lane,
            is_automated: self.decided_by.is_none(),
            brings_new,
        }
    }
}

/// What a rule's condition was evaluated on, besides logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Place among all measures, by order of setting.
    pub order: u64,
    pub attributes: Attributes,
    pub other: Option<Token>,
    /// The name of the event's entries.
    pub entry: super::base::Fingerprint,
    pub at: TimeMs,
    /// Of an override: the rule saw nothing at or before it.
    pub bound: Option<TimeMs>,
}

/// Where a measure is in its life (S14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Living {
    /// Name of the state.
    pub state: Arc<str>,
    /// The how-manieth state of this life it is, from 1.
    pub entered: u32,
    pub entered_at: TimeMs,
    /// The event by which it was entered.
    pub entered_by: super::base::Fingerprint,
    /// Its own deadline, if it has one that lies before the measure's end.
    pub due: Option<TimeMs>,
    /// Ways by which the notice could not be delivered.
    pub tried: Vec<DeliveryChannel>,
}

/// The last firing of a rule on a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    pub until: TimeMs,
    /// Its measure ended before that, otherwise than by expiry: it keeps the rule from nothing more.
    pub is_over: bool,
    /// One event makes a rule fire once on a party.
    pub event: super::base::Fingerprint,
}

/// After a successful appeal a rule sees only later events on that party, for a while (D26).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    pub lift: TimeMs,
    pub until: TimeMs,
}

/// Something about each of some rules, by name, on one party.
pub type ByRule<T> = Vec<(Arc<str>, T)>;

/// One meeting of a shared subject with a holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    pub at: TimeMs,
    pub event: super::base::Fingerprint,
    /// The same few come again and again, so meetings share them.
    pub by: Arc<MetBy>,
}

/// Who met a shared subject, and how: a holder, with an account, card or opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetBy {
    pub feed: super::fact::Feed,
    pub holder: Token,
    pub target: Party,
}

/// What a partition remembers of reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportLedger {
    /// Last position applied, by origin.
    pub received: std::collections::BTreeMap<u32, ReportPos>,
    /// Last position sent, by destination.
    pub sent: std::collections::BTreeMap<u32, ReportPos>,
}

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub evidence: Evidence,
    pub purpose: Purpose,
}

/// What one rule did: what became of the measures of its latest version, and the harm of its latest interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCount {
    /// The latest version that set a measure; the next five are of its measures.
    pub version: u32,
    pub measures: u64,
    pub overruled: u64,
    /// Appeals that were filed.
    pub appeals: u64,
    /// Verifications that were passed: the person was no suspect.
    pub verified: u64,
    pub failed: u64,
    /// Milliseconds for which its measures might stand, when they were set, added up.
    pub restricted_ms: u64,
    /// Number of the interval of its harm budget in which it last set a measure; 0 without a budget.
    pub interval: i64,
    /// Milliseconds for which the measures of that interval may stand, added up.
    pub harm_ms: u64,
}

impl RuleCount {
    /// What several partitions did together: of the latest version that any of them knows, and of harm
    /// only that of the latest interval any of them is in.
    pub fn total<'a>(counts: impl Iterator<Item = &'a RuleCount>) -> RuleCount {
        counts.fold(RuleCount::default(), RuleCount::and)
    }

    fn and(self, other: &RuleCount) -> RuleCount {
        let (interval, harm_ms) = match self.interval.cmp(&other.interval) {
            std::cmp::Ordering::Less => (other.interval, other.harm_ms),
            std::cmp::Ordering::Equal => (self.interval, self.harm_ms.saturating_add(other.harm_ms)),
            std::cmp::Ordering::Greater => (self.interval, self.harm_ms),
        };
        let of_version = match self.version.cmp(&other.version) {
            std::cmp::Ordering::Less => *other,
            std::cmp::Ordering::Equal => RuleCount {
                measures: self.measures + other.measures,
                overruled: self.overruled + other.overruled,
                appeals: self.appeals + other.appeals,
                verified: self.verified + other.verified,
                failed: self.failed + other.failed,
                restricted_ms: self.restricted_ms.saturating_add(other.restricted_ms),
                ..self
            },
            std::cmp::Ordering::Greater => self,
        };
        RuleCount { interval, harm_ms, ..of_version }
    }

    /// The same harm, and nothing yet of a later version.
    #[must_use]
    pub fn of_version(self, version: u32) -> RuleCount {
        if version <= self.version {
            return self;
        }
        RuleCount { version, interval: self.interval, harm_ms: self.harm_ms, ..RuleCount::default() }
    }
}

/// A rule whose measures were overturned, or found needless, beyond its bound: this version of it only
/// observes from here on (D28).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleShadowed {
    pub rule: RuleName,
    /// What it had done, over all partitions.
    pub count: RuleCount,
    pub quality: super::rule::Quality,
}

/// The life of a rule that watches itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLife {
    pub version: u32,
    /// Its state, by the table's name for it.
    pub state: Arc<str>,
    /// It only observes.
    pub shadowed: bool,
}

/// Where in the log what is in force began: shown to people, never decided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// Offset of the facts record that activated the rule set, and the activation's time.
    pub activated: Option<(u64, TimeMs)>,
    /// The time of the first go-live.
    pub live_since: Option<TimeMs>,
}
