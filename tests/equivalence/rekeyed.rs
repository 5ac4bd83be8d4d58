//! A new generation of the facts goes on as the old one would have (DESIGN D6), and cannot be tied to it.

use std::num::NonZeroU32;
use std::sync::Arc;

use duecourse::codec::facts;
use duecourse::codec::keys::Keys;
use duecourse::codec::keys::generation::GenerationKey;
use duecourse::engine::disposition::Disposition;
use duecourse::engine::fact::FactBody;
use duecourse::engine::input::{Effect, FactsRecord};
use duecourse::engine::lead::LeadNews;
use duecourse::engine::partition::{Identity, Partition};
use duecourse::engine::report::ReportBody;
use duecourse::intake::rekey::{Rekey, Translation};
use duecourse::log::LogError;

use super::events::keys;
use super::rulesets::Shelf;
use super::{Who, log, seen};

/// The published development key: the root of the generations here.
const ROOT: [u8; 32] = *b"duecourse development key, fixed";

fn generation(number: u32, partitions: u32) -> Arc<Keys> {
    let own = GenerationKey::new(number, [number as u8; 32]).over(NonZeroU32::new(partitions).unwrap());
    Arc::new(Keys::of_generation(&ROOT, &own))
}

/// What an effect says, with the party by its reference: the same in every generation.
fn said(effect: &Effect, keys: &Keys) -> String {
    match effect {
        Effect::Disposed(disposition) => {
            let head = disposition.head();
            // What an authority is told of a person as a whole bears no reference.
            let party = match head.party.sealed.0.is_empty() {
                true => String::new(),
                false => keys.open(&head.party.sealed).expect("a reference opens under its own key"),
            };
            let what = match &**disposition {
                Disposition::MeasureSet(set) => {
                    format!("set {} until {}", set.measure().name(), set.notice().end.0)
                }
                Disposition::MeasureEnded(ended) => format!("ended {}", ended.cause.name()),
                _ => "other".to_owned(),
            };
            format!("{what} {} {party} {} {:?}", head.rule.id, head.at.0, head.purpose)
        }
        Effect::Observed(observed) => format!("observed {} {}", observed.head.rule.id, observed.head.at.0),
        Effect::Unmatched { reason, .. } => format!("unmatched {}", reason.name()),
        Effect::RuleShadowed(_) => "shadowed".to_owned(),
        Effect::Lead(news) => {
            let (head, what) = match &**news {
                LeadNews::Sent(sent) => (&sent.head, "sent"),
                LeadNews::Moved(moved) => (&moved.head, &*moved.to),
                LeadNews::Observed(observed) => (&observed.head, "observed"),
            };
            format!("lead {what} {} {}", head.rule.id, head.at.0)
        }
        // Said in the new generation.
        Effect::Reported(report) => format!("report {report:?}"),
    }
}

/// The same of effects of the old generation, with what they report as the new one says it.
fn said_anew(effects: &[Effect], keys: &Keys, translation: &Translation) -> Vec<String> {
    let anew = |effect: &Effect| match effect {
        Effect::Reported(report) => {
            let report = translation.report(report).expect("it is of the old generation");
            said(&Effect::Reported(Box::new(report)), keys)
        }
        effect => said(effect, keys),
    };
    effects.iter().map(anew).collect()
}

fn applied(engine: &mut Partition, at: u64, record: &FactsRecord, shelf: &Shelf) -> Vec<Effect> {
    let mut effects = Vec::new();
    engine.apply(at, record, shelf, &mut effects).expect("it applies");
    effects
}

fn identity(who: &Who, keys: &Keys) -> Identity {
    Identity { id_key: keys.id_key(), ..who.identity() }
}

/// Bytes that stand for somebody in a log: tokens and sealed references, of parties and of counterparties.
fn names(records: &[FactsRecord]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    for record in records {
        let pack = match record {
            FactsRecord::Facts(pack) => pack,
            FactsRecord::Reports(reports) => {
                for report in reports {
                    let ReportBody::Standing(standing) = &report.body else { continue };
                    names.push(standing.about.token.0.to_le_bytes().to_vec());
                    names.push(standing.holder.0.to_le_bytes().to_vec());
                    names.push(standing.target.sealed.0.to_vec());
                }
                continue;
            }
            FactsRecord::VersionAnnounced(_) | FactsRecord::SourceSkipped(_) => continue,
        };
        for packed in &pack.facts {
            names.push(packed.fact.route.token.0.to_le_bytes().to_vec());
            match &packed.fact.body {
                FactBody::Transfer { account, counterparty, .. } => {
                    names.push(account.sealed.0.to_vec());
                    names.push(counterparty.0.to_le_bytes().to_vec());
                }
                FactBody::CardPayment { account, terminal, .. } => {
                    names.push(account.sealed.0.to_vec());
                    names.push(terminal.0.to_le_bytes().to_vec());
                }
                FactBody::Met { target, .. } => names.push(target.subject.token.0.to_le_bytes().to_vec()),
                FactBody::Opening { opening, .. } => names.push(opening.sealed.0.to_vec()),
                _ => {}
            }
        }
    }
    names.sort();
    names.dedup();
    names.retain(|name| name.iter().any(|byte| *byte != 0));
    names
}

