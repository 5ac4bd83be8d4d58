//! Random facts logs of one to four partitions: packs with ranges of several sources, duplicates,
//! gaps, stale and wrongly versioned ones, and reports that arrive later, twice or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use duecourse::engine::base::{SpanMs, TimeMs};
use duecourse::engine::cover::{ConfigVersion, Range, Skip, SourceId};
use duecourse::engine::disposition::Disposition;
use duecourse::engine::fact::{Fact, FactBody};
use duecourse::engine::input::{Effect, FactsPack, FactsRecord, PackedFact, TimeMode};
use duecourse::engine::report::Report;
use duecourse::verify::plain::Plain;

use super::Who;
use super::dice::Dice;
use super::events::{To, Town};
use super::invariants::Watch;
use super::rulesets::{self, START, Shelf};
use super::seen::Seen;
use super::traces;

/// One source record: where it stood, and the facts it became.
pub type Input = (SourceId, i64, Vec<(To, Fact)>);

/// Whether all reports arrive, in order, and all inputs are covered in the end.
#[derive(Clone, Copy, PartialEq)]
pub enum Delivery {
    Whole,
    Lossy,
}

pub struct Case {
    pub inputs: Vec<Input>,
    pub partitions: Vec<(Who, Vec<FactsRecord>)>,
    pub shelf: Shelf,
}

struct Source {
    id: SourceId,
    next_offset: i64,
    clock: TimeMs,
}

/// Facts on their way to one partition.
struct Lane {
    who: Who,
    plain: Plain,
    records: Vec<FactsRecord>,
    /// Places of the packs that intake made, among records that nothing made.
    packs: Vec<usize>,
    waiting: Vec<(usize, i64, u16, TimeMs, Fact)>,
    /// Per source: how far the packs sent so far cover, and whether any was.
    sent: Vec<Option<i64>>,
    reports: Vec<Report>,
    watch: Watch,
}

struct World<'a> {
    dice: Dice,
    /// For what authorises: drawn apart, so that it leaves all else as it is.
    apart: Dice,
    shelf: Shelf,
    town: Town,
    sources: Vec<Source>,
    lanes: Vec<Lane>,
    time: TimeMode,
    delivery: Delivery,
    inputs: Vec<Input>,
    /// Whether sources lose ranges, which are skipped on record; with dice of their own.
    loses: Option<Dice>,
    seen: &'a mut Seen,
}

pub fn random_case(seed: u64, delivery: Delivery, seen: &mut Seen) -> Case {
    let mut dice = Dice::new(seed.wrapping_mul(0x0100_0000_01b3));
    let time = if dice.chance(50) { TimeMode::Event } else { TimeMode::Broker };
    let partitions = 1 + dice.below(4) as u32;
    let sources_count = 1 + dice.below(3);
    let mut shelf = Shelf::default();
    let mut first = rulesets::random(&mut dice, 1);
    let mut second = rulesets::changed(&mut dice, &first);
    let mut third = rulesets::random(&mut dice, 3);
    // In one log of four; the others are what they were before there was such data.
    let has_traces = seed % 4 == 1;
    if has_traces {
        // The first two agree on these, so that signals go on from one to the other.
        for (set, seed) in [(&mut first, seed), (&mut second, seed), (&mut third, seed ^ 3)] {
            traces::add(&mut Dice::new(seed ^ 0x7ace), set);
        }
    }
    for (name, rules) in [("one", first), ("two", second), ("three", third)] {
        shelf.0.insert(name.to_owned(), Arc::new(rules));
    }
    let lanes = (0..partitions)
        .map(|partition| {
            let who = Who { partition, partitions, time, restarts: seed.is_multiple_of(2) };
            let version = ConfigVersion { from: TimeMs(0), number: 1 };
            let records = Vec::new();
            let mut lane = Lane {
                who,
                plain: who.plain(),
                records,
                packs: Vec::new(),
                waiting: Vec::new(),
                sent: vec![None; sources_count],
                reports: Vec::new(),
                watch: Watch::default(),
            };
            lane.apply(FactsRecord::VersionAnnounced(version), &shelf);
            lane
        })
        .collect();
    let sources = (0..sources_count)
        .map(|number| Source {
            // The last of three is sometimes the first one's next generation.
            id: match (number, dice.chance(50)) {
                (2, true) => SourceId { name: Arc::from("s"), generation: 2, partition: 0 },
                _ => SourceId { name: Arc::from("s"), generation: 1, partition: number as u32 },
            },
            next_offset: 0,
            clock: START,
        })
        .collect();
    let mut town = Town::new(partitions);
    town.has_traces = has_traces;
    let inputs = Vec::new();
    let apart = Dice::new(seed ^ 0xa7ac);
    let loses = (delivery == Delivery::Lossy && seed.is_multiple_of(5)).then(|| Dice::new(seed));
    let mut world = World { dice, apart, shelf, town, sources, lanes, time, delivery, inputs, loses, seen };
    world.run();
    let partitions = world.lanes.into_iter().map(|lane| (lane.who, lane.records)).collect();
    Case { inputs: world.inputs, partitions, shelf: world.shelf }
}

