//! Random declarations.

use proptest::option;
use proptest::prelude::*;

use super::{party, token};
use crate::engine::declared::{
    CardFunctions, CardProfile, CardRisk, Owner, OwnersSource, Scene, TrafficClass,
};
use crate::engine::fact::{FactBody, Feed};

pub(super) fn body() -> BoxedStrategy<FactBody> {
    let words = (
        prop::sample::select(TrafficClass::ALL.to_vec()),
        prop::sample::select(Scene::ALL.to_vec()),
        prop::sample::select(CardRisk::ALL.to_vec()),
    );
    let profiled = (party(), 0..=CardFunctions::BITS, option::of(token()), option::of(token()), words)
        .prop_map(|(card, functions, device, region, (traffic, scene, risk))| {
            let functions = CardFunctions::from_bits(functions).unwrap();
            let profile = CardProfile { functions, device, region, traffic, scene, risk };
            FactBody::CardProfiled { card, profile: Box::new(profile) }
        });
    let assessed = (token(), any::<bool>(), token())
        .prop_map(|(opening, passed, assessor)| FactBody::RiskAssessed { opening, passed, assessor });
    let stock = (prop::sample::select(Feed::ALL.to_vec()), any::<u32>())
        .prop_map(|(feed, count)| FactBody::StockReported { feed, count });
    let owner = (token(), any::<u16>()).prop_map(|(person, per_mille)| Owner { person, per_mille });
    let owned = (prop::collection::vec(owner, 0..4), prop::sample::select(OwnersSource::ALL.to_vec()))
        .prop_map(|(owners, source)| FactBody::OwnersDeclared { owners, source });
    prop_oneof![profiled, assessed, stock, owned].boxed()
}
