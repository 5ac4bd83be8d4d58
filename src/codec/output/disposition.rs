//! Dispositions: what was decided and why, by token. No reference of the institution is in here.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::codec::hex::{id_hex, token_hex};
use crate::engine::appeal::AppealAnswered;
use crate::engine::disposition::{
    Head, HeldBack, MeasureEnded, MeasureExtended, MeasureMoved, MeasureSet, OpeningAccepted,
    ReservationLapsed,
};
use crate::engine::life::Word;
use crate::engine::notice::Telling;

use super::envelope::{BilingualText, Envelope, HeadData, Moment, RuleText, notice_id, time_of};
use super::evidence::{self, EvidenceData};
use super::measure::MeasureData;
use super::{OutRecord, OutputContext, OutputError, Topic};

pub(super) const OPENING_ACCEPTED: &str = "duecourse.disposition.opening_accepted.v1";
pub(super) const MEASURE_SET: &str = "duecourse.disposition.measure_set.v1";
pub(super) const MEASURE_ENDED: &str = "duecourse.disposition.measure_ended.v1";
pub(super) const APPEAL_ANSWERED: &str = "duecourse.disposition.appeal_answered.v1";
pub(super) const MEASURE_EXTENDED: &str = "duecourse.disposition.measure_extended.v1";
pub(super) const RESERVATION_LAPSED: &str = "duecourse.disposition.reservation_lapsed.v1";
pub(super) const MEASURE_MOVED: &str = "duecourse.disposition.measure_moved.v1";

/// A request to open was accepted.
#[derive(Serialize, JsonSchema)]
pub(super) struct AcceptedData<'a> {
    #[serde(flatten)]
    head: HeadData<'a>,
    /// The slot is kept until then.
    reserved_until: Moment,
}

/// A measure was set.
#[derive(Serialize, JsonSchema)]
pub(super) struct SetData<'a> {
    #[serde(flatten)]
    head: HeadData<'a>,
    #[serde(flatten)]
    measure: MeasureData<'a>,
    basis: BilingualText<'a>,
    reason: BilingualText<'a>,
    start: Moment,
    end: Moment,
    appeal_reference: String,
    #[schemars(with = "EvidenceData<'a>")]
    evidence: Box<RawValue>,
    /// Id of its notice.
    notice: String,
    /// Only where an order has the person told otherwise than at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    telling: Option<TellingData<'a>>,
}

/// When the person is told of an order.
#[derive(Serialize, JsonSchema)]
struct TellingData<'a> {
    /// `deferred` or `by_authority`.
    when: &'static str,
    /// The clause that the order names for deferring it.
    #[serde(skip_serializing_if = "Option::is_none")]
    clause: Option<&'a str>,
    /// The notice leaves then, or with the end of the measure if that is earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Moment>,
}

impl<'a> TellingData<'a> {
    fn of(telling: &'a Telling, ctx: &OutputContext<'_>) -> Result<Option<TellingData<'a>>, OutputError> {
        Ok(match telling {
            Telling::Now => None,
            Telling::Deferred { clause, until } => {
                let until = Some(time_of("telling.until", *until, ctx)?);
                Some(TellingData { when: "deferred", clause: Some(clause), until })
            }
            Telling::ByAuthority => Some(TellingData { when: "by_authority", clause: None, until: None }),
        })
    }
}

/// A measure of an authority goes on until a later end.
#[derive(Serialize, JsonSchema)]
pub(super) struct ExtendedData<'a> {
    #[serde(flatten)]
    head: HeadData<'a>,
    #[serde(flatten)]
    measure: MeasureData<'a>,
    /// Id of the disposition that set it.
    extended: String,
    /// The later end.
    end: Moment,
    appeal_reference: String,
    /// Id of the notice of it.
    notice: String,
}

/// A measure ended.
#[derive(Serialize, JsonSchema)]
pub(super) struct EndedData<'a> {
    #[serde(flatten)]
    head: HeadData<'a>,
    #[serde(flatten)]
    measure: MeasureData<'a>,
    /// Id of the disposition that set it.
    ended: String,
    /// `expired`, `overturned`, `superseded`, `opening_settled`, `lifted_by_person`, `replaced`, `corrected`,
    /// `followed`, `verified`, `cancelled` or `released`.
    cause: &'static str,
    /// True when an appeal or request was decided for the person: the measure should not have been set.
    overruled: bool,
    /// Until then the rule uses nothing from before the lift (when overruled, and with `verified`).
    override_until: Option<Moment>,
    appeal_reference: String,
    /// Id of the notice of the end.
    notice: String,
}

/// Something was said about an appeal, or about a request for a human decision.
#[derive(Serialize, JsonSchema)]
pub(super) struct AnsweredData<'a> {
    #[serde(flatten)]
    head: HeadData<'a>,
    #[serde(flatten)]
    measure: MeasureData<'a>,
    /// Id of the disposition that set the measure.
    of: String,
    /// `received`, `accepted`, `papers_asked`, `upheld`, `forwarded`, `overdue`, `human_decision_due` or
    /// `confirmed`.
    answer: &'static str,
    /// Why it was upheld or confirmed.
    reason: Option<BilingualText<'a>>,
    /// Papers that are asked for, by name.
    papers: Vec<&'static str>,
    /// Until when there is to be a decision.
    due: Option<Moment>,
    appeal_reference: String,
    /// Id of its notice.
    notice: String,
}

