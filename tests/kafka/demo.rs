//! The finish line: feed, intake and decide as processes of their own over a real broker, each killed
//! with SIGKILL again and again; then `verify` counts what was lost, doubled or decided otherwise.
//!
//! A kill of `decide` counts as one that met an open transaction only if the broker says so after the
//! kill and before the restart: then nothing can still be on its way to end it.

use std::time::{Duration, Instant};

use crate::deployment::Deployment;
use crate::events::Events;
use crate::held::{busiest, transfers_held};
use crate::process::Process;

/// What a run of the demonstration is to reach.
struct Scale {
    /// `None`: all there are.
    events: Option<usize>,
    /// Rows a second while processes are being killed.
    rate: u32,
    kills_each: u32,
    open_transactions_min: u32,
}

const SMALL: Scale = Scale { events: Some(20_000), rate: 200, kills_each: 2, open_transactions_min: 3 };
const FULL: Scale = Scale { events: None, rate: 1_000, kills_each: 4, open_transactions_min: 5 };

/// A commit that was on its way when `decide` was frozen may still arrive, so some kills come too late for
/// their transaction. They are kills all the same; more follow until enough met an open one.
const KILLS_OF_DECIDE_MAX: u32 = 15;
/// A transaction must be found open within this time, or something is wrong.
const OPEN_TRANSACTION_WITHIN_MAX: Duration = Duration::from_secs(60);
/// From the last kill to the end of everything.
const CATCH_UP_WITHIN_MAX: Duration = Duration::from_secs(600);

#[test]
fn killed_at_any_time() {
    let scale = match std::env::var("DUECOURSE_DEMO_EVENTS").as_deref() {
        Ok("all") => FULL,
        _ => SMALL,
    };
    let folder = tempfile::tempdir().unwrap();
    let events = match scale.events {
        Some(count) => Events::generated(folder.path(), count),
        None => Events::all(folder.path()),
    };
    println!("{} events of {}", events.count, events.origin);
    let demo = Deployment::prepare(folder.path(), 4);
    let mut feed = demo.feed(&events.path, Some(scale.rate));
    let mut intake = demo.start("intake", &[]);
    let mut decide = demo.start("decide", &[]);

    let mut kills = Kills::default();
    for round in 0..KILLS_OF_DECIDE_MAX {
        if round >= scale.kills_each && kills.open_transactions >= scale.open_transactions_min {
            break;
        }
        if kill_in_transaction(&demo, &mut decide) {
            kills.open_transactions += 1;
        }
        kills.decide += 1;
        decide.restart();
        if round < scale.kills_each {
            pause(round, 300);
            intake.kill();
            kills.intake += 1;
            intake.restart();
            pause(round, 700);
            assert!(feed.is_running(), "feed ended before it could be killed: {}", feed.log());
            feed.kill();
            kills.feed += 1;
            feed.restart();
        }
        assert!(intake.is_running(), "intake ended by itself: {}", intake.log());
        assert!(decide.is_running(), "decide ended by itself: {}", decide.log());
    }

    feed.kill();
    kills.feed += 1;
    let catching_up = Instant::now();
    let mut feed = demo.feed(&events.path, None);
    feed.finish(CATCH_UP_WITHIN_MAX);
    intake.terminate();
    demo.start("intake", &["--until-end"]).finish(CATCH_UP_WITHIN_MAX);
    decide.terminate();
    demo.start("decide", &["--until-end"]).finish(CATCH_UP_WITHIN_MAX);
    println!("caught up in {:.1} s after the last kill", catching_up.elapsed().as_secs_f64());

    let counts = demo.verify();
    println!("{counts}");
    println!(
        "kill -9: feed {}, intake {}, decide {}; met an open transaction: {}",
        kills.feed, kills.intake, kills.decide, kills.open_transactions
    );
    let count = |name: &str| counts.get(name).and_then(serde_json::Value::as_u64);
    assert_eq!(count("inputs"), Some(events.count as u64), "inputs");
    assert_eq!(count("covered"), Some(events.count as u64), "covered");
    assert_eq!(count("lost"), Some(0), "lost");
    assert_eq!(count("doubled"), Some(0), "doubled");
    assert_eq!(count("mismatched"), Some(0), "mismatched");
    assert!(count("dispositions").is_some_and(|dispositions| dispositions > 0), "no dispositions");

    // What intake wrote again after a kill is told to the person once.
    if scale.events.is_some() {
        let (customer, transfers) = busiest(&events.path);
        assert_eq!(transfers_held(&demo, &customer), transfers, "{customer}");
    }
    assert!(kills.open_transactions >= scale.open_transactions_min, "too few kills met an open transaction");
}

#[derive(Default)]
struct Kills {
    feed: u32,
    intake: u32,
    decide: u32,
    open_transactions: u32,
}

/// Stops `decide` in its tracks until the broker says that a transaction is open, and kills it.
/// True if the transaction was still open after the kill.
fn kill_in_transaction(deployment: &Deployment, decide: &mut Process) -> bool {
    let deadline = Instant::now() + OPEN_TRANSACTION_WITHIN_MAX;
    let mut looks = 0;
    while Instant::now() < deadline {
        assert!(decide.is_running(), "decide ended by itself: {}", decide.log());
        decide.freeze();
        looks += 1;
        if deployment.has_open_transaction() {
            decide.kill();
            let is_open = deployment.has_open_transaction();
            println!("killed decide; a transaction was open: {is_open} (looked {looks} times)");
            return is_open;
        }
        decide.thaw();
        std::thread::sleep(Duration::from_millis(13));
    }
    println!("no open transaction in {looks} looks: {}", decide.log());
    decide.kill();
    false
}

/// Some milliseconds that differ from round to round.
fn pause(round: u32, base_ms: u64) {
    std::thread::sleep(Duration::from_millis(base_ms + u64::from(round) * 137 % 400));
}
