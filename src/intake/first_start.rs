//! What a first start writes: the rules that are to decide, and going live (DESIGN D28). Decide takes
//! rules from facts only, so they come through intake like everything else, as records of a source
//! of their own. Later rule sets are events.

use std::sync::Arc;

use crate::codec::keys::Keys;
use crate::engine::base::{TimeMs, Token};
use crate::engine::cover::SourceId;
use crate::engine::fact::{Fact, FactBody, Release};
use crate::engine::subject::{Subject, SubjectKind};

use super::classify::Destination;

/// What a deployment decides by from its first record on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstStart {
    /// The canonical bundle; see `config::bundle`.
    pub bundle: Arc<str>,
    pub goes_live: bool,
}

/// The source that the facts of a first start are covered by. Nothing is read from it: it is drained.
#[must_use]
pub fn source() -> SourceId {
    SourceId { name: Arc::from("duecourse.first-start"), generation: 1, partition: 0 }
}

impl FirstStart {
    /// Its records, in order: offset 0 is the first. Each is one event for every facts partition.
    ///
    /// `at` is the broker's time, or the first row's under `time = event`: history before it has not
    /// been seen, so signals are cold until it has passed (D16).
    #[must_use]
    pub fn records(&self, keys: &Keys, at: TimeMs) -> Vec<(Destination, Fact)> {
        let everyone = Subject::new(SubjectKind::Holder, Token(0));
        let fact = |id: &str, body| Fact { event: keys.fingerprint(id), at, route: everyone, body };
        let activated =
            FactBody::RuleSetActivated { bundle: Arc::clone(&self.bundle), release: Release::default() };
        let mut records = vec![(Destination::All, fact("duecourse.first-start\nrules", activated))];
        if self.goes_live {
            records.push((Destination::All, fact("duecourse.first-start\nlive", FactBody::WentLive)));
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_before_going_live_and_are_events_of_their_own() {
        let start = FirstStart { bundle: Arc::from("{}"), goes_live: true };
        let records = start.records(&Keys::development(), TimeMs(5));
        assert_eq!(records.len(), 2);
        assert!(matches!(&records[0].1.body, FactBody::RuleSetActivated { bundle, .. } if &**bundle == "{}"));
        assert_eq!(records[1].1.body, FactBody::WentLive);
        assert_ne!(records[0].1.event, records[1].1.event);
        assert!(records.iter().all(|(to, fact)| *to == Destination::All && fact.at == TimeMs(5)));
        let quiet = FirstStart { goes_live: false, ..start };
        assert_eq!(quiet.records(&Keys::development(), TimeMs(5)).len(), 1);
    }
}
