//! Measures that stand on an account, as the payers of a transfer to it may be warned of them (S21).

use std::collections::HashMap;

use super::Partition;
use crate::engine::base::TimeMs;
use crate::engine::disposition::DispositionId;
use crate::engine::measure::Lane;
use crate::engine::state::{MeasureState, TokenHash};
use crate::engine::subject::{Subject, SubjectKind};

/// By account, the measures of the lanes that count and stand. Made again from the measures of a snapshot:
/// they are only counted, so their order never shows.
pub(super) type OnAccounts = HashMap<Subject, Vec<DispositionId>, TokenHash>;

impl Partition {
    /// Notes a measure that was set or restored, if it counts.
    pub(super) fn note_standing(&mut self, id: DispositionId, measure: &MeasureState) {
        let counts = matches!(measure.lane, Lane::Anomaly | Lane::Authority);
        if !counts || measure.ended || measure.party.subject.kind != SubjectKind::Account {
            return;
        }
        let of_account = self.on_accounts.entry(measure.party.subject).or_default();
        if !of_account.contains(&id) {
            of_account.push(id);
        }
    }

    /// A measure ended: it never stands again.
    pub(super) fn forget_standing(&mut self, id: DispositionId, party: Subject) {
        if let Some(of_account) = self.on_accounts.get_mut(&party) {
            of_account.retain(|known| *known != id);
            if of_account.is_empty() {
                self.on_accounts.remove(&party);
            }
        }
    }

    /// How many such measures stand on an account at a time, by what is known now.
    pub(super) fn measures_standing(&self, account: Subject, at: TimeMs) -> u64 {
        let of_account = self.on_accounts.get(&account).map_or(&[][..], Vec::as_slice);
        let stands = |id: &&DispositionId| {
            self.measures.get(id).is_some_and(|measure| !measure.ended && at < measure.end)
        };
        of_account.iter().filter(stands).count() as u64
    }
}
