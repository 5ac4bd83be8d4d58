//! Random traces and authorisations.

use std::sync::Arc;

use proptest::option;
use proptest::prelude::*;

use super::{party, token};
use crate::engine::authorisation::{AuthorisedUse, TraceClasses};
use crate::engine::base::TimeMs;
use crate::engine::fact::FactBody;
use crate::engine::life::Word;

pub(super) fn body() -> BoxedStrategy<FactBody> {
    let number = || "[A-Z0-9-]{1,12}".prop_map(Arc::<str>::from);
    let seen = (party(), option::of(token()), option::of(token()))
        .prop_map(|(party, device, location)| FactBody::TracesSeen { party, device, location });
    let uses = prop::sample::select(AuthorisedUse::ALL.to_vec());
    let granted =
        (number(), uses, 0..=TraceClasses::BITS, any::<i64>()).prop_map(|(number, opens, data, until)| {
            let data = TraceClasses::from_bits(data).unwrap();
            FactBody::AuthorisationGranted { number, opens, data, until: TimeMs(until) }
        });
    let revoked = number().prop_map(|number| FactBody::AuthorisationRevoked { number });
    prop_oneof![seen, granted, revoked].boxed()
}
