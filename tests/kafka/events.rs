//! What is fed: the data set `mule-chains` where it is, else a generated set with the same columns.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

const HEADER: &str = "event_id,ts_ms,from_account,to_account,amount,type";
const GENERATED_COUNT: usize = 100_000;

pub struct Events {
    pub path: PathBuf,
    pub count: usize,
    pub origin: &'static str,
}

/// What the rows of a generated set are like.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Begins every event id and file name: no two sets may share it.
    pub name: &'static str,
    pub count: usize,
    /// Another one gives other payments.
    pub seed: u64,
    /// Time of the first event, epoch milliseconds.
    pub start_ms: u64,
    /// How much shorter than usual the times between events are: by this factor.
    pub faster: u64,
    /// Every other payment goes to one and the same receiver.
    pub hot: bool,
    /// Of a hundred rows, so many are garbage.
    pub garbage_percent: u64,
}

impl Shape {
    pub const PLAIN: Shape = Shape {
        name: "E",
        count: 0,
        seed: 0,
        start_ms: 1_735_689_600_000,
        faster: 1,
        hot: false,
        garbage_percent: 0,
    };
}

impl Events {
    /// All of `mule-chains`, or as good a number of generated ones.
    pub fn all(folder: &Path) -> Events {
        let Some(set) = mule_chains() else { return Events::generated(folder, GENERATED_COUNT) };
        let path = folder.join("events.csv");
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let count = copy(&set, &mut file);
        file.flush().unwrap();
        Events { path, count, origin: "mule-chains" }
    }

    pub fn generated(folder: &Path, count: usize) -> Events {
        Events::shaped(folder, Shape { count, ..Shape::PLAIN })
    }

    pub fn shaped(folder: &Path, shape: Shape) -> Events {
        let path = folder.join(format!("events-{}.csv", shape.name));
        let mut file = BufWriter::new(File::create(&path).unwrap());
        generate(&mut file, shape);
        file.flush().unwrap();
        Events { path, count: shape.count, origin: "a generated set" }
    }
}

fn mule_chains() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/datasets");
    let sets = std::env::var_os("DUECOURSE_DATASETS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let events = sets.join("mule-chains/events.csv.gz");
    events.exists().then_some(events)
}

/// Everything, unpacked; the number of rows.
fn copy(set: &Path, out: &mut impl Write) -> usize {
    let mut count = 0;
    for line in BufReader::new(MultiGzDecoder::new(File::open(set).unwrap())).lines() {
        writeln!(out, "{}", line.unwrap()).unwrap();
        count += 1;
    }
    count - 1
}

/// Payments between customers, and every so often a chain.
fn generate(out: &mut impl Write, shape: Shape) {
    let Shape { name, count, seed, start_ms, faster, hot, garbage_percent } = shape;
    let (mut dice, mut passed_ms) = (Dice::new(seed), 0);
    writeln!(out, "{HEADER}").unwrap();
    let mut written = 0;
    while written < count {
        passed_ms += 200 + dice.below(20_000);
        let mut rows: Vec<(String, String, u64)> = Vec::new();
        if dice.below(60) == 0 {
            rows.extend(chain(written, &mut dice));
        } else {
            let receiver = format!("G{:05}", dice.below(2_000));
            let to = if hot && dice.below(2) == 0 { "HOT".to_owned() } else { receiver };
            rows.push((format!("G{:05}", dice.below(2_000)), to, 500 + dice.below(60_000)));
        }
        for (from, to, fen) in rows {
            if written == count {
                break;
            }
            passed_ms += 1_000 + dice.below(30_000);
            let time_ms = start_ms + passed_ms / faster;
            if dice.below(100) < garbage_percent {
                writeln!(out, "{}", garbage(&mut dice, written)).unwrap();
            } else {
                let (yuan, fen) = (fen / 100, fen % 100);
                writeln!(out, "{name}{written:07},{time_ms},{from},{to},{yuan}.{fen:02},transfer").unwrap();
            }
            written += 1;
        }
    }
}

/// Two customers who deal in small sums, and then a large one goes through the first to the second: the
/// built-in rule `chain_hop` acts on it without having seen a whole week.
fn chain(number: usize, dice: &mut Dice) -> Vec<(String, String, u64)> {
    let (first, second) = (format!("M{number:07}A"), format!("M{number:07}B"));
    let other = |dice: &mut Dice| format!("G{:05}", dice.below(2_000));
    let mut rows: Vec<(String, String, u64)> = (0..9).map(|_| (other(dice), second.clone(), 2_000)).collect();
    rows.extend((0..4).map(|_| (second.clone(), other(dice), 900)));
    rows.extend((0..8).map(|_| (other(dice), first.clone(), 2_000)));
    rows.push((format!("V{number:07}"), first.clone(), 500_000 + dice.below(90_000)));
    rows.push((first, second, 400_000));
    rows
}

/// A line that no mapping can read.
fn garbage(dice: &mut Dice, number: usize) -> String {
    match dice.below(4) {
        0 => format!("X{number:07},yesterday,A,B,1.00,transfer"),
        1 => format!("X{number:07},1735689600000,A,B,much,transfer"),
        2 => format!("X{number:07},1735689600000,A"),
        _ => "\u{fffd}{\u{0}garbage,,,,".to_owned(),
    }
}

/// xorshift64*: the same numbers every time for the same seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        // The state must not be 0.
        let mut dice = Dice((seed ^ 0x9E37_79B9_7F4A_7C15).max(1));
        // Near seeds begin alike.
        for _ in 0..if seed == 0 { 0 } else { 16 } {
            dice.below(1);
        }
        dice
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }
}
