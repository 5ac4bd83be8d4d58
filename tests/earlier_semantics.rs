//! What an engine of earlier semantics began, this one goes on with (DESIGN D13): it reads that engine's facts
//! and snapshots, and under that time's rules it decides the same, under the same ids.
//!
//! `tests/earlier_semantics/N` was written by the engine of semantics N and is never made anew by a later one:
//! packed facts, a snapshot of half-way, and what was decided in the second half.
//! `RECORD_SEMANTICS=1 cargo test --test earlier_semantics` records the present number before it is raised.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use duecourse::codec::keys::Keys;
use duecourse::codec::output::{OutRecord, OutputContext, encode_effect};
use duecourse::codec::snapshot::{self, Extent};
use duecourse::codec::{facts, output};
use duecourse::config::bundle::{self, Loader, Profile};
use duecourse::config::orders::case_code;
use duecourse::config::source::SourceMapping;
use duecourse::engine::SEMANTICS;
use duecourse::engine::base::{Fingerprint, TimeMs};
use duecourse::engine::cover::{ConfigVersion, Range, SourceId};
use duecourse::engine::disposition::Disposition;
use duecourse::engine::entry::{EntryFact, EntrySays, EntryTerms, ListingTest, Regime};
use duecourse::engine::fact::{Fact, FactBody};
use duecourse::engine::input::{Effect, FactsPack, FactsRecord, PackedFact, TimeMode};
use duecourse::engine::order::{Level, OrderName};
use duecourse::engine::partition::{Identity, Partition};
use duecourse::engine::subject::Subject;
use duecourse::intake::classify::{Classified, Classifier, ClassifierSettings, SourceRecord};
use duecourse::intake::orders::OrderPolicy;
use duecourse::intake::release::ReleasePolicy;
use serde_json::{Value, json};

const INSTITUTION: &str = "demo-bank";
const HOUR: i64 = 3_600_000;
/// 2026-03-02T09:00:00+08:00.
const BEGIN: i64 = 1_772_413_200_000;

fn folder(semantics: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/earlier_semantics/{semantics}"))
}

fn identity() -> Identity {
    Identity { partition: 0, partitions: 1, id_key: Keys::development().id_key(), time: TimeMode::Event }
}

/// Length and bytes, one after another.
fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&(part.len() as u32).to_le_bytes(), part.as_slice()].concat()).collect()
}

fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (part, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        parts.push(part.to_vec());
        bytes = rest;
    }
    parts
}

/// Applies records from an offset on; what they publish, as bytes.
fn apply(partition: &mut Partition, records: &[Vec<u8>], from: usize) -> (Vec<String>, Vec<Effect>) {
    let (keys, loader) = (Keys::development(), Loader::new());
    let (mut published, mut all) = (Vec::new(), Vec::new());
    for (record, offset) in records.iter().zip(0u64..).skip(from) {
        let record = facts::decode(record).expect("packed facts of earlier semantics");
        let mut effects = Vec::new();
        partition.apply(offset, &record, &loader, &mut effects).expect("an engine that goes on");
        let rules = partition.rules().cloned();
        for effect in &effects {
            let rules = rules.as_ref().expect("nothing is published before there are rules");
            let context = OutputContext {
                keys: &keys,
                institution: INSTITUTION,
                rules_version: rules.version,
                utc_offset_minutes: rules.notices.utc_offset_minutes,
                case_code,
            };
            let mut outputs = Vec::new();
            encode_effect(effect, &context, &mut outputs).expect("an output");
            published.extend(outputs.into_iter().map(|record| line_of(&record)));
        }
        all.extend(effects);
    }
    (published, all)
}

/// What an output decides: where it goes, its id, kind, measure and end. Later outputs may say more.
fn line_of(record: &OutRecord) -> String {
    let value: Value =
        record.value.as_deref().map_or(Value::Null, |value| serde_json::from_slice(value).expect("JSON"));
    let said = ["/id", "/type", "/time", "/data/measure", "/data/end", "/data/cause"]
        .map(|pointer| value.pointer(pointer).map_or(String::new(), Value::to_string));
    format!("{:?} {} {}", record.topic, String::from_utf8_lossy(&record.key), said.join(" "))
}

