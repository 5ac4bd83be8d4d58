//! What leaves: topics, and effects as the JSON records that go to them.
//!
//! Values are structured CloudEvents 1.0 with a fixed order of fields. Ids are lower-case hex, times
//! RFC 3339 in the institution's offset, amounts integers in minor units. The structs here are the
//! one source of `config/schemas/outputs/`. `decided` and `dead-letters` are plain JSON: progress
//! and pointers, for machines.
//!
//! Tokens join and references address (DESIGN D5): dispositions and observations carry tokens;
//! notices and measures carry the institution's own reference, opened here and nowhere else.

mod answers;
mod dead_letter;
mod decided;
mod disposition;
mod envelope;
mod evidence;
pub mod gate;
mod generation;
mod lead;
mod measure;
mod notice;
mod observation;
mod order;
mod quality;
mod schemas;
#[cfg(test)]
mod tests;
mod text;

pub use decided::{DecidedError, DecidedProgress, Deciding, DecidingRules, decode_decided, encode_decided};
pub use envelope::rfc3339;
pub use evidence::EVIDENCE_BYTES_MAX;
pub use generation::{CLOSED_KEY, GENERATION_KEY, GenerationMark, OpenGeneration};
pub use schemas::schemas;
pub use text::measure_title;

use crate::codec::keys::Keys;
use crate::engine::disposition::{Disposition, Head};
use crate::engine::input::Effect;
use crate::engine::notice::Telling;
use crate::engine::order::CaseKind;
use crate::engine::purpose::Purpose;
use crate::engine::ruleset::RuleSet;

/// The topics that duecourse writes, besides its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Dispositions,
    Notices,
    /// Compacted: what is in force, keyed by disposition id; an ended measure is a null value.
    Measures,
    /// Progress per facts partition and source partition; compacted, keyed by facts partition.
    Decided,
    Shadow,
    DeadLetters,
    /// What authorities are told of their orders.
    Authority,
    /// What is referred to authorities, and what became of it (APL 14, 22, 26).
    Leads,
}

impl Topic {
    pub const ALL: [Topic; 8] = [
        Topic::Dispositions,
        Topic::Notices,
        Topic::Measures,
        Topic::Decided,
        Topic::Shadow,
        Topic::DeadLetters,
        Topic::Authority,
        Topic::Leads,
    ];

    /// The name in topics, files and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Topic::Dispositions => "dispositions",
            Topic::Notices => "notices",
            Topic::Measures => "measures",
            Topic::Decided => "decided",
            Topic::Shadow => "shadow",
            Topic::DeadLetters => "dead-letters",
            Topic::Authority => "authority",
            Topic::Leads => "leads",
        }
    }
}

/// One record for an output topic. `value` is `None` for a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutRecord {
    pub topic: Topic,
    /// Dispositions and observations: the holder's token, so that one person's stay in order.
    /// Notices and measures: the id of the measure. Decided: the facts partition. All in ASCII.
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// What outputs say besides their effect.
#[derive(Clone, Copy)]
pub struct OutputContext<'a> {
    /// Opens sealed references.
    pub keys: &'a Keys,
    /// The institution whose outputs these are (DESIGN D4).
    pub institution: &'a str,
    /// Version of the rule set in force when the effect was decided.
    pub rules_version: u32,
    /// Offset from UTC of times, in minutes: `RuleSet::notices.utc_offset_minutes`. China: 480.
    pub utc_offset_minutes: i32,
    /// The platform's own code for a case (law.md X5), by `config/orders/codes.toml`.
    pub case_code: fn(CaseKind) -> Option<&'static str>,
}

impl<'a> OutputContext<'a> {
    /// Under the rule set in force; before the first one it is version 0, and times are in UTC.
    #[must_use]
    pub fn under(
        keys: &'a Keys,
        institution: &'a str,
        rules: Option<&RuleSet>,
        case_code: fn(CaseKind) -> Option<&'static str>,
    ) -> OutputContext<'a> {
        OutputContext {
            keys,
            institution,
            rules_version: rules.map_or(0, |rules| rules.version),
            utc_offset_minutes: rules.map_or(0, |rules| rules.notices.utc_offset_minutes),
            case_code,
        }
    }
}

