//! Which rules of a scene may hold at all: what is known at once refutes most of them together (S7).
//!
//! What any of the rules needs is looked up once for a scene: its *ceilings*. A need is then a comparison of
//! two numbers, and rules that need the same thing first stand in order of how much of it they need, so that
//! those beyond its ceiling are left out by one comparison. No rule is left out that holds for certain, or
//! comes near where that is asked, under an override either; those that are let through are evaluated.

use std::collections::BTreeMap;

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
    needs: Box<[Bar]>,
}

/// A need, by the place of what it is of among a sieve's `known`.
#[derive(Clone, Copy, Debug)]
struct Bar {
    of: usize,
    least: i64,
    near: i64,
}

/// The rules of one trigger about one kind of party, in id order, sorted by what each needs first.
#[derive(Debug)]
pub(super) struct Sieve {
    candidates: Vec<Candidate>,
    /// What any of them needs, each once; those of the same log stand together.
    known: Vec<Known>,
    /// Places of those that need nothing that is known at once.
    free: Vec<u32>,
    groups: Vec<Group>,
}

/// Rules whose first need is of the same thing, each with the least that it needs; the least first.
#[derive(Debug)]
struct Group {
    of: usize,
    places: Vec<(i64, u32)>,
}

impl Sieve {
    /// Of rules in id order, each with its number in the rule set.
    pub fn new(rules: &[(usize, &Rule)], signals: &[Signal]) -> Sieve {
        let needs: Vec<Vec<Need>> =
            rules.iter().map(|(_, rule)| Need::all_of(&rule.condition, signals)).collect();
        let mut known: Vec<Known> = needs.iter().flatten().map(|need| need.of).collect();
        known.sort_unstable();
        known.dedup();
        let bar = |need: &Need| {
            let of = known.binary_search(&need.of).ok()?;
            Some(Bar { of, least: need.least, near: need.near })
        };
        let candidates: Vec<Candidate> = rules
            .iter()
            .zip(&needs)
            .map(|((number, rule), needs)| Candidate {
                number: *number,
                guards: Guards::of(&rule.condition),
                needs: needs.iter().filter_map(bar).collect(),
            })
            .collect();
        let mut free = Vec::new();
        let mut by_first: BTreeMap<usize, Vec<(i64, u32)>> = BTreeMap::new();
        for (place, candidate) in (0..).zip(&candidates) {
            match candidate.needs.first() {
                None => free.push(place),
                Some(first) => by_first.entry(first.of).or_default().push((first.least, place)),
            }
        }
        let group = |(of, mut places): (usize, Vec<(i64, u32)>)| {
            places.sort_unstable();
            Group { of, places }
        };
        let groups = by_first.into_iter().map(group).collect();
        Sieve { candidates, known, free, groups }
    }

    pub fn get(&self, place: u32) -> Option<&Candidate> {
        self.candidates.get(place as usize)
    }
}

/// Places of rules in a sieve, a bit for each: filled in any order and read in id order, without sorting.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<u64>);

impl Places {
    /// Empties it and makes room for so many places.
    fn clear(&mut self, count: usize) {
        self.0.clear();
        self.0.resize(count.div_ceil(64), 0);
    }

    fn insert(&mut self, place: u32) {
        if let Some(word) = self.0.get_mut(place as usize / 64) {
            *word |= 1 << (place % 64);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).step_by(64).zip(&self.0).flat_map(|(first, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let place = (left != 0).then(|| first + left.trailing_zeros())?;
                // Takes the lowest bit out.
                left &= left - 1;
                Some(place)
            })
        })
    }
}

impl Candidate {
    /// Whether what is known is enough for each need but the first `skipped` ones.
    fn may_hold(&self, skipped: usize, ceilings: &[i64]) -> bool {
        self.needs.iter().skip(skipped).all(|need| ceiling(ceilings, need.of) >= need.least)
    }

    fn may_come_near(&self, ceilings: &[i64]) -> bool {
        self.needs.iter().all(|need| ceiling(ceilings, need.of) >= need.near.min(need.least))
    }
}

/// Each place is that of something known, so there is a ceiling for it.
fn ceiling(ceilings: &[i64], of: usize) -> i64 {
    ceilings.get(of).copied().unwrap_or(i64::MAX)
}

impl Partition {
    /// The places of the rules of a sieve that may hold on a scene, in id order.
    pub(super) fn sift(
        &self,
        sieve: &Sieve,
        scene: &Scene<'_>,
        readings: &mut Readings,
        places: &mut Places,
    ) {
        let ceilings = self.ceilings(sieve, scene, readings);
        places.clear(sieve.candidates.len());
        sieve.free.iter().for_each(|place| places.insert(*place));
        for group in &sieve.groups {
            let most = ceiling(&ceilings, group.of);
            for (_, place) in group.places.iter().take_while(|(least, _)| *least <= most) {
                if sieve.get(*place).is_some_and(|candidate| candidate.may_hold(1, &ceilings)) {
                    places.insert(*place);
                }
            }
        }
        readings.ceilings = ceilings;
    }

    /// The rules of a sieve that may hold or come near on a scene, in id order.
    pub(super) fn near<'a>(
        &self,
        sieve: &'a Sieve,
        scene: &Scene<'_>,
        readings: &mut Readings,
    ) -> Vec<&'a Candidate> {
        let ceilings = self.ceilings(sieve, scene, readings);
        let near = sieve.candidates.iter().filter(|candidate| candidate.may_come_near(&ceilings)).collect();
        readings.ceilings = ceilings;
        near
    }

    /// What is known at once of a scene, by its place in a sieve's `known`; in memory of the readings, to be
    /// given back to them.
    fn ceilings(&self, sieve: &Sieve, scene: &Scene<'_>, readings: &mut Readings) -> Vec<i64> {
        let mut ceilings = std::mem::take(&mut readings.ceilings);
        ceilings.clear();
        // The log that was looked at last: those of one log stand together.
        let mut last: Option<(SubjectKind, Option<Most>)> = None;
        ceilings.extend(sieve.known.iter().map(|known| match known {
            // A comparison with what is not known never holds for certain.
            Known::Field(field) => scene.attributes.get(*field).unwrap_or(i64::MIN),
            Known::Told if self.is_told_anything(scene, readings) => i64::MAX,
            Known::Told => 0,
            Known::Log(kind, bound) => {
                let most = match last {
                    Some((known, most)) if known == *kind => most,
                    _ => self.most_of(*kind, scene),
                };
                last = Some((*kind, most));
                most.map_or(i64::MIN, |most| most.value(*bound))
            }
        }));
        ceilings
    }

    /// Of a subject that the scene does not have nothing is certain.
    fn most_of(&self, kind: SubjectKind, scene: &Scene<'_>) -> Option<Most> {
        let log = self.logs.get(&scene.subject_of_kind(kind)?);
        Some(log.map_or(Most::default(), |log| log.most(&self.store)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order_whatever_the_order_they_were_put_in() {
        let mut places = Places::default();
        for all in [vec![], vec![0], vec![63, 64, 0, 127, 5], vec![199, 3, 64, 128, 130, 7]] {
            places.clear(200);
            all.iter().for_each(|place| places.insert(*place));
            let mut sorted = all.clone();
            sorted.sort_unstable();
            assert_eq!(places.iter().collect::<Vec<_>>(), sorted);
        }
    }
}