fn written(records: &[FactsRecord]) -> Vec<u8> {
    let mut all = Vec::new();
    for record in records {
        facts::encode(record, &mut all);
    }
    all
}

/// What came after the change of generations in one partition.
#[derive(Default, Debug)]
struct After {
    partitions: usize,
    set: usize,
    ended: usize,
    overturned: usize,
    reports_sent: usize,
    reports_heard: usize,
}

#[test]
fn half_before_and_half_after_decide_as_the_whole() {
    let (mut alone, mut among_others) = (After::default(), After::default());
    for seed in 1..300 {
        let case = log::random_case(seed, log::Delivery::Lossy, &mut seen::Seen::default());
        let count = case.partitions.len();
        let (old_keys, new_keys) = (Arc::new(keys().clone()), generation(2, count as u32));
        let translation =
            Translation::new(Arc::clone(&old_keys), Arc::clone(&new_keys), count as u32).unwrap();
        let mut new_logs = vec![Vec::new(); count];
        let mut sink = |partition: u32, record: &FactsRecord| -> Result<(), LogError> {
            new_logs[partition as usize].push(record.clone());
            Ok(())
        };
        let time = case.partitions[0].0.time;
        let mut rekey = Rekey::new(translation, time, &case.shelf, &mut sink);
        let mut made = Vec::new();
        for (who, records) in &case.partitions {
            let (before, after) = records.split_at(records.len() / 2);
            let mut one = rekey.partition(who.partition);
            before.iter().for_each(|record| one.take(record).unwrap());
            made.push((who, before, after, one.finish()));
        }
        let (mut translation, differences) = rekey.finish();
        assert!(differences.are_none(), "DUECOURSE_SEED={seed}: {differences:?}");

        for ((who, before, after, (mut engine_new, next)), new_log) in made.into_iter().zip(new_logs) {
            let seen = if count == 1 { &mut alone } else { &mut among_others };
            assert_eq!(new_log.len(), before.len(), "record follows record");
            assert_eq!(next, before.len() as u64);
            let mut engine_old = Partition::new(identity(who, &old_keys));
            for (at, record) in (0..).zip(before) {
                applied(&mut engine_old, at, record, &case.shelf);
            }
            for (at, record) in (next..).zip(after) {
                let old = applied(&mut engine_old, at, record, &case.shelf);
                old.iter().for_each(|effect| translation.learn(effect));
                let record = translation.record(record).expect("it is of the old generation");
                let new = applied(&mut engine_new, at, &record, &case.shelf);
                let old = said_anew(&old, &old_keys, &translation);
                let new: Vec<String> = new.iter().map(|effect| said(effect, &new_keys)).collect();
                assert_eq!(new, old, "DUECOURSE_SEED={seed}, record {at} of partition {}", who.partition);
                let count = |what: &str| old.iter().filter(|one| one.starts_with(what)).count();
                seen.set += count("set ");
                seen.ended += count("ended ");
                seen.overturned += count("ended overturned");
                seen.reports_sent += count("report ");
                seen.reports_heard += usize::from(matches!(record, FactsRecord::Reports(_)));
            }
            seen.partitions += 1;
            let bytes = written(&new_log);
            for name in names(before) {
                assert!(
                    !bytes.windows(name.len()).any(|window| window == name),
                    "seed {seed}: {name:02x?} stayed"
                );
            }
        }
    }
    eprintln!("alone: {alone:?}; among others: {among_others:?}");
    let is_enough =
        |seen: &After| seen.partitions >= 10 && seen.set >= 30 && seen.ended >= 30 && seen.overturned >= 1;
    assert!(is_enough(&alone) && is_enough(&among_others), "seen too seldom");
    assert!(among_others.reports_sent >= 30 && among_others.reports_heard >= 30, "seen too seldom");
}

#[test]
fn old_references_do_not_open_under_the_new_key_nor_new_ones_under_the_old() {
    let (old, new) = (generation(1, 1), generation(2, 1));
    let sealed = old.seal("ACC-1");
    assert_eq!(new.open(&sealed), None);
    let other = Arc::new(Keys::of_generation(&[9; 32], &GenerationKey::new(2, [2; 32])));
    assert!(Translation::new(Arc::clone(&old), other, 1).is_err(), "another root cannot say it");
    assert!(Translation::new(Arc::clone(&old), Arc::clone(&old), 1).is_err());
    assert!(Translation::new(old, new, 1).is_ok());
}
