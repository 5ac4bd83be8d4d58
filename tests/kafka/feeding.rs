//! Feed writes each row once, in order, with feedback where it became known.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use duecourse::log::kafka::{AckedProducer, OutMessage, read_topic};

use crate::deployment::Deployment;

const DONE_WITHIN_MAX: Duration = Duration::from_secs(60);

#[test]
fn rows_and_feedback_are_written_once_however_often_feed_starts() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("events.csv");
    let labels = folder.path().join("labels.csv");
    let day_ms = 86_400_000_u64;
    let start_ms = 1_735_689_600_000;
    let mut text = String::from("event_id,ts_ms,from_account,to_account,amount,type\n");
    for number in 0..10 {
        text.push_str(&format!("E{number},{},A{number},B,1.00,transfer\n", start_ms + number * day_ms));
    }
    text.push_str(&format!("LEAP,{},A,B,1.00,transfer\n", start_ms + 500 * day_ms));
    std::fs::write(&rows, text).unwrap();
    let known_ms = start_ms + 5 * day_ms + 1;
    std::fs::write(
        &labels,
        format!(
            "kind,id,label_available_ts_ms\nevent,E2,{known_ms}\nevent,E3,\naccount,A1,{known_ms}\nevent,NONE,{known_ms}\n"
        ),
    )
    .unwrap();

    let deployment = Deployment::prepare(folder.path(), 2);
    let topic = deployment.topic("events");
    let paths = [rows.to_str().unwrap(), labels.to_str().unwrap()];
    let arguments =
        ["--input", paths[0], "--feedback", paths[1], "--source", "labelled-csv", "--topic", &topic];
    for _ in 0..2 {
        let mut feed = deployment.start("feed", &[&arguments[..], &["--partition", "1"]].concat());
        feed.finish(DONE_WITHIN_MAX);
        let log = feed.log();
        assert!(log.contains(r#"{"input":0,"line":12,"reason":"time_jump"}"#), "{log}");
        assert!(log.contains(r#"{"input":2,"line":5,"reason":"feedback_unmatched"}"#), "{log}");
    }
    let mut values = Vec::new();
    read_topic(&deployment.connection, &topic, &mut |record| {
        assert_eq!(record.partition, 1);
        values.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
        ControlFlow::Continue(())
    })
    .unwrap();
    let firsts: Vec<&str> = values.iter().map(|value| value.split(',').next().unwrap()).collect();
    assert_eq!(firsts, ["E0", "E1", "E2", "E3", "E4", "E5", "event", "E6", "E7", "E8", "E9"]);
    assert_eq!(values[6], format!("event,E2,{known_ms},A2,,B,,,,100,CNY"));

    let mut intake = deployment.start("intake", &["--until-end"]);
    intake.finish(DONE_WITHIN_MAX);
    assert!(intake.log().contains("accepted 11, refused 0"), "{}", intake.log());
}

/// A feed that was killed had rows on their way to several partitions, and those of one arrived.
#[test]
fn a_feed_that_is_stopped_fills_what_a_killed_one_left_out_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("events.csv");
    let mut text = String::from("event_id,ts_ms,from_account,to_account,amount,type\n");
    for number in 0..40_u64 {
        text.push_str(&format!("E{number},{},A{number},B,1.00,transfer\n", 1_735_689_600_000 + number));
    }
    std::fs::write(&rows, text).unwrap();
    let whole = Deployment::prepare(&made(folder.path(), "whole"), 2);
    whole.feed(&rows, None).finish(DONE_WITHIN_MAX);

    let torn = Deployment::prepare(&made(folder.path(), "torn"), 2);
    let mut producer = AckedProducer::connect(&torn.connection, "test", 0).unwrap();
    let mut arrived = 0;
    read_topic(&whole.connection, &whole.topic("events"), &mut |record| {
        if record.partition == 1 {
            let (topic, timestamp_ms) = (torn.topic("events"), Some(record.timestamp_ms));
            let (key, value, headers) = (record.key, record.value, record.headers);
            let message = OutMessage { topic: &topic, partition: Some(1), key, value, timestamp_ms, headers };
            producer.send(message).unwrap();
            arrived += 1;
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    producer.flush(DONE_WITHIN_MAX).unwrap();
    assert!((10..30).contains(&arrived), "rows are in both partitions");

    let mut feed = torn.feed(&rows, Some(10));
    let deadline = Instant::now() + DONE_WITHIN_MAX;
    while numbers(&torn).len() < arrived + 2 {
        assert!(Instant::now() < deadline, "{}", feed.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(feed.leave(DONE_WITHIN_MAX), "{}", feed.log());
    let numbers = numbers(&torn);
    assert!(numbers.len() > arrived + 2, "it was stopped while rows were missing");
    assert!((0..).zip(&numbers).all(|(wanted, number)| wanted == *number), "not the first rows: {numbers:?}");
}

fn made(folder: &Path, name: &str) -> PathBuf {
    let folder = folder.join(name);
    std::fs::create_dir(&folder).unwrap();
    folder
}

/// The numbers of the rows in the source, in order.
fn numbers(deployment: &Deployment) -> Vec<u64> {
    let mut numbers = Vec::new();
    read_topic(&deployment.connection, &deployment.topic("events"), &mut |record| {
        let (_, number) = std::str::from_utf8(record.key.unwrap()).unwrap().split_once('/').unwrap();
        numbers.push(number.parse().unwrap());
        ControlFlow::Continue(())
    })
    .unwrap();
    numbers.sort_unstable();
    numbers
}
