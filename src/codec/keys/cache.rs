//! Tokens and sealed refs of hot identifiers: bounded, without the identifiers, wiped on drop (D5).
//!
//! One MAC costs about half of an event's budget. An entry is found by a keyed 128-bit hash of its
//! identifier: as long as a token, so taking two identifiers for one is no likelier here than there.

use zeroize::Zeroize;

use crate::engine::base::Token;
use crate::engine::subject::SealedRef;

/// How many identifiers are kept, in sets of `WAYS`: about 6 MiB.
pub const SLOTS: usize = 1 << 17;
const WAYS: usize = 4;

#[derive(Clone, Default)]
struct Entry {
    tag: u128,
    token: u128,
    sealed: Option<Box<[u8]>>,
}

pub struct Cache {
    sets: Vec<[Entry; WAYS]>,
}

impl Cache {
    pub fn new() -> Cache {
        Cache { sets: Vec::new() }
    }

    /// The token under `tag`, made by `make` if it is not here.
    pub fn token(&mut self, tag: u128, make: impl FnOnce() -> Token) -> Token {
        match self.entry(tag) {
            (entry, true) => Token(entry.token),
            (entry, false) => {
                let token = make();
                *entry = Entry { tag, token: token.0, sealed: None };
                token
            }
        }
    }

    /// The sealed ref under a `tag` whose token was just asked for.
    pub fn sealed(&mut self, tag: u128, make: impl FnOnce() -> SealedRef) -> SealedRef {
        let (entry, _) = self.entry(tag);
        SealedRef(entry.sealed.get_or_insert_with(|| make().0).clone())
    }

    /// The first entry of the set of `tag`, and whether it is that of `tag`. Entries found move to
    /// the front; for one not found the last one's place is freed there.
    fn entry(&mut self, tag: u128) -> (&mut Entry, bool) {
        if self.sets.is_empty() {
            self.sets.resize_with(SLOTS / WAYS, Default::default);
        }
        // The remainder is below the number of sets, and a set is never empty.
        let count = self.sets.len();
        let set = &mut self.sets[tag as usize % count];
        let found = set.iter().position(|entry| entry.tag == tag);
        set[..=found.unwrap_or(WAYS - 1)].rotate_right(1);
        (&mut set[0], found.is_some())
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        for entry in self.sets.iter_mut().flatten() {
            entry.tag.zeroize();
            entry.token.zeroize();
        }
    }
}
