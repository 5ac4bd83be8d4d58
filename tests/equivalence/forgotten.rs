//! What is over is gone: from the state, and from every byte of the snapshots that are kept (ARCHITECTURE S20).

use std::path::Path;
use std::sync::Arc;

use duecourse::codec::snapshot::{self, Extent};
use duecourse::config::bundle::{Loader, Profile, embedded};
use duecourse::decide::snapshot::{Position, SnapshotStore};
use duecourse::engine::SEMANTICS;
use duecourse::engine::base::{Currency, Fingerprint, Money, SpanMs, TimeMs, Token};
use duecourse::engine::cover::ConfigVersion;
use duecourse::engine::declared::{
    CardFunctions, CardProfile, CardRisk, Owner, OwnersSource, Scene, TrafficClass,
};
use duecourse::engine::disposition::Disposition;
use duecourse::engine::entry::{EntryFact, EntrySays, EntryTerms, ListingTest, Regime};
use duecourse::engine::fact::{
    Channel, Essential, Fact, FactBody, Feed, HolderKind, OpeningStep, Product, Release, Side,
    TransferDetails,
};
use duecourse::engine::input::{Effect, FactsRecord, TimeMode};
use duecourse::engine::kept::HoldClass;
use duecourse::engine::order::{Level, OrderFact, OrderName, OrderSays};
use duecourse::engine::partition::{Identity, Partition};
use duecourse::engine::subject::{Party, Subject, SubjectKind};

use super::events::{keys, token};
use super::record::alone;

const START: TimeMs = TimeMs(1_780_000_000_000);

/// One partition by the shipped rules, in event time.
struct Bank {
    engine: Partition,
    loader: Loader,
    offset: i64,
    /// Everything that could name the person or what they did, as it stands in snapshots.
    needles: Vec<(&'static str, Vec<u8>)>,
}

impl Bank {
    fn new() -> Bank {
        let identity =
            Identity { partition: 0, partitions: 1, id_key: keys().id_key(), time: TimeMode::Event };
        let mut bank =
            Bank { engine: Partition::new(identity), loader: Loader::new(), offset: -1, needles: Vec::new() };
        let announced = FactsRecord::VersionAnnounced(ConfigVersion { from: TimeMs::MIN, number: 1 });
        bank.apply(&announced);
        // List entries are off until somebody switches them on.
        let mut bundle: serde_json::Value =
            serde_json::from_str(&embedded(Profile::Strict).unwrap()).unwrap();
        bundle["files"]["lives/entry.toml"]["enabled"] = true.into();
        let bundle: Arc<str> = Arc::from(bundle.to_string());
        let nobody = Subject::new(SubjectKind::Holder, Token(0));
        let release = Release::default();
        bank.happens(START, nobody, FactBody::RuleSetActivated { bundle, release });
        bank.happens(START, nobody, FactBody::WentLive);
        bank
    }

    fn apply(&mut self, record: &FactsRecord) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.offset += 1;
        self.engine.apply(self.offset as u64, record, &self.loader, &mut effects).unwrap();
        effects
    }

    fn happens(&mut self, at: TimeMs, route: Subject, body: FactBody) -> Vec<Effect> {
        let offset = self.offset + 1;
        let event = Fingerprint(0x5eed_0000_0000_0000 | offset as u64);
        self.apply(&alone(1, offset, Fact { event, at, route, body }))
    }

    /// The same, by the person who is to be forgotten: the event's name is looked for, too.
    fn planted(&mut self, at: TimeMs, route: Subject, body: FactBody) -> Vec<Effect> {
        let event = 0x5eed_0000_0000_0000_u64 | (self.offset + 1) as u64;
        self.needles.push(("an event", event.to_le_bytes().to_vec()));
        self.happens(at, route, body)
    }

    fn bytes(&mut self) -> Vec<u8> {
        snapshot::encode(&self.engine.freeze(), Extent::Whole)
    }

    /// Time goes on, by somebody else's payments.
    fn passes(&mut self, from: i64, to: i64) {
        for day in from..=to {
            let route = Subject::new(SubjectKind::Holder, token(SubjectKind::Holder, 77));
            let other = party(77, SubjectKind::Account);
            self.happens(
                START.plus(SpanMs::days(day)),
                route,
                payment(&other, token(SubjectKind::Account, 78), 5),
            );
        }
    }
}

fn party(number: u64, kind: SubjectKind) -> Party {
    let subject = Subject::new(kind, token(kind, number));
    Party { subject, sealed: keys().seal(&format!("forgotten-{number}")) }
}

