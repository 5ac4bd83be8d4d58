//! Measures: what is in force, for the institution to carry out. Compacted by disposition id.
//!
//! Here, and in notices, the sealed reference of a party is opened (DESIGN D5).

use schemars::JsonSchema;
use serde::Serialize;

use crate::codec::hex::{event_hex, id_hex};
use crate::engine::disposition::{DispositionId, Head, MeasureEnded, MeasureExtended, MeasureSet};
use crate::engine::measure::{Listing, Measure, Order};
use crate::engine::notice::Notice;
use crate::engine::subject::Party;

use super::envelope::{BilingualText, Envelope, Moment, RuleText, time_of};
use super::{OutRecord, OutputContext, OutputError, Topic};

pub(super) const IN_FORCE: &str = "duecourse.measure.in_force.v1";

/// A measure in force.
#[derive(Serialize, JsonSchema)]
pub(super) struct InForceData<'a> {
    /// Id of the disposition that set it.
    disposition: String,
    lane: &'static str,
    rule: RuleText<'a>,
    rules_version: u32,
    #[serde(flatten)]
    measure: MeasureData<'a>,
    party: PartyData,
    /// Keyed fingerprint of the event that caused it.
    event: String,
    basis: BilingualText<'a>,
    start: Moment,
    /// It ends then at the latest; an earlier end is a null value under this key.
    end: Moment,
    appeal_reference: String,
}

/// A party by the institution's own reference.
#[derive(Serialize, JsonSchema)]
pub(super) struct PartyData {
    kind: &'static str,
    #[serde(rename = "ref")]
    reference: String,
}

impl PartyData {
    pub(super) fn of(party: &Party, ctx: &OutputContext<'_>) -> Result<PartyData, OutputError> {
        let reference = ctx.keys.open(&party.sealed).ok_or(OutputError::RefUnreadable)?;
        Ok(PartyData { kind: party.subject.kind.name(), reference })
    }
}

/// A measure by name, with the witness that its harder steps demand (APL 11, 20, 31).
#[derive(Serialize, JsonSchema)]
pub(super) struct MeasureData<'a> {
    measure: &'static str,
    /// The verification that was failed or ran out, for limiting or suspending a phone card.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_lapse: Option<LapseData>,
    /// The confirmation of use that failed or ran out, for limiting or pausing an IoT card.
    #[serde(skip_serializing_if = "Option::is_none")]
    scene_lapse: Option<LapseData>,
    /// The authority's order, for a measure of that lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderData<'a>>,
    /// The list entry, for a measure on what a listed person has.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<EntryData<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct LapseData {
    event: String,
    at: Moment,
}

#[derive(Serialize, JsonSchema)]
struct OrderData<'a> {
    number: &'a str,
    issuer: &'a str,
    start: Moment,
    end: Moment,
}

#[derive(Serialize, JsonSchema)]
struct EntryData<'a> {
    number: &'a str,
    issuer: &'a str,
    /// `a` or `b`.
    category: &'static str,
    start: Moment,
    end: Moment,
    /// What goes on all the same, looked at before anything is stopped (law.md J4, J5, J6).
    stays_open: &'static [&'static str],
}

/// What an entry's measure leaves open.
fn stays_open(measure: &Measure) -> &'static [&'static str] {
    match measure {
        Measure::ListedLimitOutflow(_) => {
            &["inflow", "counter", "tax", "social_insurance", "utility", "medical", "own_bank_account"]
        }
        Measure::ListedStopPaymentAccount(_) => &["balance_to_own_bank_account"],
        Measure::ListedLimitCard(_) => &["emergency_calls", "kept_line"],
        _ => &["existing_accounts", "bank_account_openings"],
    }
}

