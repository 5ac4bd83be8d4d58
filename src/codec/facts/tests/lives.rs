//! Random news of measures, explanations of shared numbers, settlements.

use proptest::option;
use proptest::prelude::*;

use super::{money, party, token};
use crate::engine::base::Fingerprint;
use crate::engine::disposition::DispositionId;
use crate::engine::fact::{FactBody, Feed, MeasureNews};
use crate::engine::life::Word;
use crate::engine::verifying::{DeliveryChannel, VerificationMethod};

pub(super) fn happened() -> impl Strategy<Value = FactBody> {
    let channel = || prop::sample::select(DeliveryChannel::ALL);
    let method = || prop::sample::select(VerificationMethod::ALL);
    let news = prop_oneof![
        channel().prop_map(MeasureNews::NoticeDelivered),
        channel().prop_map(MeasureNews::NoticeUndeliverable),
        method().prop_map(MeasureNews::VerificationPassed),
        method().prop_map(MeasureNews::VerificationFailed),
        Just(MeasureNews::Cancelled),
    ];
    (any::<u128>(), news)
        .prop_map(|(measure, news)| FactBody::MeasureHappened { measure: DispositionId(measure), news })
}

pub(super) fn explained() -> impl Strategy<Value = FactBody> {
    token().prop_map(|number| FactBody::SharingExplained { number })
}

pub(super) fn settled() -> impl Strategy<Value = FactBody> {
    let feed = prop::sample::select(Feed::ALL.to_vec());
    (feed, party(), any::<u64>(), option::of(token()), option::of(money())).prop_map(
        |(feed, account, initiated_by, other, amount)| {
            let initiated_by = Fingerprint(initiated_by);
            FactBody::SettlementRecorded { feed, account, initiated_by, other, amount }
        },
    )
}