/// An accepted request was not used in time.
#[derive(Serialize, JsonSchema)]
pub(super) struct LapsedData<'a> {
    #[serde(flatten)]
    head: HeadData<'a>,
}

/// A measure went on in its life.
#[derive(Serialize, JsonSchema)]
pub(super) struct MovedData<'a> {
    #[serde(flatten)]
    head: HeadData<'a>,
    #[serde(flatten)]
    measure: MeasureData<'a>,
    /// Id of the disposition that set it.
    moved: String,
    /// States of the life of such a measure, by the names of its table.
    from: &'a str,
    to: &'a str,
    /// When the state's own deadline comes.
    due: Option<Moment>,
    /// A member of staff has to take over.
    asks_staff: bool,
    /// Why a harder step was not taken: `override`, `protected`, `budget_spent` or `rule_silent`.
    held_back: Option<&'static str>,
    /// The protection, with `protected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    protected_by: Option<RuleText<'a>>,
    /// The notice goes out again by this way: `app`, `sms`, `call` or `letter`.
    tell_again_by: Option<&'static str>,
    /// Id of that notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    appeal_reference: String,
}

pub(super) fn moved(moved: &MeasureMoved, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let protected_by = match &moved.held_back {
        Some(HeldBack::Protected(by)) => Some(by.into()),
        _ => None,
    };
    let data = MovedData {
        head: HeadData::of(&moved.head, ctx)?,
        measure: MeasureData::of(&moved.measure, ctx)?,
        moved: id_hex(moved.moved),
        from: &moved.from,
        to: &moved.to,
        due: moved.due.map(|due| time_of("due", due, ctx)).transpose()?,
        asks_staff: moved.asks_staff,
        held_back: moved.held_back.as_ref().map(HeldBack::name),
        protected_by,
        tell_again_by: moved.told_again.as_ref().map(|again| again.by.name()),
        notice: moved.told_again.as_ref().map(|_| notice_id(moved.head.id)),
        appeal_reference: moved.appeal.to_string(),
    };
    wrap(MEASURE_MOVED, &moved.head, data, ctx)
}

fn wrap(
    event_type: &'static str,
    head: &Head,
    data: impl Serialize,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let envelope = Envelope {
        topic: Topic::Dispositions,
        event_type,
        id: id_hex(head.id),
        key: token_hex(head.holder),
        at: head.at,
    };
    envelope.wrap(data, ctx)
}

pub(super) fn accepted(
    accepted: &OpeningAccepted,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let data = AcceptedData {
        head: HeadData::of(&accepted.head, ctx)?,
        reserved_until: time_of("reserved_until", accepted.reserved_until, ctx)?,
    };
    wrap(OPENING_ACCEPTED, &accepted.head, data, ctx)
}

pub(super) fn set(set: &MeasureSet, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let (head, notice) = (set.head(), set.notice());
    let data = SetData {
        head: HeadData::of(head, ctx)?,
        measure: MeasureData::of(set.measure(), ctx)?,
        basis: (&notice.basis).into(),
        reason: (&notice.reason).into(),
        start: time_of("start", notice.start, ctx)?,
        end: time_of("end", notice.end, ctx)?,
        appeal_reference: notice.appeal.to_string(),
        evidence: evidence::encoded(set.evidence(), ctx)?,
        notice: notice_id(head.id),
        telling: TellingData::of(set.telling(), ctx)?,
    };
    wrap(MEASURE_SET, head, data, ctx)
}

pub(super) fn extended(
    extended: &MeasureExtended,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let (head, notice) = (&extended.head, &extended.notice);
    let data = ExtendedData {
        head: HeadData::of(head, ctx)?,
        measure: MeasureData::of(&extended.measure, ctx)?,
        extended: id_hex(extended.extended),
        end: time_of("end", notice.end, ctx)?,
        appeal_reference: notice.appeal.to_string(),
        notice: notice_id(head.id),
    };
    wrap(MEASURE_EXTENDED, head, data, ctx)
}

pub(super) fn ended(ended: &MeasureEnded, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let override_until = ended.override_until.map(|until| time_of("override_until", until, ctx));
    let data = EndedData {
        head: HeadData::of(&ended.head, ctx)?,
        measure: MeasureData::of(&ended.measure, ctx)?,
        ended: id_hex(ended.ended),
        cause: ended.cause.name(),
        overruled: ended.cause.overrules(),
        override_until: override_until.transpose()?,
        appeal_reference: ended.appeal.to_string(),
        notice: notice_id(ended.head.id),
    };
    wrap(MEASURE_ENDED, &ended.head, data, ctx)
}

pub(super) fn answered(answered: &AppealAnswered, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let data = AnsweredData {
        head: HeadData::of(&answered.head, ctx)?,
        measure: MeasureData::of(&answered.measure, ctx)?,
        of: id_hex(answered.of),
        answer: answered.answer.name(),
        reason: answered.reason.as_ref().map(BilingualText::from),
        papers: answered.papers.all().map(Word::name).collect(),
        due: answered.due.map(|due| time_of("due", due, ctx)).transpose()?,
        appeal_reference: answered.appeal.to_string(),
        notice: notice_id(answered.head.id),
    };
    wrap(APPEAL_ANSWERED, &answered.head, data, ctx)
}

pub(super) fn lapsed(lapsed: &ReservationLapsed, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let data = LapsedData { head: HeadData::of(&lapsed.head, ctx)? };
    wrap(RESERVATION_LAPSED, &lapsed.head, data, ctx)
}
