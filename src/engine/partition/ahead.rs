//! Looking ahead: asks for the memory that the next facts of a record will read. Decides nothing.
//!
//! Each stage reads what the stage before asked for and asks for what that leads to, for all facts of a
//! stretch before the next stage begins: so the waits of many facts overlap.

use super::Partition;
use super::facts::feedings;
use crate::engine::fact::FactBody;
use crate::engine::holder::Holder;
use crate::engine::input::PackedFact;
use crate::engine::prefetch::prefetch;
use crate::engine::window::SubjectLog;

/// Facts looked at together: enough for waits to overlap, few enough for what came to be still there.
pub(super) const AHEAD: usize = 16;

impl Partition {
    pub(super) fn look_ahead(&self, facts: &[PackedFact]) {
        let mut logs: Vec<&SubjectLog> = Vec::with_capacity(4 * AHEAD);
        let mut holders: Vec<&Holder> = Vec::with_capacity(2 * AHEAD);
        let mut met = 0_usize;
        for PackedFact { fact, .. } in facts {
            met += usize::from(self.seen.time_of(fact.event).is_some());
            let holder = match &fact.body {
                FactBody::Met { feed, holder, target, .. } => {
                    met += self.meetings.get(&fact.route).map_or(0, |meetings| meetings.len());
                    met += usize::from(self.met_by.find(*feed, *holder, target).is_some());
                    holder
                }
                _ => &fact.route.token,
            };
            holders.extend(self.holders.get(holder));
            for feeding in feedings(fact.route, &fact.body).iter().flatten() {
                let [party, ..] = feeding.subjects;
                met += party.map_or(0, |party| usize::from(self.firings.get(&party).is_some()));
                logs.extend(feeding.subjects().filter_map(|subject| self.logs.get(&subject)));
            }
        }
        // What was read must have been read for something, or it is not read at all.
        std::hint::black_box(met);
        holders.iter().flat_map(|holder| &holder.standings).for_each(|standing| prefetch(&standing.until));
        logs.iter().for_each(|log| log.expect_numbers());
        logs.iter().for_each(|log| log.expect_ends(&self.store));
        logs.iter().for_each(|log| log.expect_entries(&self.store));
        logs.iter().for_each(|log| log.expect_cursors(&self.store));
        logs.iter().for_each(|log| log.expect_leaving(&self.store));
    }
}
