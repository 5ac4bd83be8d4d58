//! Torn writes at every byte, flipped bits, reopening, and the deciding side.

use std::path::Path;
use std::time::Duration;

use super::frames::{FrameReader, FrameWriter};
use super::*;
use crate::codec::output::{OutRecord, Topic};
use crate::log::{Batch, DecideEvent, DecideLog};

const PAYLOADS: [&[u8]; 4] = [b"one", b"", b"three, a longer one", b"4"];

fn written(path: &Path, synced: usize) -> Vec<u8> {
    let mut writer = FrameWriter::open(path).unwrap();
    for (number, payload) in PAYLOADS.iter().enumerate() {
        if number == synced {
            writer.sync().unwrap();
        }
        assert_eq!(writer.append(payload).unwrap(), number as u64);
    }
    std::fs::read(path).unwrap()
}

fn payloads(path: &Path) -> Vec<Vec<u8>> {
    let mut reader = FrameReader::open(path).unwrap();
    let mut all = Vec::new();
    while let Some(payload) = reader.next_payload().unwrap() {
        all.push(payload.to_vec());
    }
    all
}

#[test]
fn a_file_cut_at_any_byte_keeps_its_whole_frames_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts-0.log");
    let bytes = written(&path, usize::MAX);
    let ends: Vec<usize> = PAYLOADS
        .iter()
        .scan(16, |end, payload| {
            *end += 24 + payload.len();
            Some(*end)
        })
        .collect();
    for cut in 0..=bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let mut writer = FrameWriter::open(&path).unwrap();
        assert_eq!(writer.frames(), whole as u64, "cut at {cut}");
        writer.append(b"after").unwrap();
        let mut expected: Vec<Vec<u8>> = PAYLOADS[..whole].iter().map(|payload| payload.to_vec()).collect();
        expected.push(b"after".to_vec());
        assert_eq!(payloads(&path), expected, "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_never_passes_as_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts-0.log");
    let bytes = written(&path, usize::MAX);
    for place in 16..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            std::fs::write(&path, &flipped).unwrap();
            let left = payloads(&path);
            assert!(left.len() < PAYLOADS.len(), "byte {place} bit {bit}");
            assert!(left.iter().zip(PAYLOADS).all(|(left, written)| left == written));
        }
    }
}

#[test]
fn damage_in_what_was_durable_is_an_error_and_not_a_shorter_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts-0.log");
    // The last frame says that the three before it were durable.
    let bytes = written(&path, 3);
    let last = bytes.len() - (24 + PAYLOADS[3].len());
    for place in 16..last {
        let mut flipped = bytes.clone();
        flipped[place] ^= 0x10;
        std::fs::write(&path, &flipped).unwrap();
        assert!(matches!(FrameWriter::open(&path), Err(LogError::Damaged(_))), "byte {place}");
        assert_eq!(std::fs::read(&path).unwrap(), flipped, "it must be left as it was");
    }
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts-0.log");
    for other in [&b"event_id,ts_ms\n"[..], b"event_id,ts_ms,from_account\n"] {
        std::fs::write(&path, other).unwrap();
        assert!(matches!(FrameWriter::open(&path), Err(LogError::Damaged(_))));
    }
}

fn record(topic: Topic, key: &str, value: Option<&str>) -> OutRecord {
    OutRecord { topic, key: key.into(), value: value.map(|value| value.as_bytes().to_vec()) }
}

#[test]
fn a_journal_cut_anywhere_holds_whole_commits_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = outputs_path(folder.path(), 0);
    let batches = [
        Batch { partition: 0, next_offset: 3, records: vec![record(Topic::Dispositions, "a", Some("{}"))] },
        Batch { partition: 0, next_offset: 5, records: vec![] },
        Batch {
            partition: 0,
            next_offset: 9,
            records: vec![record(Topic::Measures, "a", None), record(Topic::Notices, "", Some(""))],
        },
    ];
    let mut journal = Journal::open(&path).unwrap();
    let mut ends = vec![(16, None)];
    for batch in &batches {
        journal.commit(batch).unwrap();
        ends.push((std::fs::metadata(&path).unwrap().len() as usize, Some(batch.next_offset)));
    }
    let bytes = std::fs::read(&path).unwrap();
    for cut in 0..=bytes.len() {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let expected = ends.iter().rev().find(|(end, _)| *end <= cut).and_then(|(_, offset)| *offset);
        assert_eq!(Journal::open(&path).unwrap().committed(), expected, "cut at {cut}");
        let mut read = Vec::new();
        committed_batches(&path, 0, |batch| {
            read.push(batch);
            Ok(())
        })
        .unwrap();
        for (read, written) in read.iter().zip(&batches) {
            assert_eq!((read.next_offset, &read.records), (written.next_offset, &written.records));
        }
    }
}

