//! Measures that stand on an account, as the payers of a transfer to it may be warned of them (S21).

use std::collections::HashMap;

use super::Partition;
use crate::engine::base::TimeMs;
use crate::engine::disposition::DispositionId;
use crate::engine::measure::Lane;
use crate::engine::state::{MeasureState, TokenHash};
use crate::engine::subject::{Subject, SubjectKind};

/// By account, the measures of the lanes that count. Made again from the measures of a snapshot, so order
/// and ended ones never show: they are only counted.
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

    /// How many such measures stand on an account at a time, by what is known now.
    pub(super) fn measures_standing(&mut self, account: Subject, at: TimeMs) -> u64 {
        let Some(of_account) = self.on_accounts.get_mut(&account) else { return 0 };
        let measures = &self.measures;
        // What has ended never stands again.
        of_account.retain(|id| measures.get(id).is_some_and(|measure| !measure.ended));
        let stands = |id: &&DispositionId| measures.get(id).is_some_and(|measure| at < measure.end);
        let count = of_account.iter().filter(stands).count() as u64;
        if of_account.is_empty() {
            self.on_accounts.remove(&account);
        }
        count
    }
}
