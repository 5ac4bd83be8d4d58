//! Answers to authorities: what was done about an order, when, or why not (APL 20).
//!
//! They leave for the institution's adapter to the platform. The account's own reference is opened here,
//! as the order named it; nothing else about the person goes along.

use schemars::JsonSchema;
use serde::Serialize;

use crate::codec::hex::{event_hex, id_hex};
use crate::engine::disposition::OrderAnswered;
use crate::engine::subject::SubjectKind;

use super::envelope::{Envelope, Moment, RuleText, time_of};
use super::measure::PartyData;
use super::{OutRecord, OutputContext, OutputError, Topic};

pub(super) const ANSWERED: &str = "duecourse.authority.answered.v1";

/// What an authority is told.
#[derive(Serialize, JsonSchema)]
pub(super) struct AnsweredData<'a> {
    institution: &'a str,
    number: &'a str,
    issuer: &'a str,
    /// `query`, `stop_payment`, `freeze` or `return_of_funds`, once the order is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// The case that the order said it rests on: `attempted_fraud`, `victim_report`, `bank_report`,
    /// `payee_in_case`, `payer_in_case` or `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<&'static str>,
    /// The same by the platform's own code (law.md X5), as the order named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    case_code: Option<&'static str>,
    /// The account that the order names; an entry names a person, whom its number stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<PartyData>,
    /// `waits`, `set`, `handed_over`, `extended`, `released`, `expired`, `overdue`, `done`; why not:
    /// `account_unknown`, `account_closed`, `funds_missing`, `papers_missing`, `not_later`, `known`, `over`;
    /// `remembered` for what came before its order; `history_only` for an entry of the older rules.
    outcome: &'static str,
    at: Moment,
    /// Id of the disposition that carries the order out.
    #[serde(skip_serializing_if = "Option::is_none")]
    measure: Option<String>,
    /// Keyed fingerprint of the event that is answered; for a timer, of the order.
    event: String,
    rule: RuleText<'a>,
}

/// The answers to one order share a key, so that they arrive in order.
pub(super) fn answered(answered: &OrderAnswered, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let head = &answered.head;
    let data = AnsweredData {
        institution: ctx.institution,
        number: &answered.name.number,
        issuer: &answered.name.issuer,
        kind: answered.kind.map(|kind| kind.name()),
        case: answered.case.map(|case| case.name()),
        case_code: answered.case.and_then(ctx.case_code),
        party: match head.party.subject.kind {
            SubjectKind::Holder => None,
            _ => Some(PartyData::of(&head.party, ctx)?),
        },
        outcome: answered.outcome.name(),
        at: time_of("at", head.at, ctx)?,
        measure: answered.measure.map(id_hex),
        event: event_hex(head.event),
        rule: (&head.rule).into(),
    };
    let envelope = Envelope {
        topic: Topic::Authority,
        event_type: ANSWERED,
        id: id_hex(head.id),
        key: answered.name.number.to_string(),
        at: head.at,
    };
    envelope.wrap(data, ctx)
}
