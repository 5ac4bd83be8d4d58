//! Rebalances: partitions go from one worker to another with their outputs settled in between.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use duecourse::codec::output::{OutRecord, Topic};
use duecourse::log::{Batch, CommitOutcome, DecideEvent, DecideLog};

use crate::cluster::{Cluster, poll_both_until, poll_until};

fn output(partition: u32, number: u64) -> OutRecord {
    let text = format!("{partition}:{number}");
    OutRecord { topic: Topic::Dispositions, key: text.clone().into_bytes(), value: Some(text.into_bytes()) }
}

#[test]
fn a_revoked_partition_is_settled_after_the_callback_and_only_then_given_away() {
    let cluster = Cluster::with_topics(4);
    for partition in 0..4 {
        cluster.write_facts(partition, (0..50).map(|n: u32| n.to_be_bytes().to_vec()));
    }
    let mut first = cluster.worker("a", "ta");
    let mut read: BTreeMap<u32, u64> = BTreeMap::new();
    let mut records = 0;
    poll_until(&mut first, |log, event| {
        match event {
            DecideEvent::Assigned { partition, committed } => {
                assert_eq!(committed, None);
                log.start(partition, 0).unwrap();
            }
            DecideEvent::Record { partition, offset, .. } => {
                assert_eq!(read.insert(partition, offset + 1).unwrap_or(0), offset);
                records += 1;
            }
            other => panic!("{other:?}"),
        }
        records == 200
    });

    // A second worker joins: half is taken away, and is not given to it before we let go.
    let mut second = cluster.worker("b", "tb");
    let mut revoked = Vec::new();
    poll_both_until(&mut first, &mut second, |_, event| {
        match event {
            DecideEvent::Revoked { partitions } => revoked.extend(partitions),
            other => panic!("{other:?}"),
        }
        true
    });
    assert_eq!(revoked.len(), 2);
    let held_until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < held_until {
        assert!(first.poll(Duration::from_millis(20)).unwrap().is_empty());
        assert!(
            second.poll(Duration::from_millis(20)).unwrap().is_empty(),
            "given away before it was released"
        );
    }
    let batches: Vec<Batch> = revoked
        .iter()
        .map(|p| Batch { partition: *p, next_offset: 50, records: vec![output(*p, 50)] })
        .collect();
    assert_eq!(first.commit(&batches).unwrap(), CommitOutcome::Committed);
    first.release(&revoked).unwrap();

    let mut assigned = Vec::new();
    poll_both_until(&mut second, &mut first, |log, event| {
        match event {
            DecideEvent::Assigned { partition, committed } => {
                assert_eq!(committed, Some(50), "what was settled on revocation is seen by the next owner");
                log.start(partition, 40).unwrap();
                assigned.push(partition);
            }
            DecideEvent::Record { offset, .. } => assert!(offset >= 40),
            other => panic!("{other:?}"),
        }
        assigned.len() == 2
    });
    assigned.sort_unstable();
    revoked.sort_unstable();
    assert_eq!(assigned, revoked);

    // Both still work, the first under its new generation.
    let kept = (0..4).find(|p| !revoked.contains(p)).unwrap();
    let batch = Batch { partition: kept, next_offset: 50, records: vec![output(kept, 50)] };
    assert_eq!(first.commit(&[batch]).unwrap(), CommitOutcome::Committed);
    let batch = Batch { partition: revoked[0], next_offset: 50, records: vec![output(revoked[0], 51)] };
    assert_eq!(second.commit(&[batch]).unwrap(), CommitOutcome::Committed);
    assert_eq!(cluster.values("dispositions").len(), 4);
    let progress = first.progress().unwrap();
    assert_eq!(progress.iter().filter(|p| p.committed == Some(50) && p.end == 50).count(), 3);
    second.close();
    first.close();
}

#[test]
fn a_worker_shut_out_by_a_newer_life_commits_nothing() {
    let cluster = Cluster::with_topics(1);
    cluster.write_facts(0, [b"x".to_vec()]);
    let mut old = cluster.worker("a", "t");
    poll_until(&mut old, |log, event| match event {
        DecideEvent::Assigned { partition, .. } => {
            log.start(partition, 0).unwrap();
            false
        }
        DecideEvent::Record { .. } => true,
        other => panic!("{other:?}"),
    });
    let mut new = cluster.worker("a", "t");
    poll_until(&mut new, |log, event| match event {
        DecideEvent::Assigned { partition, committed } => {
            assert_eq!(committed, None);
            log.start(partition, 0).unwrap();
            false
        }
        DecideEvent::Record { .. } => true,
        other => panic!("{other:?}"),
    });
    let batch = |number| Batch { partition: 0, next_offset: 1, records: vec![output(0, number)] };
    assert_eq!(old.commit(&[batch(1)]).unwrap(), CommitOutcome::Settled { committed: vec![(0, None)] });
    // The old one's new producer has now shut out the new one's, which notices and makes another.
    assert_eq!(new.commit(&[batch(2)]).unwrap(), CommitOutcome::Settled { committed: vec![(0, None)] });
    assert_eq!(new.commit(&[batch(2)]).unwrap(), CommitOutcome::Committed);
    assert_eq!(cluster.values("dispositions"), vec![b"0:2".to_vec()]);
    assert!(old.poll(Duration::from_secs(5)).is_err(), "two live processes must not share an instance id");
    old.close();
    new.close();
}
