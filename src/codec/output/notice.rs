//! Notices: what the person is told (DESIGN D25, law.md section 8), as fields and as ready text.
//!
//! One for each measure that is set and one for each that ends. The sealed reference of the party is
//! opened here, so that the institution knows whom to tell.

use schemars::JsonSchema;
use serde::Serialize;

use crate::codec::hex::id_hex;
use crate::engine::appeal::AppealAnswered;
use crate::engine::base::TimeMs;
use crate::engine::disposition::{
    DispositionId, Head, MeasureEnded, MeasureExtended, MeasureMoved, MeasureSet, NoticeReleased, ToldAgain,
};
use crate::engine::life::Word;
use crate::engine::measure::Measure;
use crate::engine::notice::{Answering, Notice};
use crate::engine::verifying::HowToVerify;

use super::answers;
use super::envelope::{BilingualText, Envelope, Moment, RuleText, notice_id, time_of};
use super::measure::{MeasureData, PartyData};
use super::text::{self, Text};
use super::{OutRecord, OutputContext, OutputError, Topic};

pub(super) const OF_SET: &str = "duecourse.notice.measure_set.v1";
pub(super) const OF_EXTENDED: &str = "duecourse.notice.measure_extended.v1";
pub(super) const OF_ENDED: &str = "duecourse.notice.measure_ended.v1";
pub(super) const OF_ANSWERED: &str = "duecourse.notice.appeal_answered.v1";

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
    /// How to be verified, where that settles the measure; any one method is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    how_to_verify: Option<VerifyData<'a>>,
    /// The notice went out before and goes out again by this way: `app`, `sms`, `call` or `letter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    again_by: Option<&'static str>,
    /// When our answer is due to an appeal that is made at once; none where an appeal is passed on to the authority
    /// that ordered the measure, and none in a notice that leaves later than it was written.
    answer_due: Option<Moment>,
    /// Milliseconds within which we answer an appeal; none where it is passed on to the authority.
    answer_within_ms: Option<i64>,
    /// Nobody but a program decided, and on request a person does.
    human_decision_on_request: bool,
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

/// What a verification asks, and its time.
#[derive(Serialize, JsonSchema)]
struct VerifyData<'a> {
    methods: Vec<BilingualText<'a>>,
    /// Milliseconds that run from when the notice is delivered.
    within_ms: Option<i64>,
    /// When they end, once that is known.
    until: Option<Moment>,
}

impl<'a> VerifyData<'a> {
    fn of(verify: &'a HowToVerify, ctx: &OutputContext<'_>) -> Result<Option<VerifyData<'a>>, OutputError> {
        let HowToVerify::Asked { methods, within, until } = verify else { return Ok(None) };
        Ok(Some(VerifyData {
            methods: methods.iter().map(BilingualText::from).collect(),
            within_ms: within.map(|span| span.0),
            until: until.map(|until| time_of("how_to_verify.until", until, ctx)).transpose()?,
        }))
    }
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
    /// `expired`, `overturned`, `superseded`, `opening_settled`, `lifted_by_person`, `replaced`, `corrected`,
    /// `followed`, `verified`, `cancelled` or `released`.
    cause: &'static str,
    /// True when an appeal or request was decided for the person: the measure should not have been set.
    overruled: bool,
    /// From then on the measure is lifted.
    lifted: Moment,
    /// Until then the rule uses nothing from before the lift (when overruled, and with `verified`).
    override_until: Option<Moment>,
    appeal_reference: String,
    text: ReadyText,
}

/// What the person is told about an appeal, or about a request for a human decision.
#[derive(Serialize, JsonSchema)]
pub(super) struct AnsweredNoticeData<'a> {
    /// Id of the disposition it belongs to.
    disposition: String,
    /// Id of the disposition that set the measure.
    of: String,
    institution: &'a str,
    party: PartyData,
    lane: &'static str,
    rule: RuleText<'a>,
    rules_version: u32,
    #[serde(flatten)]
    measure: MeasureData<'a>,
    answer: &'static str,
    reason: Option<BilingualText<'a>>,
    papers: Vec<&'static str>,
    due: Option<Moment>,
    remedies: BilingualText<'a>,
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
fn envelope(event_type: &'static str, id: DispositionId, measure: DispositionId, at: TimeMs) -> Envelope {
    Envelope { topic: Topic::Notices, event_type, id: notice_id(id), key: id_hex(measure), at }
}

