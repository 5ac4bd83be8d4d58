//! Notices: what the person is told (DESIGN D25, law.md section 8), as fields and as ready text.
//!
//! One for each measure that is set and one for each that ends. The sealed reference of the party is
//! opened here, so that the institution knows whom to tell.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::disposition::{
    DispositionId, EndCause, Head, MeasureEnded, MeasureExtended, MeasureSet, NoticeReleased,
};
use crate::engine::measure::Measure;
use crate::engine::notice::Notice;

use super::envelope::{BilingualText, Envelope, Moment, RuleText, id_hex, notice_id, time_of};
use super::measure::{MeasureData, PartyData};
use super::text::{self, Text};
use super::{OutRecord, OutputContext, OutputError, Topic};

pub(super) const OF_SET: &str = "duecourse.notice.measure_set.v1";
pub(super) const OF_EXTENDED: &str = "duecourse.notice.measure_extended.v1";
pub(super) const OF_ENDED: &str = "duecourse.notice.measure_ended.v1";

/// The notice of a measure that begins.
#[derive(Serialize, JsonSchema)]
pub(super) struct SetNoticeData<'a> {
    /// Id of the disposition it belongs to.
    disposition: String,
    institution: &'a str,
    party: PartyData,
    lane: &'static str,
    rule: RuleText<'a>,
    rules_version: u32,
    #[serde(flatten)]
    measure: MeasureData<'a>,
    reason: BilingualText<'a>,
    basis: BilingualText<'a>,
    /// What is asked or restricted.
    scope: BilingualText<'a>,
    start: Moment,
    end: Moment,
    still_works: BilingualText<'a>,
    how_to_appeal: ChannelsData<'a>,
    papers: BilingualText<'a>,
    /// When an answer is due to an appeal that is made at once.
    answer_due: Moment,
    remedies: BilingualText<'a>,
    appeal_reference: String,
    text: ReadyText,
}

/// At least two ways, one of them offline.
#[derive(Serialize, JsonSchema)]
struct ChannelsData<'a> {
    offline: BilingualText<'a>,
    online: BilingualText<'a>,
}

/// The notice of a measure that ended.
#[derive(Serialize, JsonSchema)]
pub(super) struct EndedNoticeData<'a> {
    /// Id of the disposition it belongs to.
    disposition: String,
    /// Id of the disposition that set the measure.
    ended: String,
    institution: &'a str,
    party: PartyData,
    lane: &'static str,
    rule: RuleText<'a>,
    rules_version: u32,
    #[serde(flatten)]
    measure: MeasureData<'a>,
    /// `expired`, `overturned`, `superseded`, `opening_settled` or `released`.
    cause: &'static str,
    /// True when an appeal was decided for the person: the measure should not have been set.
    overruled: bool,
    /// From then on the measure is lifted.
    lifted: Moment,
    /// Until then the rule uses nothing from before the lift (with `overturned`).
    override_until: Option<Moment>,
    appeal_reference: String,
    text: ReadyText,
}

/// The whole notice, ready to be sent. Chinese is the text that counts.
#[derive(Serialize, JsonSchema)]
struct ReadyText {
    #[serde(rename = "zh-CN")]
    zh: String,
    en: String,
}

impl From<Text> for ReadyText {
    fn from(text: Text) -> ReadyText {
        ReadyText { zh: text.zh, en: text.en }
    }
}

/// Notices of one measure share a key, so that its beginning arrives before its end.
fn envelope(
    event_type: &'static str,
    id: DispositionId,
    measure: DispositionId,
    at: crate::engine::base::TimeMs,
) -> Envelope {
    Envelope { topic: Topic::Notices, event_type, id: notice_id(id), key: id_hex(measure), at }
}

pub(super) fn of_set(set: &MeasureSet, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let head = set.head();
    let text = text::of_set(head, set.measure(), set.notice());
    begun(OF_SET, head.id, head, (set.measure(), set.notice()), text, ctx)
}

/// A notice that its order had deferred, as it was composed.
pub(super) fn of_released(
    released: &NoticeReleased,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let NoticeReleased { head, measure, notice } = released;
    let text = text::of_set(head, measure, notice);
    begun(OF_SET, head.id, head, (measure, notice), text, ctx)
}

/// The notice of a measure that goes on until a later end.
pub(super) fn of_extended(
    extended: &MeasureExtended,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let MeasureExtended { head, extended, measure, notice, .. } = extended;
    let text = text::of_extended(head, measure, notice);
    begun(OF_EXTENDED, *extended, head, (measure, notice), text, ctx)
}

fn begun(
    event_type: &'static str,
    id: DispositionId,
    head: &Head,
    (measure, notice): (&Measure, &Notice),
    text: Option<Text>,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let data = SetNoticeData {
        disposition: id_hex(head.id),
        institution: ctx.institution,
        party: PartyData::of(&head.party, ctx)?,
        lane: head.lane.name(),
        rule: (&notice.rule).into(),
        rules_version: ctx.rules_version,
        measure: MeasureData::of(measure, ctx)?,
        reason: (&notice.reason).into(),
        basis: (&notice.basis).into(),
        scope: (&notice.scope).into(),
        start: time_of("start", notice.start, ctx)?,
        end: time_of("end", notice.end, ctx)?,
        still_works: (&notice.still_works).into(),
        how_to_appeal: ChannelsData {
            offline: (&notice.channels.offline).into(),
            online: (&notice.channels.online).into(),
        },
        papers: (&notice.papers).into(),
        answer_due: time_of("answer_due", notice.answer_due, ctx)?,
        remedies: (&notice.remedies).into(),
        appeal_reference: notice.appeal.to_string(),
        text: text.ok_or(OutputError::TimeUnwritable("text"))?.into(),
    };
    envelope(event_type, head.id, id, head.at).wrap(data, ctx)
}

pub(super) fn of_ended(ended: &MeasureEnded, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let head = &ended.head;
    let override_until = ended.override_until.map(|until| time_of("override_until", until, ctx));
    let data = EndedNoticeData {
        disposition: id_hex(head.id),
        ended: id_hex(ended.ended),
        institution: ctx.institution,
        party: PartyData::of(&head.party, ctx)?,
        lane: head.lane.name(),
        rule: (&head.rule).into(),
        rules_version: ctx.rules_version,
        measure: MeasureData::of(&ended.measure, ctx)?,
        cause: ended.cause.name(),
        overruled: ended.cause == EndCause::Overturned,
        lifted: time_of("lifted", head.at, ctx)?,
        override_until: override_until.transpose()?,
        appeal_reference: ended.appeal.to_string(),
        text: text::of_ended(ended).ok_or(OutputError::TimeUnwritable("text"))?.into(),
    };
    envelope(OF_ENDED, head.id, ended.ended, head.at).wrap(data, ctx)
}