/// Why an effect could not be written. Nothing of it leaves then.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The destination serves no use that the purpose permits (DESIGN D19). Count and record it.
    #[error("purpose refused: `{}` serves none of the permitted uses ({})", topic.name(), use_names(*purpose))]
    PurposeRefused { topic: Topic, purpose: Purpose },
    #[error("a sealed reference cannot be opened: another key sealed it, or it was damaged")]
    RefUnreadable,
    #[error("`{0}` is not a time that can be written")]
    TimeUnwritable(&'static str),
    #[error("a record cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

fn use_names(purpose: Purpose) -> String {
    purpose.uses().map(|permitted| permitted.name()).collect::<Vec<_>>().join(", ")
}

/// Appends the records of one effect: all of them, or none and an error.
///
/// A measure that is set gives three records (dispositions, notices, measures), one that ended
/// three (dispositions, notices, tombstone in measures), one that was extended three as when it was set, all in
/// that order, without the notice where an authority tells the person or defers it; an answer to an authority
/// one in `authority`; an accepted request and
/// a lapsed reservation one each; a measure that moved one, and its notice if that goes out again; an answer to an
/// appeal two (dispositions, notices); an observation, and a rule that moved itself to shadow, one in `shadow`; a lead,
/// and what becomes of it, one in `leads`, or in `shadow` where it is only observed; an unmatched event one in
/// `dead-letters`. Reports travel in facts and give none.
///
/// # Errors
/// `OutputError` when the purpose does not permit a destination or a part cannot be written.
pub fn encode_effect(
    effect: &Effect,
    ctx: &OutputContext<'_>,
    out: &mut Vec<OutRecord>,
) -> Result<(), OutputError> {
    match effect {
        Effect::Disposed(disposition) => disposed(disposition, ctx, out),
        Effect::Observed(observed) => {
            gate::pass(Topic::Shadow, &observed.head)?;
            out.push(observation::record(observed, ctx)?);
            Ok(())
        }
        Effect::Unmatched { event, reason } => {
            out.push(dead_letter::record(*event, *reason, ctx)?);
            Ok(())
        }
        Effect::RuleShadowed(shadowed) => {
            out.push(quality::record(shadowed, ctx)?);
            Ok(())
        }
        Effect::Lead(news) => {
            out.push(lead::record(news, ctx)?);
            Ok(())
        }
        Effect::Reported(_) => Ok(()),
    }
}

/// What the read view shows of an effect: the record that set, extended or ended a measure in `dispositions`. For
/// effects that are decided again, whose records left before.
///
/// # Errors
/// As `encode_effect`.
pub fn encode_shown(effect: &Effect, ctx: &OutputContext<'_>) -> Result<Option<OutRecord>, OutputError> {
    let Effect::Disposed(disposition) = effect else { return Ok(None) };
    let record = match &**disposition {
        Disposition::MeasureSet(set) => disposition::set(set, ctx),
        Disposition::MeasureEnded(ended) => disposition::ended(ended, ctx),
        Disposition::MeasureExtended(extended) => disposition::extended(extended, ctx),
        _ => return Ok(None),
    };
    pass_for_measure(disposition.head())?;
    record.map(Some)
}

/// A measure leaves for three topics, or not at all.
fn pass_for_measure(head: &Head) -> Result<(), OutputError> {
    [Topic::Dispositions, Topic::Notices, Topic::Measures]
        .into_iter()
        .try_for_each(|topic| gate::pass(topic, head))
}

fn disposed(
    disposition: &Disposition,
    ctx: &OutputContext<'_>,
    out: &mut Vec<OutRecord>,
) -> Result<(), OutputError> {
    let head = disposition.head();
    match disposition {
        Disposition::OrderAnswered(answered) => {
            gate::pass(Topic::Authority, head)?;
            out.push(order::answered(answered, ctx)?);
            return Ok(());
        }
        Disposition::NoticeReleased(released) => {
            gate::pass(Topic::Notices, head)?;
            out.push(notice::of_released(released, ctx)?);
            return Ok(());
        }
        _ => gate::pass(Topic::Dispositions, head)?,
    }
    match disposition {
        Disposition::OpeningAccepted(accepted) => out.push(disposition::accepted(accepted, ctx)?),
        Disposition::ReservationLapsed(lapsed) => out.push(disposition::lapsed(lapsed, ctx)?),
        Disposition::AppealAnswered(answered) => {
            gate::pass(Topic::Notices, head)?;
            out.extend([disposition::answered(answered, ctx)?, notice::of_answered(answered, ctx)?]);
        }
        Disposition::MeasureMoved(moved) => {
            let told_again = match &moved.told_again {
                Some(again) => {
                    gate::pass(Topic::Notices, head)?;
                    Some(notice::again(moved, again, ctx)?)
                }
                None => None,
            };
            out.push(disposition::moved(moved, ctx)?);
            out.extend(told_again);
        }
        Disposition::MeasureSet(set) => {
            pass_for_measure(head)?;
            let (set_out, in_force) = (disposition::set(set, ctx)?, measure::in_force(set, ctx)?);
            let told = match set.telling() {
                Telling::Now => Some(notice::of_set(set, ctx)?),
                Telling::Deferred { .. } | Telling::ByAuthority => None,
            };
            out.extend([Some(set_out), told, Some(in_force)].into_iter().flatten());
        }
        Disposition::MeasureEnded(ended) => {
            pass_for_measure(head)?;
            let ended_out = disposition::ended(ended, ctx)?;
            let told = if ended.is_told { Some(notice::of_ended(ended, ctx)?) } else { None };
            out.extend([Some(ended_out), told, Some(measure::ended(ended))].into_iter().flatten());
        }
        Disposition::MeasureExtended(extended) => {
            pass_for_measure(head)?;
            let (extended_out, in_force) =
                (disposition::extended(extended, ctx)?, measure::extended(extended, ctx)?);
            let told = if extended.is_told { Some(notice::of_extended(extended, ctx)?) } else { None };
            out.extend([Some(extended_out), told, Some(in_force)].into_iter().flatten());
        }
        Disposition::NoticeReleased(_) | Disposition::OrderAnswered(_) => {}
    }
    Ok(())
}
