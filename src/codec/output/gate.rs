//! The purpose gate at every sink (DESIGN D18, D19): a destination declares the uses it serves in a
//! lane, and what permits none of them does not leave.
//!
//! The lane matters: data held to protect victims (APL 34) is permitted in the victim lane and
//! refused in the anomaly lane, so it can never become a suspicion on its way out.

use crate::engine::disposition::Head;
use crate::engine::measure::Lane;
use crate::engine::purpose::Use;
use crate::engine::subject::SubjectKind;

use super::{OutputError, Topic};

/// The uses that a topic serves for dispositions of a lane about a kind of party.
#[must_use]
pub fn uses_served(topic: Topic, lane: Lane, party: SubjectKind) -> &'static [Use] {
    match topic {
        Topic::Dispositions | Topic::Notices | Topic::Measures => acting(lane, party),
        // A dry run of the same uses, and what is learnt from it.
        Topic::Shadow => match lane {
            Lane::Limit => &[Use::OpeningLimit, Use::RuleQuality],
            Lane::Anomaly => &[Use::OpeningLimit, Use::AnomalyMeasure, Use::RuleQuality],
            Lane::Authority => &[],
            Lane::Victim => &[Use::VictimProtection, Use::RuleQuality],
        },
        // Answers to orders, and nothing that our own data says.
        Topic::Authority => match lane {
            Lane::Authority => &[Use::AuthorityOrder],
            _ => &[],
        },
        // Leads are no dispositions: they have a type and a check of their own (`lead`).
        Topic::Leads => &[],
        // Progress and pointers: nothing about a person goes there.
        Topic::Decided | Topic::DeadLetters => &[],
    }
}

fn acting(lane: Lane, party: SubjectKind) -> &'static [Use] {
    match lane {
        Lane::Limit => &[Use::OpeningLimit],
        // A rule may turn an answer to an opening into a further check.
        Lane::Anomaly if party == SubjectKind::Opening => &[Use::OpeningLimit, Use::AnomalyMeasure],
        Lane::Anomaly => &[Use::AnomalyMeasure],
        // Rests on the order alone; our data may only help to soften or end it.
        Lane::Authority => &[Use::AuthorityOrder, Use::Softening],
        Lane::Victim => &[Use::VictimProtection],
    }
}

/// Lets a disposition or observation into a topic, or refuses it.
///
/// # Errors
/// `OutputError::PurposeRefused` when its purpose permits none of the uses served.
pub fn pass(topic: Topic, head: &Head) -> Result<(), OutputError> {
    let served = uses_served(topic, head.lane, head.party.subject.kind);
    if served.iter().any(|wanted| head.purpose.permits(*wanted)) {
        Ok(())
    } else {
        Err(OutputError::PurposeRefused { topic, purpose: head.purpose })
    }
}