#[test]
fn a_commit_does_not_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&outputs_path(folder.path(), 0)).unwrap();
    journal.commit(&Batch { partition: 0, next_offset: 4, records: vec![] }).unwrap();
    let back = journal.commit(&Batch { partition: 0, next_offset: 3, records: vec![] });
    assert!(matches!(back, Err(LogError::Refused(_))));
}

fn offsets(events: &[DecideEvent]) -> Vec<(u32, u64)> {
    events
        .iter()
        .filter_map(|event| match event {
            DecideEvent::Record { partition, offset, .. } => Some((*partition, *offset)),
            _ => None,
        })
        .collect()
}

#[test]
fn deciding_goes_on_where_the_last_commit_ended() {
    let folder = tempfile::tempdir().unwrap();
    {
        let log = LocalLog::open(folder.path(), 2, SyncPolicy::EveryCommit).unwrap();
        let facts = log.facts();
        for record in [b"a", b"b", b"c"] {
            facts.append(0, record).unwrap();
        }
        facts.append(1, b"d").unwrap();
        let mut decide = log.decide().unwrap();
        let assigned = decide.poll(Duration::ZERO).unwrap();
        assert!(matches!(assigned[0], DecideEvent::Assigned { partition: 0, committed: None }));
        assert!(decide.poll(Duration::ZERO).unwrap().is_empty(), "nothing before start");
        decide.start(0, 0).unwrap();
        decide.start(1, 0).unwrap();
        assert_eq!(offsets(&decide.poll(Duration::ZERO).unwrap()), [(0, 0), (0, 1), (0, 2), (1, 0)]);
        decide.commit(&[Batch { partition: 0, next_offset: 2, records: vec![] }]).unwrap();
        decide.send_reports(&[(1, b"report".to_vec())]).unwrap();
        assert_eq!(offsets(&decide.poll(Duration::ZERO).unwrap()), [(1, 1)]);
        assert_eq!(decide.ends().unwrap(), [(0, 3), (1, 2)]);
    }
    let log = LocalLog::open(folder.path(), 2, SyncPolicy::EveryCommit).unwrap();
    let mut decide = log.decide().unwrap();
    let assigned = decide.poll(Duration::ZERO).unwrap();
    assert!(matches!(assigned[0], DecideEvent::Assigned { partition: 0, committed: Some(2) }));
    assert!(matches!(assigned[1], DecideEvent::Assigned { partition: 1, committed: None }));
    decide.start(0, 2).unwrap();
    assert_eq!(offsets(&decide.poll(Duration::ZERO).unwrap()), [(0, 2)]);
    assert!(matches!(decide.start(0, 4), Err(LogError::Refused(_))));
}

#[test]
fn a_waiting_reader_gets_what_another_thread_appends() {
    let folder = tempfile::tempdir().unwrap();
    let log = LocalLog::open(folder.path(), 1, SyncPolicy::Interval(Duration::from_secs(1))).unwrap();
    let mut decide = log.decide().unwrap();
    decide.poll(Duration::ZERO).unwrap();
    decide.start(0, 0).unwrap();
    let facts = log.facts();
    let appending = std::thread::spawn(move || {
        for number in 0..1000_u32 {
            facts.append(0, &number.to_le_bytes()).unwrap();
        }
    });
    let mut read = 0_u32;
    while read < 1000 {
        for event in decide.poll(Duration::from_secs(5)).unwrap() {
            let DecideEvent::Record { offset, bytes, .. } = event else { panic!("a record") };
            assert_eq!((offset, &bytes[..]), (u64::from(read), &read.to_le_bytes()[..]));
            read += 1;
        }
    }
    appending.join().unwrap();
    decide.close();
}

#[test]
fn a_paused_partition_delivers_nothing_until_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let log = LocalLog::open(folder.path(), 1, SyncPolicy::EveryCommit).unwrap();
    log.facts().append(0, b"a").unwrap();
    let mut decide = log.decide().unwrap();
    decide.poll(Duration::ZERO).unwrap();
    decide.start(0, 0).unwrap();
    decide.pause(0, true).unwrap();
    assert!(decide.poll(Duration::ZERO).unwrap().is_empty());
    decide.pause(0, false).unwrap();
    assert_eq!(offsets(&decide.poll(Duration::ZERO).unwrap()), [(0, 0)]);
}

#[test]
fn two_processes_cannot_have_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _held = LocalLog::open(folder.path(), 1, SyncPolicy::EveryCommit).unwrap();
    let second = LocalLog::open(folder.path(), 1, SyncPolicy::EveryCommit);
    assert!(matches!(second, Err(LogError::Refused(_))));
}
