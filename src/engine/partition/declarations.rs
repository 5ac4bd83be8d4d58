//! Declarations: the agreed use of IoT cards, assessments before a sale, owners of units (S21).

use super::{EngineError, Out, Partition};
use crate::engine::base::{Fingerprint, TimeMs};
use crate::engine::declared::{Assessment, OwnersDeclared, ProfiledCard};
use crate::engine::fact::{Fact, FactBody};

impl Partition {
    /// Notes what is declared about the routing holder. An assessment answers requests again.
    pub(super) fn declare(
        &mut self,
        fact: &Fact,
        body: &FactBody,
        at: TimeMs,
        event: Fingerprint,
        out: Out<'_>,
    ) -> Result<(), EngineError> {
        let declared = self.holders.get_or_default(fact.route.token).declared_mut();
        match body {
            FactBody::CardProfiled { card, profile } => {
                let (card, profile) = (card.subject, (**profile).clone());
                declared.profiles.push(ProfiledCard { event, at, card, profile });
                Ok(())
            }
            FactBody::OwnersDeclared { owners, source } => {
                let (owners, source) = (owners.clone(), *source);
                declared.owners.push(OwnersDeclared { event, at, owners, source });
                Ok(())
            }
            FactBody::RiskAssessed { opening, passed, assessor } => {
                let (opening, passed, assessor) = (*opening, *passed, *assessor);
                declared.assessments.push(Assessment { event, at, opening, passed, assessor });
                self.answer_again(fact.route.token, fact.event, fact.at, out)
            }
            _ => Ok(()),
        }
    }
}
