//! Who meets shared subjects, each kept once: a party meets many, and the same again and again.
//!
//! Derived from the meetings: what is kept here only makes them smaller and shows nowhere.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::base::Token;
use crate::engine::state::{MetBy, TokenHash};
use crate::engine::subject::{Party, Subject};

/// Those whom some meeting refers to, by account, card or opening.
#[derive(Debug, Default)]
pub(super) struct Sharers {
    by_target: HashMap<Subject, Arc<MetBy>, TokenHash>,
}

impl Sharers {
    /// A holder with a target, shared with the meetings that have it already.
    pub fn shared(&mut self, holder: Token, target: &Party) -> Arc<MetBy> {
        if let Some(known) = self.by_target.get(&target.subject)
            && known.holder == holder
            && known.target == *target
        {
            return Arc::clone(known);
        }
        if self.by_target.len() == self.by_target.capacity() {
            // Before it grows: those that no meeting refers to go, each by itself, so map order cannot show.
            self.by_target.retain(|_, known| Arc::strong_count(known) > 1);
            // A map that is still nearly full would be looked through again at once.
            if self.by_target.len() > self.by_target.capacity() / 4 * 3 {
                self.by_target.reserve(self.by_target.capacity());
            }
        }
        let new = Arc::new(MetBy { holder, target: target.clone() });
        self.by_target.insert(target.subject, Arc::clone(&new));
        new
    }
}
