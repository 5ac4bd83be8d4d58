//! The reviewer's desk: the notices that are out, as somebody who decides appeals would have them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::disposition::AppealRef;

/// Shared between the deciding thread, which publishes, and the reading thread, which appeals.
#[derive(Debug, Default)]
pub struct Desk(Mutex<Notices>);

#[derive(Debug, Default)]
struct Notices {
    /// The newest notice by the party's reference.
    by_party: HashMap<String, AppealRef>,
    /// Of the measure to be shown at the end: one that was appealed, else the first.
    shown: Option<(AppealRef, bool)>,
}

impl Desk {
    /// A notice went out.
    pub fn notice(&self, party: String, appeal: AppealRef) {
        let mut notices = self.lock();
        notices.shown.get_or_insert((appeal, false));
        notices.by_party.insert(party, appeal);
    }

    /// The reference on the newest notice of a party, to appeal with.
    #[must_use]
    pub fn appeal(&self, party: &str) -> Option<AppealRef> {
        let mut notices = self.lock();
        let appeal = notices.by_party.get(party).copied()?;
        if notices.shown.is_none_or(|(_, appealed)| !appealed) {
            notices.shown = Some((appeal, true));
        }
        Some(appeal)
    }

    #[must_use]
    pub fn shown(&self) -> Option<AppealRef> {
        self.lock().shown.map(|(appeal, _)| appeal)
    }

    fn lock(&self) -> MutexGuard<'_, Notices> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
