//! Whether a rule release may pass: signed by a registered key, with an assessment where one is demanded.
//!
//! Which version is active is not asked here, for intake looks nothing up; the facts partitions know (S1).

use std::sync::Arc;

use crate::codec::event::control::{RuleSetActivated, WentLive};
use crate::codec::signing::{RegisteredKey, Released};
use crate::engine::base::TimeMs;
use crate::engine::fact::Release;

use super::refusal::RefusalCode;

/// What a deployment demands of releases. The default demands nothing: no keys, no production.
///
/// A key is never taken out of the list, or a recount would refuse what it signed: it ends instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleasePolicy {
    pub keys: Vec<RegisteredKey>,
    pub production: bool,
    /// Releases and going live come by another source: here they are not accepted.
    pub elsewhere: bool,
}

impl ReleasePolicy {
    /// Tests an activation at this institution at `at`: the record's time, or the event's own where there is no clock.
    ///
    /// # Errors
    /// The code of the first thing that is missing or wrong.
    pub fn activation(
        &self,
        event: &RuleSetActivated<'_>,
        institution: &str,
        at: TimeMs,
    ) -> Result<Release, RefusalCode> {
        let signed_by = self.signer(event, institution, at)?;
        if self.production && event.assessment.as_ref().is_none_or(|id| id.trim().is_empty()) {
            return Err(RefusalCode::RulesAssessmentMissing);
        }
        let text = |text: &Option<crate::codec::event::Text<'_>>| match text {
            Some(text) if text.trim().is_empty() => Err(RefusalCode::FieldInvalid),
            text => Ok(text.as_ref().map(|text| Arc::from(&**text))),
        };
        Ok(Release { signed_by, assessment: text(&event.assessment)?, rollback: text(&event.rollback)? })
    }

    fn signer(
        &self,
        event: &RuleSetActivated<'_>,
        institution: &str,
        at: TimeMs,
    ) -> Result<Option<Arc<str>>, RefusalCode> {
        if self.keys.is_empty() && !self.production {
            return Ok(None);
        }
        let (Some(id), Some(signature)) = (&event.signing_key, &event.signature) else {
            return Err(RefusalCode::RulesUnsigned);
        };
        let key = self.keys.iter().find(|key| key.id == **id).ok_or(RefusalCode::RulesKeyUnknown)?;
        if !key.is_valid_at(at) {
            return Err(RefusalCode::RulesKeyNotValid);
        }
        let released = Released { institution, rollback: event.rollback.as_deref(), bundle: &event.bundle };
        if !key.signed(&released, signature) {
            return Err(RefusalCode::RulesSignatureInvalid);
        }
        Ok(Some(Arc::from(key.id.as_str())))
    }

    /// Tests going live.
    ///
    /// # Errors
    /// `go_live_reason_missing` in production.
    pub fn go_live(&self, event: &WentLive<'_>) -> Result<(), RefusalCode> {
        let has_reason = event.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
        if self.production && !has_reason { Err(RefusalCode::GoLiveReasonMissing) } else { Ok(()) }
    }
}
