//! Notices: what the person is told (DESIGN D25, law.md section 8).
//!
//! A `Notice` has no optional part and no default, so a measure that has one has all of it. The
//! words come from `NoticeTexts`, a table of disclosable wording that travels with the rule set;
//! nothing that is not in the table can reach a person (law.md A4).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::base::{Bilingual, SpanMs, TimeMs};
use super::disposition::AppealRef;
use super::measure::{Lane, Measure};
use super::verifying::{HowToVerify, Verifying};

/// The wording, loaded from configuration and carried by the rule set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeTexts {
    /// Disclosable reasons by key.
    pub reasons: BTreeMap<String, Bilingual>,
    /// Legal bases by key, as a person can look them up.
    pub bases: BTreeMap<String, Bilingual>,
    /// What a measure does and what it leaves open, by the measure's name.
    pub measures: BTreeMap<String, MeasureText>,
    /// Next remedies of each lane, by the lane's name.
    pub remedies: BTreeMap<String, Bilingual>,
    /// Why an appeal was upheld or a measure confirmed, by key; `unstated` for want of one.
    pub answers: BTreeMap<String, Bilingual>,
    pub channels: Channels,
    /// Our answer to an appeal is due within this span where no table of appeals says when (law.md A3: 15 days
    /// at most).
    pub answer_within: SpanMs,
    pub verifying: Verifying,
    /// Offset from UTC of times in notices, in minutes. China: 480.
    pub utc_offset_minutes: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureText {
    /// What is asked or restricted.
    pub scope: Bilingual,
    /// What still works.
    pub still_works: Bilingual,
    /// Papers to bring to an appeal.
    pub papers: Bilingual,
}

/// How to appeal: at least two ways, one of them offline. A list could be too short; this cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    pub offline: Bilingual,
    pub online: Bilingual,
}

/// When a notice leaves. Own measures are always told at once; an authority may lay down otherwise (D25).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Telling {
    #[default]
    Now,
    /// The notice is composed at once and leaves at `until`, or with the end of the measure if that is
    /// earlier.
    Deferred {
        /// The clause that the order names for it.
        clause: Arc<str>,
        until: TimeMs,
    },
    /// The authority tells the person itself.
    ByAuthority,
}

/// What becomes of an appeal that is made when the notice is read: what the table of appeals then gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// We answer within this, from the filing on (law.md A3: 15 days, about basic services promptly).
    Within(SpanMs),
    /// It is not ours to decide: it is passed on at once to the authority, which answers by its own terms.
    PassedOn,
}

/// What the table of appeals gives whoever is told of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recourse {
    pub answering: Answering,
    /// Nobody but a program decided, and on request a person does (PIPL 24).
    pub person_on_request: bool,
}

/// A rule or limit and its version, as named to people and programs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleName {
    pub id: String,
    pub version: u32,
}

/// The notice of a measure. Every field is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub reason: Bilingual,
    pub basis: Bilingual,
    pub rule: RuleName,
    pub measure: &'static str,
    pub scope: Bilingual,
    pub start: TimeMs,
    pub end: TimeMs,
    pub still_works: Bilingual,
    pub channels: Channels,
    pub papers: Bilingual,
    pub verify: HowToVerify,
    pub recourse: Recourse,
    pub remedies: Bilingual,
    pub appeal: AppealRef,
    pub utc_offset_minutes: i32,
}

/// Why a notice could not be composed: a key that the table does not have. The loader checks every
/// key a rule or limit can reach, so in a loaded rule set this does not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no disclosable text for {kind} `{key}`")]
pub struct MissingText {
    pub kind: &'static str,
    pub key: String,
}

/// What a notice is composed from besides the table.
pub struct NoticeOf<'a> {
    pub reason: &'a str,
    pub basis: &'a str,
    pub rule: RuleName,
    pub measure: &'a Measure,
    pub lane: Lane,
    pub start: TimeMs,
    pub end: TimeMs,
    pub appeal: AppealRef,
    pub verify: HowToVerify,
    pub recourse: Recourse,
}

impl NoticeTexts {
    /// The reason of an answer to an appeal; none when the table lacks the key.
    #[must_use]
    pub fn answer(&self, key: Option<&str>) -> Option<&Bilingual> {
        self.answers.get(key.unwrap_or("unstated"))
    }

    /// Composes the notice of a measure.
    ///
    /// # Errors
    /// `MissingText` names the key that the table lacks.
    pub fn compose(&self, of: NoticeOf<'_>) -> Result<Notice, MissingText> {
        let text = look_up(&self.measures, "measure", of.measure.name())?;
        Ok(Notice {
            reason: look_up(&self.reasons, "reason", of.reason)?.clone(),
            basis: look_up(&self.bases, "basis", of.basis)?.clone(),
            remedies: look_up(&self.remedies, "remedies of lane", of.lane.name())?.clone(),
            rule: of.rule,
            measure: of.measure.name(),
            scope: text.scope.clone(),
            still_works: text.still_works.clone(),
            papers: text.papers.clone(),
            verify: of.verify,
            start: of.start,
            end: of.end,
            channels: self.channels.clone(),
            recourse: of.recourse,
            appeal: of.appeal,
            utc_offset_minutes: self.utc_offset_minutes,
        })
    }
}

fn look_up<'a, T>(
    table: &'a BTreeMap<String, T>,
    kind: &'static str,
    key: &str,
) -> Result<&'a T, MissingText> {
    table.get(key).ok_or_else(|| MissingText { kind, key: key.to_owned() })
}
