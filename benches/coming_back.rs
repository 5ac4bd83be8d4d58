//! What a snapshot costs deciding, and how long it takes for state to come back (DESIGN D12).
//!
//! `cargo bench --bench coming_back`. Partitions fill with the transfers of many customers under the
//! built-in rules until they hold `DUECOURSE_STATE_MB` (256 by default) of memory. Then, one partition
//! at a time, transfers go on while snapshots of all of the state and of changes are written beside; the
//! longest CPU time one facts record took is printed with and without. Last, everything is restored, all
//! partitions at once, and the facts since the last snapshot are replayed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use duecourse::codec::facts;
use duecourse::codec::keys::Keys;
use duecourse::codec::snapshot::{self, Extent};
use duecourse::config::bundle::{self, Loader};
use duecourse::decide::machine::{Machine, Portion, Surroundings};
use duecourse::decide::observe::Silent;
use duecourse::decide::snapshot::{Position, SnapshotStore, chain};
use duecourse::engine::SEMANTICS;
use duecourse::engine::base::{Currency, Fingerprint, Money, TimeMs, Token};
use duecourse::engine::cover::{ConfigVersion, Range, SourceId};
use duecourse::engine::fact::{Fact, FactBody, Release, Side, TransferDetails};
use duecourse::engine::input::{FactsPack, FactsRecord, PackedFact, TimeMode};
use duecourse::engine::partition::{Identity, Partition};
use duecourse::engine::subject::{Party, SealedRef, Subject, SubjectKind};
use duecourse::telemetry::clock::thread_cpu;

const PARTITIONS: u32 = 4;
/// Facts of one record, as intake packs them under load.
const PACK: u32 = 100;
/// Facts of one partition between two snapshots: a minute at 20,000 a second over four partitions.
const BETWEEN: u32 = 300_000;

/// Facts of one partition between two looks at how large the state is.
const FILL: u32 = 50_000;

/// Counts what is allocated: the state's size is what the allocator gave for it.
struct Counting;

