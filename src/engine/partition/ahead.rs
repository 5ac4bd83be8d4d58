//! Looking ahead: asks for the memory that the next facts of a record will read. Decides nothing.
//!
//! Each stage reads what the stage before asked for and asks for what that leads to, for all facts of a
//! stretch before the next stage begins: so the waits of many facts overlap.

use super::Partition;
use super::facts::feedings;
use crate::engine::fact::FactBody;
use crate::engine::input::PackedFact;
use crate::engine::window::SubjectLog;

/// Facts looked at together: enough for waits to overlap, few enough for what came to be still there.
pub(super) const AHEAD: usize = 16;

impl Partition {
    pub(super) fn look_ahead(&self, facts: &[PackedFact]) {
        let mut logs: Vec<&SubjectLog> = Vec::with_capacity(4 * AHEAD);
        let mut met = 0_usize;
        for PackedFact { fact, .. } in facts {
            met += usize::from(self.seen.time_of(fact.event).is_some());
            if let FactBody::Met { .. } = fact.body {
                met += self.meetings.get(&fact.route).map_or(0, |meetings| meetings.len());
            } else {
                met += self.holders.get(&fact.route.token).map_or(0, |holder| holder.standings.len());
            }
            let subjects = feedings(fact.route, &fact.body).flat_map(|feeding| feeding.subjects());
            logs.extend(subjects.filter_map(|subject| self.logs.get(&subject)));
        }
        // What was read must have been read for something, or it is not read at all.
        std::hint::black_box(met);
        logs.iter().for_each(|log| log.expect_numbers());
        logs.iter().for_each(|log| log.expect_ends(&self.store));
        logs.iter().for_each(|log| log.expect_entries(&self.store));
        logs.iter().for_each(|log| log.expect_cursors(&self.store));
        logs.iter().for_each(|log| log.expect_leaving(&self.store));
    }
}
