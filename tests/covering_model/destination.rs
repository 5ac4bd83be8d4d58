//! A destination: the real `Coverage` of the engine, and beside it what has truly been applied.

use std::cell::RefCell;
use std::collections::HashMap;

use duecourse::engine::base::TimeMs;
use duecourse::engine::cover::{Admission, Coverage, Covered, Skip};

use super::pieces::{
    Checks, Entry, FIRST_VERSION, Pack, RECORDS, SECOND_VERSION, SOURCES, Span, source_id, version_of,
};
use super::symmetry::{destination_code, entry_code};

/// What must never happen to a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    AppliedTwice,
    AppliedOverGap,
    AppliedUnderWrongVersion,
    /// What is covered is not what was applied, or it fell.
    CoverageUntrue,
}

/// The state of one destination. `covered` and `announced` are the engine's coverage as plain
/// numbers; `applied` is kept by the model alone, and the checks below compare the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    pub covered: [Option<i8>; SOURCES],
    pub announced: bool,
    /// The last offset applied of each source, or skipped on record; -1 when none.
    pub applied: [i8; SOURCES],
    pub fault: Option<Fault>,
}

impl Destination {
    pub const EMPTY: Destination =
        Destination { covered: [None; SOURCES], announced: false, applied: [-1; SOURCES], fault: None };

    pub fn is_complete(&self) -> bool {
        self.applied == [RECORDS - 1; SOURCES] && self.fault.is_none()
    }

    /// This destination after the next record of its log. The same record on the same state gives the
    /// same state, so it is worked out once.
    pub fn after(&self, entry: Entry, checks: Checks) -> Destination {
        thread_local! {
            static KNOWN: RefCell<HashMap<(u64, Checks), Destination>> = RefCell::default();
        }
        let number = destination_code(self, false) << 16 | entry_code([Some(entry)], false);
        KNOWN.with_borrow_mut(|known| {
            *known.entry((number as u64, checks)).or_insert_with(|| {
                let mut next = *self;
                next.apply(&entry, checks);
                next
            })
        })
    }

    /// Applies the next record of the log: all ranges are admitted against the coverage before the
    /// record, then facts are applied, then admitted ranges advance (S1).
    fn apply(&mut self, entry: &Entry, checks: Checks) {
        let mut coverage = self.coverage();
        match entry {
            Entry::Announced => coverage.announce(SECOND_VERSION),
            Entry::Skipped { source, to } => {
                let place = usize::from(*source);
                let skip = Skip {
                    source: source_id(place),
                    to: i64::from(*to),
                    blind_until: TimeMs::MIN,
                    ordered: TimeMs::MIN,
                    reason: "".into(),
                };
                let skipped = coverage.skip(&skip) as i8;
                // Of what was begun, all before `to` that was not applied, and nothing else.
                let expected =
                    (*to - 1 - self.applied[place]).max(0) * i8::from(self.covered[place].is_some());
                self.fault = self.fault.or((skipped != expected).then_some(Fault::CoverageUntrue));
                self.applied[place] += expected;
            }
            Entry::Pack(pack) => {
                let verdicts = self.verdicts(pack, checks);
                for (source, verdict) in verdicts.into_iter().enumerate() {
                    if let (Some(Admission::Apply { after }), Some(span)) = (verdict, pack.spans[source]) {
                        self.apply_facts(source, span, after, pack.version);
                        coverage.advance(&span.range(source));
                    }
                }
            }
        }
        self.keep(&coverage);
    }

    /// The engine's verdict on each range of a pack, bent when a check is taken out.
    pub fn verdicts(&self, pack: &Pack, checks: Checks) -> [Option<Admission>; SOURCES] {
        let coverage = self.coverage();
        std::array::from_fn(|source| {
            let span = pack.spans[source]?;
            let range = span.range(source);
            let mut verdict = coverage.admit(u32::from(pack.version), &range);
            if verdict == Admission::WrongVersion && !checks.version {
                let mut lenient = coverage.clone();
                lenient.versions = vec![FIRST_VERSION];
                lenient.versions[0].number = u32::from(pack.version);
                verdict = lenient.admit(u32::from(pack.version), &range);
            }
            Some(match verdict {
                Admission::Gap if !checks.gap => Admission::Apply { after: range.previous },
                Admission::Stale | Admission::Apply { .. } if !checks.covered => {
                    Admission::Apply { after: range.previous }
                }
                kept => kept,
            })
        })
    }

    /// Applies the facts of a range beyond `after` and notes what must not happen.
    fn apply_facts(&mut self, source: usize, span: Span, after: i64, version: u8) {
        for offset in (span.previous + 1)..=span.last {
            if i64::from(offset) <= after {
                continue;
            }
            let expected = self.applied[source] + 1;
            let fault = match offset {
                _ if offset < expected => Some(Fault::AppliedTwice),
                _ if offset > expected => Some(Fault::AppliedOverGap),
                _ if version != version_of(offset) => Some(Fault::AppliedUnderWrongVersion),
                _ => None,
            };
            self.fault = self.fault.or(fault);
            self.applied[source] = self.applied[source].max(offset);
        }
    }

    /// The engine's coverage of this destination.
    fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::default();
        for (source, last) in self.covered.into_iter().enumerate() {
            if let Some(last) = last {
                let covered = Covered::new(i64::from(last), TimeMs::MIN);
                coverage.sources.insert(source_id(source), covered);
            }
        }
        coverage.announce(FIRST_VERSION);
        if self.announced {
            coverage.announce(SECOND_VERSION);
        }
        coverage
    }

    /// Takes the engine's coverage back and compares it with what was applied.
    fn keep(&mut self, coverage: &Coverage) {
        self.announced = coverage.versions.contains(&SECOND_VERSION);
        for source in 0..SOURCES {
            let last = coverage.sources.get(&source_id(source)).map(|covered| covered.last as i8);
            let untrue = last.unwrap_or(-1) != self.applied[source] || last < self.covered[source];
            self.fault = self.fault.or(untrue.then_some(Fault::CoverageUntrue));
            self.covered[source] = last;
        }
    }
}