static ALLOCATED: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl std::alloc::GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size() as u64, Ordering::Relaxed);
        unsafe { std::alloc::System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: std::alloc::Layout) {
        ALLOCATED.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        unsafe { std::alloc::System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocated_mb() -> u64 {
    ALLOCATED.load(Ordering::Relaxed) >> 20
}

fn main() {
    let wanted_mb =
        std::env::var("DUECOURSE_STATE_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(256);
    let folder = tempfile::tempdir().expect("a folder for snapshots");
    let store = Arc::new(SnapshotStore::in_folder(folder.path(), "facts", 2).expect("a store"));
    let before_mb = allocated_mb();
    let mut lanes: Vec<Lane> = (0..PARTITIONS).map(Lane::new).collect();
    let mut facts = 0_u64;
    while allocated_mb() - before_mb < wanted_mb {
        std::thread::scope(|scope| {
            for lane in &mut lanes {
                scope.spawn(|| lane.go_on(FILL));
            }
        });
        facts += u64::from(FILL * PARTITIONS);
    }
    let state_mb = allocated_mb() - before_mb;
    let (subjects, entries) = lanes
        .iter()
        .map(|lane| lane.machine.partition().retained())
        .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    println!(
        "state: {state_mb} MB in {PARTITIONS} partitions, {subjects} subjects with {entries} entries, from {facts} facts"
    );

    let quiet = lanes.iter_mut().map(|lane| lane.go_on(BETWEEN)).max().unwrap_or_default();
    println!("longest facts record without a snapshot: {quiet:?}");
    for extent in [Extent::Whole, Extent::Changes] {
        let taken: Vec<Taken> = lanes.iter_mut().map(|lane| lane.snapshot(&store, extent)).collect();
        let longest = |of: fn(&Taken) -> Duration| taken.iter().map(of).max().unwrap_or_default();
        println!(
            "{extent:?}: frozen in {:?} at most, longest facts record beside it {:?}, {} MB written in {:?} at most",
            longest(|taken| taken.frozen),
            longest(|taken| taken.record),
            taken.iter().map(|taken| taken.bytes).sum::<usize>() >> 20,
            longest(|taken| taken.written),
        );
        if extent == Extent::Whole {
            lanes.iter_mut().for_each(|lane| {
                lane.go_on(BETWEEN);
            });
        }
    }
    // Killed at the worst moment: just before the next snapshot.
    for lane in &mut lanes {
        while lane.since.len() < (BETWEEN / PACK) as usize {
            lane.go_on(PACK);
        }
    }
    let left: Vec<Left> = lanes.into_iter().map(Lane::die).collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for left in &left {
            scope.spawn(|| come_back(left, &store));
        }
    });
    println!(
        "all {PARTITIONS} partitions restored and {} facts replayed in {:?}",
        left.iter().map(|left| left.since.len()).sum::<usize>() * PACK as usize,
        began.elapsed()
    );
}

/// One partition and who makes its facts.
struct Lane {
    number: u32,
    machine: Machine,
    last: Option<u64>,
    source_offset: i64,
    now: i64,
    dice: u64,
    /// Facts records since the last snapshot was begun.
    since: Vec<Vec<u8>>,
}

/// What a partition that was killed leaves behind, besides its snapshots.
struct Left {
    number: u32,
    /// Where its last snapshot stands.
    offset: u64,
    since: Vec<Vec<u8>>,
}

struct Taken {
    frozen: Duration,
    record: Duration,
    written: Duration,
    bytes: usize,
}

fn identity(partition: u32) -> Identity {
    Identity {
        partition,
        partitions: PARTITIONS,
        id_key: Keys::development().id_key(),
        time: TimeMode::Event,
    }
}

fn surroundings() -> Surroundings {
    Surroundings {
        keys: Arc::new(Keys::development()),
        institution: Arc::from("bench"),
        loader: Arc::new(Loader::new()),
        observe: Arc::new(Silent),
    }
}

impl Lane {
    fn new(number: u32) -> Lane {
        let machine = Machine::new(Partition::new(identity(number)), 0, 0, surroundings());
        let dice = 1 + u64::from(number);
        let mut lane = Lane {
            number,
            machine,
            last: None,
            source_offset: -1,
            now: 1_700_000_000_000,
            dice,
            since: Vec::new(),
        };
        lane.apply(&FactsRecord::VersionAnnounced(ConfigVersion { from: TimeMs(0), number: 1 }));
        let bundle = bundle::embedded(bundle::Profile::Strict).expect("the built-in rules").into();
        let activated = FactBody::RuleSetActivated { bundle, release: Release::default() };
        let everybody = Subject::new(SubjectKind::Holder, Token(0));
        let facts = [activated, FactBody::WentLive].map(|body| lane.fact(everybody, body));
        let record = lane.pack(facts.to_vec());
        lane.apply(&record);
        lane
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides
    }

    /// A customer: some are met much oftener than others.
    fn customer(&mut self) -> u64 {
        let bound = 1 << self.roll(18);
        self.roll(bound)
    }

    fn transfer(&mut self) -> Fact {
        let customer = self.customer();
        let token = |kind: u128, number: u64| {
            Token(
                ((kind << 64) | (u128::from(number) + 1))
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835),
            )
        };
        let account = Subject::new(SubjectKind::Account, token(1, customer));
        let counterparty = token(3, customer * 16 + self.roll(16));
        let side = if self.roll(2) == 0 { Side::Payer } else { Side::Payee };
        let minor = (100 + self.roll(900_000)) as i64;
        self.now += 40;
        let body = FactBody::Transfer {
            side,
            account: Party { subject: account, sealed: SealedRef(Arc::from(*b"0123456789abcdef")) },
            counterparty,
            amount: Money { minor, currency: Currency::CNY },
            details: TransferDetails::default(),
            other_side: None,
        };
        self.fact(Subject::new(SubjectKind::Holder, token(2, customer)), body)
    }

    fn fact(&mut self, route: Subject, body: FactBody) -> Fact {
        let event = Fingerprint(u64::from(self.number) << 48 | (self.dice >> 16));
        self.roll(2);
        Fact { event, at: TimeMs(self.now), route, body }
    }

    fn pack(&mut self, facts: Vec<Fact>) -> FactsRecord {
        let previous = self.source_offset;
        let facts: Vec<PackedFact> = facts
            .into_iter()
            .map(|fact| {
                self.source_offset += 1;
                PackedFact { range: 0, offset: self.source_offset, ordinal: 0, time: fact.at, fact }
            })
            .collect();
        let range = Range {
            source: SourceId { name: "bench".into(), generation: 1, partition: 0 },
            baseline: previous < 0,
            previous,
            last: self.source_offset,
            timestamps: (TimeMs(self.now), TimeMs(self.now)),
            through: TimeMs(self.now),
        };
        FactsRecord::Facts(FactsPack { version: 1, ranges: vec![range], facts })
    }

    fn record(&mut self) -> FactsRecord {
        let facts = (0..PACK).map(|_| self.transfer()).collect();
        self.pack(facts)
    }

    fn apply(&mut self, record: &FactsRecord) -> Duration {
        let mut bytes = Vec::new();
        facts::encode(record, &mut bytes);
        let mut portion = Portion::default();
        let began = thread_cpu();
        self.machine.apply(self.machine.next_offset(), &bytes, &mut portion).expect("our own facts");
        let elapsed = thread_cpu() - began;
        if self.last.is_some() {
            self.since.push(bytes);
        }
        elapsed
    }

    /// Applies some facts; gives the longest time a record took.
    fn go_on(&mut self, facts: u32) -> Duration {
        let mut longest = Duration::ZERO;
        for _ in 0..facts / PACK {
            let record = self.record();
            longest = longest.max(self.apply(&record));
        }
        longest
    }

    /// Goes on deciding while a snapshot is written on another thread.
    fn snapshot(&mut self, store: &Arc<SnapshotStore>, extent: Extent) -> Taken {
        let offset = self.machine.next_offset();
        let after = self.last.filter(|_| extent == Extent::Changes);
        let position = Position {
            partition: self.number,
            partitions: PARTITIONS,
            offset,
            after,
            committed: offset,
            asked: SEMANTICS,
        };
        self.last = Some(offset);
        self.since.clear();
        let began = thread_cpu();
        let state = self.machine.freeze();
        let frozen = thread_cpu() - began;
        let store = Arc::clone(store);
        let writing = std::thread::spawn(move || {
            let began = Instant::now();
            let bytes = snapshot::encode(&state, extent);
            store.put(&position, &bytes).expect("the folder takes it");
            (began.elapsed(), bytes.len())
        });
        let mut record = Duration::ZERO;
        while !writing.is_finished() {
            record = record.max(self.go_on(PACK));
        }
        let (written, bytes) = writing.join().expect("the writing thread ends");
        Taken { frozen, record, written, bytes }
    }

    fn die(self) -> Left {
        Left { number: self.number, offset: self.last.expect("a snapshot was taken"), since: self.since }
    }
}

