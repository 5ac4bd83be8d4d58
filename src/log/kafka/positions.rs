//! Where a consumer stands in each partition that it has started.

use std::collections::BTreeMap;

use super::group::Place;

/// The next offset of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub next: i64,
    /// False from a start or seek to the first record: until then the client's own idea of its
    /// position may still be the one from before.
    pub delivered: bool,
}

/// By topic and partition, looked up for every record without allocating.
#[derive(Debug, Default)]
pub(super) struct Positions {
    topics: BTreeMap<String, BTreeMap<i32, Position>>,
}

impl Positions {
    /// A partition begins, or begins again, at `next`.
    pub(super) fn begin(&mut self, place: &Place, next: i64) {
        let partitions = self.topics.entry(place.0.clone()).or_default();
        partitions.insert(place.1, Position { next, delivered: false });
    }

    /// A record was delivered.
    pub(super) fn advance(&mut self, topic: &str, partition: i32, offset: i64) {
        if let Some(position) = self.topics.get_mut(topic).and_then(|found| found.get_mut(&partition)) {
            *position = Position { next: offset + 1, delivered: true };
        }
    }

    pub(super) fn forget(&mut self, place: &Place) {
        if let Some(partitions) = self.topics.get_mut(&place.0) {
            partitions.remove(&place.1);
        }
    }

    pub(super) fn get(&self, topic: &str, partition: i32) -> Option<Position> {
        self.topics.get(topic)?.get(&partition).copied()
    }

    /// The topics of which this partition has been started.
    pub(super) fn topics_with(&self, partition: i32) -> Vec<&str> {
        self.topics
            .iter()
            .filter(|(_, partitions)| partitions.contains_key(&partition))
            .map(|(topic, _)| topic.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seek_is_believed_before_the_first_record_after_it() {
        let mut positions = Positions::default();
        let place: Place = ("t".to_owned(), 0);
        positions.begin(&place, 10);
        assert_eq!(positions.get("t", 0), Some(Position { next: 10, delivered: false }));
        positions.advance("t", 0, 10);
        assert_eq!(positions.get("t", 0), Some(Position { next: 11, delivered: true }));
        positions.begin(&place, 5);
        assert_eq!(positions.get("t", 0), Some(Position { next: 5, delivered: false }));
        positions.begin(&("u".to_owned(), 0), 1);
        assert_eq!(positions.topics_with(0), ["t", "u"]);
        positions.forget(&place);
        positions.advance("t", 0, 7);
        assert_eq!((positions.get("t", 0), positions.topics_with(0)), (None, vec!["u"]));
    }
}