pub(super) fn of_set(set: &MeasureSet, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let head = set.head();
    let text = text::of_set(head, set.measure(), set.notice(), Some(head.at));
    let said = Saying { text, at: Some(head.at), again_by: None };
    of_notice(OF_SET, (head, head.id), (set.measure(), set.notice()), said, ctx)
}

/// A notice that its order had deferred, as it was composed.
pub(super) fn of_released(
    released: &NoticeReleased,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let NoticeReleased { head, measure, notice } = released;
    let said = Saying { text: text::of_set(head, measure, notice, None), at: None, again_by: None };
    of_notice(OF_SET, (head, head.id), (measure, notice), said, ctx)
}

/// The notice of a measure that goes on until a later end.
pub(super) fn of_extended(
    extended: &MeasureExtended,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let MeasureExtended { head, extended, measure, notice, .. } = extended;
    let text = text::of_extended(head, measure, notice);
    let said = Saying { text, at: Some(head.at), again_by: None };
    of_notice(OF_EXTENDED, (head, *extended), (measure, notice), said, ctx)
}

/// The notice of a measure once more.
pub(super) fn again(
    moved: &MeasureMoved,
    again: &ToldAgain,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let (head, at) = (&moved.head, Some(moved.head.at));
    let text = text::of_set(head, &moved.measure, &again.notice, at);
    let said = Saying { text, at, again_by: Some(again.by.name()) };
    of_notice(OF_SET, (head, moved.moved), (&moved.measure, &*again.notice), said, ctx)
}

/// A notice as it is said.
struct Saying {
    text: Option<Text>,
    /// When; none where it leaves later than it was written.
    at: Option<TimeMs>,
    again_by: Option<&'static str>,
}

fn of_notice(
    event_type: &'static str,
    (head, set_by): (&Head, DispositionId),
    (measure, notice): (&Measure, &Notice),
    said: Saying,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let within = match notice.recourse.answering {
        Answering::Within(within) => Some(within),
        Answering::PassedOn => None,
    };
    let answer_due = said.at.zip(within).map(|(at, within)| at.plus(within));
    let data = SetNoticeData {
        disposition: id_hex(set_by),
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
        how_to_verify: VerifyData::of(&notice.verify, ctx)?,
        again_by: said.again_by,
        answer_due: answer_due.map(|due| time_of("answer_due", due, ctx)).transpose()?,
        answer_within_ms: within.map(|within| within.0),
        human_decision_on_request: notice.recourse.person_on_request,
        remedies: (&notice.remedies).into(),
        appeal_reference: notice.appeal.to_string(),
        text: said.text.ok_or(OutputError::TimeUnwritable("text"))?.into(),
    };
    envelope(event_type, head.id, set_by, head.at).wrap(data, ctx)
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
        overruled: ended.cause.overrules(),
        lifted: time_of("lifted", head.at, ctx)?,
        override_until: override_until.transpose()?,
        appeal_reference: ended.appeal.to_string(),
        text: text::of_ended(ended).ok_or(OutputError::TimeUnwritable("text"))?.into(),
    };
    envelope(OF_ENDED, head.id, ended.ended, head.at).wrap(data, ctx)
}

pub(super) fn of_answered(
    answered: &AppealAnswered,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let head = &answered.head;
    let data = AnsweredNoticeData {
        disposition: id_hex(head.id),
        of: id_hex(answered.of),
        institution: ctx.institution,
        party: PartyData::of(&head.party, ctx)?,
        lane: head.lane.name(),
        rule: (&head.rule).into(),
        rules_version: ctx.rules_version,
        measure: MeasureData::of(&answered.measure, ctx)?,
        answer: answered.answer.name(),
        reason: answered.reason.as_ref().map(BilingualText::from),
        papers: answered.papers.all().map(Word::name).collect(),
        due: answered.due.map(|due| time_of("due", due, ctx)).transpose()?,
        remedies: (&answered.remedies).into(),
        appeal_reference: answered.appeal.to_string(),
        text: answers::of(answered).ok_or(OutputError::TimeUnwritable("text"))?.into(),
    };
    envelope(OF_ANSWERED, head.id, answered.of, head.at).wrap(data, ctx)
}