/// Restores a partition from its chain and replays the facts since.
fn come_back(left: &Left, store: &SnapshotStore) {
    let Left { number, offset, .. } = *left;
    let began = Instant::now();
    let entries = store.list(number).expect("the folder is there");
    let links = entries.first().and_then(|newest| chain(&entries, newest)).expect("a whole chain");
    let read = |entry| store.get(number, PARTITIONS, entry).expect("readable").expect("undamaged");
    let snapshots: Vec<bytes::Bytes> = links.iter().map(|entry| read(entry)).collect();
    let partition =
        snapshot::decode(snapshots.iter().map(|bytes| &**bytes), identity(number), &Loader::new());
    let restored = began.elapsed();
    let mut machine = Machine::new(partition.expect("our own snapshot"), offset, u64::MAX, surroundings());
    let before = machine.partition().tally().facts_applied;
    let mut portion = Portion::default();
    for (at, bytes) in (offset..).zip(&left.since) {
        machine.apply(at, bytes, &mut portion).expect("our own facts");
        portion = Portion::default();
    }
    let applied = machine.partition().tally().facts_applied - before;
    assert_eq!(
        applied,
        left.since.len() as u64 * u64::from(PACK),
        "every fact since the snapshot is applied"
    );
    println!(
        "partition {number}: {} snapshots read and restored in {restored:?}, caught up after {:?}",
        snapshots.len(),
        began.elapsed()
    );
}
