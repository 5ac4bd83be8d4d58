//! The four checks of `verify` over what the engine published: clean as it is, and each planted fault seen.

use std::collections::BTreeMap;

use duecourse::codec::facts;
use duecourse::codec::output::{OutRecord, OutputContext, Topic, encode_effect};
use duecourse::config::orders::case_code;
use duecourse::engine::base::TimeMs;
use duecourse::engine::cover::{Range, Skip, SourceId};
use duecourse::engine::fact::FactBody;
use duecourse::engine::input::{FactsRecord, PackedFact};
use duecourse::engine::report::ReportBody;
use duecourse::verify::check::{Check, CheckError, Deployment, Verdict};

use super::events::{To, keys};
use super::log::{Case, Delivery, random_case};
use super::seen::Seen;

const INSTITUTION: &str = "bank_0";

/// A deployment as it is found: inputs, facts logs and what was published.
struct Found {
    case: Case,
    /// By facts partition, which is the topic partition too.
    published: Vec<Vec<OutRecord>>,
    /// Inputs that were refused, and the dead letters that are there.
    refused: Vec<String>,
    dead_letters: Vec<String>,
    /// Where a source begins now.
    begins: Option<(SourceId, i64)>,
}

impl Found {
    fn of_seed(seed: u64) -> Found {
        let case = random_case(seed, Delivery::Whole, &mut Seen::default());
        let published = (0..case.partitions.len()).map(|partition| published(&case, partition)).collect();
        let letters = vec!["0/7/amount_negative".to_owned(), "0/9/type_unknown".to_owned()];
        Found { case, published, refused: letters.clone(), dead_letters: letters, begins: None }
    }

    fn verify(&self) -> Verdict {
        let (_, first) = (&self.case.inputs, self.case.partitions[0].0);
        let mut check = Check::new(Deployment {
            keys: keys(),
            institution: INSTITUTION,
            partitions: self.case.partitions.len() as u32,
            time: first.time,
            loader: &self.case.shelf,
            own_source: SourceId { name: "first-start".into(), generation: 0, partition: 0 },
        });
        for (source, offset, of_input) in &self.case.inputs {
            let to = |to: &To| match to {
                To::Partition(partition) => Some(*partition),
                To::All => None,
            };
            check.accepted(source, *offset, of_input.iter().map(|(at, fact)| (to(at), fact)));
        }
        if let Some((source, first)) = &self.begins {
            check.begins(source, *first);
        }
        for pointer in &self.refused {
            check.refused(None, pointer.clone());
        }
        for (partition, (_, records)) in self.case.partitions.iter().enumerate() {
            let mut rest = records.iter().enumerate();
            let read = check.partition(partition as u32, || -> Result<_, CheckError> {
                Ok(rest.next().map(|(offset, record)| {
                    let mut bytes = Vec::new();
                    facts::encode(record, &mut bytes);
                    (offset as u64, bytes)
                }))
            });
            read.expect("the facts can be recomputed");
        }
        let mut in_force: BTreeMap<&[u8], Option<&[u8]>> = BTreeMap::new();
        for records in &self.published {
            let mut last: BTreeMap<Topic, BTreeMap<u32, u64>> = BTreeMap::new();
            for record in records {
                if record.topic == Topic::Measures {
                    in_force.insert(&record.key, record.value.as_deref());
                } else {
                    let value = record.value.as_deref().unwrap_or_default();
                    check.published(record.topic, value, last.entry(record.topic).or_default());
                }
            }
        }
        check.in_force(in_force.into_iter().filter_map(|(key, value)| Some((key, value?))));
        for letter in &self.dead_letters {
            check.dead_letter(letter);
        }
        check.finish()
    }

    /// Places of published records of a topic, in the first facts partition that has enough of them.
    fn some(&self, topic: Topic, count: usize) -> Option<(usize, Vec<usize>)> {
        self.published.iter().enumerate().find_map(|(partition, records)| {
            let places: Vec<usize> =
                (0..records.len()).filter(|place| records[*place].topic == topic).collect();
            (places.len() >= count).then_some((partition, places))
        })
    }
}

/// What the engine gives for a partition, as it is published.
fn published(case: &Case, partition: usize) -> Vec<OutRecord> {
    let (who, records) = &case.partitions[partition];
    let mut engine = who.engine();
    let mut out = Vec::new();
    for (offset, record) in records.iter().enumerate() {
        let mut effects = Vec::new();
        engine.apply(offset as u64, record, &case.shelf, &mut effects).expect("the engine applies it");
        let rules = engine.rules();
        let ctx = OutputContext {
            keys: keys(),
            institution: INSTITUTION,
            rules_version: rules.map_or(0, |rules| rules.version),
            utc_offset_minutes: rules.map_or(0, |rules| rules.notices.utc_offset_minutes),
            case_code,
        };
        for effect in &effects {
            // A purpose may keep a record back; both sides keep the same ones back.
            let _ = encode_effect(effect, &ctx, &mut out);
        }
    }
    out
}

