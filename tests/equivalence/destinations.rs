//! Distinct persons at each destination and year: the engine's bits against the records that really leave (S24).

use std::collections::{BTreeMap, BTreeSet};

use duecourse::codec::output::{OutputContext, OutputError, Topic, encode_effect};
use duecourse::config::orders::case_code;
use duecourse::engine::base::Token;
use duecourse::engine::life::Word;
use duecourse::engine::reached::{Destination, named_by, year_of};

use super::events::keys;
use super::{log, seen};

/// The topics of the records that an effect leaves, but for what is taken out of them; none of one that its
/// purpose keeps back, which is counted all the same.
fn topics(effect: &duecourse::engine::input::Effect) -> Option<BTreeSet<Topic>> {
    let ctx = OutputContext {
        keys: keys(),
        institution: "i",
        rules_version: 1,
        utc_offset_minutes: 480,
        case_code,
    };
    let mut records = Vec::new();
    match encode_effect(effect, &ctx, &mut records) {
        Ok(()) => {}
        Err(OutputError::PurposeRefused { .. }) => return None,
        Err(error) => panic!("{error}"),
    }
    let named = records.iter().filter(|record| record.value.is_some()).map(|record| record.topic);
    Some(named.collect())
}

fn topic_of(destination: Destination) -> Topic {
    match destination {
        Destination::Dispositions => Topic::Dispositions,
        Destination::Notices => Topic::Notices,
        Destination::Measures => Topic::Measures,
        Destination::Shadow => Topic::Shadow,
        Destination::Authority => Topic::Authority,
        Destination::Leads => Topic::Leads,
    }
}

#[test]
fn persons_are_counted_where_records_of_them_leave() {
    let (mut named, mut years) = (BTreeMap::<&str, u64>::new(), BTreeSet::new());
    for seed in 1..300 {
        let case = log::random_case(seed, log::Delivery::Lossy, &mut seen::Seen::default());
        for (who, records) in &case.partitions {
            let mut engine = who.engine();
            let mut persons: BTreeSet<(i64, Destination, Token)> = BTreeSet::new();
            for (at, record) in records.iter().enumerate() {
                let mut effects = Vec::new();
                engine.apply(at as u64, record, &case.shelf, &mut effects).expect("it applies");
                let Some(rules) = engine.rules() else { continue };
                for effect in &effects {
                    let left = topics(effect);
                    let Some((holder, at, places)) = named_by(effect) else {
                        assert!(left.iter().flatten().all(|topic| {
                            // An answer about an area is about nobody.
                            let of_nobody =
                                [Topic::DeadLetters, Topic::Shadow, Topic::Leads, Topic::Authority];
                            of_nobody.contains(topic)
                        }));
                        continue;
                    };
                    let told: BTreeSet<Topic> = places.into_iter().flatten().map(topic_of).collect();
                    assert!(left.is_none_or(|left| left == told), "seed {seed}: {effect:?}");
                    let year = year_of(at, &rules.calendar);
                    persons.extend(places.into_iter().flatten().map(|place| (year, place, holder)));
                }
            }
            let mut sums: BTreeMap<(i64, &str), u64> = BTreeMap::new();
            for (year, destination, _) in &persons {
                *sums.entry((*year, destination.name())).or_default() += 1;
                *named.entry(destination.name()).or_default() += 1;
                years.insert(*year);
            }
            let counted: BTreeMap<(i64, &str), u64> =
                engine.persons_named().map(|(year, place, count)| ((year, place.name()), count)).collect();
            assert_eq!(counted, sums, "seed {seed}");
        }
    }
    assert!(Destination::ALL.iter().all(|place| named.contains_key(place.name())), "{named:?}");
    assert!(!years.is_empty(), "{years:?}");
}
