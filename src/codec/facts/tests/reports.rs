//! Random reports of every kind.

use std::sync::Arc;

use proptest::option;
use proptest::prelude::*;

use super::{money, party, subject, time, token};
use crate::engine::base::Fingerprint;
use crate::engine::report::{Report, ReportBody, ReportPos, Standing};
use crate::engine::state::RuleCount;

pub(super) fn report() -> impl Strategy<Value = Report> {
    let pos = || any::<(u64, u32)>().prop_map(|(offset, ordinal)| ReportPos { offset, ordinal });
    let name = || "[a-z_]{1,4}".prop_map(|name| Arc::<str>::from(name.as_str()));
    let standing = (
        (name(), subject(), token(), party()),
        (any::<u64>(), time(), any::<u64>(), time(), any::<bool>(), option::of(money()), any::<u32>()),
    )
        .prop_map(
            |((signal, about, holder, target), (value, until, event, at, reply, amount, untold_count))| {
                let event = Fingerprint(event);
                ReportBody::Standing(Standing {
                    signal,
                    about,
                    holder,
                    target,
                    value,
                    until,
                    event,
                    at,
                    reply,
                    amount,
                    untold_count,
                })
            },
        );
    let fallen =
        (name(), subject(), token(), any::<u64>(), time()).prop_map(|(signal, about, holder, event, at)| {
            let event = Fingerprint(event);
            ReportBody::Fallen { signal, about, holder, event, at }
        });
    let count = || {
        (any::<u32>(), any::<[u64; 6]>(), any::<i64>(), any::<u64>()).prop_map(
            |(
                version,
                [measures, overruled, appeals, verified, failed, restricted_ms],
                interval,
                harm_ms,
            )| {
                let of_version = RuleCount { version, measures, overruled, appeals, ..RuleCount::default() };
                RuleCount { verified, failed, restricted_ms, interval, harm_ms, ..of_version }
            },
        )
    };
    let counted = (name(), count()).prop_map(|(rule, count)| ReportBody::RuleCounted { rule, count });
    let totalled = (name(), count()).prop_map(|(rule, count)| ReportBody::RuleTotalled { rule, count });
    let body = prop_oneof![standing, fallen, counted, totalled];
    (any::<u32>(), any::<u32>(), pos(), option::of(pos()), body).prop_map(
        |(origin, destination, pos, previous, body)| Report { origin, destination, pos, previous, body },
    )
}
