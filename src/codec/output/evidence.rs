//! Evidence as JSON, at most 16 KiB (DESIGN D30): listed events give way first, then the rest.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::codec::hex::{event_hex, hex, id_hex, token_hex};
use crate::engine::evidence::{
    ComparisonEvidence, CountEvidence, EventRef, Evidence, Missed, NearMiss, SettlementEvidence,
    SignalEvidence, Softened,
};
use crate::engine::measure::Measure;

use super::envelope::{Moment, RuleText, time_of, use_names};
use super::{OutputContext, OutputError};

/// Encoded evidence is never longer than this.
pub const EVIDENCE_BYTES_MAX: usize = 16 * 1024;

/// Everything a disposition was decided on.
#[derive(Serialize, JsonSchema)]
pub(super) struct EvidenceData<'a> {
    /// The smallest value-to-threshold ratio among the comparisons that held, in millionths.
    strength_millionths: u64,
    comparisons: Vec<ComparisonData<'a>>,
    /// Where a comparison adds up points: the signs that held, each a comparison.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signs: Vec<ComparisonData<'a>>,
    signals: Vec<SignalData<'a>>,
    /// What a limit counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<CountData>,
    /// The protection that softened or waived the measure, and what the rule had asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    softened: Option<SoftenedData<'a>>,
    /// True when the rule's harm budget was spent, so that the measure is the verification of its ladder.
    braked: bool,
    /// True when the rule only observes because it moved itself to shadow (observations only).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    shadowed: bool,
    /// Id of the measure that this one follows, whose verification was not passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<String>,
    /// How a settlement differs from what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    settlement: Option<SettlementData>,
    /// Other rules that came near on the same event, in the order of their ids, 5 at most.
    near_misses: Vec<NearMissData<'a>>,
    /// Events listed here each of which, taken out alone, would have left the rule without effect.
    cleared_without: Vec<String>,
    /// SHA-256 over all events in all windows, listed here or not.
    digest: String,
    /// True when something was left out so that this fits into 16 KiB.
    shortened: bool,
}

/// A comparison that held.
#[derive(Serialize, JsonSchema)]
struct ComparisonData<'a> {
    /// As written in the rule.
    text: &'a str,
    left: i128,
    operator: &'static str,
    right: i128,
}

/// A signal's value when it was decided, and what it was counted from.
#[derive(Serialize, JsonSchema)]
struct SignalData<'a> {
    name: &'a str,
    subject: &'static str,
    /// Token of the other subject that a report told of.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_of: Option<String>,
    value: i64,
    /// True when history reaching back a full window had not been seen.
    cold: bool,
    /// `6h`, `30d`, `day`, `month`, `year`, `5 working days`; absent for a signal without a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<String>,
    /// Permitted uses of this signal.
    uses: Vec<&'static str>,
    /// Number of the customer's authorisation under which data of APL 18(4) served another use.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorisation: Option<&'a str>,
    /// Events in the window, listed here or not; the newest 1,000 where there are more, which the rest is worked out from.
    events_count: u64,
    /// First, last and largest, without repeats.
    events: Vec<EventData>,
}

/// An event by reference.
#[derive(Serialize, JsonSchema)]
struct EventData {
    event: String,
    at: Moment,
    /// Minor units; 0 when the event has no amount.
    amount: i64,
}

/// What a limit counted.
#[derive(Serialize, JsonSchema)]
struct CountData {
    held: u32,
    /// Held elsewhere, from the lawful platform; null when not needed or not answered.
    elsewhere: Option<u32>,
    count_max: u32,
}

/// A protection that met the measure.
#[derive(Serialize, JsonSchema)]
struct SoftenedData<'a> {
    by: RuleText<'a>,
    /// The measure that the rule had asked for.
    asked: &'static str,
    /// True when nothing is done to the person at all, instead of something milder (observations only).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    waived: bool,
    /// Numbers of the customer's authorisations under which the protection read data of APL 18(4).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorisations: Vec<&'a str>,
}

/// A rule that did not fire on the event, although each of its comparisons came within a fifth.
#[derive(Serialize, JsonSchema)]
struct NearMissData<'a> {
    rule: RuleText<'a>,
    /// The comparisons that did not hold for certain.
    missed: Vec<MissedData<'a>>,
}

/// A comparison that did not hold for certain.
#[derive(Serialize, JsonSchema)]
struct MissedData<'a> {
    /// As written in the rule.
    text: &'a str,
    left: i128,
    operator: &'static str,
    right: i128,
    /// True when the history behind its values was not yet complete, so that nobody could say whether it held; it may
    /// hold by the values named here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    uncertain: bool,
}

/// A payment that was settled otherwise than it was asked for.
#[derive(Serialize, JsonSchema)]
struct SettlementData {
    /// The event that asked for it.
    initiated_by: String,
    /// Payer, payee or merchant is another.
    other_differs: bool,
    /// Minor units as asked for and as settled, if they differ.
    amount_asked: Option<i64>,
    amount_settled: Option<i64>,
}

