//! Steps of appeals. Byte 0 is the kind; then, in this order:
//!
//! ```text
//! 1 filed              reason (1 byte), papers (varint of bits), option of evidence (fingerprint)
//! 2 accepted           nothing
//! 3 papers asked       papers
//! 4 papers given       papers
//! 5 human requested    nothing
//! 6 human decided      decision (0 confirm, 1 lift, 2 milder: then the measure's place, 1 byte),
//!                      decider (token), option of reason (text)
//! ```
//!
//! Reasons and papers are numbered in `engine::appeal`, in the order in which they are declared there.

use std::sync::Arc;

use crate::engine::appeal::{AppealReason, AppealStep, HumanDecision, Papers};
use crate::engine::base::SpanMs;
use crate::engine::disposition::AppealRef;
use crate::engine::fact::{AppealOutcome, FactBody};
use crate::engine::life::Word;
use crate::engine::measure::MeasureKind;

use super::DecodeError;
use super::bytes::{Reader, Writer};

const FILED: u8 = 1;
const ACCEPTED: u8 = 2;
const PAPERS_ASKED: u8 = 3;
const PAPERS_GIVEN: u8 = 4;
const HUMAN_REQUESTED: u8 = 5;
const HUMAN_DECIDED: u8 = 6;

pub(super) fn write(writer: &mut Writer<'_>, step: &AppealStep) {
    match step {
        AppealStep::Filed { reason, papers, evidence } => {
            writer.byte(FILED);
            writer.byte(*reason as u8);
            writer.varint(u64::from(papers.bits()));
            writer.option(*evidence, Writer::fingerprint);
        }
        AppealStep::Accepted => writer.byte(ACCEPTED),
        AppealStep::PapersAsked(papers) => {
            writer.byte(PAPERS_ASKED);
            writer.varint(u64::from(papers.bits()));
        }
        AppealStep::PapersGiven(papers) => {
            writer.byte(PAPERS_GIVEN);
            writer.varint(u64::from(papers.bits()));
        }
        AppealStep::HumanRequested => writer.byte(HUMAN_REQUESTED),
        AppealStep::HumanDecided { decision, decider, reason } => {
            writer.byte(HUMAN_DECIDED);
            match decision {
                HumanDecision::Confirm => writer.byte(0),
                HumanDecision::Lift => writer.byte(1),
                HumanDecision::Milder(kind) => {
                    writer.byte(2);
                    let place = MeasureKind::ALL.iter().position(|known| known == kind);
                    writer.byte(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX));
                }
            }
            writer.token(*decider);
            writer.option(reason.as_deref(), |writer, text| writer.blob(text.as_bytes()));
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<AppealStep, DecodeError> {
    match reader.byte("the kind of a step of an appeal")? {
        FILED => {
            let reason = usize::from(reader.byte("the reason of an appeal")?);
            let reason = AppealReason::ALL.get(reason).copied();
            Ok(AppealStep::Filed {
                reason: reason.ok_or(DecodeError::Malformed("the reason of an appeal"))?,
                papers: read_papers(reader)?,
                evidence: reader.option("the evidence of an appeal", |reader| reader.fingerprint("an id"))?,
            })
        }
        ACCEPTED => Ok(AppealStep::Accepted),
        PAPERS_ASKED => read_papers(reader).map(AppealStep::PapersAsked),
        PAPERS_GIVEN => read_papers(reader).map(AppealStep::PapersGiven),
        HUMAN_REQUESTED => Ok(AppealStep::HumanRequested),
        HUMAN_DECIDED => {
            const WHAT: &str = "a human decision";
            let decision = match reader.byte(WHAT)? {
                0 => HumanDecision::Confirm,
                1 => HumanDecision::Lift,
                2 => {
                    let kind = MeasureKind::ALL.get(usize::from(reader.byte(WHAT)?)).copied();
                    HumanDecision::Milder(kind.ok_or(DecodeError::Malformed(WHAT))?)
                }
                _ => return Err(DecodeError::Malformed(WHAT)),
            };
            let decider = reader.token(WHAT)?;
            let reason = reader.option(WHAT, |reader| reader.text(WHAT).map(Arc::from))?;
            Ok(AppealStep::HumanDecided { decision, decider, reason })
        }
        _ => Err(DecodeError::Malformed("the kind of a step of an appeal")),
    }
}

fn read_papers(reader: &mut Reader<'_>) -> Result<Papers, DecodeError> {
    let bits = u16::try_from(reader.varint("the papers of an appeal")?).ok();
    bits.and_then(Papers::from_bits).ok_or(DecodeError::Malformed("the papers of an appeal"))
}

pub(super) fn read_reference(reader: &mut Reader<'_>) -> Result<AppealRef, DecodeError> {
    let number = reader.varint("an appeal reference")?;
    let appeal = AppealRef::from_bits(number);
    if appeal.number() == number { Ok(appeal) } else { Err(DecodeError::Malformed("an appeal reference")) }
}

/// A decision; `is_named` as its kind says.
pub(super) fn read_decided(reader: &mut Reader<'_>, is_named: bool) -> Result<FactBody, DecodeError> {
    const WHAT: &str = "who decided an appeal, and why";
    let appeal = read_reference(reader)?;
    let overturned = reader.flag("the outcome of an appeal")?;
    let outcome = if overturned { AppealOutcome::Overturned } else { AppealOutcome::Upheld };
    let override_for = reader.option("the override of an appeal", |reader| reader.zigzag("a span"))?;
    let override_for = override_for.map(SpanMs);
    let (decider, reason) = match is_named {
        true => (
            reader.option(WHAT, |reader| reader.token(WHAT))?,
            reader.option(WHAT, |reader| reader.text(WHAT).map(Arc::from))?,
        ),
        false => (None, None),
    };
    // What names nobody and gives no reason has the older form: one fact has one form.
    if is_named && decider.is_none() && reason.is_none() {
        return Err(DecodeError::Malformed(WHAT));
    }
    Ok(FactBody::AppealDecided { appeal, outcome, override_for, decider, reason })
}
