//! What the endpoint makes of what deciding tells.

use super::*;
use crate::decide::view::Change;
use crate::engine::base::Token;
use crate::engine::disposition::{DispositionId, EndCause};
use crate::engine::measure::Lane;
use crate::engine::subject::SubjectKind;

fn endpoint() -> Endpoint {
    let config = Config::load(None, &["http.listen=\"\"".to_owned()]).unwrap();
    Endpoint::open(&config, None).unwrap()
}

fn standing(partition: u32) -> Standing {
    let tally = Tally { facts_applied: 9, ..Tally::default() };
    Standing {
        partition,
        next_offset: 4,
        partition_time: TimeMs(1_000),
        newest_time: TimeMs(2_000),
        next_timer: Some(TimeMs(1_500)),
        is_live: true,
        tally,
    }
}

#[test]
fn a_process_is_ready_when_all_that_is_assigned_is_restored() {
    let endpoint = endpoint();
    let observer = endpoint.observer();
    assert!(!endpoint.health.is_ready());
    observer.assigned(0);
    observer.assigned(1);
    observer.restored(0, 0, 0, Duration::ZERO);
    assert!(!endpoint.health.is_ready());
    observer.restored(1, 0, 0, Duration::ZERO);
    assert!(endpoint.health.is_ready());
    observer.failed(1);
    assert!(!endpoint.health.is_ready());
}

#[test]
fn a_partition_has_recovered_when_it_is_back_where_its_last_commit_was() {
    let endpoint = endpoint();
    let observer = endpoint.observer();
    let is = |value: u8| {
        endpoint
            .metrics
            .text()
            .contains(&format!("duecourse_partition_recovered{{partition=\"3\"}} {value}\n"))
    };
    observer.assigned(3);
    observer.snapshot_found(3, TimeMs(7_000));
    observer.restored(3, 2, 4, Duration::ZERO);
    assert!(is(0) && !endpoint.health.is_ready() && !endpoint.health.is_started(), "it replays");
    observer.advanced(Standing { next_offset: 3, ..standing(3) }, None);
    assert!(is(0) && !endpoint.health.is_ready());
    observer.advanced(standing(3), None);
    assert!(is(1) && endpoint.health.is_ready() && endpoint.health.is_started());
    let text = endpoint.metrics.text();
    assert!(text.contains("duecourse_recovery_duration_seconds_count 1\n"), "{text}");
    assert!(text.contains("duecourse_snapshot_timestamp_seconds{partition=\"3\"} 7\n"), "{text}");

    observer.failed(3);
    observer.advanced(standing(3), None);
    let text = endpoint.metrics.text();
    assert!(text.contains("duecourse_partition_stopped{partition=\"3\"} 1\n") && !endpoint.health.is_ready());
}

#[test]
fn lag_grows_while_nothing_happens() {
    let config = Config::load(None, &["http.listen=\"127.0.0.1:0\"".to_owned()]).unwrap();
    let endpoint = Endpoint::open(&config, None).unwrap();
    let observer = endpoint.observer();
    observer.assigned(4);
    observer.advanced(standing(4), None);
    let address = endpoint._server.as_ref().unwrap().address();
    let shown = || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        std::io::Write::write_all(&mut stream, b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.starts_with(&format!("{name}{{partition=\"4\"}} ")));
            line.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap()
        };
        (value("duecourse_covered_lag_seconds"), value("duecourse_timer_lag_seconds"))
    };
    // The loop does not come round, as when brokers are away.
    let (covered, timers) = shown();
    assert!(covered > timers && timers > 1e9, "since 1970: {covered} {timers}");
    std::thread::sleep(Duration::from_millis(5));
    let later = shown();
    assert!(later.0 > covered && later.1 > timers);
}

#[test]
fn outcomes_latencies_and_standings_reach_the_metrics() {
    let endpoint = endpoint();
    let observer = endpoint.observer();
    observer.assigned(2);
    observer.advanced(standing(2), None);
    observer.settled(2, Outcome::Committed, 5, &[(TimeMs(0), 3), (TimeMs(0), 1)]);
    observer.settled(2, Outcome::Resent, 0, &[]);
    observer.transaction(Duration::from_millis(3));
    observer.snapshot(2, Some(100));
    let text = endpoint.metrics.text();
    for line in [
        "duecourse_facts_total{outcome=\"applied\"} 9",
        "duecourse_transactions_total{outcome=\"committed\"} 1",
        "duecourse_transactions_total{outcome=\"resent\"} 1",
        "duecourse_end_to_end_latency_seconds_count 2",
        "duecourse_transaction_duration_seconds_count 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("duecourse_snapshot_timestamp_seconds{partition=\"2\"}"));
    observer.released(2);
    assert!(!endpoint.metrics.text().contains("partition=\"2\""));
}

fn measure(appeal: u64, purpose: Purpose) -> Measure {
    Measure {
        id: DispositionId(u128::from(appeal)),
        subject: Subject::new(SubjectKind::Account, Token(5)),
        holder: Token(6),
        appeal: AppealRef::from_bits(appeal),
        lane: Lane::Anomaly,
        purpose,
        rule: "pass_through_hours".to_owned(),
        rule_version: 1,
        measure: "account_verify_transaction",
        at: TimeMs(0),
        disposition: format!("{{\"n\":{appeal}}}").into_bytes().into(),
        extended: None,
        ended: None,
    }
}

#[test]
fn the_view_shows_what_may_be_reviewed_and_how_it_ended() {
    let view = Arc::new(ReadView::default());
    let set = |appeal, purpose| Change::Set(Box::new(measure(appeal, purpose)));
    view.publish(0, vec![set(1, Purpose::ANTI_FRAUD), set(2, Purpose::AML)]);
    let reviewed = Reviewed(Arc::clone(&view));
    let subject = Subject::new(SubjectKind::Account, Token(5));
    assert_eq!(reviewed.in_force(subject), vec![b"{\"n\":1}".to_vec()]);
    assert_eq!(reviewed.disposition(AppealRef::from_bits(2)), None);
    let open = reviewed.disposition(AppealRef::from_bits(1)).unwrap();
    assert_eq!(open, b"{\"disposition\":{\"n\":1},\"ended\":null}");

    let disposition = b"{\"e\":1}".as_slice().into();
    let ended = Change::Ended { appeal: AppealRef::from_bits(1), cause: EndCause::Overturned, disposition };
    view.publish(0, vec![ended]);
    assert!(reviewed.in_force(subject).is_empty());
    let open = reviewed.disposition(AppealRef::from_bits(1)).unwrap();
    assert_eq!(open, b"{\"disposition\":{\"n\":1},\"ended\":{\"e\":1}}");
}

#[test]
fn an_address_in_use_is_no_reason_not_to_work() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let set = format!("http.listen=\"{}\"", taken.local_addr().unwrap());
    let config = Config::load(None, &[set]).unwrap();
    assert!(Endpoint::open(&config, None).unwrap()._server.is_none());
}
