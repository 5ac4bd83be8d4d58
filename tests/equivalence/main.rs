//! The engine against the plain evaluator, effect by effect, on random facts logs (DESIGN section 10).
//!
//! `DUECOURSE_CASES` sets how many cases are run, `DUECOURSE_SEED` the first seed: a failure prints
//! the seed that replays it and the shortest log found that still differs.

mod appeals;
mod busy;
mod check;
mod conditions;
mod corrections;
mod declarations;
mod destinations;
mod dice;
mod events;
mod forgotten;
mod invariants;
mod leads;
mod lives;
mod log;
mod measures;
mod orders;
mod record;
mod rekeyed;
mod rulesets;
mod seen;
mod signals;
mod specials;
mod traces;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use duecourse::codec::snapshot::{self, Extent};
use duecourse::engine::fact::Feed;
use duecourse::engine::input::{Effect, FactsRecord, TimeMode};
use duecourse::engine::invariant::Invariant;
use duecourse::engine::kept::Records;
use duecourse::engine::partition::{Frozen, Identity, Partition};
use duecourse::engine::window::Entry;
use duecourse::verify::plain::{Plain, PlainIdentity};

use rulesets::Shelf;

/// Who evaluates: the same for both.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    partition: u32,
    partitions: u32,
    time: TimeMode,
    /// Whether the engine is restored from its snapshots now and then.
    restarts: bool,
}

impl Who {
    pub fn plain(self) -> Plain {
        let Who { partition, partitions, time, .. } = self;
        Plain::new(PlainIdentity { partition, partitions, id_key: events::keys().id_key(), time })
    }

    fn identity(self) -> Identity {
        let Who { partition, partitions, time, .. } = self;
        Identity { partition, partitions, id_key: events::keys().id_key(), time }
    }

    pub fn engine(self) -> Partition {
        Partition::new(self.identity())
    }
}

/// Snapshots of the engine as it goes: one of all of its state, then some of what changed.
#[derive(Default)]
struct Snapshots(Vec<Vec<u8>>);

impl Snapshots {
    /// The engine, stored once more and restored from all that was stored.
    fn restarted(&mut self, who: Who, mut engine: Partition, shelf: &Shelf) -> Result<Partition, String> {
        let frozen = engine.freeze();
        let whole = snapshot::encode(&frozen, Extent::Whole);
        if self.0.len() == 3 {
            self.0.clear();
        }
        let extent = if self.0.is_empty() { Extent::Whole } else { Extent::Changes };
        self.0.push(snapshot::encode(&frozen, extent));
        let mut restored = snapshot::decode(self.0.iter().map(Vec::as_slice), who.identity(), shelf)
            .map_err(|error| error.to_string())?;
        let again = snapshot::encode(&restored.freeze(), Extent::Whole);
        if again != whole { Err("what was restored is not what was stored".to_owned()) } else { Ok(restored) }
    }
}

struct Difference {
    at: usize,
    plain: Vec<Effect>,
    engine: Result<Vec<Effect>, String>,
}

/// The first record on which the two differ.
fn difference(who: Who, records: &[FactsRecord], shelf: &Shelf) -> Option<Difference> {
    let (mut plain, mut engine, mut snapshots) = (who.plain(), who.engine(), Snapshots::default());
    for (at, record) in records.iter().enumerate() {
        if who.restarts && at % 5 == 4 {
            match snapshots.restarted(who, engine, shelf) {
                Ok(restored) => engine = restored,
                Err(error) => return Some(Difference { at, plain: Vec::new(), engine: Err(error) }),
            }
        }
        let expected = plain.apply(at as u64, record, shelf).expect("the plain evaluator applies it");
        let found = catch_unwind(AssertUnwindSafe(|| {
            let mut effects = Vec::new();
            engine.apply(at as u64, record, shelf, &mut effects).map(|()| effects)
        }));
        let found = match found {
            Ok(Ok(effects)) => Ok(effects),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it panicked".to_owned()),
        };
        if found.as_ref() != Ok(&expected) {
            return Some(Difference { at, plain: expected, engine: found });
        }
    }
    None
}

/// Takes facts and reports out of a log as long as the two still differ.
fn shorten(who: Who, mut records: Vec<FactsRecord>, shelf: &Shelf) -> Vec<FactsRecord> {
    if let Some(found) = difference(who, &records, shelf) {
        records.truncate(found.at + 1);
    }
    for place in (0..records.len()).rev() {
        let mut shorter = records.clone();
        shorter.remove(place);
        if difference(who, &shorter, shelf).is_some() {
            records = shorter;
            continue;
        }
        let len = match &records[place] {
            FactsRecord::Facts(pack) => pack.facts.len(),
            _ => 0,
        };
        for fact in (0..len).rev() {
            let mut shorter = records.clone();
            if let FactsRecord::Facts(pack) = &mut shorter[place] {
                pack.facts.remove(fact);
            }
            if difference(who, &shorter, shelf).is_some() {
                records = shorter;
            }
        }
    }
    records
}

/// From a few lines before the first that differs.
fn print_difference(found: &Difference) {
    let plain = format!("{:#?}", Ok::<_, String>(&found.plain));
    let engine = format!("{:#?}", found.engine);
    let same = plain.lines().zip(engine.lines()).take_while(|(plain, engine)| plain == engine).count();
    for (who, all) in [("plain", plain), ("engine", engine)] {
        eprintln!("--- {who}, from line {}", same + 1);
        for line in all.lines().skip(same.saturating_sub(25)).take(60) {
            eprintln!("{line}");
        }
    }
}

pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn the_engine_does_what_the_plain_evaluator_does() {
    let first = setting("DUECOURSE_SEED", 1);
    let cases = setting("DUECOURSE_CASES", 2_000);
    let mut seen = seen::Seen::default();
    for seed in first..first + cases {
        let case = log::random_case(seed, log::Delivery::Lossy, &mut seen);
        for (who, records) in &case.partitions {
            if difference(*who, records, &case.shelf).is_none() {
                continue;
            }
            let short = shorten(*who, records.clone(), &case.shelf);
            let found = difference(*who, &short, &case.shelf).expect("a shortened log still differs");
            for (offset, record) in short.iter().enumerate() {
                match record {
                    FactsRecord::Facts(pack) => {
                        for fact in &pack.facts {
                            let (time, fact) = (fact.time.0 - rulesets::START.0, &fact.fact);
                            let at = fact.at.0 - rulesets::START.0;
                            eprintln!("{offset}: at {at} time {time} {:?} {:?}", fact.event, fact.body);
                        }
                    }
                    other => eprintln!("{offset}: {other:?}"),
                }
            }
            for (name, rules) in &case.shelf.0 {
                eprintln!("{name}: {:?}\n  {:?}", rules.settings, rules.signals);
                eprintln!("  {:?}\n  {:?}", rules.rules, rules.limits);
            }
            eprintln!("{who:?}");
            print_difference(&found);
            panic!("DUECOURSE_SEED={seed} DUECOURSE_CASES=1 differs at record {}", found.at);
        }
    }
    eprintln!("{cases} cases: {seen:?}");
    if cases >= 1_000 {
        seen.assert_rich();
    }
}

/// Held of an abnormal customer alone.
fn is_trace(entry: &Entry) -> bool {
    entry.feed.bit() & Feed::OF_ABNORMAL != 0
}

/// What a partition holds at its snapshot, by kind: each must be there in many of them.
fn held(frozen: &Frozen) -> [(&'static str, bool); 17] {
    let traces = || frozen.holders.rows(false).filter_map(|(_, holder)| holder.traces.as_ref());
    let measures = || frozen.measures.rows(false).map(|(_, measure)| measure);
    [
        ("leads", frozen.leads.rows(false).any(|(_, leads)| leads.iter().any(|lead| lead.is_open))),
        ("cases", measures().any(|measure| measure.case.is_some())),
        ("authorisations", traces().any(|traces| !traces.authorisations.is_empty())),
        ("anomalies", traces().any(|traces| traces.anomaly.is_some())),
        ("traces", frozen.logs.rows(false).any(|(_, log)| log.iter().any(is_trace))),
        ("grounds", measures().any(|measure| measure.ground.is_some())),
        ("setters", measures().any(|measure| measure.decided_by.is_some())),
        ("watched", !frozen.core.watched.is_empty()),
        ("harms", !frozen.core.harms.is_empty()),
        ("heard", !frozen.core.heard.is_empty()),
        ("totals", !frozen.core.totals.is_empty()),
        ("told", frozen.told.rows(false).any(|(_, told)| !told.is_empty())),
        ("overrides", frozen.overrides.rows(false).any(|(_, overrides)| !overrides.is_empty())),
        ("firings", frozen.firings.rows(false).any(|(_, firings)| !firings.is_empty())),
        ("kept", frozen.kept.rows(false).any(|(_, kept)| kept.records != Records::default())),
        ("meetings", frozen.meetings.rows(false).any(|(_, meetings)| !meetings.is_empty())),
        ("standings", frozen.holders.rows(false).any(|(_, holder)| !holder.standings.is_empty())),
    ]
}

#[test]
fn a_restored_snapshot_goes_on_as_its_partition_does() {
    let first = setting("DUECOURSE_SEED", 1);
    let cases = setting("DUECOURSE_CASES", 2_000) / 2;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in first..first + cases {
        let case = log::random_case(seed, log::Delivery::Lossy, &mut seen::Seen::default());
        for (who, records) in &case.partitions {
            let (before, after) = records.split_at(records.len() * 2 / 3);
            let mut engine = who.engine();
            for (at, record) in before.iter().enumerate() {
                engine.apply(at as u64, record, &case.shelf, &mut Vec::new()).unwrap();
            }
            let frozen = engine.freeze();
            let bytes = snapshot::encode(&frozen, Extent::Whole);
            let mut restored = snapshot::decode([&*bytes], who.identity(), &case.shelf).unwrap();
            for (what, is_there) in held(&frozen) {
                *seen.entry(what).or_default() += usize::from(is_there);
            }
            for (at, record) in after.iter().enumerate() {
                let at = (before.len() + at) as u64;
                let (mut own, mut its) = (Vec::new(), Vec::new());
                engine.apply(at, record, &case.shelf, &mut own).unwrap();
                restored.apply(at, record, &case.shelf, &mut its).unwrap();
                assert_eq!(its, own, "DUECOURSE_SEED={seed}, record {at}");
            }
            let kept = [0; Invariant::ALL.len()];
            assert_eq!(engine.tally().broken, kept, "DUECOURSE_SEED={seed}: of {:?}", Invariant::ALL);
            let [its, own] = [restored, engine].map(|mut end| snapshot::encode(&end.freeze(), Extent::Whole));
            assert!(its == own, "DUECOURSE_SEED={seed}");
        }
    }
    eprintln!("{cases} cases: {seen:?}");
    if cases >= 100 {
        let count_min =
            |what: &str| if ["setters", "watched", "kept", "traces"].contains(&what) { 1 } else { 10 };
        assert!(seen.iter().all(|(what, count)| *count >= count_min(what)), "seen too seldom: {seen:?}");
    }
}