fn payment(account: &Party, counterparty: Token, yuan: i64) -> FactBody {
    FactBody::Transfer {
        side: Side::Payer,
        account: account.clone(),
        counterparty,
        amount: Money { minor: yuan * 100, currency: Currency::CNY },
        details: TransferDetails {
            channel: Channel::Mobile,
            essential: Essential::No,
            ..TransferDetails::default()
        },
        other_side: None,
    }
}

fn step(step: OpeningStep, opening: &Party, holding: Option<&Party>) -> FactBody {
    FactBody::Opening {
        step,
        opening: opening.clone(),
        holding: holding.cloned(),
        product: Product::BankAccountII,
        holder_kind: HolderKind::Person,
        co_holder: false,
        identity_channels: None,
        outlet: None,
    }
}

fn found(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// What was declared of the person and their card, that a shared number was explained, and what authorities said.
fn declared_and_ordered(bank: &mut Bank, at: TimeMs, route: Subject, opening: &Party, account: &Party) {
    let (card, owner) = (party(4, SubjectKind::IotCard), token(SubjectKind::Holder, 91));
    let (assessor, number) = (token(SubjectKind::Agent, 92), token(SubjectKind::PhoneNumber, 93));
    let (device, region) = (token(SubjectKind::Device, 94), token(SubjectKind::Address, 95));
    let profile = CardProfile {
        functions: CardFunctions::default(),
        device: Some(device),
        region: Some(region),
        traffic: TrafficClass::Directed,
        scene: Scene::Metering,
        risk: CardRisk::Low,
    };
    let owners = vec![Owner { person: owner, per_mille: 1_000 }];
    let name = |number: &str| OrderName { issuer: Arc::from("city"), number: Arc::from(number) };
    let (early, history) = (name("release-before-its-order"), name("entry-of-the-older-regime"));
    let terms = EntryTerms {
        test: ListingTest::RealNameHelp,
        level: Level::Prefecture,
        start: at,
        end: at.plus(SpanMs::days(20)),
        regime: Regime::Legacy,
        approval: None,
    };
    for body in [
        FactBody::CardProfiled { card: card.clone(), profile: Box::new(profile) },
        FactBody::RiskAssessed { opening: opening.subject.token, passed: true, assessor },
        FactBody::OwnersDeclared { owners, source: OwnersSource::Unit },
        FactBody::SharingExplained { number },
        FactBody::Order(Box::new(OrderFact {
            name: early.clone(),
            party: account.clone(),
            says: OrderSays::Released,
        })),
        FactBody::Entry(Box::new(EntryFact { name: history.clone(), says: EntrySays::Listed(terms) })),
    ] {
        bank.planted(at, route, body);
    }
    for (what, token) in [
        ("a profiled card", card.subject.token),
        ("the device of a profile", device),
        ("the region of a profile", region),
        ("who assessed a request", assessor),
        ("a beneficial owner", owner),
        ("an explained number", number),
    ] {
        bank.needles.push((what, token.0.to_le_bytes().to_vec()));
    }
    bank.needles.push(("a release before its order", early.number.as_bytes().to_vec()));
    bank.needles.push(("the history of the older regime", history.number.as_bytes().to_vec()));
}

/// A customer's whole life with the bank: opens, pays, is met by a rule, appeals, closes. A device is met.
fn a_life(bank: &mut Bank) {
    let holder = token(SubjectKind::Holder, 1);
    let route = Subject::new(SubjectKind::Holder, holder);
    let (account, opening) = (party(1, SubjectKind::Account), party(2, SubjectKind::Opening));
    let device = Subject::new(SubjectKind::Device, token(SubjectKind::Device, 1));
    let at = |hours: i64| START.plus(SpanMs::hours(hours));
    bank.planted(at(1), route, step(OpeningStep::Requested, &opening, None));
    bank.planted(at(2), route, step(OpeningStep::Opened, &opening, Some(&account)));
    for day in 0..8 {
        let shop = token(SubjectKind::Account, 60);
        bank.planted(at(3 + 24 * day), route, payment(&account, shop, 30));
    }
    let mut set = None;
    for other in 0..6 {
        let counterparty = token(SubjectKind::Account, 61 + other);
        let effects = bank.planted(at(200 + other as i64), route, payment(&account, counterparty, 700));
        for effect in effects {
            if let Effect::Disposed(disposition) = effect
                && let Disposition::MeasureSet(measure) = *disposition
            {
                set = Some((measure.head().id, measure.notice().appeal));
            }
        }
        bank.needles.push(("a counterparty", counterparty.short().to_le_bytes().to_vec()));
    }
    let (id, appeal) = set.expect("a rule meets the account");
    bank.needles.push(("a measure", id.0.to_le_bytes().to_vec()));
    let target = account.clone();
    let met = FactBody::Met { feed: Feed::TransferDevice, holder, target, amount: None };
    bank.planted(at(207), device, met);
    let outcome = duecourse::engine::fact::AppealOutcome::Overturned;
    bank.planted(
        at(210),
        route,
        FactBody::AppealDecided { appeal, outcome, override_for: None, decider: None, reason: None },
    );
    declared_and_ordered(bank, at(220), route, &opening, &account);
    bank.planted(at(300), route, step(OpeningStep::Closed, &opening, Some(&account)));
    for (what, token) in [
        ("the holder", holder),
        ("the account", account.subject.token),
        ("the opening", opening.subject.token),
        ("the device", device.token),
    ] {
        bank.needles.push((what, token.0.to_le_bytes().to_vec()));
    }
    bank.needles.push(("the account's reference", account.sealed.0.to_vec()));
    bank.needles.push(("the opening's reference", opening.sealed.0.to_vec()));
}

#[test]
fn when_every_term_is_over_no_byte_of_a_snapshot_names_the_person() {
    let mut bank = Bank::new();
    a_life(&mut bank);
    let bytes = bank.bytes();
    let needles = bank.needles.clone();
    for (what, needle) in &needles {
        // Only what stands there now can be seen to go. The last event alone is remembered by its name.
        assert!(found(&bytes, needle), "{what} is in no snapshot to begin with");
    }
    // The last to go is the override: its end on day 38, and 400 days; then a week to look through everything.
    bank.passes(13, 411);
    let bytes = bank.bytes();
    let holder = &needles.iter().find(|(what, _)| *what == "the holder").unwrap().1;
    assert!(found(&bytes, holder), "not before its time");
    bank.passes(412, 448);
    let bytes = bank.bytes();
    for (what, needle) in &needles {
        assert!(!found(&bytes, needle), "{what} is still in the snapshot");
    }
    // What others did is still there.
    assert!(found(&bytes, &token(SubjectKind::Account, 77).0.to_le_bytes()));
}

#[test]
fn what_an_order_holds_stays_and_goes_with_its_release() {
    let mut bank = Bank::new();
    a_life(&mut bank);
    let route = Subject::new(SubjectKind::Holder, token(SubjectKind::Holder, 1));
    let name = OrderName { issuer: Arc::from("市公安局"), number: Arc::from("京公调字2026第7号") };
    let until = START.plus(SpanMs::days(900));
    let at = START.plus(SpanMs::days(20));
    bank.happens(at, route, FactBody::HoldOrdered { name: name.clone(), class: HoldClass::All, until });
    bank.passes(21, 448);
    let bytes = bank.bytes();
    for kept in [
        "the holder",
        "the account",
        "the opening",
        "a measure",
        "the account's reference",
        "a profiled card",
        "who assessed a request",
        "a beneficial owner",
        "an explained number",
    ] {
        let needle = &bank.needles.iter().find(|(what, _)| *what == kept).unwrap().1;
        assert!(found(&bytes, needle), "{kept} is held");
    }
    // Signals are no records: they end as ever, and the device is nobody's record.
    for gone in ["a counterparty", "the device", "a release before its order"] {
        let needle = &bank.needles.iter().find(|(what, _)| *what == gone).unwrap().1;
        assert!(!found(&bytes, needle), "{gone}");
    }
    // Neither another order nor another issuer's of the same number ends it.
    let others = [
        OrderName { issuer: name.issuer.clone(), number: Arc::from("another") },
        OrderName { issuer: Arc::from("another"), number: name.number.clone() },
    ];
    for name in others {
        let effects = bank.happens(START.plus(SpanMs::days(449)), route, FactBody::HoldReleased { name });
        assert!(matches!(effects[..], [Effect::Unmatched { .. }]));
    }
    bank.happens(START.plus(SpanMs::days(449)), route, FactBody::HoldReleased { name });
    let bytes = bank.bytes();
    let needles = bank.needles.clone();
    for (what, needle) in &needles {
        // The release is an event of the holder's, remembered by its name alone.
        assert!(!found(&bytes, needle), "{what} is still in the snapshot");
    }
}

#[test]
fn a_hold_of_aml_records_holds_no_others_and_ends_by_itself() {
    let mut bank = Bank::new();
    a_life(&mut bank);
    let route = Subject::new(SubjectKind::Holder, token(SubjectKind::Holder, 1));
    let until = START.plus(SpanMs::days(500));
    let at = START.plus(SpanMs::days(20));
    let name = OrderName { issuer: Arc::from("the bank"), number: Arc::from("one") };
    bank.happens(at, route, FactBody::HoldOrdered { name, class: HoldClass::Aml, until });
    bank.passes(21, 448);
    let bytes = bank.bytes();
    let account = &bank.needles.iter().find(|(what, _)| *what == "the account").unwrap().1;
    assert!(!found(&bytes, account), "an account is no record of anti-money-laundering review");
    bank.passes(449, 508);
    let bytes = bank.bytes();
    let needles = bank.needles.clone();
    assert!(needles.iter().all(|(_, needle)| !found(&bytes, needle)), "the hold has ended");
}

/// Where and on what the person was seen, as logs keep it.
fn seen(account: &Party, device: Token, location: Token) -> FactBody {
    FactBody::TracesSeen { party: account.clone(), device: Some(device), location: Some(location) }
}

/// APL 18(4): of a customer without an open anomaly nothing is held, and when it closes it is gone at once.
#[test]
fn where_an_abnormal_customer_was_is_held_until_the_anomaly_closes() {
    let mut bank = Bank::new();
    let route = Subject::new(SubjectKind::Holder, token(SubjectKind::Holder, 1));
    let account = party(1, SubjectKind::Account);
    let shop = token(SubjectKind::Account, 60);
    let place = |number| token(SubjectKind::Address, number);
    let device = |number| token(SubjectKind::Device, number);
    let found_in = |bytes: &[u8], token: Token| found(bytes, &token.short().to_le_bytes());
    let at = |minutes: i64| START.plus(SpanMs(minutes * 60_000));
    bank.happens(at(1), route, seen(&account, device(1), place(1)));
    bank.happens(at(1), route, payment(&account, shop, 80));
    let initiated_by = Fingerprint(0x5eed_0000_0000_0000 | bank.offset as u64);
    let bytes = bank.bytes();
    assert!(!found_in(&bytes, place(1)) && !found_in(&bytes, device(1)), "nobody has an anomaly");
    assert!(found_in(&bytes, shop), "payments are held of everybody");

    let settled = FactBody::SettlementRecorded {
        feed: Feed::TransferPayer,
        account: account.clone(),
        initiated_by,
        other: None,
        amount: Some(Money { minor: 80_000, currency: Currency::CNY }),
    };
    let effects = bank.happens(at(2), route, settled);
    assert!(matches!(effects[..], [Effect::Disposed(_)]), "{effects:?}");
    bank.happens(at(3), route, seen(&account, device(2), place(2)));
    // One of before the anomaly that comes late.
    bank.happens(at(1), route, seen(&account, device(3), place(3)));
    let bytes = bank.bytes();
    assert!(found_in(&bytes, place(2)) && found_in(&bytes, device(2)), "held while it is open");
    assert!(!found_in(&bytes, place(3)) && !found_in(&bytes, device(3)), "not of before");
    for number in 1..=3 {
        // The whole tokens are in no state at all.
        assert!(!found(&bytes, &place(number).0.to_le_bytes()));
        assert!(!found(&bytes, &device(number).0.to_le_bytes()));
    }
    // Its only measure ends after a day: nothing has to be asked, and nothing has to be swept.
    bank.passes(1, 1);
    assert!(found_in(&bank.bytes(), place(2)), "not before its time");
    bank.passes(2, 2);
    let bytes = bank.bytes();
    for number in 1..=3 {
        assert!(!found_in(&bytes, place(number)) && !found_in(&bytes, device(number)), "{number}");
    }
    assert!(found_in(&bytes, shop), "what is not data of Art. 18(4) goes by its own term");
}

/// The files that are kept, read as they lie on disk.
#[test]
fn snapshots_that_held_it_are_dropped_for_newer_ones() {
    let folder = tempfile::tempdir().unwrap();
    let store = SnapshotStore::in_folder(folder.path(), "facts", 2).unwrap();
    let mut bank = Bank::new();
    let put = |bank: &mut Bank| {
        let offset = bank.offset as u64 + 1;
        let position = Position {
            partition: 0,
            partitions: 1,
            offset,
            after: None,
            committed: offset,
            asked: SEMANTICS,
        };
        let bytes = bank.bytes();
        store.put(&position, &bytes).unwrap();
    };
    a_life(&mut bank);
    put(&mut bank);
    let account = bank.needles.iter().find(|(what, _)| *what == "the account").unwrap().1.clone();
    assert_eq!(files_with(folder.path(), &account), 1);
    bank.passes(13, 448);
    put(&mut bank);
    assert_eq!(files_with(folder.path(), &account), 1, "the older one is kept for once");
    bank.passes(449, 449);
    put(&mut bank);
    assert_eq!(files_with(folder.path(), &account), 0);
}

fn files_with(folder: &Path, needle: &[u8]) -> usize {
    let mut count = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                count += usize::from(found(&std::fs::read(path).unwrap(), needle));
            }
        }
    }
    count
}
