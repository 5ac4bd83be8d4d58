//! What an event costs over real Kafka, and how long it takes from the source's append to a
//! `read_committed` reader; the workload is `benches/traffic`, described in `benches/peers/README.md`.
//!
//! `scripts/with-kafka cargo bench --bench kafka_path` (or `make bench`). CPU is of all our processes, by
//! stage; the broker's is not counted. Latency stands beside a bare transactional pass-through of the same
//! events in the same run. `DUECOURSE_BENCH_EVENTS`, `DUECOURSE_BENCH_SECONDS`, `DUECOURSE_BENCH_SETTINGS` and
//! `DUECOURSE_BENCH_PROPERTIES` change sizes, settings and client settings; arguments choose cases by name.

mod kafka;
mod traffic;

use std::path::Path;
use std::time::Duration;

use kafka::append::{append, appended};
use kafka::deployment::Deployment;
use kafka::pass_through::PassThrough;
use kafka::process::{Stage, Used};
use kafka::reader::{Reader, Seen};
use kafka::releases::Reviewer;
use kafka::stages::classify_and_pack;
use traffic::{Events, Population, Windows};

const HOLDERS: usize = 1_000_000;
const RATE: u64 = 20_000;
/// Processes are given this long to join their groups and decide the first events, and again for the last.
const SETTLE_MAX: Duration = Duration::from_secs(120);
/// Events before those whose latency counts.
const FIRST: usize = 10_000;
/// Event time that passes in one run: more than twice the longest window.
const DAYS: u64 = 400;
/// 60,000 events in six minutes, and as many in half a year: the windows of both rows turn over three times in
/// 200,000 events.
const MINUTE_GAP_MS: u64 = 6;
/// Events of which parts of intake are timed alone.
const SAMPLE: usize = 100_000;
const DISPOSITION_TIME: &[u8] = b"\"at\":\"";
const EVENT_TIME: &[u8] = b"\"time\":\"";