impl SettlementData {
    fn of(settlement: SettlementEvidence) -> SettlementData {
        SettlementData {
            initiated_by: event_hex(settlement.initiated_by),
            other_differs: settlement.other_differs,
            amount_asked: settlement.amounts.map(|(asked, _)| asked),
            amount_settled: settlement.amounts.map(|(_, settled)| settled),
        }
    }
}

/// Evidence as it stands in an output, written out once.
pub(super) fn encoded(evidence: &Evidence, ctx: &OutputContext<'_>) -> Result<Box<RawValue>, OutputError> {
    let mut data = EvidenceData::of(evidence, ctx)?;
    loop {
        let text = to_raw_value(&data)?;
        if text.get().len() <= EVIDENCE_BYTES_MAX || !data.shorten() {
            return Ok(text);
        }
    }
}

impl<'a> EvidenceData<'a> {
    fn of(evidence: &'a Evidence, ctx: &OutputContext<'_>) -> Result<EvidenceData<'a>, OutputError> {
        Ok(EvidenceData {
            strength_millionths: evidence.strength_millionths,
            comparisons: evidence.comparisons.iter().map(ComparisonData::of).collect(),
            signs: evidence.signs.iter().map(ComparisonData::of).collect(),
            signals: evidence
                .signals
                .iter()
                .map(|signal| SignalData::of(signal, ctx))
                .collect::<Result<_, _>>()?,
            count: evidence.count.as_ref().map(CountData::of),
            softened: evidence.softened.as_ref().map(SoftenedData::of),
            braked: evidence.braked,
            shadowed: evidence.shadowed,
            follows: evidence.follows.map(id_hex),
            settlement: evidence.settlement.map(SettlementData::of),
            near_misses: evidence.near_misses.iter().map(NearMissData::of).collect(),
            cleared_without: evidence.cleared_without.iter().map(|event| event_hex(*event)).collect(),
            digest: hex(&evidence.digest),
            shortened: false,
        })
    }

    /// Takes the least telling part out: the last event of the longest list (the first such list),
    /// without events the last near miss, then the last event that would clear it, the last sign, the last
    /// comparison, the last signal. False when nothing is left.
    fn shorten(&mut self) -> bool {
        self.shortened = true;
        let longest = self.signals.iter().map(|signal| signal.events.len()).max().unwrap_or(0);
        if longest > 0 {
            let list = self.signals.iter_mut().find(|signal| signal.events.len() == longest);
            return list.and_then(|signal| signal.events.pop()).is_some();
        }
        self.near_misses.pop().is_some()
            || self.cleared_without.pop().is_some()
            || self.signs.pop().is_some()
            || self.comparisons.pop().is_some()
            || self.signals.pop().is_some()
    }
}

impl<'a> ComparisonData<'a> {
    fn of(comparison: &'a ComparisonEvidence) -> ComparisonData<'a> {
        ComparisonData {
            text: &comparison.text,
            left: comparison.left,
            operator: comparison.op.symbol(),
            right: comparison.right,
        }
    }
}

impl<'a> SoftenedData<'a> {
    fn of(softened: &'a Softened) -> SoftenedData<'a> {
        SoftenedData {
            by: (&softened.by).into(),
            asked: Measure::from(softened.asked).name(),
            waived: softened.waived,
            authorisations: softened.authorisations.iter().map(|number| &**number).collect(),
        }
    }
}

impl<'a> NearMissData<'a> {
    fn of(miss: &'a NearMiss) -> NearMissData<'a> {
        let missed = miss.missed.iter().map(MissedData::of).collect();
        NearMissData { rule: (&miss.rule).into(), missed }
    }
}

impl<'a> MissedData<'a> {
    fn of(missed: &'a Missed) -> MissedData<'a> {
        let ComparisonData { text, left, operator, right } = ComparisonData::of(&missed.shown);
        MissedData { text, left, operator, right, uncertain: missed.uncertain }
    }
}

impl<'a> SignalData<'a> {
    fn of(signal: &'a SignalEvidence, ctx: &OutputContext<'_>) -> Result<SignalData<'a>, OutputError> {
        Ok(SignalData {
            name: &signal.name,
            subject: signal.subject.name(),
            reported_of: signal.reported_of.map(token_hex),
            value: signal.value,
            cold: signal.cold,
            window: signal.window.map(|window| window.name()),
            uses: use_names(signal.purpose),
            authorisation: signal.authorisation.as_deref(),
            events_count: signal.events_count,
            events: signal.events.iter().map(|event| EventData::of(event, ctx)).collect::<Result<_, _>>()?,
        })
    }
}

impl EventData {
    fn of(event: &EventRef, ctx: &OutputContext<'_>) -> Result<EventData, OutputError> {
        Ok(EventData {
            event: event_hex(event.event),
            at: time_of("evidence.signals.events.at", event.at, ctx)?,
            amount: event.amount,
        })
    }
}

impl CountData {
    fn of(count: &CountEvidence) -> CountData {
        CountData { held: count.held, elsewhere: count.elsewhere, count_max: count.count_max }
    }
}
