//! Random appeals: decisions, with and without who and why, and every step.

use std::sync::Arc;

use proptest::option;
use proptest::prelude::*;

use super::token;
use crate::engine::appeal::{AppealReason, AppealStep, HumanDecision, Paper, Papers};
use crate::engine::base::{Fingerprint, SpanMs};
use crate::engine::disposition::AppealRef;
use crate::engine::fact::{AppealOutcome, FactBody};
use crate::engine::life::Word;
use crate::engine::measure::MeasureKind;

fn key() -> impl Strategy<Value = Option<Arc<str>>> {
    option::of("[a-z_]{1,9}".prop_map(Arc::from))
}

fn papers() -> impl Strategy<Value = Papers> {
    let some = prop::collection::vec(prop::sample::select(Paper::ALL.to_vec()), 0..4);
    some.prop_map(|papers| papers.into_iter().fold(Papers::default(), Papers::with))
}

pub(super) fn decided() -> impl Strategy<Value = FactBody> {
    let whole = (any::<u64>(), any::<bool>(), option::of(any::<i64>()), option::of(token()), key());
    whole.prop_map(|(bits, overturned, span, decider, reason)| FactBody::AppealDecided {
        appeal: AppealRef::from_bits(bits),
        outcome: if overturned { AppealOutcome::Overturned } else { AppealOutcome::Upheld },
        override_for: span.map(SpanMs),
        decider,
        reason,
    })
}

pub(super) fn stepped() -> impl Strategy<Value = FactBody> {
    let reason = prop::sample::select(AppealReason::ALL.to_vec());
    let filed = (reason, papers(), option::of(any::<u64>())).prop_map(|(reason, papers, evidence)| {
        AppealStep::Filed { reason, papers, evidence: evidence.map(Fingerprint) }
    });
    let decision = prop_oneof![
        Just(HumanDecision::Confirm),
        Just(HumanDecision::Lift),
        prop::sample::select(MeasureKind::ALL.to_vec()).prop_map(HumanDecision::Milder),
    ];
    let human = (decision, token(), key()).prop_map(|(decision, decider, reason)| AppealStep::HumanDecided {
        decision,
        decider,
        reason,
    });
    let step = prop_oneof![
        filed,
        Just(AppealStep::Accepted),
        papers().prop_map(AppealStep::PapersAsked),
        papers().prop_map(AppealStep::PapersGiven),
        Just(AppealStep::HumanRequested),
        human,
    ];
    (any::<u64>(), step)
        .prop_map(|(bits, step)| FactBody::Appeal { appeal: AppealRef::from_bits(bits), step })
}