const SEEDS: std::ops::Range<u64> = 1..41;

#[test]
fn what_the_engine_published_is_clean() {
    let (mut inputs, mut dispositions) = (0, 0);
    for seed in SEEDS {
        let verdict = Found::of_seed(seed).verify();
        assert!(verdict.is_clean(), "seed {seed}: {verdict:?}");
        assert_eq!(verdict.covered, verdict.inputs, "seed {seed}");
        inputs += verdict.inputs;
        dispositions += verdict.dispositions;
    }
    assert!(inputs > 1_000 && dispositions > 500, "{inputs} inputs, {dispositions} dispositions");
}

/// Plants a fault where it can be planted, and demands that it is seen, and that enough were planted.
fn every_fault_is_seen(plant: impl Fn(&mut Found) -> Option<()>, is_seen: impl Fn(&Verdict) -> bool) {
    let mut planted = 0;
    for seed in SEEDS {
        let mut found = Found::of_seed(seed);
        if plant(&mut found).is_some() {
            planted += 1;
            let verdict = found.verify();
            assert!(is_seen(&verdict), "seed {seed}: {verdict:?}");
        }
    }
    assert!(planted >= 5, "planted in {planted} cases only");
}

#[test]
fn a_record_that_was_not_published_is_seen() {
    for topic in [Topic::Dispositions, Topic::Notices, Topic::Shadow, Topic::Leads] {
        every_fault_is_seen(
            |found| {
                let (partition, places) = found.some(topic, 1)?;
                found.published[partition].remove(places[places.len() / 2]);
                Some(())
            },
            |verdict| verdict.mismatched == 1,
        );
    }
}

#[test]
fn a_record_that_was_published_twice_is_seen() {
    every_fault_is_seen(
        |found| {
            let (partition, places) = found.some(Topic::Dispositions, 1)?;
            let again = found.published[partition][places[0]].clone();
            found.published[partition].push(again);
            Some(())
        },
        |verdict| verdict.mismatched == 1,
    );
}

#[test]
fn records_out_of_order_are_seen() {
    every_fault_is_seen(
        |found| {
            let (partition, places) = found.some(Topic::Dispositions, 2)?;
            found.published[partition].swap(places[0], places[1]);
            Some(())
        },
        |verdict| verdict.mismatched >= 1,
    );
}

#[test]
fn one_changed_byte_is_seen() {
    for topic in [Topic::Dispositions, Topic::Notices, Topic::Measures] {
        every_fault_is_seen(
            |found| {
                let (partition, places) = found.some(topic, 1)?;
                // The last record of a key is what is in force; a tombstone cannot be changed.
                let place = *places.last()?;
                let value = found.published[partition][place].value.as_mut()?;
                let middle = value.len() / 2;
                *value.get_mut(middle)? ^= 1;
                Some(())
            },
            |verdict| verdict.mismatched >= 1,
        );
    }
}

#[test]
fn a_fact_that_is_missing_is_lost() {
    every_fault_is_seen(
        |found| {
            let input = found.case.inputs.iter().rev().find(|(_, _, of_input)| !of_input.is_empty())?;
            let (source, offset) = (input.0.clone(), input.1);
            for (_, records) in &mut found.case.partitions {
                for record in records {
                    if let FactsRecord::Facts(pack) = record {
                        let ranges = pack.ranges.clone();
                        pack.facts.retain(|fact| {
                            fact.offset != offset || ranges[usize::from(fact.range)].source != source
                        });
                    }
                }
            }
            Some(())
        },
        |verdict| verdict.lost == 1,
    );
}

#[test]
fn a_fact_that_differs_is_lost() {
    every_fault_is_seen(
        |found| {
            let amounts =
                found.case.partitions.iter_mut().flat_map(|(_, records)| records).filter_map(|record| {
                    match record {
                        FactsRecord::Facts(pack) if pack.version == 1 => Some(&mut pack.facts),
                        _ => None,
                    }
                });
            let mut changed = None;
            for fact in amounts.flatten() {
                if let FactBody::Transfer { amount, .. } = &mut fact.fact.body {
                    amount.minor += 1;
                    changed = Some(());
                }
            }
            changed
        },
        |verdict| verdict.lost >= 1,
    );
}

#[test]
fn an_input_that_was_not_covered_is_lost() {
    every_fault_is_seen(
        |found| {
            let mut beyond = found.case.inputs.last()?.clone();
            beyond.1 += 1_000;
            beyond.2.clear();
            found.case.inputs.push(beyond);
            Some(())
        },
        |verdict| verdict.lost == 1 && verdict.covered + 1 == verdict.inputs,
    );
}

