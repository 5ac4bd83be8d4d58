//! Leads: what leaves for an authority, and what became of it (APL 14, 22, 26).
//!
//! A lead carries what its table lets go and nothing else. The institution's own reference of a card or account
//! is opened here, if the table names it; a shared subject has none, so its token stands for it, which a recorded
//! look-up turns into an identifier. No event, counterparty or evidence row goes along: the digest stands for them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::codec::hex::{event_hex, hex, id_hex, token_hex};
use crate::engine::base::saturate;
use crate::engine::evidence::{ComparisonEvidence, Evidence};
use crate::engine::lead::{LeadField, LeadHead, LeadMoved, LeadNews, LeadObserved, LeadSent, Referral};
use crate::engine::life::Word;
use crate::engine::purpose::Use;

use super::envelope::{BilingualText, Envelope, Moment, PurposeText, RuleText, SubjectData, time_of};
use super::measure::PartyData;
use super::{OutRecord, OutputContext, OutputError, Topic};

pub(super) const SENT: &str = "duecourse.lead.sent.v1";
pub(super) const MOVED: &str = "duecourse.lead.moved.v1";
pub(super) const OBSERVED: &str = "duecourse.lead.observed.v1";

/// The uses that a topic serves for leads: measures on anomalies share their purpose with what is referred, and
/// what an order asks for serves the order. Nothing that protects victims, and no shared count, is ever referred.
const SERVED: [Use; 2] = [Use::AnomalyMeasure, Use::AuthorityOrder];

/// A lead as it leaves for its authority.
#[derive(Serialize, JsonSchema)]
pub(super) struct SentData<'a> {
    /// By which the authority answers.
    reference: String,
    /// `sim_box_device`, `caller_spoofing` or `internet_account`.
    kind: &'static str,
    authority: AuthorityData<'a>,
    /// Why it is referred, in plain words.
    reason: BilingualText<'a>,
    basis: BilingualText<'a>,
    rule: RuleText<'a>,
    rules_version: u32,
    /// Of linked internet accounts: the order that asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderData<'a>>,
    /// A card or account, as the institution calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<PartyData>,
    /// A shared subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<SubjectData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<Vec<SignalText<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparisons: Option<Vec<ComparisonText<'a>>>,
    /// SHA-256 over what it rests on, in hexadecimal: whoever recomputes the evidence finds the same.
    evidence_sha256: String,
    /// Keyed fingerprint of the event that showed it.
    event: String,
    at: Moment,
    /// An answer is due then.
    answer_due: Moment,
    purpose: PurposeText,
}

#[derive(Serialize, JsonSchema)]
struct AuthorityData<'a> {
    name: &'a str,
    title: BilingualText<'a>,
    /// `county`, `prefecture`, `provincial` or `national`.
    level: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct OrderData<'a> {
    issuer: &'a str,
    number: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct SignalText<'a> {
    name: &'a str,
    value: i64,
    /// It may be more than was seen.
    cold: bool,
}

/// A comparison that held.
#[derive(Serialize, JsonSchema)]
struct ComparisonText<'a> {
    text: &'a str,
    left: i64,
    op: &'static str,
    right: i64,
}

impl<'a> ComparisonText<'a> {
    fn of(shown: &'a ComparisonEvidence) -> ComparisonText<'a> {
        ComparisonText {
            text: &shown.text,
            left: saturate(shown.left),
            op: shown.op.symbol(),
            right: saturate(shown.right),
        }
    }
}

fn comparisons(evidence: &Evidence) -> Vec<ComparisonText<'_>> {
    evidence.comparisons.iter().map(ComparisonText::of).collect()
}

/// What became of a lead.
#[derive(Serialize, JsonSchema)]
pub(super) struct MovedData<'a> {
    reference: String,
    kind: &'static str,
    authority: &'a str,
    rule: RuleText<'a>,
    /// Id of the lead's first record.
    lead: String,
    /// States of its table, by name.
    from: &'a str,
    to: &'a str,
    /// `confirmed`, `not_confirmed` or `no_action`; absent at a deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// The answer is late and people should ask.
    alarm: bool,
    event: String,
    at: Moment,
}

