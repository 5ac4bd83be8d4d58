//! The dated list of intake configurations: which version is in force at a record's timestamp (DESIGN D6).

use std::collections::BTreeSet;

use crate::engine::base::TimeMs;
use crate::engine::cover::{ConfigVersion, Coverage};

/// Why a list of versions cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionsError {
    #[error("there is no version of the intake configuration")]
    Empty,
    #[error("the first version of the intake configuration must hold since ever, without a start")]
    FirstHasStart,
    #[error(
        "version {0} of the intake configuration does not start after the one before it, or its number is not larger"
    )]
    NotAscending(u32),
    #[error(
        "`time = \"event\"` has no clock to switch by: the intake configuration may have one version only"
    )]
    EventTime,
    #[error(
        "version {0} has been announced with another start: the past of the intake configuration may not change"
    )]
    PastChanged(u32),
    #[error("version {0} has been announced before, and is not in the configuration any more")]
    PastForgotten(u32),
    #[error("version {0} is new and would start in the past; let it start later than now")]
    StartsInPast(u32),
}

/// Versions ordered by their start, the first since ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions(Vec<ConfigVersion>);

impl Versions {
    /// The one version of a deployment that has not changed its intake yet.
    #[must_use]
    pub fn single(number: u32) -> Versions {
        Versions(vec![ConfigVersion { from: TimeMs::MIN, number }])
    }

    /// Checks a list as configured.
    ///
    /// # Errors
    /// When it is empty or not ascending.
    pub fn new(list: Vec<ConfigVersion>) -> Result<Versions, VersionsError> {
        let first = list.first().ok_or(VersionsError::Empty)?;
        if first.from != TimeMs::MIN {
            return Err(VersionsError::FirstHasStart);
        }
        for (before, after) in list.iter().zip(list.iter().skip(1)) {
            if after.from <= before.from || after.number <= before.number {
                return Err(VersionsError::NotAscending(after.number));
            }
        }
        Ok(Versions(list))
    }

    /// The number of the version in force at a record's timestamp.
    #[must_use]
    pub fn in_force(&self, at: TimeMs) -> u32 {
        let started = self.0.iter().take_while(|version| version.from <= at).last();
        // `new` lets no list pass whose first version does not hold since ever.
        started.or(self.0.first()).map_or(0, |version| version.number)
    }

    #[must_use]
    pub fn list(&self) -> &[ConfigVersion] {
        &self.0
    }

    /// Compares the list with what a facts partition has heard, and tells what it still has to hear.
    /// `now` is the broker's time as far as it is known, `elsewhere` what any partition has heard.
    ///
    /// A version may begin in the past where whoever announced it died half-way: another partition has
    /// heard of it, and this one has covered nothing yet that it would hold for.
    ///
    /// # Errors
    /// When the past changed, or a new version would not begin in the future. The first start of
    /// all, when nothing has been announced, may bring any list.
    pub fn unannounced(
        &self,
        heard: &Coverage,
        elsewhere: &BTreeSet<ConfigVersion>,
        now: TimeMs,
    ) -> Result<Vec<ConfigVersion>, VersionsError> {
        for announced in &heard.versions {
            match self.0.iter().find(|version| version.number == announced.number) {
                Some(version) if version.from == announced.from => {}
                Some(_) => return Err(VersionsError::PastChanged(announced.number)),
                None => return Err(VersionsError::PastForgotten(announced.number)),
            }
        }
        let new: Vec<ConfigVersion> =
            self.0.iter().filter(|version| !heard.versions.contains(version)).copied().collect();
        if heard.versions.is_empty() {
            return Ok(new);
        }
        let is_half_way = |version: &ConfigVersion| {
            elsewhere.contains(version) && heard.sources.values().all(|covered| covered.time < version.from)
        };
        match new.iter().find(|version| version.from <= now && !is_half_way(version)) {
            Some(late) => Err(VersionsError::StartsInPast(late.number)),
            None => Ok(new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cover::{Covered, SourceId};

    fn version(from: i64, number: u32) -> ConfigVersion {
        ConfigVersion { from: TimeMs(from), number }
    }

    fn heard(versions: &[ConfigVersion]) -> Coverage {
        let mut coverage = Coverage::default();
        versions.iter().for_each(|version| coverage.announce(*version));
        coverage
    }

    const EVER: ConfigVersion = ConfigVersion { from: TimeMs::MIN, number: 1 };

    #[test]
    fn a_version_holds_from_its_start_to_the_next() {
        let versions = Versions::new(vec![EVER, version(100, 3)]).unwrap();
        assert_eq!([0, 99, 100, 101].map(|at| versions.in_force(TimeMs(at))), [1, 1, 3, 3]);
        assert_eq!(Versions::single(7).in_force(TimeMs::MIN), 7);
    }

    #[test]
    fn lists_ascend_and_begin_since_ever() {
        assert_eq!(Versions::new(vec![]), Err(VersionsError::Empty));
        assert_eq!(Versions::new(vec![version(5, 1)]), Err(VersionsError::FirstHasStart));
        assert_eq!(Versions::new(vec![EVER, version(5, 1)]), Err(VersionsError::NotAscending(1)));
        let backwards = vec![EVER, version(9, 2), version(9, 3)];
        assert_eq!(Versions::new(backwards), Err(VersionsError::NotAscending(3)));
    }

    #[test]
    fn the_past_may_not_change_and_the_new_begins_in_the_future() {
        let versions = Versions::new(vec![EVER, version(100, 2)]).unwrap();
        let nowhere = BTreeSet::new();
        let unannounced =
            |known: &[ConfigVersion], now| versions.unannounced(&heard(known), &nowhere, TimeMs(now));
        assert_eq!(unannounced(&[], 500), Ok(vec![EVER, version(100, 2)]));
        assert_eq!(unannounced(&[EVER], 99), Ok(vec![version(100, 2)]));
        assert_eq!(unannounced(&[EVER], 100), Err(VersionsError::StartsInPast(2)));
        assert_eq!(unannounced(&[EVER, version(100, 2)], 500), Ok(vec![]));
        assert_eq!(unannounced(&[EVER, version(90, 2)], 10), Err(VersionsError::PastChanged(2)));
        assert_eq!(unannounced(&[EVER, version(90, 4)], 10), Err(VersionsError::PastForgotten(4)));
    }

    #[test]
    fn an_announcement_that_stopped_half_way_is_finished_where_nothing_is_covered_by_then() {
        let versions = Versions::new(vec![EVER, version(100, 2)]).unwrap();
        let elsewhere = BTreeSet::from([EVER, version(100, 2)]);
        let covered_at = |time| {
            let mut heard = heard(&[EVER]);
            let source = SourceId { name: "s".into(), generation: 1, partition: 0 };
            heard.sources.insert(source, Covered::new(9, TimeMs(time)));
            versions.unannounced(&heard, &elsewhere, TimeMs(500))
        };
        assert_eq!(covered_at(99), Ok(vec![version(100, 2)]));
        assert_eq!(covered_at(100), Err(VersionsError::StartsInPast(2)));
        let only_other = BTreeSet::from([EVER, version(90, 2)]);
        let unheard = versions.unannounced(&heard(&[EVER]), &only_other, TimeMs(500));
        assert_eq!(unheard, Err(VersionsError::StartsInPast(2)));
    }
}
