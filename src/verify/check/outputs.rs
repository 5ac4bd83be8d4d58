//! Check 2: what was published is what is recomputed, each once, in order.

use std::collections::{BTreeMap, HashMap};

use super::Verdict;
use super::digest::{Digest, digest};
use crate::codec::output::{OutRecord, Topic};

/// Where a recomputed output stands among those of its facts partition.
#[derive(Clone, Copy, Debug)]
struct Expected {
    partition: u32,
    order: u64,
    is_published: bool,
}

/// Recomputed outputs, by topic and bytes, and what is in force after them.
#[derive(Default)]
pub struct Outputs {
    /// In the order in which they are made. Equal ones are rare: dead letters of an event of which both
    /// sides are unmatched, and whatever an event gives that comes again after the duplicate horizon (S4).
    expected: HashMap<(Topic, Digest), Vec<Expected>>,
    measures: BTreeMap<Vec<u8>, Option<Digest>>,
    order: u64,
}

impl Outputs {
    pub fn expect(&mut self, partition: u32, record: OutRecord) {
        if record.topic == Topic::Measures {
            self.measures.insert(record.key, record.value.as_deref().map(digest));
            return;
        }
        self.order += 1;
        let expected = Expected { partition, order: self.order, is_published: false };
        let value = digest(record.value.as_deref().unwrap_or_default());
        self.expected.entry((record.topic, value)).or_default().push(expected);
    }

    pub fn published(
        &mut self,
        topic: Topic,
        value: &[u8],
        last: &mut BTreeMap<u32, u64>,
        verdict: &mut Verdict,
    ) {
        verdict.dispositions += u64::from(topic == Topic::Dispositions);
        let name = topic.name();
        let equal = self.expected.get_mut(&(topic, digest(value)));
        let equal = equal.map_or(&mut [] as &mut [Expected], Vec::as_mut_slice);
        // Of equal ones that which comes next; one that came before if there is no other.
        let is_next = |one: &Expected| last.get(&one.partition).is_none_or(|before| *before < one.order);
        let place = equal
            .iter()
            .position(|one| !one.is_published && is_next(one))
            .or_else(|| equal.iter().position(|one| !one.is_published))
            .unwrap_or(0);
        let Some(expected) = equal.get_mut(place) else {
            return verdict.mismatch(1, || format!("a record of {name} was not recomputed"));
        };
        let partition = expected.partition;
        let is_again = std::mem::replace(&mut expected.is_published, true);
        let before = last.insert(partition, expected.order);
        if is_again {
            verdict.mismatch(1, || format!("a record of {name} of facts partition {partition} came twice"));
        } else if before.is_some_and(|before| before >= expected.order) {
            verdict
                .mismatch(1, || format!("a record of {name} of facts partition {partition} is out of order"));
        }
    }

    pub fn in_force<'m>(
        &mut self,
        published: impl Iterator<Item = (&'m [u8], &'m [u8])>,
        verdict: &mut Verdict,
    ) {
        for (key, value) in published {
            if self.measures.remove(key).flatten() != Some(digest(value)) {
                verdict.mismatch(1, || "a measure in force was not recomputed as such".to_owned());
            }
        }
        let missing = self.measures.values().flatten().count() as u64;
        verdict.mismatch(missing, || format!("{missing} measures in force are not published"));
    }

    pub fn in_force_unkeyed<'m>(&mut self, published: impl Iterator<Item = &'m [u8]>, verdict: &mut Verdict) {
        let mut expected: HashMap<Digest, u64> = HashMap::new();
        for value in self.measures.values().flatten() {
            *expected.entry(*value).or_default() += 1;
        }
        for value in published {
            match expected.get_mut(&digest(value)).filter(|count| **count > 0) {
                Some(count) => *count -= 1,
                None => verdict.mismatch(1, || "a measure in force was not recomputed as such".to_owned()),
            }
        }
        let missing = expected.values().sum::<u64>();
        verdict.mismatch(missing, || format!("{missing} measures in force are not published"));
    }

    pub fn unmatched_count(&self) -> u64 {
        let letters = self.expected.iter().filter(|((topic, _), _)| *topic == Topic::DeadLetters);
        letters.map(|(_, equal)| equal.len() as u64).sum()
    }

    pub fn unmatched_counted(&mut self) {
        self.expected.retain(|(topic, _), _| *topic != Topic::DeadLetters);
    }

    pub fn settle(&self, verdict: &mut Verdict) {
        let missing =
            self.expected.values().flatten().filter(|expected| !expected.is_published).count() as u64;
        verdict.mismatch(missing, || format!("{missing} recomputed outputs are not published"));
    }
}
