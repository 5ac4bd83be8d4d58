//! Tables of a partition's state: maps that can be frozen in passing and say what changed since (DESIGN D12).
//!
//! A table is cut into shards that are shared by counted references. Freezing it copies the references
//! and not the rows; the first write to a shard that somebody still holds frozen copies that shard.
//! So deciding waits for a snapshot no longer than a shard takes to copy, and a table that grows moves
//! the rows of one shard, never all of them.
//!
//! Each row bears the era in which it last changed, and an era ends whenever the table is frozen: a
//! frozen table knows its rows, those of them that changed in its era, and the keys that were removed.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use super::state::TokenHash;

/// A power of two. At a million rows a shard has 250.
pub const SHARDS: usize = 1 << 12;

/// What can be a key: small, ordered and hashed by a token it holds.
pub trait Key: Copy + Ord + Hash {}

impl<K: Copy + Ord + Hash> Key for K {}

type Shard<K, V> = HashMap<K, Row<V>, TokenHash>;

type Shards<K, V> = Vec<Option<Arc<Shard<K, V>>>>;

#[derive(Clone, Debug)]
struct Row<V> {
    value: V,
    /// The era of its last change.
    era: u32,
}

/// A map from tokens and the like to pieces of state.
#[derive(Debug)]
pub struct Table<K, V> {
    /// Made when the first row comes; a shard without rows is not there.
    shards: Shards<K, V>,
    era: u32,
    /// Keys of rows taken out in this era.
    removed: Vec<K>,
    len: usize,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Table<K, V> {
        Table { shards: Vec::new(), era: 1, removed: Vec::new(), len: 0 }
    }
}

fn place(key: &impl Key) -> usize {
    // The map in a shard uses the bits at both ends.
    (TokenHash::default().hash_one(key) >> 20) as usize & (SHARDS - 1)
}

impl<K: Key, V: Clone> Table<K, V> {
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let shard = self.shards.get(place(key))?.as_ref()?;
        shard.get(key).map(|row| &row.value)
    }

    /// A row to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let era = self.era;
        let row = self.shard_mut(key)?.get_mut(key)?;
        row.era = era;
        Some(&mut row.value)
    }

    /// A row of which only what is derived may be changed: a snapshot need not know.
    pub fn get_derived_mut(&mut self, key: &K) -> Option<&mut V> {
        self.shard_mut(key)?.get_mut(key).map(|row| &mut row.value)
    }

    /// Changes what is derived in every row, in no particular order.
    pub fn change_derived(&mut self, mut change: impl FnMut(&mut V)) {
        let shards = self.shards.iter_mut().flatten().map(Arc::make_mut);
        shards.flat_map(HashMap::values_mut).for_each(|row| change(&mut row.value));
    }

    /// A row to be changed, made if it is not there.
    pub fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let era = self.era;
        let (shard, len) = self.shard_made(&key);
        let row = shard.entry(key).or_insert_with(|| {
            *len += 1;
            Row { value: V::default(), era }
        });
        row.era = era;
        &mut row.value
    }

    pub fn insert(&mut self, key: K, value: V) {
        let era = self.era;
        let (shard, len) = self.shard_made(&key);
        *len += usize::from(shard.insert(key, Row { value, era }).is_none());
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let row = self.shard_mut(key)?.remove(key)?;
        self.len -= 1;
        self.removed.push(*key);
        Some(row.value)
    }

    /// Before the shard of a key grows: takes out the rows of it that need not be kept.
    pub fn make_room(&mut self, key: &K, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let is_full = |shard: &&mut Arc<Shard<K, V>>| shard.len() == shard.capacity();
        let shard = self.shards.get_mut(place(key)).and_then(Option::as_mut);
        let Some(shard) = shard.filter(is_full).map(Arc::make_mut) else { return };
        let before = shard.len();
        shard.retain(|key, row| {
            let kept = keep(key, &mut row.value);
            if !kept {
                self.removed.push(*key);
            }
            kept
        });
        self.len -= before - shard.len();
        // One that is still nearly full would be looked through again at once.
        if shard.len() > shard.capacity() / 4 * 3 {
            shard.reserve(shard.capacity());
        }
    }

    /// Keys of a shard's rows that meet a test, in order. Nothing is copied for it.
    pub fn keys_in(&self, shard: usize, mut is_meant: impl FnMut(&K, &V) -> bool) -> Vec<K> {
        let shard = self.shards.get(shard).and_then(Option::as_ref).into_iter();
        let rows = shard.flat_map(|shard| shard.iter());
        let mut keys: Vec<K> =
            rows.filter(|(key, row)| is_meant(key, &row.value)).map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys
    }

    /// Goes through the rows of a shard that are due, in the order of their keys: `forget` takes out of each
    /// what is over and says whether anything is left; where nothing is, the row goes.
    pub fn sweep(
        &mut self,
        shard: usize,
        is_due: impl FnMut(&K, &V) -> bool,
        mut forget: impl FnMut(&K, &mut V) -> bool,
    ) {
        for key in self.keys_in(shard, is_due) {
            if let Some(value) = self.get_mut(&key)
                && !forget(&key, value)
            {
                self.remove(&key);
            }
        }
    }

    /// In no particular order: for counting only.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.shards.iter().flatten().flat_map(|shard| shard.values().map(|row| &row.value))
    }

    /// The table as it is now; what changes from here on belongs to the next era.
    pub fn freeze(&mut self) -> Frozen<K, V> {
        let frozen =
            Frozen { shards: self.shards.clone(), era: self.era, removed: std::mem::take(&mut self.removed) };
        self.era += 1;
        frozen
    }

    /// Takes over what a snapshot says: keys that went, then rows that came or changed.
    pub fn restore(&mut self, changes: Changes<K, V>) {
        for key in &changes.removed {
            self.remove(key);
        }
        for (key, value) in changes.rows {
            self.insert(key, value);
        }
        self.restored();
    }

    /// All that is there is in a snapshot; what changes from here on is not.
    pub fn restored(&mut self) {
        self.removed = Vec::new();
        self.era += 1;
    }

    fn shard_mut(&mut self, key: &K) -> Option<&mut Shard<K, V>> {
        self.shards.get_mut(place(key))?.as_mut().map(Arc::make_mut)
    }

    fn shard_made(&mut self, key: &K) -> (&mut Shard<K, V>, &mut usize) {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, || None);
        }
        let place = place(key);
        // In bounds: a place is below SHARDS, and there are as many.
        let shard = self.shards[place].get_or_insert_with(Arc::default);
        (Arc::make_mut(shard), &mut self.len)
    }
}