#[test]
fn a_fact_that_was_applied_twice_is_doubled() {
    every_fault_is_seen(
        |found| {
            for (_, records) in &mut found.case.partitions {
                for record in records.iter_mut() {
                    if let FactsRecord::Facts(pack) = record {
                        let offsets: Vec<i64> = pack.facts.iter().map(|fact| fact.offset).collect();
                        if pack.version == 1 && !pack.ranges[0].baseline && offsets.first() != offsets.last()
                        {
                            continue;
                        }
                        if pack.version == 1 && pack.ranges[0].baseline && offsets.first() != offsets.last() {
                            let again = pack.facts[0].clone();
                            pack.facts.push(again);
                            return Some(());
                        }
                    }
                }
            }
            None
        },
        |verdict| verdict.doubled >= 1 && verdict.lost == 0,
    );
}

#[test]
fn a_fact_of_no_input_is_doubled() {
    every_fault_is_seen(
        |found| {
            let place = found.case.inputs.iter().position(|(_, _, of_input)| !of_input.is_empty())?;
            found.case.inputs.remove(place);
            Some(())
        },
        |verdict| verdict.doubled >= 1,
    );
}

#[test]
fn a_report_that_was_changed_is_seen() {
    every_fault_is_seen(
        |found| {
            for (_, records) in &mut found.case.partitions {
                for record in records.iter_mut() {
                    let FactsRecord::Reports(reports) = record else { continue };
                    for report in reports {
                        if let ReportBody::RuleTotalled { count, .. } = &mut report.body {
                            // Nothing is decided by it, so the report alone differs, on both sides.
                            count.appeals += 1;
                            return Some(());
                        }
                    }
                }
            }
            None
        },
        |verdict| verdict.mismatched == 2,
    );
}

#[test]
fn a_refusal_without_its_dead_letter_and_a_dead_letter_without_a_refusal_are_seen() {
    every_fault_is_seen(
        |found| {
            found.dead_letters.pop();
            Some(())
        },
        |verdict| verdict.mismatched == 1,
    );
    every_fault_is_seen(
        |found| {
            found.refused.pop();
            Some(())
        },
        |verdict| verdict.mismatched == 1,
    );
}

/// Three inputs of the last source that no facts partition gets; with `skip`, on record.
fn lose_three(found: &mut Found, skip: bool) -> Option<()> {
    let mut lost = found.case.inputs.last()?.clone();
    let source = lost.0.clone();
    let of_source = found.case.inputs.iter().filter(|(id, ..)| *id == source);
    let end = of_source.map(|(_, offset, _)| *offset).max()?;
    for number in 10..13 {
        lost.1 = end + number;
        found.case.inputs.push(lost.clone());
    }
    let order = |to| Skip {
        source: source.clone(),
        to,
        blind_until: TimeMs(0),
        ordered: TimeMs(0),
        reason: "its retention overtook intake".into(),
    };
    if skip {
        for (_, records) in &mut found.case.partitions {
            records.extend([end + 9, end + 15, end + 12].map(|to| FactsRecord::SourceSkipped(order(to))));
        }
    }
    Some(())
}

#[test]
fn what_is_skipped_on_record_is_counted_by_itself() {
    every_fault_is_seen(
        |found| lose_three(found, false),
        |verdict| verdict.lost == 3 && verdict.skipped == 0,
    );
    every_fault_is_seen(
        |found| lose_three(found, true),
        |verdict| {
            // The offset behind the last input may have been covered, as one that was never written.
            let skipped = (13..=14).contains(&verdict.skipped);
            verdict.is_clean() && skipped && verdict.covered + 3 == verdict.inputs
        },
    );
}

#[test]
fn a_fact_of_what_was_skipped_is_doubled() {
    every_fault_is_seen(
        |found| {
            lose_three(found, true)?;
            // As if the first pack of that source had had one of them.
            let (source, offset, of_input) = found.case.inputs.last()?.clone();
            let To::Partition(partition) = of_input.first()?.0 else { return None };
            let (_, records) = found.case.partitions.get_mut(partition as usize)?;
            let is_of = |record: &&mut FactsRecord| match record {
                FactsRecord::Facts(pack) => {
                    let is_first = |range: &Range| range.source == source && range.baseline;
                    pack.version == 1 && pack.ranges.iter().any(is_first)
                }
                _ => false,
            };
            let FactsRecord::Facts(pack) = records.iter_mut().find(is_of)? else { return None };
            let range = pack.ranges.iter().position(|range| range.source == source)?;
            let (time, fact) = (pack.ranges.get(range)?.through, of_input.first()?.1.clone());
            let range = u16::try_from(range).ok()?;
            pack.facts.push(PackedFact { range, offset, ordinal: 0, time, fact });
            Some(())
        },
        |verdict| verdict.doubled >= 1,
    );
}

#[test]
fn what_a_source_no_longer_holds_is_not_counted_against_it() {
    every_fault_is_seen(
        |found| {
            let places = (0..found.case.inputs.len()).filter(|at| !found.case.inputs[*at].2.is_empty());
            let (source, first, _) = found.case.inputs[places.clone().nth(places.count() / 2)?].clone();
            found.case.inputs.retain(|(of, offset, _)| *of != source || *offset >= first);
            found.begins = Some((source, first));
            Some(())
        },
        |verdict| verdict.is_clean() && verdict.unrecounted > 0,
    );
}
