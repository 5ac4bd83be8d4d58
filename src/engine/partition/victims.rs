//! Measures of victim protection as a feed of their own: who was warned, and of whom (S21, APL 34).

use super::facts::Feeding;
use super::rules::Scene;
use super::{Active, Partition};
use crate::engine::attributes::Field;
use crate::engine::base::{Currency, Money};
use crate::engine::fact::Feed;
use crate::engine::subject::{Subject, SubjectKind};

impl Partition {
    /// After the rules of a scene on which a measure of that lane was set: one entry for its event, in
    /// each log that has none of it yet.
    pub(super) fn feed_warning(&mut self, scene: &Scene<'_>, active: &Active) {
        let is_new = |subject: &Subject| {
            let entries = self.logs.get(subject).into_iter().flat_map(|log| log.entries(&self.store));
            let mut known = entries
                .filter(|entry| entry.event == scene.entry && entry.at > self.horizons.log(subject.kind));
            !known.any(|entry| entry.feed == Feed::VictimWarnedPayer)
        };
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
}
