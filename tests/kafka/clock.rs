//! The broker's clock as its acknowledgements tell it: what intake dates the read-through of a drained
//! source by, so that this machine's own clock may jump.

use std::ops::ControlFlow;

use duecourse::log::kafka::read_topic;

use crate::cluster::Cluster;

#[test]
fn the_broker_s_clock_lies_between_the_last_record_and_the_next() {
    let cluster = Cluster::with_topics(1);
    let mut producer = cluster.producer();
    assert_eq!(producer.broker_time_ms(), None, "nothing was acknowledged yet");
    let mut clocks = Vec::new();
    for number in 0..5 {
        cluster.write_facts_by(&mut producer, 0, [vec![number]]);
        clocks.push(producer.broker_time_ms().expect("facts are timed by the broker"));
    }
    let mut appended = Vec::new();
    read_topic(&cluster.connection, &cluster.topic("facts"), &mut |record| {
        appended.push(record.timestamp_ms);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(appended.len(), 5);
    assert!(
        appended.iter().zip(&clocks).all(|(appended, clock)| appended <= clock),
        "{appended:?} {clocks:?}"
    );
    assert!(clocks.iter().zip(&appended[1..]).all(|(clock, next)| clock <= next), "{appended:?} {clocks:?}");
}
