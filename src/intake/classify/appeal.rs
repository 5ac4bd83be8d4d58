//! Appeals, decisions on them, and requests for a human decision, to facts.

use std::sync::Arc;

use super::facts::{ANY_KIND, Facts, Maker};
use super::party::given;
use crate::codec::event::appeal::{AppealFiled, HumanDecisionMade};
use crate::codec::event::field::{DecisionKind, PaperName};
use crate::codec::event::review::AppealDecided;
use crate::codec::event::{Event, OwnParty, Text};
use crate::engine::appeal::{AppealStep, HumanDecision, Papers};
use crate::engine::base::{SpanMs, TimeMs, Token};
use crate::engine::disposition::AppealRef;
use crate::engine::fact::FactBody;
use crate::engine::measure::MeasureKind;
use crate::intake::refusal::RefusalCode;

/// The longest key of a reason.
const REASON_BYTES_MAX: usize = 64;

impl Maker<'_> {
    pub fn appeal(&self, event: &Event<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let (party, appeal_ref, step) = match event {
            Event::AppealDecided(decided) => return self.appeal_decided(decided, at),
            Event::AppealFiled(filed) => (&filed.party, &filed.appeal_ref, self.filed(filed)?),
            Event::AppealAccepted(accepted) => (&accepted.party, &accepted.appeal_ref, AppealStep::Accepted),
            Event::AppealPapersAsked(asked) => {
                (&asked.party, &asked.appeal_ref, AppealStep::PapersAsked(some(&asked.papers)?))
            }
            Event::AppealPapersGiven(given) => {
                (&given.party, &given.appeal_ref, AppealStep::PapersGiven(some(&given.papers)?))
            }
            Event::HumanDecisionRequested(requested) => {
                (&requested.party, &requested.appeal_ref, AppealStep::HumanRequested)
            }
            Event::HumanDecisionMade(made) => (&made.party, &made.appeal_ref, self.human_decision(made)?),
            _ => return Err(RefusalCode::TypeNotAccepted),
        };
        self.of_appeal(party, appeal_ref, at, |appeal| FactBody::Appeal { appeal, step })
    }

    fn of_appeal(
        &self,
        party: &OwnParty<'_>,
        appeal_ref: &str,
        at: TimeMs,
        body: impl FnOnce(AppealRef) -> FactBody,
    ) -> Result<Facts, RefusalCode> {
        let own = self.own(party, &ANY_KIND)?;
        let appeal = AppealRef::parse(appeal_ref).ok_or(RefusalCode::AppealRefInvalid)?;
        let appeal = self.keys.names().appeal(appeal);
        Ok(vec![self.to_holder(own.holder, at, body(appeal))])
    }

    fn appeal_decided(&self, decided: &AppealDecided<'_>, at: TimeMs) -> Result<Facts, RefusalCode> {
        let override_for = match decided.override_days {
            None => None,
            Some(days @ 1..=3650) => Some(SpanMs::days(i64::from(days))),
            Some(_) => return Err(RefusalCode::FieldInvalid),
        };
        let decider = given(&decided.decider).map(|reference| self.staff(reference)).transpose()?;
        let (reason, outcome) = (reason(&decided.reason)?, decided.outcome.0);
        self.of_appeal(&decided.party, &decided.appeal_ref, at, |appeal| FactBody::AppealDecided {
            appeal,
            outcome,
            override_for,
            decider,
            reason,
        })
    }

    fn filed(&self, filed: &AppealFiled<'_>) -> Result<AppealStep, RefusalCode> {
        // In a name space of its own: an id of evidence is no id of an event.
        let evidence = given(&filed.evidence_id).map(|id| self.bounded(id)).transpose()?;
        let evidence = evidence.map(|id| self.keys.fingerprint(&format!("appeal-evidence/{id}")));
        Ok(AppealStep::Filed { reason: filed.reason.0, papers: papers(&filed.papers), evidence })
    }

    fn human_decision(&self, made: &HumanDecisionMade<'_>) -> Result<AppealStep, RefusalCode> {
        let decision = match (made.decision.0, given(&made.measure)) {
            (DecisionKind::Confirm, None) => HumanDecision::Confirm,
            (DecisionKind::Lift, None) => HumanDecision::Lift,
            (DecisionKind::Milder, Some(name)) => {
                HumanDecision::Milder(MeasureKind::from_name(name).ok_or(RefusalCode::FieldInvalid)?)
            }
            (DecisionKind::Milder, None) => return Err(RefusalCode::FieldMissing),
            (DecisionKind::Confirm | DecisionKind::Lift, Some(_)) => return Err(RefusalCode::FieldInvalid),
        };
        if made.decider.is_empty() {
            return Err(RefusalCode::FieldMissing);
        }
        let (decider, reason) = (self.staff(&made.decider)?, reason(&made.reason)?);
        Ok(AppealStep::HumanDecided { decision, decider, reason })
    }

    fn staff(&self, reference: &str) -> Result<Token, RefusalCode> {
        Ok(self.keys.staff(self.bounded(reference)?))
    }
}

/// A key of a reason: a code word, so that no text about a person comes in by it.
fn reason(text: &Option<Text<'_>>) -> Result<Option<Arc<str>>, RefusalCode> {
    let Some(key) = given(text) else { return Ok(None) };
    let is_plain = key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_plain && key.len() <= REASON_BYTES_MAX {
        Ok(Some(Arc::from(key)))
    } else {
        Err(RefusalCode::FieldInvalid)
    }
}

fn papers(names: &[PaperName]) -> Papers {
    names.iter().fold(Papers::default(), |all, name| all.with(name.0))
}

fn some(names: &[PaperName]) -> Result<Papers, RefusalCode> {
    if names.is_empty() { Err(RefusalCode::FieldMissing) } else { Ok(papers(names)) }
}
