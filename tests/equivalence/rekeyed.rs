//! A new generation of the facts goes on as the old one would have (DESIGN D6), and cannot be tied to it.

use std::sync::Arc;

use duecourse::codec::facts;
use duecourse::codec::keys::Keys;
use duecourse::codec::keys::generation::GenerationKey;
use duecourse::engine::disposition::Disposition;
use duecourse::engine::fact::FactBody;
use duecourse::engine::input::{Effect, FactsPack, FactsRecord, PackedFact};
use duecourse::engine::lead::LeadNews;
use duecourse::engine::partition::{Identity, Partition};
use duecourse::intake::rekey::{Rekey, Translation};
use duecourse::log::LogError;

use super::events::keys;
use super::rulesets::Shelf;
use super::{Who, log, seen};

/// The published development key: the root of the generations here.
const ROOT: [u8; 32] = *b"duecourse development key, fixed";

fn generation(number: u32) -> Arc<Keys> {
    Arc::new(Keys::of_generation(&ROOT, &GenerationKey::new(number, [number as u8; 32])))
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
        Effect::Reported(report) => format!("report to {}", report.destination),
    }
}

fn applied(engine: &mut Partition, at: u64, record: &FactsRecord, shelf: &Shelf) -> Vec<Effect> {
    let mut effects = Vec::new();
    engine.apply(at, record, shelf, &mut effects).expect("it applies");
    effects
}

/// What intake would write under the new keys.
fn translated(record: &FactsRecord, translation: &Translation) -> FactsRecord {
    match record {
        FactsRecord::Facts(pack) => {
            let facts = pack.facts.iter().map(|packed| PackedFact {
                fact: translation.fact(&packed.fact).expect("it is of the old generation").1,
                ..packed.clone()
            });
            FactsRecord::Facts(FactsPack { facts: facts.collect(), ..pack.clone() })
        }
        other => other.clone(),
    }
}

fn identity(who: &Who, keys: &Keys) -> Identity {
    Identity { id_key: keys.id_key(), ..who.identity() }
}

/// Bytes that stand for somebody in a log: tokens and sealed references, of parties and of counterparties.
fn names(records: &[FactsRecord]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    for record in records {
        let FactsRecord::Facts(pack) = record else { continue };
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

#[test]
fn half_before_and_half_after_decide_as_the_whole() {
    let (mut cases, mut set_after, mut ended_after, mut appeals_after) = (0, 0, 0, 0);
    for seed in 1..400 {
        let case = log::random_case(seed, log::Delivery::Lossy, &mut seen::Seen::default());
        let [(who, records)] = &case.partitions[..] else { continue };
        let (before, after) = records.split_at(records.len() / 2);
        let (old_keys, new_keys) = (Arc::new(keys().clone()), generation(2));
        let translation = Translation::new(Arc::clone(&old_keys), Arc::clone(&new_keys), 1).unwrap();
        let mut new_log = Vec::new();
        let mut sink = |_: u32, record: &FactsRecord| -> Result<(), LogError> {
            new_log.push(record.clone());
            Ok(())
        };
        let mut rekey = Rekey::new(translation, 1, who.identity().time, &case.shelf, &mut sink);
        before.iter().for_each(|record| rekey.take(0, record).unwrap());
        let mut made = rekey.finish().unwrap();
        assert_eq!(made.differences.count(), 0, "DUECOURSE_SEED={seed}");
        let mut translation = made.translation;
        let (mut engine_new, mut next) = made.states.pop().expect("one partition");

        let mut engine_old = Partition::new(identity(who, &old_keys));
        for (at, record) in before.iter().enumerate() {
            applied(&mut engine_old, at as u64, record, &case.shelf);
        }
        for (at, record) in (before.len()..).zip(after) {
            let old = applied(&mut engine_old, at as u64, record, &case.shelf);
            old.iter().for_each(|effect| translation.learn(effect));
            let new = applied(&mut engine_new, next, &translated(record, &translation), &case.shelf);
            next += 1;
            let told = |effects: &[Effect], keys: &Keys| -> Vec<String> {
                effects.iter().map(|effect| said(effect, keys)).collect()
            };
            let (old, new) = (told(&old, &old_keys), told(&new, &new_keys));
            assert_eq!(new, old, "DUECOURSE_SEED={seed}, record {at} of {}", before.len());
            set_after += old.iter().filter(|one| one.starts_with("set ")).count();
            ended_after += old.iter().filter(|one| one.starts_with("ended ")).count();
            appeals_after += old.iter().filter(|one| one.starts_with("ended overturned")).count();
        }

        let bytes = written(&new_log);
        for name in names(before) {
            assert!(
                !bytes.windows(name.len()).any(|window| window == name),
                "seed {seed}: {name:02x?} stayed"
            );
        }
        cases += 1;
    }
    eprintln!("{cases} cases, {set_after} measures set and {ended_after} ended afterwards");
    let seen = (cases, set_after, ended_after, appeals_after);
    assert!(
        cases >= 10 && set_after >= 30 && ended_after >= 30 && appeals_after >= 1,
        "seen too seldom: {seen:?}"
    );
}

#[test]
fn old_references_do_not_open_under_the_new_key_nor_new_ones_under_the_old() {
    let (old, new) = (generation(1), generation(2));
    let sealed = old.seal("ACC-1");
    assert_eq!(new.open(&sealed), None);
    let other = Arc::new(Keys::of_generation(&[9; 32], &GenerationKey::new(2, [2; 32])));
    assert!(Translation::new(Arc::clone(&old), other, 1).is_err(), "another root cannot say it");
    assert!(Translation::new(Arc::clone(&old), Arc::clone(&old), 1).is_err());
    assert!(Translation::new(old, new, 1).is_ok());
}