#[test]
fn facts_and_a_snapshot_of_earlier_semantics_are_gone_on_with() {
    if std::env::var_os("RECORD_SEMANTICS").is_some() {
        record();
    }
    let mut recorded = 0;
    for semantics in 1..=SEMANTICS {
        let at = folder(semantics);
        if !at.exists() {
            continue;
        }
        recorded += 1;
        let records = split(&std::fs::read(at.join("facts")).unwrap());
        let expected = std::fs::read_to_string(at.join("decided.txt")).unwrap();
        let half = std::fs::read_to_string(at.join("half")).unwrap().trim().parse::<usize>().unwrap();

        let snapshot = std::fs::read(at.join("snapshot")).unwrap();
        let mut restored = snapshot::decode([snapshot.as_slice()], identity(), &Loader::new())
            .unwrap_or_else(|error| panic!("the snapshot of semantics {semantics}: {error}"));
        let (published, _) = apply(&mut restored, &records, half);
        assert_eq!(lines(&published), expected, "semantics {semantics}, from its snapshot");

        let mut replayed = Partition::new(identity());
        let (_, first) = apply(&mut replayed, &records[..half], 0);
        assert!(first.len() > 5, "little was decided in the first half");
        let (published, _) = apply(&mut replayed, &records, half);
        assert_eq!(lines(&published), expected, "semantics {semantics}, from its facts");
    }
    assert!(recorded > 0, "nothing of earlier semantics is recorded");
}

/// A snapshot of semantics 2 kept no references of what people hold, so nobody could be told of an entry on it. Each is
/// known again with the next event that names it, and what the entry reaches then is what it reached at once where the
/// state came from facts: all cards that are open but the eldest, until the entry's stop.
#[test]
fn what_a_listed_person_holds_is_reached_as_it_is_heard_of_again() {
    let at = folder(2);
    let records = split(&std::fs::read(at.join("facts")).unwrap());
    let half = std::fs::read_to_string(at.join("half")).unwrap().trim().parse::<usize>().unwrap();
    let snapshot = std::fs::read(at.join("snapshot")).unwrap();
    let mut restored = snapshot::decode([snapshot.as_slice()], identity(), &Loader::new()).unwrap();
    let mut replayed = Partition::new(identity());
    apply(&mut replayed, &records[..half], 0);

    let mut desk = Desk::new();
    desk.records = records[..half].to_vec();
    let mut rules: Value = serde_json::from_str(&bundle::embedded(Profile::Strict).unwrap()).unwrap();
    rules["files"]["settings.toml"]["version"] = json!(2);
    rules["files"]["lives/entry.toml"]["enabled"] = json!(true);
    let rules = rules.to_string();
    desk.event(5 * HOUR, "rule_set_activated", json!({ "bundle": rules, "sha256": sha256(&rules) }));
    let used = |number: u32| json!({ "card": party("dora", &format!("CARD-{number}"), "phone_card"), "usage": "data" });
    desk.event(6 * HOUR, "card_usage_recorded", used(6));
    let dora = desk.route.expect("a fact of dora's");
    desk.listed(7 * HOUR, dora);
    let listed = desk.records.len();
    (1..=6).for_each(|number| desk.event(8 * HOUR, "card_usage_recorded", used(number)));

    let reached = |partition: &mut Partition, upto: usize, from: usize| -> BTreeSet<(String, TimeMs)> {
        let (_, effects) = apply(partition, &desk.records[..upto], from);
        let sets = effects.iter().filter_map(|effect| match effect {
            Effect::Disposed(disposed) => match &**disposed {
                Disposition::MeasureSet(set) => {
                    Some((set.head().party.clone(), set.notice().end, set.measure().name()))
                }
                _ => None,
            },
            _ => None,
        });
        let keys = Keys::development();
        let listed = sets.filter(|(_, _, name)| *name == "listed_limit_card");
        listed.map(|(party, end, _)| (keys.open(&party.sealed).expect("a reference"), end)).collect()
    };
    let at_once = reached(&mut replayed, listed, half);
    assert_eq!(at_once.len(), 5, "{at_once:?}");
    assert!(!at_once.iter().any(|(card, _)| card.contains("CARD-1")), "the eldest line is kept: {at_once:?}");
    // One was heard of between: it is reached at once, the others as they are heard of.
    let first = reached(&mut restored, listed, half);
    assert!(first.len() == 1 && first.iter().all(|(card, _)| card.contains("CARD-6")), "{first:?}");
    let later = reached(&mut restored, desk.records.len(), listed);
    assert_eq!(first.union(&later).cloned().collect::<BTreeSet<_>>(), at_once);
    assert!(reached(&mut replayed, desk.records.len(), listed).is_empty(), "each is reached once");
}

fn lines(published: &[String]) -> String {
    published.iter().map(|line| format!("{line}\n")).collect()
}