impl Lane {
    fn apply(&mut self, record: FactsRecord, shelf: &Shelf) -> Vec<Effect> {
        let offset = self.records.len() as u64;
        let effects = self.plain.apply(offset, &record, shelf).expect("the plain evaluator applies it");
        self.records.push(record);
        effects
    }
}

impl World<'_> {
    fn run(&mut self) {
        // Some logs are long enough for running values to be kept.
        let is_long = self.dice.chance(6);
        let events = if is_long { 150 + self.dice.below(150) } else { 20 + self.dice.below(60) };
        let goes_live = self.dice.below(events / 2);
        let is_early = self.dice.chance(20);
        let activates = if self.dice.chance(93) { 0 } else { 3 };
        let mut now = START;
        for number in 0..events {
            now = now.plus(SpanMs(*self.dice.pick(&[0, 0, 500, 1_000, 1_000, 2_000, 2_000, 5_000, 30_000])));
            if self.dice.chance(2) {
                // A day, or to the end of the month or of the year.
                now = now.plus(SpanMs::days(*self.dice.pick(&[1, 1, 2, 16, 31])));
            }
            let at = match self.dice.below(9) {
                0 => now.minus(SpanMs(*self.dice.pick(&[1_000, 4_000, 15_000, 90_000, 400_000]))),
                1 => now.plus(SpanMs(2_000)),
                2 => near_midnight(now, *self.dice.pick(&[-1, 0, 0, 1])),
                _ => now,
            };
            if number == activates {
                let event = self.town.activation(now, "one", false);
                self.emit(event.facts, now);
            } else if self.dice.chance(3) {
                let name = *self.dice.pick(&["one", "two", "two", "three"]);
                let event = self.town.activation(now, name, self.dice.chance(50));
                self.emit(event.facts, now);
            }
            if number == if is_early { 0 } else { goes_live } {
                let event = self.town.broadcast(now, FactBody::WentLive);
                self.emit(event.facts, now);
            }
            let event = self.town.happen(&mut self.dice, at);
            self.emit(event.facts, now);
            self.authorise(at, now);
            for lane in 0..self.lanes.len() {
                if self.dice.chance(35) {
                    self.flush(lane);
                }
                if self.dice.chance(40) {
                    self.deliver(lane);
                }
            }
        }
        for _ in 0..3 {
            for lane in 0..self.lanes.len() {
                self.flush(lane);
                self.deliver(lane);
            }
        }
        while self.delivery == Delivery::Whole && !self.is_quiet() {
            for lane in 0..self.lanes.len() {
                self.flush(lane);
                self.deliver(lane);
            }
        }
    }

    /// Now and then somebody authorises another use of what is held of them, or takes it back.
    fn authorise(&mut self, at: TimeMs, now: TimeMs) {
        if !self.town.has_traces {
            return;
        }
        std::mem::swap(&mut self.dice, &mut self.apart);
        if self.dice.chance(12) {
            let event = self.town.authorise(&mut self.dice, at);
            self.emit(event.facts, now);
        } else if self.dice.chance(4)
            && let Some(corrected) = self.town.corrected.pop()
        {
            self.emit(corrected.facts, now);
        }
        std::mem::swap(&mut self.dice, &mut self.apart);
    }

    /// Everything is covered everywhere, and no report is on its way.
    fn is_quiet(&self) -> bool {
        let ends = || self.sources.iter().map(|source| Some(source.next_offset - 1));
        let covered = |lane: &Lane| lane.sent.iter().copied().zip(ends()).all(|(sent, end)| sent >= end);
        self.lanes.iter().all(|lane| lane.reports.is_empty() && covered(lane))
    }

    /// One source record: its facts wait for their partitions.
    fn emit(&mut self, facts: Vec<(To, Fact)>, now: TimeMs) {
        let number = self.dice.below(self.sources.len());
        let source = &mut self.sources[number];
        let offset = source.next_offset;
        source.next_offset += 1 + i64::from(self.dice.chance(10));
        let delay = SpanMs(*self.dice.pick(&[0, 0, 100, 3_000]));
        source.clock = source.clock.max(now.plus(delay));
        let time = match self.time {
            TimeMode::Broker => source.clock,
            TimeMode::Event => facts.first().map_or(now, |(_, fact)| fact.at),
        };
        self.inputs.push((source.id.clone(), offset, facts.clone()));
        for ((to, fact), ordinal) in facts.into_iter().zip(0..) {
            for (at, lane) in self.lanes.iter_mut().enumerate() {
                if to == To::All || to == To::Partition(at as u32) {
                    lane_push(&mut lane.waiting, number, offset, ordinal, time, &fact);
                }
            }
        }
    }

    /// What waits of a source for a partition is lost, and that is put on record; or the record says so of what was
    /// covered long ago, or of a source that the partition has not heard of.
    fn lose(&mut self, number: usize) {
        let Some(dice) = self.loses.as_mut().filter(|_| self.sources.iter().any(|one| one.next_offset > 0))
        else {
            return;
        };
        if !dice.chance(4) {
            return;
        }
        let place = dice.below(self.sources.len());
        let source = &self.sources[place];
        let to = (source.next_offset - *dice.pick(&[0, 0, 0, 1, 2, 5])).max(0);
        let blind_until = source.clock.plus(SpanMs(*dice.pick(&[-60_000, 0, 0, 2_000, 90_000])));
        let reason = Arc::from("retention overtook intake");
        let skip = Skip { source: source.id.clone(), to, blind_until, ordered: source.clock, reason };
        let lane = &mut self.lanes[number];
        if let Some(sent) = &mut lane.sent[place]
            && *sent + 1 < to
        {
            lane.waiting.retain(|(of, offset, ..)| *of != place || *offset >= to);
            self.seen.note("skipped", true);
            *sent = to - 1;
        }
        self.apply(number, FactsRecord::SourceSkipped(skip));
    }

    /// Sends what waits for a partition, as intake may: late parts first, twice, or under a wrong version.
    fn flush(&mut self, number: usize) {
        self.lose(number);
        let through_lag = SpanMs(*self.dice.pick(&[0, 0, 1_000]));
        let lane = &mut self.lanes[number];
        let waiting = std::mem::take(&mut lane.waiting);
        let mut ranges = Vec::new();
        let mut places = BTreeMap::new();
        for (place, source) in self.sources.iter().enumerate() {
            let has_facts = waiting.iter().any(|(of, ..)| *of == place);
            if !has_facts && self.dice.chance(50) {
                continue;
            }
            let last = source.next_offset - 1;
            let times = || waiting.iter().filter(|(of, ..)| *of == place).map(|(_, _, _, time, _)| *time);
            let through = source.clock.minus(if has_facts { SpanMs(0) } else { through_lag });
            let first = times().min().unwrap_or(through);
            let newest = times().max().unwrap_or(through);
            let before = lane.sent[place];
            // Where reading began may lie before the first record.
            let previous = before.unwrap_or(-1);
            places.insert(place, ranges.len() as u16);
            ranges.push(Range {
                source: source.id.clone(),
                baseline: before.is_none(),
                previous,
                last,
                timestamps: (first, newest),
                through,
            });
            lane.sent[place] = Some(last);
        }
        if ranges.is_empty() {
            return;
        }
        let facts = waiting
            .into_iter()
            .map(|(source, offset, ordinal, time, fact)| PackedFact {
                range: places[&source],
                offset,
                ordinal,
                time,
                fact,
            })
            .collect();
        let pack = FactsPack { version: 1, ranges, facts };
        if self.dice.chance(6) {
            self.apply(number, FactsRecord::Facts(FactsPack { version: 2, ..pack.clone() }));
        }
        if self.dice.chance(6) {
            let mut gap = pack.clone();
            for range in &mut gap.ranges {
                range.previous += 1;
                range.last += 1;
                range.baseline = false;
            }
            self.apply(number, FactsRecord::Facts(gap));
        }
        let place = self.lanes[number].records.len();
        self.lanes[number].packs.push(place);
        self.apply(number, FactsRecord::Facts(pack.clone()));
        if self.dice.chance(10) {
            self.apply(number, FactsRecord::Facts(pack));
        }
        if self.dice.chance(6) {
            let lane = &self.lanes[number];
            let old = lane.records[*self.dice.pick(&lane.packs)].clone();
            self.apply(number, old);
        }
    }

    /// Delivers some of the reports that wait for a partition.
    fn deliver(&mut self, number: usize) {
        let lane = &mut self.lanes[number];
        let count = self.dice.below(lane.reports.len() + 1);
        if count == 0 {
            return;
        }
        let mut reports: Vec<Report> = lane.reports.drain(..count).collect();
        let lossy = self.delivery == Delivery::Lossy;
        match self.dice.below(12) {
            // Heard twice.
            0 => reports.extend(reports.clone()),
            // One is missing at first.
            1 if lossy && reports.len() > 1 => {
                let missing = self.dice.below(reports.len());
                let mut gap = reports.clone();
                gap.remove(missing);
                self.apply(number, FactsRecord::Reports(gap));
            }
            // One never comes.
            2 if lossy && self.dice.chance(20) => {
                reports.remove(0);
            }
            _ => {}
        }
        self.apply(number, FactsRecord::Reports(reports));
    }

    fn apply(&mut self, number: usize, record: FactsRecord) {
        let effects = self.lanes[number].apply(record, &self.shelf);
        for effect in effects {
            self.seen.count(&effect);
            self.lanes[number].watch.look(&effect);
            self.town.note_lead(&effect);
            match effect {
                Effect::Reported(report) => self.lanes[report.destination as usize].reports.push(*report),
                Effect::Disposed(disposition) => {
                    if let Disposition::MeasureSet(set) = *disposition {
                        self.town.appeals.push((set.notice().appeal, set.head().holder));
                        self.town.measures.push((set.head().id, set.head().holder));
                    }
                }
                _ => {}
            }
        }
    }
}

/// The midnight within a minute of a time, or a moment from it; the time itself if there is none.
fn near_midnight(now: TimeMs, moment: i64) -> TimeMs {
    let since = (now.0 - rulesets::MIDNIGHT.0).rem_euclid(SpanMs::DAY.0);
    let back = if since < 60_000 { since } else { since - SpanMs::DAY.0 };
    if back > -60_000 { TimeMs(now.0 - back + moment) } else { now }
}

fn lane_push(
    waiting: &mut Vec<(usize, i64, u16, TimeMs, Fact)>,
    source: usize,
    offset: i64,
    ordinal: u16,
    time: TimeMs,
    fact: &Fact,
) {
    waiting.push((source, offset, ordinal, time, fact.clone()));
}