/// A table as it was; nobody changes it any more.
#[derive(Debug)]
pub struct Frozen<K, V> {
    shards: Shards<K, V>,
    era: u32,
    removed: Vec<K>,
}

/// What a snapshot says of a table.
#[derive(Debug, PartialEq)]
pub struct Changes<K, V> {
    pub removed: Vec<K>,
    pub rows: Vec<(K, V)>,
}

impl<K: Key, V> Frozen<K, V> {
    /// Its rows, or only those that changed in its era: an order that the keys alone decide.
    pub fn rows(&self, changed_only: bool) -> impl Iterator<Item = (&K, &V)> {
        self.shards.iter().flatten().flat_map(move |shard| {
            let wanted = shard.iter().filter(|(_, row)| !changed_only || row.era == self.era);
            let mut rows: Vec<(&K, &V)> = wanted.map(|(key, row)| (key, &row.value)).collect();
            rows.sort_unstable_by_key(|(key, _)| **key);
            rows
        })
    }

    /// Keys of rows that were taken out in its era; some may be back.
    #[must_use]
    pub fn removed(&self) -> &[K] {
        &self.removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::base::Token;
    use std::collections::BTreeMap;

    fn key(number: u128) -> Token {
        Token(number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
    }

    fn whole(frozen: &Frozen<Token, Vec<u32>>) -> BTreeMap<Token, Vec<u32>> {
        frozen.rows(false).map(|(key, value)| (*key, value.clone())).collect()
    }

    fn changes(frozen: &Frozen<Token, Vec<u32>>, changed_only: bool) -> Changes<Token, Vec<u32>> {
        let rows = frozen.rows(changed_only).map(|(key, value)| (*key, value.clone())).collect();
        let removed = if changed_only { frozen.removed().to_vec() } else { Vec::new() };
        Changes { removed, rows }
    }

    /// A table under random changes beside a plain map; frozen every so often.
    #[test]
    fn what_is_frozen_stays_and_the_changes_since_add_up_to_the_whole() {
        let mut table: Table<Token, Vec<u32>> = Table::default();
        let mut plain: BTreeMap<Token, Vec<u32>> = BTreeMap::new();
        let mut restored: Table<Token, Vec<u32>> = Table::default();
        let mut frozen_before = Vec::new();
        let mut dice = 7_u64;
        for round in 0..3_000_u32 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = key(u128::from(dice >> 33) % 300);
            match (dice >> 20) % 5 {
                0 => assert_eq!(table.remove(&key), plain.remove(&key)),
                1 => {
                    table.insert(key, vec![round]);
                    plain.insert(key, vec![round]);
                }
                2 => {
                    if let Some(value) = table.get_mut(&key) {
                        value.push(round);
                        plain.get_mut(&key).unwrap().push(round);
                    }
                }
                _ => {
                    table.get_or_default(key).push(round);
                    plain.entry(key).or_default().push(round);
                }
            }
            assert_eq!((table.get(&key), table.len()), (plain.get(&key), plain.len()));
            if round % 500 == 250 {
                let frozen = table.freeze();
                restored.restore(changes(&frozen, true));
                let again = restored.freeze();
                assert_eq!(whole(&again), plain);
                assert_eq!(changes(&again, true), Changes { removed: vec![], rows: vec![] });
                frozen_before.push((frozen, plain.clone()));
            }
        }
        assert_eq!(frozen_before.len(), 6);
        for (frozen, then) in &frozen_before {
            assert_eq!(&whole(frozen), then, "later writes do not show");
        }
    }

    #[test]
    fn a_derived_change_is_none() {
        let mut table: Table<Token, Vec<u32>> = Table::default();
        table.insert(key(1), vec![1]);
        table.insert(key(2), vec![2]);
        table.freeze();
        table.get_derived_mut(&key(1)).unwrap().reserve(9);
        assert_eq!(changes(&table.freeze(), true), Changes { removed: vec![], rows: vec![] });
        table.get_mut(&key(2)).unwrap().push(3);
        assert_eq!(changes(&table.freeze(), true).rows, [(key(2), vec![2, 3])]);
    }

    #[test]
    fn rows_come_in_an_order_that_the_keys_alone_decide() {
        let (mut upward, mut downward) = (Table::default(), Table::default());
        for number in 0..5_000 {
            upward.insert(key(number), vec![number as u32]);
            downward.insert(key(4_999 - number), vec![4_999 - number as u32]);
        }
        assert_eq!(changes(&upward.freeze(), false), changes(&downward.freeze(), false));
    }
}
