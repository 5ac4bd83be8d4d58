//! Dispositions: what was decided and why, by token. No reference of the institution is in here.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::disposition::{
    Head, MeasureEnded, MeasureExtended, MeasureSet, OpeningAccepted, ReservationLapsed,
};
use crate::engine::notice::Telling;

use super::envelope::{BilingualText, Envelope, HeadData, Moment, id_hex, notice_id, time_of, token_hex};
use super::evidence::EvidenceData;
use super::measure::MeasureData;
use super::{OutRecord, OutputContext, OutputError, Topic};

pub(super) const OPENING_ACCEPTED: &str = "duecourse.disposition.opening_accepted.v1";
pub(super) const MEASURE_SET: &str = "duecourse.disposition.measure_set.v1";
pub(super) const MEASURE_ENDED: &str = "duecourse.disposition.measure_ended.v1";
pub(super) const MEASURE_EXTENDED: &str = "duecourse.disposition.measure_extended.v1";
pub(super) const RESERVATION_LAPSED: &str = "duecourse.disposition.reservation_lapsed.v1";

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
    evidence: EvidenceData<'a>,
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
    /// `expired`, `overturned`, `superseded`, `opening_settled` or `released`.
    cause: &'static str,
    /// True when an appeal was decided for the person: the measure should not have been set.
    overruled: bool,
    /// Until then the rule uses nothing from before the lift (with `overturned`).
    override_until: Option<Moment>,
    appeal_reference: String,
    /// Id of the notice of the end.
    notice: String,
}

/// An accepted request was not used in time.
#[derive(Serialize, JsonSchema)]
pub(super) struct LapsedData<'a> {
    #[serde(flatten)]
    head: HeadData<'a>,
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
        evidence: EvidenceData::of(set.evidence(), ctx)?,
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
        overruled: ended.cause == crate::engine::disposition::EndCause::Overturned,
        override_until: override_until.transpose()?,
        appeal_reference: ended.appeal.to_string(),
        notice: notice_id(ended.head.id),
    };
    wrap(MEASURE_ENDED, &ended.head, data, ctx)
}

pub(super) fn lapsed(lapsed: &ReservationLapsed, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let data = LapsedData { head: HeadData::of(&lapsed.head, ctx)? };
    wrap(RESERVATION_LAPSED, &lapsed.head, data, ctx)
}