// ---- recording ----

fn record() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/earlier_semantics/rules");
    let bundle = bundle::from_dir(&rules, Profile::Strict).unwrap();
    let mut desk = Desk::new();
    desk.announce();
    desk.event(-1_440 * HOUR, "rule_set_activated", json!({ "bundle": bundle, "sha256": sha256(&bundle) }));
    desk.event(-1_440 * HOUR, "went_live", json!({}));
    first_half(&mut desk);
    let half = desk.records.len();

    let mut partition = Partition::new(identity());
    let (_, effects) = apply(&mut partition, &desk.records, 0);
    let snapshot = snapshot::encode(&partition.freeze(), Extent::Whole);
    let appeal = effects.iter().rev().find_map(|effect| match effect {
        Effect::Disposed(disposed) => match &**disposed {
            Disposition::MeasureSet(set) if set.measure().name().starts_with("account") => {
                Some(set.notice().appeal.to_string())
            }
            _ => None,
        },
        _ => None,
    });
    second_half(&mut desk, &appeal.expect("an account measure of the first half"));
    let (outputs, _) = apply(&mut partition, &desk.records, half);

    let at = folder(SEMANTICS);
    std::fs::create_dir_all(&at).unwrap();
    std::fs::write(at.join("facts"), joined(&desk.records)).unwrap();
    std::fs::write(at.join("snapshot"), snapshot).unwrap();
    std::fs::write(at.join("decided.txt"), lines(&outputs)).unwrap();
    std::fs::write(at.join("half"), format!("{half}\n")).unwrap();
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn party(holder: &str, reference: &str, kind: &str) -> Value {
    json!({ "institution": INSTITUTION, "holder": holder, "ref": reference, "kind": kind })
}

fn account(holder: &str, number: u32) -> Value {
    party(holder, &format!("ACC-{number}"), "account")
}

fn yuan(yuan: u32) -> Value {
    json!({ "minor": yuan * 100, "currency": "CNY" })
}

fn paid(holder: &str, number: u32, to: &str, amount: u32) -> Value {
    json!({ "payer": account(holder, number), "counterparty": { "account": to }, "amount": yuan(amount), "device": "D1" })
}

/// Cards up to their limit and beyond, a fan-out, a shared device, a salary, a correction, a duplicate.
fn first_half(desk: &mut Desk) {
    for number in 1..=6 {
        let opening = party("dora", &format!("R{number}"), "opening");
        let asked =
            json!({ "opening": opening, "product": "phone_card", "holder_kind": "person", "device": "D1" });
        desk.event(-900 * HOUR + number, "opening_requested", asked);
        let card = party("dora", &format!("CARD-{number}"), "phone_card");
        let opened =
            json!({ "opening": opening, "holding": card, "product": "phone_card", "holder_kind": "person" });
        desk.event(-899 * HOUR + number, "opening_opened", opened);
    }
    for day in 0..9 {
        desk.event(-(200 - 24 * day) * HOUR, "transfer_posted", paid("anna", 1, "SHOP", 30));
    }
    let salary = json!({ "payee": account("anna", 1), "counterparty": { "account": "EMPLOYER" },
        "amount": yuan(8_000), "essential": "salary" });
    desk.event(-HOUR, "transfer_posted", salary);
    for number in 0..5 {
        desk.event(HOUR + number, "transfer_posted", paid("anna", 1, &format!("P{number}"), 700));
    }
    for holder in ["boris", "chen", "dora"] {
        desk.event(2 * HOUR, "transfer_posted", paid(holder, 7, "SHOP", 20));
    }
    let wrong = paid("boris", 7, "WRONG", 900);
    desk.event_named("WRONG-1", 3 * HOUR, "transfer_posted", wrong.clone());
    desk.event_named("WRONG-1", 3 * HOUR, "transfer_posted", wrong.clone());
    desk.event(
        4 * HOUR,
        "event_corrected",
        json!({
            "original_event_id": "WRONG-1", "original_type": "transfer_posted",
            "before": { "time": time(3 * HOUR), "data": wrong },
            "after": { "time": time(3 * HOUR), "data": paid("boris", 7, "RIGHT", 90) },
        }),
    );
}

