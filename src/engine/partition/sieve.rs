//! Which rules of a scene may hold at all: what is known at once refutes most of them together (S7).
//!
//! It leaves out no rule that holds for certain or comes near, under an override either, and decides
//! nothing beyond: those it lets through are evaluated.

use super::Partition;
use super::readings::Readings;
use super::rules::Scene;
use crate::engine::guard::Guards;
use crate::engine::need::{Known, Need};
use crate::engine::rule::Rule;
use crate::engine::signal::Signal;
use crate::engine::subject::SubjectKind;
use crate::engine::window::Most;

/// A rule that a scene may set off.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Its number in the rule set.
    pub number: usize,
    pub guards: Guards,
    needs: Box<[Need]>,
}

/// The rules of one trigger about one kind of party, in id order, sorted by what each needs first.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    candidates: Vec<Candidate>,
    /// Places of those that need nothing that is known at once.
    free: Vec<u32>,
    groups: Vec<Group>,
}

/// Rules whose first need is of the same thing.
#[derive(Debug)]
struct Group {
    of: Known,
    /// The least that any of them needs to hold, and to come near.
    least: i64,
    near: i64,
    places: Vec<u32>,
}

/// For what a rule is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// It may hold.
    Holding,
    /// It may hold or come near.
    Nearing,
}

impl For {
    fn needed(self, least: i64, near: i64) -> i64 {
        match self {
            For::Holding => least,
            For::Nearing => near.min(least),
        }
    }
}

impl Sieve {
    /// Adds a rule; they come in id order.
    pub fn add(&mut self, number: usize, rule: &Rule, signals: &[Signal]) {
        let place = self.candidates.len() as u32;
        let needs: Box<[Need]> = Need::all_of(&rule.condition, signals).into();
        match needs.first() {
            None => self.free.push(place),
            Some(first) => match self.groups.iter_mut().find(|group| group.of == first.of) {
                Some(group) => {
                    group.least = group.least.min(first.least);
                    group.near = group.near.min(first.near);
                    group.places.push(place);
                }
                None => {
                    let (of, least, near) = (first.of, first.least, first.near);
                    self.groups.push(Group { of, least, near, places: vec![place] });
                    // Those of the same log stand together.
                    self.groups.sort_by_key(|group| group.of);
                }
            },
        }
        self.candidates.push(Candidate { number, guards: Guards::of(&rule.condition), needs });
    }

    pub fn get(&self, place: u32) -> Option<&Candidate> {
        self.candidates.get(place as usize)
    }
}

/// What is known at once of a scene. The log that was looked at last is remembered.
struct Ceilings<'a> {
    partition: &'a Partition,
    scene: &'a Scene<'a>,
    readings: &'a mut Readings,
    last: Option<(SubjectKind, Option<Most>)>,
}

impl Ceilings<'_> {
    fn of(&mut self, known: Known) -> i64 {
        match known {
            // A comparison with what is not known never holds for certain.
            Known::Field(field) => self.scene.attributes.get(field).unwrap_or(i64::MIN),
            Known::Told if self.partition.is_told_anything(self.scene, self.readings) => i64::MAX,
            Known::Told => 0,
            Known::Log(kind, bound) => {
                let most = match self.last {
                    Some((last, most)) if last == kind => most,
                    _ => self.look_at(kind),
                };
                most.map_or(i64::MIN, |most| most.value(bound))
            }
        }
    }

    /// Of a subject that the scene does not have nothing is certain.
    fn look_at(&mut self, kind: SubjectKind) -> Option<Most> {
        let most = self.scene.subject_of_kind(kind).map(|subject| {
            let log = self.partition.logs.get(&subject);
            log.map_or(Most::default(), |log| log.most(&self.partition.store))
        });
        self.last = Some((kind, most));
        most
    }
}

impl Partition {
    /// The places of the rules of a sieve that may hold, or come near, on a scene, in id order.
    pub(super) fn sift(
        &self,
        sieve: &Sieve,
        wanted: For,
        scene: &Scene<'_>,
        readings: &mut Readings,
        places: &mut Vec<u32>,
    ) {
        places.clear();
        places.extend_from_slice(&sieve.free);
        let mut ceilings = Ceilings { partition: self, scene, readings, last: None };
        for group in &sieve.groups {
            if ceilings.of(group.of) < wanted.needed(group.least, group.near) {
                continue;
            }
            for place in &group.places {
                let needs = sieve.get(*place).map_or(&[][..], |candidate| &candidate.needs);
                if needs.iter().all(|need| ceilings.of(need.of) >= wanted.needed(need.least, need.near)) {
                    places.push(*place);
                }
            }
        }
        places.sort_unstable();
    }
}
