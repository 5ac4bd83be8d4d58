//! Whether what comes in an authority's name is that authority's: signed, by a key of this issuer, in its time.
//!
//! An order is never believed without a signature, in production or not.

use crate::codec::authority::{AuthorityKey, Canonical};
use crate::engine::base::TimeMs;
use crate::engine::order::Level;

use super::refusal::RefusalCode;

/// The authorities whose word is taken. A key is never taken out of the list, or a recount would refuse
/// what it signed: it ends instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderPolicy {
    pub keys: Vec<AuthorityKey>,
}

/// What an event says of its own signature.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    pub issuer: &'a str,
    pub key: Option<&'a str>,
    pub signature: Option<&'a str>,
}

impl OrderPolicy {
    /// Tests a signature at `at`: the record's time, or the event's own where there is no clock. Gives the
    /// level of the issuer.
    ///
    /// # Errors
    /// The code of the first thing that is missing or wrong.
    pub fn tested(
        &self,
        signed: Signed<'_>,
        canonical: &Canonical,
        at: TimeMs,
    ) -> Result<Level, RefusalCode> {
        let (Some(id), Some(signature)) = (signed.key, signed.signature) else {
            return Err(RefusalCode::OrderUnsigned);
        };
        let key = self.keys.iter().find(|key| key.id == id).ok_or(RefusalCode::OrderKeyUnknown)?;
        if !key.is_valid_at(at) {
            return Err(RefusalCode::OrderKeyNotValid);
        }
        if key.issuer != signed.issuer {
            return Err(RefusalCode::OrderKeyOfAnother);
        }
        if !key.signed(canonical, signature) {
            return Err(RefusalCode::OrderSignatureInvalid);
        }
        Ok(key.level)
    }
}