impl<'a> EntryData<'a> {
    fn of(
        measure: &Measure,
        listing: &'a Listing,
        ctx: &OutputContext<'_>,
    ) -> Result<EntryData<'a>, OutputError> {
        let (start, end) = listing.term();
        Ok(EntryData {
            number: listing.number(),
            issuer: listing.issuer(),
            category: listing.category().name(),
            start: time_of("entry.start", start, ctx)?,
            end: time_of("entry.end", end, ctx)?,
            stays_open: stays_open(measure),
        })
    }
}

impl<'a> MeasureData<'a> {
    pub(super) fn of(measure: &'a Measure, ctx: &OutputContext<'_>) -> Result<MeasureData<'a>, OutputError> {
        let mut data = MeasureData {
            measure: measure.name(),
            verification_lapse: None,
            scene_lapse: None,
            order: None,
            entry: None,
        };
        match measure {
            Measure::PhoneCardLimit(lapse) | Measure::PhoneCardSuspend(lapse) => {
                let (event, at) = lapse.cause();
                let at = time_of("verification_lapse.at", at, ctx)?;
                data.verification_lapse = Some(LapseData { event: event_hex(event), at });
            }
            Measure::AuthorityStopPayment(order) | Measure::AuthorityFreeze(order) => {
                data.order = Some(OrderData::of(order, ctx)?);
            }
            Measure::IotCardLimit(lapse) | Measure::IotCardPause(lapse) => {
                let (event, at) = lapse.cause();
                let at = time_of("scene_lapse.at", at, ctx)?;
                data.scene_lapse = Some(LapseData { event: event_hex(event), at });
            }
            Measure::ListedLimitOutflow(listing)
            | Measure::ListedStopPaymentAccount(listing)
            | Measure::ListedLimitCard(listing)
            | Measure::ListedRefuseOpening(listing) => {
                data.entry = Some(EntryData::of(measure, listing, ctx)?);
            }
            Measure::OpeningCheckFurther
            | Measure::OpeningRefuse
            | Measure::PhoneCardReverify
            | Measure::IotCardReverify
            | Measure::Account(_)
            | Measure::Victim(_) => {}
        }
        Ok(data)
    }
}

impl<'a> OrderData<'a> {
    fn of(order: &'a Order, ctx: &OutputContext<'_>) -> Result<OrderData<'a>, OutputError> {
        let (start, end) = order.term();
        Ok(OrderData {
            number: order.number(),
            issuer: order.issuer(),
            start: time_of("order.start", start, ctx)?,
            end: time_of("order.end", end, ctx)?,
        })
    }
}

/// The entry of a measure that begins.
pub(super) fn in_force(set: &MeasureSet, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let head = set.head();
    entry(head.id, head, set.measure(), set.notice(), ctx)
}

/// The entry of a measure that goes on until a later end takes the place of the earlier one.
pub(super) fn extended(
    extended: &MeasureExtended,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    entry(extended.extended, &extended.head, &extended.measure, &extended.notice, ctx)
}

fn entry(
    id: DispositionId,
    head: &Head,
    measure: &Measure,
    notice: &Notice,
    ctx: &OutputContext<'_>,
) -> Result<OutRecord, OutputError> {
    let data = InForceData {
        disposition: id_hex(id),
        lane: head.lane.name(),
        rule: (&head.rule).into(),
        rules_version: ctx.rules_version,
        measure: MeasureData::of(measure, ctx)?,
        party: PartyData::of(&head.party, ctx)?,
        event: event_hex(head.event),
        basis: (&notice.basis).into(),
        start: time_of("start", notice.start, ctx)?,
        end: time_of("end", notice.end, ctx)?,
        appeal_reference: notice.appeal.to_string(),
    };
    let envelope = Envelope {
        topic: Topic::Measures,
        event_type: IN_FORCE,
        id: id_hex(head.id),
        key: id_hex(id),
        at: head.at,
    };
    envelope.wrap(data, ctx)
}

/// The tombstone of a measure that ended.
pub(super) fn ended(ended: &MeasureEnded) -> OutRecord {
    OutRecord { topic: Topic::Measures, key: id_hex(ended.ended).into_bytes(), value: None }
}
