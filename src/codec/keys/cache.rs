//! Tokens and sealed refs of hot identifiers: bounded, without the identifiers, wiped on drop (D5).
//!
//! One MAC costs about half of an event's budget. An entry is found by a keyed 128-bit hash of its
//! identifier: as long as a token, so taking two identifiers for one is no likelier here than there.

use zeroize::Zeroize;

use crate::engine::base::Token;
use crate::engine::prefetch::prefetch;
use crate::engine::subject::SealedRef;

/// Identifiers are kept in sets of so many.
const WAYS: usize = 4;

/// Tags stand together in a cache line, so that a look-up reads one before the entry itself.
#[derive(Default)]
#[repr(align(64))]
struct Set {
    tags: [u128; WAYS],
    entries: [Entry; WAYS],
    /// The place that is given away next.
    next: usize,
}

#[derive(Default)]
struct Entry {
    token: u128,
    sealed: Option<SealedRef>,
}

pub struct Cache {
    /// Made when the first identifier comes.
    sets: Vec<Set>,
    sets_max: usize,
}

impl Cache {
    /// Room for so many identifiers: 64 bytes each, and the sealed refs.
    pub fn new(entries: usize) -> Cache {
        Cache { sets: Vec::new(), sets_max: entries.div_ceil(WAYS).max(1) }
    }

    pub fn entries(&self) -> usize {
        self.sets_max * WAYS
    }

    /// Asks for the memory of a tag's place, before several are looked for.
    pub fn expect(&self, tag: u128) {
        if let Some(set) = self.sets.get(self.place(tag)) {
            prefetch(&set.tags);
            set.entries.iter().step_by(2).for_each(prefetch);
        }
    }

    /// The token under `tag`, made by `make` if it is not here.
    pub fn token(&mut self, tag: u128, make: impl FnOnce() -> Token) -> Token {
        match self.entry(tag) {
            (entry, true) => Token(entry.token),
            (entry, false) => {
                let token = make();
                *entry = Entry { token: token.0, sealed: None };
                token
            }
        }
    }

    /// The sealed ref under a `tag` whose token was just asked for.
    pub fn sealed(&mut self, tag: u128, make: impl FnOnce() -> SealedRef) -> SealedRef {
        let (entry, _) = self.entry(tag);
        entry.sealed.get_or_insert_with(make).clone()
    }

    /// The entry of `tag`, and whether it was here before. One that was not takes the place that was
    /// filled longest ago.
    fn entry(&mut self, tag: u128) -> (&mut Entry, bool) {
        if self.sets.is_empty() {
            self.sets.resize_with(self.sets_max, Set::default);
        }
        // Places are below the number of sets, and remainders below that of ways.
        let place = self.place(tag);
        let set = &mut self.sets[place];
        let found = set.tags.iter().position(|known| *known == tag);
        let place = found.unwrap_or(set.next % WAYS);
        if found.is_none() {
            set.tags[place] = tag;
            set.next = (place + 1) % WAYS;
        }
        (&mut set.entries[place], found.is_some())
    }

    /// Below the number of sets: tags are hashes, so their upper half is spread evenly.
    fn place(&self, tag: u128) -> usize {
        (((tag >> 64) * self.sets_max as u128) >> 64) as usize
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        for set in &mut self.sets {
            set.tags.zeroize();
            set.entries.iter_mut().for_each(|entry| entry.token.zeroize());
        }
    }
}
