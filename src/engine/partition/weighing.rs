//! What the parts of a state weigh, for whoever counts bytes: each is given back by itself.

use std::mem::take;

use super::Partition;
use crate::engine::window::SubjectLog;

impl Partition {
    /// Gives the state back, part by part. After each, `given` is told which it was.
    pub fn take_apart(mut self, given: &mut dyn FnMut(&'static str)) {
        self.logs.change_derived(|log| log.drop_running(&mut self.store));
        given("running values of long logs");
        drop(take(&mut self.store));
        given("entries");
        self.logs.change_derived(|log| *log = SubjectLog::default());
        given("numbers of entries in logs of more than 5");
        drop(take(&mut self.logs));
        given("table of logs, with numbers of up to 5");
        drop(take(&mut self.seen));
        given("fingerprints that tell duplicates");
        drop(take(&mut self.meetings));
        given("meetings of shared subjects");
        drop((take(&mut self.met_by), take(&mut self.told)));
        given("who met them, and who was told");
        drop((take(&mut self.firings), take(&mut self.overrides)));
        given("firings of rules");
        drop((take(&mut self.measures), take(&mut self.found_by)));
        drop((take(&mut self.grounded), take(&mut self.anomalies), take(&mut self.timers)));
        given("measures and their timers");
        drop((take(&mut self.holders), take(&mut self.kept), take(&mut self.leads)));
        drop(take(&mut self.reached));
        given("holders, leads, counts of persons");
        drop(self);
        given("rules and what is kept once");
    }
}