/// What a rule that only observes would have referred.
#[derive(Serialize, JsonSchema)]
pub(super) struct ObservedData<'a> {
    kind: &'static str,
    rule: RuleText<'a>,
    rules_version: u32,
    subject: SubjectData,
    comparisons: Vec<ComparisonText<'a>>,
    evidence_sha256: String,
    /// It moved itself to shadow.
    shadowed: bool,
    /// As many of its leads as may wait here were waiting.
    braked: bool,
    event: String,
    at: Moment,
    purpose: PurposeText,
}

/// The record of one piece of news.
pub(super) fn record(news: &LeadNews, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let head = news.head();
    let topic = match news {
        LeadNews::Sent(_) | LeadNews::Moved(_) => Topic::Leads,
        LeadNews::Observed(_) => Topic::Shadow,
    };
    let purpose = head.purpose;
    if !SERVED.iter().any(|served| purpose.permits(*served)) {
        return Err(OutputError::PurposeRefused { topic, purpose });
    }
    match news {
        LeadNews::Sent(sent) => of_sent(sent, ctx),
        LeadNews::Moved(moved) => of_moved(moved, ctx),
        LeadNews::Observed(observed) => of_observed(observed, ctx),
    }
}

fn envelope(topic: Topic, event_type: &'static str, head: &LeadHead) -> Envelope {
    // What is said of one subject stays in order.
    let key = token_hex(head.holder.unwrap_or(head.party.subject.token));
    Envelope { topic, event_type, id: id_hex(head.id), key, at: head.at }
}

fn of_sent(sent: &LeadSent, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let head = &sent.head;
    let goes = |field: LeadField| sent.fields.contains(&field);
    let own = head.holder.is_some();
    let evidence = &sent.evidence;
    let data = SentData {
        reference: sent.reference.to_string(),
        kind: sent.referral.name(),
        authority: AuthorityData {
            name: &sent.authority.name,
            title: (&sent.authority.title).into(),
            level: sent.authority.level.name(),
        },
        reason: (&sent.reason).into(),
        basis: (&sent.basis).into(),
        rule: (&head.rule).into(),
        rules_version: ctx.rules_version,
        order: match &sent.referral {
            Referral::LinkedAccounts(order) => {
                Some(OrderData { issuer: &order.issuer, number: &order.number })
            }
            Referral::Seen(_) => None,
        },
        party: match own && goes(LeadField::Subject) {
            true => Some(PartyData::of(&head.party, ctx)?),
            false => None,
        },
        subject: (!own && goes(LeadField::Subject)).then(|| SubjectData::of(head.party.subject)),
        signals: goes(LeadField::Signals).then(|| {
            let signals = evidence.signals.iter();
            signals.map(|read| SignalText { name: &read.name, value: read.value, cold: read.cold }).collect()
        }),
        comparisons: goes(LeadField::Comparisons).then(|| comparisons(evidence)),
        evidence_sha256: hex(&evidence.digest),
        event: event_hex(head.event),
        at: time_of("at", head.at, ctx)?,
        answer_due: time_of("answer_due", sent.answer_due, ctx)?,
        purpose: head.purpose.into(),
    };
    envelope(Topic::Leads, SENT, head).wrap(data, ctx)
}

fn of_moved(moved: &LeadMoved, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let head = &moved.head;
    let data = MovedData {
        reference: moved.reference.to_string(),
        kind: moved.kind,
        authority: &moved.authority,
        rule: (&head.rule).into(),
        lead: id_hex(moved.moved),
        from: &moved.from,
        to: &moved.to,
        outcome: moved.outcome.map(Word::name),
        alarm: moved.alarm,
        event: event_hex(head.event),
        at: time_of("at", head.at, ctx)?,
    };
    envelope(Topic::Leads, MOVED, head).wrap(data, ctx)
}

fn of_observed(observed: &LeadObserved, ctx: &OutputContext<'_>) -> Result<OutRecord, OutputError> {
    let (head, evidence) = (&observed.head, &observed.evidence);
    let data = ObservedData {
        kind: observed.kind.name(),
        rule: (&head.rule).into(),
        rules_version: ctx.rules_version,
        subject: SubjectData::of(head.party.subject),
        comparisons: comparisons(evidence),
        evidence_sha256: hex(&evidence.digest),
        shadowed: evidence.shadowed,
        braked: evidence.braked,
        event: event_hex(head.event),
        at: time_of("at", head.at, ctx)?,
        purpose: head.purpose.into(),
    };
    envelope(Topic::Shadow, OBSERVED, head).wrap(data, ctx)
}