/// The appeal succeeds, what came before no longer counts, cards close and are asked for again, measures expire.
fn second_half(desk: &mut Desk, appeal: &str) {
    let decided = json!({ "party": account("anna", 1), "appeal_ref": appeal, "outcome": "overturned" });
    desk.event(5 * HOUR, "appeal_decided", decided.clone());
    desk.event(5 * HOUR, "appeal_decided", decided);
    for number in 0..6 {
        desk.event(6 * HOUR + number, "transfer_posted", paid("anna", 1, &format!("Q{number}"), 700));
    }
    let closed = json!({ "holding": party("dora", "CARD-1", "phone_card"), "product": "phone_card",
        "holder_kind": "person" });
    desk.event(7 * HOUR, "opening_closed", closed);
    for number in 8..=9 {
        let opening = party("dora", &format!("R{number}"), "opening");
        let asked =
            json!({ "opening": opening, "product": "phone_card", "holder_kind": "person", "device": "D1" });
        desk.event(8 * HOUR + number, "opening_requested", asked);
    }
    for day in 1..60 {
        desk.event(24 * day * HOUR, "transfer_posted", paid("chen", 7, &format!("S{}", day % 7), 40));
    }
    for number in 0..5 {
        desk.event(24 * 61 * HOUR + number, "transfer_posted", paid("chen", 7, &format!("T{number}"), 900));
    }
}

fn time(after: i64) -> String {
    output::rfc3339(TimeMs(BEGIN + after), 480).unwrap()
}

/// Turns events into packed facts, one a record.
struct Desk {
    classifier: Classifier,
    records: Vec<Vec<u8>>,
    /// Whom the last fact was about.
    route: Option<Subject>,
}

impl Desk {
    fn new() -> Desk {
        let settings = ClassifierSettings {
            institution: INSTITUTION.to_owned(),
            facts_partitions: 1,
            ahead_max: None,
            releases: ReleasePolicy::default(),
            orders: OrderPolicy::default(),
        };
        let mapping = Arc::new(SourceMapping::load("native").unwrap());
        let keys = Arc::new(Keys::development());
        let classifier = Classifier::new(mapping, keys, settings, Arc::new(Loader::new()));
        Desk { classifier, records: Vec::new(), route: None }
    }

    fn announce(&mut self) {
        let version = ConfigVersion { from: TimeMs::MIN, number: 1 };
        self.push(&FactsRecord::VersionAnnounced(version));
    }

    fn push(&mut self, record: &FactsRecord) {
        let mut bytes = Vec::new();
        facts::encode(record, &mut bytes);
        self.records.push(bytes);
    }

    fn event(&mut self, after: i64, kind: &str, data: Value) {
        self.event_named(&format!("E{}", self.records.len()), after, kind, data);
    }

    fn event_named(&mut self, id: &str, after: i64, kind: &str, data: Value) {
        let line = json!({ "specversion": "1.0", "id": id, "source": "/s", "type": kind, "time": time(after), "data": data })
            .to_string();
        let at = TimeMs(BEGIN + after);
        let record = SourceRecord { bytes: line.as_bytes(), headers: &[], timestamp: at };
        let Classified { facts, .. } =
            self.classifier.classify(&record).unwrap_or_else(|refusal| panic!("{refusal:?}: {line}"));
        let facts = facts.into_iter().map(|(_, fact)| fact).collect();
        self.facts(at, facts);
    }

    /// An entry, as intake writes it once its signature has been tested.
    fn listed(&mut self, after: i64, holder: Subject) {
        let at = TimeMs(BEGIN + after);
        let terms = EntryTerms {
            test: ListingTest::CardsOrAccounts,
            level: Level::Prefecture,
            start: at,
            end: TimeMs(at.0 + 300 * 24 * HOUR),
            regime: Regime::Current,
            approval: None,
        };
        let name = OrderName { issuer: "city-police".into(), number: "CJ-1".into() };
        let body = FactBody::Entry(Box::new(EntryFact { name, says: EntrySays::Listed(terms) }));
        self.facts(at, vec![Fact { event: Fingerprint(0xC1), at, route: holder, body }]);
    }

    fn facts(&mut self, at: TimeMs, facts: Vec<Fact>) {
        self.route = facts.last().map(|fact| fact.route);
        let offset = self.records.len() as i64;
        let range = Range {
            source: SourceId { name: "s".into(), generation: 1, partition: 0 },
            baseline: offset == 1,
            previous: offset - 1,
            last: offset,
            timestamps: (at, at),
            through: at,
        };
        let facts = facts.into_iter().zip(0..).map(|(fact, ordinal)| PackedFact {
            range: 0,
            offset,
            ordinal,
            time: at,
            fact,
        });
        self.push(&FactsRecord::Facts(FactsPack { version: 1, ranges: vec![range], facts: facts.collect() }));
    }
}
