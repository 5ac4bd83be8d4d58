//! From fingerprints back to the event ids of the input, for `alerts.csv`: in memory, for one run.
//!
//! The log and every other output hold fingerprints only (DESIGN D5).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::engine::base::Fingerprint;

/// Fingerprints are the output of a keyed hash already.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// All event ids of a run. About 40 bytes an event: the ids lie end to end in one buffer.
#[derive(Debug, Default)]
pub struct EventIds {
    /// Length (u16), whether the event is scored (u8), id; one after the other.
    bytes: Vec<u8>,
    places: HashMap<u64, u64, BuildHasherDefault<AsIs>>,
}

/// An event as the input names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownEvent<'a> {
    pub id: &'a str,
    /// Counts at the event level of scores.
    pub is_scored: bool,
}

impl EventIds {
    /// Remembers an event; false if its id was seen before.
    pub fn insert(&mut self, event: Fingerprint, id: &str, is_scored: bool) -> bool {
        let place = self.bytes.len() as u64;
        match self.places.entry(event.0) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(place);
                // Ids are bounded far below 64 KiB by the classifier.
                self.bytes.extend_from_slice(&(id.len() as u16).to_le_bytes());
                self.bytes.push(u8::from(is_scored));
                self.bytes.extend_from_slice(id.as_bytes());
                true
            }
        }
    }

    #[must_use]
    pub fn get(&self, event: Fingerprint) -> Option<KnownEvent<'_>> {
        let place = usize::try_from(*self.places.get(&event.0)?).ok()?;
        let (head, rest) = self.bytes.get(place..)?.split_first_chunk::<3>()?;
        let [low, high, scored] = *head;
        let id = rest.get(..usize::from(u16::from_le_bytes([low, high])))?;
        Some(KnownEvent { id: std::str::from_utf8(id).ok()?, is_scored: scored == 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_and_the_first_one_stays() {
        let mut ids = EventIds::default();
        assert!(ids.insert(Fingerprint(7), "E1", true));
        assert!(ids.insert(Fingerprint(8), "转账-2", false));
        assert!(!ids.insert(Fingerprint(7), "E1", false));
        assert_eq!(ids.get(Fingerprint(7)), Some(KnownEvent { id: "E1", is_scored: true }));
        assert_eq!(ids.get(Fingerprint(8)), Some(KnownEvent { id: "转账-2", is_scored: false }));
        assert_eq!(ids.get(Fingerprint(9)), None);
    }
}
