//! Who meets shared subjects, each kept once: a party meets many, and the same again and again.
//!
//! Derived from the meetings: what is kept here only makes them smaller and shows nowhere.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::engine::base::Token;
use crate::engine::fact::Feed;
use crate::engine::state::{MetBy, TokenHash};
use crate::engine::subject::{Party, Subject};

/// Those whom some meeting refers to, by feed and by account, card or opening, which stand in each of them.
#[derive(Debug, Default)]
pub(super) struct Sharers {
    by_target: HashTable<Arc<MetBy>>,
}

fn hash(feed: Feed, target: &Subject) -> u64 {
    TokenHash::default().hash_one((feed as u8, target))
}

impl Sharers {
    /// A holder with a target, shared with the meetings that have it already.
    pub fn shared(&mut self, feed: Feed, holder: Token, target: &Party) -> Arc<MetBy> {
        match self.find(feed, holder, target) {
            Some(known) => Arc::clone(known),
            None => self.add(Arc::new(MetBy { feed, holder, target: target.clone() })),
        }
    }

    pub fn find(&self, feed: Feed, holder: Token, target: &Party) -> Option<&Arc<MetBy>> {
        let is_same =
            |known: &Arc<MetBy>| known.feed == feed && known.holder == holder && known.target == *target;
        self.by_target.find(hash(feed, &target.subject), is_same)
    }

    /// The same of a meeting that a snapshot brought.
    pub fn share(&mut self, brought: &Arc<MetBy>) -> Arc<MetBy> {
        match self.by_target.find(hash(brought.feed, &brought.target.subject), |known| known == brought) {
            Some(known) => Arc::clone(known),
            None => self.add(Arc::clone(brought)),
        }
    }

    fn add(&mut self, new: Arc<MetBy>) -> Arc<MetBy> {
        let hash_of = |known: &Arc<MetBy>| hash(known.feed, &known.target.subject);
        if self.by_target.len() == self.by_target.capacity() {
            // Before it grows: those that no meeting refers to go, each by itself, so map order cannot show.
            self.by_target.retain(|known| Arc::strong_count(known) > 1);
            // A map that is still nearly full would be looked through again at once.
            if self.by_target.len() > self.by_target.capacity() / 4 * 3 {
                self.by_target.reserve(self.by_target.capacity(), hash_of);
            }
        }
        self.by_target.insert_unique(hash_of(&new), Arc::clone(&new), hash_of);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::subject::{SealedRef, SubjectKind};

    #[test]
    fn each_is_kept_once_and_goes_when_no_meeting_refers_to_it() {
        let target = |number: u128| {
            let subject = Subject::new(SubjectKind::Account, Token(number));
            Party { subject, sealed: SealedRef::default() }
        };
        let (feed, holder) = (Feed::TransferDevice, Token(7));
        let mut sharers = Sharers::default();
        let first = sharers.shared(feed, holder, &target(1));
        assert!(Arc::ptr_eq(&first, &sharers.shared(feed, holder, &target(1))));
        let brought = Arc::new(MetBy { feed, holder, target: target(1) });
        assert!(Arc::ptr_eq(&first, &sharers.share(&brought)));
        assert!(!Arc::ptr_eq(&first, &sharers.shared(Feed::CardUsageDevice, holder, &target(1))));
        assert!(!Arc::ptr_eq(&first, &sharers.shared(feed, Token(8), &target(1))));
        (2..1_000).for_each(|number| drop(sharers.shared(feed, holder, &target(number))));
        assert!(sharers.by_target.len() < 20, "those that nothing refers to made room");
        assert!(Arc::ptr_eq(&first, &sharers.shared(feed, holder, &target(1))));
    }
}
