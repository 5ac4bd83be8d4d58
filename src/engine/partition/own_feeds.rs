//! Feeds that the engine makes itself (S21): who was warned, and of whom (APL 34); and what a payee was
//! told of a transfer's payer.

use super::facts::Feeding;
use super::rules::Scene;
use super::{Active, Partition};
use crate::engine::attributes::Field;
use crate::engine::base::{Currency, Fingerprint, Money};
use crate::engine::fact::Feed;
use crate::engine::report::Standing;
use crate::engine::subject::{Subject, SubjectKind};

impl Partition {
    /// After the rules of a scene on which a measure of that lane was set: one entry for its event, in
    /// each log that has none of it yet.
    pub(super) fn feed_warning(&mut self, scene: &Scene<'_>, active: &Active) {
        let is_new = |subject: &Subject| !self.has_entry(subject, Feed::VictimWarnedPayer, scene.entry);
        let of_pair = scene.other.map(|other| scene.party.subject.token.pair(other));
        let subjects = [
            Some(scene.party.subject),
            Some(Subject::new(SubjectKind::Holder, scene.holder)),
            of_pair.map(|pair| Subject::new(SubjectKind::Pair, pair)),
        ];
        let amount = scene.attributes.get(Field::Amount);
        let feeding = Feeding {
            feed: Feed::VictimWarnedPayer,
            subjects: subjects.map(|subject| subject.filter(is_new)),
            other: scene.other.unwrap_or_default(),
            amount: amount.map(|minor| Money { minor, currency: Currency::CNY }),
            marks: 0,
        };
        self.feed(&feeding, scene.at, scene.entry, active);
    }

    /// A payee is told of a transfer's payer: one entry in its account's log, if that has none of it yet.
    pub(super) fn feed_passed_on(&mut self, standing: &Standing, active: &Active) {
        let account = standing.target.subject;
        if self.is_passed_on(account, standing) {
            return;
        }
        let feeding = Feeding {
            feed: Feed::PassedOnPayee,
            subjects: [Some(account), None, None],
            other: standing.about.token,
            amount: standing.amount,
            marks: 0,
        };
        self.feed(&feeding, standing.at, standing.event, active);
    }

    /// Looks at that time's entries only: an account may be paid so often that its log is long.
    fn is_passed_on(&self, account: Subject, standing: &Standing) -> bool {
        let log = self.logs.get(&account).filter(|_| standing.at > self.horizons.log(account.kind));
        let at_that_time = log.into_iter().flat_map(|log| log.entries_at(standing.at, &self.store));
        let mut known = at_that_time.filter(|entry| entry.event == standing.event);
        known.any(|entry| entry.feed == Feed::PassedOnPayee)
    }

    /// Whether a log has an entry of a feed and name that counts.
    fn has_entry(&self, subject: &Subject, feed: Feed, name: Fingerprint) -> bool {
        let horizon = self.horizons.log(subject.kind);
        let entries = self.logs.get(subject).into_iter().flat_map(|log| log.entries(&self.store));
        let mut known = entries.filter(|entry| entry.event == name && entry.at > horizon);
        known.any(|entry| entry.feed == feed)
    }
}