fn main() {
    let Ok(servers) = std::env::var("DUECOURSE_KAFKA") else {
        println!("kafka_path: no broker; `scripts/with-kafka cargo bench --bench kafka_path` starts one");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bench = Bench { folder: folder.path(), servers: &servers };
    let count = number("DUECOURSE_BENCH_EVENTS", 300_000);
    let chosen: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|one| one == name);
    println!("CPU by stage, {count} events there before intake starts");
    let month = population(count, false);
    let hot = Population { hot: true, ..month };
    let minute = Population { gap_ms: MINUTE_GAP_MS, ..month };
    let half_year = Population { gap_ms: MINUTE_GAP_MS * Windows::SPED_UP, ..month };
    for (name, windows, population) in [
        ("month", Windows::MONTH, month),
        ("hot", Windows::MONTH, hot),
        ("minute", Windows::MINUTE, minute),
        ("half-year", Windows::HALF_YEAR, half_year),
    ] {
        if is_chosen(name) {
            bench.cpu(name, windows, population, count);
        }
    }
    let seconds = number("DUECOURSE_BENCH_SECONDS", 10);
    println!("latency at {RATE} events/s for {seconds} s, from append to a read_committed reader");
    if is_chosen("pass-through") {
        bench.pass_through(seconds * RATE);
    }
    for (name, hot) in [("latency", false), ("latency-hot", true)] {
        if is_chosen(name) {
            bench.latency(name, hot, seconds * RATE);
        }
    }
    if is_chosen("releases") {
        println!("from a decided appeal to its published release, at {} events/s and in a burst", RATE / 2);
        bench.releases(seconds * RATE / 2);
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// A device meets about one payment in 24 days, whatever the number of events.
fn population(count: u64, hot: bool) -> Population {
    let devices = (count * 2 / 5 * 60 / DAYS).max(1);
    Population { holders: HOLDERS, devices, gap_ms: (DAYS * 86_400_000 / count).max(1), hot }
}

struct Bench<'b> {
    folder: &'b Path,
    servers: &'b str,
}

impl Bench<'_> {
    /// All events are there before intake starts, and all facts before decide starts.
    fn cpu(&self, name: &str, windows: Windows, population: Population, count: u64) {
        let deployment = Deployment::prepare(self.folder, self.servers, name, windows);
        let events = Events::new(population).take(count as usize);
        append(self.servers, &deployment.source_topic(), events, None);
        let reader = self.dispositions(&deployment, population.gap_ms);
        let intake = deployment.start("intake", &["--until-end"]).wait("intake");
        let decide = deployment.start("decide", &["--until-end"]).wait("decide");
        reader.settle(SETTLE_MAX);
        let dispositions = reader.end().len();
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / count as f64;
        println!(
            "{name:10} windows {} to {}: {:.2} us CPU an event, {dispositions} measures set",
            windows.spans[0],
            windows.spans[5],
            each(intake.whole + decide.whole)
        );
        stages("intake", &intake, "receive, classify, pack, hand over", each);
        let sample: Vec<String> = Events::new(population).take(SAMPLE).collect();
        let (classifying, packing) = classify_and_pack(&sample);
        let of_sample = |cpu: Duration| cpu.as_secs_f64() * 1e6 / SAMPLE as f64;
        println!(
            "           of that, alone: classify {:.2} us, pack and encode {:.2} us",
            of_sample(classifying),
            of_sample(packing)
        );
        stages("decide", &decide, "receive, hand over, commit", each);
    }

    fn dispositions(&self, deployment: &Deployment, gap_ms: u64) -> Reader {
        Reader::start(self.servers, &deployment.dispositions_topic(), DISPOSITION_TIME, gap_ms)
    }

    fn pass_through(&self, count: u64) {
        // Its topics come with a deployment that is never started.
        let deployment = Deployment::prepare(self.folder, self.servers, "pass-through", Windows::MONTH);
        let (from, to) = (deployment.source_topic(), deployment.dispositions_topic());
        let reader = Reader::start(self.servers, &to, EVENT_TIME, population(count, false).gap_ms);
        let copying = PassThrough::start(self.servers, &from, &to);
        self.steady("pass-through", &from, reader, population(count, false), count);
        copying.end();
    }

    /// Intake and decide are up while events come at a steady rate.
    fn latency(&self, name: &str, hot: bool, count: u64) {
        let deployment = Deployment::prepare(self.folder, self.servers, name, Windows::MONTH);
        let population = population(count, hot);
        let reader = self.dispositions(&deployment, population.gap_ms);
        let running = ["intake", "decide"].map(|name| (name, deployment.start(name, &[])));
        self.steady(name, &deployment.source_topic(), reader, population, count);
        for (command, process) in running {
            process.terminate();
            let used = process.wait(command);
            let each_us = used.whole.as_secs_f64() * 1e6 / count as f64;
            println!("           {command}: {each_us:.2} us CPU an event, waiting included");
        }
    }

    /// Appeals are decided for the person while others' events come at half the rate, then at ten times that.
    fn releases(&self, count: u64) {
        let population = population(count, false);
        for (name, rate, seconds) in [("half load", RATE / 2, count / (RATE / 2)), ("burst", RATE * 5, 2)] {
            let deployment = Deployment::prepare(self.folder, self.servers, "releases", Windows::MONTH);
            let (source, dispositions) = (deployment.source_topic(), deployment.dispositions_topic());
            let reader = self.dispositions(&deployment, population.gap_ms);
            let reviewer = Reviewer::start(self.servers, &source, &dispositions, population.gap_ms);
            let running = ["intake", "decide"].map(|name| (name, deployment.start(name, &[])));
            let parties = reviewer.parties.clone();
            let mut events = Events::new(population).enumerate().map(|(number, event)| {
                if let Some((holder, account)) = payer(&event) {
                    parties.send((number, holder, account)).expect("the reviewer listens");
                }
                event
            });
            append(self.servers, &source, events.by_ref().take(FIRST), Some(RATE / 2));
            reader.settle(SETTLE_MAX);
            // What was released while all came up is not counted.
            reviewer.begin();
            append(self.servers, &source, events.take((rate * seconds) as usize), Some(rate));
            reader.settle(SETTLE_MAX);
            let waited = reviewer.end();
            let at =
                |part: f64| waited.get((part * waited.len() as f64) as usize).copied().unwrap_or(f64::NAN);
            println!(
                "{name:12} {:5} releases: p50 {:.0} ms, p99 {:.0} ms, p99.9 {:.0} ms, longest {:.0} ms",
                waited.len(),
                at(0.5),
                at(0.99),
                at(0.999),
                waited.last().copied().unwrap_or(f64::NAN)
            );
            reader.end();
            for (command, process) in running {
                process.terminate();
                process.wait(command);
            }
        }
    }

    /// The first events until all is up, then the others at the rate.
    fn steady(&self, name: &str, source: &str, reader: Reader, population: Population, count: u64) {
        let mut events = Events::new(population).take(count as usize + FIRST);
        append(self.servers, source, events.by_ref().take(FIRST), Some(RATE));
        reader.settle(SETTLE_MAX);
        append(self.servers, source, events, Some(RATE));
        reader.settle(SETTLE_MAX);
        self.print(name, source, &reader.end(), population.gap_ms, count as usize + FIRST);
    }

    fn print(&self, name: &str, source: &str, seen: &Seen, gap_ms: u64, count: usize) {
        let appended = appended(self.servers, source, gap_ms, count);
        let counted = seen.iter().filter(|(number, _)| *number >= FIRST);
        let mut waited: Vec<f64> =
            counted.filter_map(|(number, at)| Some(at - *appended.get(*number)? as f64)).collect();
        waited.sort_by(f64::total_cmp);
        let at = |part: f64| waited.get((part * waited.len() as f64) as usize).copied().unwrap_or(f64::NAN);
        println!(
            "{name:12} {:7} records: p50 {:.0} ms, p99 {:.0} ms, p99.9 {:.0} ms",
            waited.len(),
            at(0.5),
            at(0.99),
            at(0.999)
        );
    }
}

/// The holder's and the account's names of a generated event.
fn payer(event: &str) -> Option<(String, String)> {
    let after = |field: &str| {
        let (_, rest) = event.split_once(field)?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    Some((after("\"holder\":\"")?, after("\"ref\":\"")?))
}

fn stages(name: &str, used: &Used, of_loop: &str, each: impl Fn(Duration) -> f64) {
    println!("  {name:7} {:6.2} us", each(used.whole));
    for (stage, cpu) in &used.stages {
        let what = match stage {
            Stage::Loop => of_loop,
            Stage::Partitions => "decode, apply, encode",
            Stage::Client => "Kafka client's threads",
            Stage::Others => "others",
        };
        println!("    {:6.2} us {what}", each(*cpu));
    }
}
