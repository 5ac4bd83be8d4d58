//! Measures that stand on an account, of which those who pay it may be warned (S21).

use super::Partition;
use crate::engine::base::TimeMs;
use crate::engine::measure::Lane;
use crate::engine::state::MeasureState;
use crate::engine::subject::Subject;

impl Partition {
    /// How many measures of the lanes anomaly and authority stand on an account at a time, by what is
    /// known now.
    pub(super) fn measures_standing(&self, account: Subject, at: TimeMs) -> u64 {
        let of_account = self.found_by.party(account).filter_map(|id| self.measures.get(&id));
        let stands = |measure: &&MeasureState| {
            let counts = matches!(measure.lane, Lane::Anomaly | Lane::Authority);
            counts && !measure.ended && at < measure.end
        };
        of_account.filter(stands).count() as u64
    }
}
